"""The MLflow user interface: how it is started on a store, and how it shows the runs of a study.

MLflow keeps a saved view as a tag of the experiment: JSON with a name, and the state of its page
as compressed JSON. ``viewStateShareKey`` in an address opens it. The format is that of MLflow 3.17
(its web client: ``ExperimentViewRuns``, ``RunsChartsCardConfig``).
"""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
import zlib
from collections.abc import Sequence
from typing import Any, Protocol

from debiaslab.errors import UserError
from debiaslab.system.redact import redact
from debiaslab.tracking.names import LAMBDA, LOG_LAMBDA

_CREATED = 1_700_000_000_000  # the list of views wants a time; the same view stays the same text
_COLUMNS = (LAMBDA, "bias_report", "retention_report", "bias_tune", "retention_tune", "score")
_SECTION = "bias-and-retention"


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


def study_view(name: str, parent: str) -> str:
    """Return the tag's value for the runs of one study, the best score first.

    Args:
        name: Name of the view, as its list in the UI shows it.
        parent: MLflow run of the study.
    """
    state = {
        "searchFilter": f"tags.`mlflow.parentRunId` = '{parent}'",
        "orderByKey": "metrics.`score`",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [f"metrics.`{metric}`" for metric in _COLUMNS],
        "columnOrder": [],
        "columnWidths": {},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": [
            _scatter(LOG_LAMBDA, "bias_report"),
            _scatter(LOG_LAMBDA, "retention_report"),
            _scatter("bias_report", "retention_report"),
            _parallel((LOG_LAMBDA, "bias_report", "retention_report", "score")),
        ],
        "compareRunSections": [
            {
                "uuid": _SECTION,
                "name": "λ, bias and retention",
                "display": True,
                "isReordered": True,
                "deleted": False,
                "isGenerated": False,
            }
        ],
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
    }
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode("ascii")
    saved = {"name": name, "createdAt": _CREATED, "updatedAt": _CREATED}
    return json.dumps({**saved, "state": f"deflate;{packed}"}, ensure_ascii=False)


def run_page(experiment: str, run_id: str, tab: str = "") -> str:
    """Return the address of a run's page within the UI; ``tab`` such as ``/artifacts/a.txt``."""
    return f"#/experiments/{experiment}/runs/{run_id}{tab}?workflowType=machine_learning"


def view_page(experiment: str, parent: str, *, charts: bool) -> str:
    """Return the address, within the UI, of a study's runs as :func:`study_view` shows them."""
    mode = "CHART" if charts else "TABLE"
    return (
        f"#/experiments/{experiment}/runs?workflowType=machine_learning"
        f"&viewStateShareKey={parent}&compareRunsMode={mode}"
    )


def _card(kind: str, name: str, **own: Any) -> dict[str, Any]:
    return {
        "uuid": f"debiaslab-{name}",
        "type": kind,
        "runsCountToCompare": 100,
        "metricSectionId": _SECTION,
        "deleted": False,
        "isGenerated": False,
        **own,
    }


def _scatter(x: str, y: str) -> dict[str, Any]:
    axes = {"xaxis": {"key": x, "type": "METRIC"}, "yaxis": {"key": y, "type": "METRIC"}}
    return _card("SCATTER", f"{x}-{y}", displayName=f"{y} against {x}", **axes)


def _parallel(metrics: Sequence[str]) -> dict[str, Any]:
    own = {"selectedParams": [], "selectedMetrics": list(metrics), "showAllRuns": True}
    return _card("PARALLEL", "parallel", displayName="every run, axis by axis", **own)
