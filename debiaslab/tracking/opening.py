"""Opening a store: its folder and database, or a server reached in seconds or not at all."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.redact import redact
from debiaslab.sqlite_log import write_ahead
from debiaslab.store_paths import ROOT_TAG, Location, rebase
from debiaslab.tracking.failures import unreachable
from debiaslab.tracking.tags import NOTE_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "debiaslab"
_EXPERIMENT_NOTE = "Debiasing studies on word embeddings. One parent run is one study."
_LOCK = ".opening.lock"
_LOCK_SECONDS = 120


def set_defaults() -> None:
    """Make mlflow quiet and offline, unless the user's environment says otherwise.

    To be called before mlflow is first imported: it starts its usage telemetry on import.
    Five retries wait about a minute in all for a server that is being restarted.
    """
    for name, value in {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    }.items():
        os.environ.setdefault(name, value)
    # What these say at length is raised as an exception too, and then put in one sentence here.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)


def import_mlflow() -> None:
    """Import what writing to a local store needs: processes forked from this one then share it."""
    set_defaults()
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """Let the first contact with a server fail in seconds, not after minutes of retries."""
    hurry = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    before = {name: os.environ[name] for name in hurry}
    os.environ.update(hurry)
    try:
        yield
    finally:
        os.environ.update(before)


def make_folder(database: Path) -> None:
    """Make the folder of a local store."""
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_open(database, error) from error


def _cannot_open(database: Path, error: Exception) -> UserError:
    return UserError(
        f"the tracking store {database} cannot be opened: {error}",
        allowed="a folder you may write to",
    )


@contextlib.contextmanager
def one_at_a_time(location: Location) -> Iterator[None]:
    """Keep other processes from making the tables of a new local store at the same time."""
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
    try:
        yield
    finally:
        lock.release()


def prepare(database: Path) -> None:
    """See that the database of a local store can be read, and mend its locations."""
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


def client_of(uri: str) -> MlflowClient:
    """Return a client of the store, whatever store the process uses otherwise."""
    from mlflow import MlflowClient

    if not uri.startswith(("http", "sqlite", "databricks")):
        _reach_database(uri)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def forget_folders() -> None:
    """Make MLflow look again where runs keep their artifacts: a store may have moved, or be a copy.

    It remembers that by the run's id, for all stores together, as long as the process lives.
    """
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()


def _reach_database(uri: str) -> None:
    """Connect once: MLflow itself tries a database that is not there for two minutes."""
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(uri)
        engine.connect().close()
        engine.dispose()
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise unreachable(uri, error) from None


def experiment_of(client: MlflowClient, location: Location) -> str:
    """Return the id of the experiment that holds all studies, which is made if need be."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        tags = {"mlflow.experimentKind": "custom_model_development", NOTE_TAG: _EXPERIMENT_NOTE}
        artifacts = None
        if location.database is not None:
            root = location.database.parent
            tags[ROOT_TAG] = str(root)
            artifacts = (root / "artifacts").as_uri()
        try:
            return str(client.create_experiment(EXPERIMENT, artifacts, tags))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(EXPERIMENT)
    if found is None or found.lifecycle_stage != "active":
        raise UserError(
            f"the experiment {EXPERIMENT!r} in {redact(location.uri)} was deleted",
            next_step="restore it in the MLflow UI, or use another store folder",
        )
    return str(found.experiment_id)
