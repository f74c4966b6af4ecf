"""Bias metrics, utility metrics, their statistics, and the scorecard that holds them all.

Every metric is a plain function of `Embeddings` and word lists that returns a frozen result; what
cannot be measured comes back with a ``reason`` and never as a number.

Examples:
    >>> from debiaslab.metrics import evaluate, weat
    >>> result = weat(embeddings, X, Y, A, B)               # doctest: +SKIP
    >>> result.statistic, result.effect_size, result.p      # doctest: +SKIP
    >>> print(evaluate(embeddings).table())                 # doctest: +SKIP
"""

from debiaslab.metrics.analogies import Accuracy, Analogies, PartAccuracy, analogies
from debiaslab.metrics.analogy_sets import (
    AnalogySection,
    AnalogySet,
    AnalogySets,
    analogy_sets_in,
    default_analogy_sets,
    load_analogies,
)
from debiaslab.metrics.baseline import Baseline
from debiaslab.metrics.bias_analogies import BiasAnalogies, BiasAnalogy, bias_analogies
from debiaslab.metrics.bias_by_projection import BiasByProjection, bias_by_projection
from debiaslab.metrics.biased_words import BiasedWords, biased_words
from debiaslab.metrics.collapse import Collapse, collapse
from debiaslab.metrics.comparison import (
    Comparison,
    RankCorrelations,
    compare,
    metric_correlations,
    rank_correlations,
)
from debiaslab.metrics.correlation import CorrelationTest, pearson_test
from debiaslab.metrics.direct_bias import DirectBias, direct_bias, gender_direction
from debiaslab.metrics.ect import Ect, ect
from debiaslab.metrics.evaluation import evaluate
from debiaslab.metrics.factual import FactualAssociation, factual_association
from debiaslab.metrics.indirect_bias import (
    IndirectBias,
    SharedIndirectBias,
    indirect_bias,
    indirect_bias_within,
    indirect_biases,
)
from debiaslab.metrics.lipstick import LabelRecovery, kmeans_alignment, svm_recovery
from debiaslab.metrics.mac import Mac, mac
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.neighbor_bias import (
    NeighborBias,
    NeighborShares,
    neighbor_bias,
    neighbor_shares,
)
from debiaslab.metrics.neighbor_overlap import BandOverlap, NeighborOverlap, neighbor_overlap
from debiaslab.metrics.null import (
    RandomWords,
    null_from,
    null_of,
    null_quantile,
    null_statistics,
    random_words,
)
from debiaslab.metrics.null_band import NullBand, null_band, null_p
from debiaslab.metrics.null_metrics import (
    bias_by_projection_null,
    direct_bias_null,
    ect_null,
    factual_null,
    indirect_bias_null,
    mac_null,
    ripa_null,
    rnd_null,
    rnsb_null,
    same_null,
    sc_weat_null,
    sembias_null,
    weat_null,
)
from debiaslab.metrics.permutation import PermutationTest, permutation_test
from debiaslab.metrics.retention import Retention, similarity_retention
from debiaslab.metrics.ripa import Ripa, ripa
from debiaslab.metrics.rnd import Rnd, rnd
from debiaslab.metrics.rnsb import Rnsb, rnsb
from debiaslab.metrics.same import Same, same
from debiaslab.metrics.sc_weat import ScWeat, WordAssociation, sc_weat
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.scorecard_csv import comparison_csv, correlations_csv, scorecards_csv
from debiaslab.metrics.sembias import SemBiasResult, sembias
from debiaslab.metrics.similarity import WordSimilarity, word_similarity
from debiaslab.metrics.similarity_sets import (
    SimilaritySet,
    SimilaritySets,
    default_similarity_sets,
    load_similarity,
    similarity_sets_in,
    word_classes,
)
from debiaslab.metrics.weat import WeatResult, weat

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
    "BiasByProjection",
    "BiasedWords",
    "Collapse",
    "Comparison",
    "CorrelationTest",
    "DirectBias",
    "Ect",
    "FactualAssociation",
    "IndirectBias",
    "LabelRecovery",
    "Mac",
    "NeighborBias",
    "NeighborOverlap",
    "NeighborShares",
    "NotMeasuredError",
    "NullBand",
    "PartAccuracy",
    "PermutationTest",
    "RandomWords",
    "RankCorrelations",
    "Record",
    "Retention",
    "Ripa",
    "Rnd",
    "Rnsb",
    "Same",
    "ScWeat",
    "Scorecard",
    "SemBiasResult",
    "SharedIndirectBias",
    "SimilaritySet",
    "SimilaritySets",
    "WeatResult",
    "WordAssociation",
    "WordSimilarity",
    "analogies",
    "analogy_sets_in",
    "bias_analogies",
    "bias_by_projection",
    "bias_by_projection_null",
    "biased_words",
    "collapse",
    "compare",
    "comparison_csv",
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
    "indirect_bias",
    "indirect_bias_null",
    "indirect_bias_within",
    "indirect_biases",
    "kmeans_alignment",
    "load_analogies",
    "load_similarity",
    "mac",
    "mac_null",
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
    "pearson_test",
    "permutation_test",
    "random_words",
    "rank_correlations",
    "ripa",
    "ripa_null",
    "rnd",
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
    "weat",
    "weat_null",
    "word_classes",
    "word_similarity",
]
