"""The size of each association, as figures and pages show it: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debiaslab.lexicons import Half
    from debiaslab.metrics import Scorecard


@dataclass(frozen=True)
class AssociationSize:
    """The size of one association, ``|s|`` divided by the baseline's random-word yardstick.

    The intervals are those of ``s`` over target words, divided likewise; one that holds 0 begins
    at 0. None where there is none.
    """

    test: str
    words: Half
    run: float | None
    baseline: float | None
    run_interval: tuple[float, float] | None = None
    baseline_interval: tuple[float, float] | None = None


def association_sizes(
    run: Scorecard, baseline: Scorecard | None, nulls: Mapping[str, float]
) -> tuple[AssociationSize, ...]:
    """Return the size of each association that has a yardstick.

    Args:
        run: Scorecard of the run.
        baseline: Scorecard of the baseline of the same seed, when the run is not it.
        nulls: ``"test/half"`` to the 95 % quantile of ``|s|`` in the baseline.
    """
    halves: tuple[Half, ...] = ("tune", "report")
    tests = dict.fromkeys(key.rpartition("/")[0] for key in nulls)
    return tuple(
        AssociationSize(
            test,
            half,
            _size(run, test, half, null),
            _size(baseline, test, half, null),
            _interval(run, test, half, null),
            _interval(baseline, test, half, null),
        )
        for test in tests
        for half in halves
        if (null := nulls.get(f"{test}/{half}"))
    )


def _size(card: Scorecard | None, test: str, half: Half, null: float) -> float | None:
    statistic = None if card is None else card.statistic(test, half)
    return None if statistic is None else abs(statistic) / null


def _interval(
    card: Scorecard | None, test: str, half: Half, null: float
) -> tuple[float, float] | None:
    record = None if card is None else card.record("weat", test, half)
    if record is None:
        return None
    low, high = record.extra.get("statistic_low"), record.extra.get("statistic_high")
    if low is None or high is None:
        return None
    near, far = sorted((abs(low) / null, abs(high) / null))
    return (0.0 if low <= 0 <= high else near, far)
