"""What a metric returns, and saying *not measured*: the exception, and the limits that raise it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from debiaslab.errors import UserError
from debiaslab.metrics.bootstrap import NO_INTERVAL, Interval

MIN_WORDS = 4
"""A set with fewer words than this gives *not measured*, never a number."""

MIN_PAIRS = 2
"""A gender direction needs at least this many definitional pairs."""

FLOAT32_NOISE = 1e-7
"""Cosines of float32 vectors carry rounding of about this size: a smaller spread is no spread."""


class NotMeasuredError(UserError):
    """A metric has no value here; the message is the reason.

    Metrics catch it and return a result with ``reason``; only ``gender_direction`` and the nulls,
    which return plain numbers, let it reach the caller.
    """


def shortlist(words: tuple[str, ...], most: int = 6) -> str:
    """Return ``words`` joined for a sentence, the tail cut to a count."""
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


@dataclass(frozen=True)
class Measured:
    """Result of a metric of word lists.

    Attributes:
        value: The number; None when not measured.
        interval: Bootstrap interval of the value over the words.
        n: Words that have a vector.
        missing: Words of any list that have none.
        reason: Why there is no value.
        scores: What each word is to the metric, by word as the vectors spell it, in the order of
            the list; a word to which the metric is undefined is left out.
        numbers: What this metric says besides, see its docstring. Each is an attribute as well:
            ``result.signed`` is ``result.numbers["signed"]``.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    n: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """Return one of ``numbers``; called for what is no attribute otherwise."""
        numbers = self.__dict__.get("numbers", {})
        if name in numbers:
            return numbers[name]
        raise AttributeError(f"a result of this metric has no {name!r}, but {', '.join(numbers)}")
