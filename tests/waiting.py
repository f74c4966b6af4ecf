"""Waiting for what comes from another process or thread, and servers that tests start."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from debiaslab.tracking import free_port
from tests import forking

Value = TypeVar("Value")


def until(true: Callable[[], Value], seconds: float = 300.0) -> Value:
    """Wait until a call returns something true, and return it."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.1)
    return value


def answers(address: str) -> bool:
    """Whether a server takes requests."""
    try:
        return bool(urllib.request.urlopen(address, timeout=5).status == 200)
    except OSError:
        return False


class TrackingServer:
    """An MLflow server of its own store, which can be killed and begun again at its address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port(0)
        self._process: forking.Process | None = None
        self.address = f"http://127.0.0.1:{self._port}"

    def begin(self) -> None:
        command = ["-m", "mlflow", "server", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(self._port), "--serve-artifacts"]
        command += ["--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "log").open("ab") as log:
            self._process = forking.begin(
                command, cwd=self._folder, env=environment, stdout=log, stderr=log, session=True
            )

    def answers(self) -> bool:
        return answers(f"{self.address}/health")

    def kill(self) -> None:
        """End it and its workers at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
