"""What the word figures draw: measured in two sets of vectors, before and after, as plain values.

*Before* are the baseline's vectors, *after* those of the run of the same seed. Each space is
measured by itself; what leans which way is said by the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.lexicons import Half, SplitHalf
from debiaslab.metrics import (
    biased_words,
    gender_direction,
    kmeans_alignment,
    neighbor_bias,
    neighbor_shares,
)
from debiaslab.metrics.vocabulary import HE_SHE, find, in_order, pair_difference, unit_rows
from debiaslab.statistics.bootstrap import RESAMPLES, Interval, bootstrap_mean

if TYPE_CHECKING:
    from debiaslab.lexicons import Half
    from debiaslab.vectors.embeddings import Embeddings


Points = NDArray[np.float64]  # shape (n, 2)


@dataclass(frozen=True)
class Shift:
    """One word's lean to *he* (positive) or *she*, before and after."""

    word: str
    before: float
    after: float
    half: SplitHalf


@dataclass(frozen=True)
class MappedWords:
    """Words in the plane, before and after, each space by itself.

    Attributes:
        words: The words.
        groups: What each is: ``male``, ``female``, or the name of its list.
        before: Shape ``(n, 2)``.
        after: Shape ``(n, 2)``.
        shares: Share of the words' variance that lies along the gender direction, before and after.
    """

    words: tuple[str, ...]
    groups: tuple[str, ...]
    before: Points
    after: Points
    shares: tuple[float, float]


@dataclass(frozen=True)
class Association:
    """One association test, word by word: ``s(w, A, B)`` of each target word.

    Attributes:
        test: Name of the test.
        half: Which half of the words.
        target: ``X`` or ``Y``.
        list: Name of the target list.
        words: The target words.
        before: ``s`` of each in the baseline.
        after: ``s`` of each in the run.
        before_interval: 95 % bootstrap interval of the mean over words.
        after_interval: The same, after.
    """

    test: str
    half: Half
    target: Literal["X", "Y"]
    list: str
    words: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    before_interval: Interval
    after_interval: Interval


@dataclass(frozen=True)
class NeighborScatter:
    """Professions: how they lean in the baseline, and how their neighbours do.

    Attributes:
        words: The professions.
        bias: ``cos(w, he) − cos(w, she)`` in the baseline.
        shares: Share of male-leaning words among the neighbours.
        r: Their correlation; None when it was not measured.
        interval: 95 % bootstrap interval of ``r`` over professions.
        neighbors: How many neighbours were looked at.
    """

    words: tuple[str, ...]
    bias: tuple[float, ...]
    shares: tuple[float, ...]
    r: float | None
    interval: Interval
    neighbors: int


@dataclass(frozen=True)
class Clusters:
    """The words that lean most in the baseline, in the plane, before and after.

    Attributes:
        words: The words.
        male: Which of them lean to *he* in the baseline, shape ``(n,)``.
        before: t-SNE of the baseline's unit vectors, shape ``(n, 2)``.
        after: t-SNE of the run's.
        alignment_before: k-means alignment with the labels (0.5 is chance).
        alignment_after: The same, after; None where it was not measured.
        side: Words drawn of each label.
    """

    words: tuple[str, ...]
    male: NDArray[np.bool_]
    before: Points
    after: Points
    alignment_before: float | None
    alignment_after: float | None
    side: int


_SEED = 0
_MAP_LISTS = ("career", "family", "math", "arts")  # of the word map, besides gender pairs
_TSNE_WORDS = 200  # a side of the lipstick map, at most: t-SNE takes seconds from there


def shifts(before: Embeddings, after: Embeddings, name: str = "occupations") -> tuple[Shift, ...]:
    """Return ``cos(w, he) − cos(w, she)`` of each word of a list that both have.

    Raises:
        NotMeasuredError: *he* or *she* has no vector.
    """
    words = _in_both(before, after, lexicons.load(name).words)
    values = [_leans(vectors, words) for vectors in (before, after)]
    return tuple(
        Shift(word, float(b), float(a), lexicons.half_of(word))
        for word, b, a in zip(words, *values, strict=True)
    )


def word_map(before: Embeddings, after: Embeddings) -> MappedWords:
    """Place gender words and target words by the gender direction and the rest of the space.

    x is the cosine with the gender direction (first principal component of the gender pairs in
    that space), y the first principal component of the words with that direction taken out.

    Raises:
        NotMeasuredError: A space has no gender direction.
    """
    pairs = [
        pair
        for pair in lexicons.load_pairs("gender_pairs").pairs
        if len(_in_both(before, after, pair)) == 2
    ]
    groups = {male: "male" for male, _ in pairs} | {female: "female" for _, female in pairs}
    for name in _MAP_LISTS:
        for word in _in_both(before, after, lexicons.load(name).words):
            groups.setdefault(word, name)
    words = tuple(groups)
    planes = [_plane(vectors, words, pairs) for vectors in (before, after)]
    turned = _same_way(planes[0][0], planes[1][0])
    return MappedWords(
        words, tuple(groups.values()), planes[0][0], turned, (planes[0][1], planes[1][1])
    )


