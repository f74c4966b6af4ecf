"""Control: a projection of the same strength on a direction that has nothing to do with gender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows


@register("random-projection")
@dataclass(frozen=True)
class RandomProjection(Penalty):
    """Mean over neutral words w of cos(w, r)², r a random direction drawn once from ``seed``.

    What ``projection`` does beyond this control is due to gender, not to losing a dimension. With
    ``seed`` other directions are drawn; it does not follow the seed of the training.
    """

    seed: int = 0

    control: ClassVar[bool] = True
    citation = (
        "This project's control for Bolukbasi et al. 2016 (NeurIPS): projection on a random "
        "direction of the same strength"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared cosine with the random direction, in [0, 1]."""
        unit = unit_rows(W)
        r = random_direction(unit.shape[1], self.seed).to(unit)
        return (unit[words.neutral] @ r).square().mean()


def random_direction(d: int, seed: int) -> Tensor:
    """Return a direction drawn uniformly from the unit sphere, ``(d,)``, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(d, generator=generator, dtype=torch.float64), dim=0)
