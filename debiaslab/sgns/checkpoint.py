"""Checkpoints: a training that was killed goes on from where it was last saved."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from debiaslab.errors import UserError
from debiaslab.sgns.checkpoint_file import DamagedCheckpointError, State, read, read_identity, write
from debiaslab.sgns.checkpoint_folder import CHECKPOINT, DAMAGED, LOCK, OWNER, unlink
from debiaslab.sgns.identity import differences, key_of

EVERY = 60.0  # seconds between checkpoints, at least
SHARE = 0.02  # of the time that writing them may take: large ones are written less often


@dataclass
class Checkpoints:
    """Where and how often a training is saved.

    A checkpoint is found again by everything that shapes the vectors (``identity.identity_of``),
    so that a training never goes on from another one's, whatever else is in the folder. Nothing in
    a file is ever unpickled.

    Args:
        folder: Where the checkpoint lies; it is made when there is none.
        every: Seconds of training between checkpoints, at least.
        share: Of the time that writing may take; a checkpoint that takes t seconds to write is
            followed by t / share seconds of training or more.
        shared: Whether several trainings are meant to keep theirs in the folder; if not, one of
            another training is worth a warning where this one's is looked for.

    Attributes:
        owner: What is saved with each checkpoint to say whose it is, for ``saved_in``.
        notes: JSON values of the caller's own that are saved with each checkpoint: empty when a
            training begins anew, as they were when one goes on.

    Raises:
        UserError: ``every`` is no number of seconds.
    """

    folder: str | Path
    every: float = EVERY
    share: float = SHARE
    shared: bool = False
    owner: dict[str, str] = field(default_factory=dict, init=False)
    notes: dict[str, Any] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._path: Path | None = None
        if not (math.isfinite(self.every) and self.every >= 0):
            raise UserError(
                f"--checkpoint-every was {self.every!r}",
                allowed="seconds, 0 or more",
                next_step=f"--checkpoint-every {EVERY:g}",
            )

    @contextmanager
    def opened(self, identity: dict[str, Any]) -> Iterator[Slot | None]:
        """Yield the place of one training's checkpoint, which no other process can have meanwhile.

        None, with a warning, where there can be none: the training then goes unsaved.
        """
        path = Path(self.folder) / f"{key_of(identity)}{CHECKPOINT}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path.with_suffix(LOCK), timeout=0)
            lock.acquire()
        except Timeout:
            _warn_unsaved(f"another process is running this training with {path}")
            yield None
            return
        except (OSError, NotImplementedError) as error:
            _warn_unsaved(f"{path.parent} cannot hold a checkpoint ({error})")
            yield None
            return
        try:
            self._path = path
            yield Slot(self, path, identity)
        finally:
            lock.release()

    def remove(self) -> None:
        """Remove the checkpoint of the last training, and an empty folder that is not shared.

        To be called when what the training made is safe. Nothing happens where there is none.
        """
        if self._path is None:
            return
        unlink(self._path)
        if not self.shared:  # another process may be about to write there
            with suppress(OSError):
                self._path.parent.rmdir()


class Slot:
    """The checkpoint of one training.

    Args:
        settings: Where and how often.
        path: The file.
        identity: Of the training.
    """

    def __init__(self, settings: Checkpoints, path: Path, identity: dict[str, Any]) -> None:
        self._settings = settings
        self._path = path
        self._identity = identity
        self._cost = 0.0  # seconds the last writing took
        self._saved = time.monotonic()
        self._warned = False
        for left in path.parent.glob(f".{path.name}.*"):  # by a process killed while writing
            with suppress(OSError):
                left.unlink()

    def find(self) -> State | None:
        """Return what was saved; None, with a warning if need be, when it has to start anew."""
        self._settings.notes.clear()
        if not self._path.is_file():
            if not self._settings.shared:
                self._tell_of_others()
            return None
        try:
            _, state = read(self._path)
        except DamagedCheckpointError as error:
            aside = _aside(self._path)
            with suppress(OSError):
                os.replace(self._path, aside)
            warnings.warn(
                f"the checkpoint {self._path} is damaged ({error}): it was moved to {aside.name}, "
                "and the training starts anew",
                stacklevel=4,
            )
            return None
        self._settings.notes.update(state.values["notes"])
        return state

    def due(self) -> bool:
        """Whether it is time to save."""
        wait = max(self._settings.every, self._cost / self._settings.share)
        return time.monotonic() - self._saved >= wait

    def save(self, state: State) -> None:
        """Replace the checkpoint; when that fails the one before stays, and a warning says so."""
        started = time.monotonic()
        settings = self._settings
        values = {**state.values, "notes": settings.notes, OWNER: settings.owner}
        try:
            write(self._path, self._identity, State(values, state.arrays))
        except UserError as error:
            if not self._warned:
                warnings.warn(
                    f"no checkpoint could be written, the training goes on ({error})", stacklevel=3
                )
            self._warned = True
        self._saved = time.monotonic()
        self._cost = self._saved - started

    def _tell_of_others(self) -> None:
        others = sorted(self._path.parent.glob("*.npz"), key=lambda path: path.stat().st_mtime)
        if not others:
            return
        try:
            differing = ", ".join(differences(self._identity, read_identity(others[-1])))
        except DamagedCheckpointError:
            return
        warnings.warn(
            f"{self._path.parent} holds no checkpoint of this training but one of another, which "
            f"differs in {differing}: that one is kept, and this training starts anew",
            stacklevel=4,
        )


def _aside(path: Path) -> Path:
    return path.with_suffix(DAMAGED)


def _warn_unsaved(why: str) -> None:
    warnings.warn(f"{why}: the training here goes on without checkpoints", stacklevel=5)
