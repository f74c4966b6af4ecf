"""SAME, a cosine score of bias for any number of groups (Schröder et al. 2021, 2024).

Schröder, Schulz, Kenneweg, Feldhans, Hinder & Hammer (2021), Evaluating Metrics for Bias in Word
Embeddings, arXiv 2111.07864; Schröder, Schulz & Hammer (2024), The SAME score, IJCNN, arXiv
2203.14603, and the authors' code (EmbeddingBiasScores).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, nearest
from debiaslab.metrics.bootstrap import NO_INTERVAL, RESAMPLES, Interval, bootstrap_mean
from debiaslab.metrics.measured import FLOAT32_NOISE, NotMeasuredError
from debiaslab.metrics.vocabulary import find, require_directions, require_enough, unit_rows
from debiaslab.metrics.word_sets import WordSets, find_sets, in_order
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]
Method = Literal["published", "subspace"]


@dataclass(frozen=True)
class PairBias:
    """Bias between two groups, over words.

    Attributes:
        first: A group.
        second: Another.
        skew: Mean of ``cos(w, mean of first − mean of second)``; positive: toward the first.
        stereotype: Its (population) standard deviation: words pulled to both sides.
    """

    first: str
    second: str
    skew: float
    stereotype: float


@dataclass(frozen=True)
class Same:
    """Result of :func:`same`.

    Attributes:
        value: Mean bias of the words, 0 for none; None when not measured.
        interval: Bootstrap interval over the words.
        pairs: Skew and stereotype of every two groups.
        n: Words that have a vector.
        groups: Words of each group that have one.
        missing: Words of any list that have none.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    pairs: tuple[PairBias, ...] = ()
    n: int = 0
    groups: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class BiasSpace:
    """Orthonormal directions between the groups, shape ``(k, d)``, and what each counts."""

    directions: Vector
    weights: Vector
    method: Method


def same(
    embeddings: Embeddings,
    words: Sequence[str],
    attributes: WordSets,
    *,
    method: Method = "published",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Same:
    """Measure how far words lie along the differences between groups.

    With the mean ``Â_i`` of the unit vectors of group ``i``, two groups give the mean over words
    of ``|cos(w, Â_1 − Â_2)|``, in [0, 1]. For more, the differences ``Â_i − Â_1`` are made
    orthogonal one after the other into ``b_2, b_3, …`` (Gram–Schmidt), so that no bias counts
    twice, and each later one counts by what is left of it:
    ``|cos(w, b_2)| + Σ over i > 2 of |cos(w, b_i)| · ‖b_i‖``.

    Args:
        embeddings: The vectors.
        words: The words to measure, at least 4; repeated words count once.
        attributes: Two or more groups of at least 2 words each.
        method: ``"published"``: as above; with three groups or more it depends on which group
            comes first. ``"subspace"``: the length of the unit vector's projection on all the
            differences, in [0, 1], which does not; the same for two groups.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with too few words, a word in two groups, all-zero or
        collapsed vectors, or groups with one and the same mean.

    Raises:
        UserError: Unknown ``method``, or fewer than two groups.
    """
    if method not in get_args(Method):
        known = get_args(Method)
        raise UserError(
            f"unknown method {method!r} for SAME",
            allowed=", ".join(known),
            nearest=nearest(method, known),
        )
    found, groups = find(embeddings, words), find_sets(embeddings, attributes)
    empty = Same(
        n=len(found.words),
        groups=tuple(groups.sizes.values()),
        missing=tuple(dict.fromkeys(found.missing + groups.missing)),
    )
    try:
        require_enough("the word list", found)
        groups.require()
        rows = unit_rows(embeddings, in_order(found))
        require_directions("the word list", rows)
        means = groups.unit_means(embeddings)
        space = bias_space(means, method)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    scores = same_scores(rows, space)
    return replace(
        empty,
        value=float(scores.mean()),
        interval=bootstrap_mean(scores, bootstrap, seed),
        pairs=tuple(
            _pair_bias(groups.names[i], groups.names[j], rows, means[i] - means[j])
            for i, j in groups.pairs
            if np.linalg.norm(means[i] - means[j]) > FLOAT32_NOISE
        ),
    )


def bias_space(means: Vector, method: Method = "published") -> BiasSpace:
    """Return the directions between group means, shape ``(groups, d)``.

    Raises:
        NotMeasuredError: All means are the same.
    """
    directions: list[Vector] = []
    weights: list[float] = []
    for mean in means[1:]:
        left = mean - means[0]
        for direction in directions:
            left = left - (left @ direction) * direction
        length = float(np.linalg.norm(left))
        if length > FLOAT32_NOISE:  # else a mixture of those before it
            directions.append(left / length)
            weights.append(length if weights else 1.0)
    if not directions:
        raise NotMeasuredError("the groups all have the same mean vector")
    return BiasSpace(np.array(directions), np.array(weights), method)


def same_scores(rows: Vector, space: BiasSpace) -> Vector:
    """Return the bias of each of the unit rows, shape ``(n, d)``; their mean is SAME."""
    along = rows @ space.directions.T
    scores: Vector
    if space.method == "subspace":
        scores = np.linalg.norm(along, axis=-1)
    else:
        scores = np.abs(along) @ space.weights
    return scores


def _pair_bias(first: str, second: str, rows: Vector, difference: Vector) -> PairBias:
    along = rows @ (difference / np.linalg.norm(difference))
    return PairBias(first, second, float(along.mean()), float(along.std()))
