"""Calling commands in this process, and one small finished study for them to read."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from debiaslab.cli import COMMANDS, _Parser, command_class, main
from debiaslab.commands.options import prepare
from debiaslab.errors import UserError
from debiaslab.tracking import RunInfo, Store
from tests.toys import toy_text

TINY = ["--dim", "8", "--epochs", "1"]
STUDY = ["sweep", "toy.txt", *TINY, "--min-count", "1", "--trials", "2", "--seeds", "1"]
STUDY += ["--retention-weight", "0", "--study", "small"]

# What is said after a command begins with a comma, two blanks, or one of these words.
_COMMAND = re.compile(r"python -m debiaslab (.+?)(?=, |; |  | with the same | in a folder |\n|$)")
_TRY = re.compile(r"; try: (.*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


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
    """Run a command in this process; what it advises must be something that a command takes."""
    capfd.readouterr()
    code = main(words)
    said = Said(code, *capfd.readouterr())
    wrong = bad_advice(words[0] if words else "", said)
    assert not wrong, wrong
    return said


_OTHER_PROGRAM = re.compile(r"\b(dask|mlflow|pip|allowed-hosts)\b")


def bad_advice(command: str, said: Said) -> list[str]:
    """Return the commands and options, among those that were advised, that nothing takes."""
    wrong = []
    for text in _COMMAND.findall(said.out + said.err):
        name, *words = shlex.split(text)
        if name.startswith(("--help", "[")):  # of the program itself
            continue
        if name not in COMMANDS or ("--help" not in words and not _parses(name, words)):
            wrong.append(text)
    if command in COMMANDS:
        for advice in _TRY.findall(said.err):
            own = advice.partition("python -m debiaslab")[0]
            if _OTHER_PROGRAM.search(own):
                continue
            known = parser_of(command)._option_string_actions
            wrong += [each for each in _OPTION.findall(own) if each not in known]
    return wrong


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    parser = _Parser(prog=command)
    prepare(parser, command_class(command))
    return parser


def _parses(command: str, words: list[str]) -> bool:
    try:
        return parser_of(command).parse_known_args(words)[1] == []
    except UserError:
        return False


def refused(capfd: pytest.CaptureFixture[str], *words: str, code: int = 2) -> Said:
    """Run a command that must end in one sentence."""
    said = call(capfd, *words)
    assert said.code == code, said.err
    assert said.err.count("debiaslab: ") == 1, said.err
    assert "Traceback" not in said.err
    assert len(said.sentence) < 500, said.sentence
    return said


def noise(stderr: str) -> list[str]:
    """Return the lines of stderr that are no progress bar."""
    lines = stderr.replace("\r", "\n").replace("\x1b[A", "").splitlines()
    return [line for line in lines if line.strip() and "it/s" not in line and "|" not in line]


def write_toy(folder: Path, name: str = "toy.txt", documents: int = 200) -> Path:
    path = folder / name
    path.write_text(toy_text(documents), encoding="utf-8")
    return path


def runs(folder: str | Path = "mlruns") -> list[RunInfo]:
    """Return every run of a store, oldest first."""
    return Store.open(folder, create=False)._search("")
