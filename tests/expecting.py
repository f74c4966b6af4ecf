"""What several tests expect of a text and of a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from debiaslab.errors import UserError


def holds(text: str, *parts: str, none_of: Iterable[str] = ()) -> None:
    """Every part stands in the text, and nothing of ``none_of``."""
    lacking = [part for part in parts if part not in text]
    unwanted = [part for part in none_of if part in text]
    assert (lacking, unwanted) == ([], []), text


def refuses(said: str, error: type[Exception] = UserError) -> Any:
    """``with refuses("…")``: the block must raise, and its message match."""
    return pytest.raises(error, match=said)
