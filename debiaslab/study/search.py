"""Drawing and recording trials: the Optuna study of a sweep, its samplers, its pruning."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import Engine

from debiaslab.errors import UserError
from debiaslab.regularizers import Choice, Int, LogUniform, Space
from debiaslab.settings.study import SearchSettings
from debiaslab.study.plan import differences, grid_levels
from debiaslab.study.search_storage import open_storage, study_to_read
from debiaslab.system.provenance import Process, surely_dead, this_process

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
    """Raise a `UserError` if the study of this name has another corpus, objective or setting.

    No database and no study are made.
    """
    with study_to_read(folder, name) as study:
        known = {} if study is None else study.user_attrs
    if _IDENTITY in known:
        _refuse_another(name, identity, known[_IDENTITY])


def _refuse_another(name: str, identity: dict[str, Any], known: dict[str, Any]) -> None:
    if differs := differences(identity, json.loads(json.dumps(known))):
        alone = all(each.startswith("corpus: ") for each in differs)
        cut = "--marks cut where an earlier version cut words at combining marks, " if alone else ""
        raise UserError(
            f"the study {name!r} was made with other settings ({'; '.join(differs)})",
            allowed="continuing a study with the settings it was made with",
            next_step=f"{cut}another --study NAME, or no --study for a name made from the settings",
        )


class Search:
    """The Optuna study of a sweep, kept in ``<folder>/optuna.db`` or on a server.

    A trial has a position, from 0, among those that count. The sampler is reseeded before each
    trial by its position, so a sweep that was interrupted draws the λs that an uninterrupted one
    draws. Several processes may take part, each with its own Search; they settle by claims
    (``claims``) which positions are theirs. A process that was taken for dead may still report on
    its trial after another has set it aside: such a report is ignored.

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
        self.study = optuna.create_study(
            study_name=name,
            storage=storage,
            directions=[_DIRECTIONS[each] for each in self.settings.objectives],
            load_if_exists=True,
        )
        known = self.study.user_attrs.get(_IDENTITY)
        if known is None:
            self.study.set_user_attr(_IDENTITY, identity)
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
        return counted_trials(self.study)

    def propose(self, position: int | None = None) -> Proposal:
        """Draw the trial at ``position``, which is this process's; None: at the first free one."""
        counted = self.counted
        free = (each for each in itertools.count() if each not in counted)
        number = next(free) if position is None else position
        self.study.sampler = sampler_for(self.settings, number, self._space)
        trial = self._ask()
        trial.set_user_attr(_POSITION, number)
        values = {knob: suggest(trial, knob, space) for knob, space in self._space.items()}
        return Proposal(trial, number, values.pop(WEIGHT, 1.0), values)

    def _ask(self) -> Trial:
        while True:
            trial = self.study.ask()
            with suppress(UpdateFinishedTrialError):  # another process took it for an orphan
                trial.set_user_attr(_PROCESS, asdict(this_process()))
                return trial

    def proposed(self, number: int, trial: FrozenTrial) -> Proposal | None:
        """Return what was drawn in a trial that counts; None when it ended before all was."""
        if set(self._space) - set(trial.params):
            return None
        values = dict(trial.params)
        own = optuna.trial.Trial(self.study, trial._trial_id)
        return Proposal(own, number, values.pop(WEIGHT, 1.0), values)

    def report(self, proposal: Proposal, seed: int, score: float) -> None:
        """Record the score of one seed (position ``seed`` from 0) of a trial."""
        if not self.settings.pareto:
            with suppress(UpdateFinishedTrialError):
                proposal.trial.report(score, seed)

    def should_prune(self, scores: Sequence[float]) -> bool:
        """Whether the scores of the first seeds say that a trial is worse than the best one."""
        if self.settings.prune is None:
            return False
        complete = [each for each in self.finished if each.state == TrialState.COMPLETE]
        feasible = [each for each in complete if each.user_attrs.get(VIOLATION, 0.0) <= 0]
        best = min(feasible, key=lambda each: (each.value or 0.0, each.number), default=None)
        if best is None:
            return False
        theirs = [best.intermediate_values.get(step) for step in range(len(scores))]
        known = [value for value in theirs if value is not None]
        return len(known) == len(scores) and significantly_worse(
            scores, known, level=self.settings.prune
        )

    def constrain(self, proposal: Proposal, retention: float) -> None:
        """Record the mean retention of a trial, where there is a constraint on it."""
        if self.settings.min_retention is not None:
            with suppress(UpdateFinishedTrialError):
                set_violation(proposal.trial, self.settings.min_retention - retention)

    def complete(self, proposal: Proposal, *values: float) -> None:
        """Record the objectives of a trial: means over seeds, in the order of the settings."""
        for value in values:
            if not math.isfinite(value):
                raise ValueError(f"a score must be a finite number, not {value}")
        self.study.tell(proposal.trial, list(values), skip_if_finished=True)

    def prune(self, proposal: Proposal) -> None:
        """Record that a trial was ended before all its seeds; it counts as tried."""
        self.study.tell(proposal.trial, state=TrialState.PRUNED, skip_if_finished=True)

    def fail(self, proposal: Proposal, reason: str) -> None:
        """Record that a λ could not be trained; it counts as tried."""
        self._end(proposal.trial, "reason", reason)

    def interrupt(self, proposal: Proposal) -> None:
        """Record that a λ was cut short from outside; it does not count and is drawn again."""
        self._end(proposal.trial, INTERRUPTED, True)

    def set_aside(self, position: int) -> None:
        """Set aside the trial that a process, now dead, left running at a position."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(_POSITION) == position:
                self._requeue(trial)

    def _requeue_orphans(self) -> None:
        """Set aside the trials that a killed process left running."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            owner = trial.user_attrs.get(_PROCESS)
            if owner is None or surely_dead(Process(**owner)):
                self._requeue(trial)

    def _requeue(self, trial: FrozenTrial) -> None:
        self._end(optuna.trial.Trial(self.study, trial._trial_id), INTERRUPTED, True)

    def _end(self, trial: optuna.Trial, attribute: str, value: object) -> None:
        """End a trial as failed, unless another process did it in this moment."""
        with suppress(UpdateFinishedTrialError):  # told so too: it looks, and then it writes
            trial.set_user_attr(attribute, value)
            self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


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


