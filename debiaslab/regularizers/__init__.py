"""Debiasing strategies. To add one: a file with a class under ``@register``, imported here."""

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
from debiaslab.regularizers.projection import ProjectionPenalty
from debiaslab.regularizers.registry import (
    LogUniform,
    Strategy,
    create,
    get,
    register,
    strategy_names,
)
from debiaslab.regularizers.tying import Tying

__all__ = [
    "BoundPenalty",
    "Cover",
    "Coverage",
    "LogUniform",
    "NoStrategy",
    "PairwiseParity",
    "Penalty",
    "PenaltyWords",
    "ProjectionPenalty",
    "Strategy",
    "Tying",
    "bind",
    "covered_words",
    "create",
    "get",
    "register",
    "strategy_names",
]
