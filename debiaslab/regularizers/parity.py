"""Parity penalties: the two members of a gender pair should be equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import torch.nn.functional as F
from torch import Tensor

from debiaslab.regularizers.penalty import Penalty, PenaltyWords, unit_rows
from debiaslab.regularizers.registry import LogUniform, register


@register("pairwise")
@dataclass(frozen=True)
class PairwiseParity(Penalty):
    """Mean over neutral words w and pairs (m, f) of |cos(w, m) − cos(w, f)|.

    The homework's pseudocode |cos(president, woman) − cos(president, man)|, for word lists.
    """

    citation = "SI 630 homework 2, University of Michigan (the man/woman parity of its last part)"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean absolute difference of cosines, in [0, 2]."""
        unit = unit_rows(W)
        neutral, male, female = words.split(unit)
        return (neutral @ (male - female).T).abs().mean()


@register("pairwise-squared")
@dataclass(frozen=True)
class SquaredPairwiseParity(Penalty):
    """Mean over neutral words w and pairs (m, f) of (cos(w, m) − cos(w, f))².

    Smooth where the absolute value of ``pairwise`` has its kink: the pull fades with the
    difference, so a λ that is too small leaves a rest of it everywhere.
    """

    citation = "SI 630 homework 2, University of Michigan (man/woman parity), squared"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-1, 1e3)}

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared difference of cosines, in [0, 4]."""
        unit = unit_rows(W)
        neutral, male, female = words.split(unit)
        return (neutral @ (male - female).T).square().mean()


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
        (w, *W_pairs), (c, *C_pairs) = words.split(W), words.split(C)
        w, c = unit_rows(w), unit_rows(c)
        by_W, by_C = self._difference(*W_pairs), self._difference(*C_pairs)
        R = sum((a @ b.T).square().mean() for a, b in ((w, by_W), (w, by_C), (c, by_W)))
        return cast(Tensor, R) / 3

    def _difference(self, male: Tensor, female: Tensor) -> Tensor:
        """Return B_m − B_f in units of the mean length of such a B, ``(p, d)``."""
        length = (male.detach().norm(dim=1).mean() + female.detach().norm(dim=1).mean()) / 2
        difference = male - female
        if self.hold_pairs:
            difference = difference.detach()
        return difference / length.clamp_min(1e-12)


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


@register("context-tying")
@dataclass(frozen=True)
class ContextTying(Penalty):
    """Mean over pairs (m, f) of ‖C_m − C_f‖² / (‖C_m‖² + ‖C_f‖²).

    A word near *his* is drawn to C_his and one near *her* to C_her; where the two are one vector,
    nothing in these contexts tells male from female, and every word, covered or not, learns the
    same from both. It acts on gender words only. What pairs it was not given (and names, and words
    such as *actress*) send is left as it is, and measured on biographies that is nearly everything:
    by itself it leaves associations of covered and uncovered words as they were.
    """

    citation = "This project: parity of what gendered context words send in SGNS"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-4, 1e2)}
    needs_neutral: ClassVar[bool] = False

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean relative squared distance, in [0, 2]; 1 for pairs at a right angle."""
        return relative_distance(C[words.male], C[words.female]).mean()


def relative_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return ‖a − b‖² / (‖a‖² + ‖b‖²) of each row; 0 where both are zero."""
    lengths = a.square().sum(1) + b.square().sum(1)
    return (a - b).square().sum(1) / lengths.clamp_min(1e-24)
