"""Scorecard records of word similarity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.similarity import word_similarity
from debiaslab.metrics.similarity_sets import SimilaritySet
from debiaslab.vectors.embeddings import Embeddings


def records(
    embeddings: Embeddings, sets: Sequence[SimilaritySet], effort: Effort
) -> Iterator[Record]:
    """Yield Spearman's ρ of each similarity set, on all, tune and report pairs."""
    for similarity in sets:
        for half in HALVES:
            result = word_similarity(
                embeddings,
                similarity.half(half),
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("similarity", similarity.name, half),
            )
            yield Record(
                metric="similarity",
                name=similarity.name,
                words=half,
                value=finite(result.value),
                low=result.interval[0],
                high=result.interval[1],
                n=result.n,
                missing=result.missing,
                reason=result.reason,
                extra={"coverage": result.coverage, "pairs": result.pairs},
            )
