"""Scorecard records of the association tests (WEAT)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import AssociationTest, Half, association_tests, gender_words
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import (
    QUANTILE,
    difference_of_means,
    null_from,
    random_words,
)
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.vocabulary import find, unit_rows
from debiaslab.metrics.weat import WeatResult, weat

LARGE = 0.8
"""A size of ``d`` that is called large (Cohen 1988)."""


def records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """Yield every association test on all, tune and report words."""
    measured = [
        _Measured(
            test,
            half,
            weat(
                embeddings,
                *test.half(half),
                permutations=effort.permutations,
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("weat", test.name, half),
            ),
        )
        for test in association_tests()
        for half in HALVES
    ]
    nulls = _nulls(embeddings, measured, effort) if effort.null else {}
    for each in measured:
        null = nulls.get((each.test.name, each.half))
        yield _weat_record(each.test, each.half, each.result, null)


@dataclass(frozen=True)
class _Measured:
    test: AssociationTest
    half: Half
    result: WeatResult


def _weat_record(
    test: AssociationTest, half: Half, result: WeatResult, null: float | None
) -> Record:
    return Record(
        metric="weat",
        name=test.name,
        words=half,
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


def _scale_warning(result: WeatResult, null: float | None) -> str | None:
    """Say so when ``d`` is large and ``s`` no larger than random words show."""
    d, s = result.effect_size, result.statistic
    if d is None or s is None or null is None or abs(d) <= LARGE or abs(s) > null:
        return None
    return (
        f"d = {d:+.2f} looks large, but |s| = {abs(s):.4f} is within what random words show here "
        f"(95 %: {null:.4f}): d has no scale, compare s"
    )


def _nulls(
    embeddings: Embeddings, measured: Sequence[_Measured], effort: Effort
) -> dict[tuple[str, Half], float]:
    """Return this space's own yardstick of every test that has a statistic.

    The random words are held against the attributes of all tests in one product; attributes are
    not drawn in their own test.
    """
    tests = [each for each in measured if each.result.statistic is not None]
    if not tests:
        return {}
    drawn = random_words(embeddings, gender_words())
    attributes = [_attribute_rows(embeddings, each) for each in tests]
    contrasts = [
        unit_rows(embeddings, a).mean(axis=0) - unit_rows(embeddings, b).mean(axis=0)
        for a, b in attributes
    ]
    scores = drawn.unit @ np.stack(contrasts, axis=1)
    nulls: dict[tuple[str, Half], float] = {}
    for each, (a, b), column in zip(tests, attributes, scores.T, strict=True):
        seed = effort.seed_of("null", each.test.name, each.half)
        sizes = each.result.n[:2]
        # Too few words to draw from: the statistic stands without a yardstick.
        with suppress(NotMeasuredError):
            statistics = null_from(difference_of_means, drawn.but(column, a + b), sizes, seed=seed)
            quantile = float(np.quantile(np.abs(statistics), QUANTILE))
            nulls[each.test.name, each.half] = quantile
    return nulls


def _attribute_rows(
    embeddings: Embeddings, measured: _Measured
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    words = measured.test.half(measured.half)
    return find(embeddings, words.A).rows, find(embeddings, words.B).rows
