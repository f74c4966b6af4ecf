"""Where a study stands, cell by cell: a cell is one trial with one seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from debiaslab.study.search import counted_trials, seeds_tried
from debiaslab.study.search_storage import search_exists, storage_to_read
from debiaslab.tracking.run_info import RunInfo
from debiaslab.tracking.run_records import status_now

_TRAINED = ("done", "running", "failed")
_LETTERS = 8  # of a run's id: two runs of a store hardly ever share them
_WIDTH = len("not needed ") + _LETTERS
RUN_IDS = (
    "the letters beside a state are the first of the run's id; reproduce, evaluate --run,\n"
    "export --run and neighbors --run take them"
)

State = Literal["done", "running", "failed", "missing", "pruned", "not needed"]


@dataclass(frozen=True)
class Row:
    """One trial: None is the baseline."""

    trial: int | None
    weight: float | None  # λ; None: not drawn yet
    cells: Mapping[int, State]  # by seed
    runs: Mapping[int, str]  # by seed: MLflow run of a cell that is done, running or failed

    def shown(self, seed: int) -> str:
        """State of a cell with the first letters of its run's id, by which others know it."""
        return f"{self.cells[seed]} {self.runs.get(seed, '')[:_LETTERS]}".rstrip()


@dataclass(frozen=True)
class Status:
    """A study, the baseline first and then trial by trial."""

    name: str
    rows: tuple[Row, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many cells are in each state."""
        return Counter(state for row in self.rows for state in row.cells.values())

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be done."""
        return not (self.counts["missing"] or self.counts["running"])

    @property
    def text(self) -> str:
        """The table, for the terminal."""
        seeds = list(self.rows[0].cells)
        heads = "  ".join(f"{f'seed {seed}':{_WIDTH}}" for seed in seeds)
        head = f"{'trial':>8}  {'λ':>9}  {heads}"
        lines = [f"study     {self.name}", f"cells     {self._summary()}", "", head.rstrip()]
        for row in self.rows:
            name = "baseline" if row.trial is None else str(row.trial)
            weight = "–" if row.weight is None else f"{row.weight:.3g}"
            cells = "  ".join(f"{row.shown(seed):{_WIDTH}}" for seed in seeds)
            lines.append(f"{name:>8}  {weight:>9}  {cells}".rstrip())
        if any(row.runs for row in self.rows):
            lines += ["", RUN_IDS]
        return "\n".join(lines)

    def _summary(self) -> str:
        counts = self.counts
        order = ("done", "running", "failed", "missing", "pruned", "not needed")
        told = [f"{counts[state]} {state}" for state in order if counts[state] or state == "done"]
        return f"{', '.join(told)} of {sum(counts.values())}"


def status_of(
    name: str,
    runs: Sequence[RunInfo],
    trials: Mapping[int, FrozenTrial],
    *,
    seeds: Sequence[int],
    wanted: int,
) -> Status:
    """Put together what MLflow knows of runs and Optuna of trials.

    Args:
        name: Name of the study.
        runs: Its runs, oldest first.
        trials: Trials that count, by position.
        seeds: Seeds of each trial.
        wanted: Trials that were asked for.
    """
    latest: dict[tuple[int | None, int], RunInfo] = {}
    for run in runs:
        if run.kind in ("baseline", "trial") and "seed" in run.params:
            key = _trial(run), int(run.params["seed"])
            if key not in latest or latest[key].status != "FINISHED":
                latest[key] = run
    numbers = [number for number, _ in latest if number is not None]
    count = max(wanted, 1 + max((*trials, *numbers), default=-1))
    rows = []
    for number in (None, *range(count)):
        trial = None if number is None else trials.get(number)
        cells = {seed: _state(latest.get((number, seed)), trial, seed, seeds) for seed in seeds}
        weight = 0.0 if number is None else _weight(trial, latest, number)
        own = {
            seed: run.run_id
            for (each, seed), run in latest.items()
            if each == number and cells.get(seed) in _TRAINED
        }
        rows.append(Row(number, weight, cells, own))
    return Status(name, tuple(rows))


def runs_text(name: str, runs: Sequence[RunInfo]) -> str:
    """Return the runs of a study that keeps no study file, such as a comparison, one a line."""
    states = {"FINISHED": "done", "KILLED": "cut short"}
    lines = [f"study     {name}", f"runs      {len(runs)}", ""]
    for run in runs:
        status = status_now(run)
        state = states.get(status, status.lower())
        lines.append(f"{run.run_id}  {state:9}  {run.name}")
    return "\n".join(lines)


def known_trials(root: Path, name: str) -> dict[int, FrozenTrial]:
    """Return the trials of a study that count, by position; none before the search has begun."""
    if not search_exists(root):
        return {}
    try:
        with storage_to_read(root) as storage:
            return counted_trials(optuna.load_study(study_name=name, storage=storage))
    except KeyError:
        return {}


def _trial(run: RunInfo) -> int | None:
    number = run.tags.get("debiaslab.trial", "")
    return int(number) if number else None


def _weight(
    trial: FrozenTrial | None, latest: Mapping[tuple[int | None, int], RunInfo], number: int
) -> float | None:
    if trial is not None and "weight" in trial.params:
        return float(trial.params["weight"])
    found = [run for (each, _), run in latest.items() if each == number]
    return float(found[0].params["weight"]) if found and "weight" in found[0].params else None


def _state(
    run: RunInfo | None, trial: FrozenTrial | None, seed: int, seeds: Sequence[int]
) -> State:
    if run is not None and run.status == "FINISHED":
        return "done"
    if run is not None and status_now(run) == "RUNNING":
        return "running"
    if trial is not None and trial.state == TrialState.FAIL:
        return "failed" if run is not None else "not needed"
    if trial is not None and seed not in seeds_tried(trial, seeds):
        return "pruned"
    # a run that was cut short is trained again: what it left does not make the cell a failure
    return "failed" if run is not None and run.status == "FAILED" else "missing"
