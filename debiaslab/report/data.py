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
    """The size of one association, ``|s|`` divided by the baseline's random-word yardstick."""

    test: str
    words: Half
    run: float | None
    baseline: float | None


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
        AssociationSize(test, half, _size(run, test, half, null), _size(baseline, test, half, null))
        for test in tests
        for half in halves
        if (null := nulls.get(f"{test}/{half}"))
    )


def _size(card: Scorecard | None, test: str, half: Half, null: float) -> float | None:
    statistic = None if card is None else card.statistic(test, half)
    return None if statistic is None else abs(statistic) / null
