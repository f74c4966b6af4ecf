"""Scorecard records of the collapse checks."""

from __future__ import annotations

from collections.abc import Iterator

from debiaslab.metrics.collapse import collapse
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.vectors.embeddings import Embeddings


def records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """Yield the checks that tell collapsed vectors from unbiased ones."""
    result = collapse(embeddings, seed=effort.seed_of("collapse"))
    few = "fewer than 2 vectors are not all zeros"
    checks: dict[str, tuple[float | None, int]] = {
        "mean_cosine": (result.mean_cosine, result.n),
        "effective_rank": (result.effective_rank, result.n),
        "norm_spread": (result.norm_spread, len(embeddings)),
        "zero_vectors": (float(result.zero_vectors), len(embeddings)),
    }
    for name, (value, n) in checks.items():
        yield Record(
            metric="collapse",
            name=name,
            words="all",
            value=finite(value),
            n=n,
            reason=few if value is None else None,
            extra={
                "warning": result.warning,
                "same_direction": finite(result.same_direction),
                "collapsed": result.collapsed,
            },
        )
