"""Squared pairwise parity: large differences between *he* and *she* count more than many small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows


@register("pairwise-squared")
@dataclass(frozen=True)
class SquaredPairwiseParity(Penalty):
    """Mean over neutral words w and pairs (m, f) of (cos(w, m) − cos(w, f))².

    Smooth where the absolute value of ``pairwise`` has its kink: the pull fades with the
    difference, so a λ that is too small leaves a rest of it everywhere.
    """

    citation = "SI 630 homework 2, University of Michigan (man/woman parity), squared"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-1, 1e3)}

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared difference of cosines, in [0, 4]."""
        unit = unit_rows(W)
        difference = unit[words.male] - unit[words.female]
        return (unit[words.neutral] @ difference.T).square().mean()
