"""Opening a vector file, plain or gzipped, and one sentence for everything that can go wrong."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from debiaslab.errors import UserError, nearest

_GZIP = b"\x1f\x8b"


@contextmanager
def reading(path: Path, what: str = "a vector file") -> Iterator[BinaryIO]:
    """Yield the bytes of ``path`` as a seekable stream, unpacked when they are gzipped.

    Raises:
        UserError: ``path`` is missing, no regular file, empty or unreadable, or while it is open
            the gzip turns out damaged or the memory runs out.
    """
    _refuse_unreadable(path, what)
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            if not packed:
                yield plain
                return
            with gzip.open(plain) as unpacked:
                yield cast(BinaryIO, unpacked)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{path} is cut short or damaged ({error})", next_step="copy or download it again"
        ) from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise UserError(f"what {path} holds does not fit in memory") from error


def _refuse_unreadable(path: Path, what: str) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a directory", allowed=what)
    if not path.exists():
        raise UserError(f"there is no file {path}", nearest=_neighbor(path))
    if not path.is_file():
        raise UserError(f"{path} is not a regular file", allowed=what)
    if not path.stat().st_size:
        raise UserError(f"{path} is empty", allowed=what)


def _neighbor(path: Path) -> str | None:
    try:
        match = nearest(path.name, [entry.name for entry in path.parent.iterdir()])
    except OSError:
        return None
    return str(path.with_name(match)) if match else None
