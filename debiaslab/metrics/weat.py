"""Word Embedding Association Test (Caliskan, Bryson & Narayanan 2017, Science 356:183–186)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import AssociationTest, Half, association_tests
from debiaslab.metrics.cases import HALVES, Case, Resampling
from debiaslab.metrics.null import DRAWS as NULL_DRAWS
from debiaslab.metrics.null import (
    QUANTILE,
    TOP,
    RandomWords,
    difference_of_means,
    null_from,
    random_words,
)
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    Found,
    find,
    in_order,
    require_directions,
    require_enough,
    shortlist,
    unit_rows,
)
from debiaslab.statistics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample,
)
from debiaslab.statistics.permutation import DRAWS, permutation_test
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Subject

_Given = TypeVar("_Given")
_Result = TypeVar("_Result")

THREADS = 2
"""More would mostly wait for the interpreter, which one thread holds at a time."""


def parallel_map(measure: Callable[[_Given], _Result], given: Iterable[_Given]) -> list[_Result]:
    """Return what ``measure`` makes of each, in the order given; it must not depend on the order.

    What seeded measurements return is the same in any number of threads. What one raises is raised.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(measure, given))


Vector = NDArray[np.float64]

LARGE_D = 0.8
"""An effect size that is called large (Cohen 1988)."""


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


# Random words in the place of the targets -----------------------------------------------------


def weat_null(
    words: RandomWords,
    A: Sequence[str],
    B: Sequence[str],
    sizes: Sequence[int],
    *,
    draws: int = NULL_DRAWS,
    seed: int = 0,
) -> Vector:
    """Return the signed WEAT statistic ``s`` of random targets, shape ``(draws,)``.

    Each draw takes disjoint sets of ``sizes`` (``n_x, n_y``) words, without replacement, none of
    them an attribute word.

    Raises:
        NotMeasuredError: Too few words are left to draw from, an attribute set is empty, or one of
            its vectors is all zeros.
    """
    a, b = (_attributes(words.embeddings, listed) for listed in (A, B))
    scores = words.cosines(_mean(words.embeddings, a) - _mean(words.embeddings, b))
    return null_from(
        difference_of_means, words.excluding(scores, a + b), sizes, draws=draws, seed=seed
    )


def null_statistics(
    embeddings: Embeddings,
    A: Sequence[str],
    B: Sequence[str],
    n_x: int,
    n_y: int,
    *,
    exclude: Iterable[str] = (),
    top: int = TOP,
    **more: Any,
) -> Vector:
    """Return :func:`weat_null` of the ``top`` first words of the vectors, less ``exclude``."""
    return weat_null(random_words(embeddings, exclude, top), A, B, (n_x, n_y), **more)


def null_quantile(
    embeddings: Embeddings,
    A: Sequence[str],
    B: Sequence[str],
    n_x: int,
    n_y: int,
    *,
    q: float = QUANTILE,
    **more: Any,
) -> float:
    """Return the ``q`` quantile of ``|s|`` of :func:`null_statistics`, in cosine units."""
    return float(np.quantile(np.abs(null_statistics(embeddings, A, B, n_x, n_y, **more)), q))


Tested = tuple[AssociationTest, Half, tuple[int, int]]
"""A test, a half of its words, and how many words X and Y have."""


def null95(
    drawn: RandomWords, tested: Sequence[Tested], seed: int
) -> dict[tuple[str, Half], float | str]:
    """Return the yardstick of every test in the vectors of ``drawn``, by name and half.

    It is the 95 % quantile of ``|s|`` over random target sets of the same sizes, held against the
    test's own attributes: ``null95`` of a record and, in the baseline, what the objective divides
    by. The random words are held against the attributes of all tests in one product; attributes are
    not drawn in their own test.

    Args:
        drawn: The words to draw from.
        tested: The tests.
        seed: Of the scorecard.

    Returns:
        The quantile, in cosine units; why there is none for a test without attributes there, or
        with too few words to draw from.
    """
    effort = Resampling(seed, 0, 0, null=True)
    found: dict[tuple[str, Half], float | str] = {}
    contrasts, held = [], []
    for test, half, sizes in tested:
        try:
            words = test.half(half)
            a, b = (_attributes(drawn.embeddings, listed) for listed in (words.A, words.B))
            contrasts.append(_mean(drawn.embeddings, a) - _mean(drawn.embeddings, b))
            held.append((test.name, half, sizes, a + b))
        except NotMeasuredError as problem:
            found[test.name, half] = str(problem)
    if not held:
        return found
    scores = drawn.unit @ np.stack(contrasts, axis=1)

    def quantile(i: int) -> float | str:
        name, half, sizes, rows = held[i]
        seeded = effort.seed_of("null", name, half)
        return _quantile(drawn.excluding(scores[:, i], rows), sizes, seeded)

    names = [(name, half) for name, half, _, _ in held]
    return found | dict(zip(names, parallel_map(quantile, range(len(held))), strict=True))


