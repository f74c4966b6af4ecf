"""Stores as other versions of MLflow leave them, and what a folder holds to the byte."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy

from debiaslab.tracking.database import rebase

OF_MLFLOW_3_1 = "770bee3ae1dd"  # lacks tables: MLflow itself would migrate it when it is opened
NEXT_TO_LAST = "b7e2c1a4d9f3"  # of the next-to-last schema that MLflow 3.17 knows


def copy_store(store: Path, target: Path) -> Path:
    """Copy a store, so that it knows where it lies."""
    shutil.copytree(store, target)
    rebase(target / "mlflow.db")
    return target


def made_by_older(store: Path, target: Path, revision: str = OF_MLFLOW_3_1) -> Path:
    """Copy a store into the schema of an older MLflow, made by MLflow's own migrations."""
    copy_store(store, target)
    database = target / "mlflow.db"
    newer = database.rename(target / "newer.db")
    _make(database, revision)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ATTACH DATABASE ? AS newer", (str(newer),))
        connection.execute("PRAGMA foreign_keys = OFF")
        both = _tables(connection, "main") & _tables(connection, "newer")
        for table in both - {"alembic_version"}:
            shared = _columns(connection, "main", table) & _columns(connection, "newer", table)
            columns = ", ".join(shared)
            connection.execute(
                f"INSERT OR REPLACE INTO main.{table} ({columns}) SELECT {columns} "
                f"FROM newer.{table}"
            )
        connection.commit()
    for file in target.glob("newer.db*"):
        file.unlink()
    return target


def made_by_newer(store: Path, target: Path) -> Path:
    """Copy a store and let it say that its schema is one that nobody knows yet."""
    copy_store(store, target)
    with closing(sqlite3.connect(target / "mlflow.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffff0000ffff'")
        connection.commit()
    return target


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the digest and time of change of every file in a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def revision_of(folder: Path) -> str:
    with closing(sqlite3.connect(f"file:{folder / 'mlflow.db'}?mode=ro", uri=True)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _make(database: Path, revision: str) -> None:
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base

    url = f"sqlite:///{database.as_posix()}"
    engine = sqlalchemy.create_engine(url)
    Base.metadata.create_all(engine)
    config = _get_alembic_config(url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def _tables(connection: sqlite3.Connection, schema: str) -> set[str]:
    rows = connection.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")
    return {row[0] for row in rows}


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> set[str]:
    rows = connection.execute(f"PRAGMA {schema}.table_xinfo({table})")
    return {row[1] for row in rows if not row[6]}  # not those that are computed
