"""Repulsion, attraction, neutralisation while training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.projection import gender_direction
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows

_GROUP = 256  # drawn words among which a word's neighbours are sought: all of them would cost n²


@register("ran-training")
@dataclass(frozen=True)
class RepulsionNeutralisation(Penalty):
    """Mean over neutral words w of (F_r + F_n) / 2, where SGNS itself is the attraction F_a.

    - Repulsion F_r: mean over its biased neighbours v of |cos(w, v)|. Neighbours are the
      ``neighbors`` nearest of w among 256 drawn words; biased are those with an indirect
      bias β(w, v) = (w·v − w_⊥·v_⊥ / (‖w_⊥‖ ‖v_⊥‖)) / w·v above ``threshold``.
    - Neutralisation F_n: |cos(w, g)|, g the gender direction of the moment.

    The paper's F_a holds a finished vector where it was; in training, the text does. Its weights
    of F_r and F_n are equal (1/8 each), as here. Which neighbours are biased, and g, are held
    constant in the gradient.

    Raises:
        UserError: ``neighbors`` is below 1, or ``threshold`` outside [0, 1).
    """

    threshold: float = 0.05
    neighbors: int = 5

    citation = (
        "Kumar et al. 2020, Nurse is Closer to Woman than Surgeon? Mitigating Gender-Biased "
        "Proximities in Word Embeddings (TACL), eq. 1-5, in training"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e1)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.neighbors < 1:
            raise UserError(f"neighbors was {self.neighbors}", allowed="1 or more")
        if not 0 <= self.threshold < 1:
            raise UserError(f"threshold was {self.threshold}", allowed="a number from 0 to below 1")

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean of repulsion and neutralisation, in [0, 1]."""
        unit = unit_rows(W)
        g = gender_direction(unit[words.male], unit[words.female], "pca")
        neutral = unit[words.neutral]
        repulsion = [self._repulsion(each, g) for each in neutral.split(_GROUP)]
        neutralisation = (neutral @ g).abs().mean()
        return (torch.cat(repulsion).mean() + neutralisation) / 2

    def _repulsion(self, unit: Tensor, g: Tensor) -> Tensor:
        """Return the mean |cos| of each of some unit rows with its biased neighbours, ``(n,)``."""
        if len(unit) < 2:
            return unit.new_zeros(len(unit))
        cosines = unit @ unit.T
        near, biased = self._biased_neighbors(cosines.detach(), (unit @ g).detach())
        sizes = cosines.gather(1, near).abs() * biased
        return sizes.sum(1) / biased.sum(1).clamp_min(1)

    @torch.no_grad()
    def _biased_neighbors(self, cosines: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest rows of each row, and which of them are near by gender."""
        others = cosines.clone().fill_diagonal_(-torch.inf)
        nearest, near = others.topk(min(self.neighbors, len(others) - 1), dim=1)
        across = (1 - along.square()).clamp_min(1e-12).sqrt()  # ‖w_⊥‖ of unit rows
        without = (nearest - along[:, None] * along[near]) / (across[:, None] * across[near])
        indirect = (nearest - without) / nearest.clamp_min(1e-12)
        return near, (nearest > 0) & (indirect > self.threshold)
