"""A store that is away for a while: what is written waits for it, and nothing is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from debiaslab.study.plan import Plan
from debiaslab.study.search import Search
from debiaslab.tracking import Store, free_port
from tests.waiting import until

Value = TypeVar("Value")


class Server:
    """An MLflow server that can be killed and begun again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port(0)
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{self._port}"

    def begin(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(self._port), "--serve-artifacts"]
        command += ["--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def answers(self) -> bool:
        """Whether it takes requests."""
        try:
            return bool(urllib.request.urlopen(f"{self.address}/health", timeout=2).status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """End it and its workers at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_server_that_is_gone_for_a_while_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path)
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


def test_databases_that_another_program_has_locked_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
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
