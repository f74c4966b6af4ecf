"""Tying: the two members of a gender pair should share one direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register


@register("tying")
@dataclass(frozen=True)
class Tying(Penalty):
    """Mean over pairs (m, f) of 1 − max(cos(m, f), 0).

    The homework's second proposal, for a list of pairs. It acts on gender words only; where
    cos(m, f) < 0 its gradient is zero, as the formula says.
    """

    citation = "SI 630 homework 2, University of Michigan (man/woman tying)"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-5, 1e1)}
    needs_neutral: ClassVar[bool] = False

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return one minus the mean cosine of the pairs, negative cosines counted as 0."""
        cosines = F.cosine_similarity(W[words.male], W[words.female], dim=1)
        return (1 - cosines.clamp_min(0)).mean()
