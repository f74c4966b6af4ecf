"""What made a result, without credentials: versions, source, machine, command line, process."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import debiaslab

_PACKAGES = ("torch", "numpy", "numba", "gensim", "mlflow", "optuna", "scipy")
_DIFF_LIMIT = 1_000_000


def provenance() -> dict[str, Any]:
    """Return where the running code comes from, as JSON values.

    Keys: ``debiaslab`` (version), ``git`` (``commit``, ``dirty``, ``changed``, ``diff``; None
    unless the package is tracked in a git checkout), ``python``, ``packages`` (name to version,
    None when not installed), ``machine`` (``os``, ``cpu``, ``cores``, ``memory_gib``) and
    ``argv`` (without credentials). No host or user name is in it.
    """
    return {
        "debiaslab": debiaslab.__version__,
        "git": running_source(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "machine": _machine(),
        "argv": [redact(argument) for argument in sys.argv],
    }


@cache
def running_source() -> dict[str, Any] | None:
    """Return the state of the checkout that the running code was read from, at the first call.

    Later changes to the files are not in the code that runs.
    """
    return git_state(Path(debiaslab.__file__).resolve())


def git_state(file: Path) -> dict[str, Any] | None:
    """Return the state of the git checkout that tracks ``file``; None when none does.

    A change is a tracked file, of any kind, that is not as committed, or a new file in the folder
    of ``file``, which is the package. New files elsewhere (reports, vectors) are not the code.
    ``diff`` is the text of the changes to tracked files since ``commit``, cut after a million
    characters; ``changed`` lists both kinds, as ``git status`` does.
    """
    # A virtual environment inside somebody's checkout is not tracked by it.
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None
    commit = _git(file.parent, "rev-parse", "HEAD")
    root = _git(file.parent, "rev-parse", "--show-toplevel")
    if commit is None or root is None:
        return None
    tracked = _git(Path(root.strip()), "status", "--porcelain", "--untracked-files=no") or ""
    new = _git(file.parent, "ls-files", "--others", "--exclude-standard", "--full-name") or ""
    changed = [*tracked.splitlines(), *(f"?? {each}" for each in new.splitlines())]
    diff = (_git(Path(root.strip()), "diff", "HEAD") or "") if changed else ""
    if len(diff) > _DIFF_LIMIT:
        diff = diff[:_DIFF_LIMIT] + f"\n… (cut; {len(diff):,} characters)\n"
    return {
        "commit": commit.strip(),
        "dirty": bool(changed),
        "changed": changed,
        "diff": redact(diff),
    }


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints, None when it fails or is not installed."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, env=environment, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _machine() -> dict[str, Any]:
    return {
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": _memory(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _memory() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):  # not a POSIX system
        return None
    return round(size / 2**30, 1)


# Processes -------------------------------------------------------------------------------------


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


# Credentials -----------------------------------------------------------------------------------

MASK = "***"
# The user part ends at the last @ before a blank. Once it holds a colon, a password follows, in
# which database drivers let pass what an address would have to quote: / ? and #.
_USERINFO = re.compile(r"(?<=://)(?:[^\s/?#'\"]*|[^\s:/?#@'\"]+:[^\s'\"]{0,300})@")
_SECRET_FIELD = re.compile(
    r"((?:^|[?&;\s])(?:[\w-]*(?:password|passwd|pwd|token|secret|signature|credential|api_?key|sig))=)"
    r"[^&;\s'\"]+",
    re.IGNORECASE,
)
_SECRET_VARIABLES = (
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "PGPASSWORD",
)
_ADDRESS_VARIABLES = ("MLFLOW_TRACKING_URI", "DEBIASLAB_OPTUNA_STORAGE")
# Of an address as a whole, which may be mistyped: its scheme or slashes may be wrong or missing.
# Where they are right, their colon is not the one before a password.
_SCHEME = r"[\w+.-]+://"
_PASSWORD = re.compile(rf"\s*(?:{_SCHEME}|(?!{_SCHEME})[\w+.-]*:?/{{0,3}})[^\s:/]*:(\S*)@")
_SHORTEST = 4  # a shorter secret stands in too many other words


def utf8(text: str) -> str:
    """Return text that can be encoded: bytes of a path that are not UTF-8 become ``\\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode()


def redact(text: str) -> str:
    """Return ``text`` with every credential replaced by ``***``.

    Covered: the user part of a URI (``scheme://user:password@host``), fields such as
    ``password=`` and ``token=`` in a query or connection string, the values of the environment
    variables that hold MLflow, AWS and PostgreSQL secrets, and the passwords in the addresses of
    the two servers, wherever a driver repeats them. A byte of a path that is not UTF-8, which no
    store and no file of text takes, is shown as ``\\udcff``.
    """
    text = utf8(text)
    text = _USERINFO.sub(f"{MASK}@", text)
    text = _SECRET_FIELD.sub(rf"\g<1>{MASK}", text)
    for secret in _secrets():
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    return text


def _secrets() -> Iterator[str]:
    for variable in _SECRET_VARIABLES:
        yield os.environ.get(variable, "")
    for variable in _ADDRESS_VARIABLES:
        if found := _PASSWORD.match(os.environ.get(variable, "")):
            yield from (found[1], unquote(found[1]))