def significantly_worse(scores: Sequence[float], best: Sequence[float], *, level: float) -> bool:
    """Whether a trial is worse than the best one on the seeds that both have.

    Wilcoxon's signed-rank test, one-sided and exact, on the differences seed by seed (Wilcoxon
    1945), as in Optuna's ``WilcoxonPruner``, which however never ends a trial after one seed. The
    least p that n seeds can reach is 2⁻ⁿ: at a level of 0.6 the first seed that is worse than the
    best trial's ends a trial, at 0.3 the second in a row, at 0.15 the third.

    Args:
        scores: Scores of the trial, by seed; smaller is better.
        best: Scores of the best trial with the same seeds.
        level: p below which the trial is worse.
    """
    from scipy.stats import wilcoxon

    differences = [ours - theirs for ours, theirs in zip(scores, best, strict=True)]
    if sum(differences) <= 0:
        return False
    tested = wilcoxon(differences, alternative="greater", zero_method="zsplit")
    return float(tested.pvalue) < level


_STARTUP = 4  # random draws before a model of the score is made
_SEED = 630
_POPULATION = 8  # of NSGA-II: a study has tens of trials, not thousands
VIOLATION = "violation"
_CONSTRAINTS_OF_TRIALS = hasattr(Trial, "set_constraint")  # Optuna 5; before, samplers had them


def sampler_for(settings: SearchSettings, number: int, space: Mapping[str, Space]) -> BaseSampler:
    """Return the sampler of trial ``number`` (from 0, among the trials that count)."""
    seed, samplers = _SEED + number, optuna.samplers
    constraints: dict[str, Any] = {}
    if settings.min_retention is not None and not _CONSTRAINTS_OF_TRIALS:
        constraints = {"constraints_func": lambda trial: (trial.user_attrs[VIOLATION],)}
    if settings.sampler == "tpe":
        # no constant liar: running trials, which may be a killed process's, must not count
        return samplers.TPESampler(
            seed=seed, n_startup_trials=_STARTUP, constant_liar=False, **constraints
        )
    if settings.sampler == "gp":
        return samplers.GPSampler(seed=seed, n_startup_trials=_STARTUP, **constraints)
    if settings.sampler == "nsga2":
        return samplers.NSGAIISampler(seed=seed, population_size=_POPULATION, **constraints)
    random = samplers.RandomSampler(seed=seed)
    if settings.sampler == "random":
        return random
    # Optuna's own grid and quasi-random samplers count every trial that was started, so the point
    # of an interrupted one would be lost.
    point = _grid(settings, space, number) if settings.sampler == "grid" else _sobol(space, number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return samplers.PartialFixedSampler(point, random)


def set_violation(trial: Trial, amount: float) -> None:
    """Record by how much a trial misses the constraint; 0 or less when it holds."""
    trial.set_user_attr(VIOLATION, amount)
    if _CONSTRAINTS_OF_TRIALS:
        trial.set_constraint(VIOLATION, amount)


def suggest(trial: Trial, knob: str, space: Space) -> Any:
    """Draw one knob."""
    if isinstance(space, Choice):
        return trial.suggest_categorical(knob, space.options)
    if isinstance(space, Int):
        return trial.suggest_int(knob, space.low, space.high)
    return trial.suggest_float(knob, space.low, space.high, log=isinstance(space, LogUniform))


def _grid(settings: SearchSettings, space: Mapping[str, Space], number: int) -> dict[str, Any]:
    """Return a point of the grid, in a random order: any part of it is spread over the space."""
    axes = []
    for each in space.values():
        count = grid_levels(settings, each)
        places = [i / (count - 1) if count > 1 else 0.0 for i in range(count)]
        axes.append([_at(each, place) for place in places])
    points = list(itertools.product(*axes))
    order = np.random.default_rng(_SEED).permutation(len(points))
    return dict(zip(space, points[order[number % len(points)]], strict=True))


def _sobol(space: Mapping[str, Space], number: int) -> dict[str, Any]:
    """Return point ``number`` of a scrambled Sobol sequence (Owen 1998)."""
    from scipy.stats import qmc

    engine = qmc.Sobol(len(space), scramble=True, seed=_SEED)
    if number:
        engine.fast_forward(number)
    places = engine.random(1)[0]
    return {knob: _at(each, u) for (knob, each), u in zip(space.items(), places, strict=True)}


def _at(space: Space, place: float) -> Any:
    """Return the value at ``place`` in [0, 1] of a space."""
    if isinstance(space, Choice):
        return space.options[min(int(place * len(space.options)), len(space.options) - 1)]
    if isinstance(space, LogUniform):
        value = space.low * (space.high / space.low) ** float(place)
        return float(min(max(value, space.low), space.high))
    if isinstance(space, Int):
        return round(space.low + place * (space.high - space.low))
    return float(space.low + place * (space.high - space.low))
