"""Soft debiasing: a linear map between keeping inner products and removing the gender subspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from debiaslab.regularizers.linear import AffineMap
from debiaslab.regularizers.postprocess import DebiasWords, Eraser, PostProcess
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.rows import Matrix, unit_blocks
from debiaslab.regularizers.subspace import bias_subspace, check_components, check_known
from debiaslab.vectors.embeddings import Embeddings

_RANK = 1e-10  # eigenvalues below this part of the largest are rounding


@register("soft")
@dataclass(frozen=True)
class SoftDebias(PostProcess):
    """Soft debias: min over T of ‖(TW)ᵀ(TW) − WᵀW‖² + λ ‖(TN)ᵀ(TB)‖².

    W and N are the covered words as unit vectors (the paper's W holds the gender words too), B the
    gender subspace of the pairs. Both terms are means over words, so that λ does not depend on
    how many there are: the paper's λ is this one times the number of covered words. T is applied
    to the covered words, which keep their lengths (the paper normalises), and to no other.
    λ = 0 changes nothing; λ → ∞ tends to removing B from every covered word.
    """

    weight: float = 0.2
    components: int = 1

    citation = (
        "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
        "section 6, step 2b"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-4, 1e2)}

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse more components than the pairs can span."""
        check_components(self.components, pairs, pairs, dim)

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Solve for the map in closed form; nothing is drawn."""
        check_known(embeddings, words.neutral)
        B = bias_subspace(embeddings, words.pairs, self.components)
        A = np.zeros((embeddings.dim, embeddings.dim))
        for unit in unit_blocks(embeddings, words.neutral):
            A += unit.T @ unit
        T = soft_map(A / len(words.neutral), B, self.weight)
        identity = np.eye(embeddings.dim)
        return AffineMap(identity - T, np.zeros(embeddings.dim), words.neutral, keep_lengths=True)


def soft_map(A: Matrix, B: Matrix, weight: float) -> Matrix:
    """Return the symmetric T that minimises the mean form of the objective, ``(d, d)``.

    The objective depends on X = TᵀT only. With Y = A^½ X A^½ and β = A^−½ Bᵀ it is
    ‖Y − A‖² + λ ‖Y β‖², which is separable in the eigenbasis of λ β βᵀ, eigenvalues γ:
    Yᵢⱼ = Aᵢⱼ / (1 + (γᵢ + γⱼ) / 2). That is the product, entry by entry, of A with a Cauchy
    matrix, both positive semidefinite: so is Y (Schur), and X has a root. No word is looped over.
    Outside the span of the covered words, where the objective says nothing, T is the identity.

    Args:
        A: Mean of w wᵀ over the covered words, ``(d, d)``.
        B: Orthonormal basis of the subspace, ``(k, d)``.
        weight: λ.
    """
    values, axes = np.linalg.eigh(A)
    kept = values > _RANK * values[-1]
    values, axes = values[kept], axes[:, kept]  # outside their span no covered word has a part
    roots = np.sqrt(values)
    beta = (axes.T @ B.T) / roots[:, None]
    basis, sizes, _ = np.linalg.svd(beta, full_matrices=True)
    gamma = np.zeros(len(basis))
    gamma[: len(sizes)] = weight * sizes**2
    Y = (basis.T * values) @ basis / (1 + (gamma[:, None] + gamma) / 2)
    X = (basis @ Y @ basis.T) / np.outer(roots, roots)
    squares, turned = np.linalg.eigh((X + X.T) / 2)
    root = (turned * np.sqrt(np.clip(squares, 0, None))) @ turned.T
    T: Matrix = np.eye(len(A)) + axes @ (root - np.eye(len(root))) @ axes.T
    return T
