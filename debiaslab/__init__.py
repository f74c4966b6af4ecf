"""debiaslab: debiasing studies on word embeddings, from text to tracked sweeps.

The names below are imported when first used, so that ``import debiaslab`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from debiaslab import regularizers as strategies
    from debiaslab.corpus import Corpus, CorpusSettings
    from debiaslab.metrics import Scorecard, evaluate
    from debiaslab.results import StudyResults, open_study
    from debiaslab.sgns import SGNS, TrainSettings, train
    from debiaslab.study import Objective, Plan, sweep
    from debiaslab.vectors.embeddings import Embeddings

__version__ = "0.1.0"

_HOMES = {
    "Corpus": "debiaslab.corpus",
    "CorpusSettings": "debiaslab.corpus",
    "Embeddings": "debiaslab.vectors.embeddings",
    "Objective": "debiaslab.study",
    "Plan": "debiaslab.study",
    "SGNS": "debiaslab.sgns",
    "Scorecard": "debiaslab.metrics",
    "StudyResults": "debiaslab.results",
    "TrainSettings": "debiaslab.sgns",
    "evaluate": "debiaslab.metrics",
    "open_study": "debiaslab.results",
    "sweep": "debiaslab.study",
    "train": "debiaslab.sgns",
}

_MODULES = {
    "strategies": "debiaslab.regularizers",
    "export": "debiaslab.leaderboard.export",  # its place until version 0.1
}

__all__ = [
    "SGNS",
    "Corpus",
    "CorpusSettings",
    "Embeddings",
    "Objective",
    "Plan",
    "Scorecard",
    "StudyResults",
    "TrainSettings",
    "evaluate",
    "open_study",
    "strategies",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'debiaslab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
