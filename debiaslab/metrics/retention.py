"""Retention: word similarity of a run divided by the baseline's, on the pairs both have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample_counts,
)
from debiaslab.metrics.effort import HALVES
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.similarity import WordSimilarity, look_up_pairs, pair_cosines
from debiaslab.metrics.similarity_sets import SimilaritySet
from debiaslab.metrics.spearman import spearman, spearman_draws
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.groups import Subject

_UNSURE = 0.025  # more resamples than this without a ratio, and an end of the interval is unknown


@dataclass(frozen=True)
class Retention:
    """Result of :func:`similarity_retention`.

    Attributes:
        value: ρ of the run over ρ of the baseline; 1 when nothing is lost, above 1 when the run is
            better; None when not measured.
        interval: Paired bootstrap interval over the pairs: both ρ are of the same resample.
        run: Spearman's ρ of the run on these pairs.
        baseline: Spearman's ρ of the baseline on these pairs.
        n: Pairs with both words in both.
        pairs: Pairs in the set.
        missing: Words that have no vector in one of the two.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    run: float | None = None
    baseline: float | None = None
    n: int = 0
    pairs: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


def similarity_retention(
    embeddings: Embeddings,
    baseline: Embeddings,
    similarity: SimilaritySet,
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Retention:
    """Measure how much of the baseline's word similarity a run has kept.

    Args:
        embeddings: The run.
        baseline: What it is held against.
        similarity: Pairs with human scores.
        bootstrap: Resamples of the pairs for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result without an interval where more than 2.5 % of the resamples leave the baseline at
        or below zero, and with a ``reason`` where the whole set does, or where either similarity
        cannot be measured.
    """
    shared, missing = _shared(embeddings, baseline, similarity)
    rows, scores, _ = look_up_pairs(embeddings, shared)
    base_rows, _, _ = look_up_pairs(baseline, shared)
    found = WordSimilarity(n=len(scores), pairs=len(similarity.pairs), missing=missing)
    empty = Retention(n=found.n, pairs=found.pairs, missing=missing)
    try:
        cosines = _cosines("the run", embeddings, rows, found)
        base_cosines = _cosines("the baseline", baseline, base_rows, found)
        if np.ptp(scores) == 0:
            raise NotMeasuredError("all human scores are the same: no order to compare with")
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    run, base = spearman(cosines, scores), spearman(base_cosines, scores)
    measured = replace(empty, run=run, baseline=base)
    if base <= 0:
        return replace(
            measured, reason=f"the baseline has ρ = {base:.3f} here: there is nothing to retain"
        )
    interval = _interval(cosines, base_cosines, scores, bootstrap, seed)
    return replace(measured, value=run / base, interval=interval)


def _shared(
    embeddings: Embeddings, baseline: Embeddings, similarity: SimilaritySet
) -> tuple[SimilaritySet, tuple[str, ...]]:
    """Return the pairs whose words both spaces have, and the words that one of them lacks."""
    lost = [*look_up_pairs(embeddings, similarity)[2], *look_up_pairs(baseline, similarity)[2]]
    missing = dict.fromkeys(lost)
    kept = tuple(pair for pair in similarity.pairs if not {pair[0], pair[1]} & missing.keys())
    return SimilaritySet(similarity.name, kept), tuple(missing)


def _cosines(
    whose: str, embeddings: Embeddings, rows: NDArray[np.intp], found: WordSimilarity
) -> NDArray[np.float64]:
    try:
        return pair_cosines(embeddings, rows, found)
    except NotMeasuredError as problem:
        raise NotMeasuredError(f"{whose}: {problem}") from None


def _interval(
    cosines: NDArray[np.float64],
    base_cosines: NDArray[np.float64],
    scores: NDArray[np.float64],
    draws: int,
    seed: int,
) -> Interval:
    if not draws:
        return NO_INTERVAL
    counts = resample_counts(len(scores), draws, np.random.default_rng(seed))
    run = spearman_draws(cosines, scores, counts)
    base = spearman_draws(base_cosines, scores, counts)
    ratios = np.full(draws, np.nan)
    np.divide(run, base, out=ratios, where=base > 0)
    if np.isnan(ratios).mean() > _UNSURE:
        return NO_INTERVAL
    return percentile_interval(ratios)


@record_metric(
    "retention",
    citation="this project: word similarity over the baseline's",
    family="retention",
    better="higher",
    needs="similarity sets, a baseline",
)
def records(subject: Subject) -> Iterator[Record]:
    """Word similarity over that of the baseline, on the pairs both have.

    On all, tune and report pairs of each set.
    """
    baseline, effort = subject.required_baseline(), subject.effort
    for similarity in subject.similarity:
        for half in HALVES:
            result = similarity_retention(
                subject.embeddings,
                baseline,
                similarity.half(half),
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("retention", similarity.name, half),
            )
            yield Record(
                metric="retention",
                name=similarity.name,
                words=half,
                value=result.value,
                low=result.interval[0],
                high=result.interval[1],
                n=result.n,
                missing=result.missing,
                reason=result.reason,
                extra={
                    "run": result.run,
                    "baseline": result.baseline,
                    "pairs": result.pairs,
                },
            )
