"""Taking credentials out of text before it is shown, logged or tagged."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import unquote

MASK = "***"
# The user part ends at the last @ before a blank. Once it holds a colon, a password follows, in
# which database drivers let pass what an address would have to quote: / ? and #.
_USERINFO = re.compile(r"(?<=://)(?:[^\s/?#'\"]*|[^\s:/?#@'\"]+:[^\s'\"]{0,300})@")
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
_ADDRESS_VARIABLES = ("MLFLOW_TRACKING_URI", "DEBIASLAB_OPTUNA_STORAGE")
# Of an address as a whole, which may be mistyped: its scheme or slashes may be wrong or missing.
# Where they are right, their colon is not the one before a password.
_SCHEME = r"[\w+.-]+://"
_PASSWORD = re.compile(rf"\s*(?:{_SCHEME}|(?!{_SCHEME})[\w+.-]*:?/{{0,3}})[^\s:/]*:(\S*)@")
_SHORTEST = 4  # a shorter secret stands in too many other words


def utf8(text: str) -> str:
    """Return text that can be encoded: bytes of a path that are not UTF-8 become ``\\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode()


def redact(text: str) -> str:
    """Return ``text`` with every credential replaced by ``***``.

    Covered: the user part of a URI (``scheme://user:password@host``), fields such as
    ``password=`` and ``token=`` in a query or connection string, the values of the environment
    variables that hold MLflow, AWS and PostgreSQL secrets, and the passwords in the addresses of
    the two servers, wherever a driver repeats them. A byte of a path that is not UTF-8, which no
    store and no file of text takes, is shown as ``\\udcff``.
    """
    text = utf8(text)
    text = _USERINFO.sub(f"{MASK}@", text)
    text = _SECRET_FIELD.sub(rf"\g<1>{MASK}", text)
    for secret in _secrets():
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    return text


def _secrets() -> Iterator[str]:
    for variable in _SECRET_VARIABLES:
        yield os.environ.get(variable, "")
    for variable in _ADDRESS_VARIABLES:
        if found := _PASSWORD.match(os.environ.get(variable, "")):
            yield from (found[1], unquote(found[1]))
