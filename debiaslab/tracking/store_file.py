"""The database file of a local store, made ready before MLflow opens it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from debiaslab.errors import UserError
from debiaslab.tracking.sqlite_log import write_ahead
from debiaslab.tracking.store_paths import Location, rebase

_LOCK = ".opening.lock"
_LOCK_SECONDS = 120
_LOGS = ("wal", "shm", "journal")  # endings of what sqlite keeps beside a database


def make_folder(database: Path) -> None:
    """Make the folder of a database.

    Raises:
        UserError: It cannot be made.
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_open(database, error) from error


@contextlib.contextmanager
def one_at_a_time(location: Location) -> Iterator[None]:
    """Keep other processes from making the tables of a new local store at the same time.

    A new database is removed when the block raises: MLflow cannot go on from half of its tables.

    Raises:
        UserError: Another process keeps it locked, or the lock cannot be made.
    """
    if location.database is None:
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(location.database.parent / _LOCK, timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"another process has kept the tracking store {location.database} locked for "
            f"{_LOCK_SECONDS} seconds",
            next_step="the same command when it has ended",
        ) from error
    except OSError as error:
        raise _cannot_open(location.database, error) from error
    new = not location.database.exists()
    try:
        yield
    except BaseException:
        if new:
            _remove(location.database)
        raise
    finally:
        lock.release()


def prepare(database: Path) -> None:
    """Make sure that a database can be opened, knows where it lies, and writes ahead.

    Raises:
        UserError: It cannot be opened, or is none.
    """
    try:
        # MLflow would try a file that cannot be opened ten times, over minutes.
        with contextlib.closing(sqlite3.connect(database, timeout=60)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except (OSError, sqlite3.OperationalError) as error:
        raise _cannot_open(database, error) from error
    except sqlite3.DatabaseError as error:
        raise UserError(
            f"{database} is not an MLflow database: {error}",
            next_step="move that file aside, or name another store folder",
        ) from error
    rebase(database)
    write_ahead(database)


def _remove(database: Path) -> None:
    for file in (database, *(database.with_name(f"{database.name}-{log}") for log in _LOGS)):
        with contextlib.suppress(OSError):
            file.unlink()


def _cannot_open(database: Path, error: Exception) -> UserError:
    return UserError(
        f"the tracking store {database} cannot be opened: {error}",
        allowed="a folder you may write to",
    )
