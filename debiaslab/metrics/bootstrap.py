"""Percentile bootstrap (Efron 1979): resamples, and the interval they give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000

Interval = tuple[float | None, float | None]
"""Lower and upper end of a 95 % interval; both None when it was not computed."""

NO_INTERVAL: Interval = (None, None)

_LEVEL = 0.95
_LEAST = 0.5  # an interval from less than half of its resamples would describe another population


def resample(n: int, draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``draws`` resamples with replacement of ``n`` items, shape ``(draws, n)``."""
    return rng.integers(0, n, size=(draws, n))


def resample_counts(n: int, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how often each of ``n`` items is in each resample, shape ``(draws, n)``."""
    items = resample(n, draws, rng) + np.arange(draws)[:, None] * n
    return np.bincount(items.ravel(), minlength=draws * n).reshape(draws, n).astype(np.float64)


def percentile_interval(values: NDArray[np.float64]) -> Interval:
    """Return the 2.5 % and 97.5 % quantiles of a statistic over its resamples.

    Resamples where the statistic is undefined are given as NaN and left out; when half of them
    or more are, there is no interval.
    """
    defined = values[np.isfinite(values)]
    if not len(values) or len(defined) <= _LEAST * len(values):
        return NO_INTERVAL
    low, high = np.quantile(defined, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def bootstrap_mean(values: NDArray[np.float64], draws: int, seed: int) -> Interval:
    """Return the interval of the mean of ``values``, shape ``(n,)``; no interval for 0 draws.

    The order of the values does not matter.
    """
    if not draws:
        return NO_INTERVAL
    rng = np.random.default_rng(seed)
    return percentile_interval(np.sort(values)[resample(len(values), draws, rng)].mean(axis=1))
