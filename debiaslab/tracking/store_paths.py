"""Where the tracking store lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from debiaslab.errors import UserError
from debiaslab.system.redact import redact

ROOT_TAG = "debiaslab.root"
ADDRESSES = "an http(s) server, sqlite:///path/to/mlflow.db, or a database URI"


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
    return Location(f"sqlite:///{database.as_posix()}", database)


def local_path(uri: str) -> Path | None:
    """Return the path that a ``file:`` URI or plain path names; None for any other URI."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if parts.scheme == "" else None
