"""Studies that many tests read: made once in a run of the suite, by the process that asks first.

Nobody writes to them: a test that changes a store copies the folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from debiaslab.cli import main
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
    """A finished sweep of the built-in text: two seeds and two trials."""
    perform(*BUILTIN)
