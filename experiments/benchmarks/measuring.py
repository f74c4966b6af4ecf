"""Measuring a piece of work in a process of its own, and two kinds of work in alternation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from experiments.benchmarks.setup import REPOSITORY

T = TypeVar("T")
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Finished:
    """A process that ended well."""

    said: dict[str, Any]  # the JSON object it printed
    seconds: float  # from start to exit
    peak_mib: float | None  # largest resident memory of it and its children together


def in_fresh_process(worker: str, **arguments: Any) -> Finished:
    """Run ``experiments.benchmarks.workers.<worker>`` on the arguments.

    Raises:
        RuntimeError: It failed; the message ends with what it wrote to stderr.
    """
    return watched(
        [
            sys.executable,
            "-m",
            f"experiments.benchmarks.workers.{worker}",
            json.dumps(arguments, default=str),
        ]
    )


def watched(command: list[str]) -> Finished:
    """Run a command whose last line of output is a JSON object, watching its memory.

    Raises:
        RuntimeError: It failed; the message ends with what it wrote to stderr.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    watch = _MemoryWatch(process.pid)
    watch.start()
    said, complaints = process.communicate()
    seconds = time.perf_counter() - started
    watch.stop()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {complaints[-2000:]}")
    return Finished(json.loads(said.splitlines()[-1]), seconds, watch.peak_mib)


def alternate(name: str, repeats: int, **sides: Callable[[int], T]) -> dict[str, list[T]]:
    """Measure each side in turn, ``repeats`` times; a side is given the number of the turn."""
    found: dict[str, list[T]] = {side: [] for side in sides}
    with tqdm(total=repeats * len(sides), desc=name, unit="run", leave=False) as bar:
        for turn in range(repeats):
            for side, measure in sides.items():
                bar.set_postfix_str(side)
                found[side].append(measure(turn))
                bar.update()
    return found


class _MemoryWatch(threading.Thread):
    """Polls the resident memory of a process and its descendants (Linux; elsewhere nothing)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self._peak = 0

    def run(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            self._peak = max(self._peak, _resident_of_tree(self._pid), _high_water(self._pid))

    def stop(self) -> None:
        self._done.set()
        self.join()

    @property
    def peak_mib(self) -> float | None:
        return self._peak / 2**20 if self._peak else None


def _resident_of_tree(pid: int) -> int:
    """Return bytes; pages that a child shares with its parent count in both."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (OSError, IndexError):  # ended a moment ago, or no /proc
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(_resident_of_tree, children))


def _high_water(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
