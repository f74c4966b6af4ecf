"""Which gender pairs a strategy is given: the half that may be tuned on, or all of them."""

from __future__ import annotations

from typing import Literal, get_args

from debiaslab import lexicons
from debiaslab.errors import UserError, nearest

PAIRS = "gender_pairs"  # the definitional and equalize pairs made of common words
PairChoice = Literal["all", "tune"]


def gender_pairs(choice: PairChoice) -> tuple[tuple[str, str], ...]:
    """Return the (male, female) pairs that define gender."""
    return lexicons.load_pairs(PAIRS).half(choice)


def check_pairs(choice: str) -> None:
    """Refuse a choice that is none.

    Raises:
        UserError: It is not one of all, tune.
    """
    known = get_args(PairChoice)
    if choice not in known:
        raise UserError(
            f"pairs was {choice!r}", allowed=", ".join(known), nearest=nearest(str(choice), known)
        )
