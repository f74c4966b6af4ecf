"""The control of every projection: what does removing any one direction do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from debiaslab.errors import UserError
from debiaslab.regularizers.neutralize import NeutralizeAndEqualize
from debiaslab.regularizers.postprocess import DebiasWords, Eraser, PostProcess
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.subspace import check_known
from debiaslab.vectors.embeddings import Embeddings


@register("random-direction")
@dataclass(frozen=True)
class RandomDirection(PostProcess):
    """Control: remove random directions from the covered words, as ``hard`` does the gender one.

    ``components`` directions drawn uniformly; neutral words keep their lengths; no pair is
    equalised. What a debiasing projection does beyond this control is due to its direction.
    """

    components: int = 1

    control: ClassVar[bool] = True
    citation = "control, no method: a random subspace in the place of the gender subspace of 'hard'"

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse to remove all dimensions."""
        if not 1 <= self.components < dim:
            raise UserError(
                f"{self.components} random components were asked for",
                allowed=f"1 to {dim - 1} with dimension {dim}",
            )

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Draw the subspace."""
        check_known(embeddings, words.neutral)
        self.check_size(len(words.pairs), embeddings.dim)
        drawn = np.random.default_rng(seed).normal(size=(embeddings.dim, self.components))
        basis, _ = np.linalg.qr(drawn)
        return NeutralizeAndEqualize(basis.T, words.neutral)
