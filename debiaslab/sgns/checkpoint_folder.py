"""A folder of checkpoints: what lies beside each, whose it is, and removing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from debiaslab.sgns.checkpoint_file import DamagedCheckpointError, read_values

OWNER = "owner"  # key of the values of a checkpoint
CHECKPOINT, DAMAGED, LOCK = ".npz", ".damaged", ".lock"
_ENDINGS = (CHECKPOINT, DAMAGED, LOCK)  # the lock goes last


@dataclass(frozen=True)
class Saved:
    """A training that was saved in a folder and that no process is at.

    Attributes:
        path: Its checkpoint; there may be none, with a damaged one or a lock left behind.
        owner: What ``Checkpoints.owner`` held when it was saved; None: there is no whole one.
    """

    path: Path
    owner: Mapping[str, str] | None


def saved_in(folder: Path) -> list[Saved]:
    """Return what lies in a folder of checkpoints; of a training in progress nothing."""
    if not folder.is_dir():
        return []
    files = {path.with_suffix(CHECKPOINT) for path in folder.iterdir() if path.suffix in _ENDINGS}
    return [Saved(path, _owner(path)) for path in sorted(files) if not _in_use(path)]


def files_of(path: Path) -> list[Path]:
    """Return the files of a checkpoint that are there: itself, a damaged one, the lock."""
    return [each for each in map(path.with_suffix, _ENDINGS) if each.exists()]


def unlink(path: Path) -> None:
    """Remove the files of a checkpoint."""
    for each in map(path.with_suffix, _ENDINGS):
        with suppress(OSError):
            each.unlink(missing_ok=True)


def discard(path: Path) -> bool:
    """Remove the files of a checkpoint unless a process is at its training; whether that was so."""
    with _alone(path) as alone:
        if alone:
            unlink(path)
    return alone


def _in_use(path: Path) -> bool:
    with _alone(path) as alone:
        return not alone


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Keep other processes from a checkpoint; False when one is at its training."""
    if not path.with_suffix(LOCK).exists():
        yield True
        return
    lock = FileLock(path.with_suffix(LOCK), timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _owner(path: Path) -> Mapping[str, str] | None:
    try:
        return dict(read_values(path).get(OWNER, {}))
    except DamagedCheckpointError:
        return None
