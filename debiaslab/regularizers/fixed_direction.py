"""Projection on a gender direction that is found once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from numpy.typing import NDArray
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.regularizers.memory import DirectionMemory
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.projection import gender_direction
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows


@register("projection-fixed")
@dataclass(frozen=True)
class FixedProjection(Penalty):
    """Mean over neutral words w of cos(w, g)², g the gender direction after ``warmup`` steps.

    R is 0 before, so that g is found in vectors that have learnt something; warmup = 0 takes it
    from the first step, which is right for a training that continues from given vectors. The fast
    engine takes at least 40 steps in a training, the reference engine one for each batch.
    Gender words are free to leave g afterwards, and then neutral words may follow them.
    """

    warmup: int = 30

    citation = (
        "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
        "direct bias with c = 2 and a direction found once, as a penalty"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.warmup < 0:
            raise UserError(f"warmup was {self.warmup}", allowed="0 steps or more")

    @cached_property
    def _memory(self) -> DirectionMemory:
        return DirectionMemory()

    def fresh(self) -> FixedProjection:
        """Return the penalty without a direction."""
        return replace(self)

    def state(self) -> dict[str, NDArray]:
        """Return the direction and the number of draws, for a checkpoint."""
        return self._memory.state()

    def restore(self, state: dict[str, NDArray]) -> None:
        """Go on from what ``state`` returned."""
        self._memory.restore(state)

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared cosine with the direction, in [0, 1]; 0 during the warm-up."""
        unit = unit_rows(W)
        memory = self._memory
        if memory.is_new(words) and memory.draws == self.warmup + 1:
            memory.direction = gender_direction(unit[words.male], unit[words.female], "pca")
        if memory.direction is None:
            return W.new_zeros(())
        return (unit[words.neutral] @ memory.direction.to(unit)).square().mean()
