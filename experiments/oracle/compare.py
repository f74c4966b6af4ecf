"""Two programs' numbers for one query, and what a difference means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["agrees", "explained", "DISAGREES"]

TOLERANCE = 1e-5
"""Of what both work out exactly: WEFE and gensim take cosines and sums in float32."""


@dataclass(frozen=True)
class Compared:
    """One line of the table.

    Attributes:
        program: Whose number ``theirs`` is.
        metric: What was measured.
        query: On which words, and how.
        ours: debiaslab's number.
        theirs: The program's, as a user gets it.
        tolerance: Of agreement.
        reason: Why the two differ, where they do.
        mended: Theirs once more, with that reason taken away; None where there is none.
    """

    program: str
    metric: str
    query: str
    ours: float
    theirs: float
    tolerance: float = TOLERANCE
    reason: str = ""
    mended: float | None = None

    @property
    def difference(self) -> float:
        """Theirs − ours."""
        return self.theirs - self.ours

    @property
    def verdict(self) -> Verdict:
        """An explanation counts only when the mended program agrees."""
        if abs(self.difference) <= self.tolerance:  # false for NaN, too
            return "agrees"
        if self.mended is not None and abs(self.mended - self.ours) <= self.tolerance:
            return "explained"
        return "DISAGREES"


@dataclass(frozen=True)
class Fault:
    """A fault that is no difference of two numbers, with its smallest case.

    Attributes:
        program: Whose.
        fault: What is wrong.
        case: What was asked.
        theirs: What it answered.
        ours: What debiaslab answers.
        seen: Whether the answers of this run do show it.
    """

    program: str
    fault: str
    case: str
    theirs: str
    ours: str
    seen: bool


def of_draws(p: float, draws: int) -> float:
    """Return how far a share of random draws may be from the exact share: 4 standard errors."""
    return 4 * math.sqrt(p * (1 - p) / draws) + 1 / (draws + 1)


def of_splits(interval: tuple[float, float], splits: int) -> float:
    """Return how far the means over two sets of random splits may be apart: 4 standard errors.

    Args:
        interval: 2.5 % and 97.5 % quantiles over single splits.
        splits: In each mean.
    """
    low, high = interval
    return 4 * (high - low) / (2 * 1.96) * math.sqrt(2 / splits)
