"""Studies that many tests read: made once in a run of the suite, by the process that asks first.

Nobody writes to them: a test that changes a store copies the folder.
"""

from __future__ import annotations

import base64
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import Engine, event

from debiaslab.cli import main
from debiaslab.report.style import png
from debiaslab.tracking import Store
from tests.command_line import STUDY, write_toy

BUILTIN = ["sweep", "--strategy", "projection", "--dim", "24", "--epochs", "4", "--trials", "2"]
BUILTIN += ["--seeds", "2", "--study", "small"]
PRINTED = "printed.txt"


@dataclass(frozen=True)
class Shared:
    """Folders below one root that all processes of a run know."""

    root: Path

    def folder(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return a folder, in which ``make`` has worked once."""
        folder, done = self.root / name, self.root / f"{name}.done"
        with FileLock(self.root / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                with pytest.MonkeyPatch.context() as patch:
                    patch.chdir(folder)
                    make(folder)
                done.touch()
        return folder


def perform(*words: str) -> None:
    """Run a command that must succeed; what it prints is kept beside what it makes."""
    with Path(PRINTED).open("a", encoding="utf-8") as file, redirect_stdout(file):
        assert main(words) == 0


def small(folder: Path) -> None:
    """A finished sweep of the toy text: one seed, a baseline and two trials."""
    write_toy(folder)
    perform(*STUDY)


def builtin(folder: Path) -> None:
    """A finished sweep of the built-in text, with its pictures: two seeds and two trials."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("debiaslab.report.style.png", png)
        perform(*BUILTIN)


def empty_store(folder: Path) -> None:
    """MLflow's tables without anything in them: making them takes most of a second."""
    Store.open(folder)
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.execute("DELETE FROM experiment_tags")
        connection.execute("DELETE FROM experiments")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def without_the_disk() -> None:
    """Let nobody wait until a file is on the disk: only a power cut might need it."""
    event.listen(Engine, "connect", without_waiting)
    os.fsync = lambda file: None


def without_waiting(connection: object, record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


# A picture of one pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
