"""The tracking store: studies and runs in MLflow. The only room that imports mlflow."""

from debiaslab.tracking.contact import (
    free_port,
    import_mlflow,
    is_server,
    ui_command,
    ui_environment,
)
from debiaslab.tracking.names import (
    BEST_TAG,
    KIND_TAG,
    NOTE_TAG,
    PARENT_TAG,
    REASON_TAG,
    STUDY_TAG,
    VECTORS,
)
from debiaslab.tracking.records import DatasetInfo, RunInfo, RunLog, RunWriter, StudyRun
from debiaslab.tracking.store import Store

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
