"""Pairs of words and the direction they give (Bolukbasi et al. 2016, NeurIPS, section 5.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    MIN_PAIRS,
    find,
    require_enough,
    row_of,
    shortlist,
    unit_rows,
)
from debiaslab.vectors.embeddings import Embeddings

Method = Literal["pca", "mean"]
Pair = tuple[str, str]

HE_SHE: Pair = ("he", "she")


@dataclass(frozen=True)
class FoundPairs:
    """Pairs of words as the vectors have them.

    Attributes:
        pairs: As given.
        complete: Those with both words in the vectors.
        rows: The rows of these.
        missing: The words that make the others incomplete.
    """

    pairs: Sequence[Pair]
    complete: tuple[Pair, ...]
    rows: tuple[tuple[int, int], ...]
    missing: tuple[str, ...]

    @property
    def distinct(self) -> list[tuple[int, int]]:
        """The complete pairs' rows, each once, in the order of the vocabulary."""
        return sorted(set(self.rows))


def find_pairs(embeddings: Embeddings, pairs: Sequence[Pair]) -> FoundPairs:
    """Look up pairs; one with an unknown word is left out whole."""
    known = [(pair, tuple(row_of(embeddings, word) for word in pair)) for pair in pairs]
    complete = [(pair, (a, b)) for pair, (a, b) in known if a is not None and b is not None]
    missing = [
        word for pair, rows in known for word, row in zip(pair, rows, strict=True) if row is None
    ]
    return FoundPairs(
        pairs,
        tuple(pair for pair, _ in complete),
        tuple(rows for _, rows in complete),
        tuple(dict.fromkeys(missing)),
    )


def gender_direction(
    embeddings: Embeddings, pairs: Sequence[Pair] | FoundPairs, *, method: Method = "pca"
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
    found = pairs if isinstance(pairs, FoundPairs) else find_pairs(embeddings, pairs)
    if len(found.rows) < MIN_PAIRS:
        lost = f" (missing: {shortlist(found.missing)})" if found.missing else ""
        raise NotMeasuredError(
            f"{len(found.rows)} of {len(found.pairs)} definitional pairs have both words in the "
            f"vectors{lost}, needs {MIN_PAIRS}"
        )
    male = unit_rows(embeddings, (m for m, _ in found.rows))
    female = unit_rows(embeddings, (f for _, f in found.rows))
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


def pair_difference(embeddings: Embeddings, pair: Pair = HE_SHE) -> NDArray[np.float64]:
    """Return the difference of the two unit vectors of a pair, first less second, shape ``(d,)``.

    Its product with a unit vector is ``cos(w, first) − cos(w, second)``.

    Raises:
        NotMeasuredError: A word of the pair has no vector or an all-zero one, or both have the
            same direction.
    """
    found = find(embeddings, pair)
    require_enough(f"the pair {pair[0]} : {pair[1]}", found, least=2)
    first, second = unit_rows(embeddings, found.rows)
    difference: NDArray[np.float64] = first - second
    if np.linalg.norm(difference) <= FLOAT32_NOISE:
        raise NotMeasuredError(f"{pair[0]} and {pair[1]} have the same vectors")
    return difference


@dataclass(frozen=True)
class PairTurn:
    """Result of :func:`pair_turn`.

    Attributes:
        pair: The pair without which the direction turns furthest.
        degrees: By how much, in [0, 90]: a direction and its opposite are one axis.
        distance: Mean length of the differences of the pairs' unit vectors, in [0, 2].
    """

    pair: Pair
    degrees: float
    distance: float


def pair_turn(
    embeddings: Embeddings, pairs: Sequence[Pair], *, method: Method = "pca"
) -> PairTurn | None:
    """Leave out one pair at a time and return the largest turn of the gender direction.

    A direction has length 1 however little the pairs differ: where a strategy makes the words of
    a pair nearly one vector (CDA, tying), what is left between them is noise, most of it of the
    rarest pair, and that becomes the direction.

    Args:
        embeddings: The vectors.
        pairs: Definitional pairs; one with an unknown word is left out whole.
        method: How the direction is made, see :func:`gender_direction`.

    Returns:
        None where fewer than 3 pairs have vectors, or there is no direction.
    """
    found = find_pairs(embeddings, pairs)
    known = found.complete
    if len(known) <= MIN_PAIRS:
        return None
    try:
        whole = gender_direction(embeddings, known, method=method)
        turns = [
            abs(float(whole @ gender_direction(embeddings, _but(known, i), method=method)))
            for i in range(len(known))
        ]
    except NotMeasuredError:
        return None
    furthest = int(np.argmin(turns))
    degrees = math.degrees(math.acos(min(1.0, turns[furthest])))
    return PairTurn(known[furthest], degrees, _distance(embeddings, found))


def _but(pairs: Sequence[Pair], i: int) -> list[Pair]:
    return [pair for j, pair in enumerate(pairs) if j != i]


def _distance(embeddings: Embeddings, found: FoundPairs) -> float:
    first, second = (unit_rows(embeddings, side) for side in zip(*found.rows, strict=True))
    return float(np.linalg.norm(first - second, axis=1).mean())
