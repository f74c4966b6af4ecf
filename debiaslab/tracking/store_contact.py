"""Reaching a tracking store: patience with it, and what is said when it cannot be reached."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from debiaslab.errors import UserError
from debiaslab.system.redact import redact
from debiaslab.tracking.store_paths import ADDRESSES


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


def reach_database(uri: str) -> None:
    """Connect once: MLflow itself tries a database that is not there for two minutes.

    Raises:
        UserError: It cannot be reached, or the address is none.
    """
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(uri)
        engine.connect().close()
        engine.dispose()
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        raise UserError(
            f"MLFLOW_TRACKING_URI={redact(uri)} cannot be used here: {_first_line(error)}",
            allowed=ADDRESSES,
        ) from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise unreachable(uri, error) from None


def unreachable(uri: str, error: BaseException) -> UserError:
    """Say in one sentence, without credentials, that the store failed, and what to do."""
    step = "the same command again; nothing that was recorded is lost"
    if uri.startswith("http"):
        step = "check that the server runs, or unset MLFLOW_TRACKING_URI to keep runs in ./mlruns"
    return UserError(
        f"the tracking store {redact(uri)} failed: {_first_line(error)}", next_step=step
    )


def _first_line(error: BaseException) -> str:
    said = redact(str(error)).strip().splitlines() or [type(error).__name__]
    return said[0] if len(said[0]) <= 300 else said[0][:300] + "…"
