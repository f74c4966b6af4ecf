"""The sqlite file of a local store: its schema, its place, its lock, and copies to read instead.

A store is read as it is where that changes nothing. A copy is read where MLflow would write: where
its schema is older (MLflow would migrate it, and the older MLflow could not open it any more), its
folder was moved (locations in it are rewritten), or it may not be written to (sqlite writes a
log even to read).
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from shlex import quote as quote_word
from typing import Literal
from urllib.parse import quote

from debiaslab.errors import UserError
from debiaslab.tracking.names import PROVENANCE, ROOT_TAG

Age = Literal["none", "older", "current", "newer"]

LOCKED = "database is locked"  # what sqlite says
PATIENCE = 20.0  # seconds for another program to let go of a database, as MLflow has them
_LOOKED_AT = 20  # runs, the newest first, that are asked which MLflow wrote them


# Every column in which MLflow 3 keeps the location of a file of the store. Params, tags and
# dataset sources are what a run said at the time and are never rewritten.
_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
LOCK = ".opening.lock"
_LOCK_SECONDS = 120
# File systems of one machine. sqlite's write-ahead log needs memory that all its processes share,
# so that on a file system of several machines it could damage the database.
_LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay"})
_MOUNTS = Path("/proc/self/mountinfo")
_PATIENCE = 0.2  # seconds: the change can wait until no other process has the file open


@contextlib.contextmanager
def one_at_a_time(database: Path | None) -> Iterator[None]:
    """Make the folder of a local store, and keep other processes from making its tables meanwhile.

    A new database is removed when the block raises: MLflow cannot go on from half of its tables.

    Raises:
        UserError: Another process keeps it locked, or the folder or the lock cannot be made.
    """
    if database is None:
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(database.parent / LOCK, timeout=_LOCK_SECONDS)
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise held_by_another(database, _LOCK_SECONDS) from error
    except OSError as error:
        raise cannot_open(database, error) from error
    new = not database.exists()
    try:
        yield
    except BaseException:
        for ending in ("", "-wal", "-shm", "-journal") if new else ():
            with contextlib.suppress(OSError):
                database.with_name(f"{database.name}{ending}").unlink()
        raise
    finally:
        lock.release()


def prepare(database: Path) -> None:
    """Make sure that a database can be written, knows where it lies, and writes ahead.

    Raises:
        UserError: It cannot be opened, or is none; or its schema is not the installed MLflow's.
    """
    with explained_sqlite(database), closing(open_to_write(database)) as connection:
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
        closing(sqlite3.connect(database, timeout=_PATIENCE)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL").fetchone()


def _is_local(folder: Path) -> bool:
    try:
        device = os.stat(folder).st_dev
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    # the file system is the first word after the lone hyphen
    kinds = {line.partition(" - ")[2].split()[0] for line in lines if line.split()[2] == wanted}
    return bool(kinds) and kinds <= _LOCAL


@dataclass(frozen=True)
class Schema:
    """What is known of a database before MLflow opens it.

    Attributes:
        revision: Of MLflow's schema; None when it has no tables of MLflow's.
        moved: Whether the locations in it are those of another folder.
        whole: Whether it has the experiment that MLflow makes where it is missing.
        empty: Whether it has no runs.
    """

    revision: str | None
    moved: bool = False
    whole: bool = True
    empty: bool = True

    @property
    def age(self) -> Age:
        """How the schema compares to that of the installed MLflow."""
        if self.revision is None:
            return "none"
        known = _revisions()
        if self.revision not in known:
            return "newer"
        return "current" if self.revision not in known.values() else "older"


def schema_of(database: Path) -> Schema:
    """Return the schema of an sqlite database, which is not changed.

    Raises:
        UserError: It is no sqlite database, cannot be opened, or another program holds it.
    """
    with explained_sqlite(database), _reading(database) as connection:
        if not {"alembic_version", "experiments", "runs"} <= _tables(connection):
            return Schema(None)
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        default = connection.execute("SELECT 1 FROM experiments WHERE experiment_id = 0")
        return Schema(
            revision=None if row is None else str(row[0]),
            moved=_moved_from(connection, database.parent) is not None,
            whole=default.fetchone() is not None,
            empty=connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is None,
        )


def copy_database(database: Path, folder: Path) -> Path:
    """Return a copy of an sqlite database in ``folder``, with what its log holds; it is untouched.

    Raises:
        sqlite3.Error: It cannot be read, or another program holds it.
    """
    copy = folder / database.name
    with _reading(database) as source, closing(sqlite3.connect(copy)) as target:
        source.execute("BEGIN")  # backup() itself would wait for a lock for ever
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target)
    return copy


def upgrade_copy(copy: Path) -> None:
    """Bring a copy to the schema of the installed MLflow."""
    import sqlalchemy
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_migrations()))
    engine = sqlalchemy.create_engine(f"sqlite:///{copy.as_posix()}")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")
    engine.dispose()


def rebase(database: Path, root: Path | None = None) -> int:
    """Rewrite the artifact locations in a sqlite store whose folder was moved or copied.

    The root that the locations were written for is kept in the store as an experiment tag, and
    is changed in the same transaction as the locations.

    Args:
        database: The database.
        root: Folder that its files are in; None: the database's own.

    Returns:
        How many locations were rewritten; 0 when the folder has not moved.

    Raises:
        UserError: It is no sqlite database, cannot be written, or another program holds it.
    """
    if not database.is_file() or database.stat().st_size == 0:
        return 0
    root = root or database.parent
    with explained_sqlite(database), closing(open_to_write(database)) as connection:
        if not _moved_from(connection, root):
            return 0
        # A second process waits here, then finds nothing to do.
        connection.execute("BEGIN IMMEDIATE")
        try:
            old = _moved_from(connection, root)
            changed = _rewrite(connection, old, root) if old else 0
            connection.execute(
                "UPDATE experiment_tags SET value = ? WHERE key = ?", (str(root), ROOT_TAG)
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return changed


def _moved_from(connection: sqlite3.Connection, root: Path) -> str | None:
    """Return the recorded root when it is another folder than ``root``."""
    if "experiment_tags" not in _tables(connection):
        return None
    row = connection.execute(
        "SELECT value FROM experiment_tags WHERE key = ?", (ROOT_TAG,)
    ).fetchone()
    if row is None or row[0] == str(root):
        return None
    # One folder reached by two names (a bind mount) is not a move: both names stay valid.
    if Path(row[0]).exists() and os.path.samefile(row[0], root):
        return None
    return str(row[0])


def _rewrite(connection: sqlite3.Connection, old: str, root: Path) -> int:
    changed = 0
    tables = _tables(connection)
    locations = [(table, column) for table, column in _LOCATIONS if table in tables]
    for before, after in ((Path(old).as_uri(), root.as_uri()), (old, str(root))):
        for table, column in locations:
            # Only whole path steps match, so that /data/runs2 is not taken for /data/runs.
            changed += connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                (after, len(before) + 1, before, len(before) + 1, before + "/"),
            ).rowcount
    return changed


def _tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row[0] for row in rows}


def too_new(where: str, schema: Schema, database: Path | None = None) -> UserError:
    """Say that a store needs a newer MLflow than the one that is installed, and which."""
    installed = version("mlflow")
    made = None if database is None else _written_by(database)
    wanted = f"=={made}" if made and _numbers(made) > _numbers(installed) else f">{installed}"
    return UserError(
        f"the tracking store {where} was written by a newer MLflow than the installed {installed} "
        f"(its schema is {schema.revision})",
        next_step=f"pip install 'mlflow{wanted}'",
    )


def _written_by(database: Path) -> str | None:
    """Return the newest MLflow that runs of a local store say they were made with."""
    with contextlib.suppress(sqlite3.Error, OSError), _reading(database) as connection:
        query = "SELECT run_uuid FROM runs ORDER BY start_time DESC LIMIT ?"
        rows = connection.execute(query, (_LOOKED_AT,)).fetchall()
        made = [_made_with(database.parent / "artifacts" / row[0]) for row in rows]
        return max(filter(None, made), key=_numbers, default=None)
    return None


def _made_with(artifacts: Path) -> str | None:
    try:
        text = (artifacts / "artifacts" / PROVENANCE).read_text(encoding="utf-8")
        return str(json.loads(text)["packages"]["mlflow"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)]


def too_old(where: str, uri: str, *, reading: bool = False) -> UserError:
    """Say that a store would be migrated, and by which command the user does that.

    Args:
        where: The store, without credentials.
        uri: Its address.
        reading: Whether it was only to be read: a database on a server is not copied for that.
    """
    address = quote_word(uri) if uri.startswith("sqlite") else '"$MLFLOW_TRACKING_URI"'
    doing = "opening it" if reading else "writing to it"
    return UserError(
        f"the tracking store {where} was written by an older MLflow than the installed "
        f"{version('mlflow')}; {doing} would change it so that the older one cannot open it any "
        "more",
        next_step=f"keep a copy of it, then: python -m mlflow db upgrade {address}",
    )


def cannot_open(database: Path, error: Exception) -> UserError:
    """Say that a database cannot be opened."""
    return UserError(
        f"the tracking store {database} cannot be opened: {error}",
        allowed="a folder you may write to",
    )


def held_by_another(where: str | Path, seconds: float) -> UserError:
    """Say that another program keeps a database locked, how long was waited, and what to do."""
    return UserError(
        f"another program holds the store: {where} stayed locked for {max(1, round(seconds))} s",
        next_step="close what has it open (a database browser, a backup, another command), then "
        "the same command again; nothing that was recorded is lost",
    )


def may_write(database: Path) -> bool:
    """Whether this process may write to a database and beside it."""
    return os.access(database, os.W_OK) and os.access(database.parent, os.W_OK)


def wait_for_makers(lock: Path) -> None:
    """Wait until no process makes or opens the store whose lock file this is; none is made."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return
    with contextlib.suppress(OSError), lock.open("rb") as file:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return
            time.sleep(0.1)


