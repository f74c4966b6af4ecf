"""Half-sibling regression: remove from words what gender words can predict of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from debiaslab.errors import UserError
from debiaslab.regularizers.linear import AffineMap
from debiaslab.regularizers.postprocess import DebiasWords, Eraser, PostProcess
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.rows import Matrix
from debiaslab.regularizers.subspace import check_known, check_sets
from debiaslab.vectors.embeddings import Embeddings


@register("half-sibling")
@dataclass(frozen=True)
class HalfSibling(PostProcess):
    """Half-sibling regression: V_N ← V_N − V_D (V_DᵀV_D + α/λ I)⁻¹ V_DᵀV_N, a ridge residual.

    The columns of V_D are the vectors of the gender pairs (the paper: 218 gender-specific words,
    which hold the pairs kept for reporting), V_N those of the covered words; as they are, not
    normalised. α = 60 and λ = 1 are the paper's; λ = 0 changes nothing, λ → ∞ removes all that the
    pairs span. The ridge has the scale of a squared length, so that λ must be searched for other
    vectors: at λ = 1, unit vectors stay as they were (direct bias of occupations 0.075 → 0.075;
    λ = 300: 0.025), and SGNS vectors lose what men and women share first (0.080 → 0.096; λ = 30:
    0.053). Only covered words change; lengths are what the regression leaves.
    """

    alpha: float = 60.0

    citation = (
        "Yang & Feng 2020, A Causal Inference Method for Reducing Gender Bias in Word Embedding "
        "Relations (AAAI)"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-1, 1e4)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (np.isfinite(self.alpha) and self.alpha > 0):
            raise UserError(
                f"the ridge weight alpha was {self.alpha:g}", allowed="a number above 0"
            )

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Solve the ridge regression; nothing is drawn."""
        check_known(embeddings, words.neutral)
        check_sets(embeddings, words.pairs)
        gender = dict.fromkeys(word for pair in words.pairs for word in pair)
        rows = [embeddings.index[word] for word in gender]
        H = ridge_smoother(embeddings.vectors[rows].astype(np.float64).T, self.alpha, self.weight)
        return AffineMap(H, np.zeros(embeddings.dim), words.neutral)


def ridge_smoother(V: Matrix, alpha: float, weight: float = 1.0) -> Matrix:
    """Return V (VᵀV + α/λ I)⁻¹ Vᵀ, ``(d, d)``: what it makes of a word is the word's prediction.

    Args:
        V: Vectors of the predicting words as columns, ``(d, n)``.
        alpha: Ridge weight α, above 0.
        weight: λ, 0 or above; 0 predicts nothing.
    """
    smoother: Matrix = (
        weight * V @ np.linalg.solve(weight * V.T @ V + alpha * np.eye(V.shape[1]), V.T)
    )
    return smoother
