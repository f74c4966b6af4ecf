"""Runs, studies and datasets as plain values, and what MLflow keeps of them: both directions."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypeVar

from debiaslab.errors import UserError
from debiaslab.system.processes import Process, surely_dead, this_process
from debiaslab.system.redact import redact
from debiaslab.tracking.names import KIND_TAG, PARAMS_LONG, PROCESS_TAG

_Item = TypeVar("_Item")

_PARAM_LIMIT = 6000
_TAG_LIMIT = 5000  # what the oldest server of MLflow 3 takes
_BEGINNING = re.compile("[0-9a-f]{1,31}")  # of a run's id


@dataclass(frozen=True)
class RunInfo:
    """One run as it is recorded.

    Attributes:
        name: As MLflow shows it, where anybody may change it.
        experiment: MLflow experiment that it is in.
        status: ``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``.
        params: Settings, as text; a long one is cut, with the whole in ``params_long.json``.
        metrics: The last value of each metric. A metric that was not measured is absent.
        start: When it started, UTC.
        end: When it ended, UTC; None while it runs.
    """

    run_id: str
    name: str
    experiment: str
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    start: datetime
    end: datetime | None

    @property
    def kind(self) -> str | None:
        """What the run is: ``study``, ``trial``, ``baseline`` and so on."""
        return self.tags.get(KIND_TAG)


@dataclass(frozen=True)
class StudyRun(RunInfo):
    """The parent run of a study; ``study`` is the name it is found by, whatever MLflow shows."""

    study: str


@dataclass(frozen=True)
class DatasetInfo:
    """The corpus as MLflow shows it on a run's page.

    Attributes:
        digest: The corpus fingerprint (hex); MLflow shows the first 16 digits, the profile all.
        source: Where the text came from: a path or URI.
        columns: Name and MLflow type (``string``, ``long``…) of each column.
        profile: Counts worth showing, such as documents, tokens and types.
    """

    name: str
    digest: str
    source: str
    columns: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)


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


def param_texts(values: Mapping[str, object]) -> tuple[dict[str, str], dict[str, str]]:
    """Return settings as text without credentials, each cut to its limit; and the long ones whole.

    Args:
        values: The settings.
    """
    texts = {key: redact(str(value)) for key, value in values.items()}
    long = {key: text for key, text in texts.items() if len(text) > _PARAM_LIMIT}
    note = f"… (cut; whole value in {PARAMS_LONG})"
    return {key: _cut(text, _PARAM_LIMIT, note) for key, text in texts.items()}, long


def tag_text(value: object) -> str:
    """Return the text of a tag, redacted and cut to what MLflow takes."""
    return _cut(redact(str(value)), _TAG_LIMIT, "… (cut)")


def batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield the items in parts of at most ``size``."""
    for first in range(0, len(items), size):
        yield items[first : first + size]


def all_of(wanted: Iterable[tuple[str, str, str]]) -> str:
    """Return the condition that every ``(where, name, value)`` holds, where: params or tags."""
    return " and ".join(f"{where}.`{name}` = '{value}'" for where, name, value in wanted)


def checked_id(run_id: str) -> str:
    """Return a run's id that may stand in a search condition.

    Raises:
        UserError: It holds anything but letters, digits, ``_`` and ``-``.
    """
    if not re.fullmatch(r"[0-9A-Za-z_-]+", run_id):
        raise UserError(f"{run_id!r} is not a run id", next_step="python -m debiaslab studies")
    return run_id


def begins_an_id(text: str) -> bool:
    """Whether ``text`` may be the first letters of a run's id, and not all of them."""
    return _BEGINNING.fullmatch(text) is not None


def _cut(text: str, limit: int, mark: str) -> str:
    return text if len(text) <= limit else text[: limit - len(mark)] + mark
