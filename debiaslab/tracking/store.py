"""The tracking store: studies and runs in MLflow. The only file that imports mlflow.

All studies of a store are in one MLflow experiment, ``debiaslab``: a study is found by its name
alone, and two studies on two corpora can be put side by side in one table of the UI, which
shows one experiment at a time. A study is a parent run, its trials are child runs.

Only ``MlflowClient`` with explicit run ids is used, so that the active run and tracking URI of a
notebook that calls us stay as they were. mlflow is imported inside functions: it takes a second.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from debiaslab.errors import UserError, nearest
from debiaslab.system.atomic import replacing, sync, writing_error
from debiaslab.system.processes import Process, surely_dead
from debiaslab.system.redact import redact, utf8
from debiaslab.tracking.run_info import VECTORS, DatasetInfo, RunInfo, StudyRun
from debiaslab.tracking.run_records import (
    dataset_fields,
    dataset_info,
    owner,
    process_tags,
    run_info,
    user_name,
)
from debiaslab.tracking.run_text import (
    all_of,
    batches,
    begins_an_id,
    check_study_name,
    checked_id,
    param_texts,
    tag_text,
)
from debiaslab.tracking.store_contact import impatient, reach_database, set_defaults, unreachable
from debiaslab.tracking.store_file import make_folder, one_at_a_time, prepare
from debiaslab.tracking.store_paths import ROOT_TAG, Location, local_path, locate
from debiaslab.tracking.ui_server import free_port, is_server, ui_command, ui_environment
from debiaslab.tracking.ui_views import VIEW_TAG, run_page, study_view, view_page

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from debiaslab.vectors.embeddings import Embeddings

__all__ = [
    "VECTORS",
    "DatasetInfo",
    "RunInfo",
    "RunLog",
    "RunWriter",
    "Store",
    "StudyRun",
    "free_port",
    "is_server",
    "redact",
    "ui_command",
    "ui_environment",
]

EXPERIMENT = "debiaslab"
STUDY_TAG = "debiaslab.study"
KIND_TAG = "debiaslab.kind"
BEST_TAG = "debiaslab.best_run"
BEST_ALIAS = "best"
REASON_TAG = "debiaslab.reason"
NOT_MEASURED_TAG = "debiaslab.not_measured"
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"
_EXPERIMENT_NOTE = "Debiasing studies on word embeddings. One parent run is one study."

_PARAMS_PER_BATCH = 100
_METRICS_PER_BATCH = 900  # with as many tags as go with them the 1,000 values MLflow takes at once
_FLUSH_SECONDS = 10.0
_PAGE = 1000
_LISTED = 4
_MODEL_CODE = Path(__file__).with_name("similarity_model.py")  # run by MLflow alone


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

        texts, long = param_texts(values)
        items = [Param(key, text) for key, text in texts.items()]
        with _explained(self._uri):
            for part in batches(items, _PARAMS_PER_BATCH):
                self._client.log_batch(self.run_id, params=part)
        if long:
            self.json(long, "params_long.json")

    def tags(self, values: Mapping[str, object]) -> None:
        """Set tags, redacted and cut to what MLflow takes."""
        from mlflow.entities import RunTag

        items = [RunTag(key, tag_text(value)) for key, value in values.items()]
        with _explained(self._uri):
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
            self.json(self._not_measured, "not_measured.json")
            self._not_measured_written = len(self._not_measured)
        waiting, self._waiting = self._waiting, []
        tags, self._waiting_tags = self._waiting_tags, {}
        metrics = [Metric(key, value, when, step) for key, value, when, step in waiting]
        parts: Iterator[Any] = zip_longest(
            batches(metrics, _METRICS_PER_BATCH),
            batches([RunTag(*tag) for tag in tags.items()], _PARAMS_PER_BATCH),
            fillvalue=[],
        )
        with _explained(self._uri):
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
        with _explained(self._uri):
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
        with _explained(self._uri):
            self._client.log_inputs(self.run_id, [DatasetInput(entry, [training])])


class RunLog(RunWriter):
    """One open run. As a context manager it never leaves the run ``RUNNING``.

    An exception ends the run as ``FAILED`` (Ctrl-C and exit: ``KILLED``) with the reason in the
    tag ``debiaslab.reason``, and goes on.
    """

    def __init__(
        self, client: MlflowClient, run_id: str, uri: str, folder: Callable[[], Path | None]
    ) -> None:
        super().__init__(client, run_id, uri, folder)
        self._open = True

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
        with _explained(self._uri):
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
        if isinstance(error, KeyboardInterrupt):
            self.finish("KILLED", "interrupted by Ctrl-C")
        elif isinstance(error, UserError):
            self.finish("FAILED", str(error))
        elif isinstance(error, Exception):
            self.text(redact("".join(traceback.format_exception(error))), "traceback.txt")
            self.finish("FAILED", f"{type(error).__name__}: {error}")
        else:
            self.finish("KILLED", f"{type(error).__name__}: {error}")


class Store:
    """A tracking store: where studies and runs are written and read."""

    def __init__(self, client: MlflowClient, location: Location, experiment_id: str) -> None:
        self.uri = location.uri
        self.local = location.database is not None
        self.experiment_id = experiment_id
        self._client = client
        self._downloads: tempfile.TemporaryDirectory[str] | None = None
        self._folders: dict[str, Path | None] = {}

    @classmethod
    def open(cls, root: str | Path = "mlruns", *, create: bool = True) -> Store:
        """Open the store in the folder ``root``, or the one ``MLFLOW_TRACKING_URI`` names.

        The folder holds ``mlflow.db`` (sqlite) and ``artifacts/``. When it was moved or copied,
        the absolute locations in it are first rewritten to where it is now; a tracking server is
        never touched.

        Args:
            root: Folder of the store.
            create: False raises an error when there is no store yet, instead of making one.

        Raises:
            UserError: The store cannot be reached, read or made.
        """
        set_defaults()
        location = locate(root)
        if location.database is not None:
            if not create and not location.database.is_file():
                raise UserError(
                    f"there is no tracking store at {location.database.parent}",
                    next_step="python -m debiaslab sweep --strategy projection",
                )
            make_folder(location.database)
        with one_at_a_time(location), _explained(location.uri), impatient():
            if location.database is not None:
                prepare(location.database)
            client = _client(location.uri)
            _forget_folders()
            return cls(client, location, _experiment(client, location))

    def study(
        self,
        name: str,
        *,
        create: bool,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        description: str,
    ) -> str:
        """Return the run id of the study ``name``, which is made when ``create`` is true.

        A study that exists is left as it is: ``params``, ``tags`` and ``description`` (Markdown)
        are for a new one.

        Raises:
            UserError: The name cannot be one, or there is no such study and ``create`` is false.
        """
        found = self.find_study(name)
        if found is not None:
            return found.run_id
        if not create:
            raise self._unknown_study(name)
        check_study_name(name)
        own = {STUDY_TAG: name, KIND_TAG: "study", NOTE_TAG: description}
        run_id = self._create(name, {**tags, **own})
        self.writer(run_id).params(params)
        # Two commands may start at once: both keep the older parent.
        winner = self.find_study(name)
        if winner is None or winner.run_id == run_id:
            return run_id
        with _explained(self.uri):
            self._client.delete_run(run_id)
        return winner.run_id

    def find_study(self, name: str) -> StudyRun | None:
        """Return the study of that name, or None."""
        return next((study for study in self.studies() if study.study == name), None)

    def study_named(self, name: str) -> StudyRun:
        """Return the study of that name.

        Raises:
            UserError: There is none; the nearest name is given.
        """
        found = self.find_study(name)
        if found is None:
            raise self._unknown_study(name)
        return found

    def newest_study(self) -> StudyRun:
        """Return the study that was started last.

        Raises:
            UserError: There is none.
        """
        studies = self.studies()
        if not studies:
            raise UserError(
                f"there are no studies in {redact(self.uri)}",
                next_step="python -m debiaslab sweep --strategy projection",
            )
        return studies[-1]

    def best(self, name: str) -> RunInfo:
        """Return the run that the tag ``debiaslab.best_run`` of a study names.

        A study that was interrupted has no such tag yet: then it is the finished trial run with
        the lowest metric ``score``.

        Raises:
            UserError: There is no such study, or no trial of it has finished.
        """
        study = self.study_named(name)
        if BEST_TAG in study.tags:
            return self.run(study.tags[BEST_TAG])
        trials = self.runs(study.run_id, kind="trial")
        scored = [run for run in trials if run.status == "FINISHED" and "score" in run.metrics]
        if not scored:
            raise UserError(
                f"no trial of the study {name!r} has finished",
                next_step="the command that started the sweep, which continues it",
            )
        return min(scored, key=lambda run: run.metrics["score"])

    def studies(self) -> list[StudyRun]:
        """Return every study, oldest first."""
        runs = self._search(f"tags.`{KIND_TAG}` = 'study'")
        return [StudyRun(**vars(run), study=run.tags.get(STUDY_TAG, run.name)) for run in runs]

    def start(
        self,
        name: str,
        *,
        parent: str | None,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        dataset: DatasetInfo | None,
    ) -> RunLog:
        """Start a run, the child of ``parent`` when given. It stays open until it is finished."""
        nesting = {} if parent is None else {PARENT_TAG: parent}
        log = self._log(self._create(name, {**tags, **nesting}))
        try:
            log.params(params)
            if dataset is not None:
                log.dataset(dataset)
        except BaseException as error:
            log.finish("FAILED", f"could not be started: {error}")
            raise
        return log

    def resume(self, run_id: str) -> RunLog:
        """Take a run up again: it is ``RUNNING`` and belongs to this process."""
        run = self.run(run_id)
        with _explained(self.uri):
            self._client.update_run(run_id, status="RUNNING")
            if REASON_TAG in run.tags:
                self._client.delete_tag(run_id, REASON_TAG)
        log = self._log(run_id)
        log.tags(process_tags())
        log.flush()
        return log

    def writer(self, run_id: str) -> RunWriter:
        """Return a writer that adds to a run without changing its status; flush it when done."""
        return RunWriter(self._client, run_id, self.uri, lambda: self._folder(run_id))

    def runs(
        self,
        study: str,
        kind: str | None = None,
        *,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> list[RunInfo]:
        """Return the children of the parent run id ``study``, oldest first.

        Reading a run back takes milliseconds: of a large study ask for those that are wanted.

        Args:
            study: Run id of the parent.
            kind: Of one kind; None: of all.
            params: Only those with these settings.
            tags: Only those with these tags.
        """
        wanted = [("tags", PARENT_TAG, checked_id(study))]
        wanted += [("params", name, value) for name, value in (params or {}).items()]
        wanted += [("tags", name, value) for name, value in (tags or {}).items()]
        children = self._search(all_of(wanted))
        return [run for run in children if kind is None or run.kind == kind]

    def run(self, run_id: str) -> RunInfo:
        """Return one run.

        Raises:
            UserError: There is no such run; the nearest id is named.
        """
        return run_info(self._get(run_id))

    def run_named(self, text: str) -> RunInfo:
        """Return the run whose id is ``text``, or the only one whose id begins so.

        Raises:
            UserError: There is none; or there are several, which are listed.
        """
        if not begins_an_id(text):
            return self.run(text)
        found = self._search(f"attributes.run_id LIKE '{text}%'")
        if len(found) < 2:
            return found[0] if found else self.run(text)
        listed = [f"{run.run_id} ({run.name})" for run in found[:_LISTED]]
        more = [f"{len(found) - _LISTED} more"] if len(found) > _LISTED else []
        raise UserError(
            f"the ids of {len(found)} runs begin with {text!r}: {', '.join([*listed, *more])}",
            allowed="as many more letters as tell them apart",
        )

    def series(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Return ``(step, value)`` of a metric in the order of steps; empty when not logged."""
        with _explained(self.uri):
            points = self._client.get_metric_history(run_id, metric)
        return sorted((int(point.step), float(point.value)) for point in points)

    def datasets(self, run_id: str) -> list[DatasetInfo]:
        """Return the dataset inputs of a run."""
        with _explained(self.uri):
            inputs = self._client.get_run(run_id).inputs
        return [dataset_info(item.dataset) for item in inputs.dataset_inputs] if inputs else []

    def artifact(self, run_id: str, path: str) -> Path:
        """Return a local path of the artifact ``path`` (a file or folder) of a run.

        For a tracking server it is downloaded, and kept as long as this object lives.

        Raises:
            UserError: There is no such run or artifact; the nearest name is given.
        """
        folder = self._folder(run_id)
        if folder is not None and ".." not in Path(path).parts and (folder / path).exists():
            return folder / path  # a sweep asks for its baselines all the time: nothing is listed
        known = self.artifacts(run_id)
        if path not in known:
            raise UserError(
                f"run {run_id} has no artifact {path!r}",
                allowed=", ".join(known) or "nothing, it kept no artifacts",
                nearest=nearest(path, known),
            )
        with _explained(self.uri):
            if folder is not None:
                return folder / path
            if self._downloads is None:
                self._downloads = tempfile.TemporaryDirectory(prefix="debiaslab-")
            target = Path(self._downloads.name) / run_id
            target.mkdir(exist_ok=True)
            return Path(self._client.download_artifacts(run_id, path, str(target)))

    def download(self, run_id: str, path: str, folder: Path) -> Path:
        """Copy the artifact ``path`` (a file or folder) of a run to ``folder / path``.

        Raises:
            UserError: The store cannot be reached, or has no such artifact.
        """
        with _explained(self.uri):
            return Path(self._client.download_artifacts(run_id, path, str(folder)))

    def artifacts(self, run_id: str) -> list[str]:
        """Return the paths of every artifact file and folder of a run."""
        paths: list[str] = []
        folders: list[str | None] = [None]
        with _explained(self.uri):
            while folders:
                for entry in self._client.list_artifacts(run_id, folders.pop()):
                    paths.append(entry.path)
                    if entry.is_dir:
                        folders.append(entry.path)
        return sorted(paths)

    def remove(self, run_id: str) -> None:
        """Delete a run and, in a local store, its files.

        MLflow keeps the run's row, marked as deleted, until ``mlflow gc``.
        """
        with _explained(self.uri):
            folder = local_path(self._client.get_run(run_id).info.artifact_uri)
            self._client.delete_run(run_id)
            if folder is not None and self.local:
                shutil.rmtree(folder, ignore_errors=True)
        self._folders.pop(run_id, None)

    def is_deleted(self, run_id: str) -> bool:
        """Whether a run was deleted; False, too, when the store knows nothing of it."""
        from mlflow.exceptions import MlflowException

        try:
            with _explained(self.uri):
                found = self._client.get_run(run_id)
        except MlflowException:
            return False
        return str(found.info.lifecycle_stage) == "deleted"

    def abandoned(self) -> list[RunInfo]:
        """Return the runs, of any study or none, whose process ended without closing them."""
        return [
            run
            for run in self._search("attributes.status = 'RUNNING'")
            if (process := owner(run)) is not None and surely_dead(process)
        ]

    def all_runs(self) -> list[RunInfo]:
        """Return every run of the store, oldest first."""
        return self._search("")

    def reconcile(self, parent: str, dead: Process | None = None) -> int:
        """Close the runs of a study whose process was killed; return how many children it was.

        A run is closed (``KILLED``, with a reason) only when the process that made it ran on this
        host and has surely ended, or is the one that is said to be ``dead``. Other runs of other
        hosts cannot be judged and are left alone. The parent itself is closed likewise, but not
        counted.
        """
        closed = 0
        for run in [*self.runs(parent), self.run(parent)]:
            process = owner(run)
            if run.status != "RUNNING" or process is None:
                continue
            if process != dead and not surely_dead(process):
                continue
            reason = f"process {process.pid} on {process.host} ended without closing this run"
            self._log(run.run_id).finish("KILLED", reason)
            closed += run.run_id != parent
        return closed

    def link(self, run_id: str, base: str) -> str:
        """Return the address of a run's page in the UI served at ``base``."""
        with _explained(self.uri):
            experiment = self._client.get_run(run_id).info.experiment_id
        return f"{redact(base).rstrip('/')}/{run_page(experiment, run_id)}"

    def view_link(self, parent: str, base: str) -> str:
        """Return the address of the runs of a study, as :meth:`save_view` saved them."""
        page = view_page(self.experiment_id, parent, charts=False)
        return f"{redact(base).rstrip('/')}/{page}"

    def save_view(self, name: str, parent: str) -> None:
        """Save how the UI shows the runs of a study, to be opened from its list of views."""
        with _explained(self.uri):
            self._client.set_experiment_tag(
                self.experiment_id, f"{VIEW_TAG}{parent}", study_view(name, parent)
            )

    def describe(self, run_id: str, note: str) -> None:
        """Set the description of a run, Markdown, which the UI shows first."""
        self.writer(run_id).tags({NOTE_TAG: note})

    def log_model(
        self,
        run_id: str,
        embeddings: Embeddings,
        *,
        example: Sequence[tuple[str, str]],
        fallback: float = 0.0,
        name: str = "similarity",
    ) -> str:
        """Export the vectors as an MLflow model of a run and return its URI, ``models:/<id>``.

        ``mlflow.pyfunc.load_model(uri).predict(DataFrame(word1, word2))`` gives one column
        ``sim``, the cosine similarity; a pair with an unknown word gets ``fallback``. The vectors
        are an npz file without pickle, and the model loads without debiaslab.

        Args:
            run_id: The run whose vectors they are.
            embeddings: ``V`` words with vectors of length ``d``.
            example: Pairs shown as the input example; at least one.
            fallback: Similarity of a pair with an unknown word.
            name: Name of the model in the UI.
        """
        from mlflow.entities import LoggedModelOutput

        with tempfile.TemporaryDirectory(prefix="debiaslab-") as folder, _explained(self.uri):
            saved = _save_model(Path(folder), embeddings, example, fallback)
            experiment = self._client.get_run(run_id).info.experiment_id
            model = self._client.create_logged_model(experiment, name, source_run_id=run_id)
            self._client.log_model_artifacts(model.model_id, str(saved))
            self._client.finalize_logged_model(model.model_id, "READY")
            self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return f"models:/{model.model_id}"

    def register(self, name: str, run_id: str, model: str, note: str) -> str:
        """Make a model of a run the ``best`` of a registered model; return its version.

        A new version is made only when the alias names another model, or none: then
        ``models:/<name>@best`` is what ``mlflow models serve`` takes.

        Args:
            name: Name of the registered model, made if need be; ``/`` and ``:`` become ``-``,
                as MLflow takes neither.
            run_id: The run whose model it is.
            model: Its URI, as :meth:`log_model` returned it.
            note: What the registered model is, in Markdown.
        """
        from mlflow.exceptions import MlflowException

        name = re.sub("[/:]", "-", name)
        model_id = model.removeprefix("models:/")
        with _explained(self.uri):
            # Not ``models:/…``, which MLflow would look up in the process's own store.
            source = self._client.get_logged_model(model_id).artifact_location
            try:
                now = self._client.get_model_version_by_alias(name, BEST_ALIAS)
            except MlflowException as error:
                if error.error_code not in _CALLER_ERRORS:
                    raise
            else:
                if now.source == source:
                    return str(now.version)
            try:
                self._client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            self._client.update_registered_model(name, note)
            made = self._client.create_model_version(name, source, run_id, model_id=model_id)
            self._client.set_registered_model_alias(name, BEST_ALIAS, made.version)
        return str(made.version)

    def _log(self, run_id: str) -> RunLog:
        return RunLog(self._client, run_id, self.uri, lambda: self._folder(run_id))

    def _get(self, run_id: str) -> Any:
        """Return a run as MLflow does; it must be there and not deleted."""
        from mlflow.exceptions import MlflowException

        try:
            with _explained(self.uri):
                found = self._client.get_run(run_id)
        except MlflowException as error:
            raise self._unknown_run(run_id) from error
        if found.info.lifecycle_stage != "active":
            raise self._unknown_run(run_id)
        return found

    def _folder(self, run_id: str) -> Path | None:
        """Return where the artifacts of a run lie; None on a server. Asked of the store once."""
        if run_id not in self._folders:
            self._folders[run_id] = local_path(self._get(run_id).info.artifact_uri)
        return self._folders[run_id]

    def _create(self, name: str, tags: Mapping[str, object]) -> str:
        own = {
            "mlflow.user": user_name(),
            "mlflow.source.name": "debiaslab",
            "mlflow.source.type": "LOCAL",
            **process_tags(),
        }
        texts = {key: tag_text(value) for key, value in {**own, **tags}.items()}
        with _explained(self.uri):
            run = self._client.create_run(self.experiment_id, tags=texts, run_name=utf8(name))
        self._folders[run.info.run_id] = local_path(run.info.artifact_uri)
        return str(run.info.run_id)

    def _search(self, condition: str) -> list[RunInfo]:
        found: list[RunInfo] = []
        token = None
        with _explained(self.uri):
            while True:
                page = self._client.search_runs(
                    [self.experiment_id],
                    condition,
                    max_results=_PAGE,
                    order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
                    page_token=token,
                )
                found += [run_info(run) for run in page]
                token = page.token
                if not token:
                    return found

    def _unknown_study(self, name: str) -> UserError:
        names = [study.study for study in self.studies()]
        return UserError(
            f"there is no study {name!r} in {redact(self.uri)}",
            allowed=", ".join(names) or None,
            nearest=nearest(name, names),
            next_step="python -m debiaslab studies",
        )

    def _unknown_run(self, run_id: str) -> UserError:
        names = [run.run_id for run in self._search("")[-_PAGE:]]
        return UserError(
            f"there is no run {run_id!r} in {redact(self.uri)}",
            nearest=nearest(run_id, names),
            next_step="python -m debiaslab studies, then status NAME, which shows the ids of runs",
        )


