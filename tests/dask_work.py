"""Calls for the workers of a cluster, who would import all that a test file does."""

from __future__ import annotations

import os
import signal
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
