"""A store that is away for a while: what is written waits for it, and nothing is lost."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from debiaslab.study.plan import Plan
from debiaslab.study.search import Search
from debiaslab.tracking import Store
from tests.waiting import TrackingServer, until

Value = TypeVar("Value")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_server_that_is_gone_for_a_while_is_waited_for(tmp_path, monkeypatch):
    server = TrackingServer(tmp_path)
    back = threading.Timer(3.0, server.begin)
    server.begin()
    try:
        until(server.answers)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
        store = Store.open(tmp_path / "none")
        parent = store.study("outage", create=True, params={}, tags={}, description="")
        with store.start("through", parent=parent, params={}, tags={}, dataset=None) as log:
            log.metrics({"before": 1.0})
            log.flush()
            server.kill()
            assert not server.answers()
            back.start()
            log.metrics({"after": 2.0})
            log.flush()
            log.text("over the gap", "a/b.txt")
        run = store.run(log.run_id)
        assert (run.status, run.metrics) == ("FINISHED", {"before": 1.0, "after": 2.0})
        assert store.artifact(log.run_id, "a/b.txt").read_text(encoding="utf-8") == "over the gap"
    finally:
        if back.is_alive():
            back.join()
        server.kill()


def test_databases_that_another_program_has_locked_are_waited_for(tmp_path):
    store = Store.open(tmp_path)
    parent = store.study("locked", create=True, params={}, tags={}, description="")
    search = Search(tmp_path, "locked", {}, Plan().search_space)

    def start() -> str:
        log = store.start("waited", parent=parent, params={}, tags={}, dataset=None)
        log.finish()
        return log.run_id

    run_id = through_a_lock(tmp_path / "mlflow.db", start)
    assert store.run(run_id).status == "FINISHED"
    proposal = through_a_lock(tmp_path / "optuna.db", search.propose)
    search.complete(proposal, 1.0)
    assert [trial.value for trial in search.finished] == [1.0]


def through_a_lock(database: Path, work: Callable[[], Value]) -> Value:
    """Do something that writes to a database while another program keeps it from being written."""
    other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(1.5, other.rollback)
        release.start()
        value = work()
        assert not other.in_transaction, "nothing was waited for"
        release.join()
    return value
