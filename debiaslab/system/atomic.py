"""Writing files so that a reader sees the old file or the whole new one, never a part."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debiaslab.errors import UserError

_OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
