"""Spearman's rank correlation and its bootstrap interval, one code path for both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import NO_INTERVAL, Interval, percentile_interval, resample_counts

Vector = NDArray[np.float64]


def spearman(x: Vector, y: Vector) -> float:
    """Return Spearman's ρ of two vectors of one length, ties given their average rank.

    NaN when either vector is constant.
    """
    return float(spearman_draws(x, y, np.ones((1, len(x))))[0])


def spearman_interval(x: Vector, y: Vector, draws: int, seed: int) -> Interval:
    """Return the bootstrap interval of ρ over the pairs ``(x_i, y_i)``; no interval for 0 draws.

    Ranks are taken anew within each resample, ties (the repeated pairs too) at their average rank.
    """
    if not draws:
        return NO_INTERVAL
    counts = resample_counts(len(x), draws, np.random.default_rng(seed))
    return percentile_interval(spearman_draws(x, y, counts))


def spearman_draws(x: Vector, y: Vector, counts: Vector) -> Vector:
    """Return ρ of each resample, shape ``(draws,)``; NaN where either side is constant.

    Args:
        x: One value a pair, shape ``(n,)``.
        y: The other.
        counts: How often each resample holds each pair, shape ``(draws, n)``; the same counts
            for two vector files make their comparison a paired one.
    """
    rx, ry = _centred_ranks(x, counts), _centred_ranks(y, counts)
    covariance = np.einsum("di,di,di->d", counts, rx, ry)
    variances = np.einsum("di,di,di->d", counts, rx, rx) * np.einsum("di,di,di->d", counts, ry, ry)
    correlations = np.full(len(counts), np.nan)
    np.divide(covariance, np.sqrt(variances), out=correlations, where=variances > 0)
    return correlations


def _centred_ranks(values: Vector, counts: Vector) -> Vector:
    """Return each item's average rank within each resample, less the mean rank ``(n + 1) / 2``.

    No resample is sorted: an item's rank is the number of smaller items in the resample plus the
    middle of its own group of ties.
    """
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) > 0])
    tied = np.add.reduceat(counts[:, order], starts, axis=1)
    ranks = np.cumsum(tied, axis=1) - tied / 2 - counts.sum(axis=1, keepdims=True) / 2
    group = np.empty(len(values), dtype=np.intp)
    group[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values)]))
    centred: Vector = ranks[:, group]
    return centred
