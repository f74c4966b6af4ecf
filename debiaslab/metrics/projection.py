"""Metrics along the direction that pairs give: direct and indirect bias, projection, RIPA."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, require_known
from debiaslab.lexicons import Attribute, Half, load
from debiaslab.metrics.cases import Case, attribute_against_pairs, gender_pairs
from debiaslab.metrics.null import DRAWS, QUANTILE, RandomWords, null_from
from debiaslab.metrics.registry import list_metric
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    MIN_PAIRS,
    FoundPairs,
    Method,
    Pair,
    Result,
    find,
    find_pairs,
    gender_direction,
    pair_turn,
    require_directions,
    require_enough,
    rows_of,
    shortlist,
    union,
    unit_rows,
)
from debiaslab.metrics.word_metric import Look, Score, mean_size, metric
from debiaslab.statistics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample_counts,
)
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]
Relation = Literal["pca", "mean"]


def _pairs(
    embeddings: Embeddings, case: Case, drawn: RandomWords
) -> Mapping[str, float | str | None]:
    """Say what the direction rests on, see ``pair_turn`` and ``pair_closeness``."""
    pairs: Any = case.against
    turn = pair_turn(embeddings, pairs)
    return {
        "pair_distance": None if turn is None else turn.distance,
        "turn_pair": None if turn is None else "/".join(turn.pair),
        "turn_degrees": None if turn is None else turn.degrees,
        **pair_closeness(embeddings, pairs, drawn),
    }


_CLOSENESS = ("pair_cosine", "pair_agreement")


def pair_closeness(
    embeddings: Embeddings,
    pairs: Sequence[Pair],
    drawn: RandomWords,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Mapping[str, float | None]:
    """Say how near the two words of a pair are, and how much the pairs' differences agree.

    A direction has length 1 however little is left between the words of its pairs. Where their
    differences agree no more than those of random pairs do, that direction is noise, and so is
    what is measured along it and divided by its size.

    Args:
        pairs: Definitional pairs; one with an unknown word is left out whole.
        drawn: The words that random pairs are made of.

    Returns:
        ``pair_cosine``: mean cosine of the two words; ``pair_agreement``: length of the mean
        difference of unit vectors over their mean length, 1 where all are alike;
        ``random_pair_cosine``: the median of as many random pairs; ``random_pair_agreement``: their
        95 % quantile. All are None with fewer than two pairs, or words without a vector.
    """
    found = find_pairs(embeddings, pairs).distinct
    names = (*_CLOSENESS, *(f"random_{name}" for name in _CLOSENESS))
    if len(found) < MIN_PAIRS:
        return dict.fromkeys(names)
    try:
        first, second = (unit_rows(embeddings, side) for side in zip(*found, strict=True))
        sizes = (len(found), len(found))
        cosines = null_from(_cosine, drawn.unit, sizes, draws=draws, seed=seed)
        agreements = null_from(_agreement, drawn.unit, sizes, draws=draws, seed=seed)
    except NotMeasuredError:
        return dict.fromkeys(names)
    own = [float(each(first[None], second[None])[0]) for each in (_cosine, _agreement)]
    random = [float(np.median(cosines)), float(np.quantile(agreements, QUANTILE))]
    return dict(zip(names, (*own, *random), strict=True))


def _cosine(first: Array, second: Array) -> Array:
    """Mean cosine of the pairs of each collection, ``(b, n, d) → (b,)``."""
    cosines: Array = np.einsum("bnd,bnd->bn", first, second).mean(axis=1)
    return cosines


def _agreement(first: Array, second: Array) -> Array:
    """Length of the mean difference over the mean length, 0 where nothing differs."""
    differences = first - second
    lengths = np.linalg.norm(differences, axis=-1).mean(axis=1)
    means = np.linalg.norm(differences.mean(axis=1), axis=-1)
    return np.divide(means, lengths, out=np.zeros_like(means), where=lengths > FLOAT32_NOISE)


@metric(
    "direct_bias",
    title="direct bias",
    citation="Bolukbasi et al. 2016, NeurIPS, section 5.2",
    against="direction",
    better="lower",
    family="geometry",
    extra=lambda result, case: {"pairs": result.pairs},
    beside=_pairs,
)
def direct_bias(
    embeddings: Embeddings, pairs: FoundPairs, *, c: float = 1.0, method: Method = "pca"
) -> Score:
    """Mean of ``|cos(w, g)|^c`` over words, ``g`` the direction that definitional pairs give.

    ``c`` is the strictness, 1 in the paper; ``method`` how ``g`` is made, see
    ``gender_direction``. A result has ``pairs``, how many have both words.
    """
    direction = gender_direction(embeddings, pairs, method=method)
    return lambda rows: np.abs(rows @ direction) ** c


@metric(
    "raw_direct_bias",
    title="raw direct bias",
    citation="Caliskan, Bryson & Narayanan 2017, Science 356:183–186 (s of one word), for pairs",
    against="pairs",
    better="lower",
    family="geometry",
    value=mean_size,
    extra=lambda result, case: {"pairs": result.pairs},
)
def raw_direct_bias(embeddings: Embeddings, pairs: FoundPairs) -> Score:
    """Mean of ``|mean over pairs of (cos(w, m) − cos(w, f))|`` over words, in cosine units.

    What direct bias is before it is divided by how far the words of its pairs are apart: it falls
    to 0 where a strategy draws *he* and *she* together, while direct bias becomes that of a random
    direction. Of two spaces compare this one. A result has ``pairs``.
    """
    first, second = (unit_rows(embeddings, side) for side in zip(*pairs.distinct, strict=True))
    contrast = (first - second).mean(axis=0)
    return lambda rows: rows @ contrast


@metric(
    "bias_by_projection",
    title="projection",
    citation="Bolukbasi et al. 2016, NeurIPS, section 5.1",
    against="direction",
    better="near 0",
    family="geometry",
    all_missing=False,
    about=lambda look: _projections(look),
    extra=lambda result, case: {} if case.attribute else {"positive": "male"},
    numbers={"words": (), "projections": ()},
)
def bias_by_projection(
    embeddings: Embeddings, pairs: FoundPairs, *, method: Method = "pca"
) -> Score:
    """Mean of ``cos(w, g)`` over words: positive toward the first words of the pairs.

    The word-level quantity whose size direct bias averages, and on which the tests of Gonen &
    Goldberg (2019) and the factual association build. Exchanging the sides of every pair negates
    every number. A result has ``words`` and their ``projections``.
    """
    direction = gender_direction(embeddings, pairs, method=method)
    return lambda rows: rows @ direction


def _projections(look: Look) -> Mapping[str, Any]:
    places = list(look.places.values())
    return {"words": tuple(look.places), "projections": tuple(look.scores[places].tolist())}


def _signed(look: Look) -> Mapping[str, Any]:
    found = _projections(look)
    words = tuple(zip(found["words"], found["projections"], strict=True))
    return {"signed": float(look.scores.mean()), "words": words}


@metric(
    "ripa",
    title="RIPA",
    citation="Ethayarajh, Duvenaud & Hirst 2019, ACL, section 4",
    against="pairs",
    better="lower",
    value=mean_size,
    unit=False,
    numbers={"signed": None, "words": ()},
    about=_signed,
    extra=lambda result, case: {"signed": result.signed, "pairs": result.pairs},
)
def ripa(
    embeddings: Embeddings, pairs: FoundPairs, *, unit: bool = False, relation: Relation = "pca"
) -> Score:
    """Mean size of ``w · b`` over words, ``b`` the direction that relates the pairs.

    ``unit`` scales every vector to length 1 first: then an association is a cosine. Without, as in
    the paper, it carries the length of the word's vector, and values of two spaces compare only
    where the lengths do. ``relation``: with ``"pca"`` ``b`` is the first principal component of the
    differences (the paper); with ``"mean"`` the associations with every pair's own unit difference
    are averaged (what WEFE does). A result has ``signed``, the mean with its sign (positive: toward
    the first words), ``words`` and their associations, and ``pairs``.
    """
    require_known(relation, get_args(Relation), f"unknown relation {relation!r} for RIPA")
    if not pairs.rows:
        raise NotMeasuredError(f"0 of {len(pairs.pairs)} pairs have both words in the vectors")
    sides = zip(*pairs.distinct, strict=True)
    first, second = (rows_of(embeddings, side, unit=unit) for side in sides)
    direction = relation_vector(first - second, relation)
    return lambda rows: rows @ direction


ripa_normalised = ripa.variant("ripa_normalised", title="RIPA, normalised", unit=True)


def relation_vector(differences: Array, relation: Relation = "pca") -> Array:
    """Return the relation vector of differences ``x − y``, shape ``(pairs, d)``.

    ``"pca"``: of length 1, pointing as the mean difference does. ``"mean"``: the mean of the unit
    differences, not of length 1, so that a product with it is the mean of the products.

    Raises:
        NotMeasuredError: The words of the pairs do not differ.
    """
    lengths = np.linalg.norm(differences, axis=1)
    if (lengths <= FLOAT32_NOISE * max(1.0, float(lengths.max()))).any():
        raise NotMeasuredError("the two words of a pair have the same vector")
    if relation == "mean":
        return np.asarray((differences / lengths[:, None]).mean(axis=0))
    _, _, axes = np.linalg.svd(differences, full_matrices=False)
    sign = -1.0 if float(axes[0] @ differences.mean(axis=0)) < 0 else 1.0
    return np.asarray(sign * axes[0])


# Indirect bias ----------------------------------------------------------------------------------

Matrix = NDArray[np.float64]

STEREOTYPED = ("occupations_male", "occupations_female")
_DRAWS = 500  # of a record's null, which needs the vectors of every word drawn


@dataclass(frozen=True)
class IndirectBias(Result):
    """β, the share of a similarity that is due to gender.

    It is not bounded: negative where gender hides a similarity, and large where a cosine is near 0.

    Attributes:
        similarity: Cosine of the two words, of which β is the share; of a list of words the mean
            over their pairs, which weigh by their cosines.
    """

    similarity: float | None = None


def indirect_bias(
    embeddings: Embeddings, w: str, v: str, pairs: Sequence[Pair], *, method: Method = "pca"
) -> IndirectBias:
    """Return ``β(w, v) = (w·v − w⊥·v⊥ / (‖w⊥‖ ‖v⊥‖)) / (w·v)`` for two words.

    ``w`` and ``v`` are unit vectors, ``w⊥ = w − (w·g) g`` what is left of one without the gender
    direction ``g``. β is symmetric, and 0 where gender plays no part in the similarity.

    Args:
        w: One word.
        v: The other.
        pairs: Definitional pairs ``(male, female)`` that give ``g``; their order has no influence.

    Returns:
        A result whose ``reason`` is set when a word is missing or all zeros, there are fewer than
        2 pairs, a word lies on ``g`` itself, or the cosine is 0, so that there is nothing to share.
    """
    return indirect_biases(embeddings, [w], v, pairs, method=method)[0]


def indirect_biases(
    embeddings: Embeddings,
    words: Sequence[str],
    v: str,
    pairs: Sequence[Pair],
    *,
    method: Method = "pca",
) -> tuple[IndirectBias, ...]:
    """Return β(w, v) of each word of a list against one word, in the order of the list.

    Arguments and reasons as in :func:`indirect_bias`.
    """
    try:
        direction = gender_direction(embeddings, pairs, method=method)
    except NotMeasuredError as problem:
        return tuple(IndirectBias(reason=str(problem)) for _ in words)
    return tuple(_one(embeddings, w, v, direction) for w in words)


def _of_gender(half: Half) -> Iterable[Case]:
    """Yield the occupations of each stereotype: how much gender makes them alike."""
    for name in STEREOTYPED:
        yield Case(name, half, load(name).half(half), gender_pairs(half))


def _of_attribute(attribute: Attribute, half: Half) -> Iterable[Case]:
    """Yield the stereotypes of each class."""
    for case in attribute_against_pairs(attribute, half):
        for label, stereotypes in attribute.half(half).stereotypes.items():
            yield replace(case, name=f"{attribute.name} {label}", words=stereotypes)


@list_metric(
    "indirect_bias",
    citation="Bolukbasi et al. 2016, NeurIPS, section 5.3",
    family="geometry",
    better="near 0",
    needs="definitional pairs",
    gender=_of_gender,
    attribute=_of_attribute,
    draw=lambda drawn, case, record, **more: indirect_bias_null(
        drawn, case.against, record.n, **more
    ),
    draws=_DRAWS,
    planted="size",
    title="indirect bias",
    extra=lambda result, case: {"mean_cosine": result.similarity},
)
def indirect_bias_within(
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    *,
    method: Method = "pca",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> IndirectBias:
    """How much of what makes the words of a list alike is gender.

    The mean of β over all pairs of words, each weighted by its cosine:
    ``Σ (w·v) β(w, v) / Σ (w·v)``. A plain mean of β does not exist for a list, as β goes to ± ∞
    where a cosine passes 0. For words stereotyped as one gender this says how much their likeness
    owes to it, in the sense of the paper's *receptionist* and *softball*.

    Args:
        words: At least 4 words; repeated words count once.
        pairs: Definitional pairs ``(male, female)``.

    Returns:
        A result whose ``reason`` is set as in :func:`indirect_bias`, with fewer than 4 words, with
        collapsed vectors, or when the words are not alike (a mean cosine of 0 or less).
    """
    found = find(embeddings, words)
    empty = IndirectBias(n=len(found.words), missing=found.missing)
    try:
        require_enough("the word list", found)
        direction = gender_direction(embeddings, pairs, method=method)
        unit = unit_rows(embeddings, found.rows)
        require_directions("the word list", unit)
        cosines, due = gender_parts(unit, unit, direction)
        np.fill_diagonal(cosines, 0.0)
        np.fill_diagonal(due, 0.0)
        if cosines.sum() <= FLOAT32_NOISE * cosines.size:
            raise NotMeasuredError("the words are not alike: their mean cosine is not above 0")
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    return replace(
        empty,
        value=float(due.sum() / cosines.sum()),
        interval=_interval(cosines, due, bootstrap, seed),
        similarity=float(cosines.sum() / (len(unit) * (len(unit) - 1))),
    )


def indirect_bias_null(
    words: RandomWords, pairs: Sequence[Pair], n: int, *, draws: int = DRAWS, seed: int = 0
) -> Matrix:
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
    places = words.excluding(
        np.arange(len(scale), dtype=np.float64), find(words.embeddings, union(pairs)).rows
    )

    def shared(drawn: Matrix) -> Matrix:
        betas = np.full(len(drawn), np.nan)
        for i, row in enumerate(drawn.astype(np.intp)):  # one set stays in the processor's cache
            whole, scaled = weights[:, row] @ words.unit[row]
            part = float(along[row] @ scale[row])
            cosines = float(whole @ whole) - n
            if cosines > FLOAT32_NOISE * n**2:
                betas[i] = (cosines - (float(scaled @ scaled) - part**2 - n)) / cosines
        return betas

    return null_from(shared, places, (n,), draws=draws, seed=seed)


def gender_parts(w: Matrix, v: Matrix, direction: Matrix) -> tuple[Matrix, Matrix]:
    """Return the cosines of unit rows, shapes ``(n, d)`` and ``(m, d)``, and their gender parts.

    Both have shape ``(n, m)``; β is the second divided by the first.

    Raises:
        NotMeasuredError: A vector lies on the unit ``direction``: nothing of it is left without.
    """
    cosines = w @ v.T
    without = _without(w, direction) @ _without(v, direction).T
    return cosines, cosines - without


def _one(embeddings: Embeddings, w: str, v: str, direction: Matrix) -> IndirectBias:
    found = find(embeddings, (w, v))
    empty = IndirectBias(missing=found.missing)
    if found.missing:
        return replace(empty, reason=f"not in the vectors: {shortlist(found.missing)}")
    try:
        unit = unit_rows(embeddings, found.rows)
        cosines, due = gender_parts(unit[:1], unit[-1:], direction)  # one row when w is v
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    cosine = float(cosines[0, 0])
    if abs(cosine) <= FLOAT32_NOISE:
        return replace(
            empty, similarity=cosine, reason="the two words have a cosine of 0: nothing to share"
        )
    return replace(empty, value=float(due[0, 0]) / cosine, similarity=cosine)


def _without(unit: Matrix, direction: Matrix) -> Matrix:
    """Return unit rows less their part along the direction, scaled to length 1 again."""
    rest = unit - np.outer(unit @ direction, direction)
    norms = np.linalg.norm(rest, axis=1, keepdims=True)
    if norms.min() <= FLOAT32_NOISE:
        raise NotMeasuredError("a word lies on the gender direction: nothing is left without it")
    scaled: Matrix = rest / norms
    return scaled


def _interval(cosines: Matrix, due: Matrix, draws: int, seed: int) -> Interval:
    if not draws:
        return NO_INTERVAL
    counts = resample_counts(len(cosines), draws, np.random.default_rng(seed))
    total = np.einsum("di,di->d", counts @ cosines, counts)
    part = np.einsum("di,di->d", counts @ due, counts)
    values = np.full(draws, np.nan)
    np.divide(part, total, out=values, where=total > FLOAT32_NOISE * cosines.size)
    return percentile_interval(values)
