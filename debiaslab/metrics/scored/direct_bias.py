"""Scorecard records of direct bias."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from debiaslab.lexicons import load, load_pairs
from debiaslab.metrics.direct_bias import Pair, direct_bias
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.pair_turn import pair_turn
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.vectors.embeddings import Embeddings

OCCUPATIONS = "occupations"
DEFINITIONAL_PAIRS = "definitional_pairs"


def records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """Direct bias of the occupations; each half of the words with its own half of the pairs.

    ``extra`` has ``pair_distance``, and the pair without which the direction turns furthest
    (``turn_pair``) with the angle (``turn_degrees``), see
    :func:`~debiaslab.metrics.pair_turn.pair_turn`; not these three where only values are wanted.
    """
    for half in HALVES:
        pairs = load_pairs(DEFINITIONAL_PAIRS).half(half)
        result = direct_bias(
            embeddings,
            load(OCCUPATIONS).half(half),
            pairs,
            bootstrap=effort.bootstrap,
            seed=effort.seed_of("direct_bias", OCCUPATIONS, half),
        )
        yield Record(
            metric="direct_bias",
            name=OCCUPATIONS,
            words=half,
            value=finite(result.value),
            low=result.interval[0],
            high=result.interval[1],
            n=result.n,
            missing=result.missing,
            reason=result.reason,
            extra={"pairs": result.pairs, **(_turn(embeddings, pairs) if effort.null else {})},
        )


def _turn(embeddings: Embeddings, pairs: Sequence[Pair]) -> dict[str, float | str | None]:
    turn = pair_turn(embeddings, pairs)
    return {
        "pair_distance": None if turn is None else turn.distance,
        "turn_pair": None if turn is None else "/".join(turn.pair),
        "turn_degrees": None if turn is None else turn.degrees,
    }
