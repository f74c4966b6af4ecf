"""Samplers by name, each made anew for every trial from the trial's number.

A sampler that lived through the sweep would have to be stored to be continued; one that depends on
the number and the trials before it draws the same after an interruption.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial

from debiaslab.regularizers import Choice, Int, LogUniform, Space
from debiaslab.study.search_settings import SearchSettings

_STARTUP = 4  # random draws before a model of the score is made
_SEED = 630
_POPULATION = 8  # of NSGA-II: a study has tens of trials, not thousands
VIOLATION = "violation"
_CONSTRAINTS_OF_TRIALS = hasattr(Trial, "set_constraint")  # Optuna 5; before, samplers had them


def sampler_for(settings: SearchSettings, number: int, space: Mapping[str, Space]) -> BaseSampler:
    """Return the sampler of trial ``number`` (from 0, among the trials that count)."""
    seed = _SEED + number
    if settings.sampler == "tpe":
        # running trials, perhaps a killed process's, have no say: no constant liar
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=_STARTUP, constant_liar=False, **_constraints(settings)
        )
    if settings.sampler == "gp":
        return optuna.samplers.GPSampler(
            seed=seed, n_startup_trials=_STARTUP, **_constraints(settings)
        )
    if settings.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(
            seed=seed, population_size=_POPULATION, **_constraints(settings)
        )
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    point = _grid(settings, space, number) if settings.sampler == "grid" else _sobol(space, number)
    return _Given(point)


def set_violation(trial: Trial, amount: float) -> None:
    """Say by how much a trial misses the constraint; 0 or less when it does not."""
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


def _constraints(settings: SearchSettings) -> dict[str, Any]:
    if settings.min_retention is None or _CONSTRAINTS_OF_TRIALS:
        return {}
    return {"constraints_func": lambda trial: (trial.user_attrs[VIOLATION],)}


class _Given(BaseSampler):
    """A point that is known beforehand.

    Optuna's own grid and quasi-random samplers count every trial that was begun, so that one which
    was interrupted would lose its point.
    """

    def __init__(self, point: Mapping[str, Any]) -> None:
        self._point = point

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._point[param_name]


def _grid(settings: SearchSettings, space: Mapping[str, Space], number: int) -> dict[str, Any]:
    """Return a point of the grid, in an order drawn once: a part of it covers the whole space."""
    axes = [_levels(each, settings.levels(each)) for each in space.values()]
    points = list(itertools.product(*axes))
    order = np.random.default_rng(_SEED).permutation(len(points))
    return dict(zip(space, points[order[number % len(points)]], strict=True))


def _levels(space: Space, count: int) -> Sequence[Any]:
    if isinstance(space, Choice):
        return space.options
    places = [i / (count - 1) if count > 1 else 0.0 for i in range(count)]
    return [_at(space, place) for place in places]


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
