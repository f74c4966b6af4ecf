"""Optuna's side of a study: what is tried next, and what came of what was tried before."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import Engine

from debiaslab.errors import UserError
from debiaslab.regularizers import Space
from debiaslab.study.plan import differences
from debiaslab.study.pruning import worse
from debiaslab.study.samplers import VIOLATION, sampler_for, set_violation, suggest
from debiaslab.study.search_settings import SearchSettings
from debiaslab.study.search_storage import open_storage, search_exists, storage_to_read
from debiaslab.system.processes import Process, surely_dead, this_process

WEIGHT = "weight"
_IDENTITY = "identity"
INTERRUPTED = "interrupted"
_PROCESS = "process"
_POSITION = "position"
_DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {
    "score": "minimize",
    "bias": "minimize",
    "retention": "maximize",
}

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Proposal:
    """A λ to try, with the other knobs that were drawn."""

    trial: Trial
    number: int  # position among the trials that count, from 0
    weight: float
    knobs: Mapping[str, Any] = field(default_factory=dict)


def check_same_study(folder: Path, name: str, identity: dict[str, Any]) -> None:
    """Refuse to continue the study of another corpus, objective or setting; nothing is made.

    Raises:
        UserError: The study of this name differs in something.
    """
    if not search_exists(folder):
        return
    try:
        with storage_to_read(folder) as storage:
            known = optuna.load_study(study_name=name, storage=storage).user_attrs
    except KeyError:  # there is none of that name yet
        return
    if _IDENTITY in known:
        _refuse_another(name, identity, known[_IDENTITY])


def _refuse_another(name: str, identity: dict[str, Any], known: dict[str, Any]) -> None:
    if differs := differences(identity, json.loads(json.dumps(known))):
        raise UserError(
            f"the study {name!r} was made with other settings ({'; '.join(differs)})",
            allowed="continuing a study with the settings it was made with",
            next_step="another --study NAME, or no --study for a name made from the settings",
        )


class Search:
    """The Optuna study of a sweep, kept in ``<folder>/optuna.db`` or on a server.

    A trial has a position, from 0, among those that count. The sampler is seeded anew before each
    trial by its position, so a sweep that was interrupted draws the λs that an uninterrupted one
    draws. Several processes may take part, each with its own Search: which positions are theirs is
    for them to settle (``claims``). What one says of a trial that another has set aside meanwhile,
    since it took the first for dead, is passed over.

    Args:
        folder: Folder of the store, where the database is unless a variable names a server.
        name: Name of the study.
        identity: What must be equal for the study to be continued.
        space: Search space of each knob; λ is ``weight``.
        settings: How the space is searched.

    Raises:
        UserError: A study of this name belongs to another corpus, objective or setting.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        identity: dict[str, Any],
        space: Mapping[str, Space],
        settings: SearchSettings | None = None,
    ) -> None:
        self._space = dict(space)
        self.settings = settings or SearchSettings()
        storage = open_storage(folder)
        self.engine: Engine = storage.engine
        self._study = optuna.create_study(
            study_name=name,
            storage=storage,
            directions=[_DIRECTIONS[each] for each in self.settings.objectives],
            load_if_exists=True,
        )
        known = self._study.user_attrs.get(_IDENTITY)
        if known is None:
            self._study.set_user_attr(_IDENTITY, identity)
        else:
            _refuse_another(name, identity, known)
        self._requeue_orphans()

    @property
    def finished(self) -> list[FrozenTrial]:
        """Trials that count: complete, pruned, or failed for a reason of their own."""
        return list(self.counted.values())

    @property
    def counted(self) -> dict[int, FrozenTrial]:
        """Trials that count, by position."""
        return counted_trials(self._study)

    @property
    def study(self) -> optuna.Study:
        """The Optuna study, to be read."""
        return self._study

    def propose(self, position: int | None = None) -> Proposal:
        """Draw what is tried next, or at a position that is this process's; the first free one."""
        number = self._first_free() if position is None else position
        self._study.sampler = sampler_for(self.settings, number, self._space)
        trial = self._ask()
        trial.set_user_attr(_POSITION, number)
        values = {knob: suggest(trial, knob, space) for knob, space in self._space.items()}
        return Proposal(trial, number, values.pop(WEIGHT, 1.0), values)

    def _ask(self) -> Trial:
        while True:
            trial = self._study.ask()
            with suppress(UpdateFinishedTrialError):  # another process took it for an orphan
                trial.set_user_attr(_PROCESS, asdict(this_process()))
                return trial

    def proposed(self, number: int, trial: FrozenTrial) -> Proposal | None:
        """Return what a trial that counts had drawn; None when it ended before that."""
        if set(self._space) - set(trial.params):
            return None
        values = dict(trial.params)
        own = optuna.trial.Trial(self._study, trial._trial_id)
        return Proposal(own, number, values.pop(WEIGHT, 1.0), values)

    def report(self, proposal: Proposal, seed: int, score: float) -> None:
        """Record the score of one seed (position ``seed`` from 0) of a trial."""
        if not self.settings.pareto:
            with suppress(UpdateFinishedTrialError):
                proposal.trial.report(score, seed)

    def hopeless(self, scores: Sequence[float]) -> bool:
        """Whether the scores of the first seeds say that a trial is worse than the best one."""
        if self.settings.prune is None:
            return False
        best = min(self._feasible(), key=lambda trial: (_value(trial), trial.number), default=None)
        if best is None:
            return False
        theirs = [best.intermediate_values.get(step) for step in range(len(scores))]
        known = [value for value in theirs if value is not None]
        return len(known) == len(scores) and worse(scores, known, level=self.settings.prune)

    def constrain(self, proposal: Proposal, retention: float) -> None:
        """Record the mean retention of a trial, where there is a constraint on it."""
        if self.settings.min_retention is not None:
            with suppress(UpdateFinishedTrialError):
                set_violation(proposal.trial, self.settings.min_retention - retention)

    def complete(self, proposal: Proposal, *values: float) -> None:
        """Record the objectives of a trial, means over seeds, in the order of the settings."""
        for value in values:
            if not math.isfinite(value):
                raise ValueError(f"a score must be a finite number, not {value}")
        self._study.tell(proposal.trial, list(values), skip_if_finished=True)

    def prune(self, proposal: Proposal) -> None:
        """Record that a trial was ended before all its seeds; it counts as tried."""
        self._study.tell(proposal.trial, state=TrialState.PRUNED, skip_if_finished=True)

    def fail(self, proposal: Proposal, reason: str) -> None:
        """Record that a λ could not be trained; it counts as tried."""
        self._end(proposal.trial, "reason", reason)

    def interrupt(self, proposal: Proposal) -> None:
        """Record that a λ was cut short from outside; it does not count and will come again."""
        self._end(proposal.trial, INTERRUPTED, True)

    def set_aside(self, position: int) -> None:
        """Set aside the trial that a process, now dead, was at in a position."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(_POSITION) == position:
                self._requeue(trial)

    def _first_free(self) -> int:
        counted = self.counted
        return next(position for position in itertools.count() if position not in counted)

    def _feasible(self) -> list[FrozenTrial]:
        complete = [trial for trial in self.finished if trial.state == TrialState.COMPLETE]
        return [trial for trial in complete if trial.user_attrs.get(VIOLATION, 0.0) <= 0]

    def _requeue_orphans(self) -> None:
        """Set aside the trials that a killed process left running."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            owner = trial.user_attrs.get(_PROCESS)
            if owner is None or surely_dead(Process(**owner)):
                self._requeue(trial)

    def _requeue(self, trial: FrozenTrial) -> None:
        self._end(optuna.trial.Trial(self._study, trial._trial_id), INTERRUPTED, True)

    def _end(self, trial: optuna.Trial, attribute: str, value: object) -> None:
        """End a trial as failed, unless another process did it in this moment."""
        with suppress(UpdateFinishedTrialError):
            trial.set_user_attr(attribute, value)
        self._study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


def counted_trials(study: optuna.Study) -> dict[int, FrozenTrial]:
    """Return the trials of a study that count, by position.

    Those of studies made before trials had positions take the free ones in order.
    """
    done = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    trials = study.get_trials(deepcopy=False, states=done)
    counted = [trial for trial in trials if not trial.user_attrs.get(INTERRUPTED)]
    placed: dict[int, FrozenTrial] = {}
    for trial in counted:
        if _POSITION in trial.user_attrs:
            placed.setdefault(trial.user_attrs[_POSITION], trial)
    free = (position for position in itertools.count() if position not in placed)
    older = [trial for trial in counted if _POSITION not in trial.user_attrs]
    placed |= dict(zip(free, older, strict=False))
    return dict(sorted(placed.items()))


def seeds_tried(trial: FrozenTrial, seeds: Sequence[int]) -> Sequence[int]:
    """Return the seeds a trial that counts was trained with; none for one that failed."""
    if trial.state == TrialState.FAIL:
        return ()
    return seeds[: len(trial.intermediate_values)] if trial.state == TrialState.PRUNED else seeds


def _value(trial: FrozenTrial) -> float:
    return math.inf if trial.value is None else trial.value
