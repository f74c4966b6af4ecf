"""The tracking store: studies and runs in MLflow. The only room that imports mlflow."""

from debiaslab.tracking.run_info import VECTORS, DatasetInfo, RunInfo, StudyRun
from debiaslab.tracking.store import (
    BEST_TAG,
    KIND_TAG,
    NOTE_TAG,
    PARENT_TAG,
    REASON_TAG,
    STUDY_TAG,
    RunLog,
    RunWriter,
    Store,
    import_mlflow,
)
from debiaslab.tracking.ui_server import free_port, is_server, ui_command, ui_environment

__all__ = [
    "BEST_TAG",
    "KIND_TAG",
    "NOTE_TAG",
    "PARENT_TAG",
    "REASON_TAG",
    "STUDY_TAG",
    "VECTORS",
    "DatasetInfo",
    "RunInfo",
    "RunLog",
    "RunWriter",
    "Store",
    "StudyRun",
    "free_port",
    "import_mlflow",
    "is_server",
    "ui_command",
    "ui_environment",
]
