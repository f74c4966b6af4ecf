"""Comparing kinds of run: over the seeds they share, corrected for how many p are read, fronts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from debiaslab.errors import UserError
from debiaslab.statistics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample,
)

Better = Literal["lower", "higher"]
Array = NDArray[np.float64]

FEW_SEEDS = 3
"""Fewer seeds than this come with a warning."""

_EXACT_LIMIT = 16  # seeds; 2^16 = 65,536 patterns of signs are listed, above it they are drawn
_DRAWS = 100_000
_TIE = 1e-10  # of the largest difference; sums of the same numbers in another order
_SMALL = 10  # seeds up to which a percentile bootstrap is too narrow to quote by itself


def half_width(values: Sequence[float]) -> float | None:
    """Return half of the 95 % t interval of the mean; None with fewer than two values."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / math.sqrt(len(values))


@dataclass(frozen=True)
class Paired:
    """Result of :func:`paired`, for ``n`` seeds; differences are second less first.

    Attributes:
        difference: Mean difference.
        interval: 95 % t interval of it (``n − 1`` degrees of freedom): the one to quote. It takes
            the differences for normal, which few seeds can neither show nor refute. None with one
            seed.
        bootstrap_interval: 95 % percentile interval over seeds. With few seeds it is too narrow:
            of normal differences it holds the truth in about 51 % of cases with 2 seeds, 71 %
            with 3, 83 % with 5, 91 % with 10 (simulated).
        probability_of_improvement: Chance that a run of the second kind beats one of the first,
            over all pairs of runs, ties half (Agarwal et al. 2021, section 4.3; the Mann–Whitney
            U over n²); 0.5 is no difference.
        improvement_interval: Percentile interval of it over seeds, as narrow as the other.
        improved: Seeds on which the second is better by itself, ties half, as a share.
        p: Two-sided sign-flip permutation test of the mean difference (Fisher 1935).
        method: ``"exact"``: every pattern of signs; ``"monte_carlo"`` above 16 seeds.
        floor: The smallest p that this many seeds can give: ``2 / 2^n`` when exact. Under 6 seeds
            it is above 0.05, whatever the runs show.
        n: Seeds.
        warnings: What keeps the result from being trusted.
    """

    difference: float
    interval: Interval
    bootstrap_interval: Interval
    probability_of_improvement: float
    improvement_interval: Interval
    improved: float
    p: float
    method: Literal["exact", "monte_carlo"]
    floor: float
    n: int
    warnings: tuple[str, ...]

    @property
    def excludes_zero(self) -> bool | None:
        """Whether the 95 % t interval leaves out 0; None when one seed gives none."""
        low, high = self.interval
        return None if low is None or high is None else not low <= 0 <= high


