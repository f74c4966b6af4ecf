"""The write-ahead log of the two databases: durable, whole after any cut, of one machine only."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from debiaslab.study.search_storage import DATABASE, open_storage
from debiaslab.tracking import Store, database
from debiaslab.tracking.database import write_ahead

pytestmark = pytest.mark.skipif(not hasattr(os, "major"), reason="needs device numbers")
ROWS = 40


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the table of mounts, in which the folder of the test is on a disk of this machine."""
    table = tmp_path / "mountinfo"
    monkeypatch.setattr(database, "_MOUNTS", table)
    mount(table, tmp_path, "ext4")
    return table


def mount(table: Path, folder: Path, kind: str) -> None:
    device = os.stat(folder).st_dev
    numbers = f"{os.major(device)}:{os.minor(device)}"
    table.write_text(
        "22 27 0:9999 / /proc rw,relatime - proc proc rw\n"
        f"27 1 {numbers} / / rw,relatime shared:1 - {kind} /dev/vda rw\n"
    )


def mode(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.mark.usefixtures("mounts", "waits_for_the_disk")
def test_both_databases_of_a_store_have_one_and_wait_for_the_disk(tmp_path):
    Store.open(tmp_path)
    storage = open_storage(tmp_path)
    assert mode(tmp_path / "mlflow.db") == mode(tmp_path / DATABASE) == "wal"
    with storage.engine.connect() as connection:
        full = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    assert full == 2  # a commit is on the disk when it returns


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "lustre", "9p"])
def test_a_file_system_of_several_machines_keeps_the_old_way(kind, tmp_path, mounts):
    mount(mounts, tmp_path, kind)
    write_ahead(tmp_path / "x.db")
    assert mode(tmp_path / "x.db") == "delete"
    mounts.unlink()  # a system without such a table
    write_ahead(tmp_path / "x.db")
    assert mode(tmp_path / "x.db") == "delete"


@pytest.mark.usefixtures("mounts")
def test_a_file_that_is_open_elsewhere_or_no_database_is_left_alone(tmp_path):
    database = tmp_path / "x.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (i)")
        other.execute("BEGIN IMMEDIATE")
        write_ahead(database)
        other.execute("COMMIT")
    assert mode(database) == "delete"
    write_ahead(database)
    assert mode(database) == "wal"
    (tmp_path / "y.db").write_bytes(b"no database" * 100)
    write_ahead(tmp_path / "y.db")
    assert (tmp_path / "y.db").read_bytes() == b"no database" * 100


@pytest.mark.usefixtures("mounts")
def test_a_power_cut_anywhere_in_a_write_leaves_all_that_was_committed_before(tmp_path):
    """The log cut at 60 random places: the rows are a beginning of those that were written."""
    database, log = tmp_path / "x.db", tmp_path / "x.db-wal"
    write_ahead(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (i, text)")
        sizes = []
        for i in range(ROWS):
            connection.execute("INSERT INTO t VALUES (?, ?)", (i, "x" * 500))
            sizes.append(log.stat().st_size)
        whole = log.read_bytes()
        shutil.copy(database, tmp_path / "base")
    assert sizes == sorted(sizes)
    rng = random.Random(6)
    for cut in [rng.randrange(sizes[0], len(whole) + 1) for _ in range(60)]:
        shutil.copy(tmp_path / "base", tmp_path / "cut.db")
        (tmp_path / "cut.db-wal").write_bytes(whole[:cut])
        (tmp_path / "cut.db-shm").unlink(missing_ok=True)
        with closing(sqlite3.connect(tmp_path / "cut.db")) as connection:
            rows = [row[0] for row in connection.execute("SELECT i FROM t")]
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert rows == list(range(sum(size <= cut for size in sizes)))
