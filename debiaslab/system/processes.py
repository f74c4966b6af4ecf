"""Naming the process that owns a run, and telling later whether it still lives."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process: host name, process id, and when it started (ids are used again)."""

    host: str
    pid: int
    started: str


def this_process() -> Process:
    """Return the identity of the running process."""
    pid = os.getpid()
    return Process(platform.node(), pid, _started(pid) or "")


def surely_dead(process: Process) -> bool:
    """Return whether ``process`` ran on this host and has ended.

    A process of another host is never called dead: it cannot be seen from here.
    """
    if process.host != platform.node() or not process.started:
        return False
    return _started(process.pid) != process.started


def _started(pid: int) -> str | None:
    """Return a text no other process with this id shares; None when no such process lives."""
    if Path("/proc/self/stat").exists():
        return _started_linux(pid)
    return _started_posix(pid)


def _started_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in brackets may itself hold blanks and brackets: count fields after the last one.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], fields[19]
    if state in {"Z", "X"}:
        return None
    # Ticks count from the machine's start, so the same number can come back after a reboot.
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        boot = "boot"
    return f"{boot}:{ticks}"


def _started_posix(pid: int) -> str | None:
    try:
        shown = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return shown.stdout.strip() or None
