"""Where a study stands, cell by cell, and how long the rest will take."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from debiaslab.metrics import evaluate
from debiaslab.sgns import TrainSettings
from debiaslab.sgns.fast import block_tokens
from debiaslab.study.cell import Cell
from debiaslab.study.run import run_digest, train_bound
from debiaslab.study.search import counted_trials, seeds_tried
from debiaslab.study.search_storage import study_to_read
from debiaslab.study.worker import Rows
from debiaslab.tables import Column, Table
from debiaslab.tracking.names import BASELINE_KIND, CELL_KIND, PLANTED_KIND, TRIAL_KIND, TRIAL_TAG
from debiaslab.tracking.records import RunInfo, status_now

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.regularizers import BoundStrategy
    from debiaslab.vectors.embeddings import Embeddings


_KINDS = (BASELINE_KIND, TRIAL_KIND, CELL_KIND, PLANTED_KIND)
_TRAINED = ("done", "running", "failed")
_LETTERS = 8  # of a run's id: two runs of a store hardly ever share them
RUN_IDS = (
    "beside a state stands the prefix of its run's ID: pass it to reproduce, evaluate --run,\n"
    "export --run or neighbors --run"
)

State = Literal["done", "running", "failed", "missing", "pruned", "not needed"]


@dataclass(frozen=True)
class TrialStatus:
    """One trial, or one strategy or dose of a list of cells."""

    trial: int | str | None  # its number, or its name in a list; None: the baseline
    weight: float | None  # λ; None: not drawn yet, or there is none
    cells: Mapping[int, State]  # state by seed
    runs: Mapping[int, str]  # by seed, the MLflow run of a cell that is done, running or failed

    def format_cell(self, seed: int) -> str:
        """State of a cell with the first letters of its run's id, by which others know it."""
        return f"{self.cells[seed]} {self.runs.get(seed, '')[:_LETTERS]}".rstrip()


