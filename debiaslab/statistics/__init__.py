"""Statistics on plain numbers: pairs of runs over seeds, corrections, agreement, fronts.

Examples:
    >>> from debiaslab.statistics import paired
    >>> result = paired([0.30, 0.31, 0.29], [0.20, 0.22, 0.21])  # by seed: baseline, debiased
    >>> round(result.difference, 2), result.probability_of_improvement, result.p
    (-0.09, 1.0, 0.25)
"""

from debiaslab.statistics.paired import (
    Paired,
    benjamini_hochberg,
    front_of,
    half_width,
    holm,
    hypervolume,
    paired,
)
from debiaslab.statistics.reliability import LeaveOneOut, LeftOut, cronbach_alpha, icc2, icc3
from debiaslab.statistics.verdict import Contrast, Verdict, verdicts

__all__ = [
    "Contrast",
    "LeaveOneOut",
    "LeftOut",
    "Paired",
    "Verdict",
    "benjamini_hochberg",
    "cronbach_alpha",
    "front_of",
    "half_width",
    "holm",
    "hypervolume",
    "icc2",
    "icc3",
    "paired",
    "verdicts",
]
