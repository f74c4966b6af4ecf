"""Relative norm distance (Garg, Schiebinger, Jurafsky & Zou 2018, PNAS 115:E3635–E3644)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, nearest
from debiaslab.metrics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample_counts,
)
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.vocabulary import find, require_directions, require_enough, unit_rows
from debiaslab.metrics.word_sets import GroupPair, WordSets, find_sets, in_order
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]
Distance = Literal["norm", "cosine"]


@dataclass(frozen=True)
class Rnd:
    """Result of :func:`rnd`.

    Attributes:
        value: Two groups: mean over words of distance to the first less distance to the second,
            so positive is nearer to the second. More groups: the mean size over every two.
        interval: Bootstrap interval over the words.
        pairs: The signed value of every two groups.
        n: Words that have a vector.
        groups: Words of each group that have one.
        missing: Words of any list that have none.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    pairs: tuple[GroupPair, ...] = ()
    n: int = 0
    groups: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None


def rnd(
    embeddings: Embeddings,
    words: Sequence[str],
    attributes: WordSets,
    *,
    distance: Distance = "norm",
    unit: bool = True,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Rnd:
    """Measure whether words lie nearer to the mean vector of one group than of another.

    ``mean over w of dist(w, v_1) − dist(w, v_2)``, ``v_i`` the mean of group ``i``. The paper
    sums over words where this takes the mean, so that lists of any length compare.

    Args:
        embeddings: The vectors.
        words: The neutral words, at least 4; repeated words count once.
        attributes: Two or more groups of at least 2 words each.
        distance: ``"norm"``: Euclidean. ``"cosine"``: 1 − cosine, so that both have one sign (the
            paper and WEFE subtract cosine *similarities*, which is the negative of this).
        unit: Scale every vector to length 1 first, as in the paper. Without, the norm distance
            carries the lengths of the vectors, and values of two spaces do not compare.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with too few words, a word in two groups, or all-zero or
        collapsed vectors.

    Raises:
        UserError: Unknown ``distance``, or fewer than two groups.
    """
    if distance not in get_args(Distance):
        known = get_args(Distance)
        raise UserError(
            f"unknown distance {distance!r}",
            allowed=", ".join(known),
            nearest=nearest(distance, known),
        )
    found, groups = find(embeddings, words), find_sets(embeddings, attributes)
    empty = Rnd(
        n=len(found.words),
        groups=tuple(groups.sizes.values()),
        missing=tuple(dict.fromkeys(found.missing + groups.missing)),
    )
    try:
        require_enough("the word list", found)
        groups.require()
        rows, sets = unit_rows(embeddings, in_order(found)), groups.unit(embeddings)
        require_directions("the word list", rows)
        if not unit:
            rows = _raw(embeddings, in_order(found))
            sets = [_raw(embeddings, in_order(each)) for each in groups.found]
        means = np.array([each.mean(axis=0) for each in sets])
        if distance == "cosine" and not np.linalg.norm(means, axis=1).all():
            raise NotMeasuredError("the mean vector of a group is all zeros")
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    scores = rnd_scores(rows, means, distance=distance)
    values = scores.mean(axis=0)
    return replace(
        empty,
        value=float(rnd_of(values)),
        interval=_interval(scores, bootstrap, seed),
        pairs=tuple(
            GroupPair(groups.names[i], groups.names[j], float(value))
            for (i, j), value in zip(groups.pairs, values, strict=True)
        ),
    )


def rnd_scores(rows: Vector, means: Vector, *, distance: Distance = "norm") -> Vector:
    """Return the difference of distances of each row and every two groups.

    Args:
        rows: Vectors of words, shape ``(n, d)``.
        means: Mean vectors of the groups, shape ``(groups, d)``.
        distance: See :func:`rnd`.

    Returns:
        Shape ``(n, groups · (groups − 1) / 2)``, in the order of ``itertools.combinations``.
    """
    lengths = np.linalg.norm(rows, axis=1)[:, None], np.linalg.norm(means, axis=1)
    products = rows @ means.T
    if distance == "cosine":
        distances = 1.0 - products / (lengths[0] * lengths[1])
    else:
        distances = np.sqrt(np.maximum(lengths[0] ** 2 - 2 * products + lengths[1] ** 2, 0.0))
    first, second = np.triu_indices(len(means), 1)
    scores: Vector = distances[:, first] - distances[:, second]
    return scores


def rnd_of(values: Vector) -> Vector:
    """Return RND from the mean scores of every two groups, the last axis: signed when there is one.

    More than one: the mean of their sizes.
    """
    return values[..., 0] if values.shape[-1] == 1 else np.abs(values).mean(axis=-1)


def _raw(embeddings: Embeddings, rows: list[int]) -> Vector:
    return embeddings.vectors[rows].astype(np.float64)


def _interval(scores: Vector, draws: int, seed: int) -> Interval:
    if not draws:
        return NO_INTERVAL
    counts = resample_counts(len(scores), draws, np.random.default_rng(seed))
    return percentile_interval(rnd_of(counts @ scores / len(scores)))
