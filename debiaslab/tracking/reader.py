"""Reading studies and runs from a store: found by their tags, in whatever experiment they are."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab.errors import UserError, nearest
from debiaslab.system.provenance import redact
from debiaslab.tracking.contact import (
    Location,
    experiments,
    explained_mlflow,
    local_path,
    pages,
    run_page,
    view_page,
)
from debiaslab.tracking.database import Copy
from debiaslab.tracking.names import (
    BEST_TAG,
    GROUP_TAG,
    KIND_TAG,
    PARENT_TAG,
    SOURCE,
    STUDY_KIND,
    STUDY_TAG,
    TRIAL_KIND,
    TUNING_TAG,
)
from debiaslab.tracking.records import (
    DatasetInfo,
    RunInfo,
    StudyRun,
    batches,
    checked_id,
    dataset_info,
    run_info,
    status_now,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient


_BEGINNING = re.compile("[0-9a-f]{1,31}")  # of a run's id
_PAGE = 1000
_EXPERIMENTS_PER_SEARCH = 500
_LISTED = 4


class StoreReader:
    """What is read of a tracking store; :class:`Store` adds what writes."""

    def __init__(
        self, client: MlflowClient, location: Location, home: str | None, *, reading: bool = False
    ) -> None:
        self.uri = location.uri
        self.local = location.database is not None
        self._home = home
        self._reader = client
        self._reading = reading
        self._copy: Copy | None = None
        self._experiments: list[str] = []
        self._downloads: tempfile.TemporaryDirectory[str] | None = None
        self._folders: dict[str, Path | None] = {}

    @property
    def untouchable(self) -> str | None:
        """Why a store that is read could not be written as it is; None: it could."""
        return None if self._copy is None else self._copy.why

    @property
    def experiment_id(self) -> str:
        """MLflow experiment that new studies are put in.

        Raises:
            UserError: There is none yet, in a store that is read only.
        """
        if self._home is None:
            raise self._no_studies()
        return self._home

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

    def studies_named(self, name: str) -> list[StudyRun]:
        """Return the study of that name, or those of the group of that name, oldest first.

        Raises:
            UserError: There is neither; the nearest name is given.
        """
        studies = self.studies()
        found = [each for each in studies if each.study == name]
        found = found or [each for each in studies if each.tags.get(GROUP_TAG) == name]
        if not found:
            raise self._unknown_study(name)
        return found

    def deleted_study(self, name: str) -> str | None:
        """Return the run of a study that was deleted while runs under it were not; else None."""
        from mlflow.entities import ViewType

        self.studies()  # names the experiments
        condition = _all_of([("tags", STUDY_TAG, name), ("tags", KIND_TAG, STUDY_KIND)])
        with explained_mlflow(self.uri):
            pages = self._pages(self._experiments, condition, ViewType.DELETED_ONLY)
            deleted = [run.info.run_id for page in pages for run in page]
        return next((each for each in reversed(deleted) if self.runs(each)), None)

    def newest_study(self) -> StudyRun:
        """Return the study that was started last; a comparison, not a sweep that tunes λ for it.

        Raises:
            UserError: There is none.
        """
        studies = [study for study in self.studies() if TUNING_TAG not in study.tags]
        if not studies:
            raise self._no_studies()
        return studies[-1]

    def best(self, name: str) -> RunInfo:
        """Return the run that the tag ``debiaslab.best_run`` of a study names.

        A study that was interrupted has no such tag yet, and the run that it names may have been
        deleted: then it is the finished trial run with the lowest metric ``score``.

        Raises:
            UserError: There is no such study, or no trial of it has finished.
        """
        study = self.study_named(name)
        if (chosen := study.tags.get(BEST_TAG)) is not None:
            if self.lifecycle(chosen) == "active":
                return self.run(chosen)
            warnings.warn(
                f"the best run {chosen[:8]} of the study {name!r} was deleted: the best of those "
                "that are left is taken",
                stacklevel=2,
            )
        trials = self.runs(study.run_id, kind=TRIAL_KIND)
        scored = [run for run in trials if run.status == "FINISHED" and "score" in run.metrics]
        if not scored:
            raise UserError(
                f"no trial of the study {name!r} has finished",
                next_step="the command that started the sweep, which continues it",
            )
        return min(scored, key=lambda run: run.metrics["score"])

    def studies(self) -> list[StudyRun]:
        """Return every study, in whatever experiment it is, oldest first."""
        self._experiments = []
        runs = self._search(f"tags.`{KIND_TAG}` = 'study'")
        return [StudyRun(**vars(run), study=run.tags.get(STUDY_TAG, run.name)) for run in runs]

    def runs(
        self,
        study: str,
        kind: str | None = None,
        *,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        status: str | None = None,
    ) -> list[RunInfo]:
        """Return the children of the parent run id ``study``, oldest first.

        Reading a run back takes milliseconds: of a large study ask for those that are wanted.

        Args:
            study: Run id of the parent.
            kind: Of one kind; None: of all.
            params: Only those with these settings.
            tags: Only those with these tags.
            status: Only those of this status.
        """
        wanted = [("tags", PARENT_TAG, checked_id(study))]
        wanted += [] if status is None else [("attributes", "status", status)]
        wanted += [("params", name, value) for name, value in (params or {}).items()]
        wanted += [("tags", name, value) for name, value in (tags or {}).items()]
        children = self._search(_all_of(wanted))
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
        if not _BEGINNING.fullmatch(text):
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
        with explained_mlflow(self.uri):
            points = self._reader.get_metric_history(run_id, metric)
        return sorted((int(point.step), float(point.value)) for point in points)

    def datasets(self, run_id: str) -> list[DatasetInfo]:
        """Return the dataset inputs of a run."""
        with explained_mlflow(self.uri):
            inputs = self._reader.get_run(run_id).inputs
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
        with explained_mlflow(self.uri):
            if folder is not None:
                return folder / path
            if self._downloads is None:
                self._downloads = tempfile.TemporaryDirectory(prefix="debiaslab-")
            target = Path(self._downloads.name) / run_id
            target.mkdir(exist_ok=True)
            return Path(self._reader.download_artifacts(run_id, path, str(target)))

    def download(self, run_id: str, path: str, folder: Path) -> Path:
        """Copy the artifact ``path`` (a file or folder) of a run to ``folder / path``.

        Raises:
            UserError: The store cannot be reached, or has no such artifact.
        """
        with explained_mlflow(self.uri):
            return Path(self._reader.download_artifacts(run_id, path, str(folder)))

    def artifacts(self, run_id: str) -> list[str]:
        """Return the paths of every artifact file and folder of a run."""
        if (here := self._folder(run_id)) is not None:
            return sorted(path.relative_to(here).as_posix() for path in here.rglob("*"))
        paths: list[str] = []
        folders: list[str | None] = [None]
        with explained_mlflow(self.uri):
            while folders:
                for entry in self._reader.list_artifacts(run_id, folders.pop()):
                    paths.append(entry.path)
                    if entry.is_dir:
                        folders.append(entry.path)
        return sorted(paths)

    def size_of(self, run_id: str) -> int:
        """Return the bytes of a run's files that lie on this machine."""
        folder = self._folder(run_id)
        files = folder.rglob("*") if folder is not None else ()
        return sum(file.stat().st_size for file in files if file.is_file())

    def abandoned(self) -> list[RunInfo]:
        """Return the runs, of any study or none, whose process ended without closing them."""
        running = self._search("attributes.status = 'RUNNING'")
        return [run for run in running if status_now(run) != "RUNNING"]

    def all_runs(self) -> list[RunInfo]:
        """Return every run that debiaslab made, oldest first; others may keep theirs here too."""
        return self._search(f"tags.`mlflow.source.name` = '{SOURCE}'")

    def run_ids(self) -> set[str]:
        """Return the ids of all runs, of whatever program, that may still be wanted.

        Those of an experiment that was deleted are among them: with it they come back.
        """
        from mlflow.entities import ViewType

        found: set[str] = set()
        with explained_mlflow(self.uri):
            for stage, view in (("active", ViewType.ACTIVE_ONLY), ("deleted", ViewType.ALL)):
                ids = [each.experiment_id for each in experiments(self._reader, stage)]
                for page in self._pages(ids, "", view):
                    found |= {run.info.run_id for run in page}
        return found

    def link(self, run_id: str, base: str) -> str:
        """Return the address of a run's page in the UI served at ``base``."""
        return f"{redact(base).rstrip('/')}/{run_page(self.run(run_id).experiment, run_id)}"

    def view_link(self, parent: str, base: str) -> str:
        """Return the address of the runs of a study, as :meth:`save_view` saved them."""
        page = view_page(self.run(parent).experiment, parent, charts=False)
        return f"{redact(base).rstrip('/')}/{page}"

    def _get(self, run_id: str) -> Any:
        """Return a run as MLflow does; it must be there and not deleted."""
        from mlflow.exceptions import MlflowException

        try:
            with explained_mlflow(self.uri):
                found = self._reader.get_run(run_id)
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

    def lifecycle(self, run_id: str) -> str | None:
        """Return ``active`` or ``deleted``; None when the store knows nothing of the run."""
        from mlflow.exceptions import MlflowException

        try:
            with explained_mlflow(self.uri):
                return str(self._reader.get_run(run_id).info.lifecycle_stage)
        except MlflowException:
            return None

    def _search(self, condition: str) -> list[RunInfo]:
        """Return the runs for which a condition holds, in all experiments, oldest first."""
        from mlflow.entities import ViewType

        with explained_mlflow(self.uri):
            if not self._experiments:
                found = experiments(self._reader, "active")
                self._experiments = [each.experiment_id for each in found]
            pages = self._pages(self._experiments, condition, ViewType.ACTIVE_ONLY)
            runs = [run_info(run) for page in pages for run in page]
        return sorted(runs, key=lambda run: (run.start, run.run_id))

    def _pages(self, experiments: Sequence[str], condition: str, view: int) -> Iterator[Any]:
        for ids in batches(experiments, _EXPERIMENTS_PER_SEARCH):
            yield from pages(
                partial(
                    self._reader.search_runs,
                    list(ids),
                    condition,
                    view,
                    _PAGE,
                    ["attributes.start_time ASC", "attributes.run_id ASC"],
                )
            )

    def _no_studies(self) -> UserError:
        return UserError(
            f"there are no studies in {redact(self.uri)}",
            next_step="python -m debiaslab sweep --strategy projection",
        )

    def _unknown_study(self, name: str) -> UserError:
        """Say that there is no such study; a name that only MLflow shows leads to its own."""
        studies = self.studies()
        names = {study.study for study in studies}
        names |= {study.tags[GROUP_TAG] for study in studies if GROUP_TAG in study.tags}
        shown = next((study.study for study in studies if study.name == name), None)
        return UserError(
            f"there is no study {name!r} in {redact(self.uri)}",
            allowed=", ".join(sorted(names)) or None,
            nearest=shown or nearest(name, names),
            next_step="python -m debiaslab studies",
        )

    def _unknown_run(self, run_id: str) -> UserError:
        names = [run.run_id for run in self.all_runs()[-_PAGE:]]
        return UserError(
            f"there is no run {run_id!r} in {redact(self.uri)}",
            nearest=nearest(run_id, names),
            next_step="python -m debiaslab studies, then status NAME, which shows the ids of runs",
        )


def _all_of(wanted: Sequence[tuple[str, str, str]]) -> str:
    """Return the condition that every ``(where, name, value)`` holds, such as of ``tags``."""
    return " and ".join(f"{where}.`{name}` = '{value}'" for where, name, value in wanted)
