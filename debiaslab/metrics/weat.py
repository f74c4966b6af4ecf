"""Word Embedding Association Test (Caliskan, Bryson & Narayanan 2017, Science 356:183–186)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import AssociationTest, Half, association_tests
from debiaslab.metrics.cases import HALVES, Case, Resampling
from debiaslab.metrics.null import (
    DRAWS,
    QUANTILE,
    TOP,
    NullCache,
    RandomWords,
    difference_of_means,
    random_words,
    with_null,
)
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import FLOAT32_NOISE, FoundSets, Measured
from debiaslab.metrics.word_metric import Look, Score, WordMetric, metric
from debiaslab.statistics.bootstrap import NO_INTERVAL, RESAMPLES
from debiaslab.statistics.permutation import DRAWS as PARTITIONS
from debiaslab.statistics.permutation import permutation_test
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Measurement

_Given = TypeVar("_Given")
_Result = TypeVar("_Result")
Array = NDArray[np.float64]

THREADS = 2
"""More would mostly wait for the interpreter, which one thread holds at a time."""

LARGE_D = 0.8
"""An effect size that is called large (Cohen 1988)."""


def parallel_map(measure: Callable[[_Given], _Result], given: Iterable[_Given]) -> list[_Result]:
    """Return what ``measure`` makes of each, in the order given; it must not depend on the order.

    What seeded measurements return is the same in any number of threads. What one raises is raised.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(measure, given))


def effect_size(x: Array, y: Array, ddof: int = 1) -> Array:
    """``d``: difference of mean associations over their spread, ``(b, n) → (b,)``; NaN without one.

    The two sets are summed by themselves: exchanging them, or the sign of all, negates exactly.
    """
    n = x.shape[1] + y.shape[1]
    middle = ((x.sum(axis=1) + y.sum(axis=1)) / n)[:, None]
    squares = ((x - middle) ** 2).sum(axis=1) + ((y - middle) ** 2).sum(axis=1)
    spreads = np.sqrt(squares / (n - ddof))
    sizes = np.full(len(x), np.nan)
    np.divide(difference_of_means(x, y), spreads, out=sizes, where=spreads > FLOAT32_NOISE)
    return sizes


def _about(look: Look) -> Mapping[str, Any]:
    """Return the effect size, the statistic under its own name, and the permutation test."""
    effect = partial(effect_size, ddof=look.knobs["ddof"])
    size, statistic = look.value(effect), look.value(difference_of_means)
    found = {"statistic": statistic, "statistic_interval": look.interval(difference_of_means)}
    if np.isnan(size):
        return {**found, "reason": "all targets have the same association: no spread for d"}
    found |= {"effect_size": size, "effect_interval": look.interval(effect)}
    if not look.permutations:
        return found
    test = permutation_test(*look.sets, draws=look.permutations, seed=look.seed)
    names = ("p", "p_two_sided", "method", "permutations")
    return {**found, **{name: getattr(test, name) for name in names}, "p_floor": test.floor}


def _extra(result: Measured, case: Case) -> Mapping[str, Any]:
    """Return what the record says: its value is ``d``, and what is compared the statistic."""
    (d_low, d_high), (low, high) = result.effect_interval, result.statistic_interval
    return {
        **{"value": result.effect_size, "low": d_low, "high": d_high},
        **{"p": result.p, "method": result.method},
        "statistic": result.statistic,
        "statistic_low": low,
        "statistic_high": high,
        "p_two_sided": result.p_two_sided,
        "permutations": result.permutations,
        "p_floor": result.p_floor,
        "null95": None,
        "warning_scale": None,
        "sizes": list(result.sizes),
    }


def _numbers_of_null(
    values: Array | str | None, statistic: float | None, zeros: int
) -> Mapping[str, float | str | None]:
    """Return the yardstick, ``null95``: the 95 % quantile of ``|s|`` of random targets."""
    if statistic is None or values is None or isinstance(values, str):
        reason = values if isinstance(values, str) and statistic is not None else None
        return {"null95": None, "null_zeros": None, "null_reason": reason}
    size = float(np.quantile(np.abs(values), QUANTILE))
    return {"null95": size, "null_zeros": zeros, "null_reason": None}


