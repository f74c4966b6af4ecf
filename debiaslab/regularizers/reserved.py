"""Reserved subspace: gender lives in dimensions that no word's context ever speaks to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from debiaslab.regularizers.gn import check_reserved, check_reserving
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register


@register("reserved")
@dataclass(frozen=True)
class ReservedSubspace(Penalty):
    """Gender words differ in the last k dimensions alone, to which no context embedding speaks.

    On unit rows w = [w_a; w_g], w_g the last k dimensions, e = (1, …, 1)/√k:

    - pairs: mean of ‖m_a − f_a‖² + ‖m_g − βe‖² + ‖f_g + βe‖²: a pair is one word with a sign;
    - target embeddings: mean over neutral words of ‖w_g‖²;
    - context embeddings: mean of ‖c_g‖² over neutral words and the pairs, and of ‖c_m − c_f‖²
      over the pairs.

    A word's vector is learned from the context embeddings around it alone. When these have nothing
    in the reserved dimensions, nothing is learned there, by words that the penalty never touches
    either. Depends on the axes of the space, as ``gn``.
    """

    k: int = 1
    beta: float = 0.5

    citation = "This project; reserved dimensions after Zhao et al. 2018 (GN-GloVe, EMNLP)"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-1, 1e3)}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_reserving(self.k, self.beta)

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse to reserve all dimensions."""
        check_reserved(self.k, dim)

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return R, 0 when gender is in the reserved dimensions alone and no context is."""
        check_reserved(self.k, W.shape[1])
        w, c = F.normalize(W, dim=1), F.normalize(C, dim=1)
        w_a, w_g = w[:, : -self.k], w[:, -self.k :]
        sign = w_g.new_full((self.k,), self.beta * self.k**-0.5)
        m, f, n = words.male, words.female, words.neutral
        pairs = (w_a[m] - w_a[f]).square().sum(1)
        pairs = pairs + (w_g[m] - sign).square().sum(1) + (w_g[f] + sign).square().sum(1)
        pairs = pairs + (c[m] - c[f]).square().sum(1)
        c_g = c[:, -self.k :].square().sum(1)
        neutral = w_g[n].square().sum(1) + c_g[n]
        return neutral.mean() + pairs.mean() + (c_g[m] + c_g[f]).mean() / 2
