"""The random-word yardstick: how large |s| gets when the target words are nobody's stereotype."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from debiaslab.embeddings import Embeddings
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.vocabulary import find, unit_rows

DRAWS = 10_000
TOP = 10_000
QUANTILE = 0.95


def null_statistics(
    embeddings: Embeddings,
    A: Sequence[str],
    B: Sequence[str],
    n_x: int,
    n_y: int,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    exclude: Iterable[str] = (),
    top: int = TOP,
) -> NDArray[np.float64]:
    """Return the signed WEAT statistic ``s`` of ``draws`` random target sets, shape ``(draws,)``.

    Each draw takes disjoint sets of ``n_x`` and ``n_y`` words, without replacement, from the
    ``top`` first (most frequent) words of the vectors, less ``exclude``, the attribute words
    themselves and words whose vector is all zeros.

    Raises:
        NotMeasuredError: Fewer than ``n_x + n_y`` words are left to draw from, an attribute set is
            empty, or one of its vectors is all zeros.
    """
    attributes = [find(embeddings, words) for words in (A, B)]
    if not all(each.rows for each in attributes):
        raise NotMeasuredError("no attribute word is in the vectors, so there is no null")
    a, b = (unit_rows(embeddings, each.rows) for each in attributes)
    left_out = {*find(embeddings, exclude).rows, *attributes[0].rows, *attributes[1].rows}
    associations = _associations(embeddings, a.mean(axis=0) - b.mean(axis=0), left_out, top)
    if len(associations) < n_x + n_y:
        raise NotMeasuredError(
            f"a null of {n_x} against {n_y} words needs {n_x + n_y} words, "
            f"{len(associations)} are left"
        )
    rng = np.random.default_rng(seed)
    drawn = associations[_distinct(len(associations), n_x + n_y, draws, rng)]
    statistics: NDArray[np.float64] = drawn[:, :n_x].mean(axis=1) - drawn[:, n_x:].mean(axis=1)
    return statistics


def null_quantile(
    embeddings: Embeddings,
    A: Sequence[str],
    B: Sequence[str],
    n_x: int,
    n_y: int,
    *,
    q: float = QUANTILE,
    draws: int = DRAWS,
    seed: int = 0,
    exclude: Iterable[str] = (),
    top: int = TOP,
) -> float:
    """Return the ``q`` quantile of ``|s|`` over random target sets, in cosine units.

    A ``|s|`` below it is what random words show; taken in the baseline vectors it is the fixed
    yardstick of the objective. Arguments and errors as in :func:`null_statistics`.
    """
    statistics = null_statistics(
        embeddings, A, B, n_x, n_y, draws=draws, seed=seed, exclude=exclude, top=top
    )
    return float(np.quantile(np.abs(statistics), q))


def _associations(
    embeddings: Embeddings, contrast: NDArray[np.float64], left_out: set[int], top: int
) -> NDArray[np.float64]:
    """Return ``s(w, A, B)`` of the words that may be drawn."""
    vectors = embeddings.vectors[:top].astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    usable = norms > 0
    usable[[row for row in left_out if row < len(vectors)]] = False
    associations: NDArray[np.float64] = (vectors @ contrast)[usable] / norms[usable]
    return associations


def _distinct(n: int, size: int, draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``draws`` ordered samples without replacement of ``size`` out of ``n``.

    Floyd's algorithm (Bentley & Floyd 1987), one word at a time over all draws: uniform over
    sets, whatever ``n``; the shuffle then makes each order of a set equally likely.
    """
    drawn = np.empty((size, draws), dtype=np.int64)
    for row, last in enumerate(range(n - size, n)):
        pick = rng.integers(0, last + 1, size=draws)
        taken = (drawn[:row] == pick).any(axis=0)
        drawn[row] = np.where(taken, last, pick)
    return rng.permuted(drawn.T, axis=1)
