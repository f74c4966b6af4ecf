"""Environments of their own for WEFE and responsibly, whose pins fit no current program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debiaslab.errors import UserError

Version = tuple[int, int]

_INSTALLED = ".installed"  # written last, and holds what was asked for
_ASK_VERSION = "import sys; print(*sys.version_info[:2])"


@dataclass(frozen=True)
class Program:
    """A program of the oracle.

    Attributes:
        name: Of its folder and its worker.
        packages: What pip is asked for.
        pythons: The Python versions its pins have wheels for, the best first.
        why: Why no other version will do.
    """

    name: str
    packages: tuple[str, ...]
    pythons: tuple[Version, ...]
    why: str

    @property
    def worker(self) -> Path:
        """The script that measures with it."""
        return Path(__file__).parent / "workers" / f"{self.name}_worker.py"


WEFE = Program(
    "wefe",
    ("wefe==1.0.1",),
    ((3, 11), (3, 12), (3, 10)),
    "WEFE 1.0.1 pins numpy <= 1.26.4 and scipy < 1.13, and starts at Python 3.10",
)
# Its own pins let pip choose gensim 4, with which it cannot be imported (no BaseKeyedVectors).
RESPONSIBLY = Program(
    "responsibly",
    ("responsibly==0.1.2", "gensim==3.8.3"),
    ((3, 7), (3, 6)),
    "responsibly 0.1.2 pins matplotlib < 3, whose last wheels are for Python 3.7",
)


def environment(program: Program, folder: Path, first: Sequence[Path] = ()) -> Path:
    """Return the Python of the program's environment in ``folder``, made when it is not there.

    Args:
        program: Which program.
        folder: Where the environments are; it keeps itself out of version control.
        first: Pythons to try before those that are found.

    Raises:
        UserError: There is no Python it can run on, or pip failed.
    """
    home = folder / program.name
    python, mark = home / "bin" / "python", home / _INSTALLED
    wanted = "\n".join(program.packages)
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return python
    base = suitable(program, [*first, *known_pythons(program.pythons)])
    shutil.rmtree(home, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    print(f"making {home} with {base}", file=sys.stderr)
    _run(program, [str(base), "-m", "venv", str(home)])
    _run(program, [str(python), "-m", "pip", "install", "--quiet", *program.packages])
    mark.write_text(wanted, encoding="utf-8")
    return python


def suitable(program: Program, candidates: Iterable[Path]) -> Path:
    """Return the first of ``candidates`` that runs and has a version the program can use.

    Raises:
        UserError: None has.
    """
    for candidate in candidates:
        if version_of(candidate) in program.pythons:
            return candidate
    versions = " or ".join(f"{major}.{minor}" for major, minor in program.pythons)
    raise UserError(
        f"no Python was found that can run {program.packages[0]} ({program.why})",
        allowed=f"Python {versions}, as python3.x on the PATH or installed with pyenv",
        next_step=f"pyenv install {program.pythons[0][0]}.{program.pythons[0][1]}",
    )


def known_pythons(versions: Iterable[Version]) -> list[Path]:
    """Return the Pythons of these versions on the PATH and among pyenv's, in their order."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found: list[Path] = []
    for major, minor in versions:
        on_path = shutil.which(f"python{major}.{minor}")
        found += [Path(on_path)] if on_path else []
        found += sorted(pyenv.glob(f"{major}.{minor}.*/bin/python"))
    return found


def version_of(python: Path) -> Version | None:
    """Return the version of a Python; None when it does not run (a pyenv shim of another)."""
    try:
        asked = subprocess.run(
            [str(python), "-c", _ASK_VERSION], capture_output=True, text=True, timeout=60
        )
    except OSError:
        return None
    if asked.returncode != 0:
        return None
    major, minor = asked.stdout.split()
    return int(major), int(minor)


def ask(program: Program, python: Path, request: Path, **options: str) -> dict[str, Any]:
    """Run the program's worker on the file of a request and return what it measured.

    Raises:
        UserError: It failed; the sentence ends with what it complained of.
    """
    said = _run(
        program,
        [str(python), str(program.worker), str(request), *(f"{k}={v}" for k, v in options.items())],
    )
    measured: dict[str, Any] = json.loads(said.splitlines()[-1])
    return measured


def _run(program: Program, command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "MPLBACKEND": "Agg"}
    )
    if done.returncode != 0:
        last = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise UserError(
            f"{program.name} cannot be used: {' '.join(command[:4])} … ended with {last}"
        )
    return done.stdout
