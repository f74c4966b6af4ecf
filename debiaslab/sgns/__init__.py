"""Skip-gram with negative sampling: the model, two engines that train it, and the trainer."""

from debiaslab.settings.training import TrainSettings
from debiaslab.sgns.checkpoint import Checkpoints
from debiaslab.sgns.engine import (
    Block,
    DrawnPenalty,
    Engine,
    PenaltyTerm,
    Preprocessing,
    Resumable,
)
from debiaslab.sgns.model import SGNS, Batch, Start
from debiaslab.sgns.trainer import Report, TrainingDivergedError, TrainResult, train

__all__ = [
    "SGNS",
    "Batch",
    "Block",
    "Checkpoints",
    "DrawnPenalty",
    "Engine",
    "PenaltyTerm",
    "Preprocessing",
    "Report",
    "Resumable",
    "Start",
    "TrainResult",
    "TrainSettings",
    "TrainingDivergedError",
    "train",
]
