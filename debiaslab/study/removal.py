"""Removing a study for good: its runs and their files, its search, its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import optuna

from debiaslab.errors import UserError
from debiaslab.sgns.checkpoint import discard, files_of, saved_in
from debiaslab.study.claims import forget_claims
from debiaslab.study.leftovers import CHECKPOINTS, STUDY
from debiaslab.study.search_storage import explained, open_storage, search_exists, storage_to_read
from debiaslab.system.processes import this_process
from debiaslab.tracking import Store, StudyRun
from debiaslab.tracking.records import RunInfo, owner, status_now


@dataclass(frozen=True)
class Removal:
    """What goes with a study, or with all studies of a group.

    Attributes:
        studies: The studies.
        runs: Their runs, without the studies' own.
        trials: Trials of their searches.
        checkpoints: Of trainings that were cut short.
        bytes: Size of their files on this machine.
    """

    studies: tuple[StudyRun, ...]
    runs: tuple[RunInfo, ...]
    trials: int
    checkpoints: tuple[Path, ...]
    bytes: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the studies."""
        return tuple(study.study for study in self.studies)


def find_removal(store: Store, root: Path, name: str, *, dead_elsewhere: bool = False) -> Removal:
    """Return what goes with a study; nothing is changed.

    Args:
        store: The tracking store.
        root: Folder of the search's database and of the checkpoints.
        name: Name of the study or group.
        dead_elsewhere: Whether processes of other machines, which cannot be seen, have ended.

    Raises:
        UserError: There is no such study, or it is running.
    """
    studies = tuple(store.studies_named(name))
    runs = tuple(run for study in studies for run in store.runs(study.run_id))
    for run in (*studies, *runs):
        _refuse_running(run, name, dead_elsewhere=dead_elsewhere)
    parents = {study.run_id for study in studies}
    saved = saved_in(root / CHECKPOINTS)
    old = [each.path for each in saved if each.owner and each.owner.get(STUDY) in parents]
    size = sum(store.size_of(run.run_id) for run in (*studies, *runs))
    size += sum(file.stat().st_size for path in old for file in files_of(path))
    trials = sum(_trials(root, study.study) for study in studies)
    return Removal(studies, runs, trials, tuple(old), size)


def remove_study(store: Store, root: Path, removal: Removal) -> bool:
    """Remove what was found; what is cut short is gone on with by the same call.

    Returns:
        Whether a server keeps the runs, marked as deleted.
    """
    for name in removal.names:
        _forget_search(root, name)
    for path in removal.checkpoints:
        discard(path)
    ids = [run.run_id for run in removal.runs]
    for study in removal.studies:  # last, so that the study is found again until all is gone
        store.forget_model(study.study, [*ids, study.run_id])
        store.remove_view(study)
    kept = [store.remove_for_good(each) for each in (*ids, *(s.run_id for s in removal.studies))]
    return any(kept)


def _refuse_running(run: RunInfo, name: str, *, dead_elsewhere: bool) -> None:
    if status_now(run) != "RUNNING":
        return
    process = owner(run)
    if process is not None and process.host == this_process().host:
        raise UserError(
            f"the study {name!r} is running: process {process.pid} is at {run.name!r}",
            next_step=f"end it first (kill {process.pid}), then the same command again",
        )
    if not dead_elsewhere:
        host = "another machine" if process is None else process.host
        raise UserError(
            f"the study {name!r} may be running on {host}, which cannot be seen from here: "
            f"{run.name!r} is open",
            next_step="the same command with --dead-elsewhere when its process has ended",
        )


def _trials(root: Path, name: str) -> int:
    if not search_exists(root):
        return 0
    try:
        with storage_to_read(root) as storage:
            return len(optuna.load_study(study_name=name, storage=storage).get_trials(False))
    except KeyError:
        return 0


def _forget_search(root: Path, name: str) -> None:
    if not search_exists(root):
        return
    with explained(root):
        storage = open_storage(root)
        forget_claims(storage.engine, name)
        if name in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=name, storage=storage)
        storage.engine.dispose()
