"""k-means with two clusters (Lloyd 1982), all restarts of all seeds in one product of matrices.

scikit-learn's ``KMeans`` finds the same partitions, but one restart after the other, setting up
threads for each: for 1,000 vectors and 50 restarts that takes more than ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

RESTARTS = 10
_ITERATIONS = 300


def two_means(
    points: Matrix, seeds: Sequence[int], *, restarts: int = RESTARTS
) -> NDArray[np.bool_]:
    """Return for each seed which of two clusters each point is in, shape ``(len(seeds), n)``.

    Each seed's partition is the one of the least inertia among ``restarts`` runs, each started at
    a point drawn uniformly and a second drawn by the squared distance to it (k-means++, Arthur &
    Vassilvitskii 2007), and run until no point changes its cluster (at most 300 rounds).

    Args:
        points: Shape ``(n, d)``, at least two of them different.
        seeds: One run of the whole procedure each.
        restarts: Runs a seed.
    """
    first, second = _starts(points, seeds, restarts)
    labels = _lloyd(points, first, second)
    best = _inertia(points, labels).reshape(len(seeds), restarts).argmin(axis=1)
    chosen: NDArray[np.bool_] = labels[np.arange(len(seeds)) * restarts + best]
    return chosen


def _starts(points: Matrix, seeds: Sequence[int], restarts: int) -> tuple[Matrix, Matrix]:
    """Return two starting centres for each run, each of shape ``(len(seeds) · restarts, d)``."""
    n = len(points)
    squares = np.einsum("ij,ij->i", points, points)
    drawn = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        first = rng.integers(n, size=restarts)
        distances = squares + squares[first, None] - 2 * points[first] @ points.T
        reach = np.cumsum(np.clip(distances, 0, None), axis=1)
        thresholds = rng.random(restarts) * reach[:, -1]
        second = [
            np.searchsorted(r, t, side="right") for r, t in zip(reach, thresholds, strict=True)
        ]
        drawn.append((first, np.minimum(second, n - 1)))
    return (
        points[np.concatenate([first for first, _ in drawn])],
        points[np.concatenate([second for _, second in drawn])],
    )


def _lloyd(points: Matrix, first: Matrix, second: Matrix) -> NDArray[np.bool_]:
    """Return for each run which points are nearer to its second centre once nothing changes."""
    labels = np.zeros((len(first), len(points)), dtype=bool)
    total, n = points.sum(axis=0), len(points)
    active = np.arange(len(first))
    for _ in range(_ITERATIONS):
        a, b = first[active], second[active]
        middle = (np.einsum("ij,ij->i", b, b) - np.einsum("ij,ij->i", a, a)) / 2
        new = (b - a) @ points.T > middle[:, None]
        changed = (new != labels[active]).any(axis=1)
        labels[active] = new
        active, new = active[changed], new[changed]
        # A run whose points are all in one cluster keeps its centres and so ends in the next round.
        two = new.any(axis=1) & ~new.all(axis=1)
        in_second = new[two].astype(np.float64)
        sizes, sums = in_second.sum(axis=1, keepdims=True), in_second @ points
        second[active[two]] = sums / sizes
        first[active[two]] = (total - sums) / (n - sizes)
        if not len(active):
            break
    return labels


def _inertia(points: Matrix, labels: NDArray[np.bool_]) -> Matrix:
    """Return each run's sum of squared distances to the centres, less the sum of squares."""
    in_second = labels.astype(np.float64)
    sizes, sums = in_second.sum(axis=1), in_second @ points
    rest = points.sum(axis=0) - sums
    return -sum(
        np.einsum("ij,ij->i", each, each) / np.maximum(size, 1.0)
        for each, size in ((sums, sizes), (rest, len(points) - sizes))
    )
