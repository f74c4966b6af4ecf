"""The control of bias that is read along gender words: what does changing these alone do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from debiaslab.regularizers.postprocess import DebiasWords, Eraser, Pair, PostProcess
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.rows import Matrix, frozen, unit_blocks, unit_vectors, units
from debiaslab.regularizers.subspace import check_known, check_sets
from debiaslab.vectors.embeddings import Embeddings


@register("ruler")
@dataclass(frozen=True)
class Ruler(PostProcess):
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


@dataclass(frozen=True, eq=False)
class _Signed(Eraser):
    """Pairs that differ along one direction only.

    Attributes:
        e: That direction, of length 1, ``(d,)``; male words have a positive part in it.
        pairs: (male, female).
    """

    e: Matrix
    pairs: tuple[Pair, ...]

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
