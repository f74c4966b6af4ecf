"""Scorecard records of the association tests (WEAT)."""

from __future__ import annotations

from collections.abc import Iterator

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import AssociationTest, Half, association_tests, gender_words
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import null_quantile
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.weat import WeatResult, weat


def records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """Yield every association test on all, tune and report words."""
    for test in association_tests():
        for half in HALVES:
            result = weat(
                embeddings,
                *test.half(half),
                permutations=effort.permutations,
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("weat", test.name, half),
            )
            null = _null95(embeddings, test, half, result, effort)
            yield _weat_record(test, half, result, null)


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
            "null95": null,
            "sizes": list(result.n),
        },
    )


def _null95(
    embeddings: Embeddings, test: AssociationTest, half: Half, result: WeatResult, effort: Effort
) -> float | None:
    """Return this space's own yardstick for one test; None when there is nothing to hold to it."""
    if not effort.null or result.statistic is None:
        return None
    words = test.half(half)
    try:
        return null_quantile(
            embeddings,
            words.A,
            words.B,
            *result.n[:2],
            seed=effort.seed_of("null", test.name, half),
            exclude=gender_words(),
        )
    except NotMeasuredError:  # too few words to draw from: the statistic stands without a yardstick
        return None
