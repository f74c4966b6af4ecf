"""Reaching a tracking store: where it lies, a client, what is said when it fails, and its UI.

MLflow keeps a saved view of its UI as a tag of the experiment: JSON with a name, and the state of
its page as compressed JSON. ``viewStateShareKey`` in an address opens it. The format is that of
MLflow 3.17 (its web client: ``ExperimentViewRuns``, ``RunsChartsCardConfig``).
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import re
import socket
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from debiaslab.errors import UserError
from debiaslab.system.files import sync, writing_error
from debiaslab.system.provenance import redact, utf8
from debiaslab.tracking.database import LOCKED, Schema, held_by_another, too_new, too_old
from debiaslab.tracking.names import (
    EXPERIMENT,
    EXPERIMENT_NOTE,
    HOME_TAG,
    LAMBDA,
    LOG_LAMBDA,
    NOTE_TAG,
    ROOT_TAG,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

ADDRESSES = "an http(s) server, sqlite:///path/to/mlflow.db, or a database URI"
_LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_STATUS_OF = {"UNAUTHENTICATED": 401, "CUSTOMER_UNAUTHORIZED": 401, "PERMISSION_DENIED": 403}
_STATUS_SAID = re.compile(r"error code (\d{3})\b|too many (\d{3}) error responses")
_PAGE = 1000
CALLER_ERRORS = {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"}


@dataclass(frozen=True)
class Location:
    """A tracking URI, and the database file when the store is sqlite on this machine."""

    uri: str
    database: Path | None


def locate(root: str | Path) -> Location:
    """Return where the store lies: ``MLFLOW_TRACKING_URI`` when set, else ``<root>/mlflow.db``.

    Raises:
        UserError: The URI is of a kind MLflow cannot keep runs in, or the path holds ``?`` or
            ``%``, which the database driver would read as part of a URI.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    if not given:
        return _sqlite(Path(root) / "mlflow.db")
    scheme = urlsplit(given).scheme
    if scheme == "sqlite":
        path = given.removeprefix("sqlite:///")
        if path in {given, "", ":memory:"}:
            raise _unusable(given, "MLFLOW_TRACKING_URI={} names no database file")
        return _sqlite(Path(path))
    if scheme in {"", "file"}:
        raise _unusable(given, "MLFLOW_TRACKING_URI={} is a folder, which MLflow 3 cannot keep")
    return Location(given, None)


def _unusable(given: str, problem: str) -> UserError:
    return UserError(problem.format(redact(given)), allowed=ADDRESSES)


def _sqlite(database: Path) -> Location:
    database = Path(os.path.realpath(database))
    if {"?", "%"} & set(str(database)):
        raise UserError(
            f"the tracking store {database} has a '?' or '%' in its path",
            allowed="a folder without these characters",
        )
    if utf8(str(database)) != str(database):
        raise UserError(
            f"the tracking store {utf8(str(database))} has a byte in its path that is not UTF-8",
            allowed="a folder whose path is UTF-8",
        )
    return Location(f"sqlite:///{database.as_posix()}", database)


