"""Metrics that hold words against groups: SC-WEAT, SAME, RND, MAC, ECT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, require_known
from debiaslab.lexicons import Attribute, Half
from debiaslab.metrics.cases import Case, attribute_against_groups
from debiaslab.metrics.null import mean
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    FoundSets,
    GroupPair,
    Measured,
    in_order,
    rows_of,
    union,
)
from debiaslab.metrics.word_metric import Look, Score, mean_defined_size, metric
from debiaslab.statistics.permutation import TIE, subset_masks
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]

DRAWS = 10_000
ALPHA = 0.05


# SC-WEAT --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WordAssociation:
    """One word: ``d`` (scale-free), ``s`` in cosine units, and its p-values (None: no test)."""

    word: str
    effect_size: float
    statistic: float
    p: float | None = None
    p_two_sided: float | None = None


def _sc_weat_extra(result: Measured, case: Case) -> Mapping[str, Any]:
    names = ("statistic", "signed", "significant", "permutations", "p_floor", "method")
    return {**{name: result.numbers[name] for name in names}, "sizes": list(result.groups)}


@metric(
    "sc_weat",
    title="SC-WEAT d",
    citation="Caliskan et al. 2017, Science 356:183–186 (the WEFAT)",
    against="two groups",
    better="lower",
    value=mean_defined_size,
    least=1,
    permutations=DRAWS,
    undefined="no word has any spread over the attributes",
    numbers={
        **dict.fromkeys(("statistic", "signed", "significant", "p_floor", "method")),
        "permutations": 0,
        "words": (),
    },
    about=lambda look: _word_tests(look),
    extra=_sc_weat_extra,
)
def sc_weat(embeddings: Embeddings, groups: FoundSets, *, ddof: int = 1) -> Score:
    """Mean size of ``d(w)``: whether a word goes with attributes A rather than B, word by word.

    ``s(w, A, B) = mean over a of cos(w, a) − mean over b of cos(w, b)``;
    ``d(w) = s(w, A, B) / std over x in A ∪ B of cos(w, x)``, NaN for a word without spread.
    The p-values permute the labels A and B of the attribute words, the same relabellings for
    every word: all of them up to 200,000, else ``permutations`` seeded ones without replacement,
    with ``p = (hits + 1) / (permutations + 1)``. ``ddof`` is 1 for the sample standard deviation,
    0 for the population one. A result has

    - ``statistic``: mean size of ``s``, in cosine units: what to compare across spaces;
    - ``signed``: mean of ``d``: on which side the words lie as a whole (positive: A);
    - ``significant``: share of words with a two-sided p of at most 0.05, uncorrected; words without
      any association show about 0.05;
    - ``words``: a ``WordAssociation`` of every word that has an effect size;
    - ``method``, ``permutations``, ``p_floor``: of the tests; ``groups``: words of A and B.
    """
    a, b = groups.unit(embeddings)
    return lambda rows: single_category(rows, a, b, ddof=ddof)[1]


def _word_tests(look: Look) -> Mapping[str, Any]:
    a, b = look.held.unit(look.embeddings)
    statistics, effects = single_category(look.rows, a, b, ddof=look.knobs.get("ddof", 1))
    found: dict[str, Any] = {
        "statistic": float(np.abs(statistics).mean()),
        "signed": float(effects.mean()),
    }
    rest: list[tuple[float | None, float | None]] = [(None, None)] * len(effects)
    if look.permutations:
        # The columns stand in the order of the vocabulary, so that neither the order of the
        # lists nor swapping A and B changes which words a seeded draw takes.
        columns = np.argsort([row for each in look.held.found for row in in_order(each)])
        cosines = (look.rows @ np.concatenate([a, b]).T)[:, columns]
        one, two, said = _label_test(cosines, columns < len(a), look.permutations, look.seed)
        rest = list(zip(one.tolist(), two.tolist(), strict=True))
        found |= {"significant": float((two <= ALPHA).mean()), **said}
    each = {
        word: (float(effects[i]), float(statistics[i]), *rest[i]) for word, i in look.places.items()
    }
    return {**found, "words": tuple(WordAssociation(word, *n) for word, n in each.items())}


def single_category(rows: Array, a: Array, b: Array, *, ddof: int = 1) -> tuple[Array, Array]:
    """Return ``s`` and ``d`` of unit rows, each shape ``(n,)``; NaN where ``d`` has no spread.

    Args:
        rows: Unit rows of the words, shape ``(n, d)``.
        a: Unit rows of A.
        b: Unit rows of B.
        ddof: See ``sc_weat``.
    """
    cosines = rows @ np.concatenate([a, b]).T
    statistics: Array = cosines[:, : len(a)].mean(axis=1) - cosines[:, len(a) :].mean(axis=1)
    spreads = cosines.std(axis=1, ddof=ddof)
    effects = np.full(len(rows), np.nan)
    np.divide(statistics, spreads, out=effects, where=spreads > FLOAT32_NOISE)
    return statistics, effects


def _label_test(
    cosines: Array, is_a: NDArray[np.bool_], draws: int, seed: int
) -> tuple[Array, Array, Mapping[str, Any]]:
    """Permute the labels of the columns of ``cosines``, shape ``(words, attributes)``.

    Returns:
        The one-sided and the two-sided p of each word, and what there is to say of the test.
    """
    n, n_a = len(is_a), int(is_a.sum())
    centred = cosines - cosines.mean(axis=1, keepdims=True)
    tie = TIE * np.abs(cosines).max(axis=1)
    observed = centred[:, is_a].sum(axis=1)
    # The sum of A is less the sum of B, as all columns sum to 0: the smaller side is drawn.
    size, sign = (n_a, 1.0) if 2 * n_a <= n else (n - n_a, -1.0)
    method, total, blocks = subset_masks(n, size, draws=draws, seed=seed)
    one, two = np.zeros(len(cosines)), np.zeros(len(cosines))
    for masks in blocks:
        sums = sign * (masks.astype(np.float64) @ centred.T)
        one += (sums >= observed - tie).sum(axis=0)
        two += (np.abs(sums) >= np.abs(observed) - tie).sum(axis=0)
    extra = int(method == "monte_carlo")
    of = total + extra
    said = {"method": method, "permutations": total, "p_floor": 1 / of}
    return (one + extra) / of, (two + extra) / of, said


# SAME -----------------------------------------------------------------------------------------

SameMethod = Literal["published", "subspace"]


@dataclass(frozen=True)
class PairBias:
    """Bias between two groups, over words."""

    first: str  # a group
    second: str  # another one
    skew: float  # mean of ``cos(w, mean of first − mean of second)``; positive: toward the first
    stereotype: float  # its (population) standard deviation: words pulled to both sides


@dataclass(frozen=True)
class BiasSpace:
    """Orthonormal directions between the groups, shape ``(k, d)``, and what each counts."""

    directions: Array
    weights: Array
    method: SameMethod


@metric(
    "same",
    title="SAME",
    citation="Schröder et al. 2021, arXiv 2111.07864; 2024, IJCNN, arXiv 2203.14603",
    against="groups",
    better="lower",
    numbers={"pairs": ()},
    about=lambda look: _pair_biases(look),
    extra=lambda result, case: _skew(result),
)
def same(embeddings: Embeddings, groups: FoundSets, *, method: SameMethod = "published") -> Score:
    """Mean of ``|cos(w, b)|`` over words, ``b`` the differences between the means of groups.

    With the mean ``Â_i`` of the unit vectors of group ``i``, two groups give the mean over words
    of ``|cos(w, Â_1 − Â_2)|``, in [0, 1]. For more, the differences ``Â_i − Â_1`` are made
    orthogonal one after the other into ``b_2, b_3, …`` (Gram–Schmidt), so that no bias counts
    twice, and each later one counts by what is left of it:
    ``|cos(w, b_2)| + Σ over i > 2 of |cos(w, b_i)| · ‖b_i‖``. ``method``: ``"published"`` is as
    above; with three groups or more it depends on which group comes first. ``"subspace"``: the
    length of the unit vector's projection on all the differences, in [0, 1], which does not; the
    same for two groups. A result has ``pairs``, a ``PairBias`` of every two groups.
    """
    space = bias_space(groups.unit_means(embeddings), method)
    return lambda rows: same_scores(rows, space)


def bias_space(means: Array, method: SameMethod = "published") -> BiasSpace:
    """Return the directions between group means, shape ``(groups, d)``.

    Raises:
        NotMeasuredError: All means are the same.
        UserError: Unknown ``method``.
    """
    require_known(method, get_args(SameMethod), f"unknown method {method!r} for SAME")
    directions: list[Array] = []
    weights: list[float] = []
    for other in means[1:]:
        left = other - means[0]
        for direction in directions:
            left = left - (left @ direction) * direction
        length = float(np.linalg.norm(left))
        if length > FLOAT32_NOISE:  # else a mixture of those before it
            directions.append(left / length)
            weights.append(length if weights else 1.0)
    if not directions:
        raise NotMeasuredError("the groups all have the same mean vector")
    return BiasSpace(np.array(directions), np.array(weights), method)


def same_scores(rows: Array, space: BiasSpace) -> Array:
    """Return the bias of each of the unit rows, shape ``(n, d)``; their mean is SAME."""
    along = rows @ space.directions.T
    scores: Array
    if space.method == "subspace":
        scores = np.linalg.norm(along, axis=-1)
    else:
        scores = np.abs(along) @ space.weights
    return scores


def _pair_biases(look: Look) -> Mapping[str, Any]:
    means, names = look.held.unit_means(look.embeddings), look.held.names
    found = []
    for i, j in look.held.pairs:
        length = float(np.linalg.norm(means[i] - means[j]))
        if length > FLOAT32_NOISE:
            along = look.rows @ ((means[i] - means[j]) / length)
            found.append(PairBias(names[i], names[j], float(along.mean()), float(along.std())))
    return {"pairs": tuple(found)}


def _skew(result: Measured) -> Mapping[str, Any]:
    pair = result.pairs[0] if result.pairs else None
    return {
        "skew": None if pair is None else pair.skew,
        "stereotype": None if pair is None else pair.stereotype,
    }


# RND ------------------------------------------------------------------------------------------

Distance = Literal["norm", "cosine"]


def _rnd_of_words(scores: Array) -> Array:
    """Mean over words, of every two groups: signed where there are two, else the mean size."""
    means = mean(scores)
    return means[..., 0] if means.shape[-1] == 1 else np.abs(means).mean(axis=-1)


@metric(
    "rnd_norm",
    title="RND, norm",
    citation="Garg, Schiebinger, Jurafsky & Zou 2018, PNAS 115:E3635–E3644",
    against="groups",
    better="near 0",
    value=_rnd_of_words,
    positive=1,
    numbers={"pairs": ()},
    about=lambda look: _group_pairs(look, look.scores.mean(axis=0)),
)
def rnd(
    embeddings: Embeddings, groups: FoundSets, *, distance: Distance = "norm", unit: bool = True
) -> Score:
    """Mean over words of the distance to the mean of one group less that to another.

    ``mean over w of dist(w, v_1) − dist(w, v_2)``, ``v_i`` the mean of group ``i``: positive is
    nearer to the second. Of more than two groups the mean size over every two. The paper sums over
    words where this takes the mean, so that lists of any length compare. ``distance``: ``"norm"``
    is Euclidean; ``"cosine"`` 1 − cosine, so that both have one sign (the paper and WEFE subtract
    cosine *similarities*, which is the negative of this). ``unit`` scales every vector to length 1
    first, as in the paper; without, the norm distance carries the lengths of the vectors, and
    values of two spaces do not compare. A result has ``pairs``, the value of every two groups.
    """
    require_known(distance, get_args(Distance), f"unknown distance {distance!r}")
    sets = [rows_of(embeddings, in_order(each), unit=unit) for each in groups.found]
    means = np.array([each.mean(axis=0) for each in sets])
    sizes = np.linalg.norm(means, axis=1)
    if distance == "cosine" and not sizes.all():
        raise NotMeasuredError("the mean vector of a group is all zeros")
    first, second = np.triu_indices(len(means), 1)

    def score(rows: Array) -> Array:
        lengths, products = np.linalg.norm(rows, axis=1)[:, None], rows @ means.T
        if distance == "cosine":
            distances = 1.0 - products / (lengths * sizes)
        else:
            distances = np.sqrt(np.maximum(lengths**2 - 2 * products + sizes**2, 0.0))
        scores: Array = distances[:, first] - distances[:, second]
        return scores

    return score


rnd_cosine = rnd.variant("rnd_cosine", title="RND, cosine", distance="cosine")


def _group_pairs(look: Look, values: Array) -> Mapping[str, Any]:
    """Return the values of every two groups, in the order of ``itertools.combinations``."""
    names = look.held.names
    pairs = zip(look.held.pairs, values.tolist(), strict=True)
    return {"pairs": tuple(GroupPair(names[i], names[j], value) for (i, j), value in pairs)}


# MAC and ECT ----------------------------------------------------------------------------------


def _mac_of_attribute(attribute: Attribute, half: Half) -> Iterable[Case]:
    """Hold the targets of an attribute against the stereotypes of each class too (the paper's)."""
    yield from attribute_against_groups(attribute, half)
    words = attribute.half(half)
    if words.stereotypes and words.targets:
        name, targets = f"{attribute.name} stereotypes", union(words.targets)
        yield Case(
            name, half, targets, words.stereotypes, sets=words.targets, attribute=attribute.name
        )


@metric(
    "mac",
    title="MAC",
    citation="Manzini, Lim, Black & Tsvetkov 2019, NAACL, section 3.2",
    against="groups",
    better="near null",
    attribute=_mac_of_attribute,
    numbers={"by_set": ()},
    about=lambda look: _by_set(look),
)
def mac(embeddings: Embeddings, groups: FoundSets) -> Score:
    """Mean cosine *distance* of a word to the words of all groups, each group weighing alike.

    ``MAC = mean over t in T and over sets A_j of mean over a in A_j of (1 − cos(t, a))``, in [0,
    2]: 1 when words and sets have nothing to do with each other, less when they lie on one side.
    It does not tell a space without bias from one where every word lies equally near to
    everything: read it against random words. A result has ``by_set``, name and mean distance of
    each set.
    """
    means = groups.unit_means(embeddings)
    return lambda rows: (1.0 - rows @ means.T).mean(axis=1)


def _by_set(look: Look) -> Mapping[str, Any]:
    distances = (1.0 - look.rows @ look.held.unit_means(look.embeddings).T).mean(axis=0)
    return {"by_set": tuple(zip(look.held.names, distances.tolist(), strict=True))}


def _coherence_of_words(similarities: Array) -> Array:
    """Mean of ECT over every two groups; NaN where all words are equally near to one."""
    means: Array = coherence(similarities).mean(axis=-1)
    spreads = np.ptp(similarities, axis=1).min(axis=-1)
    return np.where(spreads > FLOAT32_NOISE, means, np.nan)


@metric(
    "ect",
    title="ECT",
    citation="Dev & Phillips 2019, AISTATS (Attenuating Bias in Word Vectors)",
    against="groups",
    better="higher",
    value=_coherence_of_words,
    undefined="all words are equally near to a group: nothing to rank",
    numbers={"pairs": ()},
    about=lambda look: _group_pairs(look, coherence(look.scores)),
)
def ect(embeddings: Embeddings, groups: FoundSets) -> Score:
    """Spearman's ρ over words of their cosines to the means of two groups: 1 for no bias.

    ``cos(w, m_1)`` and ``cos(w, m_2)``, ``m_i`` the mean of the unit vectors of group ``i``; the
    mean over every two groups where there are more. A rank has no size: ρ falls as well when the
    group means coincide up to noise, so read it next to a metric with a scale. A result has
    ``pairs``, ρ of every two groups.
    """
    means = groups.unit_means(embeddings)
    lengths = np.linalg.norm(means, axis=1)
    if (lengths <= FLOAT32_NOISE).any():
        raise NotMeasuredError("the mean vector of a group is all zeros")
    return lambda rows: rows @ (means / lengths[:, None]).T


def coherence(similarities: Array) -> Array:
    """Return Spearman's ρ of every two columns, over the last axis but one.

    Args:
        similarities: Shape ``(…, n, groups)``: any number of word sets at a time.

    Returns:
        Shape ``(…, pairs)``, in the order of ``itertools.combinations``; NaN for constant columns.
    """
    ranks = _average_ranks(np.moveaxis(similarities, -1, 0))
    ranks -= (similarities.shape[-2] - 1) / 2
    sizes = np.sqrt((ranks**2).sum(axis=-1))
    first, second = np.triu_indices(len(ranks), 1)
    products = np.stack(
        [(ranks[i] * ranks[j]).sum(axis=-1) for i, j in zip(first, second, strict=True)]
    )
    scale = sizes[first] * sizes[second]
    correlations = np.full(products.shape, np.nan)
    np.divide(products, scale, out=correlations, where=scale > 0)
    return np.moveaxis(correlations, 0, -1)


def _average_ranks(values: Array) -> Array:
    """Return ranks from 0 along the last axis, ties at their average."""
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    place = np.arange(values.shape[-1])
    new = np.ones(values.shape, dtype=np.bool_)  # a value that differs from the one before it
    new[..., 1:] = ordered[..., 1:] > ordered[..., :-1]
    last = np.ones(values.shape, dtype=np.bool_)
    last[..., :-1] = new[..., 1:]
    starts = np.maximum.accumulate(np.where(new, place, 0), axis=-1)
    ends = np.where(last, place, place[-1])[..., ::-1]
    ends = np.minimum.accumulate(ends, axis=-1)[..., ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (starts + ends) / 2, axis=-1)
    return ranks
