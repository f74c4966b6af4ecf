"""Scorecard records of the association tests (WEAT)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from debiaslab.lexicons import AssociationTest, Half, association_tests
from debiaslab.metrics.at_once import at_once
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import QUANTILE, Array, RandomWords, difference_of_means, null_from
from debiaslab.metrics.scale import is_scale_artefact
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.vocabulary import find, unit_rows
from debiaslab.metrics.weat import WeatResult, weat
from debiaslab.metrics.yardstick import Yardstick
from debiaslab.vectors.embeddings import Embeddings

_Nulls = dict[tuple[str, Half], float | str]  # the quantile, or why there is none


def records(
    embeddings: Embeddings,
    effort: Effort,
    yardsticks: Sequence[Yardstick] = (),
    tests: Sequence[AssociationTest] | None = None,
) -> Iterator[Record]:
    """Yield every association test on all, tune and report words.

    ``extra`` has ``null95`` (with the suffix of each yardstick): the 95 % quantile of ``|s|`` over
    random target sets of the record's sizes, held against its own attributes. In the baseline it is
    the yardstick that stays where it was while debiasing shrinks the null of the vectors measured.
    ``null_zeros`` words were never drawn, for their vector is all zeros. Where there is no null for
    a statistic, ``null_reason`` says why. Both have the same suffix.

    Args:
        embeddings: The vectors measured.
        effort: Permutations, resamples and seeds.
        yardsticks: The random words to draw from; none for no nulls.
        tests: The tests; those that ship when None.
    """
    chosen = association_tests() if tests is None else tests
    measured = at_once(
        lambda which: _measure(embeddings, *which, effort),
        [(test, half) for test in chosen for half in HALVES],
    )
    nulls = [(each, _quantiles(each.words, measured, effort)) for each in yardsticks]
    for each in measured:
        extra: dict[str, float | str | None] = {}
        for yardstick, found in nulls:
            null, suffix = found.get((each.test.name, each.half)), yardstick.suffix
            zeros = yardstick.words.zeros
            extra[f"null95{suffix}"] = null if isinstance(null, float) else None
            extra[f"null_zeros{suffix}"] = zeros if isinstance(null, float) else None
            extra[f"null_reason{suffix}"] = null if isinstance(null, str) else None
        yield _weat_record(each, extra)


@dataclass(frozen=True)
class _Measured:
    test: AssociationTest
    half: Half
    result: WeatResult


def _measure(
    embeddings: Embeddings, test: AssociationTest, half: Half, effort: Effort
) -> _Measured:
    result = weat(
        embeddings,
        *test.half(half),
        permutations=effort.permutations,
        bootstrap=effort.bootstrap,
        seed=effort.seed_of("weat", test.name, half),
    )
    return _Measured(test, half, result)


def _weat_record(measured: _Measured, nulls: Mapping[str, Any]) -> Record:
    result, null = measured.result, nulls.get("null95")
    record = Record(
        metric="weat",
        name=measured.test.name,
        words=measured.half,
        value=finite(result.effect_size),
        low=result.effect_interval[0],
        high=result.effect_interval[1],
        p=result.p,
        method=result.method,
        n=result.n[0] + result.n[1],
        missing=result.missing,
        reason=result.reason,
        extra={
            "statistic": finite(result.statistic),
            "statistic_low": result.statistic_interval[0],
            "statistic_high": result.statistic_interval[1],
            "p_two_sided": result.p_two_sided,
            "permutations": result.permutations,
            "p_floor": result.p_floor,
            "null95": null,
            "warning_scale": _scale_warning(result, null),
            "sizes": list(result.n),
        },
    )
    return replace(record, extra={**record.extra, **nulls})


def _scale_warning(result: WeatResult, null: float | None) -> str | None:
    """Say so when ``d`` is large and ``s`` no larger than random words show."""
    if not is_scale_artefact(result.effect_size, result.statistic, null):
        return None
    return (
        f"d = {result.effect_size:+.2f} looks large, but |s| = {abs(result.statistic or 0):.4f} is "
        f"within what random words show here (95 %: {null:.4f}): d has no scale, compare s"
    )


def _quantiles(drawn: RandomWords, measured: Sequence[_Measured], effort: Effort) -> _Nulls:
    """Return the yardstick of every test that has a statistic, in the vectors of ``drawn``.

    The random words are held against the attributes of all tests in one product; attributes are
    not drawn in their own test. A test without attributes there, or with too few words to draw
    from, has the reason.
    """
    nulls: _Nulls = {}
    contrasts, held = [], []
    for each in measured:
        if each.result.statistic is not None:
            try:
                words = each.test.half(each.half)
                a, b = (_rows(drawn.embeddings, listed) for listed in (words.A, words.B))
                contrasts.append(_mean(drawn.embeddings, a) - _mean(drawn.embeddings, b))
                held.append((each, a + b))
            except NotMeasuredError as problem:
                nulls[each.test.name, each.half] = str(problem)
    if not held:
        return nulls
    scores = drawn.unit @ np.stack(contrasts, axis=1)

    def quantile(i: int) -> float | str:
        each, attributes = held[i]
        seed = effort.seed_of("null", each.test.name, each.half)
        return _quantile(drawn.but(scores[:, i], attributes), each.result.n[:2], seed)

    found = at_once(quantile, range(len(held)))
    tested = ((each.test.name, each.half) for each, _ in held)
    return nulls | dict(zip(tested, found, strict=True))


def _quantile(scores: Array, sizes: Sequence[int], seed: int) -> float | str:
    try:
        statistics = null_from(difference_of_means, scores, sizes, seed=seed)
    except NotMeasuredError as problem:
        return str(problem)
    return float(np.quantile(np.abs(statistics), QUANTILE))


def _rows(embeddings: Embeddings, words: Sequence[str]) -> tuple[int, ...]:
    rows = find(embeddings, words).rows
    if not rows:
        raise NotMeasuredError("no attribute word is in the vectors, so there is no null")
    return rows


def _mean(embeddings: Embeddings, rows: Sequence[int]) -> Array:
    mean: Array = unit_rows(embeddings, rows).mean(axis=0)
    return mean