@contextlib.contextmanager
def explained_sqlite(database: Path) -> Iterator[None]:
    """Put what sqlite raises in one sentence."""
    started = time.monotonic()
    try:
        yield
    except sqlite3.OperationalError as error:
        if LOCKED in str(error):
            raise held_by_another(database, time.monotonic() - started) from None
        raise cannot_open(database, error) from error
    except OSError as error:
        raise cannot_open(database, error) from error
    except sqlite3.DatabaseError as error:
        raise UserError(
            f"{database} is not an MLflow database: {error}",
            next_step="move that file aside, or name another store folder",
        ) from error


def open_to_write(database: Path) -> sqlite3.Connection:
    """Connect to a database; waits ``PATIENCE`` for another program that holds it."""
    return sqlite3.connect(database, timeout=PATIENCE, isolation_level=None)


@contextlib.contextmanager
def _reading(database: Path) -> Iterator[sqlite3.Connection]:
    """Connect to a database to read it, so that nothing is left beside it."""
    log, index = (database.with_name(f"{database.name}-{each}") for each in ("wal", "shm"))
    if may_write(database):  # sqlite then removes its log and index again
        with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection:
            connection.execute("PRAGMA query_only = ON")
            yield connection
    elif index.exists() or not _writes_ahead(database):
        address = f"file:{quote(str(database))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as connection:
            yield connection
    else:  # sqlite could not make the index that it reads such a database by
        with tempfile.TemporaryDirectory() as folder:
            for file in filter(Path.exists, (database, log)):
                shutil.copyfile(file, Path(folder) / file.name)
            with closing(sqlite3.connect(Path(folder) / database.name)) as connection:
                yield connection


def _writes_ahead(database: Path) -> bool:
    """Whether the header of a database says that changes go to a log beside it first."""
    with database.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"


def _migrations() -> Path:
    found = importlib.util.find_spec("mlflow")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("mlflow is not installed")
    return Path(found.submodule_search_locations[0]) / "store" / "db_migrations"


@cache
def _revisions() -> dict[str, str | None]:
    """Return every schema that the installed MLflow knows, and the one before each."""
    found = {}
    for file in (_migrations() / "versions").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        own, before = (
            re.search(rf"^{name}\s*(?::[^=]*)?=\s*['\"](\w+)['\"]", text, re.MULTILINE)
            for name in ("revision", "down_revision")
        )
        if own is not None:
            found[own[1]] = None if before is None else before[1]
    return found
