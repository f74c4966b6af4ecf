"""Relational inner product association (Ethayarajh, Duvenaud & Hirst 2019, ACL, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, nearest
from debiaslab.metrics.bootstrap import NO_INTERVAL, RESAMPLES, Interval, bootstrap_mean
from debiaslab.metrics.measured import FLOAT32_NOISE, NotMeasuredError
from debiaslab.metrics.vocabulary import (
    find,
    require_directions,
    require_enough,
    row_of,
    unit_rows,
)
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]
Pair = tuple[str, str]
Relation = Literal["pca", "mean"]


@dataclass(frozen=True)
class Ripa:
    """Result of :func:`ripa`.

    Attributes:
        value: Mean size of the words' associations; None when not measured.
        interval: Bootstrap interval over the words.
        signed: Mean of the associations; positive: toward the first words of the pairs.
        words: Each word and its association, in the order of the list.
        n: Words that have a vector.
        pairs: Pairs with both words known; a pair with a missing word is dropped whole.
        missing: Words, and words of pairs, that have no vector.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    signed: float | None = None
    words: tuple[tuple[str, float], ...] = ()
    n: int = 0
    pairs: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


def ripa(
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    *,
    unit: bool = False,
    relation: Relation = "pca",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Ripa:
    """Measure each word's inner product with the direction ``b`` that relates the pairs.

    Args:
        embeddings: The vectors.
        words: The words to measure, at least 4; repeated words count once.
        pairs: Pairs ``(x, y)`` such as ``("man", "woman")``, at least one.
        unit: Scale every vector to length 1 first: then an association is a cosine. Without, as
            in the paper, it carries the length of the word's vector, and values of two spaces
            compare only where the lengths do.
        relation: ``"pca"``: ``b`` is the first principal component of the differences ``x − y``
            (the paper). ``"mean"``: the associations with every pair's own unit difference are
            averaged (what WEFE does). The same for one pair.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with too few words, no complete pair, all-zero or
        collapsed vectors, or pairs whose words do not differ.

    Raises:
        UserError: Unknown ``relation``.
    """
    if relation not in get_args(Relation):
        known = get_args(Relation)
        raise UserError(
            f"unknown relation {relation!r} for RIPA",
            allowed=", ".join(known),
            nearest=nearest(relation, known),
        )
    found = find(embeddings, words)
    complete, lost = _complete(embeddings, pairs)
    missing = tuple(dict.fromkeys(found.missing + lost))
    empty = Ripa(n=len(found.words), pairs=len(complete), missing=missing)
    try:
        require_enough("the word list", found)
        if not complete:
            raise NotMeasuredError(f"0 of {len(pairs)} pairs have both words in the vectors")
        rows = unit_rows(embeddings, found.rows)
        require_directions("the word list", rows)
        differences = _differences(embeddings, complete, unit)
        direction = relation_vector(differences, relation)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    if not unit:
        rows = embeddings.vectors[list(found.rows)].astype(np.float64)
    scores = ripa_scores(rows, direction)
    return replace(
        empty,
        value=float(np.abs(scores).mean()),
        interval=bootstrap_mean(np.abs(scores), bootstrap, seed),
        signed=float(scores.mean()),
        words=tuple(zip(found.words, scores.tolist(), strict=True)),
    )


def relation_vector(differences: Vector, relation: Relation = "pca") -> Vector:
    """Return the relation vector of differences ``x − y``, shape ``(pairs, d)``.

    ``"pca"``: of length 1, pointing as the mean difference does. ``"mean"``: the mean of the unit
    differences, not of length 1, so that a product with it is the mean of the products.

    Raises:
        NotMeasuredError: The words of the pairs do not differ.
    """
    lengths = np.linalg.norm(differences, axis=1)
    if (lengths <= FLOAT32_NOISE * max(1.0, float(lengths.max()))).any():
        raise NotMeasuredError("the two words of a pair have the same vector")
    if relation == "mean":
        return np.asarray((differences / lengths[:, None]).mean(axis=0))
    _, _, axes = np.linalg.svd(differences, full_matrices=False)
    sign = -1.0 if float(axes[0] @ differences.mean(axis=0)) < 0 else 1.0
    return np.asarray(sign * axes[0])


def ripa_scores(rows: Vector, direction: Vector) -> Vector:
    """Return the association of each row, shape ``(n, d)``; RIPA's value is their mean size."""
    scores: Vector = rows @ direction
    return scores


def _differences(embeddings: Embeddings, pairs: Sequence[tuple[int, int]], unit: bool) -> Vector:
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    if unit:
        return unit_rows(embeddings, first) - unit_rows(embeddings, second)
    vectors = embeddings.vectors
    return vectors[first].astype(np.float64) - vectors[second].astype(np.float64)


def _complete(
    embeddings: Embeddings, pairs: Sequence[Pair]
) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
    """Return the rows of each complete pair once, in vocabulary order, and the missing words."""
    rows: set[tuple[int, int]] = set()
    missing: dict[str, None] = {}
    for pair in pairs:
        first, second = (row_of(embeddings, word) for word in pair)
        if first is not None and second is not None:
            rows.add((first, second))
        for word, row in zip(pair, (first, second), strict=True):
            if row is None:
                missing[word] = None
    return sorted(rows), tuple(missing)
