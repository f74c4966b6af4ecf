"""The database file of a local store, made ready before MLflow opens it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from debiaslab.errors import UserError
from debiaslab.tracking.sqlite_log import write_ahead
from debiaslab.tracking.store_paths import Location
from debiaslab.tracking.store_schema import (
    Schema,
    cannot_open,
    copy_database,
    explained_sqlite,
    held_by_another,
    may_write,
    open_to_write,
    rebase,
    schema_of,
    too_new,
    too_old,
    upgrade_copy,
    wait_for_makers,
)

LOCK = ".opening.lock"
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
        raise cannot_open(database, error) from error


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

    lock = FileLock(location.database.parent / LOCK, timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise held_by_another(location.database, _LOCK_SECONDS) from error
    except OSError as error:
        raise cannot_open(location.database, error) from error
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
    """Make sure that a database can be written, knows where it lies, and writes ahead.

    Raises:
        UserError: It cannot be opened, or is none; or its schema is not the installed MLflow's.
    """
    with explained_sqlite(database), contextlib.closing(open_to_write(database)) as connection:
        # MLflow would try a file that cannot be opened ten times, over minutes.
        connection.execute("PRAGMA schema_version").fetchone()
    schema = schema_of(database)
    if schema.age == "newer":
        raise too_new(str(database), schema, database)
    if schema.age == "older" and not schema.empty:  # an empty one was cut short as it was made
        raise too_old(str(database), f"sqlite:///{database.as_posix()}")
    rebase(database)
    write_ahead(database)


@dataclass(frozen=True)
class Copy:
    """A copy of a database, to be read in its stead; it goes with this object.

    Attributes:
        path: The copy.
        why: Why the database itself cannot be opened without changing it.
    """

    path: Path
    why: str
    _folder: tempfile.TemporaryDirectory[str] = field(repr=False)


def copy_to_read(database: Path) -> Copy | None:
    """Return a copy that MLflow may open; None: it changes nothing in the database itself.

    Raises:
        UserError: It cannot be read, has no runs of MLflow's, or is of a newer MLflow.
    """
    schema = schema_of(database)
    if schema.age in ("none", "older"):  # as it is while another process makes it
        wait_for_makers(database.parent / LOCK)
        schema = schema_of(database)
    if schema.age == "none":
        raise no_store(database)
    if schema.age == "newer":
        raise too_new(str(database), schema, database)
    why = _untouchable(database, schema)
    if why is None:
        return None
    folder = tempfile.TemporaryDirectory(prefix="debiaslab-", ignore_cleanup_errors=True)
    with explained_sqlite(database):
        copy = copy_database(database, Path(folder.name))
    if schema.age == "older":
        upgrade_copy(copy)
    rebase(copy, database.parent)
    return Copy(copy, why, folder)


def _untouchable(database: Path, schema: Schema) -> str | None:
    """Return why MLflow cannot open a database without changing it; None: it can."""
    if schema.age == "older":
        return "an older MLflow wrote this store"
    if not may_write(database):
        return "this store may not be written"
    if schema.moved:
        return "the folder of this store was moved, and no command has written to it since"
    return None if schema.whole else "MLflow would add its default experiment to this store"


def no_store(database: Path) -> UserError:
    """Say that there is no store yet."""
    return UserError(
        f"there is no tracking store at {database.parent}",
        next_step="python -m debiaslab sweep --strategy projection",
    )


def _remove(database: Path) -> None:
    for file in (database, *(database.with_name(f"{database.name}-{log}") for log in _LOGS)):
        with contextlib.suppress(OSError):
            file.unlink()
