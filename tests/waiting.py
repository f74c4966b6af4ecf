"""Waiting for what comes from another process or thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(true: Callable[[], Value], seconds: float = 300.0) -> Value:
    """Wait until a call returns something true, and return it."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.1)
    return value
