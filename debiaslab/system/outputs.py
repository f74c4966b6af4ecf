"""Refusing a place to write before the long work whose result would go there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from debiaslab.errors import UserError
from debiaslab.system.atomic import writing_error

LONGEST_NAME = 200  # bytes; most file systems take 255, and files are written under longer names


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
    _check_above(path, path)


def check_output_folder(path: str | Path) -> None:
    """Make sure that files can be written in the folder ``path``, which need not exist.

    Raises:
        UserError: ``path`` is a file, or the folder may not be made or written.
    """
    _check_above(Path(path) / "file", Path(path))


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
