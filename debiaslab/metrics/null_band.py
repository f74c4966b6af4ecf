"""Where a measured value lies among those of random words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NullBand:
    """What random words show on one metric.

    Attributes:
        median: Middle value: the metric's zero, whatever its scale (MAC's is near 1).
        low: 2.5 % quantile.
        high: 97.5 % quantile.
        size95: 95 % quantile of the distance from 0, for signed metrics.
        draws: Random collections of sets that were drawn.
        undefined: How many of these the metric has no value for; the others are the null.
    """

    median: float
    low: float
    high: float
    size95: float
    draws: int
    undefined: int = 0

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies in the middle 95 % of what random words show."""
        return self.low <= value <= self.high


def null_band(values: NDArray[np.float64]) -> NullBand:
    """Sum up the values of random sets, shape ``(draws,)``, at least one of them finite.

    The others are sets for which the metric is undefined: they are counted and left out.
    """
    defined = _defined(values)
    low, median, high = np.quantile(defined, [0.025, 0.5, 0.975])
    size = float(np.quantile(np.abs(defined), 0.95))
    left_out = len(values) - len(defined)
    return NullBand(float(median), float(low), float(high), size, len(values), left_out)


def null_p(values: NDArray[np.float64], value: float) -> float:
    """Return the two-sided p of ``value`` among the values of random sets that have one.

    Twice the smaller tail, ``(hits + 1) / (draws + 1)`` (Phipson & Smyth 2010), at most 1. The
    question is another than that of a permutation test: not "do these targets differ from each
    other more than by chance", but "do they differ more than random words do".
    """
    defined = _defined(values)
    above, below = (int(np.count_nonzero(side)) for side in (defined >= value, defined <= value))
    return min(1.0, 2 * (min(above, below) + 1) / (len(defined) + 1))


def _defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]
