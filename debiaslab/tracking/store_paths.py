"""Where the tracking store lies, and mending the locations written in it when it was moved."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from debiaslab.errors import UserError
from debiaslab.system.redact import redact, utf8

ROOT_TAG = "debiaslab.root"
ADDRESSES = "an http(s) server, sqlite:///path/to/mlflow.db, or a database URI"
# Every column in which MLflow 3 keeps the location of a file of the store. Params, tags and
# dataset sources are what a run said at the time and are never rewritten.
_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


@dataclass(frozen=True)
class Location:
    """A tracking URI, and the database file when the store is sqlite on this machine."""

    uri: str
    database: Path | None


def locate(root: str | Path) -> Location:
    """Return where the store lies: ``MLFLOW_TRACKING_URI`` when set, else ``<root>/mlflow.db``.

    Raises:
        UserError: The URI is of a kind MLflow cannot keep runs in, or the path holds ``?`` or
            ``%``, which the database driver would read as part of a URI.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    if not given:
        return _sqlite(Path(root) / "mlflow.db")
    scheme = urlsplit(given).scheme
    if scheme == "sqlite":
        path = given.removeprefix("sqlite:///")
        if path in {given, "", ":memory:"}:
            raise _unusable(given, "MLFLOW_TRACKING_URI={} names no database file")
        return _sqlite(Path(path))
    if scheme in {"", "file"}:
        raise _unusable(given, "MLFLOW_TRACKING_URI={} is a folder, which MLflow 3 cannot keep")
    return Location(given, None)


def _unusable(given: str, problem: str) -> UserError:
    return UserError(problem.format(redact(given)), allowed=ADDRESSES)


def _sqlite(database: Path) -> Location:
    database = Path(os.path.realpath(database))
    if {"?", "%"} & set(str(database)):
        raise UserError(
            f"the tracking store {database} has a '?' or '%' in its path",
            allowed="a folder without these characters",
        )
    if utf8(str(database)) != str(database):
        raise UserError(
            f"the tracking store {utf8(str(database))} has a byte in its path that is not UTF-8",
            allowed="a folder whose path is UTF-8",
        )
    return Location(f"sqlite:///{database.as_posix()}", database)


def rebase(database: Path) -> int:
    """Rewrite the artifact locations in a sqlite store whose folder was moved or copied.

    The root that the locations were written for is kept in the store as an experiment tag, and
    is changed in the same transaction as the locations.

    Returns:
        How many locations were rewritten; 0 when the folder has not moved.

    Raises:
        UserError: The file is not a readable sqlite database.
    """
    if not database.is_file() or database.stat().st_size == 0:
        return 0
    try:
        with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
            return _rebase(connection, database.parent)
    except sqlite3.DatabaseError as error:
        raise UserError(
            f"the tracking store {database} cannot be read: {error}",
            next_step="move that file aside, or name another store folder",
        ) from error


def _rebase(connection: sqlite3.Connection, root: Path) -> int:
    if not _moved_from(connection, root):
        return 0
    connection.execute("BEGIN IMMEDIATE")  # a second process waits here, then finds nothing to do
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
    for before, after in ((Path(old).as_uri(), root.as_uri()), (old, str(root))):
        for table, column in _LOCATIONS:
            if table not in tables:
                continue
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


def local_path(uri: str) -> Path | None:
    """Return the path that a ``file:`` URI or plain path names; None for any other URI."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if parts.scheme == "" else None
