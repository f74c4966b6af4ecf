"""The tags that runs carry, and how a value becomes one that MLflow takes."""

from __future__ import annotations

from debiaslab.redact import redact

STUDY_TAG = "debiaslab.study"
KIND_TAG = "debiaslab.kind"
BEST_TAG = "debiaslab.best_run"
BEST_ALIAS = "best"
PROCESS_TAG = "debiaslab.process"
REASON_TAG = "debiaslab.reason"
NOT_MEASURED_TAG = "debiaslab.not_measured"
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"
_LIMIT = 5000  # what the oldest server of MLflow 3 takes


def tag_text(value: object) -> str:
    """Return the value as text, redacted and cut to what MLflow takes."""
    return cut(redact(str(value)), _LIMIT, "… (cut)")


def cut(text: str, limit: int, mark: str) -> str:
    """Return the text, of at most ``limit`` letters; ``mark`` ends one that was cut."""
    return text if len(text) <= limit else text[: limit - len(mark)] + mark
