"""Calls for the workers of a cluster, who would import all that a test file does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from debiaslab.errors import UserError


def dies_once(marker: Path, number: int) -> tuple[int, int]:
    """Take the worker down with SIGKILL, unless somebody did already; then square a number."""
    if number == 3:
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return number, number**2


def dies(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def opens(path: Path) -> str:
    return path.read_text()


def refuses(_: int) -> None:
    raise UserError("this text is not one", next_step="another")


def here() -> int:
    return os.getpid()


def tells(tell: Callable[[int], None]) -> None:
    tell(7)


@dataclass(frozen=True)
class FailsOnce:
    """The first copy fails; the other tells until it is stopped, and writes down by what."""

    folder: Path

    def __call__(self, tell: Callable[[int], None]) -> None:
        try:
            (self.folder / "first").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            raise UserError("no more")
        try:
            for _ in range(400):
                tell(1)
                time.sleep(0.05)
        except UserError as error:
            (self.folder / "stopped").write_text(str(error))
