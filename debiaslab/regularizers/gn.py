"""GN-style: gender is moved into reserved dimensions and out of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows


@register("gn")
@dataclass(frozen=True)
class GenderNeutral(Penalty):
    """J_D + J_E of GN-GloVe on unit rows w = [w_a; w_g], w_g the last k dimensions.

    - J_D (their L2 form): mean over pairs (m, f) of (‖β₁e − m_g‖² + ‖β₂e − f_g‖²) / 2, with
      β₁ = β, β₂ = −β and e = (1, …, 1)/√k: gender words hold ±β of their length in w_g.
    - J_E: mean over neutral words of (v_gᵀ w_a)², v_g the unit mean difference of the pairs in the
      other dimensions, held constant in the gradient (theirs is found anew every epoch).

    GN-GloVe drops w_g from neutral words when vectors are used. Nothing can be dropped by a
    penalty, so the mean of ‖w_g‖² over neutral words is added. The only strategy that depends on
    the axes of the space: it is not rotation invariant, and is not meant to be.

    Raises:
        UserError: k is below 1, or β outside (0, 1).
    """

    k: int = 1
    beta: float = 0.5

    citation = "Zhao et al. 2018, Learning Gender-Neutral Word Embeddings (EMNLP), eq. 1-4"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_reserving(self.k, self.beta)

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse to reserve all dimensions."""
        check_reserved(self.k, dim)

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return J_D + J_E + mean ‖w_g‖²; 0 when gender is in the reserved dimensions alone."""
        check_reserved(self.k, W.shape[1])
        unit = unit_rows(W)
        w_a, w_g = unit[:, : -self.k], unit[:, -self.k :]
        e = w_g.new_full((self.k,), self.k**-0.5)
        apart = (self.beta * e - w_g[words.male]).square().sum(1)
        apart = apart + (-self.beta * e - w_g[words.female]).square().sum(1)
        v_g = F.normalize((w_a[words.male] - w_a[words.female]).mean(0).detach(), dim=0)
        J_D = apart.mean() / 2
        J_E = (w_a[words.neutral] @ v_g).square().mean()
        return J_D + J_E + w_g[words.neutral].square().sum(1).mean()


def check_reserving(k: int, beta: float) -> None:
    """Refuse to reserve no dimension, or to give pairs no or all of their length in them.

    Raises:
        UserError: k is below 1, or β outside (0, 1).
    """
    if k < 1:
        raise UserError(f"{k} dimensions were to be reserved", allowed="1 or more")
    if not 0 < beta < 1:
        raise UserError(f"beta was {beta}", allowed="a number between 0 and 1")


def check_reserved(k: int, dim: int) -> None:
    """Refuse to reserve all dimensions.

    Raises:
        UserError: k is not below the dimension.
    """
    if k >= dim:
        raise UserError(
            f"{k} dimensions were to be reserved",
            allowed=f"fewer than the {dim} of the vectors",
            next_step=f"--knob k={max(1, dim // 100)}",
        )
