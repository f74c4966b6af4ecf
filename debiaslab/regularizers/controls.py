"""The baseline, and controls of post-processing: there to be compared with, not to be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from debiaslab.errors import UserError
from debiaslab.regularizers.postprocess import (
    DebiasWords,
    Eraser,
    Matrix,
    PostProcess,
    frozen,
    unit_blocks,
    unit_vectors,
)
from debiaslab.regularizers.registry import Strategy, register
from debiaslab.regularizers.subspace import NeutralizeAndEqualize, check_known, check_sets
from debiaslab.regularizers.words import Pair
from debiaslab.vectors.embeddings import Embeddings, units


@register("none")
@dataclass(frozen=True)
class NoStrategy(Strategy):
    """Plain SGNS (Mikolov et al. 2013, Distributed Representations of Words and Phrases)."""

    citation = "Mikolov et al. 2013, Distributed Representations of Words and Phrases (NeurIPS)"


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


@register("equalize-only")
@dataclass(frozen=True)
class EqualizeOnly(PostProcess):
    """Control: the pairs alone are changed, and no word whose bias is measured.

    Both members of a pair become their mean, and differ by a sign in the direction e in which the
    covered words have the least of their length; their distance stays. Whatever reads bias along
    these pairs then finds hardly any, in words that are what they were.
    """

    control: ClassVar[bool] = True
    citation = "control, no method: after 'equalize' of Bolukbasi et al. 2016, without 'neutralize'"

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Find e; nothing is drawn."""
        check_known(embeddings, words.neutral)
        check_sets(embeddings, words.pairs)
        scatter = sum(rows.T @ rows for rows in unit_blocks(embeddings, words.neutral))
        e = np.linalg.eigh(scatter)[1][:, 0]
        male, female = (unit_vectors(embeddings, each) for each in zip(*words.pairs, strict=True))
        return _Signed(-e if (male - female).sum(axis=0) @ e < 0 else e, words.pairs)


@register("ruler", former=True)
@dataclass(frozen=True)
class Ruler(EqualizeOnly):
    """``equalize-only`` under its first name, which stores and study files may have."""


@dataclass(frozen=True, eq=False)
class _Signed(Eraser):
    """Pairs that differ along one direction only."""

    e: Matrix  # that direction, of length 1, ``(d,)``; male words have a positive part in it
    pairs: tuple[Pair, ...]  # (male, female)

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order."""
        vectors = embeddings.vectors.copy()
        for pair in self.pairs:
            if all(word in embeddings for word in pair):
                rows = [embeddings.index[word] for word in pair]
                vectors[rows] = self._signed(vectors[rows].astype(np.float64))
        return frozen(embeddings.words, vectors)

    def _signed(self, rows: Matrix) -> Matrix:
        unit = units(rows)
        mean = unit.mean(axis=0)
        mean -= (mean @ self.e) * self.e
        apart = np.linalg.norm(unit[0] - unit[1]) / 2
        length = np.linalg.norm(rows, axis=1).mean()
        result: Matrix = length * (mean + np.outer([apart, -apart], self.e))
        return result
