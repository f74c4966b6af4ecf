"""A linear or affine map of the covered words: what the linear erasers leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.regularizers.postprocess import Eraser
from debiaslab.regularizers.rows import Matrix, changed, scaled_like
from debiaslab.vectors.embeddings import Embeddings


@dataclass(frozen=True, eq=False)
class AffineMap(Eraser):
    """w ← w − (w − c) Dᵀ for the words it covers; no other word changes.

    Attributes:
        D: What is taken away, ``(d, d)``: identity minus the map.
        center: c, ``(d,)``, which the map leaves in place.
        words: The words it covers.
        keep_lengths: Whether the results are scaled to the old lengths.
    """

    D: Matrix
    center: NDArray[np.float64]
    words: tuple[str, ...]
    keep_lengths: bool = False

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order."""
        return changed(embeddings, self.words, self._map)

    def _map(self, rows: Matrix) -> Matrix:
        mapped: Matrix = rows - (rows - self.center) @ self.D.T
        return scaled_like(mapped, rows) if self.keep_lengths else mapped
