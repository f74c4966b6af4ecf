"""Projection on a running average of the gender direction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.regularizers.memory import DirectionMemory
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.projection import gender_direction
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows


@register("projection-running")
@dataclass(frozen=True)
class RunningProjection(Penalty):
    """Mean over neutral words w of cos(w, ḡ)², ḡ ← normalised (decay · ḡ + (1 − decay) · g).

    g is the gender direction of the moment (principal component, turned to the side of ḡ), found
    once for each step. Averaging quiets the early steps, when g turns quickly; decay = 0 is
    ``projection``.
    """

    decay: float = 0.8

    citation = (
        "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
        "direct bias with c = 2 and an exponential moving average of the direction, as a penalty"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.decay < 1:
            raise UserError(f"decay was {self.decay}", allowed="a number from 0 to below 1")

    @cached_property
    def _memory(self) -> DirectionMemory:
        return DirectionMemory()

    def fresh(self) -> RunningProjection:
        """Return the penalty without a direction."""
        return replace(self)

    def state(self) -> dict[str, NDArray]:
        """Return the direction and the number of draws, for a checkpoint."""
        return self._memory.state()

    def restore(self, state: dict[str, NDArray]) -> None:
        """Go on from what ``state`` returned."""
        self._memory.restore(state)

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared cosine with the running direction, in [0, 1]."""
        unit = unit_rows(W)
        if self._memory.is_new(words):
            g = gender_direction(unit[words.male], unit[words.female], "pca")
            self._memory.direction = self._averaged(g)
        assert self._memory.direction is not None
        return (unit[words.neutral] @ self._memory.direction.to(unit)).square().mean()

    @torch.no_grad()
    def _averaged(self, g: Tensor) -> Tensor:
        before = self._memory.direction
        if before is None:
            return g
        before = before.to(g)
        side = -1.0 if float(before @ g) < 0 else 1.0  # a principal component has no sign
        return F.normalize(self.decay * before + (1 - self.decay) * side * g, dim=0)