@dataclass(frozen=True, kw_only=True, eq=False)
class Weat(WordMetric):
    """WEAT: two target sets, and a record of the effect size beside the statistic."""

    def __call__(  # type: ignore[override]
        self,
        embeddings: Embeddings,
        X: Sequence[str],
        Y: Sequence[str],
        A: Sequence[str],
        B: Sequence[str],
        *,
        ddof: int = 1,
        permutations: int = PARTITIONS,
        bootstrap: int = RESAMPLES,
        seed: int = 0,
    ) -> Measured:
        """Measure how much more targets X than targets Y go with attributes A rather than B.

        Args:
            X: First target words. Repeated words count once, in this list and in the others.
            Y: Second target words.
            A: First attribute words.
            B: Second attribute words.
            ddof: 1 for the sample standard deviation (reproduces the published word2vec effect
                sizes), 0 for the population one.

        Returns:
            A result whose ``n`` counts the words of X, Y, A and B, and whose ``reason`` is set
            when a list has fewer than 4 words left, a vector is all zeros, a word is on both sides,
            or the vectors are so alike that there is no spread.
        """
        options = {"bootstrap": bootstrap, "permutations": permutations, "seed": seed, "ddof": ddof}
        targets, attributes = {"X": X, "Y": Y}, {"A": A, "B": B}
        result = super().__call__(embeddings, targets, attributes, **options)
        return replace(result, n=result.sizes)

    def records(self, measurement: Measurement) -> Iterator[Record]:
        """Yield the records of every test that ships or is given, on all, tune and report words."""
        given = measurement
        tests = (*association_tests(), *given.tests)
        cases = [case_of(test, half) for test in tests for half in HALVES]
        yardsticks = given.yardsticks  # made before the threads, which share them

        def measured(case: Case) -> Record:
            return self.record(given.embeddings, case, given.effort, yardsticks)

        # Without draws a test takes less time than handing it to a thread.
        yield from parallel_map(measured, cases) if given.effort.null else map(measured, cases)

    def with_null(
        self, record: Record, yardsticks: Sequence[NullCache], effort: Resampling
    ) -> Record:
        """Return the record with ``null95`` of each yardstick, and a warning where ``d`` misleads.

        ``null_zeros`` words were never drawn, for their vector is all zeros. Where there is no null
        for a statistic, ``null_reason`` says why.
        """
        found = with_null(record, self._null, yardsticks, effort, "statistic", _numbers_of_null)
        d, s, null = found.value, found.extra["statistic"], found.extra["null95"]
        if not is_scale_artefact(d, s, null):
            return found
        warning = (
            f"d = {d:+.2f} looks large, but |s| = {abs(s):.4f} is within what random words show "
            f"here (95 %: {null:.4f}): d has no scale, compare s"
        )
        return replace(found, extra={**found.extra, "warning_scale": warning})

    def null_seed(self, record: Record, effort: Resampling) -> int:
        """Return the seed of a record's null, which the objective's yardstick has too."""
        return effort.seed_of("null", record.name, record.words)


