"""Linear erasers: what can be predicted of gender, or by it, is taken out of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from debiaslab.errors import UserError
from debiaslab.regularizers.postprocess import AffineMap, DebiasWords, Eraser, Matrix, PostProcess
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.subspace import (
    LabelsWords,
    Leaning,
    check_known,
    check_sets,
    check_side,
    leaning_words,
)
from debiaslab.vectors.embeddings import Embeddings

_TOLERANCE = 1e-6  # of the whitened cross-covariance, in [0, 1/2]: the package's 0.01 leaves some


@register("leace")
@dataclass(frozen=True)
class Leace(LabelsWords):
    """LEACE: the affine map after which labels and vectors are uncorrelated.

    The labels are the ``side`` most male- and most female-leaning covered words, as the vectors
    themselves rank them (1/8 of the words on either side at most). The map is fitted on these, the
    vectors as they are, and applied to every covered word and to no other: gender words keep
    their gender. Lengths are what the map makes them.
    """

    side: int = 2_500

    citation = "Belrose et al. 2023, LEACE: Perfect linear concept erasure in closed form (NeurIPS)"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.side)

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Fit the map in closed form; nothing is drawn."""
        import torch
        from concept_erasure import LeaceEraser

        check_known(embeddings, words.neutral)
        leaning = leaning_words(embeddings, words, self.side)
        rows = [embeddings.index[word] for word in leaning.male + leaning.female]
        X = torch.from_numpy(embeddings.vectors[rows].astype(np.float64))
        z = torch.from_numpy(leaning.is_male.astype(np.float64))
        # Keeping the trace of the covariance would mix in a map that erases in part only.
        eraser = LeaceEraser.fit(X, z, svd_tol=_TOLERANCE, constrain_cov_trace=False)
        D = (eraser.proj_left @ eraser.proj_right).numpy()
        center = np.zeros(embeddings.dim) if eraser.bias is None else eraser.bias.numpy()
        return AffineMap(D, center, words.neutral)


@register("inlp")
@dataclass(frozen=True)
class Inlp(LabelsWords):
    """INLP: iterative nullspace projection, ``steps`` directions in all.

    Each step fits a linear support vector machine that tells the ``side`` most male- from the most
    female-leaning covered words (unit vectors, as ``leace`` labels them; the paper adds neutral
    words as a third class) and removes its direction, orthogonal to those before. The projection
    is applied to every covered word and to no other; lengths shrink by what is removed. The
    paper's 35 steps are for 300 dimensions.
    """

    steps: int = 35
    side: int = 2_500

    citation = (
        "Ravfogel et al. 2020, Null It Out: Guarding Protected Attributes by Iterative Nullspace "
        "Projection (ACL)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.side)
        if self.steps < 1:
            raise UserError(f"{self.steps} steps of INLP were asked for", allowed="1 or more")

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse to remove all dimensions."""
        if self.steps >= dim:
            raise UserError(
                f"{self.steps} steps of INLP leave nothing of vectors of dimension {dim}",
                allowed=f"1 to {dim - 1}, and far fewer to keep meaning",
                next_step=f"--knob steps={max(1, dim // 10)}",
            )

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Train the classifiers one after the other."""
        check_known(embeddings, words.neutral)
        self.check_size(len(words.pairs), embeddings.dim)
        R = removed_directions(leaning_words(embeddings, words, self.side), embeddings, self.steps)
        return AffineMap(R.T @ R, np.zeros(embeddings.dim), words.neutral)


def removed_directions(leaning: Leaning, embeddings: Embeddings, steps: int) -> Matrix:
    """Return the orthonormal directions that the classifiers found, ``(≤ steps, d)``.

    Fewer where nothing is left that the labels could be told by.
    """
    from sklearn.svm import LinearSVC

    X, labels = leaning.unit(embeddings), leaning.is_male
    R = np.zeros((0, embeddings.dim))
    for _ in range(steps):
        left = X - (X @ R.T) @ R
        # The primal problem is smooth: solved to the same end from anywhere, nothing is drawn.
        found = LinearSVC(dual=False).fit(left, labels).coef_[0]
        direction = found - R.T @ (R @ found)
        size = np.linalg.norm(direction)
        if size < 1e-9:
            break
        R = np.concatenate([R, direction[None] / size])
    return R


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
