"""Debiasing strategies. To add one: a file with a class under ``@register``, imported here."""

from debiaslab.regularizers.binding import BoundStrategy, bind_strategy
from debiaslab.regularizers.composition import Composition, SumOfPenalties, is_control, parts_of
from debiaslab.regularizers.creation import create, search_space
from debiaslab.regularizers.double_hard import DoubleHard
from debiaslab.regularizers.half_sibling import HalfSibling
from debiaslab.regularizers.hard import HardDebias
from debiaslab.regularizers.inlp import Inlp
from debiaslab.regularizers.leace import Leace
from debiaslab.regularizers.multiclass_hard import MulticlassHardDebias
from debiaslab.regularizers.none import NoStrategy
from debiaslab.regularizers.pairwise import PairwiseParity
from debiaslab.regularizers.penalty import (
    BoundPenalty,
    Cover,
    Coverage,
    Penalty,
    PenaltyWords,
    bind,
    covered_words,
)
from debiaslab.regularizers.postprocess import DebiasWords, Eraser, PostProcess, debias_words
from debiaslab.regularizers.preprocess import Preprocess, Rewriting
from debiaslab.regularizers.projection import ProjectionPenalty
from debiaslab.regularizers.ran import RanDebias
from debiaslab.regularizers.random_direction import RandomDirection
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
from debiaslab.regularizers.soft import SoftDebias
from debiaslab.regularizers.tying import Tying

__all__ = [
    "BoundPenalty",
    "BoundStrategy",
    "Choice",
    "Composition",
    "Cover",
    "Coverage",
    "DebiasWords",
    "DoubleHard",
    "Eraser",
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
    "PostProcess",
    "Preprocess",
    "ProjectionPenalty",
    "RanDebias",
    "RandomDirection",
    "Rewriting",
    "SoftDebias",
    "Space",
    "Strategy",
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
]
