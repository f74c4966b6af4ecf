"""A tracking store: where studies and runs are found, started, read and closed."""

from __future__ import annotations

import getpass
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab.errors import UserError, nearest
from debiaslab.processes import Process, surely_dead
from debiaslab.redact import redact
from debiaslab.run_info import DatasetInfo, RunInfo, StudyRun
from debiaslab.store_paths import Location, local_path, locate
from debiaslab.tracking import models
from debiaslab.tracking.failures import explained
from debiaslab.tracking.opening import (
    client_of,
    experiment_of,
    forget_folders,
    impatient,
    make_folder,
    one_at_a_time,
    prepare,
    set_defaults,
)
from debiaslab.tracking.reading import dataset_info, owner_of, process_tags, run_info
from debiaslab.tracking.run_log import RunLog, RunWriter
from debiaslab.tracking.tags import (
    BEST_TAG,
    KIND_TAG,
    NOTE_TAG,
    PARENT_TAG,
    REASON_TAG,
    STUDY_TAG,
    tag_text,
)
from debiaslab.ui_views import VIEW_TAG, run_page, study_view, view_page

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from debiaslab.embeddings import Embeddings

_PAGE = 1000


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
        with one_at_a_time(location), explained(location.uri), impatient():
            if location.database is not None:
                prepare(location.database)
            client = client_of(location.uri)
            forget_folders()
            return cls(client, location, experiment_of(client, location))

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
            UserError: The name is blank, or there is no such study and ``create`` is false.
        """
        found = self.find_study(name)
        if found is not None:
            return found.run_id
        if not create:
            raise self._unknown_study(name)
        if not name.strip():
            raise UserError("the study name is blank", allowed="a name such as quickstart")
        own = {STUDY_TAG: name, KIND_TAG: "study", NOTE_TAG: description}
        run_id = self._create(name, {**tags, **own})
        self.writer(run_id).params(params)
        # Two commands may start at once: both keep the older parent.
        winner = self.find_study(name)
        if winner is None or winner.run_id == run_id:
            return run_id
        with explained(self.uri):
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
        log = RunLog(self._client, self._create(name, {**tags, **nesting}), self.uri)
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
        with explained(self.uri):
            self._client.update_run(run_id, status="RUNNING")
            if REASON_TAG in run.tags:
                self._client.delete_tag(run_id, REASON_TAG)
        log = RunLog(self._client, run_id, self.uri)
        log.tags(process_tags())
        log.flush()
        return log

    def writer(self, run_id: str) -> RunWriter:
        """Return a writer that adds to a run without changing its status; flush it when done."""
        return RunWriter(self._client, run_id, self.uri)

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
        wanted = [("tags", PARENT_TAG, _safe_id(study))]
        wanted += [("params", name, value) for name, value in (params or {}).items()]
        wanted += [("tags", name, value) for name, value in (tags or {}).items()]
        parts = (f"{where}.`{name}` = '{value}'" for where, name, value in wanted)
        children = self._search(" and ".join(parts))
        return [run for run in children if kind is None or run.kind == kind]

    def run(self, run_id: str) -> RunInfo:
        """Return one run.

        Raises:
            UserError: There is no such run; the nearest id is named.
        """
        return run_info(self._get(run_id))

    def series(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Return ``(step, value)`` of a metric in the order of steps; empty when not logged."""
        with explained(self.uri):
            points = self._client.get_metric_history(run_id, metric)
        return sorted((int(point.step), float(point.value)) for point in points)

    def datasets(self, run_id: str) -> list[DatasetInfo]:
        """Return the dataset inputs of a run."""
        with explained(self.uri):
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
        with explained(self.uri):
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
        with explained(self.uri):
            return Path(self._client.download_artifacts(run_id, path, str(folder)))

    def artifacts(self, run_id: str) -> list[str]:
        """Return the paths of every artifact file and folder of a run."""
        paths: list[str] = []
        folders: list[str | None] = [None]
        with explained(self.uri):
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
        with explained(self.uri):
            folder = local_path(self._client.get_run(run_id).info.artifact_uri)
            self._client.delete_run(run_id)
            if folder is not None and self.local:
                shutil.rmtree(folder, ignore_errors=True)
        self._folders.pop(run_id, None)

    def is_deleted(self, run_id: str) -> bool:
        """Whether a run was deleted; False, too, when the store knows nothing of it."""
        from mlflow.exceptions import MlflowException

        try:
            with explained(self.uri):
                found = self._client.get_run(run_id)
        except MlflowException:
            return False
        return str(found.info.lifecycle_stage) == "deleted"

    def abandoned(self) -> list[RunInfo]:
        """Return the runs, of any study or none, whose process ended without closing them."""
        return [
            run
            for run in self._search("attributes.status = 'RUNNING'")
            if (owner := owner_of(run)) is not None and surely_dead(owner)
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
            owner = owner_of(run)
            if run.status != "RUNNING" or owner is None:
                continue
            if owner != dead and not surely_dead(owner):
                continue
            reason = f"process {owner.pid} on {owner.host} ended without closing this run"
            RunLog(self._client, run.run_id, self.uri).finish("KILLED", reason)
            closed += run.run_id != parent
        return closed

    def link(self, run_id: str, base: str) -> str:
        """Return the address of a run's page in the UI served at ``base``."""
        with explained(self.uri):
            experiment = self._client.get_run(run_id).info.experiment_id
        return f"{redact(base).rstrip('/')}/{run_page(experiment, run_id)}"

    def view_link(self, parent: str, base: str) -> str:
        """Return the address of the runs of a study, as :meth:`save_view` saved them."""
        page = view_page(self.experiment_id, parent, charts=False)
        return f"{redact(base).rstrip('/')}/{page}"

    def save_view(self, name: str, parent: str) -> None:
        """Save how the UI shows the runs of a study, to be opened from its list of views."""
        with explained(self.uri):
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
        return models.log_model(
            self._client,
            self.uri,
            run_id,
            embeddings,
            example=example,
            fallback=fallback,
            name=name,
        )

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
        return models.register(self._client, self.uri, name, run_id, model, note)

    def _get(self, run_id: str) -> Any:
        """Return a run as MLflow does; it must be there and not deleted."""
        from mlflow.exceptions import MlflowException

        try:
            with explained(self.uri):
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
            "mlflow.user": _user(),
            "mlflow.source.name": "debiaslab",
            "mlflow.source.type": "LOCAL",
            **process_tags(),
        }
        texts = {key: tag_text(value) for key, value in {**own, **tags}.items()}
        with explained(self.uri):
            run = self._client.create_run(self.experiment_id, tags=texts, run_name=name)
        return str(run.info.run_id)

    def _search(self, condition: str) -> list[RunInfo]:
        found: list[RunInfo] = []
        token = None
        with explained(self.uri):
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
        names = {run.run_id: run.run_id for run in self._search("")[-_PAGE:]}
        return UserError(
            f"there is no run {run_id!r} in {redact(self.uri)}",
            nearest=nearest(run_id, names),
            next_step="python -m debiaslab studies",
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such user id, as in some containers
        return "unknown"


def _safe_id(run_id: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z_-]+", run_id):
        raise UserError(f"{run_id!r} is not a run id", next_step="python -m debiaslab studies")
    return run_id
