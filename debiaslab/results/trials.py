"""The runs of a sweep as rows: one a run, and one a trial over its seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev

from debiaslab.tracking.names import BASELINE_KIND, TRIAL_KIND, TRIAL_TAG
from debiaslab.tracking.records import RunInfo


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


def summarize(rows: Iterable[TrialRow]) -> tuple[TrialSummary, ...]:
    """Return one summary a trial: the baseline first, then by rising λ."""
    groups: dict[int | None, list[TrialRow]] = {}
    for row in rows:
        groups.setdefault(row.trial, []).append(row)
    summaries = [_summary(group) for group in groups.values()]
    return tuple(sorted(summaries, key=lambda each: (each.trial is not None, each.weight)))


def trial_rows(runs: Sequence[RunInfo], min_retention: float | None = None) -> tuple[TrialRow, ...]:
    """Return the finished baselines and trials of a study, the best trial marked.

    With ``min_retention`` it is the best of those that keep so much, where there are any.
    """
    latest: dict[tuple[str, ...], RunInfo] = {}
    for run in runs:
        if run.status == "FINISHED" and run.kind in (BASELINE_KIND, TRIAL_KIND):
            knobs = (f"{key}={run.params[key]}" for key in run.params if key.startswith("knob."))
            latest[(run.params["weight"], run.params["seed"], *sorted(knobs))] = run
    rows = [_row(run) for run in latest.values()]
    best = _best_trial(rows, min_retention)
    return tuple(replace(row, best=row.trial is not None and row.trial == best) for row in rows)


def _row(run: RunInfo) -> TrialRow:
    trial = run.tags.get(TRIAL_TAG, "")
    return TrialRow(
        trial=int(trial) if trial else None,
        weight=float(run.params["weight"]),
        seed=int(run.params["seed"]),
        bias_tune=run.metrics["bias_tune"],
        bias_report=run.metrics.get("bias_report"),
        retention=run.metrics.get("retention_tune"),
        score=run.metrics["score"],
        run_id=run.run_id,
        best=False,
        retention_report=run.metrics.get("retention_report"),
    )


def _best_trial(rows: Sequence[TrialRow], min_retention: float | None) -> int | None:
    """Return the trial with the lowest mean score among those that have every seed.

    One that keeps the wanted retention, in the mean, comes before any that does not; among those
    that do not, the one that keeps most comes first.
    """
    seeds = {row.seed for row in rows if row.trial is None}
    trials: dict[int, dict[int, TrialRow]] = {}
    for row in rows:
        if row.trial is not None:
            trials.setdefault(row.trial, {})[row.seed] = row
    whole = {trial: tuple(by.values()) for trial, by in trials.items() if by.keys() >= seeds}

    def order(trial: int) -> tuple[float, float, int]:
        lacks = 0.0
        if min_retention is not None:
            kept = mean(row.retention or 0.0 for row in whole[trial])
            lacks = max(0.0, min_retention - kept)
        return lacks, mean(row.score for row in whole[trial]), trial

    return min(whole, key=order) if whole else None


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
