"""Making an sqlite database wait for the disk once a commit, where that is safe."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

# File systems of one machine. sqlite's write-ahead log needs memory that all its processes share,
# so that on a file system of several machines it could damage the database.
_LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay"})
_MOUNTS = Path("/proc/self/mountinfo")
_PATIENCE = 0.2  # seconds: the change can wait until no other process has the file open


def write_ahead(database: Path) -> None:
    """Let sqlite write its changes to a log beside the file first (``journal_mode=WAL``).

    A commit then waits for the disk once instead of three or four times. It still waits
    (``synchronous`` stays FULL), so that what was committed outlives a power cut. The file
    remembers the mode. Where its file system is not known to be of this machine alone, or another
    process keeps the change from being made, it stays as it is; of a damaged file, too: whoever
    opens it says so.
    """
    if not _is_local(database.parent):
        return
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(database, timeout=_PATIENCE)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL").fetchone()


def _is_local(folder: Path) -> bool:
    try:
        device = os.stat(folder).st_dev
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    kinds = {_kind(line) for line in lines if line.split()[2] == wanted}
    return bool(kinds) and kinds <= _LOCAL


def _kind(line: str) -> str:
    """Return the file system of a line of mountinfo: the first word after the lone hyphen."""
    return line.partition(" - ")[2].split()[0]
