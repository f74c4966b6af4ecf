"""Bias metrics, utility metrics, their statistics, and the scorecard that holds them all.

A metric takes `Embeddings` and word lists and returns a frozen result; what cannot be measured has
a ``reason`` and never a number. Words are looked up as given, then in other cases. Wherever a
function takes them, ``bootstrap`` is the number of resamples for intervals and ``permutations``
that of a test (0 for none), ``draws`` the random sets of a null, and ``seed`` seeds all of them.

Examples:
    >>> from debiaslab.metrics import evaluate, weat
    >>> result = weat(embeddings, X, Y, A, B)               # doctest: +SKIP
    >>> result.statistic, result.effect_size, result.p      # doctest: +SKIP
    >>> print(evaluate(embeddings).table())                 # doctest: +SKIP
"""

import sys

from debiaslab.errors import NotMeasuredError
from debiaslab.metrics.analogies import (
    Accuracy,
    Analogies,
    BiasAnalogies,
    BiasAnalogy,
    PartAccuracy,
    analogies,
    bias_analogies,
)
from debiaslab.metrics.anchored import Alignment, align, anchored
from debiaslab.metrics.association import WordAssociation, ect, mac, rnd, rnd_cosine, same, sc_weat
from debiaslab.metrics.cases import Case
from debiaslab.metrics.collapse import Collapse, collapse
from debiaslab.metrics.comparison import (
    CorrectedP,
    PairedRecord,
    RankCorrelations,
    ScorecardComparison,
    compare,
    comparison_csv,
    corrected,
    correlations_csv,
    metric_correlations,
    paired_scorecards,
    rank_correlations,
    scorecards_csv,
    warnings_of,
)
from debiaslab.metrics.datasets import (
    AnalogySection,
    AnalogySet,
    AnalogySets,
    SimilaritySet,
    SimilaritySets,
    analogy_sets_in,
    default_analogy_sets,
    default_similarity_sets,
    load_analogies,
    load_similarity,
    similarity_sets_in,
    word_classes,
)
from debiaslab.metrics.evaluation import Baseline, evaluate
from debiaslab.metrics.lipstick import LabelRecovery, kmeans_alignment, svm_recovery
from debiaslab.metrics.nearest import BandOverlap, NeighborOverlap, neighbor_overlap
from debiaslab.metrics.neighbor_bias import (
    BiasedWords,
    NeighborBias,
    NeighborShares,
    biased_words,
    neighbor_bias,
    neighbor_shares,
)
from debiaslab.metrics.null import (
    NullBand,
    RandomWords,
    null_band,
    null_from,
    null_of,
    null_p,
    random_words,
)
from debiaslab.metrics.projection import (
    IndirectBias,
    bias_by_projection,
    direct_bias,
    indirect_bias,
    indirect_bias_null,
    indirect_bias_within,
    indirect_biases,
    raw_direct_bias,
    ripa,
    ripa_normalised,
)
from debiaslab.metrics.registry import Metric, get, list_metric, record_metric
from debiaslab.metrics.reliability import (
    Consistency,
    PairSensitivity,
    Reliability,
    Rule,
    attribute_sensitivity,
    inter_rule,
    internal_consistency,
    leave_one_attribute_out,
    leave_one_pair_out,
    list_consistency,
    pair_scores,
    pair_sensitivity,
    retest_reliability,
    weat_sensitivity,
    word_scores,
)
from debiaslab.metrics.rnsb import Rnsb, rnsb, rnsb_null
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.sembias import (
    SemBiasResult,
    factual_association,
    factual_null,
    sembias,
    sembias_null,
)
from debiaslab.metrics.similarity import (
    Retention,
    WordSimilarity,
    similarity_retention,
    word_similarity,
)
from debiaslab.metrics.vocabulary import Measured, Result, gender_direction
from debiaslab.metrics.weat import null_quantile, null_statistics, weat
from debiaslab.metrics.word_metric import Score, WordMetric, metric
from debiaslab.statistics.bootstrap import CorrelationTest, pearson_test
from debiaslab.statistics.permutation import PermutationTest, permutation_test

