"""Does the gender direction hang on one pair? A direction has length 1 however little pairs differ.

Where a strategy makes the words of a pair nearly one vector (CDA, tying), what is left between them
is noise, most of it of the rarest pair, and that becomes the direction: direct bias and all that is
read along it are then those of a random direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from debiaslab.metrics.direct_bias import Method, Pair, gender_direction
from debiaslab.metrics.measured import MIN_PAIRS, NotMeasuredError
from debiaslab.metrics.vocabulary import row_of, unit_rows
from debiaslab.vectors.embeddings import Embeddings


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

    Args:
        embeddings: The vectors.
        pairs: Definitional pairs; one with an unknown word is left out whole.
        method: How the direction is made, see :func:`gender_direction`.

    Returns:
        None where fewer than 3 pairs have vectors, or there is no direction.
    """
    known = [pair for pair in pairs if all(row_of(embeddings, word) is not None for word in pair)]
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
    return PairTurn(known[furthest], degrees, _distance(embeddings, known))


def _but(pairs: Sequence[Pair], i: int) -> list[Pair]:
    return [pair for j, pair in enumerate(pairs) if j != i]


def _distance(embeddings: Embeddings, pairs: Sequence[Pair]) -> float:
    rows = [[row_of(embeddings, word) for word in side] for side in zip(*pairs, strict=True)]
    first, second = (unit_rows(embeddings, (r for r in side if r is not None)) for side in rows)
    return float(np.linalg.norm(first - second, axis=1).mean())
