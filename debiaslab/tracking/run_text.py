"""What runs are written and found by: text that MLflow takes, and conditions of a search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from debiaslab.errors import UserError
from debiaslab.system.outputs import LONGEST_NAME
from debiaslab.system.redact import redact

_Item = TypeVar("_Item")

_PARAM_LIMIT = 6000
_TAG_LIMIT = 5000  # what the oldest server of MLflow 3 takes
_BEGINNING = re.compile("[0-9a-f]{1,31}")  # of a run's id


def param_texts(values: Mapping[str, object]) -> tuple[dict[str, str], dict[str, str]]:
    """Return settings as text without credentials, each cut to its limit; and the long ones whole.

    Args:
        values: The settings.
    """
    texts = {key: redact(str(value)) for key, value in values.items()}
    long = {key: text for key, text in texts.items() if len(text) > _PARAM_LIMIT}
    note = "… (cut; whole value in params_long.json)"
    return {key: _cut(text, _PARAM_LIMIT, note) for key, text in texts.items()}, long


def tag_text(value: object) -> str:
    """Return the text of a tag, redacted and cut to what MLflow takes."""
    return _cut(redact(str(value)), _TAG_LIMIT, "… (cut)")


def batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield the items in parts of at most ``size``."""
    for first in range(0, len(items), size):
        yield items[first : first + size]


def all_of(wanted: Iterable[tuple[str, str, str]]) -> str:
    """Return the condition that every ``(where, name, value)`` holds, where: params or tags."""
    return " and ".join(f"{where}.`{name}` = '{value}'" for where, name, value in wanted)


def checked_id(run_id: str) -> str:
    """Return a run's id that may stand in a search condition.

    Raises:
        UserError: It holds anything but letters, digits, ``_`` and ``-``.
    """
    if not re.fullmatch(r"[0-9A-Za-z_-]+", run_id):
        raise UserError(f"{run_id!r} is not a run id", next_step="python -m debiaslab studies")
    return run_id


def check_study_name(name: str, what: str = "the name of the study") -> None:
    """Refuse a name that cannot name a study, its file and a line of a table.

    Args:
        name: The name.
        what: What the user calls it.

    Raises:
        UserError: It is blank, begins with a dot, or holds what no file name or line may hold.
    """
    if not name.strip() or name.startswith(".") or _unusable(name):
        raise UserError(
            f"{what} was {name!r}",
            allowed="a name without slashes, backslashes and colons that does not begin with a dot",
            next_step="a name such as quickstart",
        )


def default_study_name(kind: str, corpus: str, digest: str) -> str:
    """Return a name that is always valid, whatever the files of the corpus are called.

    Args:
        kind: What comes first, such as the strategy.
        corpus: Name of the corpus: what no study name may hold becomes ``-``, a long one is cut.
        digest: Hash of what makes the study another one; six letters of it are used.
    """
    kept = "".join("-" if _unusable(letter) else letter for letter in corpus)
    room = LONGEST_NAME - len(f"{kind}--xxxxxx.zip".encode())
    kept = kept.encode()[:room].decode(errors="ignore")
    return f"{kind}-{kept}-{digest[:6]}"


def _unusable(text: str) -> bool:
    return not text.isprintable() or bool(set(text) & set("/\\:"))


def begins_an_id(text: str) -> bool:
    """Whether ``text`` may be the first letters of a run's id, and not all of them."""
    return _BEGINNING.fullmatch(text) is not None


def _cut(text: str, limit: int, mark: str) -> str:
    return text if len(text) <= limit else text[: limit - len(mark)] + mark
