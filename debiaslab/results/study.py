"""One study, read from the tracking store: its runs as objects, rows and tables."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from debiaslab.errors import UserError
from debiaslab.results.runs import (
    BASELINE,
    DOSE,
    RUN_KEYS,
    HeldOut,
    PlantedStudy,
    RunResults,
    StrategyResult,
    planted_study,
    read_sides,
)
from debiaslab.tracking.names import (
    BASELINE_KIND,
    CELL_KIND,
    COMPARISON_TAG,
    CORPUS,
    NOTES,
    PLANTED_KIND,
    PROVENANCE,
    TRIAL_KIND,
    TRIAL_TAG,
)
from debiaslab.tracking.records import RunInfo, StudyRun

if TYPE_CHECKING:
    import pandas as pd

    from debiaslab.tracking import Store


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
        bias_own: Bias on tune words along gender words of the same vectors; None in older studies.
        bias_anchored: The same along those of the baseline.
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
    bias_own: float | None = None
    bias_anchored: float | None = None


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
    kinds = (BASELINE_KIND, TRIAL_KIND)
    done = [run for run in runs if run.status == "FINISHED" and run.kind in kinds]
    rows = [_row(run) for run in _latest(done)]
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
        bias_own=run.metrics.get("bias_tune_own"),
        bias_anchored=run.metrics.get("bias_tune_anchored"),
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
        kept = mean(row.retention or 0.0 for row in whole[trial])
        lacks = 0.0 if min_retention is None else max(0.0, min_retention - kept)
        return lacks, mean(row.score for row in whole[trial]), trial

    return min(whole, key=order) if whole else None


def _summary(rows: list[TrialRow]) -> TrialSummary:
    score, bias = _spread(row.score for row in rows), _spread(row.bias_tune for row in rows)
    assert score is not None  # every finished run has both
    assert bias is not None
    return TrialSummary(
        trial=rows[0].trial,
        weight=rows[0].weight,
        seeds=len(rows),
        bias_tune=bias,
        bias_report=_spread(row.bias_report for row in rows),
        retention=_spread(row.retention for row in rows),
        retention_report=_spread(row.retention_report for row in rows),
        score=score,
        best=any(row.best for row in rows),
    )


def _spread(values: Iterable[float | None]) -> Spread | None:
    """Return the spread of what was measured; None when nothing was."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Spread(mean(known), stdev(known) if len(known) > 1 else None, min(known), max(known))


# of runs that have vectors and a scorecard
_KINDS = (BASELINE_KIND, TRIAL_KIND, CELL_KIND, PLANTED_KIND)
_RECORD = ("metric", "name", "words", "value", "low", "high", "p", "method", "n", "reason")
_EXTRA = ("statistic", "statistic_low", "statistic_high", "p_two_sided", "null95", "coverage")


