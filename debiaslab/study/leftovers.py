"""What crashed runs leave in a store: runs and trainings cut short, files that nothing names."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debiaslab.sgns.checkpoint import Saved, discard, files_of, saved_in
from debiaslab.study.cell import tells_cells_apart
from debiaslab.tracking import PARENT_TAG, STUDY_TAG, Store
from debiaslab.tracking.names import RESTORING_KIND, STUDY_KIND
from debiaslab.tracking.records import RunInfo

CHECKPOINTS = "checkpoints"  # folder beside the store, of trainings that were interrupted
STUDY = "study"  # key of a checkpoint's owner: the run of its study
_FRESH = 3600.0  # seconds in which what cannot be read may still be about to become something


@dataclass(frozen=True)
class OldCheckpoint:
    """A training that was cut short.

    Attributes:
        path: Its checkpoint.
        why: Whose it is, for people.
        wanted: Whether a study that is resumed may go on from it.
    """

    path: Path
    why: str
    wanted: bool

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(file.stat().st_size for file in files_of(self.path))


def owner_of(study: str, params: Mapping[str, object]) -> dict[str, str]:
    """Return what is saved with a checkpoint: its study's run, and which training of it it is."""
    return {STUDY: study, **_cell({key: str(value) for key, value in params.items()})}


def old_checkpoints(store: Store, folder: Path, known: Sequence[RunInfo]) -> list[OldCheckpoint]:
    """Return the checkpoints of a folder that no process is at.

    One is wanted unless its study has ended or was deleted, or its training has been done since.

    Args:
        store: Where the studies are.
        folder: The folder of checkpoints.
        known: Every run of the store.
    """
    judged = (_judged(store, saved, known) for saved in saved_in(folder))
    return [each for each in judged if each is not None]


def _judged(store: Store, saved: Saved, known: Sequence[RunInfo]) -> OldCheckpoint | None:
    if saved.owner is None:
        newest = max((file.stat().st_mtime for file in files_of(saved.path)), default=0.0)
        if time.time() - newest < _FRESH:
            return None
        return OldCheckpoint(saved.path, "no whole checkpoint is in it", wanted=False)
    run_id = saved.owner.get(STUDY, "")
    study = next((run for run in known if run.run_id == run_id), None)
    if study is None:
        if store.is_deleted(run_id):
            return OldCheckpoint(saved.path, "of a study that was deleted", wanted=False)
        return OldCheckpoint(saved.path, "of a study that this store does not know", wanted=True)
    name = study.tags.get(STUDY_TAG, study.name)
    what = f"λ = {float(saved.owner['weight']):.4g}, seed {saved.owner['seed']} of {name}"
    if study.status == "FINISHED":
        return OldCheckpoint(saved.path, f"{what}, which has ended", wanted=False)
    if any(_is_of(run, saved.owner) for run in known):
        return OldCheckpoint(saved.path, f"{what}, which has been trained since", wanted=False)
    return OldCheckpoint(saved.path, f"{what}, which can be resumed", wanted=True)


def _is_of(run: RunInfo, owner: Mapping[str, str]) -> bool:
    """Whether a run has done the training that a checkpoint is of."""
    parent = run.tags.get(PARENT_TAG, "")
    return run.status == "FINISHED" and {STUDY: parent, **_cell(run.params)} == dict(owner)


def _cell(params: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in params.items() if k == "init" or tells_cells_apart(k)}


_STALE = 3600.0  # seconds after which a temporary file is nobody's any more
_TEMPORARY = re.compile(r"^\..+\.[a-z0-9_]{8}$")  # as debiaslab.system.atomic names them
_RUN_FOLDER = re.compile(r"^[0-9a-f]{32}$")


@dataclass(frozen=True)
class Leftovers:
    """What can be removed.

    Attributes:
        runs: Runs that were cut short, and the runs of restorations that were.
        paths: Folders of runs that the store does not know, and temporary files.
        checkpoints: Of trainings that were cut short and that nobody will go on with.
        kept: Of those that a resumed study may go on with: they are not removed.
        bytes: Size of all that can be removed.
    """

    runs: tuple[RunInfo, ...]
    paths: tuple[Path, ...]
    checkpoints: tuple[OldCheckpoint, ...]
    kept: tuple[OldCheckpoint, ...]
    bytes: int


def find_leftovers(
    store: Store,
    folders: tuple[Path, ...],
    *,
    failed: bool = False,
    checkpoints: bool = False,
) -> Leftovers:
    """Return what crashed runs left; nothing is changed.

    A run counts when it was killed or interrupted, or is still open though its process has surely
    ended. The run of a study itself never counts: it holds the study.

    Args:
        store: The tracking store.
        folders: Where to look for files: the store's folder first.
        failed: Whether runs that failed for a reason of their own count too.
        checkpoints: Whether trainings that a resumed study would go on with count too.
    """
    known = store.all_runs()
    abandoned = {run.run_id for run in store.abandoned()}
    half = {run.run_id for run in known if run.kind == RESTORING_KIND}
    if half:
        children = (child.run_id for parent in half for child in store.runs(parent))
        half |= set(children)
    ended = {"KILLED", "FAILED"} if failed else {"KILLED"}
    runs = tuple(
        run
        for run in known
        if run.run_id in half
        or (run.kind != STUDY_KIND and (run.status in ended or run.run_id in abandoned))
        if run.status != "RUNNING" or run.run_id in abandoned
    )
    paths = (*_unknown_folders(store, folders[0]), *_temporary(folders))
    gone = [folders[0] / "artifacts" / run.run_id for run in runs]
    cut = old_checkpoints(store, folders[0] / CHECKPOINTS, known)
    kept = () if checkpoints else tuple(each for each in cut if each.wanted)
    old = tuple(each for each in cut if each not in kept)
    size = sum(map(_size, (*paths, *gone))) + sum(each.bytes for each in old)
    return Leftovers(runs, tuple(paths), old, kept, size)


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
        discard(each.path)  # not of a training that has gone on meanwhile


def _unknown_folders(store: Store, root: Path) -> Iterator[Path]:
    """Yield the artifact folders of runs that were deleted, or never came to be."""
    folder = root / "artifacts"
    if not store.local or not folder.is_dir():
        return
    ids = store.run_ids()
    for path in sorted(folder.iterdir()):
        if _RUN_FOLDER.match(path.name) and path.name not in ids and _old(path):
            yield path


def _temporary(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob(".*")) if folder.is_dir() else ():
            if path.is_file() and _TEMPORARY.match(path.name) and _old(path):
                yield path


def _old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _STALE


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
