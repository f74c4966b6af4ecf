"""Embedding coherence test (Dev & Phillips 2019, Attenuating Bias in Word Vectors, AISTATS)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample,
)
from debiaslab.metrics.measured import FLOAT32_NOISE, NotMeasuredError
from debiaslab.metrics.vocabulary import find, require_directions, require_enough, unit_rows
from debiaslab.metrics.word_sets import GroupPair, WordSets, find_sets, in_order
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]

_AT_ONCE = 50  # resamples ranked at a time


@dataclass(frozen=True)
class Ect:
    """Result of :func:`ect`.

    Attributes:
        value: Spearman's ρ, in [−1, 1]: 1 when the groups rank the words alike (no bias); the
            mean over every two groups when there are more. None when not measured.
        interval: Bootstrap interval over the words.
        pairs: ρ of every two groups.
        n: Words that have a vector.
        groups: Words of each group that have one.
        missing: Words of any list that have none.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    pairs: tuple[GroupPair, ...] = ()
    n: int = 0
    groups: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None


def ect(
    embeddings: Embeddings,
    words: Sequence[str],
    attributes: WordSets,
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Ect:
    """Correlate how near words are to the mean vectors of two groups.

    Spearman's ρ over words of ``cos(w, m_1)`` and ``cos(w, m_2)``, ``m_i`` the mean of the unit
    vectors of group ``i``. A rank has no size: ρ falls as well when the group means coincide up
    to noise, so read it next to a metric with a scale.

    Args:
        embeddings: The vectors.
        words: The neutral words, at least 4; repeated words count once.
        attributes: Two or more groups of at least 2 words each.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with too few words, a word in two groups, all-zero or
        collapsed vectors, or words that are all equally near to a group.

    Raises:
        UserError: Fewer than two groups.
    """
    found, groups = find(embeddings, words), find_sets(embeddings, attributes)
    empty = Ect(
        n=len(found.words),
        groups=tuple(groups.sizes.values()),
        missing=tuple(dict.fromkeys(found.missing + groups.missing)),
    )
    try:
        require_enough("the word list", found)
        groups.require()
        rows = unit_rows(embeddings, in_order(found))
        require_directions("the word list", rows)
        similarities = ect_similarities(rows, groups.unit_means(embeddings))
        if (np.ptp(similarities, axis=0) <= FLOAT32_NOISE).any():
            raise NotMeasuredError("all words are equally near to a group: nothing to rank")
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    correlations = coherence(similarities)
    return replace(
        empty,
        value=float(correlations.mean()),
        interval=_interval(similarities, bootstrap, seed),
        pairs=tuple(
            GroupPair(groups.names[i], groups.names[j], float(rho))
            for (i, j), rho in zip(groups.pairs, correlations, strict=True)
        ),
    )


def ect_similarities(rows: Vector, unit_means: Vector) -> Vector:
    """Return the cosine of each unit row to each group mean, shape ``(n, groups)``.

    Raises:
        NotMeasuredError: The mean vector of a group is all zeros.
    """
    lengths = np.linalg.norm(unit_means, axis=1)
    if (lengths <= FLOAT32_NOISE).any():
        raise NotMeasuredError("the mean vector of a group is all zeros")
    similarities: Vector = rows @ (unit_means / lengths[:, None]).T
    return similarities


def coherence(similarities: Vector) -> Vector:
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


def _average_ranks(values: Vector) -> Vector:
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


def _interval(similarities: Vector, draws: int, seed: int) -> Interval:
    if not draws:
        return NO_INTERVAL
    picks = resample(len(similarities), draws, np.random.default_rng(seed))
    drawn = [  # some at a time: ranking takes ten copies of what is ranked
        coherence(similarities[picks[first : first + _AT_ONCE]]).mean(axis=-1)
        for first in range(0, draws, _AT_ONCE)
    ]
    return percentile_interval(np.concatenate(drawn))
