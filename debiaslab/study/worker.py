"""One worker's share of a study: task after task, until nothing is left.

Any number of workers may take part in a study at once, on any machines that share its databases.
Each does what is not done and not claimed by another (``claims``); one alone does everything, in
order. A task source knows what there is to do: trials that Optuna draws (``sweeping``), or the
listed cells of a comparison or a planted-bias control.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine

from debiaslab.metrics import Baseline, Scorecard, evaluate
from debiaslab.results.runs import ANOTHER_SEED
from debiaslab.sgns import TrainingDivergedError
from debiaslab.study.cell import Cell
from debiaslab.study.claims import Claim, Claims
from debiaslab.study.run import (
    FinishedRun,
    Site,
    UnusableRunError,
    find_finished,
    run_digest,
    train_cell,
    train_treated,
    vectors_of,
)
from debiaslab.study.search_storage import open_storage
from debiaslab.tracking import REASON_TAG, RunInfo, Store
from debiaslab.tracking.names import BETWEEN_SEEDS, CELL_TAG, SCORECARD, SESSION_TAG
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

_WAIT = 0.5  # seconds between two looks at what others are doing
_BETWEEN, _CELL = "between", "cell"  # kinds of tasks of a list

Tick = Callable[[int, bool], None]  # how many more runs are done; whether they were done here
Rows = Sequence[tuple[str | None, Sequence[Cell]]]  # each with its name, and one cell a seed


class TaskSource(Protocol):
    """What there is to do in a study."""

    @property
    def engine(self) -> Engine:
        """The database that all workers share."""

    def begin(self, worker: Worker) -> int:
        """Do what comes first; return how many runs were lost and trained again."""

    def lost(self, worker: Worker) -> Sequence[object]:
        """Return the runs that count as tried but are not in the tracking store."""

    def finished(self) -> bool:
        """Whether nothing is left, or nothing more is to be started."""

    def open_tasks(self) -> Sequence[str]:
        """Return what is not done, claimed by another or not, in the order of doing it."""

    def do(self, claim: Claim, worker: Worker) -> None:
        """Do a task that this worker has claimed, unless another has just done it."""


@dataclass
class Worker:
    """What the steps of one worker share."""

    site: Site
    source: TaskSource
    claims: Claims
    tick: Tick

    def run(self) -> int:
        """Do what is left until nothing is; return how many runs were lost and trained again."""
        lost = self.source.begin(self)
        while not self.source.finished():
            for task in self.source.open_tasks():
                if claim := self.take(task):
                    with self.claims.held(claim):
                        self.source.do(claim, self)
                    break
            else:  # all that is left is claimed by others
                time.sleep(_WAIT)
        return lost

    def baselines(self, cells: Sequence[Cell]) -> dict[int, FinishedRun]:
        """Train λ = 0 with every seed, each seed by one worker."""
        found: dict[int, FinishedRun] = {}
        while missing := [cell for cell in cells if cell.seed not in found]:
            for cell in missing:
                if run := self._baseline(cell):
                    found[cell.seed] = run
            if len(found) < len(cells):
                time.sleep(_WAIT)
        return {cell.seed: found[cell.seed] for cell in cells}

    def found(self, cell: Cell) -> FinishedRun | None:
        """Return the finished run of a cell; None when it is to be trained."""
        store, parent = self.site.store, self.site.parent
        known = store.runs(parent, tags={CELL_TAG: cell.digest})
        if not known:  # runs of an older version have no such tag, but these params
            params = {key: str(cell.params[key]) for key in ("weight", "seed")}
            known = store.runs(parent, params=params)
        return find_finished(store, known, cell)

    def train(
        self, cell: Cell, baseline: FinishedRun | None = None, *, init: Embeddings | None = None
    ) -> FinishedRun:
        """Train a cell (see ``train_cell``), and count it."""
        run = train_cell(self.site, cell, baseline=baseline, init=init)
        self.tick(1, True)
        return run

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Do something when no other worker is doing it."""
        claim = self.claims.wait_for(what)
        self._inherited(claim)
        with self.claims.held(claim):
            yield

    def take(self, what: str) -> Claim | None:
        """Return the claim to a task; None while another has it."""
        return self._inherited(self.claims.take(what))

    def _baseline(self, cell: Cell) -> FinishedRun | None:
        """Return the baseline of a seed, trained here if need be; None while another trains it."""
        if run := self.found(cell):
            self.tick(1, False)
            return run
        claim = self.take(f"baseline {cell.seed}")
        if claim is None:
            return None
        with self.claims.held(claim):
            if run := self.found(cell):
                self.tick(1, True)
                return run
            return self.train(cell)

    def _inherited(self, claim: Claim | None) -> Claim | None:
        """Close the runs left open by the dead process that a claim was taken over from."""
        if claim is not None and claim.before is not None:
            self.site.store.reconcile(self.site.parent, dead=claim.before)
        return claim


