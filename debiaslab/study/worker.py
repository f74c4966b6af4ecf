"""One participant's share of a sweep: a baseline for each seed, then trial after trial.

Any number of processes may take part in a study at once, on any machines that share its databases.
Each does whatever is not done and not in another's hands (``claims``), until nothing is left. One
alone does everything, in order.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from debiaslab.errors import UserError
from debiaslab.sgns import TrainingDivergedError
from debiaslab.study.claims import Claim, Claims
from debiaslab.study.findings import levelled
from debiaslab.study.objective import Outcome
from debiaslab.study.plan import Plan
from debiaslab.study.run import (
    FinishedRun,
    UnusableRunError,
    checkpoint_beside,
    find_finished,
    finished_as,
    run_once,
)
from debiaslab.study.search import WEIGHT, Proposal, Search, seeds_tried
from debiaslab.study.search_storage import SEARCH_ERRORS
from debiaslab.study.summary import mark_if_best
from debiaslab.tracking import VECTORS, RunInfo, Store
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

_WAIT = 0.5  # seconds between two looks at what others are doing

Tick = Callable[[int, bool], None]  # so many runs more are done; whether they were done here


@dataclass
class Participant:
    """What the steps of one participant share."""

    store: Store
    root: Path
    corpus: Corpus
    plan: Plan
    parent: str
    search: Search
    claims: Claims
    tick: Tick
    progress: bool = False  # whether trainings draw bars of their own
    deadline: float = math.inf  # of time.monotonic(); no trial is begun after it
    best: tuple[float, float, int] | None = None  # what it lacks of retention, score, trial

    def take_part(self) -> int:
        """Do what is left until nothing is; return how many runs were lost and trained again."""
        baselines = self.baselines()
        _check_retention(self.plan, baselines)
        lost = self.restore(baselines)
        while not self._enough():
            for position in self._open_positions():
                if claim := self._take(f"trial {position}"):
                    with self.claims.held(claim):
                        self._at(position, claim, baselines)
                    break
            else:  # all that is left is in other hands
                time.sleep(_WAIT)
        return lost

    def baselines(self) -> dict[int, FinishedRun]:
        """Train λ = 0 with every seed, each seed by one participant."""
        found: dict[int, FinishedRun] = {}
        while missing := [seed for seed in self.plan.seeds if seed not in found]:
            for seed in missing:
                if run := self._baseline(seed):
                    found[seed] = run
            if len(found) < len(self.plan.seeds):
                time.sleep(_WAIT)
        return {seed: found[seed] for seed in self.plan.seeds}

    def restore(self, baselines: Mapping[int, FinishedRun]) -> int:
        """Train again what was tried but is not in the tracking store; return how many runs.

        It may be another store than before (``MLFLOW_TRACKING_URI``), or runs were deleted in it.
        """
        with self.claims.held(self._claimed("restoring")):
            lost = self.lost()
            self.tick(len(self.search.counted) * len(baselines) - len(lost), False)
            for proposal, seed in lost:
                self._trial(proposal, baselines[seed], self._runs_with(proposal.weight))
            return len(lost)

    def lost(self) -> list[tuple[Proposal, int]]:
        """Return what was tried but has no finished run in the tracking store, with its seed."""
        there = {self._cell(run) for run in self.store.runs(self.parent)}
        return [
            (proposal, seed)
            for position, trial in self.search.counted.items()
            if (proposal := self.search.proposed(position, trial)) is not None
            for seed in seeds_tried(trial, self.plan.seeds)
            if (repr(proposal.weight), str(seed), _texts(proposal.knobs)) not in there
        ]

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Do something when no other participant is doing it."""
        with self.claims.held(self._claimed(what)):
            yield

    def _enough(self) -> bool:
        """Whether all trials have been tried, or no further one is to be begun."""
        counted = self.search.counted
        if len(counted) >= self.plan.trials:
            return True
        over = time.monotonic() > self.deadline or (self.plan.stop and levelled(self.search))
        return bool(counted) and over

    def _open_positions(self) -> list[int]:
        counted = self.search.counted
        return [position for position in range(self.plan.trials) if position not in counted]

    def _at(self, position: int, claim: Claim, baselines: Mapping[int, FinishedRun]) -> None:
        """Try what is drawn at a position, unless another participant has just done that."""
        if position in self.search.counted:
            return
        self.search.set_aside(position)
        self._try(self.search.propose(position), claim, baselines)

    def _try(self, proposal: Proposal, claim: Claim, baselines: Mapping[int, FinishedRun]) -> None:
        """Train a λ with every seed; a failure of its own counts as tried."""
        outcomes: list[Outcome] = []
        try:
            known = self._runs_with(proposal.weight)
            for baseline in baselines.values():
                if outcomes and not self.claims.still_mine(claim):
                    self.search.interrupt(proposal)
                    return
                outcomes.append(self._trial(proposal, baseline, known).measured)
                self.search.report(proposal, len(outcomes) - 1, outcomes[-1].score)
                left = len(baselines) - len(outcomes)
                if left and self.search.hopeless([each.score for each in outcomes]):
                    self.tick(left, True)
                    self.search.prune(proposal)
                    return
        except (TrainingDivergedError, UnusableRunError) as error:
            self.search.fail(proposal, str(error))
        except BaseException:  # Ctrl-C, a full disk: not the λ's fault, it will come again
            with suppress(*SEARCH_ERRORS):  # the disk that is full may be the search's too
                self.search.interrupt(proposal)
            raise
        else:
            if self.claims.still_mine(claim):
                self._complete(proposal, outcomes)
            else:  # taken for dead meanwhile: another participant has this trial now
                self.search.interrupt(proposal)

    def _complete(self, proposal: Proposal, outcomes: Sequence[Outcome]) -> None:
        means = {
            "score": mean(each.score for each in outcomes),
            "bias": mean(each.bias_tune for each in outcomes),
            # None only without a constraint and in a study whose objective ignores retention
            "retention": mean(each.retention_tune or 0.0 for each in outcomes),
        }
        self.search.constrain(proposal, means["retention"])
        objectives = self.plan.search.objectives
        self.search.complete(proposal, *(means[objective] for objective in objectives))
        self._mark(proposal, means)

    def _mark(self, proposal: Proposal, means: Mapping[str, float]) -> None:
        """Mark the study's best trial, unless one is known here that is better than this one."""
        least = self.plan.search.min_retention
        lacks = 0.0 if least is None else max(0.0, least - means["retention"])
        order = lacks, means["score"], proposal.number
        if self.best is None or order < self.best:
            mark_if_best(self.store, self.parent, proposal.number, least)
            self.best = order

    def _runs_with(self, weight: float) -> list[RunInfo]:
        return self.store.runs(self.parent, params={"weight": repr(weight)})

    def _trial(
        self, proposal: Proposal, baseline: FinishedRun, known: Sequence[RunInfo]
    ) -> FinishedRun:
        return self._run(
            weight=proposal.weight,
            knobs=proposal.knobs,
            seed=baseline.seed,
            trial=proposal.number,
            baseline=baseline,
            known=known,
        )

    def _baseline(self, seed: int) -> FinishedRun | None:
        """Return the baseline of a seed, made here if need be; None while another is at it."""
        known = self._runs_with(0.0)
        if run := self._found(0.0, seed, None, {}, known):
            self.tick(1, False)
            return run
        claim = self._take(f"baseline {seed}")
        if claim is None:
            return None
        with self.claims.held(claim):
            return self._run(
                weight=0.0, seed=seed, trial=None, baseline=None, known=self._runs_with(0.0)
            )

    def _run(
        self,
        *,
        weight: float,
        seed: int,
        trial: int | None,
        baseline: FinishedRun | None,
        known: Sequence[RunInfo],
        knobs: Mapping[str, Any] = MappingProxyType({}),
    ) -> FinishedRun:
        run = self._found(weight, seed, trial, knobs, known) or run_once(
            self.store,
            self.parent,
            self.corpus,
            self.plan.drawn(knobs),
            weight=weight,
            seed=seed,
            trial=trial,
            baseline=baseline,
            checkpoint=checkpoint_beside(self.root),
            init=self._start(baseline),
            progress=self.progress,
        )
        self.tick(1, True)
        return run

    def _found(
        self,
        weight: float,
        seed: int,
        trial: int | None,
        knobs: Mapping[str, Any],
        known: Sequence[RunInfo],
    ) -> FinishedRun | None:
        same = [run for run in known if trial is None or self._knobs(run) == _texts(knobs)]
        return find_finished(self.store, same, weight=weight, seed=seed)

    def _start(self, baseline: FinishedRun | None) -> Embeddings | None:
        """Return the vectors that a trial's training starts from; None: it starts anew."""
        if baseline is None or not self.plan.search.warm_start:
            return None
        return Embeddings.load(self.store.artifact(baseline.run_id, VECTORS))

    def _take(self, what: str) -> Claim | None:
        return self._inherited(self.claims.take(what))

    def _claimed(self, what: str) -> Claim:
        claim = self.claims.wait_for(what)
        self._inherited(claim)
        return claim

    def _inherited(self, claim: Claim | None) -> Claim | None:
        """Close the runs that the dead process a claim was taken over from left open."""
        if claim is not None and claim.before is not None:
            self.store.reconcile(self.parent, dead=claim.before)
        return claim

    def _cell(self, run: RunInfo) -> tuple[str, str, tuple[str, ...]] | None:
        """Return λ, seed and drawn knobs of a finished run, as they were logged."""
        finished = finished_as(run)
        return None if finished is None else (*finished, self._knobs(run))

    def _knobs(self, run: RunInfo) -> tuple[str, ...]:
        drawn = (knob for knob in self.plan.search_space if knob != WEIGHT)
        return tuple(run.params.get(f"knob.{knob}", "") for knob in drawn)


def _texts(knobs: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, knobs.values()))


def _check_retention(plan: Plan, baselines: Mapping[int, FinishedRun]) -> None:
    """Fail after the baselines when the search is after retention and there is none."""
    for baseline in baselines.values():
        if plan.search.needs_retention and baseline.measured.retention_tune is None:
            raise UserError(
                "the baseline's word similarity is zero, negative or not measurable on this "
                f"corpus (seed {baseline.seed}), so retention has no meaning",
                next_step="a larger corpus, more --epochs, or --objectives score without "
                "--min-retention in a new study",
            )
