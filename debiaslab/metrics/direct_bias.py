"""Gender direction and direct bias (Bolukbasi et al. 2016, NeurIPS, sections 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.metrics.bootstrap import NO_INTERVAL, RESAMPLES, Interval, bootstrap_mean
from debiaslab.metrics.measured import FLOAT32_NOISE, MIN_PAIRS, NotMeasuredError, shortlist
from debiaslab.metrics.vocabulary import (
    find,
    require_directions,
    require_enough,
    row_of,
    unit_rows,
)
from debiaslab.vectors.embeddings import Embeddings

Method = Literal["pca", "mean"]
Pair = tuple[str, str]


@dataclass(frozen=True)
class DirectBias:
    """Result of :func:`direct_bias`.

    Attributes:
        value: Mean of ``|cos(w, g)|^c``, in [0, 1]; None when not measured.
        interval: Bootstrap interval over the words.
        n: Words that have a vector.
        pairs: Definitional pairs with both words known.
        missing: Words, and words of pairs, that have no vector.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    n: int = 0
    pairs: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


def gender_direction(
    embeddings: Embeddings, pairs: Sequence[Pair], *, method: Method = "pca"
) -> NDArray[np.float64]:
    """Return the unit gender direction, shape ``(d,)``, pointing from female to male.

    Args:
        embeddings: The vectors; only their directions are used.
        pairs: Definitional pairs ``(male, female)``; a pair with an unknown word is left out whole.
        method: ``"pca"``: first principal component of both halves of every pair, each pair
            centred on its own mean. ``"mean"``: mean of the differences male − female.

    Raises:
        NotMeasuredError: Fewer than 2 pairs are left, a vector is all zeros, or the halves of the
            pairs do not differ.
        UserError: Unknown ``method``.
    """
    if method not in ("pca", "mean"):
        raise UserError(f"unknown method {method!r} for the gender direction", allowed="pca, mean")
    rows, missing = _pair_rows(embeddings, pairs)
    if len(rows) < MIN_PAIRS:
        lost = f" (missing: {shortlist(missing)})" if missing else ""
        raise NotMeasuredError(
            f"{len(rows)} of {len(pairs)} definitional pairs have both words in the "
            f"vectors{lost}, needs {MIN_PAIRS}"
        )
    male = unit_rows(embeddings, (m for m, _ in rows))
    female = unit_rows(embeddings, (f for _, f in rows))
    differences = male - female
    mean = differences.mean(axis=0)
    if method == "pca":
        # Centred on its mean, a pair is ±(difference / 2): the sign pattern does not change the
        # components, so those of the differences are those of the stacked halves.
        _, sizes, axes = np.linalg.svd(differences, full_matrices=False)
        size, direction = float(sizes[0]), axes[0]
    else:
        size, direction = float(np.linalg.norm(mean)), mean
    if size <= FLOAT32_NOISE:
        raise NotMeasuredError("the two halves of the definitional pairs have the same vectors")
    sign = -1.0 if float(direction @ mean) < 0 else 1.0
    oriented: NDArray[np.float64] = sign * direction / np.linalg.norm(direction)
    return oriented


def direct_bias(
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    *,
    c: float = 1.0,
    method: Method = "pca",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> DirectBias:
    """Measure ``DirectBias_c = mean over words of |cos(w, g)|^c`` (Bolukbasi et al. 2016, 5.2).

    Args:
        embeddings: The vectors.
        words: Gender-neutral words; repeated words count once.
        pairs: Definitional pairs ``(male, female)`` that give the direction ``g``.
        c: Strictness; 1 in the paper.
        method: How ``g`` is made, see :func:`gender_direction`.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with fewer than 4 words or 2 pairs left, all-zero
        vectors, or words whose vectors all point the same way.
    """
    found = find(embeddings, words)
    rows, missing_pairs = _pair_rows(embeddings, pairs)
    missing = tuple(dict.fromkeys(found.missing + missing_pairs))
    empty = DirectBias(n=len(found.words), pairs=len(rows), missing=missing)
    try:
        require_enough("the word list", found)
        direction = gender_direction(embeddings, pairs, method=method)
        unit = unit_rows(embeddings, found.rows)
        require_directions("the word list", unit)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    values = bias_sizes(unit, direction, c)
    return replace(
        empty, value=float(values.mean()), interval=bootstrap_mean(values, bootstrap, seed)
    )


def bias_sizes(
    unit: NDArray[np.float64], direction: NDArray[np.float64], c: float = 1.0
) -> NDArray[np.float64]:
    """Return ``|cos(w, g)|^c`` of unit rows, shape ``(n, d)``, and a unit ``g``; shape ``(n,)``.

    Direct bias is their mean: a random-word null takes means of random draws from the sizes of all
    words that may be drawn, which are computed once.
    """
    sizes: NDArray[np.float64] = np.abs(unit @ direction) ** c
    return sizes


def _pair_rows(
    embeddings: Embeddings, pairs: Sequence[Pair]
) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
    """Return the rows of the complete pairs, and the words that made the others incomplete."""
    rows: list[tuple[int, int]] = []
    missing: list[str] = []
    for pair in pairs:
        male, female = (row_of(embeddings, word) for word in pair)
        if male is not None and female is not None:
            rows.append((male, female))
        missing += [w for w, row in zip(pair, (male, female), strict=True) if row is None]
    return rows, tuple(missing)