@dataclass(frozen=True)
class CellList:
    """Every training of a comparison, strategy by strategy, or of a control, dose by dose.

    Attributes:
        rows: In the order in which one worker trains them. A row without a name holds the
            baselines that the others are measured against.
        needed: Artifact without which a run is not whole.
    """

    rows: Rows
    needed: str = SCORECARD

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All but the baselines."""
        return tuple(cell for name, row in self.rows if name is not None for cell in row)

    @cached_property
    def baselines(self) -> tuple[Cell, ...]:
        """One for each seed; none where the cells are measured by themselves."""
        return tuple(cell for name, row in self.rows if name is None for cell in row)

    @property
    def threads(self) -> int:
        """Threads of one training."""
        return self.cells[0].settings.threads

    @property
    def total(self) -> int:
        """How many runs there are in all."""
        return len(self.cells) + len(self.baselines)

    def source(self, root: Path, corpus: Corpus) -> ListedCells:
        """Return what is left to do, by the databases in ``root``."""
        return ListedCells(self, root)


class ListedCells:
    """What is left of a list of cells, as one worker knows it.

    Attributes:
        references: The baselines, by seed.
    """

    def __init__(self, listed: CellList, root: Path) -> None:
        self.engine = open_storage(root).engine
        self.references: dict[int, FinishedRun] = {}
        self._runs: dict[str, str] = {}  # of cells that are done, by digest
        self._failed: dict[str, str] = {}  # why cells failed under this command, by digest
        self._listed = listed
        self._against: dict[int, Baseline] = {}  # by seed, so that nulls are made once
        self._unpaired: set[int] = set()  # seeds whose baselines lack a comparison with the next

    def run_of(self, cell: Cell) -> str | None:
        """Return the run of a cell that is done; None when it failed."""
        if cell.weight == 0 and cell.seed in self.references:
            return self.references[cell.seed].run_id
        return self._runs.get(cell.digest)

    def failures(self) -> tuple[str, ...]:
        """Warn of each cell that failed, and return why."""
        failed = [cell for cell in self._listed.cells if cell.digest in self._failed]
        for cell in failed:
            reason = self._failed[cell.digest]
            warnings.warn(f"{cell.label}, seed {cell.seed} is left empty: {reason}", stacklevel=5)
        return tuple(f"{c.label}, seed {c.seed}: {self._failed[c.digest]}" for c in failed)

    def begin(self, worker: Worker) -> int:
        """Train the baselines, and find out what else is done."""
        site = worker.site
        self.references = worker.baselines(self._listed.baselines)
        self._unpaired = {
            seed
            for seed, run in self.references.items()
            if BETWEEN_SEEDS not in site.store.artifacts(run.run_id)
        }
        self._note_runs(site.store.runs(site.parent), worker)
        worker.tick(len(self._runs), False)
        return 0

    def lost(self, worker: Worker) -> Sequence[object]:
        """Return nothing: a cell is done when its run is in the store, and only then."""
        return ()

    def finished(self) -> bool:
        """Whether every cell is done or has failed."""
        return not self.open_tasks()

    def open_tasks(self) -> Sequence[str]:
        """Return the baselines that are to be compared with each other, then the cells."""
        between = [f"{_BETWEEN} {seed}" for seed in self.references if seed in self._unpaired]
        return [*between, *(f"{_CELL} {cell.digest}" for cell in self._left())]

    def do(self, claim: Claim, worker: Worker) -> None:
        """Do one task; a training that diverges, or cannot be measured, leaves its cell empty."""
        kind, _, which = claim.what.partition(" ")
        site = worker.site
        if kind == _BETWEEN:
            self._compare_seeds(int(which), site.store)
            return
        cell = next(each for each in self._left() if each.digest == which)
        self._note_runs(site.store.runs(site.parent, tags={CELL_TAG: which}), worker)
        if which in self._runs or which in self._failed:  # another worker did it
            worker.tick(1, False)
            return
        try:
            self._runs[which] = self._train(cell, site)
        except (TrainingDivergedError, UnusableRunError) as error:
            self._failed[which] = str(error)
        worker.tick(1, True)

    def _train(self, cell: Cell, site: Site) -> str:
        if cell.treatment is not None:
            return train_treated(site, cell)
        baseline = self.references[cell.seed]
        if cell.seed not in self._against:
            self._against[cell.seed] = Baseline(vectors_of(site.store, baseline.run_id))
        return train_cell(site, cell, baseline=baseline, against=self._against[cell.seed]).run_id

    def _left(self) -> list[Cell]:
        known = self._runs.keys() | self._failed.keys()
        return [cell for cell in self._listed.cells if cell.digest not in known]

    def _note_runs(self, runs: Sequence[RunInfo], worker: Worker) -> None:
        """Note which cells are done, and which have failed under this command."""
        site = worker.site
        wanted = {cell.digest for cell in self._left()}
        for run in runs:
            digest = run_digest(run)
            if digest not in wanted:
                continue
            if run.status == "FINISHED":
                if self._listed.needed in site.store.artifacts(run.run_id):
                    self._runs.setdefault(digest, run.run_id)
            elif run.status == "FAILED" and run.tags.get(SESSION_TAG) == site.session:
                self._failed[digest] = run.tags.get(REASON_TAG, "")

    def _compare_seeds(self, seed: int, store: Store) -> None:
        """Keep with a baseline's run how it differs from the baseline of the next seed.

        A strategy's overlap and lipstick numbers are compared with that: what another seed alone
        changes. With a single seed there is no overlap between seeds.
        """
        seeds = list(self.references)
        following = seeds[(seeds.index(seed) + 1) % len(seeds)]
        run_id, other = (self.references[each].run_id for each in (seed, following))
        if BETWEEN_SEEDS not in store.artifacts(run_id):
            writer = store.writer(run_id)
            writer.json(_between(store, run_id, other).to_dict(), BETWEEN_SEEDS)
            if other != run_id:
                writer.metrics(self._read_against(seed, following, store))
            writer.flush()
        self._unpaired.discard(seed)

    def _read_against(self, seed: int, other: int, store: Store) -> dict[str, float | None]:
        """Return the bias of a baseline measured against that of another seed, by either ruler.

        It is the control of the anchored reading: nothing but the seed has changed.
        """
        own, anchor = (vectors_of(store, self.references[each].run_id) for each in (seed, other))
        card = evaluate(own, groups=("weat",), quick=True, anchor=anchor)
        objective = next(cell.objective for cell in self._listed.baselines if cell.seed == seed)
        found = objective.by_ruler(card, self.references[other].reference)
        return {f"{ANOTHER_SEED}{name}": value for name, value in found.items()}


def _between(store: Store, run_id: str, other: str) -> Scorecard:
    vectors = vectors_of(store, run_id)
    lipstick = evaluate(vectors, groups=("lipstick",), lipstick_nulls=False).records
    kept = [record for record in lipstick if record.metric == "lipstick"]
    if other != run_id:
        against = evaluate(vectors, baseline=vectors_of(store, other), groups=("overlap",)).records
        kept += [record for record in against if record.metric == "neighbor_overlap"]
    return Scorecard(run_id, tuple(kept))
