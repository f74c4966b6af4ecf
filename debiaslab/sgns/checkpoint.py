"""Checkpoints: a training that was interrupted is resumed from where it was last saved."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from debiaslab.corpus.stream import read_ids
from debiaslab.errors import UserError
from debiaslab.settings.training import TrainSettings
from debiaslab.sgns.engine import Engine, Intervention, PenaltyTerm, Preprocessing, State
from debiaslab.sgns.model import Start
from debiaslab.system.files import replacing
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

FORMAT = 1  # of checkpoints; raise it whenever the same settings give other vectors
_REWRITTEN = 20_000  # ids by which pre-processing is told apart, besides its counts


def identity_of(
    corpus: Corpus,
    settings: TrainSettings,
    engine: Engine,
    intervention: Intervention,
    start: Start | None,
) -> dict[str, Any]:
    """Return what a checkpoint must share with the training that resumes from it."""
    chosen = {key: value for key, value in asdict(settings).items() if key != "engine"}
    penalty, preprocessing = intervention.active_penalty, intervention.preprocessing
    identity = {
        "format": FORMAT,
        "corpus": corpus.fingerprint,
        "settings": chosen,
        "engine": {"name": engine.name, **engine.identity},
        "penalty": None if penalty is None else _penalty(penalty),
        "preprocessing": None if preprocessing is None else _rewriting(corpus, preprocessing),
        "init": None if start is None else _vectors(start.targets),
    }
    if intervention.strata is not None:
        identity["strata"] = intervention.strata.identity
    if start is not None and start.contexts is not None:
        identity["contexts"] = _vectors(start.contexts)
    return dict(json.loads(json.dumps(identity)))


def key_of(identity: dict[str, Any]) -> str:
    """Return a short name for an identity."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def differences(ours: dict[str, Any], theirs: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Name the values in which two identities differ, as ``settings.lr``."""
    for name in {**ours, **theirs}:
        a, b = ours.get(name), theirs.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            yield from differences(a, b, f"{prefix}{name}.")
        elif a != b:
            yield f"{prefix}{name}"


def _vectors(embeddings: Embeddings) -> str:
    return _digest("\n".join(embeddings.words), embeddings.vectors)


def _penalty(penalty: PenaltyTerm) -> dict[str, Any]:
    kind = type(penalty)
    named = f"{kind.__module__}.{kind.__qualname__}"
    return {"weight": penalty.weight, "identity": getattr(penalty, "identity", named)}


def _rewriting(corpus: Corpus, preprocessing: Preprocessing) -> str:
    """Return a digest of what it does: its counts, and how it rewrites where the stream begins."""
    ids = read_ids(corpus.ids, 0, _REWRITTEN)
    ends = np.flatnonzero(ids < 0)
    whole = ids[: ends[-1] + 1] if len(ends) else ids
    counts = preprocessing.counts(corpus.counts.copy())
    return _digest("", counts, *(preprocessing.rewrite(whole.copy(), 0, epoch) for epoch in (0, 1)))


def _digest(text: str, *arrays: np.ndarray) -> str:
    digest = hashlib.sha256(text.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


_VALUES = "values"  # the member that holds the JSON


class DamagedCheckpointError(Exception):
    """A file that is not a whole checkpoint."""


def write(path: Path, identity: dict[str, Any], state: State) -> None:
    """Write a checkpoint; a reader sees the file before or this one, also after a power cut.

    Raises:
        UserError: The folder cannot be written, or the disk is full; the file before stays.
    """
    text = json.dumps({"identity": identity, "state": state.values, "arrays": [*state.arrays]})
    values = np.frombuffer(text.encode(), dtype=np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **{_VALUES: values}, **state.arrays)
        stream.flush()
        os.fsync(stream.fileno())  # the bytes are to be on the disk before the name is


def read(path: Path) -> tuple[dict[str, Any], State]:
    """Return identity and state; nothing is unpickled, and every byte is checked against its CRC.

    Raises:
        DamagedCheckpointError: The file is not as it was written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            values = json.loads(_array(archive, _VALUES).tobytes())
            arrays = {name: _array(archive, name) for name in values["arrays"]}
        return values["identity"], State(values["state"], arrays)
    except Exception as error:  # a damaged zip can raise nearly anything
        raise DamagedCheckpointError(f"{type(error).__name__}: {error}") from error


def read_identity(path: Path) -> dict[str, Any]:
    """Return the identity alone, without reading the matrices.

    Raises:
        DamagedCheckpointError: The file is not as it was written.
    """
    return dict(_without_arrays(path)["identity"])


def read_values(path: Path) -> dict[str, Any]:
    """Return the JSON values of the state, without reading the matrices.

    Raises:
        DamagedCheckpointError: The file is not as it was written.
    """
    return dict(_without_arrays(path)["state"])


def _without_arrays(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            return dict(json.loads(_array(archive, _VALUES).tobytes()))
    except Exception as error:  # as in `read`
        raise DamagedCheckpointError(f"{type(error).__name__}: {error}") from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray:
    with archive.open(f"{name}.npy") as member:
        array: NDArray = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):  # the CRC is looked at where a member ends
            raise ValueError(f"{name} is longer than its header says")
    return array


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
            training starts from scratch, as they were when one goes on.

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
        """Return what was saved; None, with a warning if need be, when training has to restart."""
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
                "and the training starts from scratch",
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
                    f"no checkpoint could be written, training continues ({error})", stacklevel=3
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
            f"differs in {differing}: that one is kept, and this training starts from scratch",
            stacklevel=4,
        )


def _aside(path: Path) -> Path:
    return path.with_suffix(DAMAGED)


def _warn_unsaved(why: str) -> None:
    warnings.warn(f"{why}: training continues here without checkpoints", stacklevel=5)
