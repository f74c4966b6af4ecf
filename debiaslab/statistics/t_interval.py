"""The 95 % t interval of a mean over few values, such as seeds (Student 1908)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import stdev


def half_width(values: Sequence[float]) -> float | None:
    """Return half of the 95 % t interval of the mean; None with fewer than two values."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / math.sqrt(len(values))