def import_mlflow() -> None:
    """Import what writing to a local store needs: processes forked from this one then share it."""
    set_defaults()
    import alembic.command  # noqa: F401
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401


def _client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    if uri.startswith(("http", "databricks")):
        return MlflowClient(tracking_uri=uri, registry_uri=uri)
    import sqlalchemy

    if not uri.startswith("sqlite"):
        reach_database(uri)
    try:
        return MlflowClient(tracking_uri=uri, registry_uri=uri)
    except sqlalchemy.exc.SQLAlchemyError as error:  # a full disk, as MLflow makes its tables
        raise unreachable(uri, error) from None


def _forget_folders() -> None:
    """Make MLflow look again where runs keep their artifacts: a store may have moved, or be a copy.

    It remembers that by the run's id, for all stores together, as long as the process lives.
    """
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()


def _experiment(client: MlflowClient, location: Location) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        tags = {"mlflow.experimentKind": "custom_model_development", NOTE_TAG: _EXPERIMENT_NOTE}
        artifacts = None
        if location.database is not None:
            root = location.database.parent
            tags[ROOT_TAG] = str(root)
            artifacts = (root / "artifacts").as_uri()
        try:
            return str(client.create_experiment(EXPERIMENT, artifacts, tags))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(EXPERIMENT)
    if found is None or found.lifecycle_stage != "active":
        raise UserError(
            f"the experiment {EXPERIMENT!r} in {redact(location.uri)} was deleted",
            next_step="restore it in the MLflow UI, or use another store folder",
        )
    return str(found.experiment_id)


