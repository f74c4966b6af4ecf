"""Saying *not measured*: the one exception inside this package, and the limits that raise it."""

from __future__ import annotations

from debiaslab.errors import UserError

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
