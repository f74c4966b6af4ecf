"""Bias by projection: how far each word leans to one gender, with its sign.

The word-level quantity of Bolukbasi et al. (2016, section 5.1) whose size direct bias averages, and
on which the tests of Gonen & Goldberg (2019) and the factual association build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import NO_INTERVAL, RESAMPLES, Interval, bootstrap_mean
from debiaslab.metrics.direct_bias import Method, Pair, gender_direction
from debiaslab.metrics.measured import FLOAT32_NOISE, NotMeasuredError
from debiaslab.metrics.vocabulary import find, require_directions, require_enough, unit_rows
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]

HE_SHE: Pair = ("he", "she")


@dataclass(frozen=True)
class BiasByProjection:
    """Result of :func:`bias_by_projection`.

    Attributes:
        value: Mean of ``cos(w, g)``: positive when the words lean to the first (male) side; None
            when not measured.
        interval: Bootstrap interval of the mean over the words.
        words: The words as the vectors spell them.
        projections: ``cos(w, g)`` of each of them, in [−1, 1].
        missing: Words that have no vector.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    words: tuple[str, ...] = ()
    projections: tuple[float, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def n(self) -> int:
        """Words that have a vector."""
        return len(self.words)


def bias_by_projection(
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    *,
    method: Method = "pca",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> BiasByProjection:
    """Return ``cos(w, g)`` of each word, signed, and its mean (Bolukbasi et al. 2016, 5.1).

    Args:
        embeddings: The vectors.
        words: The words to measure; repeated words count once.
        pairs: Definitional pairs ``(male, female)`` that give ``g``; positive is male. Exchanging
            the sides of every pair negates every number.
        method: How ``g`` is made, see ``gender_direction``.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with fewer than 4 words or 2 pairs left, all-zero
        vectors, or words whose vectors all point the same way.
    """
    found = find(embeddings, words)
    empty = BiasByProjection(words=found.words, missing=found.missing)
    try:
        require_enough("the word list", found)
        direction = gender_direction(embeddings, pairs, method=method)
        unit = unit_rows(embeddings, found.rows)
        require_directions("the word list", unit)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    values = unit @ direction
    return replace(
        empty,
        value=float(values.mean()),
        interval=bootstrap_mean(values, bootstrap, seed),
        projections=tuple(values.tolist()),
    )


def pair_difference(embeddings: Embeddings, pair: Pair = HE_SHE) -> Vector:
    """Return the difference of the two unit vectors of a pair, first less second, shape ``(d,)``.

    Its product with a unit vector is ``cos(w, first) − cos(w, second)``.

    Raises:
        NotMeasuredError: A word of the pair has no vector or an all-zero one, or both have the
            same direction.
    """
    found = find(embeddings, pair)
    require_enough(f"the pair {pair[0]} : {pair[1]}", found, least=2)
    first, second = unit_rows(embeddings, found.rows)
    difference: Vector = first - second
    if np.linalg.norm(difference) <= FLOAT32_NOISE:
        raise NotMeasuredError(f"{pair[0]} and {pair[1]} have the same vectors")
    return difference
