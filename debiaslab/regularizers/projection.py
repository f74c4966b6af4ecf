"""Projection penalty: neutral words should be orthogonal to the gender direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from debiaslab.errors import UserError, nearest
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows

Direction = Literal["pca", "mean"]


@register("projection")
@dataclass(frozen=True)
class ProjectionPenalty(Penalty):
    """Mean over neutral words w of cos(w, g)², g the gender direction of the moment.

    g is found anew at every step from the pairs, on unit vectors, and held constant in the
    gradient: the penalty moves the neutral words, not what gender means.
    """

    direction: Direction = "pca"

    citation = (
        "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
        "direct bias with c = 2 and its principal-component direction, as a penalty"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.direction not in ("pca", "mean"):
            raise UserError(
                f"the direction was {self.direction!r}",
                allowed="pca, mean",
                nearest=nearest(self.direction, ("pca", "mean")),
            )

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared cosine with the gender direction, in [0, 1]."""
        unit = unit_rows(W)
        g = gender_direction(unit[words.male], unit[words.female], self.direction)
        return (unit[words.neutral] @ g).square().mean()


@torch.no_grad()
def gender_direction(male: Tensor, female: Tensor, method: Direction) -> Tensor:
    """Return the unit gender direction, ``(d,)``, from aligned pairs of vectors ``(p, d)``.

    ``pca``: first principal component of the pairs, each centred on its own mean (Bolukbasi et al.
    2016, §5), which is the first right singular vector of the differences. ``mean``: mean
    difference. Pairs that do not differ at all have no direction: zero.
    """
    differences = male - female
    if method == "mean":
        return F.normalize(differences.mean(0), dim=0)
    _, sizes, axes = torch.linalg.svd(differences, full_matrices=False)
    return axes[0] * (sizes[0] > 0)
