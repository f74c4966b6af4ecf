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
from typing import Any

from tqdm import tqdm

from experiments.benchmarks.setup import REPOSITORY, Setup

_POLL_SECONDS = 0.02
_TOLERATED = 0.15  # of a core, taken by other processes


@dataclass(frozen=True)
class Finished:
    """A process that ended well."""

    said: dict[str, Any]  # the JSON object it printed
    seconds: float  # from start to exit
    cpu_seconds: float  # of all its threads and children
    peak_mib: float | None  # largest resident memory of it and its children together
    others: float  # cores that other processes kept busy meanwhile, 0 where that is not known


def in_fresh_process(worker: str, setup: Setup, threads: int, **arguments: Any) -> Finished:
    """Run ``experiments.benchmarks.workers.<worker>`` on the arguments.

    Other processes must leave it ``threads`` cores: their end is waited for, and what they
    disturbed is measured again, both within ``setup.patience`` seconds; the least disturbed is
    returned.

    Raises:
        RuntimeError: It failed; the message ends with what it wrote to stderr.
    """
    module = f"experiments.benchmarks.workers.{worker}"
    command = [sys.executable, "-m", module, json.dumps(arguments, default=str)]
    spare = max((os.cpu_count() or 1) - threads, 0) + _TOLERATED
    deadline = time.monotonic() + setup.patience
    best = None
    while best is None or (best.others > spare and time.monotonic() < deadline):
        while busy_others(1.0) > spare and time.monotonic() < deadline:
            pass
        finished = watched(command)
        if best is None or finished.others < best.others:
            best = finished
    return best


def busy_others(seconds: float) -> float:
    """Return how many cores are busy during some seconds of doing nothing."""
    before = _machine_busy()
    time.sleep(seconds)
    return max(_machine_busy() - before, 0.0) / seconds


def watched(command: list[str]) -> Finished:
    """Run a command whose last line of output is a JSON object, watching its memory.

    Raises:
        RuntimeError: It failed; the message ends with what it wrote to stderr.
    """
    started, busy, own = time.perf_counter(), _machine_busy(), _own_cpu()
    process = subprocess.Popen(
        command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    watch = _MemoryWatch(process.pid)
    watch.start()
    said, complaints = process.communicate()
    watch.stop()
    seconds, busy, own = time.perf_counter() - started, _machine_busy() - busy, _own_cpu() - own
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {complaints[-2000:]}")
    others = max(busy - own, 0.0) / seconds
    return Finished(json.loads(said.splitlines()[-1]), seconds, own, watch.peak_mib, others)


def alternate(
    name: str, repeats: int, **sides: Callable[[int], Finished]
) -> dict[str, list[Finished]]:
    """Measure each side in turn, ``repeats`` times; a side is given the number of the turn."""
    found: dict[str, list[Finished]] = {side: [] for side in sides}
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


def _machine_busy() -> float:
    """Return the seconds that all cores together have been busy since the start (Linux), else 0."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _idle, _wait, *irq = map(int, file.readline().split()[1:8])
    except OSError:
        return 0.0
    return (user + nice + system + sum(irq)) / os.sysconf("SC_CLK_TCK")


def _own_cpu() -> float:
    """Return the CPU seconds of this process and of the children it has waited for."""
    return sum(os.times()[:4])
