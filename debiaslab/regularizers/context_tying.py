"""Context tying: gender words should send the same message to the words around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, register


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
