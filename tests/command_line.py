"""Calling commands in this process, and one small finished study for them to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from debiaslab.cli import main
from debiaslab.tracking import RunInfo, Store
from tests.toys import toy_text

TINY = ["--dim", "8", "--epochs", "1"]
STUDY = ["sweep", "toy.txt", *TINY, "--min-count", "1", "--trials", "2", "--seeds", "1"]
STUDY += ["--retention-weight", "0", "--study", "small"]


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The last line of stderr without the program's name: progress bars may stand before."""
        last = self.err.replace("\r", "\n").strip().splitlines()[-1]
        return last.strip().removeprefix("debiaslab: ")


def call(capfd: pytest.CaptureFixture[str], *words: str) -> Said:
    """Run a command in this process."""
    capfd.readouterr()
    code = main(words)
    return Said(code, *capfd.readouterr())


def refused(capfd: pytest.CaptureFixture[str], *words: str, code: int = 2) -> Said:
    """Run a command that must end in one sentence."""
    said = call(capfd, *words)
    assert said.code == code, said.err
    assert said.err.count("debiaslab: ") == 1, said.err
    assert "Traceback" not in said.err
    assert len(said.sentence) < 500, said.sentence
    return said


def write_toy(folder: Path, name: str = "toy.txt", documents: int = 200) -> Path:
    path = folder / name
    path.write_text(toy_text(documents), encoding="utf-8")
    return path


def runs(folder: str | Path = "mlruns") -> list[RunInfo]:
    """Return every run of a store, oldest first."""
    return Store.open(folder, create=False)._search("")