def _quantile(scores: Vector, sizes: Sequence[int], seed: int) -> float | str:
    try:
        statistics = null_from(difference_of_means, scores, sizes, seed=seed)
    except NotMeasuredError as problem:
        return str(problem)
    return float(np.quantile(np.abs(statistics), QUANTILE))


def _attributes(embeddings: Embeddings, words: Sequence[str]) -> tuple[int, ...]:
    rows = find(embeddings, words).rows
    if not rows:
        raise NotMeasuredError("no attribute word is in the vectors, so there is no null")
    return rows


def _mean(embeddings: Embeddings, rows: Sequence[int]) -> Vector:
    mean: Vector = unit_rows(embeddings, rows).mean(axis=0)
    return mean


# Records --------------------------------------------------------------------------------------


@record_metric(
    "weat",
    citation="Caliskan, Bryson & Narayanan 2017, Science 356:183–186",
    family="weat",
    better="near 0",
    key="statistic",  # never d, which keeps its size when every association has vanished
    needs="two sets of target words, two of attribute words",
    has_null=True,
)
def records(subject: Subject) -> Iterator[Record]:
    """How much more targets X than targets Y go with attributes A rather than B.

    Every test on all, tune and report words. ``extra`` has ``null95`` (with the suffix of each
    yardstick), see :func:`null95`: in the baseline it is the yardstick that stays where it was
    while debiasing shrinks the null of the vectors measured. ``null_zeros`` words were never drawn,
    for their vector is all zeros. Where there is no null for a statistic, ``null_reason`` says why.
    """
    effort, tests = subject.effort, (*association_tests(), *subject.tests)
    asked = [(test, half) for test in tests for half in HALVES]
    results = parallel_map(lambda each: _measured(subject.embeddings, *each, effort), asked)
    found = list(zip(asked, results, strict=True))
    tested = [
        (*each, (result.n[0], result.n[1]))
        for each, result in found
        if result.statistic is not None
    ]
    nulls = [(each, null95(each.words, tested, effort.seed)) for each in subject.yardsticks]
    for (test, half), result in found:
        extra: dict[str, Any] = {}
        for yardstick, by_test in nulls:
            null, suffix = by_test.get((test.name, half)), yardstick.suffix
            known = isinstance(null, float)
            extra[f"null95{suffix}"] = null if known else None
            extra[f"null_zeros{suffix}"] = yardstick.words.zeros if known else None
            extra[f"null_reason{suffix}"] = null if isinstance(null, str) else None
        yield _record(test, half, result, extra)


def _measured(
    embeddings: Embeddings, test: AssociationTest, half: Half, effort: Resampling
) -> WeatResult:
    return weat(
        embeddings,
        *test.half(half),
        permutations=effort.permutations,
        bootstrap=effort.bootstrap,
        seed=effort.seed_of("weat", test.name, half),
    )


def _record(test: AssociationTest, half: Half, result: WeatResult, nulls: dict[str, Any]) -> Record:
    X, Y, A, B = test.half(half)
    null = nulls.get("null95")
    return Record(
        metric="weat",
        name=test.name,
        words=half,
        value=result.effect_size,
        low=result.effect_interval[0],
        high=result.effect_interval[1],
        p=result.p,
        method=result.method,
        n=result.n[0] + result.n[1],
        missing=result.missing,
        reason=result.reason,
        extra={
            "statistic": result.statistic,
            "statistic_low": result.statistic_interval[0],
            "statistic_high": result.statistic_interval[1],
            "p_two_sided": result.p_two_sided,
            "permutations": result.permutations,
            "p_floor": result.p_floor,
            "null95": null,
            "warning_scale": _scale_warning(result, null),
            "sizes": list(result.n),
            **nulls,
        },
        inputs=Case(test.name, half, {"X": X, "Y": Y}, {"A": A, "B": B}),
    )


def is_scale_artefact(d: float | None, s: float | None, null95: float | None) -> bool:
    """Whether ``d`` is large while ``|s|`` is no larger than what 95 % of random words show."""
    if d is None or s is None or null95 is None:
        return False
    return abs(d) >= LARGE_D and abs(s) <= null95


def _scale_warning(result: WeatResult, null: float | None) -> str | None:
    """Say so when ``d`` is large and ``s`` no larger than random words show."""
    if not is_scale_artefact(result.effect_size, result.statistic, null):
        return None
    return (
        f"d = {result.effect_size:+.2f} looks large, but |s| = {abs(result.statistic or 0):.4f} is "
        f"within what random words show here (95 %: {null:.4f}): d has no scale, compare s"
    )
