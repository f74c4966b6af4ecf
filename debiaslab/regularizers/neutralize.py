"""Neutralise and equalise (Bolukbasi et al. 2016): what the hard debiasing methods share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from debiaslab.regularizers.postprocess import Eraser
from debiaslab.regularizers.rows import Matrix, changed, frozen, scaled_like, units
from debiaslab.regularizers.subspace import WordSet
from debiaslab.vectors.embeddings import Embeddings

_SAME = 1e-6  # of a unit vector: a difference that is float32's rounding


@dataclass(frozen=True, eq=False)
class NeutralizeAndEqualize(Eraser):
    """w ← w − w_B at the length of w for neutral words; then each equalise set in turn.

    Attributes:
        B: Orthonormal basis of the subspace, ``(k, d)``.
        neutral: Words that lose their part in the subspace.
        equalized: Sets of words that afterwards differ inside the subspace only.
    """

    B: Matrix
    neutral: tuple[str, ...]
    equalized: tuple[WordSet, ...] = ()

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order."""
        result = changed(embeddings, self.neutral, lambda rows: neutralized(rows, self.B))
        sets = [each for each in self.equalized if all(word in embeddings for word in each)]
        if not sets:
            return result
        vectors = result.vectors.copy()
        for each in sets:
            rows = [embeddings.index[word] for word in each]
            vectors[rows] = equalized(vectors[rows].astype(np.float64), self.B)
        return frozen(result.words, vectors)


def neutralized(rows: Matrix, B: Matrix) -> Matrix:
    """Return rows ``(n, d)`` without their part in the subspace, at their old lengths.

    On unit vectors this is the paper's (w − w_B) / ‖w − w_B‖.
    """
    return scaled_like(rows - (rows @ B.T) @ B, rows)


def equalized(rows: Matrix, B: Matrix) -> Matrix:
    """Return the vectors of one set, ``(m, d)``, equal outside the subspace and of one length.

    With unit vectors w of mean μ: ν = μ − μ_B, then w ← ν + √(1 − ‖ν‖²) (w_B − μ_B) / ‖w_B − μ_B‖
    (Bolukbasi et al. 2016, step 2a), here times the mean length of the set. Members that do not
    differ inside the subspace all become ν at that length.
    """
    unit = units(rows)
    length = np.linalg.norm(rows, axis=1).mean()
    mean = unit.mean(axis=0)
    nu = mean - (mean @ B.T) @ B
    inside = ((unit - mean) @ B.T) @ B
    sizes = np.linalg.norm(inside, axis=1, keepdims=True)
    if (sizes < _SAME).any():
        return scaled_like(np.broadcast_to(nu, rows.shape), np.full((len(rows), 1), length))
    reach = np.sqrt(np.clip(1 - nu @ nu, 0, None))
    result: Matrix = length * (nu + reach * inside / sizes)
    return result
