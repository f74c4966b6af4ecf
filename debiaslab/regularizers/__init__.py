"""Debiasing strategies. To add one: a file in this folder with a class under ``@register``."""

from debiaslab.regularizers.binding import BoundStrategy, bind_strategy, train_inputs
from debiaslab.regularizers.composition import (
    Composition,
    SumOfPenalties,
    create,
    is_control,
    parts_of,
    search_space,
)
from debiaslab.regularizers.controls import EqualizeOnly, NoStrategy, RandomDirection, Ruler
from debiaslab.regularizers.erasers import HalfSibling, Inlp, Leace
from debiaslab.regularizers.hard import DoubleHard, HardDebias, MulticlassHardDebias, SoftDebias
from debiaslab.regularizers.matching import Adversarial, DistributionMatching
from debiaslab.regularizers.noise import StratifiedNoise
from debiaslab.regularizers.parity import (
    ContextTying,
    ContextualSymmetry,
    PairwiseParity,
    SquaredPairwiseParity,
    Tying,
)
from debiaslab.regularizers.penalty import BoundPenalty, Penalty, PenaltyWords, bind, unit_rows
from debiaslab.regularizers.planted import Planted
from debiaslab.regularizers.postprocess import DebiasWords, Eraser, PostProcess, debias_words
from debiaslab.regularizers.projection import (
    FixedProjection,
    GenderNeutral,
    Projection,
    ProjectionPenalty,
    RandomProjection,
    RunningProjection,
    SubspaceProjection,
)
from debiaslab.regularizers.ran import RanDebias, RepulsionNeutralisation
from debiaslab.regularizers.registry import (
    Choice,
    Int,
    LogUniform,
    Space,
    Strategy,
    Uniform,
    get,
    register,
    strategy_names,
)
from debiaslab.regularizers.text import (
    CounterfactualAugmentation,
    CounterfactualSubstitution,
    GenderBlind,
    Preprocess,
    Rewriting,
    SameGenderSwap,
)
from debiaslab.regularizers.words import Cover, Coverage, covered_words

__all__ = [
    "Adversarial",
    "BoundPenalty",
    "BoundStrategy",
    "Choice",
    "Composition",
    "ContextTying",
    "ContextualSymmetry",
    "CounterfactualAugmentation",
    "CounterfactualSubstitution",
    "Cover",
    "Coverage",
    "DebiasWords",
    "DistributionMatching",
    "DoubleHard",
    "EqualizeOnly",
    "Eraser",
    "FixedProjection",
    "GenderBlind",
    "GenderNeutral",
    "HalfSibling",
    "HardDebias",
    "Inlp",
    "Int",
    "Leace",
    "LogUniform",
    "MulticlassHardDebias",
    "NoStrategy",
    "PairwiseParity",
    "Penalty",
    "PenaltyWords",
    "Planted",
    "PostProcess",
    "Preprocess",
    "Projection",
    "ProjectionPenalty",
    "RanDebias",
    "RandomDirection",
    "RandomProjection",
    "RepulsionNeutralisation",
    "Rewriting",
    "Ruler",
    "RunningProjection",
    "SameGenderSwap",
    "SoftDebias",
    "Space",
    "SquaredPairwiseParity",
    "Strategy",
    "StratifiedNoise",
    "SubspaceProjection",
    "SumOfPenalties",
    "Tying",
    "Uniform",
    "bind",
    "bind_strategy",
    "covered_words",
    "create",
    "debias_words",
    "get",
    "is_control",
    "parts_of",
    "register",
    "search_space",
    "strategy_names",
    "train_inputs",
    "unit_rows",
]
