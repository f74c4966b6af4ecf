"""Runs, studies and datasets as plain values, what MLflow keeps of them, and how it is written."""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
import math
import re
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from debiaslab.errors import UserError
from debiaslab.system.files import replacing, sync
from debiaslab.system.provenance import Process, redact, surely_dead, this_process
from debiaslab.tracking.contact import explained_mlflow
from debiaslab.tracking.names import (
    KIND_TAG,
    NOT_MEASURED,
    NOT_MEASURED_TAG,
    PARAMS_LONG,
    PROCESS_TAG,
    REASON_TAG,
    TRACEBACK,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

_Item = TypeVar("_Item")

_PARAM_LIMIT = 6000
_TAG_LIMIT = 5000  # what the oldest server of MLflow 3 takes
_PARAMS_PER_BATCH = 100
_METRICS_PER_BATCH = 900  # with as many tags as go with them the 1,000 values MLflow takes at once
_FLUSH_SECONDS = 10.0


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


def tag_text(value: object) -> str:
    """Return the text of a tag, redacted and cut to what MLflow takes."""
    return _cut(redact(str(value)), _TAG_LIMIT, "… (cut)")


def batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield the items in parts of at most ``size``."""
    for first in range(0, len(items), size):
        yield items[first : first + size]


def checked_id(run_id: str) -> str:
    """Return a run's id that may stand in a search condition.

    Raises:
        UserError: It holds anything but letters, digits, ``_`` and ``-``.
    """
    if not re.fullmatch(r"[0-9A-Za-z_-]+", run_id):
        raise UserError(f"{run_id!r} is not a run id", next_step="python -m debiaslab studies")
    return run_id


def _cut(text: str, limit: int, mark: str) -> str:
    return text if len(text) <= limit else text[: limit - len(mark)] + mark


# Writing ---------------------------------------------------------------------------------------


class RunWriter:
    """Writes to one run without changing its status. Made by :meth:`Store.writer`."""

    def __init__(
        self, client: MlflowClient, run_id: str, uri: str, folder: Callable[[], Path | None]
    ) -> None:
        self.run_id = run_id
        self._client = client
        self._uri = uri
        self._folder = folder  # of its artifacts; None on a server
        self._written: set[Path] = set()  # files that may not have reached the disk
        self._waiting: list[tuple[str, float, int, int]] = []
        self._waiting_tags: dict[str, str] = {}
        self._flushed = time.monotonic()
        self._not_measured: dict[str, str] = {}
        self._not_measured_written = 0

    def params(self, values: Mapping[str, object]) -> None:
        """Log settings; one longer than MLflow's limit is cut, the whole goes to an artifact."""
        from mlflow.entities import Param

        texts = {key: redact(str(value)) for key, value in values.items()}
        note = f"… (cut; whole value in {PARAMS_LONG})"
        items = [Param(key, _cut(text, _PARAM_LIMIT, note)) for key, text in texts.items()]
        with explained_mlflow(self._uri):
            for part in batches(items, _PARAMS_PER_BATCH):
                self._client.log_batch(self.run_id, params=part)
        if long := {key: text for key, text in texts.items() if len(text) > _PARAM_LIMIT}:
            self.json(long, PARAMS_LONG)

    def tags(self, values: Mapping[str, object]) -> None:
        """Set tags, redacted and cut to what MLflow takes."""
        from mlflow.entities import RunTag

        items = [RunTag(key, tag_text(value)) for key, value in values.items()]
        with explained_mlflow(self._uri):
            for part in batches(items, _PARAMS_PER_BATCH):
                self._client.log_batch(self.run_id, tags=part)

    def metrics(self, values: Mapping[str, float | None], step: int = 0) -> None:
        """Log numbers at ``step``. They are sent in batches: see :meth:`flush`.

        None, NaN and infinity are not numbers: they are listed in the tag
        ``debiaslab.not_measured`` and in ``not_measured.json`` instead.
        """
        now = int(time.time() * 1000)
        for key, value in values.items():
            if value is None or not math.isfinite(value):
                self._not_measured[key] = "not measured" if value is None else str(float(value))
            else:
                self._waiting.append((key, float(value), now, step))
        if (
            len(self._waiting) >= _METRICS_PER_BATCH
            or time.monotonic() - self._flushed > _FLUSH_SECONDS
        ):
            self.flush()

    def history(self, points: Iterable[tuple[int, Mapping[str, float | None]]]) -> None:
        """Log a series: for each ``(step, values)`` what :meth:`metrics` does."""
        for step, values in points:
            self.metrics(values, step)

    def flush(self) -> None:
        """Send what was kept back, in one batch if it fits: a local store waits for the disk."""
        from mlflow.entities import Metric, RunTag

        if len(self._not_measured) > self._not_measured_written:
            self._waiting_tags[NOT_MEASURED_TAG] = tag_text(", ".join(sorted(self._not_measured)))
            self.json(self._not_measured, NOT_MEASURED)
            self._not_measured_written = len(self._not_measured)
        waiting, self._waiting = self._waiting, []
        tags, self._waiting_tags = self._waiting_tags, {}
        metrics = [Metric(key, value, when, step) for key, value, when, step in waiting]
        parts: Iterator[Any] = zip_longest(
            batches(metrics, _METRICS_PER_BATCH),
            batches([RunTag(*tag) for tag in tags.items()], _PARAMS_PER_BATCH),
            fillvalue=[],
        )
        with explained_mlflow(self._uri):
            for numbers, texts in parts:
                self._client.log_batch(self.run_id, metrics=numbers, tags=texts)
        self._flushed = time.monotonic()

    def text(self, text: str, path: str) -> None:
        """Keep ``text`` as the artifact ``path`` (UTF-8)."""
        self.binary(text.encode("utf-8", "backslashreplace"), path)

    def json(self, value: object, path: str) -> None:
        """Keep ``value`` as a JSON artifact; NaN in it is refused with ValueError."""
        self.text(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n", path)

    def file(self, source: Path, folder: str | None = None) -> None:
        """Keep a copy of the file ``source`` in the artifact folder ``folder``."""
        with explained_mlflow(self._uri):
            # Not by MLflow where they lie on a disk here: its copies can be seen half-written, and
            # a text takes it two files and a folder.
            if (here := self._folder()) is not None:
                with self._whole(here / (folder or "") / source.name) as copy:
                    shutil.copyfile(source, copy)
            else:
                self._client.log_artifact(self.run_id, str(source), folder)

    def binary(self, data: bytes, path: str) -> None:
        """Keep ``data`` as the artifact ``path``."""
        if (here := self._folder()) is not None:
            with self._whole(here / path) as file:
                file.write_bytes(data)
            return
        folder, _, name = path.rpartition("/")
        with tempfile.TemporaryDirectory() as made:
            source = Path(made) / name
            source.write_bytes(data)
            self.file(source, folder or None)

    @contextlib.contextmanager
    def _whole(self, path: Path) -> Iterator[Path]:
        """Write a file that others see whole; it is waited for when the run ends, or by no one."""
        with replacing(path, wait=False) as file:
            yield file
        self._written.add(path)

    def dataset(self, dataset: DatasetInfo) -> None:
        """Log the corpus as the run's dataset input, with context ``training``."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        entry = Dataset(**dataset_fields(dataset))
        training = InputTag("mlflow.data.context", "training")
        with explained_mlflow(self._uri):
            self._client.log_inputs(self.run_id, [DatasetInput(entry, [training])])


class RunLog(RunWriter):
    """One open run. As a context manager it never leaves the run ``RUNNING``.

    An exception ends the run as ``FAILED`` (Ctrl-C and exit: ``KILLED``) with the reason in the
    tag ``debiaslab.reason``, and goes on.
    """

    _open = True

    def tags(self, values: Mapping[str, object]) -> None:
        """Set tags, redacted and cut to what MLflow takes. They are sent with the metrics."""
        self._waiting_tags |= {key: tag_text(value) for key, value in values.items()}

    def finish(self, status: str = "FINISHED", reason: str | None = None) -> None:
        """Send what is left and end the run as ``FINISHED``, ``FAILED`` or ``KILLED``.

        A second call does nothing.
        """
        if not self._open:
            return
        if reason:
            self.tags({REASON_TAG: reason})
        self.flush()
        with explained_mlflow(self._uri):
            for file in self._written:  # a power cut must not leave a finished run with empty files
                sync(file)
            self._client.set_terminated(self.run_id, status)
        self._open = False

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._open:
            return
        if error is None:
            self.finish()
            return
        try:
            self._finish_after(error)
        except UserError as problem:
            # The error on its way out is the one to read; the run is closed by the next
            # Store.reconcile.
            logging.getLogger(__name__).warning("run %s stays open: %s", self.run_id, problem)

    def _finish_after(self, error: BaseException) -> None:
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, KeyboardInterrupt):
            reason = "interrupted by Ctrl-C"
        elif isinstance(error, UserError):
            reason = str(error)
        elif isinstance(error, Exception):
            self.text(redact("".join(traceback.format_exception(error))), TRACEBACK)
        self.finish("FAILED" if isinstance(error, Exception) else "KILLED", reason)
