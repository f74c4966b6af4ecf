"""Bias metrics, utility metrics, their statistics, and the scorecard that holds them all.

Every metric is a plain function of `Embeddings` and word lists that returns a frozen result; what
cannot be measured comes back with a ``reason`` and never as a number.

Examples:
    >>> from debiaslab.metrics import evaluate, weat
    >>> result = weat(embeddings, X, Y, A, B)               # doctest: +SKIP
    >>> result.statistic, result.effect_size, result.p      # doctest: +SKIP
    >>> print(evaluate(embeddings).table())                 # doctest: +SKIP
"""

import sys

from debiaslab.errors import NotMeasuredError
from debiaslab.metrics.analogies import Accuracy, Analogies, PartAccuracy, analogies
from debiaslab.metrics.association import WordAssociation, ect, mac, rnd, rnd_cosine, same, sc_weat
from debiaslab.metrics.cases import Case
from debiaslab.metrics.collapse import Collapse, collapse
from debiaslab.metrics.comparison import (
    Comparison,
    RankCorrelations,
    compare,
    comparison_csv,
    correlations_csv,
    metric_correlations,
    rank_correlations,
    scorecards_csv,
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
from debiaslab.metrics.factual import FactualAssociation, factual_association, factual_null
from debiaslab.metrics.gender_direction import gender_direction
from debiaslab.metrics.lipstick import LabelRecovery, kmeans_alignment, svm_recovery
from debiaslab.metrics.nearest import BiasAnalogies, BiasAnalogy, bias_analogies
from debiaslab.metrics.neighbor_bias import (
    BiasedWords,
    NeighborBias,
    NeighborShares,
    biased_words,
    neighbor_bias,
    neighbor_shares,
)
from debiaslab.metrics.neighbor_overlap import BandOverlap, NeighborOverlap, neighbor_overlap
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
    SharedIndirectBias,
    bias_by_projection,
    direct_bias,
    indirect_bias,
    indirect_bias_null,
    indirect_bias_within,
    indirect_biases,
    ripa,
    ripa_normalised,
)
from debiaslab.metrics.registry import Metric, get, list_metric, record_metric
from debiaslab.metrics.reliability import (
    Consistency,
    Reliability,
    Rule,
    inter_rule,
    internal_consistency,
    list_consistency,
    pair_scores,
    retest_reliability,
    word_scores,
)
from debiaslab.metrics.rnsb import Rnsb, rnsb, rnsb_null
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.scorecard_statistics import (
    CorrectedP,
    PairedRecord,
    corrected,
    paired_scorecards,
    warnings_of,
)
from debiaslab.metrics.sembias import SemBiasResult, sembias, sembias_null
from debiaslab.metrics.sensitivity import (
    PairSensitivity,
    attribute_sensitivity,
    leave_one_attribute_out,
    leave_one_pair_out,
    pair_sensitivity,
    weat_sensitivity,
)
from debiaslab.metrics.similarity import (
    Retention,
    WordSimilarity,
    similarity_retention,
    word_similarity,
)
from debiaslab.metrics.vocabulary import Measured
from debiaslab.metrics.weat import WeatResult, null_quantile, null_statistics, weat, weat_null
from debiaslab.metrics.word_metric import Score, WordMetric, metric
from debiaslab.statistics.bootstrap import CorrelationTest, pearson_test
from debiaslab.statistics.permutation import PermutationTest, permutation_test

sys.modules[f"{__name__}.mac"] = sys.modules[f"{__name__}.association"]  # where it was until 0.1

# Names of earlier versions: what random words show is a method of the metric.
bias_by_projection_null = bias_by_projection.null
direct_bias_null = direct_bias.null
ect_null = ect.null
mac_null = mac.null
ripa_null = ripa.null
rnd_null = rnd.null
same_null = same.null
sc_weat_null = sc_weat.null

__all__ = [
    "Accuracy",
    "Analogies",
    "AnalogySection",
    "AnalogySet",
    "AnalogySets",
    "BandOverlap",
    "Baseline",
    "BiasAnalogies",
    "BiasAnalogy",
    "BiasedWords",
    "Case",
    "Collapse",
    "Comparison",
    "Consistency",
    "CorrectedP",
    "CorrelationTest",
    "FactualAssociation",
    "IndirectBias",
    "LabelRecovery",
    "Measured",
    "Metric",
    "NeighborBias",
    "NeighborOverlap",
    "NeighborShares",
    "NotMeasuredError",
    "NullBand",
    "PairSensitivity",
    "PairedRecord",
    "PartAccuracy",
    "PermutationTest",
    "RandomWords",
    "RankCorrelations",
    "Record",
    "Reliability",
    "Retention",
    "Rnsb",
    "Rule",
    "Score",
    "Scorecard",
    "SemBiasResult",
    "SharedIndirectBias",
    "SimilaritySet",
    "SimilaritySets",
    "WeatResult",
    "WordAssociation",
    "WordMetric",
    "WordSimilarity",
    "analogies",
    "analogy_sets_in",
    "attribute_sensitivity",
    "bias_analogies",
    "bias_by_projection",
    "bias_by_projection_null",
    "biased_words",
    "collapse",
    "compare",
    "comparison_csv",
    "corrected",
    "correlations_csv",
    "default_analogy_sets",
    "default_similarity_sets",
    "direct_bias",
    "direct_bias_null",
    "ect",
    "ect_null",
    "evaluate",
    "factual_association",
    "factual_null",
    "gender_direction",
    "get",
    "indirect_bias",
    "indirect_bias_null",
    "indirect_bias_within",
    "indirect_biases",
    "inter_rule",
    "internal_consistency",
    "kmeans_alignment",
    "leave_one_attribute_out",
    "leave_one_pair_out",
    "list_consistency",
    "list_metric",
    "load_analogies",
    "load_similarity",
    "mac",
    "mac_null",
    "metric",
    "metric_correlations",
    "neighbor_bias",
    "neighbor_overlap",
    "neighbor_shares",
    "null_band",
    "null_from",
    "null_of",
    "null_p",
    "null_quantile",
    "null_statistics",
    "pair_scores",
    "pair_sensitivity",
    "paired_scorecards",
    "pearson_test",
    "permutation_test",
    "random_words",
    "rank_correlations",
    "record_metric",
    "retest_reliability",
    "ripa",
    "ripa_normalised",
    "ripa_null",
    "rnd",
    "rnd_cosine",
    "rnd_null",
    "rnsb",
    "rnsb_null",
    "same",
    "same_null",
    "sc_weat",
    "sc_weat_null",
    "scorecards_csv",
    "sembias",
    "sembias_null",
    "similarity_retention",
    "similarity_sets_in",
    "svm_recovery",
    "warnings_of",
    "weat",
    "weat_null",
    "weat_sensitivity",
    "word_classes",
    "word_scores",
    "word_similarity",
]
