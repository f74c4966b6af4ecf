"""Random-word nulls of the bias metrics: gender words as given, neutral words random.

Each returns the metric of ``draws`` sets of ``n`` random words, shape ``(draws,)``, with the
metric's own functions and in its units; :func:`~debiaslab.metrics.null_band.null_band` sums them
up. What a word is to the metric is computed once, before anything is drawn, so 10,000 sets take a
few hundredths of a second. The words to draw from come from
:func:`~debiaslab.metrics.null.random_words`, with gender words left out; the fixed words of a
metric are never drawn.

A set for which the metric is undefined is NaN. All raise NotMeasuredError where the metric itself
has a reason not to be measured, when there are too few words to draw, or when most sets are NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.lexicons.sembias import SemBiasRow
from debiaslab.metrics.correlation import pearson_rows
from debiaslab.metrics.direct_bias import Method, Pair, gender_direction
from debiaslab.metrics.ect import coherence, ect_similarities
from debiaslab.metrics.mac import mac_distances
from debiaslab.metrics.measured import FLOAT32_NOISE, MIN_WORDS, NotMeasuredError
from debiaslab.metrics.null import (
    BLOCK,
    DRAWS,
    RandomWords,
    difference_of_means,
    disjoint,
    mean,
    null_from,
    require_defined,
)
from debiaslab.metrics.ripa import Relation, relation_vector, ripa_scores
from debiaslab.metrics.rnd import Distance, rnd_of, rnd_scores
from debiaslab.metrics.rnsb import (
    HOLDOUT,
    REPEATS,
    by_word,
    divergence_from_uniform,
    negative_probabilities,
    train,
)
from debiaslab.metrics.same import Method as SameMethod
from debiaslab.metrics.same import bias_space, same_scores
from debiaslab.metrics.sc_weat import single_category
from debiaslab.metrics.sembias import pairs_and_axes, won_by, words_of
from debiaslab.metrics.sentiment import PLEASANT, UNPLEASANT
from debiaslab.metrics.vocabulary import find, row_of, unit_rows
from debiaslab.metrics.word_sets import FoundSets, WordSets, find_sets, in_order, union

_S = TypeVar("_S", bound=np.generic)
Array = NDArray[np.float64]

RNSB_DRAWS = 1_000


def weat_null(
    words: RandomWords,
    A: Sequence[str],
    B: Sequence[str],
    sizes: Sequence[int],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Array:
    """Return the signed WEAT statistic ``s`` of random targets; ``sizes`` are ``(n_x, n_y)``."""
    attributes = [find(words.embeddings, listed) for listed in (A, B)]
    if not all(each.rows for each in attributes):
        raise NotMeasuredError("no attribute word is in the vectors, so there is no null")
    a, b = (unit_rows(words.embeddings, each.rows) for each in attributes)
    scores = words.cosines(a.mean(axis=0) - b.mean(axis=0))
    scores = words.but(scores, attributes[0].rows + attributes[1].rows)
    return null_from(difference_of_means, scores, sizes, draws=draws, seed=seed)


def direct_bias_null(
    words: RandomWords,
    pairs: Sequence[Pair],
    n: int,
    *,
    c: float = 1.0,
    method: Method = "pca",
    draws: int = DRAWS,
    seed: int = 0,
) -> Array:
    """Return the direct bias of random words with the direction of ``pairs``."""
    direction = gender_direction(words.embeddings, pairs, method=method)
    scores = np.abs(words.cosines(direction)) ** c
    return null_from(mean, _but(words, scores, union(pairs)), (n,), draws=draws, seed=seed)


def ripa_null(
    words: RandomWords,
    pairs: Sequence[Pair],
    n: int,
    *,
    unit: bool = False,
    relation: Relation = "pca",
    draws: int = DRAWS,
    seed: int = 0,
) -> Array:
    """Return RIPA (the mean size of the associations) of random words."""
    known = [[row_of(words.embeddings, word) for word in pair] for pair in pairs]
    complete = sorted({(x, y) for x, y in known if x is not None and y is not None})
    if not complete:
        raise NotMeasuredError(f"0 of {len(pairs)} pairs have both words in the vectors")
    first, second = (_rows(words, (pair[side] for pair in complete), unit=unit) for side in (0, 1))
    direction = relation_vector(first - second, relation)
    scores = np.abs(words.scores(partial(ripa_scores, direction=direction), unit=unit))
    return null_from(mean, _but(words, scores, union(pairs)), (n,), draws=draws, seed=seed)


def mac_null(
    words: RandomWords, attributes: WordSets, n: int, *, draws: int = DRAWS, seed: int = 0
) -> Array:
    """Return the mean average cosine distance of random words to the attribute sets."""
    sets = _sets(words, attributes)
    scores = mac_distances(words.unit, sets.unit_means(words.embeddings)).mean(axis=1)
    return null_from(mean, _but(words, scores, union(attributes)), (n,), draws=draws, seed=seed)


def ect_null(
    words: RandomWords, attributes: WordSets, n: int, *, draws: int = DRAWS, seed: int = 0
) -> Array:
    """Return the embedding coherence (Spearman's ρ between groups) of random words."""
    sets = _sets(words, attributes)
    scores = ect_similarities(words.unit, sets.unit_means(words.embeddings))
    scores = _but(words, scores, union(attributes))
    return null_from(_mean_coherence, scores, (n,), draws=draws, seed=seed)


def rnd_null(
    words: RandomWords,
    attributes: WordSets,
    n: int,
    *,
    distance: Distance = "norm",
    unit: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
) -> Array:
    """Return the relative norm distance of random words."""
    sets = _sets(words, attributes)
    means = np.array([_rows(words, in_order(each), unit=unit).mean(axis=0) for each in sets.found])
    scores = words.scores(partial(rnd_scores, means=means, distance=distance), unit=unit)
    scores = _but(words, scores, union(attributes))
    return null_from(_rnd_of_means, scores, (n,), draws=draws, seed=seed)


def same_null(
    words: RandomWords,
    attributes: WordSets,
    n: int,
    *,
    method: SameMethod = "published",
    draws: int = DRAWS,
    seed: int = 0,
) -> Array:
    """Return SAME of random words."""
    sets = _sets(words, attributes)
    scores = same_scores(words.unit, bias_space(sets.unit_means(words.embeddings), method))
    return null_from(mean, _but(words, scores, union(attributes)), (n,), draws=draws, seed=seed)


def rnsb_null(
    words: RandomWords,
    n: int,
    positive: Sequence[str] = PLEASANT,
    negative: Sequence[str] = UNPLEASANT,
    *,
    unit: bool = False,
    repeats: int = REPEATS,
    holdout: float = HOLDOUT,
    C: float = 1.0,
    draws: int = RNSB_DRAWS,
    seed: int = 0,
) -> Array:
    """Return the relative negative sentiment bias of random words, by classifiers trained once.

    ``seed`` is that of the splits and of the draws; fewer draws than elsewhere, for every word has
    as many probabilities as there are splits.
    """
    classes = FoundSets(
        ("positive", "negative"),
        (find(words.embeddings, positive), find(words.embeddings, negative)),
    )
    classes.require(MIN_WORDS)
    good, bad = (_rows(words, by_word(each), unit=unit) for each in classes.found)
    trained = train(good, bad, repeats=repeats, holdout=holdout, C=C, seed=seed)
    scores = words.scores(lambda rows: negative_probabilities(rows, trained).T, unit=unit)
    scores = _but(words, scores, (*positive, *negative))
    return null_from(_mean_divergence, scores, (n,), draws=draws, seed=seed)


def sc_weat_null(
    words: RandomWords,
    A: Sequence[str],
    B: Sequence[str],
    n: int,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Array:
    """Return SC-WEAT (the mean size of ``d(w)``) of random words.

    As in the metric, a word without spread does not count in the mean of its set.
    """
    groups = _sets(words, {"A": A, "B": B})
    effects = np.abs(single_category(words.unit, *groups.unit(words.embeddings))[1])
    effects = _but(words, effects, union((A, B)))
    return null_from(_mean_of_defined, effects, (n,), draws=draws, seed=seed)


def bias_by_projection_null(
    words: RandomWords, pairs: Sequence[Pair], n: int, *, draws: int = DRAWS, seed: int = 0
) -> Array:
    """Return the mean signed projection of random words on the direction of ``pairs``."""
    scores = words.cosines(gender_direction(words.embeddings, pairs))
    return null_from(mean, _but(words, scores, union(pairs)), (n,), draws=draws, seed=seed)


def indirect_bias_null(
    words: RandomWords, pairs: Sequence[Pair], n: int, *, draws: int = DRAWS, seed: int = 0
) -> Array:
    """Return the weighted mean of β within sets of random words, see ``indirect_bias_within``.

    A set's sum of cosines is the squared length of its sum less ``n``, so no cosine is made:
    ``Σ w⊥ / ‖w⊥‖`` is ``Σ q w − g Σ q (w · g)`` with ``q = 1 / ‖w⊥‖``. Of a word on the direction
    itself nothing is left without it, so a set that holds one is NaN, as in the metric.
    """
    direction = gender_direction(words.embeddings, pairs)
    along = words.unit @ direction
    rest = 1 - along**2
    usable = rest > FLOAT32_NOISE**2
    scale = np.where(usable, 1 / np.sqrt(np.where(usable, rest, 1.0)), np.nan)
    weights = np.stack([np.ones(len(scale)), scale])
    places = _but(words, np.arange(len(scale), dtype=np.float64), union(pairs))

    def shared(drawn: Array) -> Array:
        betas = np.full(len(drawn), np.nan)
        for i, row in enumerate(drawn.astype(np.intp)):  # one set stays in the processor's cache
            whole, scaled = weights[:, row] @ words.unit[row]
            part = float(along[row] @ scale[row])
            cosines = float(whole @ whole) - n
            if cosines > FLOAT32_NOISE * n**2:
                betas[i] = (cosines - (float(scaled @ scaled) - part**2 - n)) / cosines
        return betas

    return null_from(shared, places, (n,), draws=draws, seed=seed)


def sembias_null(
    words: RandomWords, rows: Sequence[SemBiasRow], *, draws: int = DRAWS, seed: int = 0
) -> Array:
    """Return the three shares of SemBias with two random words in the place of *he* and *she*.

    Here the words of the questions stay and the gender words are random; shape ``(draws, 3)``.
    """
    complete = [
        row
        for row in rows
        if all(row_of(words.embeddings, word) is not None for word in words_of(row))
    ]
    if len(complete) < MIN_WORDS:
        raise NotMeasuredError(f"{len(complete)} of {len(rows)} rows are in the vectors")
    asked = (word for row in complete for word in words_of(row))
    left = _but(words, np.arange(len(words.rows)), asked)
    if len(left) < 2:
        raise NotMeasuredError(f"a null needs 2 words, {len(left)} are left")
    drawn = left[disjoint(len(left), 2, draws, np.random.default_rng(seed))]
    differences = words.unit[drawn[:, 0]] - words.unit[drawn[:, 1]]
    lengths = np.linalg.norm(differences, axis=1)
    same = lengths <= FLOAT32_NOISE  # two words of one vector have no difference
    place, axes = pairs_and_axes(words.embeddings, complete)
    cosines = (differences / np.where(same, 1.0, lengths)[:, None]) @ axes.T
    step = max(1, BLOCK // place.size)
    shares = np.concatenate(
        [_shares_won(cosines[start : start + step], place) for start in range(0, draws, step)]
    )
    shares[same] = np.nan
    require_defined(shares[:, 0])
    return shares


def _shares_won(cosines: Array, place: NDArray[np.intp]) -> Array:
    """Return the three shares of each of ``b`` axes, ``(b, 3)``, from its cosine to every pair."""
    rows = cosines[:, place.T]  # rows beside each other: numpy is slow along an axis of four
    shares: Array = won_by(rows.transpose(0, 2, 1)).mean(axis=1)
    return shares


def factual_null(
    words: RandomWords,
    women: Sequence[float],
    pairs: Sequence[Pair],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Array:
    """Return Pearson's r of the given shares of women with random words in place of occupations."""
    scores = -words.cosines(gender_direction(words.embeddings, pairs))
    shares = np.asarray(women, dtype=np.float64)
    return null_from(
        lambda drawn: _correlation(drawn, shares),
        _but(words, scores, union(pairs)),
        (len(shares),),
        draws=draws,
        seed=seed,
    )


def _but(words: RandomWords, scores: NDArray[_S], fixed: Iterable[str]) -> NDArray[_S]:
    return words.but(scores, find(words.embeddings, fixed).rows)


def _sets(words: RandomWords, attributes: WordSets) -> FoundSets:
    sets = find_sets(words.embeddings, attributes)
    sets.require()
    return sets


def _rows(words: RandomWords, rows: Iterable[int], *, unit: bool) -> Array:
    if unit:
        return unit_rows(words.embeddings, rows)
    raw: Array = words.embeddings.vectors[list(rows)].astype(np.float64)
    return raw


def _mean_of_defined(scores: Array) -> Array:
    """Mean of the scores of each set that are numbers, ``(b, n) → (b,)``; NaN where none is."""
    defined = np.isfinite(scores)
    counts = defined.sum(axis=1)
    means = np.full(len(scores), np.nan)
    np.divide(np.where(defined, scores, 0.0).sum(axis=1), counts, out=means, where=counts > 0)
    return means


def _correlation(scores: Array, shares: Array) -> Array:
    """Pearson's r, ``(b, n) → (b,)``; NaN where all words lean the same way, up to rounding."""
    return np.where(scores.std(axis=1) > FLOAT32_NOISE, pearson_rows(scores, shares), np.nan)


def _mean_coherence(similarities: Array) -> Array:
    """Mean of ECT over every two groups; NaN where all words are equally near to one, as there."""
    means: Array = coherence(similarities).mean(axis=-1)
    spreads = np.ptp(similarities, axis=1).min(axis=-1)
    return np.where(spreads > FLOAT32_NOISE, means, np.nan)


def _rnd_of_means(scores: Array) -> Array:
    return np.asarray(rnd_of(mean(scores)))


def _mean_divergence(probabilities: Array) -> Array:
    """Mean over splits, ``(b, n, splits) → (b,)``."""
    means: Array = divergence_from_uniform(probabilities.transpose(0, 2, 1)).mean(axis=1)
    return means
