"""How the MLflow UI shows the runs of a study: columns, order and charts, saved as a named view.

MLflow keeps a saved view as a tag of the experiment: JSON with a name, and the state of its page
as compressed JSON. ``viewStateShareKey`` in an address opens it. The format is that of MLflow 3.17
(its web client: ``ExperimentViewRuns``, ``RunsChartsCardConfig``).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

from debiaslab.tracking.run_info import LAMBDA, LOG_LAMBDA

VIEW_TAG = "mlflow.sharedViewState."
_CREATED = 1_700_000_000_000  # the list of views wants a time; the same view stays the same text
_COLUMNS = (LAMBDA, "bias_report", "retention_report", "bias_tune", "retention_tune", "score")
_SECTION = "bias-and-retention"


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