@dataclass(frozen=True)
class Status:
    """A study, the baseline first and then trial by trial."""

    name: str
    rows: tuple[TrialStatus, ...]
    kind: str = "trial"  # what a row is

    @property
    def counts(self) -> Counter[str]:
        """How many cells are in each state."""
        return Counter(state for row in self.rows for state in row.cells.values())

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be done."""
        return not (self.counts["missing"] or self.counts["running"])

    @property
    def table(self) -> Table:
        """One row a trial, one column a seed."""
        seeds = list(self.rows[0].cells)
        columns = [Column(f"seed {seed}", align="left") for seed in seeds]
        return Table(
            (Column(self.kind, missing="baseline"), Column("λ", ".3g"), *columns),
            [
                (row.trial, row.weight, *(row.format_cell(seed) for seed in seeds))
                for row in self.rows
            ],
            keys=2,
            ruled=False,
        )

    @property
    def summary(self) -> str:
        """How many cells are in which state."""
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
    """Put together what MLflow knows of the runs of a sweep, oldest first, and Optuna of trials.

    Args:
        name: Name of the study.
        runs: Its runs.
        trials: Trials that count, by position.
        seeds: Seeds of each trial.
        wanted: Trials that were asked for.
    """
    latest = _latest(runs, lambda run: (run.tags.get(TRIAL_TAG, ""), run.params.get("seed")))
    numbers = [int(number) for run in latest.values() if (number := run.tags.get(TRIAL_TAG, ""))]
    count = max(wanted, 1 + max((*trials, *numbers), default=-1))
    rows = []
    for number in (None, *range(count)):
        trial = None if number is None else trials.get(number)
        key = "" if number is None else str(number)
        own = {seed: latest.get((key, str(seed))) for seed in seeds}
        drawn = {} if trial is None else trial.params
        said = [drawn, *(run.params for run in own.values() if run is not None)]
        weight = next((float(each["weight"]) for each in said if "weight" in each), None)
        rows.append(_row(number, 0.0 if number is None else weight, own, trial))
    return Status(name, tuple(rows))


def list_status(name: str, kind: str, runs: Sequence[RunInfo], rows: Rows) -> Status:
    """Return what MLflow knows of cells that were listed; ``kind`` is what a row of them is."""
    latest = _latest(runs, run_digest)
    found = []
    for label, cells in rows:
        weighs = cells[0].treatment is None and (label is None or cells[0].made.search_space)
        own = {cell.seed: latest.get(cell.digest) for cell in cells}
        found.append(_row(label, cells[0].weight if weighs else None, own))
    return Status(name, tuple(found), kind)


def runs_table(runs: Sequence[RunInfo]) -> Table:
    """Return the runs of a study that keeps no study file, such as a comparison, one a line."""
    states = {"FINISHED": "done", "KILLED": "cut short"}
    rows = []
    for run in runs:
        status = status_now(run)
        rows.append((run.run_id, states.get(status, status.lower()), run.name))
    columns = tuple(Column(name, align="left") for name in ("run", "state", "name"))
    return Table(columns, rows, ruled=False)


def known_trials(root: Path, name: str) -> dict[int, FrozenTrial]:
    """Return the trials of a study that count, by position; none before the search has begun."""
    with study_to_read(root, name) as search:
        return {} if search is None else counted_trials(search)


def _latest(runs: Sequence[RunInfo], key: Callable[[RunInfo], Hashable]) -> dict[Hashable, RunInfo]:
    """Return one run for each key: the last one, but for one that has finished."""
    latest: dict[Hashable, RunInfo] = {}
    for run in runs:
        if run.kind in _KINDS and (key(run) not in latest or latest[key(run)].status != "FINISHED"):
            latest[key(run)] = run
    return latest


def _row(
    name: int | str | None,
    weight: float | None,
    runs: Mapping[int, RunInfo | None],
    trial: FrozenTrial | None = None,
) -> TrialStatus:
    states = {seed: _state(run, trial, seed, list(runs)) for seed, run in runs.items()}
    own = {
        seed: run.run_id
        for seed, run in runs.items()
        if run is not None and states[seed] in _TRAINED
    }
    return TrialStatus(name, weight, states, own)


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


_SLICE = 300_000  # words: tenths of a second with the fast engine
_WARM = 5_000  # words


@dataclass(frozen=True)
class Estimate:
    """What was measured, and what it comes to."""

    words_per_second: float  # of the baseline
    strategy: float  # seconds that the strategy adds to one training, at λ = 1
    measuring: float  # seconds of the scorecards of one run
    words: int  # of one training
    baselines: int
    runs: int  # with the strategy

    @property
    def seconds(self) -> float:
        """Of the whole study, one training at a time; MLflow and figures are not counted."""
        base = self.words / self.words_per_second + self.measuring
        return self.baselines * base + self.runs * (base + self.strategy)

    @property
    def words_per_second_strategy(self) -> float:
        """With the strategy."""
        return self.words / (self.words / self.words_per_second + self.strategy)


def estimate(corpus: Corpus, cell: Cell, *, runs: int, baselines: int) -> Estimate:
    """Train a slice of the corpus with and without the strategy, and measure its vectors once.

    Args:
        cell: A training with the strategy, at λ = 1.
        runs: How many of them are to be trained.
        baselines: How many without the strategy.
    """
    settings = replace(cell.settings, epochs=1, patience=None)
    part = _slice(corpus, _SLICE)
    bound = cell.bind(corpus)
    for each in (None, bound):  # what is loaded and compiled once is no part of the speed
        _timed(_slice(corpus, _WARM), settings, each)
    plain, engine, vectors = _timed(part, settings, None)
    debiased, _, _ = _timed(part, settings, bound)
    if engine == "fast" and bound is not None and bound.penalty is not None:
        steps = cell.settings.epochs * _steps(corpus, cell.settings) / _steps(part, settings)
    else:
        steps = cell.settings.epochs * corpus.tokens / part.tokens
    evaluate(vectors, quick=True)
    started = time.perf_counter()
    evaluate(vectors, quick=True)
    quick = time.perf_counter() - started
    started = time.perf_counter()
    evaluate(vectors, seed=cell.seed)
    whole = time.perf_counter() - started
    return Estimate(
        words_per_second=part.tokens / plain,
        strategy=max(0.0, debiased - plain) * steps,
        measuring=whole + cell.settings.epochs * quick,
        words=corpus.tokens * cell.settings.epochs,
        baselines=baselines,
        runs=runs,
    )


def _timed(
    corpus: Corpus, settings: TrainSettings, bound: BoundStrategy | None
) -> tuple[float, str, Embeddings]:
    """Return the seconds of a training, the engine that ran, and the vectors."""
    started = time.perf_counter()
    result = train_bound(corpus, settings, bound, progress=False)
    return time.perf_counter() - started, result.engine, result.embeddings


def _steps(corpus: Corpus, settings: TrainSettings) -> int:
    """Return the penalty steps in one epoch of the fast engine: a short training has more."""
    length = len(corpus.ids)
    return -(-length // block_tokens(settings, length))


def _slice(corpus: Corpus, words: int) -> Corpus:
    """Return the first documents of a corpus, with its whole vocabulary."""
    if corpus.tokens <= words:
        return corpus
    ids = np.asarray(corpus.ids[: 2 * words])
    ends = np.flatnonzero(ids == -1)
    whole = ends[ends >= words]
    ids = ids[: (int(whole[0]) + 1 if len(whole) else words)]
    return replace(corpus, ids=ids, tokens=int((ids >= 0).sum()), documents=int((ids < 0).sum()))
