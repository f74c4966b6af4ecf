"""Where Optuna's studies are kept: a file in the folder of the store, or a server."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from shlex import quote

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import URL, create_engine, inspect
from sqlalchemy.exc import ArgumentError, IntegrityError, ProgrammingError, SQLAlchemyError

from debiaslab.errors import UserError
from debiaslab.system.provenance import redact
from debiaslab.tracking.database import LOCKED, copy_database, held_by_another, write_ahead

DATABASE = "optuna.db"
VARIABLE = "DEBIASLAB_OPTUNA_STORAGE"
SEARCH_ERRORS = (StorageInternalError, SQLAlchemyError, sqlite3.Error)
_PATIENCE = 60  # seconds that sqlite waits for another process's writing
_TRIES = 6  # of several commands that make the tables at once all but one fail, each a few times
_PAUSE = 0.5  # seconds between them


def storage_url(folder: Path) -> str:
    """Return the address of the database: that of the variable, or of a file in the folder.

    The folder of a file is made.
    """
    if given := os.environ.get(VARIABLE):
        return given
    folder.mkdir(parents=True, exist_ok=True)
    database = str((folder / DATABASE).resolve())
    return URL.create("sqlite", database=database).render_as_string()  # quotes "?" and "%"


def on_a_server() -> bool:
    """Whether the database is one that other machines may reach too."""
    return bool(os.environ.get(VARIABLE))


def database_name(folder: Path) -> str:
    """Return what a user may see of the address."""
    return redact(storage_url(folder)) if on_a_server() else str(folder / DATABASE)


def search_exists(folder: Path) -> bool:
    """Whether there is a database with tables for studies; neither is made.

    Raises:
        UserError: As :func:`open_storage`.
    """
    if not on_a_server():
        return (folder / DATABASE).is_file()
    with _usable(folder) as url:
        engine = create_engine(url)
        try:
            return inspect(engine).has_table("studies")
        finally:
            engine.dispose()


def open_storage(folder: Path) -> RDBStorage:
    """Open the database, making its tables when it has none.

    Raises:
        UserError: The address cannot be used, or its driver is not installed.
    """
    with _usable(folder) as url:
        if not on_a_server():
            write_ahead(folder / DATABASE)
        return _open(url)


@contextmanager
def storage_to_read(folder: Path) -> Iterator[RDBStorage]:
    """Open an existing database to read it: of a file a copy, so that the file does not change.

    Raises:
        UserError: It cannot be read, or a newer Optuna wrote it.
    """
    with explained(folder):
        if on_a_server():
            yield open_storage(folder)
            return
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            copy = copy_database(folder / DATABASE, Path(place))
            url = URL.create("sqlite", database=str(copy)).render_as_string()
            storage = RDBStorage(url, skip_compatibility_check=True)
            newest, *_ = known = _versions_of(storage)
            current = storage.get_current_version()
            if current not in known:
                raise _too_new(folder)
            if current != newest:
                storage.upgrade()
            try:
                yield storage
            finally:
                storage.engine.dispose()


_VERSIONS: list[str] = []


def _versions_of(storage: RDBStorage) -> list[str]:
    """Return the schemas that the installed Optuna knows, the newest first; it is asked once."""
    if not _VERSIONS:
        _VERSIONS.extend(storage.get_all_versions())
    return _VERSIONS


@contextmanager
def study_to_read(folder: Path, name: str) -> Iterator[optuna.Study | None]:
    """Yield the Optuna study of a name, to read; None before it has begun."""
    if not search_exists(folder):
        yield None
        return
    with storage_to_read(folder) as storage:
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError:
            study = None
        yield study


def _too_new(folder: Path) -> UserError:
    return UserError(
        f"the search's database {database_name(folder)} was written by a newer Optuna than the "
        f"installed {version('optuna')}",
        next_step=f"pip install 'optuna>{version('optuna')}'",
    )


@contextmanager
def _usable(folder: Path) -> Iterator[str]:
    """Yield the address of the database; an error says what is missing to use it here."""
    url = storage_url(folder)
    try:
        yield url
    except (ImportError, ArgumentError) as error:
        raise UserError(
            f"{VARIABLE} names {redact(url)}, which cannot be used here: {_first_line(error)}",
            allowed="an address such as postgresql+psycopg://host/database",
            next_step="pip install 'debiaslab[postgres]'",
        ) from None
    except RuntimeError as error:  # another Optuna wrote it
        if "storage upgrade" not in str(error):
            raise _too_new(folder) from None
        address = '"$' + VARIABLE + '"' if on_a_server() else quote(url)
        raise UserError(
            f"the search's database {database_name(folder)} was written by an older Optuna than "
            f"the installed {version('optuna')}; writing to it would change it so that the older "
            "one can no longer open it",
            next_step=f"keep a copy of it, then: optuna storage upgrade --storage {address}",
        ) from None


def _open(url: str) -> RDBStorage:
    local = url.startswith("sqlite")
    # a server may drop a connection while a training runs: each is tested before its use
    options = {"connect_args": {"timeout": _PATIENCE}} if local else {"pool_pre_ping": True}
    tried = 0
    while True:
        try:
            storage = RDBStorage(url, engine_kwargs=options, skip_compatibility_check=True)
            if storage.get_current_version() == _versions_of(storage)[0]:
                return storage
            storage.engine.dispose()
            return RDBStorage(url, engine_kwargs=options)  # which raises
        except SEARCH_ERRORS as error:
            tried += 1
            made = isinstance(error, (IntegrityError, ProgrammingError))  # tables, by others
            if tried >= (_TRIES if made else 2):
                raise
            time.sleep(_PAUSE if made else 0.0)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn the failures of Optuna's database into one sentence, without credentials."""
    started = time.monotonic()
    try:
        yield
    except SEARCH_ERRORS as error:
        cause = error.__cause__ or error
        reason = _first_line(getattr(cause, "orig", None) or cause)
        if LOCKED in reason:
            raise held_by_another(database_name(folder), time.monotonic() - started) from None
        damaged = "not a database" in reason or "malformed" in reason
        served = bool(os.environ.get(VARIABLE))
        raise UserError(
            f"the search's database {database_name(folder)} cannot be used: {reason}",
            next_step="move that file aside, then the same command again: runs that finished are "
            "not trained again"
            if damaged
            else "the same command again when "
            + ("the server answers" if served else "the folder has space and may be written")
            + "; what was recorded is kept",
        ) from None


def _first_line(error: BaseException) -> str:
    return redact((str(error).splitlines() or [type(error).__name__])[0])
