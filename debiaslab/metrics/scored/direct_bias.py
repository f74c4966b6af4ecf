"""Scorecard records of direct bias."""

from __future__ import annotations

from collections.abc import Iterator

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import load, load_pairs
from debiaslab.metrics.direct_bias import direct_bias
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.scorecard import Record, finite

OCCUPATIONS = "occupations"
DEFINITIONAL_PAIRS = "definitional_pairs"


def records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """Direct bias of the occupations; each half of the words with its own half of the pairs."""
    for half in HALVES:
        result = direct_bias(
            embeddings,
            load(OCCUPATIONS).half(half),
            load_pairs(DEFINITIONAL_PAIRS).half(half),
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
            extra={"pairs": result.pairs},
        )
