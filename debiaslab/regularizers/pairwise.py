"""Pairwise-cosine parity: a word should be as similar to *he* as to *she*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows


@register("pairwise")
@dataclass(frozen=True)
class PairwiseParity(Penalty):
    """Mean over neutral words w and pairs (m, f) of |cos(w, m) − cos(w, f)|.

    The homework's pseudocode |cos(president, woman) − cos(president, man)|, for word lists.
    """

    citation = "SI 630 homework 2, University of Michigan (the man/woman parity of its last part)"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean absolute difference of cosines, in [0, 2]."""
        unit = unit_rows(W)
        difference = unit[words.male] - unit[words.female]
        return (unit[words.neutral] @ difference.T).abs().mean()
