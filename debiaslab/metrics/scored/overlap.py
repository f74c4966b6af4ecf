"""Scorecard records of the nearest-neighbour overlap with a baseline."""

from __future__ import annotations

from collections.abc import Iterator

from debiaslab.metrics.effort import Effort
from debiaslab.metrics.neighbor_overlap import neighbor_overlap
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.vectors.embeddings import Embeddings


def records(embeddings: Embeddings, baseline: Embeddings, effort: Effort) -> Iterator[Record]:
    """Yield the overlap over all frequency bands (``"all ranks"``), then band by band."""
    result = neighbor_overlap(
        embeddings,
        baseline,
        bootstrap=effort.bootstrap,
        seed=effort.seed_of("neighbor_overlap"),
    )
    extra = {"k": result.k, "candidates": result.candidates, "chance": finite(result.chance)}
    yield Record(
        metric="neighbor_overlap",
        name="all ranks",
        words="all",
        value=finite(result.value),
        low=result.interval[0],
        high=result.interval[1],
        n=result.n,
        missing=result.missing,
        reason=result.reason,
        extra=extra,
    )
    for band in result.bands:
        yield Record(
            metric="neighbor_overlap",
            name=f"ranks {band.first}-{band.last}",
            words="all",
            value=finite(band.value),
            low=band.interval[0],
            high=band.interval[1],
            n=band.n,
            extra=extra,
        )