def word_associations(
    before: Embeddings, after: Embeddings, test: str, half: Half = "report"
) -> tuple[Association, ...]:
    """Return ``s(w, A, B)`` of every target word of a test, X and then Y; nothing when unmeasured.

    Args:
        before: The baseline's vectors.
        after: The run's.
        test: Name of the association test.
        half: Which half of its words.
    """
    known = lexicons.association_test(test)
    sets = known.half(half)
    found: list[Association] = []
    for target, words, named in (("X", sets.X, known.X), ("Y", sets.Y, known.Y)):
        shared = _in_both(before, after, words)
        values = [_contrast(vectors, shared, sets.A, sets.B) for vectors in (before, after)]
        if len(shared) < 2 or any(value is None for value in values):
            return ()
        b, a = (np.asarray(value) for value in values)
        found.append(
            Association(
                test,
                half,
                "X" if target == "X" else "Y",
                named.name,
                tuple(shared),
                tuple(b.tolist()),
                tuple(a.tolist()),
                bootstrap_mean(b, RESAMPLES, _SEED),
                bootstrap_mean(a, RESAMPLES, _SEED),
            )
        )
    return tuple(found)


def neighbor_scatter(before: Embeddings, after: Embeddings) -> tuple[NeighborScatter, ...]:
    """Return the professions before and after; nothing when they cannot be measured."""
    biased = biased_words(before)
    professions = [each.word for each in lexicons.professions()]
    found = []
    for vectors in (before, after):
        shares = neighbor_shares(vectors, before, biased, professions)
        if shares.reason is not None:
            return ()
        r = neighbor_bias(shares, permutations=0)
        found.append(
            NeighborScatter(
                shares.words, shares.bias, shares.shares, r.value, r.interval, shares.neighbors
            )
        )
    return tuple(found)


def clusters(before: Embeddings, after: Embeddings) -> Clusters | None:
    """Return the most biased words of the baseline in the plane; None when there are too few."""
    biased = biased_words(before).within(after)
    alignment = [kmeans_alignment(vectors, biased) for vectors in (before, after)]
    side = min(alignment[0].n // 2, _TSNE_WORDS)
    if alignment[0].value is None or side == 0:
        return None
    words = biased.words[:side] + biased.words[-side:]
    planes = [_tsne(vectors, words) for vectors in (before, after)]
    return Clusters(
        tuple(words),
        np.arange(2 * side) < side,
        planes[0],
        planes[1],
        alignment[0].value,
        alignment[1].value,
        side,
    )


def _in_both(before: Embeddings, after: Embeddings, words: Sequence[str]) -> list[str]:
    """Return the words that both have, as the vectors spell them."""
    return [word for word in find(before, words).words if word in after.index]


def _unit(vectors: Embeddings, words: Sequence[str]) -> NDArray[np.float64]:
    return unit_rows(vectors, (vectors.index[word] for word in words))


def _leans(vectors: Embeddings, words: Sequence[str]) -> NDArray[np.float64]:
    leans: NDArray[np.float64] = _unit(vectors, words) @ pair_difference(vectors, HE_SHE)
    return leans


def _contrast(
    vectors: Embeddings, words: Sequence[str], A: Sequence[str], B: Sequence[str]
) -> NDArray[np.float64] | None:
    a, b = find(vectors, A), find(vectors, B)
    if not words or not a.rows or not b.rows:
        return None
    means = [unit_rows(vectors, in_order(each)).mean(axis=0) for each in (a, b)]
    contrast: NDArray[np.float64] = _unit(vectors, words) @ (means[0] - means[1])
    return contrast


def _plane(
    vectors: Embeddings, words: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> tuple[Points, float]:
    unit = _unit(vectors, words)
    direction = gender_direction(vectors, pairs)
    gender = unit @ direction
    rest = unit - np.outer(gender, direction)
    centred = rest - rest.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    share = float(gender.var() / (unit - unit.mean(axis=0)).var(axis=0).sum())
    return np.column_stack([gender, centred @ axes[0]]), share


def _same_way(first: Points, second: Points) -> Points:
    """Turn the second component, whose sign is arbitrary, so that it goes with the first's."""
    sign = -1.0 if float(first[:, 1] @ second[:, 1]) < 0 else 1.0
    return second * np.array([1.0, sign])


def _tsne(vectors: Embeddings, words: Sequence[str]) -> Points:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    unit = _unit(vectors, words)
    perplexity = min(30.0, (len(words) - 1) / 3)
    with threadpool_limits(1):  # for so few words, threads cost more than they bring
        made = TSNE(perplexity=perplexity, init="pca", random_state=_SEED).fit_transform(unit)
    points: Points = np.asarray(made, dtype=np.float64)
    return points
