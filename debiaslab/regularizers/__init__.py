"""Debiasing strategies. To add one: a file in this folder with a class under ``@register``."""

from debiaslab.regularizers.adversarial import Adversarial
from debiaslab.regularizers.binding import BoundStrategy, bind_strategy
from debiaslab.regularizers.cda import CounterfactualAugmentation
from debiaslab.regularizers.cds import CounterfactualSubstitution
from debiaslab.regularizers.composition import Composition, SumOfPenalties, is_control, parts_of
from debiaslab.regularizers.context_tying import ContextTying
from debiaslab.regularizers.contextual import ContextualSymmetry
from debiaslab.regularizers.creation import create, search_space
from debiaslab.regularizers.distribution import DistributionMatching
from debiaslab.regularizers.double_hard import DoubleHard
from debiaslab.regularizers.fixed_direction import FixedProjection
from debiaslab.regularizers.gender_blind import GenderBlind
from debiaslab.regularizers.gn import GenderNeutral
from debiaslab.regularizers.half_sibling import HalfSibling
from debiaslab.regularizers.hard import HardDebias
from debiaslab.regularizers.inlp import Inlp
from debiaslab.regularizers.leace import Leace
from debiaslab.regularizers.multiclass_hard import MulticlassHardDebias
from debiaslab.regularizers.none import NoStrategy
from debiaslab.regularizers.pairwise import PairwiseParity
from debiaslab.regularizers.pairwise_squared import SquaredPairwiseParity
from debiaslab.regularizers.penalty import (
    BoundPenalty,
    Cover,
    Coverage,
    Penalty,
    PenaltyWords,
    bind,
    covered_words,
)
from debiaslab.regularizers.planted import Planted
from debiaslab.regularizers.postprocess import DebiasWords, Eraser, PostProcess, debias_words
from debiaslab.regularizers.preprocess import Preprocess, Rewriting
from debiaslab.regularizers.projection import ProjectionPenalty
from debiaslab.regularizers.projection_subspace import SubspaceProjection
from debiaslab.regularizers.ran import RanDebias
from debiaslab.regularizers.ran_training import RepulsionNeutralisation
from debiaslab.regularizers.random_direction import RandomDirection
from debiaslab.regularizers.random_projection import RandomProjection
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
from debiaslab.regularizers.ruler import Ruler
from debiaslab.regularizers.running_direction import RunningProjection
from debiaslab.regularizers.same_gender_swap import SameGenderSwap
from debiaslab.regularizers.soft import SoftDebias
from debiaslab.regularizers.tying import Tying
from debiaslab.regularizers.unit import unit_rows

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
    "unit_rows",
]
