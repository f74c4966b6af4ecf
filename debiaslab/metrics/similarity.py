"""Word similarity: do cosines order word pairs as people do, and how much of that is kept?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.metrics.cases import HALVES
from debiaslab.metrics.datasets import ScoredPair, SimilaritySet
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    MIN_WORDS,
    Result,
    row_of,
    shortlist,
    unit_rows,
)
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
    from debiaslab.metrics.evaluation import Measurement


Vector = NDArray[np.float64]


@dataclass(frozen=True)
class WordSimilarity(Result):
    """Spearman's ρ between cosines and human scores.

    Attributes:
        pairs: Pairs in the set, of which ``n`` have both words in the vectors.
    """

    pairs: int = 0

    @property
    def coverage(self) -> float:
        """Share of the pairs that were measured, in [0, 1]."""
        return self.n / self.pairs if self.pairs else 0.0


def word_similarity(
    embeddings: Embeddings, similarity: SimilaritySet, *, bootstrap: int = RESAMPLES, seed: int = 0
) -> WordSimilarity:
    """Return Spearman's ρ over the pairs whose words are both in the vectors.

    Args:
        similarity: Pairs with human scores; see ``load_similarity``.

    Returns:
        A result whose ``reason`` is set with fewer than 4 pairs left, an all-zero vector among
        their words, or scores or cosines that are all the same.
    """
    kept, missing = _shared([embeddings], similarity)
    empty = WordSimilarity(n=len(kept), pairs=len(similarity.pairs), missing=missing)
    try:
        cosines, scores = _pair_cosines(embeddings, kept, empty), _scores(kept)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    return replace(
        empty,
        value=spearman(cosines, scores),
        interval=spearman_interval(cosines, scores, bootstrap, seed),
    )


def _shared(
    spaces: Sequence[Embeddings], similarity: SimilaritySet
) -> tuple[list[ScoredPair], tuple[str, ...]]:
    """Return the pairs whose words all spaces have, and the words that one of them lacks."""
    words = list(dict.fromkeys(word for pair in similarity.pairs for word in pair[:2]))
    lost = [word for space in spaces for word in words if row_of(space, word) is None]
    missing = dict.fromkeys(lost)
    return [p for p in similarity.pairs if not {*p[:2]} & missing.keys()], tuple(missing)


def _scores(pairs: Sequence[ScoredPair]) -> Vector:
    scores = np.array([score for _, _, score in pairs])
    if np.ptp(scores) == 0:
        raise NotMeasuredError("all human scores are the same: no order to compare with")
    return scores


def _pair_cosines(
    embeddings: Embeddings, pairs: Sequence[ScoredPair], found: WordSimilarity | Retention
) -> Vector:
    """Return the cosines of pairs whose words have vectors, shape ``(n,)``.

    Raises:
        NotMeasuredError: Fewer than 4 pairs, an all-zero vector among them, or cosines that are
            all the same; ``found`` has the counts and missing words for the sentence.
    """
    if len(pairs) < MIN_WORDS:
        lost = f" (missing: {shortlist(found.missing)})" if found.missing else ""
        raise NotMeasuredError(
            f"{len(pairs)} of {found.pairs} pairs have both words in the vectors{lost}, "
            f"needs {MIN_WORDS}"
        )
    rows = [row_of(embeddings, word) for pair in pairs for word in pair[:2]]
    used, position = np.unique(np.array(rows, dtype=np.intp), return_inverse=True)
    unit = unit_rows(embeddings, used)
    first, second = unit[position.reshape(-1, 2)].transpose(1, 0, 2)
    cosines: Vector = np.einsum("ij,ij->i", first, second)
    if np.ptp(cosines) <= FLOAT32_NOISE:
        raise NotMeasuredError("all pairs have the same cosine (collapsed vectors)")
    return cosines


def _of_each_set(
    measurement: Measurement, metric: str, measure: Callable[..., Result], extra: Sequence[str]
) -> Iterator[Record]:
    """Yield the records of every similarity set, on all, tune and report pairs."""
    effort = measurement.effort
    for similarity in measurement.similarity:
        for half in HALVES:
            seed = effort.seed_of(metric, similarity.name, half)
            result = measure(similarity.half(half), bootstrap=effort.bootstrap, seed=seed)
            more = {name: getattr(result, name) for name in extra}
            yield Record.of(result, metric, similarity.name, half, more)


@record_metric(
    "similarity",
    citation="Spearman's ρ with human judgements: Finkelstein et al. 2002; Hill et al. 2015",
    family="similarity",
    better="higher",
    needs="similarity sets",
)
def similarity_records(measurement: Measurement) -> Iterator[Record]:
    """Spearman's ρ of cosines with people's scores of each similarity set.

    On all, tune and report pairs.
    """
    measure = partial(word_similarity, measurement.embeddings)
    return _of_each_set(measurement, "similarity", measure, ("coverage", "pairs"))


# Retention --------------------------------------------------------------------------------------

_UNSURE = 0.025  # more resamples than this without a ratio, and an end of the interval is unknown


@dataclass(frozen=True)
class Retention(Result):
    """ρ of the run over ρ of the baseline; 1 when nothing is lost, above 1 when the run is better.

    ``interval`` is a paired bootstrap over the pairs: both ρ are of the same resample.

    Attributes:
        run: Spearman's ρ of the run on these pairs.
        baseline: Spearman's ρ of the baseline on these pairs.
        pairs: Pairs in the set, of which ``n`` have both words in both.
    """

    run: float | None = None
    baseline: float | None = None
    pairs: int = 0


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
        baseline: What it is compared with.
        similarity: Pairs with human scores.

    Returns:
        A result without an interval where more than 2.5 % of the resamples leave the baseline at
        or below zero, and with a ``reason`` where the whole set does, or where either similarity
        cannot be measured.
    """
    kept, missing = _shared([embeddings, baseline], similarity)
    empty = Retention(n=len(kept), pairs=len(similarity.pairs), missing=missing)
    found = []
    for whose, space in (("the run", embeddings), ("the baseline", baseline)):
        try:
            found.append(_pair_cosines(space, kept, empty))
        except NotMeasuredError as problem:
            return replace(empty, reason=f"{whose}: {problem}")
    try:
        scores = _scores(kept)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    run, base = (spearman(cosines, scores) for cosines in found)
    measured = replace(empty, run=run, baseline=base)
    if base <= 0:
        return replace(
            measured, reason=f"the baseline has ρ = {base:.3f} here: there is nothing to retain"
        )
    interval = _interval(found, scores, bootstrap, seed)
    return replace(measured, value=run / base, interval=interval)


def _interval(cosines: Sequence[Vector], scores: Vector, draws: int, seed: int) -> Interval:
    if not draws:
        return NO_INTERVAL
    counts = resample_counts(len(scores), draws, np.random.default_rng(seed))
    run, base = (spearman_draws(each, scores, counts) for each in cosines)
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
def retention_records(measurement: Measurement) -> Iterator[Record]:
    """Word similarity over that of the baseline, on the pairs both have.

    On all, tune and report pairs of each set.
    """
    embeddings, baseline = measurement.embeddings, measurement.required_baseline()
    measure = partial(similarity_retention, embeddings, baseline)
    return _of_each_set(measurement, "retention", measure, ("run", "baseline", "pairs"))