@metric(
    "weat",
    citation="Caliskan, Bryson & Narayanan 2017, Science 356:183–186",
    family="weat",
    against="two groups",
    better="near 0",
    key="statistic",  # never d, which keeps its size when every association has vanished
    needs="two sets of target words, two of attribute words",
    gender=lambda half: [case_of(test, half) for test in association_tests()],
    attribute=lambda attribute, half: (),  # its test is among those given
    kind=Weat,
    of=("X", "Y"),
    value=difference_of_means,
    permutations=PARTITIONS,
    draws=DRAWS,
    planted=None,  # it compares sets of words
    numbers={
        **dict.fromkeys(("statistic", "effect_size", "p", "p_two_sided", "method", "p_floor")),
        **dict.fromkeys(("statistic_interval", "effect_interval"), NO_INTERVAL),
        "permutations": 0,
    },
    about=_about,
    extra=_extra,
)
def weat(embeddings: Embeddings, groups: FoundSets, *, ddof: int = 1) -> Score:
    """How much more targets X than targets Y go with attributes A rather than B.

    ``s(w, A, B) = mean over a of cos(w, a) − mean over b of cos(w, b)``;
    ``s = mean over X of s(x, A, B) − mean over Y of s(y, A, B)``;
    ``d = s / std over X ∪ Y of s(w, A, B)``, by ``ddof`` of the sample or the population. Swapping
    X and Y, or A and B, negates ``s`` and ``d`` exactly; the order of the words in a list changes
    nothing. A result has

    - ``statistic`` (its value) and ``statistic_interval``: ``s``, which carries the scale, in
      cosine units;
    - ``effect_size`` and ``effect_interval``: ``d``, scale-free; None without any spread;
    - ``p``, the share of partitions of the targets with a statistic ≥ ``s``, and ``p_two_sided``,
      with a size ≥ ``|s|``; ``method``: ``"exact"``, ``"monte_carlo"`` or None; ``permutations``:
      partitions looked at; ``p_floor``: the smallest p this test can give, 1 / partitions or
      1 / (draws + 1). Exact and two-sided it is twice that when X and Y have one size.

    The record's value is ``d``. ``extra`` has ``null95`` (with the suffix of each yardstick): the
    95 % quantile of ``|s|`` of random targets of the same sizes, compared with the test's own
    attributes. In the baseline it is the fixed reference, and what the objective divides by.
    """
    a, b = groups.unit(embeddings)
    contrast = a.mean(axis=0) - b.mean(axis=0)  # a mean of cosines is a product with the mean
    return lambda rows: rows @ contrast


def case_of(test: AssociationTest, half: Half) -> Case:
    """Return a test on one half of its words."""
    X, Y, A, B = test.half(half)
    return Case(test.name, half, {"X": X, "Y": Y}, {"A": A, "B": B})


def is_scale_artefact(d: float | None, s: float | None, null95: float | None) -> bool:
    """Whether ``d`` is large while ``|s|`` is no larger than what 95 % of random words show."""
    if d is None or s is None or null95 is None:
        return False
    return abs(d) >= LARGE_D and abs(s) <= null95


# Random words in the place of the targets -----------------------------------------------------


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
) -> Array:
    """Return ``s`` of random targets among the ``top`` first words, less ``exclude``; signed."""
    return weat.null(random_words(embeddings, exclude, top), A, B, n=(n_x, n_y), **more)


def null_quantile(*given: Any, q: float = QUANTILE, **more: Any) -> float:
    """Return the ``q`` quantile of ``|s|`` of :func:`null_statistics`, in cosine units."""
    return float(np.quantile(np.abs(null_statistics(*given, **more)), q))


Tested = tuple[AssociationTest, Half, tuple[int, int]]
"""A test, a half of its words, and how many words X and Y have."""


def null95(
    drawn: RandomWords, tested: Sequence[Tested], seed: int
) -> dict[tuple[str, Half], float | str]:
    """Return the yardstick of every test in the vectors of ``drawn``, by name and half.

    It is ``null95`` of a record of the same seed, in cosine units; why there is none for a test
    without attributes there, or with too few words to draw from.

    Args:
        drawn: The words to draw from.
    """
    effort = Resampling(seed, 0, 0, null=True)

    def quantile(each: Tested) -> float | str:
        test, half, sizes = each
        seeded = effort.seed_of("null", test.name, half)
        try:
            values = weat.null(drawn, case_of(test, half).against, n=sizes, seed=seeded)
        except NotMeasuredError as problem:
            return str(problem)
        return float(np.quantile(np.abs(values), QUANTILE))

    names = [(test.name, half) for test, half, _ in tested]
    return dict(zip(names, parallel_map(quantile, tested), strict=True))