_CALLER_ERRORS = {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"}


@contextlib.contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn the failures of the store itself into one sentence without credentials."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code in _CALLER_ERRORS:
            raise
        raise unreachable(uri, error) from None
    except OSError as error:
        if error.errno is None:  # from the HTTP library, for artifacts sent through a server
            raise unreachable(uri, error) from None
        raise writing_error(Path(error.filename or redact(uri)), error) from error


def _save_model(
    folder: Path, embeddings: Embeddings, example: Sequence[tuple[str, str]], fallback: float
) -> Path:
    import numpy as np
    import pandas as pd
    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    vectors = embeddings.save(folder / "vectors.npz")
    words = Schema([ColSpec(DataType.string, "word1"), ColSpec(DataType.string, "word2")])
    target = folder / "model"
    pyfunc.save_model(
        str(target),
        python_model=str(_MODEL_CODE),
        artifacts={"vectors": str(vectors)},
        model_config={"fallback": fallback},
        signature=ModelSignature(words, Schema([ColSpec(DataType.double, "sim")])),
        input_example=pd.DataFrame(list(example), columns=["word1", "word2"]),
        # Said outright: MLflow would otherwise load the model in a new process to find out.
        pip_requirements=[f"numpy=={np.__version__}", f"pandas=={pd.__version__}"],
        metadata={"fallback": fallback, "words": len(embeddings), "dimension": embeddings.dim},
    )
    return target
