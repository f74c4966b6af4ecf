"""INLP: train a linear classifier, project out what it found, and again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from debiaslab.errors import UserError
from debiaslab.regularizers.leace import check_side
from debiaslab.regularizers.leaning import LabelsWords, Leaning, leaning_words
from debiaslab.regularizers.linear import AffineMap
from debiaslab.regularizers.postprocess import DebiasWords, Eraser
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.rows import Matrix
from debiaslab.regularizers.subspace import check_known
from debiaslab.vectors.embeddings import Embeddings


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
