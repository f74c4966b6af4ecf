"""One worker's share of a study: task after task, until nothing is left.

Any number of workers may take part in a study at once, on any machines that share its databases.
Each does whatever is not done and not in another's hands (``claims``). One alone does everything,
in order. What there is to do, its source says: trials that Optuna draws (``trials``), or cells that
were listed (``listed``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from debiaslab.metrics import Baseline
from debiaslab.study.cell import Cell
from debiaslab.study.claims import Claim, Claims
from debiaslab.study.run import (
    FinishedRun,
    Site,
    find_finished,
    train_cell,
)
from debiaslab.tracking.names import CELL_TAG
from debiaslab.vectors.embeddings import Embeddings

_WAIT = 0.5  # seconds between two looks at what others are doing

Tick = Callable[[int, bool], None]  # so many runs more are done; whether they were done here


class TaskSource(Protocol):
    """What there is to do in a study."""

    @property
    def engine(self) -> Engine:
        """The database that all workers share."""

    def begin(self, worker: Worker) -> int:
        """Do what comes before all else; return how many runs were lost and trained again."""

    def lost_runs(self, worker: Worker) -> int:
        """Return how many runs of what counts as tried are not in the tracking store."""

    def finished(self) -> bool:
        """Whether nothing is left, or nothing more is to be begun."""

    def open_tasks(self) -> Sequence[str]:
        """Return what is not done, in the hands of another or not, in the order of doing it."""

    def do(self, claim: Claim, worker: Worker) -> None:
        """Do a task that this worker has claimed, unless another has done it just now."""


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
            else:  # all that is left is in other hands
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
        if not known:  # runs of an older version have no such tag; they say the same in params
            params = {key: str(cell.params[key]) for key in ("weight", "seed")}
            known = store.runs(parent, params=params)
        return find_finished(store, known, cell)

    def train(
        self,
        cell: Cell,
        baseline: FinishedRun | None = None,
        *,
        against: Baseline | None = None,
        init: Embeddings | None = None,
    ) -> FinishedRun:
        """Train a cell (see ``train_cell``), and count it."""
        run = train_cell(self.site, cell, baseline=baseline, against=against, init=init)
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
        """Return the baseline of a seed, made here if need be; None while another is at it."""
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
        """Close the runs that the dead process a claim was taken over from left open."""
        if claim is not None and claim.before is not None:
            self.site.store.reconcile(self.site.parent, dead=claim.before)
        return claim