sys.modules[f"{__name__}.mac"] = sys.modules[f"{__name__}.association"]  # where it was until 0.1

# Names of earlier versions: what random words show is a method of the metric, and what a metric of
# word lists returns is ``Measured``.
FactualAssociation = WeatResult = Measured
SharedIndirectBias = IndirectBias
Comparison = ScorecardComparison
bias_by_projection_null = bias_by_projection.null
direct_bias_null = direct_bias.null
ect_null = ect.null
mac_null = mac.null
ripa_null = ripa.null
rnd_null = rnd.null
same_null = same.null
sc_weat_null = sc_weat.null
weat_null = weat.null

__all__ = ["Accuracy", "Alignment", "Analogies", "AnalogySection", "AnalogySet", "AnalogySets"]
__all__ += ["BandOverlap", "Baseline", "BiasAnalogies", "BiasAnalogy", "BiasedWords", "Case"]
__all__ += ["Collapse", "Comparison", "Consistency", "CorrectedP", "CorrelationTest"]
__all__ += ["FactualAssociation", "IndirectBias", "LabelRecovery", "Measured", "Metric"]
__all__ += ["NeighborBias", "NeighborOverlap", "NeighborShares", "NotMeasuredError"]
__all__ += ["NullBand", "PairSensitivity", "PairedRecord", "PartAccuracy", "PermutationTest"]
__all__ += ["RandomWords", "RankCorrelations", "Record", "Reliability", "Result", "Retention"]
__all__ += ["ScorecardComparison"]
__all__ += ["Rnsb", "Rule", "Score", "Scorecard", "SemBiasResult", "SharedIndirectBias"]
__all__ += ["SimilaritySet", "SimilaritySets", "WeatResult", "WordAssociation", "WordMetric"]
__all__ += ["WordSimilarity"]
__all__ += [
    "align",
    "analogies",
    "anchored",
    "bias_analogies",
    "bias_by_projection",
    "biased_words",
    "collapse",
]
__all__ += ["direct_bias", "ect", "evaluate", "factual_association", "gender_direction", "get"]
__all__ += ["indirect_bias", "indirect_bias_within", "indirect_biases", "kmeans_alignment"]
__all__ += ["list_metric", "mac", "metric", "neighbor_bias", "neighbor_overlap"]
__all__ += ["neighbor_shares", "record_metric", "ripa", "ripa_normalised", "rnd", "rnd_cosine"]
__all__ += [
    "raw_direct_bias",
    "rnsb",
    "same",
    "sc_weat",
    "sembias",
    "similarity_retention",
    "svm_recovery",
]
__all__ += ["weat", "word_similarity"]
__all__ += ["bias_by_projection_null", "direct_bias_null", "ect_null", "factual_null"]
__all__ += ["indirect_bias_null", "mac_null", "null_band", "null_from", "null_of", "null_p"]
__all__ += ["null_quantile", "null_statistics", "random_words", "ripa_null", "rnd_null"]
__all__ += ["rnsb_null", "same_null", "sc_weat_null", "sembias_null", "weat_null"]
__all__ += ["analogy_sets_in", "attribute_sensitivity", "compare", "comparison_csv"]
__all__ += ["corrected", "correlations_csv", "default_analogy_sets", "default_similarity_sets"]
__all__ += ["inter_rule", "internal_consistency", "leave_one_attribute_out"]
__all__ += ["leave_one_pair_out", "list_consistency", "load_analogies", "load_similarity"]
__all__ += ["metric_correlations", "pair_scores", "pair_sensitivity", "paired_scorecards"]
__all__ += ["pearson_test", "permutation_test", "rank_correlations", "retest_reliability"]
__all__ += ["scorecards_csv", "similarity_sets_in", "warnings_of", "weat_sensitivity"]
__all__ += ["word_classes", "word_scores"]
