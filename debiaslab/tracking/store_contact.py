"""Reaching a tracking store: patience with it, and what is said when it cannot be reached."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator

from debiaslab.errors import UserError
from debiaslab.system.redact import redact
from debiaslab.tracking.store_paths import ADDRESSES
from debiaslab.tracking.store_schema import LOCKED, Schema, held_by_another

_LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_STATUS_OF = {"UNAUTHENTICATED": 401, "CUSTOMER_UNAUTHORIZED": 401, "PERMISSION_DENIED": 403}


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
    if (found := re.search(r"error code (\d{3})\b", str(error))) is not None:
        return int(found[1])
    if (found := re.search(r"too many (\d{3}) error responses", str(error))) is not None:
        return int(found[1])
    return _STATUS_OF.get(getattr(error, "error_code", ""))


def _first_line(error: BaseException) -> str:
    said = redact(str(error)).strip().splitlines() or [type(error).__name__]
    return said[0] if len(said[0]) <= 300 else said[0][:300] + "…"
