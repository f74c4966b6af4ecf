"""What an archive of studies says in JSON; read strictly, for it may come from anyone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA = 1
MANIFEST, CONTENT, ARTIFACTS = "manifest.json", "studies.json", "artifacts/"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ArchivedDataset(_Part):
    """The corpus of a run as MLflow shows it."""

    name: str
    digest: str
    source: str
    columns: dict[str, str]
    profile: dict[str, Any]


class ArchivedRun(_Part):
    """One run; its artifacts are files under ``artifacts/<run_id>/``."""

    run_id: str
    name: str
    status: Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, list[tuple[int, float]]]  # by name: (step, value)
    datasets: list[ArchivedDataset]
    start: datetime
    end: datetime | None


class ArchivedTrial(_Part):
    """One Optuna trial."""

    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    params: dict[str, Any]
    distributions: dict[str, str]  # JSON of Optuna
    values: list[float] | None
    intermediate: dict[int, float]
    user_attrs: dict[str, Any]
    system_attrs: dict[str, Any]
    start: datetime | None
    end: datetime | None


class ArchivedSearch(_Part):
    """One Optuna study."""

    directions: list[Literal["MINIMIZE", "MAXIMIZE"]]
    user_attrs: dict[str, Any]
    trials: list[ArchivedTrial]


class ArchivedStudy(_Part):
    """One study: its own run, the runs of its trials, and the search."""

    name: str
    parent: ArchivedRun
    runs: list[ArchivedRun]
    search: ArchivedSearch | None


class Content(_Part):
    """All studies of an archive."""

    studies: list[ArchivedStudy]


class Manifest(_Part):
    """What must be in the archive, to know a damaged one."""

    format: Literal["debiaslab study archive"] = "debiaslab study archive"
    version: int = SCHEMA
    files: dict[str, str]  # path in the archive → sha256, hex
