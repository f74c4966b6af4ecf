"""Nearest rows by cosine, block by block: nothing of the size words × words is ever made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.vectors.embeddings import Embeddings

CANDIDATES = 200_000
"""Only the first (most frequent) words are looked at, as in most published analogy results."""

Rows = NDArray[np.intp]
Matrix = NDArray[np.float32]

_BLOCK = 4096


@dataclass(frozen=True)
class Nearest:
    """The ``k`` nearest of some candidates for each of ``n`` queries, best first.

    Attributes:
        positions: Index into the candidates, shape ``(n, k)``; −1 where fewer than ``k`` are left.
        cosines: Products with the unit candidates, shape ``(n, k)``; −inf where there is none.
    """

    positions: Rows
    cosines: Matrix


def unit_block(embeddings: Embeddings, rows: slice | Rows) -> Matrix:
    """Return the float32 unit vectors of some rows, shape ``(n, d)``; all-zero rows stay zero.

    Lengths are taken in float64, and only for the rows asked for: for a search through a part of
    a million words, ``Embeddings.unit`` would be a second copy of everything.
    """
    block = embeddings.vectors[rows].astype(np.float64)
    norms = np.linalg.norm(block, axis=1, keepdims=True)
    unit: Matrix = (block / np.where(norms > 0, norms, 1.0)).astype(np.float32)
    return unit


def nearest_rows(
    queries: Matrix, embeddings: Embeddings, candidates: Rows, k: int, own: Rows | None = None
) -> Nearest:
    """Find the ``k`` candidates with the largest product with each query.

    Args:
        queries: Shape ``(n, d)``; unit vectors for cosines.
        embeddings: Where the candidates are.
        candidates: Rows to look through, shape ``(m,)``; all-zero vectors are never found. Of
            equal cosines, those that stand first here are kept.
        k: How many, 1 or more.
        own: For each query a position in ``candidates`` that must not be found (the word itself).
    """
    best = Best(len(queries), min(k, len(candidates)))
    for start in range(0, len(candidates), _BLOCK):
        block = unit_block(embeddings, candidates[start : start + _BLOCK])
        cosines = queries @ block.T
        cosines[:, ~block.any(axis=1)] = -np.inf
        if own is not None:
            inside = np.flatnonzero((own >= start) & (own < start + len(block)))
            cosines[inside, own[inside] - start] = -np.inf
        best.add(cosines, start)
    return best.nearest(k)


class Best:
    """The best ``k`` of each of ``n`` rows so far, in falling order.

    Attributes:
        k: How many are kept.
        values: Shape ``(n, k)``; −inf where there is none yet.
        positions: Where they were found, shape ``(n, k)``.
    """

    def __init__(self, n: int, k: int) -> None:
        self.k = k
        self.values = np.full((n, k), -np.inf, np.float32)
        self.positions = np.full((n, k), -1, np.intp)

    def add(self, values: Matrix, start: int) -> None:
        """Merge a block, shape ``(n, block)``; only what beats the k-th best so far is sorted."""
        if start == 0 and values.shape[1] > self.k:
            least = np.partition(values, -self.k, axis=1)[:, -self.k, None]
            rows, columns = np.nonzero(values >= least)
        else:
            rows, columns = np.nonzero(values > self.values[:, -1:])
        if not len(rows):
            return
        n = len(self.values)
        every_row = np.r_[np.repeat(np.arange(n), self.k), rows]
        every_value = np.r_[self.values.ravel(), values[rows, columns]]
        every_position = np.r_[self.positions.ravel(), columns + start]
        order = np.lexsort((-every_value, every_row))  # stable: the earlier position wins a tie
        place = np.arange(len(order)) - np.searchsorted(every_row[order], every_row[order])
        kept = order[place < self.k]
        self.values = every_value[kept].reshape(n, self.k)
        self.positions = every_position[kept].reshape(n, self.k)

    def nearest(self, k: int) -> Nearest:
        """Return what is kept, filled up to ``k`` columns."""
        missing = k - self.k
        positions = np.where(np.isfinite(self.values), self.positions, -1)
        return Nearest(
            np.pad(positions, ((0, 0), (0, missing)), constant_values=-1),
            np.pad(self.values, ((0, 0), (0, missing)), constant_values=-np.inf),
        )
