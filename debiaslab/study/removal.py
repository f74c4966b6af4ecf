"""Removing what a store holds: a study for good, and what crashed runs left behind."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna

from debiaslab.errors import UserError
from debiaslab.sgns.checkpoint import Saved, discard, files_of, saved_in
from debiaslab.study.claims import forget_claims
from debiaslab.study.run import CHECKPOINTS, STUDY, owner_of
from debiaslab.study.search_storage import explained, open_storage, search_exists, study_to_read
from debiaslab.system.provenance import this_process
from debiaslab.tracking import PARENT_TAG, STUDY_TAG, Store, StudyRun
from debiaslab.tracking.names import RESTORING_KIND, STUDY_KIND
from debiaslab.tracking.records import RunInfo, owner, status_now

_STALE = 3600.0  # seconds after which a file that nothing names is abandoned
_TEMPORARY = re.compile(r"^\..+\.[a-z0-9_]{8}$")  # as debiaslab.system.files names them
_RUN_FOLDER = re.compile(r"^[0-9a-f]{32}$")


@dataclass(frozen=True)
class Removal:
    """What goes with a study, or with all studies of a group."""

    studies: tuple[StudyRun, ...]
    runs: tuple[RunInfo, ...]  # their runs, without the studies' own
    trials: int  # trials of their searches
    checkpoints: tuple[Path, ...]  # of trainings that were cut short
    bytes: int  # size of their files on this machine

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the studies."""
        return tuple(study.study for study in self.studies)


def find_removal(store: Store, root: Path, name: str, *, dead_elsewhere: bool = False) -> Removal:
    """Return what goes with a study or a group; nothing is changed.

    Args:
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
    old = tuple(each.path for each in saved if each.owner and each.owner.get(STUDY) in parents)
    size = sum(store.size_of(run.run_id) for run in (*studies, *runs)) + sum(map(_saved_size, old))
    trials = 0
    for study in studies:
        with study_to_read(root, study.study) as search:
            trials += 0 if search is None else len(search.get_trials(deepcopy=False))
    return Removal(studies, runs, trials, old, size)


def remove_study(store: Store, root: Path, removal: Removal) -> bool:
    """Remove what was found; a removal that was cut short is completed by the same call.

    Returns:
        Whether a server keeps the runs, marked as deleted.
    """
    if search_exists(root):
        with explained(root):
            storage = open_storage(root)
            for name in removal.names:
                forget_claims(storage.engine, name)
                if name in optuna.get_all_study_names(storage):
                    optuna.delete_study(study_name=name, storage=storage)
            storage.engine.dispose()
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


@dataclass(frozen=True)
class OldCheckpoint:
    """A training that was cut short."""

    path: Path  # its checkpoint
    why: str  # whose it is, for people
    wanted: bool  # whether a study that is resumed may continue it


@dataclass(frozen=True)
class Leftovers:
    """What can be removed.

    Attributes:
        runs: Runs that were cut short, and the runs of restorations that were.
        paths: Folders of runs that the store does not know, and temporary files.
        checkpoints: Of trainings that were cut short and that no study will continue.
        kept: Of those that a resumed study may continue: they are not removed.
        bytes: Size of all that can be removed.
    """

    runs: tuple[RunInfo, ...]
    paths: tuple[Path, ...]
    checkpoints: tuple[OldCheckpoint, ...]
    kept: tuple[OldCheckpoint, ...]
    bytes: int


def find_leftovers(
    store: Store, folders: tuple[Path, ...], *, failed: bool = False, checkpoints: bool = False
) -> Leftovers:
    """Return what crashed runs left; nothing is changed.

    A run counts when it was killed or interrupted, or is still open though its process has surely
    ended. The run of a study itself never counts: it holds the study.

    Args:
        folders: Where to look for files: the store's folder first.
        failed: Whether runs that failed for a reason of their own count too.
        checkpoints: Whether trainings that a resumed study would continue count too.
    """
    known = store.all_runs()
    abandoned = {run.run_id for run in store.abandoned()}
    half = {run.run_id for run in known if run.kind == RESTORING_KIND}
    half |= {child.run_id for parent in set(half) for child in store.runs(parent)}
    ended = {"KILLED", "FAILED"} if failed else {"KILLED"}
    runs = tuple(
        run
        for run in known
        if run.run_id in half
        or (run.kind != STUDY_KIND and (run.status in ended or run.run_id in abandoned))
        if run.status != "RUNNING" or run.run_id in abandoned
    )
    paths = (*_unknown_folders(store, folders[0]), *_temporary(folders))
    saved = saved_in(folders[0] / CHECKPOINTS)
    judged = (_judged(store, each, known) for each in saved)
    cut = [each for each in judged if each is not None]
    kept = () if checkpoints else tuple(each for each in cut if each.wanted)
    old = tuple(each for each in cut if each not in kept)
    gone = [folders[0] / "artifacts" / run.run_id for run in runs]
    size = sum(map(_size, (*paths, *gone))) + sum(_saved_size(each.path) for each in old)
    return Leftovers(runs, paths, old, kept, size)


def remove_leftovers(store: Store, leftovers: Leftovers) -> None:
    """Remove what was found."""
    for run in leftovers.runs:
        store.remove(run.run_id)
    for path in leftovers.paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for each in leftovers.checkpoints:
        discard(each.path)  # not of a training that a process has resumed meanwhile


def _judged(store: Store, saved: Saved, known: Sequence[RunInfo]) -> OldCheckpoint | None:
    """Say whether a checkpoint that no process works at is wanted; None: it is too new to tell.

    It is wanted unless its study has ended or was deleted, or its training has been done since.
    """
    if saved.owner is None:
        newest = max((file.stat().st_mtime for file in files_of(saved.path)), default=0.0)
        if time.time() - newest < _STALE:
            return None
        return OldCheckpoint(saved.path, "no whole checkpoint is in it", wanted=False)
    run_id = saved.owner.get(STUDY, "")
    study = next((run for run in known if run.run_id == run_id), None)
    if study is None:
        deleted = store.lifecycle(run_id) == "deleted"
        why = "was deleted" if deleted else "this store does not know"
        return OldCheckpoint(saved.path, f"of a study that {why}", wanted=not deleted)
    name = study.tags.get(STUDY_TAG, study.name)
    if study.status == "FINISHED":
        state = "which has ended"
    elif any(_is_of(run, saved.owner) for run in known):
        state = "which has been trained since"
    else:
        state = "which can be resumed"
    what = f"λ = {float(saved.owner['weight']):.4g}, seed {saved.owner['seed']} of {name}"
    return OldCheckpoint(saved.path, f"{what}, {state}", wanted=state == "which can be resumed")


def _is_of(run: RunInfo, owned: Mapping[str, str]) -> bool:
    """Whether a run has done the training that a checkpoint is of."""
    parent = run.tags.get(PARENT_TAG, "")
    return run.status == "FINISHED" and owner_of(parent, run.params) == dict(owned)


def _unknown_folders(store: Store, root: Path) -> Iterator[Path]:
    """Yield the artifact folders of runs that were deleted, or never came to be."""
    folder = root / "artifacts"
    if not store.local or not folder.is_dir():
        return
    ids = store.run_ids()
    for path in sorted(folder.iterdir()):
        if _RUN_FOLDER.match(path.name) and path.name not in ids and _stale(path):
            yield path


def _temporary(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob(".*")) if folder.is_dir() else ():
            if path.is_file() and _TEMPORARY.match(path.name) and _stale(path):
                yield path


def _stale(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _STALE


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _saved_size(checkpoint: Path) -> int:
    return sum(file.stat().st_size for file in files_of(checkpoint))
