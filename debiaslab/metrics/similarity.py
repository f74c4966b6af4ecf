"""Word similarity: do cosines order word pairs as people do, and how much of that is kept?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.metrics.cases import HALVES
from debiaslab.metrics.datasets import SimilaritySet
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import FLOAT32_NOISE, MIN_WORDS, row_of, shortlist, unit_rows
from debiaslab.statistics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample_counts,
    spearman,
    spearman_draws,
    spearman_interval,
)
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Subject


@dataclass(frozen=True)
class WordSimilarity:
    """Result of :func:`word_similarity`.

    Attributes:
        value: Spearman's ρ between cosines and human scores; None when not measured.
        interval: Bootstrap interval over the pairs.
        n: Pairs with both words in the vectors.
        pairs: Pairs in the set.
        missing: Words that have no vector.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    n: int = 0
    pairs: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def coverage(self) -> float:
        """Share of the pairs that were measured, in [0, 1]."""
        return self.n / self.pairs if self.pairs else 0.0


def word_similarity(
    embeddings: Embeddings,
    similarity: SimilaritySet,
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> WordSimilarity:
    """Return Spearman's ρ over the pairs whose words are both in the vectors.

    Args:
        embeddings: The vectors; a word is looked up as given, then in other cases.
        similarity: Pairs with human scores; see ``load_similarity``.
        bootstrap: Resamples of the pairs for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with fewer than 4 pairs left, an all-zero vector among
        their words, or scores or cosines that are all the same.
    """
    rows, scores, missing = look_up_pairs(embeddings, similarity)
    empty = WordSimilarity(n=len(scores), pairs=len(similarity.pairs), missing=missing)
    try:
        cosines = pair_cosines(embeddings, rows, empty)
        if np.ptp(scores) == 0:
            raise NotMeasuredError("all human scores are the same: no order to compare with")
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    return replace(
        empty,
        value=spearman(cosines, scores),
        interval=spearman_interval(cosines, scores, bootstrap, seed),
    )


def look_up_pairs(
    embeddings: Embeddings, similarity: SimilaritySet
) -> tuple[NDArray[np.intp], NDArray[np.float64], tuple[str, ...]]:
    """Return rows, shape ``(n, 2)``, and scores of the complete pairs, and the missing words."""
    rows: list[tuple[int, int]] = []
    scores: list[float] = []
    missing: dict[str, None] = {}
    for word1, word2, score in similarity.pairs:
        row1, row2 = row_of(embeddings, word1), row_of(embeddings, word2)
        if row1 is not None and row2 is not None:
            rows.append((row1, row2))
            scores.append(score)
        missing.update({w: None for w, r in ((word1, row1), (word2, row2)) if r is None})
    return np.array(rows, dtype=np.intp).reshape(-1, 2), np.array(scores), tuple(missing)


def pair_cosines(
    embeddings: Embeddings, rows: NDArray[np.intp], found: WordSimilarity
) -> NDArray[np.float64]:
    """Return the cosines of the pairs, shape ``(n,)``, of rows of shape ``(n, 2)``.

    Raises:
        NotMeasuredError: Fewer than 4 pairs, an all-zero vector among them, or cosines that are
            all the same; ``found`` has the counts and missing words for the sentence.
    """
    if len(rows) < MIN_WORDS:
        lost = f" (missing: {shortlist(found.missing)})" if found.missing else ""
        raise NotMeasuredError(
            f"{len(rows)} of {found.pairs} pairs have both words in the vectors{lost}, "
            f"needs {MIN_WORDS}"
        )
    used, position = np.unique(rows, return_inverse=True)
    unit = unit_rows(embeddings, used)
    first, second = unit[position.reshape(-1, 2)].transpose(1, 0, 2)
    cosines: NDArray[np.float64] = np.einsum("ij,ij->i", first, second)
    if np.ptp(cosines) <= FLOAT32_NOISE:
        raise NotMeasuredError("all pairs have the same cosine (collapsed vectors)")
    return cosines


@record_metric(
    "similarity",
    citation="Spearman's ρ with human judgements: Finkelstein et al. 2002; Hill et al. 2015",
    family="similarity",
    better="higher",
    needs="similarity sets",
)
def similarity_records(subject: Subject) -> Iterator[Record]:
    """Spearman's ρ of cosines with people's scores of each similarity set.

    On all, tune and report pairs.
    """
    effort = subject.effort
    for similarity in subject.similarity:
        for half in HALVES:
            result = word_similarity(
                subject.embeddings,
                similarity.half(half),
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("similarity", similarity.name, half),
            )
            yield Record(
                metric="similarity",
                name=similarity.name,
                words=half,
                value=result.value,
                low=result.interval[0],
                high=result.interval[1],
                n=result.n,
                missing=result.missing,
                reason=result.reason,
                extra={"coverage": result.coverage, "pairs": result.pairs},
            )


# Retention --------------------------------------------------------------------------------------

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
def retention_records(subject: Subject) -> Iterator[Record]:
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
