"""Measuring two things at a time: numpy lets other threads run while it draws, shuffles, sorts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Given = TypeVar("_Given")
_Result = TypeVar("_Result")

THREADS = 2
"""More would mostly wait for the interpreter, which one thread holds at a time."""


def at_once(measure: Callable[[_Given], _Result], given: Iterable[_Given]) -> list[_Result]:
    """Return what ``measure`` makes of each, in the order given; it must not depend on the order.

    What seeded measurements return is the same in any number of threads. What one raises is raised.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(measure, given))
