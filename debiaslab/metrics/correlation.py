"""Pearson's correlation and its bootstrap interval, one code path for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import NO_INTERVAL, Interval, percentile_interval, resample_counts

Vector = NDArray[np.float64]

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
    return float(_correlations(x, y, np.ones((1, len(x))))[0])


def pearson_rows(rows: Vector, y: Vector) -> Vector:
    """Return r of each row of ``rows``, shape ``(b, n)``, with ``y``; NaN for a constant one."""
    centred, y = rows - rows.mean(axis=1, keepdims=True), y - y.mean()
    scale = np.linalg.norm(centred, axis=1) * np.linalg.norm(y)
    correlations = np.full(len(rows), np.nan)
    return np.divide(centred @ y, scale, out=correlations, where=scale > 0)


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
