"""What MLflow returns, as the plain values of ``run_info``, and whose process a run is."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from debiaslab.processes import Process, this_process
from debiaslab.run_info import DatasetInfo, RunInfo
from debiaslab.tracking.tags import PROCESS_TAG


def run_info(run: Any) -> RunInfo:
    """Return a run of MLflow as plain values."""
    info, data = run.info, run.data
    return RunInfo(
        run_id=info.run_id,
        name=info.run_name,
        status=info.status,
        params=dict(data.params),
        metrics=dict(data.metrics),
        tags=dict(data.tags),
        start=_time(info.start_time),
        # A run that was taken up again keeps its old end in MLflow until it ends anew.
        end=_time(info.end_time) if info.end_time and info.status != "RUNNING" else None,
    )


def dataset_info(dataset: Any) -> DatasetInfo:
    """Return a dataset of MLflow as plain values."""
    profile = json.loads(dataset.profile or "{}")
    columns = json.loads(dataset.schema or "{}").get("mlflow_colspec", [])
    return DatasetInfo(
        name=dataset.name,
        digest=profile.pop("fingerprint", dataset.digest),
        source=json.loads(dataset.source).get("uri", ""),
        columns={column["name"]: column["type"] for column in columns},
        profile=profile,
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)


def process_tags() -> dict[str, object]:
    """Return the tag by which a run is found to be this process's."""
    process = this_process()
    return {PROCESS_TAG: f"{process.host} {process.pid} {process.started}"}


def owner_of(run: RunInfo) -> Process | None:
    """Return the process that made a run; None when it does not say."""
    parts = run.tags.get(PROCESS_TAG, "").split(" ", 2)
    if len(parts) != 3 or not parts[1].isdigit():
        return None
    return Process(parts[0], int(parts[1]), parts[2])
