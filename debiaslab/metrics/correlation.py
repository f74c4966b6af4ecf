"""Pearson's correlation and its bootstrap interval, one code path for both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import NO_INTERVAL, Interval, percentile_interval, resample_counts

Vector = NDArray[np.float64]

MIN_POINTS = 8
"""A correlation with an outside variable is not measured on fewer points than this."""


def pearson(x: Vector, y: Vector) -> float:
    """Return Pearson's r of two vectors of one length; NaN when either is constant."""
    return float(_correlations(x, y, np.ones((1, len(x))))[0])


def pearson_interval(x: Vector, y: Vector, draws: int, seed: int) -> Interval:
    """Return the bootstrap interval of r over the points ``(x_i, y_i)``; none for 0 draws."""
    if not draws:
        return NO_INTERVAL
    counts = resample_counts(len(x), draws, np.random.default_rng(seed))
    return percentile_interval(_correlations(x, y, counts))


def _correlations(x: Vector, y: Vector, counts: Vector) -> Vector:
    """Return r of each resample, given how often it holds each point, shape ``(draws, n)``.

    The vectors are centred once before the sums of squares, so that these do not cancel.
    """
    x, y = x - x.mean(), y - y.mean()
    n = counts.sum(axis=1)
    mean_x, mean_y = counts @ x / n, counts @ y / n
    covariance = counts @ (x * y) / n - mean_x * mean_y
    variances = (counts @ (x * x) / n - mean_x**2) * (counts @ (y * y) / n - mean_y**2)
    # A resample that drew one point only has a variance of rounding: undefined, not ±1.
    least = (1e-9 * x.std() * y.std()) ** 2
    correlations = np.full(len(counts), np.nan)
    np.divide(covariance, np.sqrt(np.abs(variances)), out=correlations, where=variances > least)
    return np.clip(correlations, -1.0, 1.0)
