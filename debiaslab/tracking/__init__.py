"""The tracking store: studies and runs in MLflow. The only package that imports mlflow.

All studies of a store are in one MLflow experiment, ``debiaslab``: a study is found by its name
alone, and two studies on two corpora can be put side by side in one table of the UI, which
shows one experiment at a time. A study is a parent run, its trials are child runs.

Only ``MlflowClient`` with explicit run ids is used, so that the active run and tracking URI of a
notebook that calls us stay as they were. mlflow is imported inside functions: it takes a second.
"""

from debiaslab.redact import redact
from debiaslab.run_info import VECTORS, DatasetInfo, RunInfo, StudyRun
from debiaslab.tracking.opening import import_mlflow
from debiaslab.tracking.run_log import RunLog, RunWriter
from debiaslab.tracking.store import Store
from debiaslab.tracking.tags import (
    BEST_ALIAS,
    BEST_TAG,
    KIND_TAG,
    NOTE_TAG,
    PARENT_TAG,
    PROCESS_TAG,
    REASON_TAG,
    STUDY_TAG,
)
from debiaslab.ui_server import free_port, is_server, ui_command, ui_environment

__all__ = [
    "BEST_ALIAS",
    "BEST_TAG",
    "KIND_TAG",
    "NOTE_TAG",
    "PARENT_TAG",
    "PROCESS_TAG",
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
    "redact",
    "ui_command",
    "ui_environment",
]
