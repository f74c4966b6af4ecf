"""Optuna's side of a study: which λ comes next, and what came of those before."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import URL

from debiaslab.errors import UserError
from debiaslab.processes import Process, surely_dead, this_process
from debiaslab.regularizers import LogUniform
from debiaslab.study.plan import differences

DATABASE = "optuna.db"
_IDENTITY = "identity"
_INTERRUPTED = "interrupted"
_PROCESS = "process"
_STARTUP = 4  # random λs before TPE models the score
_SAMPLER_SEED = 630

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Proposal:
    """A λ to try."""

    trial: Trial
    number: int  # position among the trials that count, from 0
    weight: float


class Search:
    """The Optuna study of a sweep, kept in ``<folder>/optuna.db``.

    The sampler is seeded anew before each trial by the number of finished trials, so a sweep that
    was interrupted draws the λs that an uninterrupted one draws.

    Args:
        folder: Folder of the store.
        name: Name of the study.
        identity: What must be equal for the study to be continued.
        space: Search space of λ.

    Raises:
        UserError: A study of this name belongs to another corpus, objective or setting.
    """

    def __init__(
        self, folder: Path, name: str, identity: dict[str, Any], space: LogUniform
    ) -> None:
        self._space = space
        self._study = optuna.create_study(
            study_name=name, storage=_url(folder), direction="minimize", load_if_exists=True
        )
        known = self._study.user_attrs.get(_IDENTITY)
        if known is None:
            self._study.set_user_attr(_IDENTITY, identity)
        elif differs := differences(identity, json.loads(json.dumps(known))):
            raise UserError(
                f"the study {name!r} was made with other settings ({'; '.join(differs)})",
                allowed="continuing a study with the settings it was made with",
                next_step="another --study NAME, or no --study for a name made from the settings",
            )
        self._requeue_orphans()

    @property
    def finished(self) -> list[FrozenTrial]:
        """Trials that count: complete, or failed for a reason of their own."""
        done = (TrialState.COMPLETE, TrialState.FAIL)
        trials = self._study.get_trials(deepcopy=False, states=done)
        return [trial for trial in trials if not trial.user_attrs.get(_INTERRUPTED)]

    def propose(self) -> Proposal:
        """Draw the next λ."""
        number = len(self.finished)
        self._study.sampler = optuna.samplers.TPESampler(
            seed=_SAMPLER_SEED + number,
            n_startup_trials=_STARTUP,
            constant_liar=False,  # running trials, perhaps a killed process's, have no say
        )
        trial = self._study.ask()
        trial.set_user_attr(_PROCESS, asdict(this_process()))
        weight = trial.suggest_float("weight", self._space.low, self._space.high, log=True)
        return Proposal(trial, number, weight)

    def complete(self, proposal: Proposal, score: float) -> None:
        """Record the score of a λ, the mean over seeds."""
        if not math.isfinite(score):
            raise ValueError(f"a score must be a finite number, not {score}")
        self._study.tell(proposal.trial, score)

    def fail(self, proposal: Proposal, reason: str) -> None:
        """Record that a λ could not be trained; it counts as tried."""
        proposal.trial.set_user_attr("reason", reason)
        self._study.tell(proposal.trial, state=TrialState.FAIL)

    def interrupt(self, proposal: Proposal) -> None:
        """Record that a λ was cut short from outside; it does not count and will come again."""
        proposal.trial.set_user_attr(_INTERRUPTED, True)
        self._study.tell(proposal.trial, state=TrialState.FAIL)

    def _requeue_orphans(self) -> None:
        """Set aside the trials that a killed process left running."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            owner = trial.user_attrs.get(_PROCESS)
            if owner is None or surely_dead(Process(**owner)):
                optuna.trial.Trial(self._study, trial._trial_id).set_user_attr(_INTERRUPTED, True)
                self._study.tell(trial.number, state=TrialState.FAIL)


def _url(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    database = str((folder / DATABASE).resolve())
    return URL.create("sqlite", database=database).render_as_string()  # quotes "?" and "%"