def local_path(uri: str) -> Path | None:
    """Return the path that a ``file:`` URI or plain path names; None for any other URI."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if parts.scheme == "" else None


def set_defaults() -> None:
    """Make mlflow quiet and offline, unless the user's environment says otherwise.

    To be called before mlflow is first imported: it starts its usage telemetry on import.
    Six retries wait about two minutes in all for a server that is being restarted.
    """
    for name, value in {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "6",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    }.items():
        os.environ.setdefault(name, value)
    # What these say at length is raised as an exception too, and then put in one sentence here.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)


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


def reach_database(uri: str) -> Schema:
    """Connect once, and return the schema: MLflow tries one that is not there for two minutes.

    Raises:
        UserError: It cannot be reached, or the address is none.
    """
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(uri)
        try:
            with engine.connect() as connection:
                if not sqlalchemy.inspect(connection).has_table("alembic_version"):
                    return Schema(None)
                text = sqlalchemy.text("SELECT version_num FROM alembic_version")
                return Schema(connection.execute(text).scalar())
        finally:
            engine.dispose()
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        raise UserError(
            f"MLFLOW_TRACKING_URI={redact(uri)} cannot be used here: {_first_line(error)}",
            allowed=ADDRESSES,
        ) from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise unreachable(uri, error) from None


def unreachable(uri: str, error: BaseException, seconds: float = 0.0) -> UserError:
    """Say in one sentence, without credentials, that the store failed, and what to do.

    Args:
        uri: Address of the store.
        error: What was raised.
        seconds: How long it took until then.
    """
    if uri.startswith("http"):
        return _server_failed(uri, error)
    if LOCKED in str(error):
        return held_by_another(redact(uri).removeprefix("sqlite:///"), seconds)
    return UserError(
        f"the tracking store {redact(uri)} failed: {_first_line(error)}",
        next_step="the same command again; nothing that was recorded is lost",
    )


def _server_failed(uri: str, error: BaseException) -> UserError:
    server, status, said = f"the tracking server {redact(uri)}", _status(error), _first_line(error)
    if status == 401:
        given = any(os.environ.get(name) for name in _LOGIN)
        problem = "does not accept the login it was given" if given else "asks for a login"
        step = f"set {_LOGIN[0]} and {_LOGIN[1]}, or {_LOGIN[2]}"
        return UserError(f"{server} {problem} (401)", next_step=step)
    if status == 403:
        step = "ask whoever runs it for the right to do this, or set "
        step += f"{_LOGIN[0]} and {_LOGIN[1]} of a user who has it"
        if "host header" in str(error).lower():
            step = "start it with --allowed-hosts and the name by which it is reached"
        return UserError(f"{server} refuses this (403): {said}", next_step=step)
    if status == 404 or "not in a valid JSON" in str(error):
        return UserError(
            f"what answers at {redact(uri)} is not an MLflow server: {said}",
            allowed="the address that `mlflow server` prints",
            next_step="check MLFLOW_TRACKING_URI, or unset it to keep runs in ./mlruns",
        )
    if status is not None and status >= 500:
        step = "the same command again; if it fails again, the server's own log says why"
        return UserError(f"{server} failed ({status}): {said}", next_step=step)
    return UserError(
        f"the tracking store {redact(uri)} failed: {said}",
        next_step="check that the server runs, or unset MLFLOW_TRACKING_URI to keep runs in "
        "./mlruns",
    )


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of a server's answer; None when it gave none."""
    response = getattr(error, "response", None)  # of the HTTP library, for artifacts
    if response is not None:
        return int(response.status_code)
    if (found := _STATUS_SAID.search(str(error))) is not None:
        return int(found[1] or found[2])
    return _STATUS_OF.get(getattr(error, "error_code", ""))


def _first_line(error: BaseException) -> str:
    said = redact(str(error)).strip().splitlines() or [type(error).__name__]
    return said[0] if len(said[0]) <= 300 else said[0][:300] + "…"


def import_mlflow() -> None:
    """Import what writing to a local store needs: processes forked from this one then share it."""
    set_defaults()
    import alembic.command  # noqa: F401
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401


def make_client(uri: str, *, reading: bool) -> MlflowClient:
    """Return a client of a store; ``reading``: nothing is made where there is none.

    Raises:
        UserError: It cannot be reached, or another MLflow wrote it.
    """
    from mlflow import MlflowClient

    if uri.startswith(("http", "databricks")):
        return MlflowClient(tracking_uri=uri, registry_uri=uri)
    import sqlalchemy

    if not uri.startswith("sqlite"):
        schema = reach_database(uri)
        if schema.age == "newer":
            raise too_new(redact(uri), schema)
        if schema.age == "older":
            raise too_old(redact(uri), uri, reading=reading)
        if schema.age == "none" and reading:
            raise UserError(
                f"there is no tracking store in {redact(uri)}",
                next_step="python -m debiaslab sweep --strategy projection",
            )
    try:
        if uri.startswith("sqlite") and not reading:
            _make_tables(uri)
        return MlflowClient(tracking_uri=uri, registry_uri=uri)
    except sqlalchemy.exc.SQLAlchemyError as error:  # a full disk, as MLflow makes its tables
        raise unreachable(uri, error) from None


def _make_tables(uri: str) -> None:
    """Make MLflow's tables in a new file, without waiting for the disk at each of 300 steps.

    Nothing is lost by a power cut meanwhile: a file without runs is made anew.
    """
    import sqlalchemy
    from mlflow.store.db import utils

    engine = sqlalchemy.create_engine(uri)
    sqlalchemy.event.listen(engine, "connect", _without_waiting)
    try:
        if not sqlalchemy.inspect(engine).has_table("runs"):
            utils._initialize_tables(engine)
            sync(Path(uri.removeprefix("sqlite:///")))
    finally:
        engine.dispose()


