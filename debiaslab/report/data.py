"""What figures, tables and pages are made from: plain values, nothing read or measured here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debiaslab.lexicons import Half
    from debiaslab.metrics import Scorecard


@dataclass(frozen=True)
class TrialRow:
    """One finished run of a sweep.

    Attributes:
        trial: Number of the trial; None for the baseline (λ = 0).
        weight: λ.
        seed: Seed of the training.
        bias_tune: Bias on tune words, in units of the random-word yardstick of the baseline.
        bias_report: The same on report words; None when it was not measured.
        retention: Utility on tune pairs divided by the baseline's; None when not measured.
        score: The objective; smaller is better.
        run_id: MLflow run.
        best: Whether it belongs to the best trial.
        retention_report: The same as retention, on report pairs.
    """

    trial: int | None
    weight: float
    seed: int
    bias_tune: float
    bias_report: float | None
    retention: float | None
    score: float
    run_id: str
    best: bool
    retention_report: float | None


@dataclass(frozen=True)
class Spread:
    """A value over the seeds of one trial: mean, sample standard deviation (None for one seed)."""

    mean: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True)
class TrialSummary:
    """One trial over its seeds; a value that no seed measured is None."""

    trial: int | None
    weight: float
    seeds: int
    bias_tune: Spread
    bias_report: Spread | None
    retention: Spread | None
    retention_report: Spread | None
    score: Spread
    best: bool


@dataclass(frozen=True)
class AssociationSize:
    """The size of one association, ``|s|`` divided by the baseline's random-word yardstick."""

    test: str
    words: Half
    run: float | None
    baseline: float | None


def summarize(rows: Iterable[TrialRow]) -> tuple[TrialSummary, ...]:
    """Return one summary a trial: the baseline first, then by rising λ."""
    groups: dict[int | None, list[TrialRow]] = {}
    for row in rows:
        groups.setdefault(row.trial, []).append(row)
    summaries = [_summary(group) for group in groups.values()]
    return tuple(sorted(summaries, key=lambda each: (each.trial is not None, each.weight)))


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


def _summary(rows: list[TrialRow]) -> TrialSummary:
    first = rows[0]
    return TrialSummary(
        trial=first.trial,
        weight=first.weight,
        seeds=len(rows),
        bias_tune=_spread([row.bias_tune for row in rows]),
        bias_report=_measured([row.bias_report for row in rows]),
        retention=_measured([row.retention for row in rows]),
        retention_report=_measured([row.retention_report for row in rows]),
        score=_spread([row.score for row in rows]),
        best=any(row.best for row in rows),
    )


def _measured(values: list[float | None]) -> Spread | None:
    present = [value for value in values if value is not None]
    return _spread(present) if present else None


def _spread(values: list[float]) -> Spread:
    sd = stdev(values) if len(values) > 1 else None
    return Spread(mean(values), sd, min(values), max(values))
