"""How far a number can be trusted: sensitivity, seeds, many tests, reliability, warnings.

Examples:
    >>> from debiaslab.statistics import paired
    >>> result = paired([0.30, 0.31, 0.29], [0.20, 0.22, 0.21])  # by seed: baseline, debiased
    >>> round(result.difference, 2), result.probability_of_improvement, result.p
    (-0.09, 1.0, 0.25)
"""

from debiaslab.statistics.consistency import (
    Consistency,
    cronbach_alpha,
    internal_consistency,
    list_consistency,
)
from debiaslab.statistics.leave_one_out import (
    LeaveOneOut,
    LeftOut,
    leave_one_attribute_out,
    leave_one_pair_out,
)
from debiaslab.statistics.multiple import CorrectedP, benjamini_hochberg, corrected, holm
from debiaslab.statistics.pair_sensitivity import (
    PairSensitivity,
    attribute_sensitivity,
    pair_sensitivity,
    weat_sensitivity,
)
from debiaslab.statistics.paired import Paired, paired
from debiaslab.statistics.paired_scorecards import PairedRecord, paired_scorecards
from debiaslab.statistics.reliability import (
    Reliability,
    icc2,
    icc3,
    inter_rule,
    retest_reliability,
)
from debiaslab.statistics.warnings import warnings_of
from debiaslab.statistics.word_scores import RULES, Rule, pair_scores, word_scores

__all__ = [
    "RULES",
    "Consistency",
    "CorrectedP",
    "LeaveOneOut",
    "LeftOut",
    "PairSensitivity",
    "Paired",
    "PairedRecord",
    "Reliability",
    "Rule",
    "attribute_sensitivity",
    "benjamini_hochberg",
    "corrected",
    "cronbach_alpha",
    "holm",
    "icc2",
    "icc3",
    "inter_rule",
    "internal_consistency",
    "leave_one_attribute_out",
    "leave_one_pair_out",
    "list_consistency",
    "pair_scores",
    "pair_sensitivity",
    "paired",
    "paired_scorecards",
    "retest_reliability",
    "warnings_of",
    "weat_sensitivity",
    "word_scores",
]
