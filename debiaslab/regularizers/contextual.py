"""Contextual symmetry: parity of the scores that training itself is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.unit import unit_rows


@register("contextual-symmetry")
@dataclass(frozen=True)
class ContextualSymmetry(Penalty):
    """Mean of (W_w·(W_m − W_f))², (W_w·(C_m − C_f))² and (C_w·(W_m − W_f))², over w and (m, f).

    w are neutral words, (m, f) gender pairs. Metrics compare target embeddings with each other;
    SGNS never does: P(c near w) = σ(W_w·C_c). Parity among rows of W can therefore be had while
    the model still predicts *he* from a word and the word from *he*, and parity of predictions
    alone leaves W free to drift along its gender direction (measured: direct bias doubles). Here
    all three are made even. The row of w enters by its direction, and the pair's over the mean
    length of such rows, held constant: neutral words cannot shrink out of the penalty, while a
    pair's different lengths count, which cosines would not see. With ``hold_pairs`` neutral words
    move and gender words do not; without, gender words may also move together, which is far
    quicker as they are few.
    """

    hold_pairs: bool = True

    citation = "This project: parity of the SGNS scores of a neutral word and a gender pair"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-1, 3e1)}

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared difference of scores; 0 when every score is even."""
        sides = ((W, W), (W, C), (C, W))
        return (
            sum((self._scores(A, B, words).square().mean() for A, B in sides), W.new_zeros(())) / 3
        )

    def _scores(self, A: Tensor, B: Tensor, words: PenaltyWords) -> Tensor:
        """Return A_w·(B_m − B_f) in units of the mean length of such a B, ``(n, p)``."""
        male, female = B[words.male], B[words.female]
        length = (male.detach().norm(dim=1).mean() + female.detach().norm(dim=1).mean()) / 2
        difference = male - female
        if self.hold_pairs:
            difference = difference.detach()
        return unit_rows(A[words.neutral]) @ difference.T / length.clamp_min(1e-12)
