"""Word Embedding Association Test (Caliskan, Bryson & Narayanan 2017, Science 356:183–186)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample,
)
from debiaslab.metrics.measured import FLOAT32_NOISE, NotMeasuredError, shortlist
from debiaslab.metrics.permutation import DRAWS, permutation_test
from debiaslab.metrics.vocabulary import Found, find, require_directions, require_enough, unit_rows
from debiaslab.metrics.word_sets import in_order
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class WeatResult:
    """Result of :func:`weat`; what could not be measured is None, and ``reason`` says why.

    Attributes:
        effect_size: ``d``, the statistic over the spread of the associations; scale-free.
        effect_interval: Bootstrap interval of ``d`` over target words.
        statistic: ``s``, difference of mean associations; carries the scale, in cosine units.
        statistic_interval: Bootstrap interval of ``s`` over target words.
        p: One-sided: share of partitions with a statistic >= ``s``.
        p_two_sided: Share of partitions with a size >= ``|s|``.
        method: ``"exact"``, ``"monte_carlo"``, or None when no test was made.
        permutations: Partitions looked at; 0 when no test was made.
        p_floor: The smallest p this test can give: 1 / partitions, or 1 / (draws + 1). Exact and
            two-sided it is twice that when X and Y have one size: a swap has the same size.
        n: Words of X, Y, A and B that have a vector.
        missing: Words of any list that have none.
        reason: Why ``effect_size`` (and perhaps the rest) was not measured.
    """

    effect_size: float | None = None
    effect_interval: Interval = NO_INTERVAL
    statistic: float | None = None
    statistic_interval: Interval = NO_INTERVAL
    p: float | None = None
    p_two_sided: float | None = None
    method: Literal["exact", "monte_carlo"] | None = None
    permutations: int = 0
    p_floor: float | None = None
    n: tuple[int, int, int, int] = (0, 0, 0, 0)
    missing: tuple[str, ...] = ()
    reason: str | None = None


def weat(
    embeddings: Embeddings,
    X: Sequence[str],
    Y: Sequence[str],
    A: Sequence[str],
    B: Sequence[str],
    *,
    ddof: int = 1,
    permutations: int = DRAWS,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> WeatResult:
    """Measure how much more targets X than targets Y go with attributes A rather than B.

    ``s(w, A, B) = mean over a of cos(w, a) − mean over b of cos(w, b)``;
    ``s = mean over X of s(x, A, B) − mean over Y of s(y, A, B)``;
    ``d = s / std over X ∪ Y of s(w, A, B)``.
    Swapping X and Y, or A and B, negates ``s`` and ``d`` exactly; the order of the words in a
    list changes nothing at all.

    Args:
        embeddings: The vectors; a word is looked up as given, then in other cases.
        X: First target words. Repeated words count once, in this list and in the others.
        Y: Second target words.
        A: First attribute words.
        B: Second attribute words.
        ddof: 1 for the sample standard deviation (reproduces the published word2vec effect
            sizes), 0 for the population one.
        permutations: Monte Carlo partitions where there are too many to list; 0 for no test.
        bootstrap: Resamples of the target words for the intervals; 0 for none.
        seed: Seed of both.

    Returns:
        A result whose ``reason`` is set when a list has fewer than 4 words left, a vector is all
        zeros, a word is on both sides, or the vectors are so alike that there is no spread.
    """
    names = ("X", "Y", "A", "B")
    found = [find(embeddings, words) for words in (X, Y, A, B)]
    n = tuple(len(each.words) for each in found)
    missing = tuple(dict.fromkeys(word for each in found for word in each.missing))
    empty = WeatResult(n=(n[0], n[1], n[2], n[3]), missing=missing)
    try:
        for name, each in zip(names, found, strict=True):
            require_enough(name, each)
        _require_disjoint(names[:2], found[:2])
        _require_disjoint(names[2:], found[2:])
        x, y, a, b = (unit_rows(embeddings, in_order(each)) for each in found)
        require_directions("X and Y", np.concatenate([x, y]))
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    return _measure(
        empty, *_associations(x, y, a, b), ddof=ddof, draws=permutations, boot=bootstrap, seed=seed
    )


def _measure(
    empty: WeatResult, gx: Vector, gy: Vector, *, ddof: int, draws: int, boot: int, seed: int
) -> WeatResult:
    statistic = math.fsum(gx) / len(gx) - math.fsum(gy) / len(gy)
    spread = _spread(np.concatenate([gx, gy]), ddof)
    measured = spread > FLOAT32_NOISE
    statistics, effects = _bootstrap(gx, gy, ddof, boot, seed)
    result = replace(
        empty,
        effect_size=statistic / spread if measured else None,
        effect_interval=percentile_interval(effects) if measured else NO_INTERVAL,
        statistic=statistic,
        statistic_interval=percentile_interval(statistics),
        reason=None if measured else "all targets have the same association: no spread for d",
    )
    if not (measured and draws):
        return result
    test = permutation_test(gx, gy, draws=draws, seed=seed)
    return replace(
        result,
        p=test.p,
        p_two_sided=test.p_two_sided,
        method=test.method,
        permutations=test.permutations,
        p_floor=test.floor,
    )


def _associations(x: Vector, y: Vector, a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Return ``s(w, A, B)`` of unit rows; a mean of cosines is a product with the mean."""
    contrast = a.mean(axis=0) - b.mean(axis=0)
    return x @ contrast, y @ contrast


def _spread(values: Vector, ddof: int) -> float:
    """Standard deviation; exact sums, so that neither order nor sign can change the last digit."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((values - mean) ** 2) / (len(values) - ddof))


def _bootstrap(gx: Vector, gy: Vector, ddof: int, draws: int, seed: int) -> tuple[Vector, Vector]:
    """Resample each target set by itself; return ``s`` and ``d`` of each draw (NaN: undefined)."""
    rng = np.random.default_rng(seed)
    x, y = gx[resample(len(gx), draws, rng)], gy[resample(len(gy), draws, rng)]
    statistics = x.mean(axis=1) - y.mean(axis=1)
    spreads = np.concatenate([x, y], axis=1).std(axis=1, ddof=ddof)
    effects = np.full(draws, np.nan)
    np.divide(statistics, spreads, out=effects, where=spreads > FLOAT32_NOISE)
    return statistics, effects


def _require_disjoint(names: Sequence[str], found: Sequence[Found]) -> None:
    both = tuple(word for word in found[0].words if word in set(found[1].words))
    if both:
        raise NotMeasuredError(f"on both sides, in {names[0]} and in {names[1]}: {shortlist(both)}")
