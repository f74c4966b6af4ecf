"""Subspace projection: neutral words should be orthogonal to k gender directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows


@register("projection-subspace")
@dataclass(frozen=True)
class SubspaceProjection(Penalty):
    """Mean over neutral words w of Σ cos(w, bᵢ)², b₁ … b_k an orthonormal gender subspace B.

    B is found anew at every step and held constant in the gradient, as in ``projection``, which it
    is for k = 1.

    Raises:
        UserError: k is below 1.
    """

    k: int = 4

    citation = (
        "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
        "gender subspace B of §5.1 and §6, as a penalty"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 1:
            raise UserError(
                f"the gender subspace was to have {self.k} dimensions",
                allowed="1 up to the number of gender pairs",
            )

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse more dimensions than the pairs can span."""
        most = min(pairs, dim)
        if self.k > most:
            raise UserError(
                f"the gender subspace was to have {self.k} dimensions",
                allowed=f"at most {most} with {pairs} gender pairs in the vocabulary "
                f"and vectors of {dim}",
                next_step=f"--knob k={most}",
            )

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared length of the part inside the subspace, in [0, 1]."""
        self.check_size(len(words.male), W.shape[1])
        unit = unit_rows(W)
        B = gender_subspace(unit[words.male], unit[words.female], self.k)
        return (unit[words.neutral] @ B.T).square().sum(1).mean()


@torch.no_grad()
def gender_subspace(male: Tensor, female: Tensor, k: int) -> Tensor:
    """Return the first k principal axes of aligned pairs ``(p, d)``, each about its own mean.

    Shape ``(k, d)``, orthonormal; axes along which no pair differs are zero.
    """
    _, sizes, axes = torch.linalg.svd(male - female, full_matrices=False)
    real = sizes[:k] > torch.finfo(sizes.dtype).eps * max(male.shape) * sizes[0]
    return axes[:k] * real[:, None]
