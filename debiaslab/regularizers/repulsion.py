"""The neighbours of words that are near because of gender: what RAN-debias repels from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
