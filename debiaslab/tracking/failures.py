"""What a store that fails says: one sentence without credentials."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from debiaslab.atomic import writing_error
from debiaslab.errors import UserError
from debiaslab.redact import redact

CALLER_ERRORS = {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"}


@contextlib.contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn the failures of the store itself into one sentence without credentials."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code in CALLER_ERRORS:
            raise
        raise unreachable(uri, error) from None
    except OSError as error:
        if error.errno is None:  # from the HTTP library, for artifacts sent through a server
            raise unreachable(uri, error) from None
        raise writing_error(Path(error.filename or redact(uri)), error) from error


def unreachable(uri: str, error: BaseException) -> UserError:
    """Return what the store said, cut to a line, and what to do."""
    said = redact(str(error)).strip().splitlines() or [type(error).__name__]
    if len(said[0]) > 300:
        said[0] = said[0][:300] + "…"
    step = "the same command again; nothing that was recorded is lost"
    if uri.startswith("http"):
        step = "check that the server runs, or unset MLFLOW_TRACKING_URI to keep runs in ./mlruns"
    return UserError(f"the tracking store {redact(uri)} failed: {said[0]}", next_step=step)