def _without_waiting(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def forget_folders() -> None:
    """Make MLflow look again where runs keep their artifacts: a store may have moved, or be a copy.

    It remembers that by the run's id, for all stores together, as long as the process lives.
    """
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()


def pages(ask: Callable[[str | None], Any]) -> Iterator[Any]:
    """Yield the pages of a search, each asked for by the token of the one before."""
    page = ask(None)
    yield page
    while page.token:
        page = ask(page.token)
        yield page


def experiments(client: MlflowClient, stage: str) -> list[Experiment]:
    """Return the experiments that are ``active`` or ``deleted``, oldest first."""
    from mlflow.entities import ViewType

    view = ViewType.ACTIVE_ONLY if stage == "active" else ViewType.DELETED_ONLY
    found = pages(lambda token: client.search_experiments(view, _PAGE, page_token=token))
    every = [each for page in found for each in page]
    return sorted(every, key=lambda each: (each.creation_time or 0, each.experiment_id))


def find_home(client: MlflowClient, location: Location) -> str | None:
    """Return the experiment that new studies go to, whatever it is called now; None: none yet.

    Raises:
        UserError: It was deleted.
    """
    active = experiments(client, "active")
    for ours in (_is_named, _is_marked):
        if found := [each for each in active if ours(each)]:
            return str(found[0].experiment_id)
    deleted = next((each for each in experiments(client, "deleted") if _is_named(each)), None)
    if deleted is None:
        return None
    address = "" if location.database is None else f"MLFLOW_TRACKING_URI={quote(location.uri)} "
    restore = f"python -m mlflow experiments restore --experiment-id {deleted.experiment_id}"
    raise UserError(
        f"the experiment {EXPERIMENT!r} in {redact(location.uri)} was deleted",
        next_step=f"{address}{restore}, which brings its studies back; or another store folder",
    )


def _is_named(experiment: Experiment) -> bool:
    return str(experiment.name) == EXPERIMENT


def _is_marked(experiment: Experiment) -> bool:
    """Whether an experiment was made by us and has been renamed since."""
    tags = experiment.tags
    return ROOT_TAG in tags or HOME_TAG in tags or tags.get(NOTE_TAG) == EXPERIMENT_NOTE


def make_home(client: MlflowClient, location: Location) -> str:
    """Make the experiment that studies go to, and return it."""
    from mlflow.exceptions import MlflowException

    tags = {
        "mlflow.experimentKind": "custom_model_development",
        NOTE_TAG: EXPERIMENT_NOTE,
        HOME_TAG: "true",
    }
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
        made = client.get_experiment_by_name(EXPERIMENT)  # by another process, in this moment
        if made is None:
            raise
        return str(made.experiment_id)


@contextlib.contextmanager
def explained_mlflow(uri: str) -> Iterator[None]:
    """Turn the failures of the store itself into one sentence without credentials."""
    from mlflow.exceptions import MlflowException

    started = time.monotonic()
    try:
        yield
    except MlflowException as error:
        if error.error_code in CALLER_ERRORS:
            raise
        raise unreachable(uri, error, time.monotonic() - started) from None
    except OSError as error:
        if error.errno is None:  # from the HTTP library, for artifacts sent through a server
            raise unreachable(uri, error) from None
        raise writing_error(Path(error.filename or redact(uri)), error) from error


# The user interface ---------------------------------------------------------------------------

_CREATED = 1_700_000_000_000  # the list of views wants a time; the same view stays the same text
_COLUMNS = (LAMBDA, "bias_report", "retention_report", "bias_tune", "retention_tune", "score")
_SECTION = "bias-and-retention"
# What the page's state says of the rest: nothing is hidden, pinned or grouped.
_AS_EVER: dict[str, Any] = {
    **{"startTime": "ALL", "lifecycleFilter": "Active", "modelVersionFilter": "All Runs"},
    **{key: [] for key in ("datasetsFilter", "columnOrder", "runsPinned", "runsHidden")},
    **{key: {} for key in ("columnWidths", "runsExpanded", "runsVisibilityMap", "groupsExpanded")},
    **{"runsHiddenMode": "SHOW_ALL", "groupBy": None, "useGroupedValuesInCharts": True},
    **{"viewMaximized": False, "runListHidden": False, "isAccordionReordered": True},
    **{"hideEmptyCharts": True, "autoRefreshEnabled": True},
    "globalLineChartConfig": {
        "xAxisKey": "step",
        "lineSmoothness": 0,
        "selectedXAxisMetricKey": "",
    },
}


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
    charts = [
        _scatter(LOG_LAMBDA, "bias_report"),
        _scatter(LOG_LAMBDA, "retention_report"),
        _scatter("bias_report", "retention_report"),
        _parallel((LOG_LAMBDA, "bias_report", "retention_report", "score")),
    ]
    section = {"uuid": _SECTION, "name": "λ, bias and retention"}
    state = {
        **_AS_EVER,
        "searchFilter": f"tags.`mlflow.parentRunId` = '{parent}'",
        "orderByKey": "metrics.`score`",
        "orderByAsc": True,
        "selectedColumns": [f"metrics.`{metric}`" for metric in _COLUMNS],
        "compareRunCharts": charts,
        "compareRunSections": [
            {
                **section,
                "display": True,
                "isReordered": True,
                "deleted": False,
                "isGenerated": False,
            }
        ],
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
