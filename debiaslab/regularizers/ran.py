"""Repulsion, attraction, neutralisation (RAN-debias), after training and during it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.regularizers.penalty import Penalty, PenaltyWords, unit_rows
from debiaslab.regularizers.postprocess import (
    DebiasWords,
    Eraser,
    Matrix,
    PostProcess,
    frozen,
    unit_vectors,
)
from debiaslab.regularizers.projection import gender_direction
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.subspace import bias_subspace, check_known, without
from debiaslab.vectors.embeddings import Embeddings, units

_BLOCK = 1 << 10  # words whose cosines with all others are held at once
_LEAST_COSINE = 1e-3  # below, the share of gender in a cosine is a division by nothing


def mean_biased_neighbors(
    unit: NDArray[np.float32], g: NDArray[np.float32], neighbors: int, threshold: float
) -> NDArray[np.float32]:
    """Return for each word the mean of the neighbours to be repelled, ``(n, d)``; zero for none.

    Of a word's ``neighbors`` nearest, those count whose indirect bias β is above ``threshold``:
    β(w, v) = (w·v − w⊥·v⊥ / (‖w⊥‖‖v⊥‖)) / w·v (Bolukbasi et al. 2016, section 5.3).

    Args:
        unit: Unit vectors of the words, ``(n, d)``.
        g: Unit gender direction, ``(d,)``.
        neighbors: Nearest words looked at.
        threshold: θ of the paper.
    """
    from scipy.sparse import csr_matrix

    n = len(unit)
    neighbors = min(neighbors, n - 1)
    means = np.zeros_like(unit)
    if neighbors < 1:
        return means
    along = unit @ g
    across = np.sqrt(np.clip(1 - along**2, 1e-12, None))
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        cosines = unit[rows] @ unit.T
        cosines[np.arange(len(rows)), rows] = -np.inf
        near = np.argpartition(-cosines, neighbors - 1, axis=1)[:, :neighbors]
        cosine = np.take_along_axis(cosines, near, axis=1)
        perpendicular = (cosine - along[rows, None] * along[near]) / (
            across[rows, None] * across[near]
        )
        positive = cosine > _LEAST_COSINE
        beta = (cosine - perpendicular) / np.where(positive, cosine, 1.0)
        repelled = positive & (beta > threshold)
        counts = repelled.sum(axis=1)
        share = np.where(repelled, 1 / np.maximum(counts, 1)[:, None], 0).astype(np.float32)
        ends = np.arange(len(rows) + 1) * neighbors
        means[rows] = csr_matrix((share.ravel(), near.ravel(), ends), shape=(len(rows), n)) @ unit
    return means


_STEPS = 800
_FIRST_STEP, _DECAY = 0.1, 0.98  # the last step is 0.1 · 0.98^800 = 1e-8


@register("ran")
@dataclass(frozen=True)
class RanDebias(PostProcess):
    """RAN-debias, post hoc: each covered word minimises λ (λ₁ F_r + λ₃ F_n) + λ₂ F_a.

    F_r is the mean |cosine| with those of its 100 nearest neighbours that are near because of
    gender (indirect bias above θ), F_a = |cos(new, old) − 1| / 2, F_n = |cos(new, g)|; the weights
    are 1/8, 6/8, 1/8 and λ = 1. Neighbours are the covered words' old vectors.

    Simplifications: the words to debias are the covered ones in the place of the paper's
    dictionary-based classifier (KBC); g is the first principal component of the pairs, not
    he − she; F_r is the |cosine sum| of the neighbours, which is the same while none of these
    cosines turns negative; and as F then depends on three directions only, the descent runs in
    their span, which finds the paper's optimum without a step in the other dimensions. Lengths
    stay. Finding neighbours takes time in the square of the number of covered words.
    """

    repulsion: float = 0.125
    attraction: float = 0.75
    neutralization: float = 0.125
    neighbors: int = 100
    threshold: float = 0.05

    citation = (
        "Kumar et al. 2020, Nurse is Closer to Woman than Surgeon? Mitigating Gender-Biased "
        "Proximities in Word Embeddings (TACL)"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-2, 1e2)}

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("repulsion", "attraction", "neutralization"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise UserError(
                    f"the weight {name} was {value:g}", allowed="a number that is 0 or above"
                )
        if self.neighbors < 1:
            raise UserError(f"{self.neighbors} neighbours were asked for", allowed="1 or more")

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Find the neighbours and the new vectors; nothing is drawn."""
        check_known(embeddings, words.neutral)
        (g,) = bias_subspace(embeddings, words.pairs)
        covered = without(words.neutral, words.pairs)
        w = unit_vectors(embeddings, covered)
        repelled = mean_biased_neighbors(
            w.astype(np.float32), g.astype(np.float32), self.neighbors, self.threshold
        )
        weights = (self.weight * self.repulsion, self.attraction, self.weight * self.neutralization)
        return Directions(covered, ran_optimum(w, repelled, g, weights).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Directions(Eraser):
    """New directions of some words, which keep their lengths; no other word changes."""

    words: tuple[str, ...]
    unit: NDArray[np.float32]  # their new unit vectors, ``(n, d)``

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order; a zero vector stays zero."""
        known = [i for i, word in enumerate(self.words) if word in embeddings]
        rows = [embeddings.index[self.words[i]] for i in known]
        vectors = embeddings.vectors.copy()
        lengths = np.linalg.norm(vectors[rows].astype(np.float64), axis=1, keepdims=True)
        vectors[rows] = self.unit[known] * lengths
        return frozen(embeddings.words, vectors)


def ran_optimum(
    w: Matrix,
    repelled: NDArray[np.floating],
    g: NDArray[np.float64],
    weights: tuple[float, float, float],
) -> Matrix:
    """Return the unit vectors u that minimise λ₁|u·m| + λ₂(1 − u·w)/2 + λ₃|u·g|, ``(n, d)``.

    Projected subgradient descent on the sphere from w, all words at once, in the orthonormal basis
    that w, m and g span for each word; the best point of the path is kept, so that no word ends
    worse than it started.

    Args:
        w: Unit vectors, ``(n, d)``.
        repelled: m, means of the neighbours to be repelled, ``(n, d)``.
        g: Unit gender direction, ``(d,)``.
        weights: λ₁ (repulsion), λ₂ (attraction), λ₃ (neutralisation).
    """
    second, m = _next_axis(repelled.astype(np.float64), w)
    third, coordinates = _next_axis(np.broadcast_to(g, w.shape), w, second)
    m, G = np.column_stack([m, np.zeros(len(w))]), coordinates
    u = np.zeros((len(w), 3))
    u[:, 0] = 1.0
    best, least = u, _objective(u, m, G, weights)
    step = _FIRST_STEP
    for _ in range(_STEPS):
        slope = (
            weights[0] * np.sign(_dot(u, m))[:, None] * m
            + weights[2] * np.sign(_dot(u, G))[:, None] * G
        )
        slope[:, 0] -= weights[1] / 2
        slope -= _dot(slope, u)[:, None] * u  # along the sphere
        u = units(u - step * units(slope))
        value = _objective(u, m, G, weights)
        better = value < least
        best, least = np.where(better[:, None], u, best), np.minimum(value, least)
        step *= _DECAY
    result: Matrix = best[:, :1] * w + best[:, 1:2] * second + best[:, 2:] * third
    return result


def _next_axis(rows: Matrix, *axes: Matrix) -> tuple[Matrix, Matrix]:
    """Return the unit part of rows orthogonal to earlier axes, and coordinates in all of them."""
    left, coordinates = rows, []
    for axis in axes:
        along = _dot(rows, axis)
        coordinates.append(along)
        left = left - along[:, None] * axis
    size = np.linalg.norm(left, axis=1)
    left, size = np.where(size[:, None] > 1e-9, left, 0), np.where(size > 1e-9, size, 0)
    return units(left), np.column_stack([*coordinates, size])


def _dot(a: Matrix, b: Matrix) -> NDArray[np.float64]:
    product: NDArray[np.float64] = np.einsum("ij,ij->i", a, b)
    return product


def _objective(
    u: Matrix, m: Matrix, g: Matrix, weights: tuple[float, float, float]
) -> NDArray[np.float64]:
    repulsion, attraction, neutralization = weights
    value: NDArray[np.float64] = (
        repulsion * np.abs(_dot(u, m))
        + attraction * (1 - u[:, 0]) / 2
        + neutralization * np.abs(_dot(u, g))
    )
    return value


_GROUP = 256  # drawn words among which a word's neighbours are sought: all of them would cost n²


@register("ran-training")
@dataclass(frozen=True)
class RepulsionNeutralisation(Penalty):
    """Mean over neutral words w of (F_r + F_n) / 2, where SGNS itself is the attraction F_a.

    - Repulsion F_r: mean over its biased neighbours v of |cos(w, v)|. Neighbours are the
      ``neighbors`` nearest of w among 256 drawn words; biased are those with an indirect
      bias β(w, v) = (w·v − w_⊥·v_⊥ / (‖w_⊥‖ ‖v_⊥‖)) / w·v above ``threshold``.
    - Neutralisation F_n: |cos(w, g)|, g the gender direction of the moment.

    The paper's F_a holds a finished vector where it was; in training, the text does. Its weights
    of F_r and F_n are equal (1/8 each), as here. Which neighbours are biased, and g, are held
    constant in the gradient.

    Raises:
        UserError: ``neighbors`` is below 1, or ``threshold`` outside [0, 1).
    """

    threshold: float = 0.05
    neighbors: int = 5

    citation = (
        "Kumar et al. 2020, Nurse is Closer to Woman than Surgeon? Mitigating Gender-Biased "
        "Proximities in Word Embeddings (TACL), eq. 1-5, in training"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e1)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.neighbors < 1:
            raise UserError(f"neighbors was {self.neighbors}", allowed="1 or more")
        if not 0 <= self.threshold < 1:
            raise UserError(f"threshold was {self.threshold}", allowed="a number from 0 to below 1")

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean of repulsion and neutralisation, in [0, 1]."""
        unit = unit_rows(W)
        neutral, male, female = words.split(unit)
        g = gender_direction(male, female, "pca")
        groups = neutral.split(_GROUP)
        found = self._found
        if found.words is not words:
            found.words, found.near = words, [self._biased_neighbors(each, g) for each in groups]
        near = zip(groups, found.near, strict=True)
        repulsion = sum((_repulsion(unit, *own) for unit, own in near), W.new_zeros(()))
        return (repulsion / len(neutral) + (neutral @ g).abs().mean()) / 2

    @cached_property
    def _found(self) -> _Found:
        return _Found()

    @torch.no_grad()
    def _biased_neighbors(self, unit: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest rows of each row, and shares that add up to 1 of those near by gender.

        Each ``(n, k)``; the shares of a row are all 0 where none is.
        """
        count = min(self.neighbors, len(unit) - 1)
        cosines, along = (unit @ unit.T).fill_diagonal_(-torch.inf), unit @ g
        nearest, near = cosines.topk(count, dim=1)
        across = (1 - along.square()).clamp_min(1e-12).sqrt()  # ‖w_⊥‖ of unit rows
        without = (nearest - along[:, None] * along[near]) / (across[:, None] * across[near])
        indirect = (nearest - without) / nearest.clamp_min(1e-12)
        biased = ((nearest > 0) & (indirect > self.threshold)).to(unit.dtype)
        return near, biased / biased.sum(1, keepdim=True).clamp_min(1)


class _Found:
    """The biased neighbours of the last draw of words: they stand still on the path of one step."""

    def __init__(self) -> None:
        self.words: PenaltyWords | None = None
        self.near: list[tuple[Tensor, Tensor]] = []  # of each group, as `_biased_neighbors`


def _repulsion(unit: Tensor, near: Tensor, shares: Tensor) -> Tensor:
    """Return the sum over some unit rows of the mean |cos| with their biased neighbours."""
    rows = unit.detach()
    signs = (rows @ rows.T).gather(1, near).sign_()
    weights = rows.new_zeros(len(rows), len(rows)).scatter_(1, near, signs.mul_(shares))
    return ((weights @ unit) * unit).sum()
