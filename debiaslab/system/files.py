"""Files: written whole or not at all; what cannot be read or written is refused in a sentence."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from debiaslab.errors import UserError, nearest

LONGEST_NAME = 200  # bytes; most file systems take 255, and files are written under longer names
_OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


# Reading ---------------------------------------------------------------------------------------


def check_readable(path: Path, what: str, *, of_folder: str | None = None) -> None:
    """Raise unless ``path`` is a regular file that may be read and is not empty.

    Args:
        what: What it should be.
        of_folder: What to try where it is a folder.

    Raises:
        UserError: Says what is there instead.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UserError(f"{path} is a directory", allowed=what, next_step=of_folder)
        if not stat.S_ISREG(status.st_mode):  # what is read twice is no pipe
            raise UserError(f"{path} is not a regular file", allowed=what)
        with path.open("rb"):
            pass
    except OSError as error:
        raise reading_error(path, error) from error
    if status.st_size == 0:
        raise UserError(f"{path} is empty", allowed=what)


def reading_error(path: Path, error: OSError) -> UserError:
    """Return one sentence on why ``path`` cannot be read."""
    if isinstance(error, IsADirectoryError):
        return UserError(f"{path} is a directory", allowed="a file")
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        reason = error.strerror or error
        return UserError(f"cannot read {path}: {reason}", allowed="a file you may read")
    folder = path.parent
    if not folder.is_dir():
        return UserError(f"there is no file {path}: the folder {folder} does not exist")
    try:
        close = nearest(path.name, [each.name for each in folder.iterdir() if each.is_file()])
    except OSError:
        close = None
    return UserError(f"there is no file {path}", nearest=str(folder / close) if close else None)


# Writing ---------------------------------------------------------------------------------------


@contextmanager
def replacing(path: str | Path, *, wait: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it onto ``path`` when the block ends well.

    When the block raises, the temporary file is removed and ``path`` is left as it was.

    Args:
        path: What is written.
        wait: Whether to wait for the disk, so that it is whole after a power cut too.

    Raises:
        UserError: The folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise writing_error(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        if wait:
            sync(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise writing_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_file(path: str | Path, content: str | bytes) -> Path:
    """Write a whole file, text as UTF-8, and return its path.

    A byte of a path that is not UTF-8 is written as ``\\udcff``, which JSON reads back as it was.

    Raises:
        UserError: As :func:`replacing` raises.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def sync(file: Path) -> None:
    """Wait until a file's bytes are on the disk: a name without them is an empty file."""
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def writing_error(path: Path, error: OSError) -> UserError:
    """Say in one sentence why ``path`` cannot be written."""
    if error.errno in _OUT_OF_SPACE:
        return UserError(
            f"no space left on disk while writing {path} (nothing half-written was kept)",
            next_step="free some space, then run the same command again",
        )
    return UserError(
        f"cannot write {path}: {error.strerror or error}",
        allowed="a path in a folder you may write to",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# Checks before the work ----------------------------------------------------------------------


def check_output(path: str | Path) -> None:
    """Make sure that a file can be written at ``path``.

    Raises:
        UserError: ``path`` is a directory or its name is too long, or the nearest folder above it
            that exists is no folder or may not be written.
    """
    path = Path(path)
    size = len(os.fsencode(path.name))
    if size > LONGEST_NAME:
        raise UserError(
            f"the file name {path.name[:40]}… has {size} bytes",
            allowed=f"up to {LONGEST_NAME} bytes",
        )
    if path.is_dir():
        raise UserError(f"{path} is a directory", allowed="a file to write")
    if path.exists() and not path.is_file():  # a device would be replaced by a file
        raise UserError(f"{path} is not a regular file", allowed="a file to write")
    _check_above(path, path)


def check_output_folder(path: str | Path) -> None:
    """Raise a `UserError` unless files can be written in the folder ``path``, which may be new."""
    _check_above(Path(path) / "file", Path(path))


def refuse_overwriting(
    written: Iterable[tuple[str, Path]], read: Iterable[str | Path] = ()
) -> None:
    """Refuse to write over what is read, and to write two things to one file.

    Files are the same when they have one inode, whatever links lead to them, or one name.

    Args:
        written: Every file that will be written, each with what the user calls it.
        read: Every file that is read.

    Raises:
        UserError: A file would be lost.
    """
    inputs = {key: Path(file) for file in read for key in _keys(Path(file))}
    outputs: dict[object, tuple[str, Path]] = {}
    for name, path in written:
        for key in _keys(path):
            if key in inputs and inputs[key].exists():
                same = "a file" if inputs[key] == path else f"the file {inputs[key]}"
                raise UserError(
                    f"{name} {path} is {same} that this command reads",
                    allowed="another file: what is read would be lost",
                    next_step=f"{name} {free_name(path)}" if name.startswith("-") else None,
                )
            first, other = outputs.setdefault(key, (name, path))
            if (first, other) != (name, path):
                raise UserError(
                    f"{first} {other} and {name} {path} are one file",
                    allowed="a file for each",
                    next_step=f"{name} {free_name(path)}" if name.startswith("-") else None,
                )


def free_name(path: Path) -> Path:
    """Return the first of ``name-2.csv``, ``name-3.csv``, … that is free."""
    numbered = (path.with_name(f"{path.stem}-{i}{path.suffix}") for i in itertools.count(2))
    return next(each for each in numbered if not os.path.lexists(each))


def _keys(path: Path) -> Iterator[object]:
    """Yield what two names of one file have in common: the resolved path, the inode, or both."""
    yield os.path.realpath(path)
    try:
        found = path.stat()
    except OSError:
        return
    yield found.st_dev, found.st_ino


def _check_above(path: Path, shown: Path) -> None:
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir():
        raise UserError(f"cannot write {shown}: {folder} is a file, not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(
            f"cannot write {shown}: the folder {folder} may not be written",
            allowed="a path in a folder you may write to",
        )
    try:  # its mode is not all: root meets read-only and special file systems, and full ones
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise writing_error(shown, error) from error
