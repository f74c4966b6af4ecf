"""How the MLflow user interface is started on a tracking store."""

from __future__ import annotations

import os
import socket
import sys
from typing import Protocol

from debiaslab.errors import UserError
from debiaslab.system.redact import redact


class HasUri(Protocol):
    """Anything with the URI of a tracking store."""

    @property
    def uri(self) -> str:
        """The tracking URI, with credentials."""
        ...


def ui_command(store: HasUri, host: str = "127.0.0.1", port: int = 5000) -> list[str]:
    """Return the command that serves the MLflow UI for ``store`` on ``host:port``.

    Run it with :func:`ui_environment`. The URI of a database server is handed over there and not
    in the command, where every user of the machine could read the password in it.

    Raises:
        UserError: The store is a tracking server, which serves its own UI.
    """
    if is_server(store):
        shown = redact(store.uri)
        raise UserError(
            f"{shown} is a tracking server and has its own UI", next_step=f"open {shown}"
        )
    where = ["--backend-store-uri", store.uri] if store.uri.startswith("sqlite:") else []
    # One worker is enough for one reader; MLflow's default of four takes four times the memory.
    listen = ["--host", host, "--port", str(port), "--workers", "1"]
    quiet = ["--uvicorn-opts", "--log-level warning --no-access-log"]
    return [sys.executable, "-m", "mlflow", "server", *where, *listen, *quiet]


def ui_environment(store: HasUri) -> dict[str, str]:
    """Return the environment for :func:`ui_command`: this process's, the store, no telemetry.

    The server's job runner, which only generative-AI pages need, stays off: it is one more
    process of 230 MB and doubles the time to start.
    """
    defaults = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return {**defaults, **os.environ, "MLFLOW_BACKEND_STORE_URI": store.uri}


def is_server(store: HasUri) -> bool:
    """Return whether ``store`` is reached over HTTP."""
    return store.uri.startswith(("http://", "https://"))


def free_port(preferred: int = 5000, host: str = "127.0.0.1") -> int:
    """Return ``preferred`` when nothing listens on it at ``host``, else a port that is free."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UserError(f"no port can be opened on {host}", allowed="an address of this machine")
