"""Taking credentials out of text before it is shown, logged or tagged."""

from __future__ import annotations

import os
import re

MASK = "***"
_USERINFO = re.compile(r"(?<=://)[^\s/?#'\"]*@")
_SECRET_FIELD = re.compile(
    r"((?:^|[?&;\s])(?:[\w-]*(?:password|passwd|pwd|token|secret|signature|credential|api_?key|sig))=)"
    r"[^&;\s'\"]+",
    re.IGNORECASE,
)
_SECRET_VARIABLES = (
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "PGPASSWORD",
)


def redact(text: str) -> str:
    """Return ``text`` with every credential replaced by ``***``.

    Covered: the user part of a URI (``scheme://user:password@host``), fields such as
    ``password=`` and ``token=`` in a query or connection string, and the values of the
    environment variables that hold MLflow, AWS and PostgreSQL secrets.
    """
    text = _USERINFO.sub(f"{MASK}@", text)
    text = _SECRET_FIELD.sub(rf"\g<1>{MASK}", text)
    for variable in _SECRET_VARIABLES:
        secret = os.environ.get(variable, "")
        if len(secret) >= 4:
            text = text.replace(secret, MASK)
    return text
