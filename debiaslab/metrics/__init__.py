"""Bias metrics, utility metrics, their statistics, and the scorecard that holds them all.

Every metric is a plain function of `Embeddings` and word lists that returns a frozen result; what
cannot be measured comes back with a ``reason`` and never as a number.

Examples:
    >>> from debiaslab.metrics import evaluate, weat
    >>> result = weat(embeddings, X, Y, A, B)               # doctest: +SKIP
    >>> result.statistic, result.effect_size, result.p      # doctest: +SKIP
    >>> print(evaluate(embeddings).table())                 # doctest: +SKIP
"""

from debiaslab.metrics.collapse import Collapse, collapse
from debiaslab.metrics.comparison import (
    Comparison,
    compare,
    metric_correlations,
    rank_correlations,
)
from debiaslab.metrics.comparison_csv import comparison_csv, correlations_csv
from debiaslab.metrics.direct_bias import DirectBias, direct_bias, gender_direction
from debiaslab.metrics.evaluation import evaluate
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import null_quantile, null_statistics
from debiaslab.metrics.permutation import PermutationTest, permutation_test
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.scorecard_csv import scorecards_csv
from debiaslab.metrics.similarity import WordSimilarity, word_similarity
from debiaslab.metrics.similarity_sets import (
    SimilaritySet,
    default_similarity_sets,
    load_similarity,
)
from debiaslab.metrics.weat import WeatResult, weat

__all__ = [
    "Collapse",
    "Comparison",
    "DirectBias",
    "NotMeasuredError",
    "PermutationTest",
    "Record",
    "Scorecard",
    "SimilaritySet",
    "WeatResult",
    "WordSimilarity",
    "collapse",
    "compare",
    "comparison_csv",
    "correlations_csv",
    "default_similarity_sets",
    "direct_bias",
    "evaluate",
    "gender_direction",
    "load_similarity",
    "metric_correlations",
    "null_quantile",
    "null_statistics",
    "permutation_test",
    "rank_correlations",
    "scorecards_csv",
    "weat",
    "word_similarity",
]