def paired(
    first: Sequence[float],
    second: Sequence[float],
    *,
    better: Better = "lower",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare a number of two kinds of run, trained with the same seeds.

    Args:
        first: One number for each seed, such as the baseline's.
        second: The other kind's numbers, for the same seeds in the same order.
        better: Which way is an improvement.

    Raises:
        UserError: No values, lists of different lengths, or a value that is NaN or infinite.
    """
    if better not in ("lower", "higher"):
        raise UserError(f"better was {better!r}", allowed="lower, higher")
    x, y = _checked(first, second)
    gain = (x - y) if better == "lower" else (y - x)
    wins = _wins(x, y) if better == "higher" else _wins(y, x)  # wins[i, j]: second j beats first i
    p, method, floor = _sign_flip(y - x, seed)
    resamples = resample(len(x), bootstrap, np.random.default_rng(seed))
    return Paired(
        difference=math.fsum(y - x) / len(x),
        interval=_t_interval(y - x),
        bootstrap_interval=percentile_interval((y - x)[resamples].mean(axis=1)),
        probability_of_improvement=float(wins.mean()),
        improvement_interval=_improvement_interval(wins, resamples),
        improved=float((np.sign(gain) + 1).mean() / 2),
        p=p,
        method=method,
        floor=floor,
        n=len(x),
        warnings=_warnings(y - x, floor),
    )


def _checked(first: Sequence[float], second: Sequence[float]) -> tuple[Array, Array]:
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or not len(x):
        raise UserError(
            f"{x.size} values were to be paired with {y.size}",
            allowed="one value for each seed in both, at least one seed",
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise UserError("a value to compare is NaN or infinite", allowed="numbers")
    return x, y


def _wins(x: Array, y: Array) -> Array:
    """Return 1 where y exceeds x, ½ where they tie, shape ``(len(x), len(y))``."""
    wins: Array = (np.sign(y[None, :] - x[:, None]) + 1) / 2
    return wins


def _improvement_interval(wins: Array, resamples: NDArray[np.int64]) -> Interval:
    if not len(resamples):
        return NO_INTERVAL
    # How often a resample has each seed; of halves and whole numbers every sum is exact.
    n, draws = len(wins), len(resamples)
    places = resamples + n * np.arange(draws)[:, None]
    counts = np.bincount(places.ravel(), minlength=draws * n).reshape(draws, n)
    return percentile_interval((counts @ wins * counts).sum(axis=1) / n**2)


def _t_interval(differences: Array) -> Interval:
    half = half_width(differences.tolist())
    if half is None:
        return NO_INTERVAL
    mean = math.fsum(differences) / len(differences)
    return mean - half, mean + half


def _sign_flip(
    differences: Array, seed: int
) -> tuple[float, Literal["exact", "monte_carlo"], float]:
    """Return p, how it was made, and the smallest it could be; ties count as hits."""
    n = len(differences)
    observed = abs(math.fsum(differences)) - _TIE * float(np.abs(differences).max())
    if n <= _EXACT_LIMIT:
        patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
        sums = (1.0 - 2.0 * patterns) @ differences
        return float(np.mean(np.abs(sums) >= observed)), "exact", min(1.0, 2.0 / 2**n)
    signs = 1.0 - 2.0 * np.random.default_rng(seed).integers(0, 2, size=(_DRAWS, n))
    hits = int(np.count_nonzero(np.abs(signs @ differences) >= observed))
    return (hits + 1) / (_DRAWS + 1), "monte_carlo", 1 / (_DRAWS + 1)


def _warnings(differences: Array, floor: float) -> tuple[str, ...]:
    n = len(differences)
    found = []
    if n < FEW_SEEDS:
        found.append(f"{n} seed{'s' * (n > 1)}: too few to tell a difference from chance")
    if floor > 0.05:
        found.append(f"with n = {n} the smallest possible p is {floor:.3g}")
    if 1 < n <= _SMALL:
        found.append("the bootstrap interval of so few seeds is too narrow: quote the t interval")
    if n > 1 and np.ptp(differences) == 0 and differences.any():
        found.append("every seed shows the same difference: are the seeds really different?")
    return tuple(found)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's (1979) step-down adjusted p-values, in the order given, shape ``(n,)``.

    ``max over j ≤ i of min(1, (n − j + 1) p_(j))``; holds whatever the dependence of the tests.

    Raises:
        UserError: A value is not in [0, 1].
    """
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Return Benjamini & Hochberg's (1995) step-up adjusted p-values, in the order given.

    ``min over j ≥ i of min(1, n p_(j) / j)``; holds for independent and for positively dependent
    tests (Benjamini & Yekutieli 2001), such as tests that share words.

    Raises:
        UserError: A value is not in [0, 1].
    """
    from scipy.stats import false_discovery_control

    values = _p_values(p)
    adjusted: NDArray[np.float64] = false_discovery_control(values, method="bh")
    return adjusted


def _p_values(p: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise UserError("these are not p-values", allowed="a list of numbers between 0 and 1")
    return values


# Pareto fronts of bias and retention -----------------------------------------------------------

Point = tuple[float, float]  # (bias, retention): less of the one is better, more of the other


def front_of(points: Sequence[Point]) -> list[int]:
    """Return which points no other beats in both, by rising bias; of equal points the first.

    A caller for whom retention above 1 is no gain gives 1 instead.
    """
    front: list[int] = []
    most = -math.inf
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if points[i][1] > most:
            front.append(i)
            most = points[i][1]
    return front


def hypervolume(points: Sequence[Point], bias: float) -> float:
    """Return the share of the box from (``bias``, 0) to (0, 1) that the points dominate.

    Args:
        points: Of the trials or strategies; retention above 1 counts as 1, as in the score.
        bias: Of the baseline: with retention 0 the reference point. A point with more is nothing.
    """
    inside = [(max(x, 0.0), max(0.0, min(kept, 1.0))) for x, kept in points if x < bias]
    if not inside or bias <= 0:
        return 0.0
    front = [inside[i] for i in front_of(inside)]
    ends = [x for x, _ in front[1:]] + [bias]
    return sum((end - x) * kept for (x, kept), end in zip(front, ends, strict=True)) / bias
