"""Reading files of judgements and questions: their lines, and the files of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from debiaslab.errors import UserError


@dataclass(frozen=True)
class SkippedFile:
    """A file of a folder that was not read, and why."""

    name: str
    reason: str


def files_of(folder: Path) -> list[Path]:
    """Return the files directly in a folder by name, without hidden ones.

    Raises:
        UserError: The folder cannot be read.
    """
    try:
        return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}") from None


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 text file without their ends; a byte order mark is dropped.

    Raises:
        UserError: The file is missing, cannot be read or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline=None) as file:
            yield from (line.rstrip("\n") for line in file)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text", allowed="a text file in UTF-8") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
