"""Skip-gram with negative sampling: the model, two engines that train it, and the trainer."""

from debiaslab.sgns.engine import Block, DrawnPenalty, Engine, PenaltyTerm, Preprocessing
from debiaslab.sgns.model import SGNS, Batch
from debiaslab.sgns.settings import TrainSettings
from debiaslab.sgns.trainer import Report, TrainingDivergedError, TrainResult, train

__all__ = [
    "SGNS",
    "Batch",
    "Block",
    "DrawnPenalty",
    "Engine",
    "PenaltyTerm",
    "Preprocessing",
    "Report",
    "TrainResult",
    "TrainSettings",
    "TrainingDivergedError",
    "train",
]
