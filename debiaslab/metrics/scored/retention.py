"""Scorecard records of retention: the utility of a run over that of its baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.retention import similarity_retention
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.similarity_sets import SimilaritySet
from debiaslab.vectors.embeddings import Embeddings


def records(
    embeddings: Embeddings, baseline: Embeddings, sets: Sequence[SimilaritySet], effort: Effort
) -> Iterator[Record]:
    """Yield the retention of each similarity set, on all, tune and report pairs."""
    for similarity in sets:
        for half in HALVES:
            result = similarity_retention(
                embeddings,
                baseline,
                similarity.half(half),
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("retention", similarity.name, half),
            )
            yield Record(
                metric="retention",
                name=similarity.name,
                words=half,
                value=finite(result.value),
                low=result.interval[0],
                high=result.interval[1],
                n=result.n,
                missing=result.missing,
                reason=result.reason,
                extra={
                    "run": finite(result.run),
                    "baseline": finite(result.baseline),
                    "pairs": result.pairs,
                },
            )
