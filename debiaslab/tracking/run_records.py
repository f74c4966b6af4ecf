"""Between what MLflow keeps of a run and what this package reads: plain values on both sides."""

from __future__ import annotations

import getpass
import json
from datetime import datetime, timezone
from typing import Any

from debiaslab.system.processes import Process, surely_dead, this_process
from debiaslab.system.redact import redact
from debiaslab.tracking.run_info import DatasetInfo, RunInfo

PROCESS_TAG = "debiaslab.process"


def run_info(run: Any) -> RunInfo:
    """Return a run of MLflow's as plain values."""
    info, data = run.info, run.data
    return RunInfo(
        run_id=info.run_id,
        name=info.run_name,
        experiment=info.experiment_id,
        status=info.status,
        params=dict(data.params),
        metrics=dict(data.metrics),
        tags=dict(data.tags),
        start=_time(info.start_time),
        # A run that was taken up again keeps its old end in MLflow until it ends anew.
        end=_time(info.end_time) if info.end_time and info.status != "RUNNING" else None,
    )


def dataset_fields(dataset: DatasetInfo) -> dict[str, str]:
    """Return the fields of MLflow's dataset; its digest is short, the whole one in the profile."""
    columns = [{"type": kind, "name": name} for name, kind in dataset.columns.items()]
    return {
        "name": dataset.name,
        "digest": dataset.digest[:16],
        "source_type": "local",
        "source": json.dumps({"uri": redact(dataset.source)}),
        "schema": json.dumps({"mlflow_colspec": columns}),
        "profile": json.dumps({**dataset.profile, "fingerprint": dataset.digest}),
    }


def dataset_info(dataset: Any) -> DatasetInfo:
    """Return a dataset of MLflow's as :func:`dataset_fields` was given it."""
    profile = json.loads(dataset.profile or "{}")
    columns = json.loads(dataset.schema or "{}").get("mlflow_colspec", [])
    return DatasetInfo(
        name=dataset.name,
        digest=profile.pop("fingerprint", dataset.digest),
        source=json.loads(dataset.source).get("uri", ""),
        columns={column["name"]: column["type"] for column in columns},
        profile=profile,
    )


def process_tags() -> dict[str, object]:
    """Return the tag that says which process a run belongs to: this one."""
    process = this_process()
    return {PROCESS_TAG: f"{process.host} {process.pid} {process.started}"}


def owner(run: RunInfo) -> Process | None:
    """Return the process a run belongs to; None when its tag says nothing of one."""
    parts = run.tags.get(PROCESS_TAG, "").split(" ", 2)
    if len(parts) != 3 or not parts[1].isdigit():
        return None
    return Process(parts[0], int(parts[1]), parts[2])


def status_now(run: RunInfo) -> str:
    """Return the status of a run; ``KILLED`` when its process ended without closing it."""
    process = owner(run)
    if run.status == "RUNNING" and process is not None and surely_dead(process):
        return "KILLED"
    return run.status


def user_name() -> str:
    """Return who runs this process, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such user id, as in some containers
        return "unknown"


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
