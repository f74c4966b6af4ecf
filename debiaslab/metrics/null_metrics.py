"""Random-word nulls of the bias metrics: gender words as given, neutral words random.

Each returns the metric of ``draws`` sets of ``n`` random words, shape ``(draws,)``, with the
metric's own functions and in its units; :func:`~debiaslab.metrics.null_band.null_band` sums them
up. What a word is to the metric is computed once, before anything is drawn, so 10,000 sets take a
few hundredths of a second. The words to draw from come from
:func:`~debiaslab.metrics.null.random_words`, with gender words left out; the fixed words of a
metric are never drawn.

All raise NotMeasuredError where the metric itself has a reason not to be measured, or when there
are too few words to draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.direct_bias import Method, Pair, gender_direction
from debiaslab.metrics.ect import coherence, ect_similarities
from debiaslab.metrics.mac import mac_distances
from debiaslab.metrics.measured import MIN_WORDS, NotMeasuredError
from debiaslab.metrics.null import DRAWS, RandomWords, difference_of_means, mean, null_from
from debiaslab.metrics.ripa import Relation, relation_vector, ripa_scores
from debiaslab.metrics.rnd import Distance, rnd_of, rnd_scores
from debiaslab.metrics.rnsb import (
    HOLDOUT,
    REPEATS,
    divergence_from_uniform,
    negative_probabilities,
    train,
)
from debiaslab.metrics.same import Method as SameMethod
from debiaslab.metrics.same import bias_space, same_scores
from debiaslab.metrics.sentiment import PLEASANT, UNPLEASANT
from debiaslab.metrics.vocabulary import find, row_of, unit_rows
from debiaslab.metrics.word_sets import FoundSets, WordSets, find_sets, in_order, union

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
    scores = np.abs(ripa_scores(words.unit if unit else words.raw, direction))
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
    scores = rnd_scores(words.unit if unit else words.raw, means, distance=distance)
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
    good, bad = (_rows(words, in_order(each), unit=unit) for each in classes.found)
    trained = train(good, bad, repeats=repeats, holdout=holdout, C=C, seed=seed)
    scores = negative_probabilities(words.unit if unit else words.raw, trained).T
    scores = _but(words, scores, (*positive, *negative))
    return null_from(_mean_divergence, scores, (n,), draws=draws, seed=seed)


def _but(words: RandomWords, scores: Array, fixed: Iterable[str]) -> Array:
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


def _mean_coherence(similarities: Array) -> Array:
    means: Array = coherence(similarities).mean(axis=-1)
    return means


def _rnd_of_means(scores: Array) -> Array:
    return np.asarray(rnd_of(mean(scores)))


def _mean_divergence(probabilities: Array) -> Array:
    """Mean over splits, ``(b, n, splits) → (b,)``."""
    means: Array = divergence_from_uniform(probabilities.transpose(0, 2, 1)).mean(axis=1)
    return means
