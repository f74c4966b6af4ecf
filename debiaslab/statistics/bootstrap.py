"""Bootstrap intervals (Efron 1979): of means, of Spearman's and of Pearson's correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


# Spearman's rank correlation --------------------------------------------------------------------

Vector = NDArray[np.float64]


def spearman(x: Vector, y: Vector) -> float:
    """Return Spearman's ρ of two vectors of one length, ties given their average rank.

    NaN when either vector is constant.
    """
    return float(spearman_draws(x, y, np.ones((1, len(x))))[0])


def spearman_interval(x: Vector, y: Vector, draws: int, seed: int) -> Interval:
    """Return the bootstrap interval of ρ over the pairs ``(x_i, y_i)``; no interval for 0 draws.

    Ranks are recomputed within each resample, ties (the repeated pairs too) at their average rank.
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


# Pearson's correlation --------------------------------------------------------------------------

MIN_POINTS = 8
"""A correlation with an outside variable is not measured on fewer points than this."""

PERMUTATIONS = 10_000
TIE = 1e-12


@dataclass(frozen=True)
class CorrelationTest:
    """A Monte Carlo permutation test of Pearson's r (Fisher 1935; Phipson & Smyth 2010).

    Attributes:
        p: One-sided: the share of permutations whose r is as large, ``(hits + 1) / (draws + 1)``.
        p_two_sided: The same of the size of r.
        permutations: Permutations drawn.
        floor: The smallest p the test can give.
    """

    p: float
    p_two_sided: float
    permutations: int
    floor: float


def pearson_test(x: Vector, y: Vector, permutations: int, seed: int) -> CorrelationTest | None:
    """Test whether ``x`` and ``y`` go together, both not constant; None for 0 permutations.

    The order of the points does not matter: they are sorted before anything is drawn.
    """
    if not permutations:
        return None
    order = np.lexsort((y, x))
    x, y = (x - x.mean())[order], (y - y.mean())[order]
    rng = np.random.default_rng(seed)
    products = rng.permuted(np.tile(y, (permutations, 1)), axis=1) @ x
    observed, tie = float(y @ x), TIE * float(np.abs(y) @ np.abs(x))
    one = int(np.count_nonzero(products >= observed - tie))
    two = int(np.count_nonzero(np.abs(products) >= abs(observed) - tie))
    of = permutations + 1
    return CorrelationTest((one + 1) / of, (two + 1) / of, permutations, 1 / of)


def tested(test: CorrelationTest | None) -> dict[str, Any]:
    """Return what a record says of a test of correlation, its p and method among it."""
    if test is None:
        return {"p": None, "method": None, "p_two_sided": None, "permutations": 0, "p_floor": None}
    return {
        "p": test.p,
        "method": "monte_carlo",
        "p_two_sided": test.p_two_sided,
        "permutations": test.permutations,
        "p_floor": test.floor,
    }


def pearson(x: Vector, y: Vector) -> float:
    """Return Pearson's r of two vectors of one length; NaN when either is constant."""
    return float(pearson_rows(x[None], y)[0])


def pearson_rows(rows: Vector, y: Vector) -> Vector:
    """Return r of each row of ``rows``, shape ``(b, n)``, with ``y``; NaN for a constant one.

    ``y`` is the same for all, shape ``(n,)``, or has a row for each.
    """
    varied = (np.ptp(rows, axis=1) > 0) & (np.ptp(y, axis=-1) > 0)
    rows, y = rows - rows.mean(axis=1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    scale = np.linalg.norm(rows, axis=1) * np.linalg.norm(y, axis=-1)
    correlations = np.full(len(rows), np.nan)
    products = np.einsum("...n,...n->...", rows, y)
    np.divide(products, scale, out=correlations, where=varied & (scale > 0))
    return np.clip(correlations, -1.0, 1.0)


def pearson_interval(x: Vector, y: Vector, draws: int, seed: int) -> Interval:
    """Return the bootstrap interval of r over the points ``(x_i, y_i)``; none for 0 draws."""
    if not draws:
        return NO_INTERVAL
    picks = resample(len(x), draws, np.random.default_rng(seed))
    return percentile_interval(pearson_rows(x[picks], y[picks]))