@dataclass(frozen=True)
class StudyResults:
    """A sweep or a comparison with what its finished runs measured.

    Attributes:
        parent: The study's own run: settings, summary metrics, tags, times.
        runs: The finished runs, the baselines first, else in the order they were started.
        unfinished: Runs that failed, were killed or are still running.
    """

    parent: StudyRun
    runs: tuple[RunResults, ...]
    unfinished: tuple[RunInfo, ...]
    _store: Store = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.parent.study

    @property
    def is_comparison(self) -> bool:
        """Whether strategies are compared; else one strategy's λ is searched."""
        return self.parent.tags.get(COMPARISON_TAG) == "true"

    @property
    def is_planted(self) -> bool:
        """Whether it is a planted-bias control: runs of one text with several doses."""
        return DOSE in self.runs[0].info.params

    @cached_property
    def planted(self) -> PlantedStudy:
        """What the runs of a planted-bias control measured, dose by dose."""
        return planted_study(self.runs)

    @property
    def params(self) -> Mapping[str, str]:
        """Settings that all its runs share, as text."""
        return self.parent.params

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every λ or strategy was trained with."""
        return tuple(sorted({run.seed for run in self.runs}))

    @cached_property
    def baselines(self) -> dict[int, RunResults]:
        """The baseline (λ = 0) of each seed."""
        return {run.seed: run for run in self.runs if run.strategy == BASELINE}

    @cached_property
    def best(self) -> RunResults:
        """The run that is exported: the first seed's of the trial with the best mean score.

        Raises:
            UserError: The study is a comparison, or no trial has finished.
        """
        if self.is_comparison:
            raise UserError(
                f"{self.name!r} compares strategies and has no best run",
                allowed="one of the runs of its sides",
            )
        wanted = self._store.best(self.name).run_id
        found = next((run for run in self.runs if run.run_id == wanted), None)
        if found is None:
            raise UserError(
                f"the best run {wanted} of the study {self.name!r} is gone from the store",
                next_step=_next_step(self.parent),
            )
        return found

    @cached_property
    def trials(self) -> tuple[TrialRow, ...]:
        """The runs of a sweep in units of the objective, those of the best trial marked."""
        rows = trial_rows([run.info for run in self.runs])
        if self.is_comparison or not any(row.trial is not None for row in rows):
            return rows
        best = self.best.trial
        return tuple(replace(row, best=row.trial is not None and row.trial == best) for row in rows)

    @cached_property
    def sides(self) -> tuple[StrategyResult, ...]:
        """The strategies of a comparison, the baseline first.

        Raises:
            UserError: The comparison has not ended, or this is a sweep.
        """
        if not self.is_comparison:
            raise UserError(f"{self.name!r} is a sweep, which has one strategy", allowed="trials")
        return read_sides(self._store, self.parent.run_id)

    @cached_property
    def tuned(self) -> tuple[StrategyResult, ...]:
        """The baseline and the best trial of a sweep over their seeds; empty without a trial."""
        best = {row.run_id for row in self.trials if row.best}
        after = {run.seed: run for run in self.runs if run.run_id in best}
        if not after or not self.baselines:
            return ()
        return tuple(
            StrategyResult(
                strategy=name,
                weight=next((run.weight for run in runs.values() if run.weight), None),
                stage=name,
                control=False,
                cards=tuple(runs[s].scorecard if s in runs else None for s in self.seeds),
                outcomes=tuple(runs[s].info.metrics if s in runs else None for s in self.seeds),
                runs=tuple(runs[s].run_id if s in runs else None for s in self.seeds),
            )
            for name, runs in ((BASELINE, self.baselines), ("best", after))
        )

    @cached_property
    def corpus(self) -> Mapping[str, Any]:
        """Name, documents, tokens, types, fingerprint, sources and settings of the text."""
        first = self.runs[0]
        text = self._store.artifact(first.run_id, CORPUS).read_text(encoding="utf-8")
        return {"name": first.info.params["corpus"], **json.loads(text)}

    @cached_property
    def held_out(self) -> HeldOut:
        """Which words were acted on, tuned on, and only reported on.

        Of a comparison, what the strategy that acts on most words did, and of those the one that
        was given most gender pairs. Each run has its own.
        """
        acting = [run for run in self.runs if run.strategy != BASELINE] or self.runs
        return max((run.held_out for run in acting), key=_reach)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Code, versions, machine and command line of the study's last start."""
        text = self._store.artifact(self.parent.run_id, PROVENANCE).read_text(encoding="utf-8")
        return dict(json.loads(text))

    @cached_property
    def notes(self) -> Mapping[str, Sequence[str]]:
        """The ``warnings`` and ``findings`` the study ended with; older studies keep none."""
        if NOTES not in self._store.artifacts(self.parent.run_id):
            return {"warnings": (), "findings": ()}
        text = self._store.artifact(self.parent.run_id, NOTES).read_text(encoding="utf-8")
        return dict(json.loads(text))

    def run(self, run_id: str) -> RunResults:
        """Return one of the runs; raise a `UserError` if it is none of the finished ones."""
        found = next((run for run in self.runs if run.run_id == run_id), None)
        if found is None:
            raise UserError(
                f"the study {self.name!r} has no finished run {run_id!r}",
                allowed=", ".join(run.run_id for run in self.runs),
            )
        return found

    def frame(self) -> pd.DataFrame:
        """Return the finished runs, one a row: λ, seed, bias, retention, score, time, knobs.

        What was not measured is NaN; ``trial`` is missing (``<NA>``) for baselines.
        """
        import pandas as pd

        frame = pd.DataFrame([run.row() for run in self.runs])
        return frame.astype({"trial": "Int64"})

    def records(self) -> pd.DataFrame:
        """Return every record of every scorecard, one a row, with strategy, λ and seed.

        Columns as in the scorecard's JSON; ``value`` of ``weat`` is the effect size, ``statistic``
        the number to compare.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for run in self.runs:
            own = {key: getattr(run, key) for key in RUN_KEYS}
            for record in run.scorecard.records:
                rows.append(
                    {
                        **own,
                        **{key: getattr(record, key) for key in _RECORD},
                        **{key: record.extra.get(key) for key in _EXTRA},
                    }
                )
        return pd.DataFrame(rows).astype({"trial": "Int64"})


def open_study(name: str, root: str | Path = "mlruns") -> StudyResults:
    """Open a finished study, or what is finished of one, for reading.

    Args:
        name: Name of the study, as ``python -m debiaslab studies`` lists it.
        root: Folder of the local store (``MLFLOW_TRACKING_URI`` names another).

    Raises:
        UserError: There is no store or no such study (the nearest name is given), or none of its
            runs has finished.

    Examples:
        >>> study = open_study("quickstart")                          # doctest: +SKIP
        >>> study.best.weight, study.best.scorecard.statistic("7", "report")  # doctest: +SKIP
    """
    from debiaslab.tracking import Store

    return read_study(Store.read(root), name)


def read_study(store: Store, name: str) -> StudyResults:
    """Return a study of an open store; see :func:`open_study`."""
    parent = store.study_named(name)
    children = store.runs(parent.run_id)
    done = [run for run in children if run.status == "FINISHED" and run.kind in _KINDS]
    if not done:
        raise UserError(f"no run of the study {name!r} has finished", next_step=_next_step(parent))
    runs = [RunResults(run, store) for run in _latest(done)]
    runs.sort(key=lambda run: run.strategy != BASELINE)
    unfinished = tuple(run for run in children if run.status != "FINISHED")
    return StudyResults(parent, tuple(runs), unfinished, store)


def _reach(held: HeldOut) -> tuple[int, int]:
    return held.covered or 0, len(held.pairs)


def _latest(runs: Iterable[RunInfo]) -> list[RunInfo]:
    """Return one run of each strategy, λ, knobs and seed: what was lost is trained again."""
    found: dict[tuple[object, ...], RunInfo] = {}
    for run in runs:
        knobs = sorted((k, v) for k, v in run.params.items() if k.startswith("knob."))
        names = ("strategy", "weight", "seed", DOSE)
        params = tuple(run.params.get(name) for name in names)
        found[(run.kind, *params, *knobs)] = run
    return list(found.values())


def _next_step(parent: StudyRun) -> str:
    if parent.tags.get(COMPARISON_TAG) == "true":
        return "the compare command that started it, which continues it"
    return f"python -m debiaslab resume {shlex.quote(parent.study)}"
