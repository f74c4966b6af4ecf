"""Which neutral words lean to which gender, by the vectors of the moment."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from debiaslab.errors import UserError, nearest
from debiaslab.regularizers.penalty import PenaltyWords
from debiaslab.regularizers.unit import unit_rows

Leaning = Literal["context", "target"]


@torch.no_grad()
def leaning_words(
    W: Tensor, C: Tensor, words: PenaltyWords, share: float, by: Leaning
) -> tuple[Tensor, Tensor]:
    """Return the rows of the male-leaning and of the female-leaning neutral words.

    They are the ``share`` of the neutral words at either end (at least one word) when ordered by

    - ``context``: cos(C_w, Σ (m − f)), m and f unit rows of W: whom the word is met near. A
      penalty on W alone leaves this as it is, so that words keep their label.
    - ``target``: cos(W_w, Σ (m − f)): what the word's own vector shows.
    """
    unit = unit_rows(W)
    g = (unit[words.male] - unit[words.female]).mean(0)
    rows = unit if by == "target" else unit_rows(C)
    order = (rows[words.neutral] @ g).argsort(stable=True)
    n = max(1, int(share * len(order)))
    ordered = words.neutral[order]
    return ordered[len(order) - n :], ordered[:n]


def check_leaning(share: float, by: str) -> None:
    """Refuse a share or a way to measure leaning that is none.

    Raises:
        UserError: ``share`` is not in (0, 0.5], or ``by`` neither context nor target.
    """
    if not 0 < share <= 0.5:
        raise UserError(f"share was {share}", allowed="a number above 0, at most 0.5")
    known = get_args(Leaning)
    if by not in known:
        raise UserError(f"leaning was {by!r}", allowed=", ".join(known), nearest=nearest(by, known))
