"""What a study file asks for: plans; and the study file of a plan that was made in another way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from debiaslab import regularizers
from debiaslab.corpus import CorpusSettings
from debiaslab.corpus.reading import BuiltinSource
from debiaslab.errors import UserError
from debiaslab.regularizers import Choice, Int, LogUniform, Space, Uniform
from debiaslab.settings.options import explained, fields_of, put
from debiaslab.settings.study import (
    ALL,
    PlantingPart,
    SpacePart,
    StrategyPart,
    StudyFile,
    TrainerPart,
    read_study,
)
from debiaslab.study.comparing import floor_plan
from debiaslab.study.objective import Objective, SelectionRule
from debiaslab.study.plan import ComparisonPlan, Entry, Plan
from debiaslab.study.planting import PlantingPlan
from debiaslab.tracking.names import check_study_name

__all__ = [
    "StudyFile",
    "changed",
    "check_study",
    "comparison_of",
    "plans_of",
    "planting_of",
    "read_study",
    "study_of",
]

AnyPlan = Plan | ComparisonPlan | PlantingPlan
_SPACES: dict[str, Any] = {"log": LogUniform, "uniform": Uniform, "int": Int}


def check_study(
    content: Mapping[str, Any], source: str, flags: Mapping[str, str] | None = None
) -> StudyFile:
    """Return the study of a file's content.

    Args:
        content: What the file holds.
        source: What the user calls it, for the message.
        flags: What keys are called that were given on the command line.

    Raises:
        UserError: A key is unknown, or a value has another type or is out of its range.
    """
    if content.get("strategies") == ALL:
        names = regularizers.strategy_names()
        content = {**content, "strategies": [n for n in names if regularizers.search_space(n)]}
    try:
        return StudyFile.model_validate(content)
    except ValidationError as error:
        raise explained(error, StudyFile, source, flags) from None


# From a file to plans --------------------------------------------------------------------------


def comparison_of(study: StudyFile) -> ComparisonPlan:
    """Return what a study compares (a floor, too); raise a `UserError` if it makes no sense."""
    trainer = study.trainer.settings()
    if study.kind == "floor":
        return floor_plan(study.seeds, trainer, study.name)
    entries = (Entry(each.name, each.weight, _knobs(each.knobs)) for each in study.strategies)
    return ComparisonPlan(
        entries=tuple(entries),
        seeds=study.seeds,
        cover=study.cover,
        settings=trainer,
        objective=Objective(**vars(study.objective)),
        trials=study.budget.trials,
        tuning_seeds=study.comparison.tuning_seeds,
        rule=SelectionRule(study.comparison.select),
        name=study.name,
        controls=study.comparison.controls,
    )


def planting_of(study: StudyFile) -> PlantingPlan:
    """Return what a study plants; raise a `UserError` if the values make no sense."""
    own = study.planting.model_dump()
    return PlantingPlan(
        **own, seeds=study.seeds, settings=study.trainer.settings(), name=study.name
    )


def plans_of(study: StudyFile) -> tuple[Plan, ...]:
    """Return the sweeps of a study: one plan for each strategy.

    Raises:
        UserError: A value makes no sense, by itself or with the others.
    """
    labels = [each.label or each.name for each in study.strategies]
    for label in labels:
        if study.group:
            check_study_name(label, "the label of a strategy (`label` in the study file)")
        if labels.count(label) > 1:
            raise UserError(
                f"two strategies are called {label!r}",
                next_step="label: another-name for one of them",
            )
    return tuple(
        Plan(
            strategy=strategy.name,
            trials=study.budget.trials,
            seeds=study.seeds,
            cover=study.cover,
            knobs=_knobs(strategy.knobs),
            settings=study.trainer.settings(),
            objective=Objective(**vars(study.objective)),
            name=f"{study.name}-{label}" if study.group else study.name,
            space=_spaces(strategy),
            search=study.search,
            hours=study.budget.hours,
            stop=study.budget.stop,
        )
        for strategy, label in zip(study.strategies, labels, strict=True)
    )


def _spaces(strategy: StrategyPart) -> tuple[tuple[str, Space], ...]:
    """Return what is searched, by knob."""
    found = []
    for knob, part in strategy.space.items():
        try:
            found.append((knob, _space(part)))
        except UserError as error:
            raise UserError(f"the space of {knob} of {strategy.name} was {error}") from error
    return tuple(found)


def _space(part: SpacePart) -> Space:
    kinds = {name: value for name, value in part if value is not None}
    if len(kinds) != 1:
        raise UserError(
            f"a space with {', '.join(kinds) or 'nothing in it'}",
            allowed="exactly one of log, uniform, int, choice, such as log: [0.001, 10]",
        )
    if part.choice is not None:
        return Choice(part.choice)
    ((kind, (low, high)),) = kinds.items()
    if not low < high or (kind == "log" and low <= 0):
        raise UserError(
            f"{kind}: [{low}, {high}]",
            allowed="a low end" + (" above 0 and" if kind == "log" else "") + " below the high",
        )
    space: Space = _SPACES[kind](low, high)
    return space


def _knobs(knobs: Mapping[str, str | float | bool]) -> tuple[tuple[str, str], ...]:
    """Return knobs as text, true and false as a study file writes them."""
    return tuple(
        (knob, str(value).lower() if isinstance(value, bool) else str(value))
        for knob, value in knobs.items()
    )


# From a plan to a file -------------------------------------------------------------------------


def study_of(
    plan: AnyPlan, sources: tuple[str, ...], settings: CorpusSettings, *, floor: bool = False
) -> StudyFile:
    """Return the study file of a plan that was made in another way, with absolute paths.

    Args:
        plan: A sweep, a comparison or planted doses.
        sources: What the corpus calls its sources.
        settings: Settings of the corpus.
        floor: Whether the comparison is that of a floor.
    """
    builtin = sources == (BuiltinSource.label,) and not Path(BuiltinSource.label).exists()
    files = [] if builtin else [str(Path(source).resolve()) for source in sources]
    mwes = None if settings.mwes is None else str(Path(settings.mwes).resolve())
    content = {
        "name": plan.name,
        "corpus": {**vars(settings), "mwes": mwes, "files": files},
        "trainer": {key: getattr(plan.settings, key) for key in fields_of(TrainerPart)},
        "seeds": plan.seeds,
    }
    return StudyFile.model_validate(content | ({"kind": "floor"} if floor else _own(plan)))


def _own(plan: AnyPlan) -> dict[str, Any]:
    """Return what only a study of the plan's kind has."""
    if isinstance(plan, PlantingPlan):
        planting = {key: getattr(plan, key) for key in fields_of(PlantingPart)}
        return {"kind": "planted", "planting": planting}
    scored = {"cover": plan.cover, "objective": vars(plan.objective)}
    if isinstance(plan, ComparisonPlan):
        return {
            **scored,
            "kind": "compare",
            "strategies": [
                {"name": each.strategy, "weight": each.weight, "knobs": dict(each.knobs)}
                for each in plan.entries
            ],
            "budget": {"trials": plan.trials},
            "comparison": {
                "tuning_seeds": plan.tuning_seeds,
                "select": plan.rule.name,
                "controls": plan.controls,
            },
        }
    space = {
        knob: {"choice": space.options}
        if isinstance(space, Choice)
        else {kind: (space.low, space.high) for kind, of in _SPACES.items() if type(space) is of}
        for knob, space in plan.space
    }
    return {
        **scored,
        "strategies": [{"name": plan.strategy, "knobs": dict(plan.knobs), "space": space}],
        "search": vars(plan.search),
        "budget": {"trials": plan.trials, "hours": plan.hours, "stop": plan.stop},
    }


# A file with other values ----------------------------------------------------------------------


def changed(
    study: StudyFile, given: Mapping[str, Any], flags: Mapping[str, str] | None = None
) -> StudyFile:
    """Return the study with other values, by their keys, such as ``budget.trials``.

    Scheduler and workers that were meant for another kind of executor are not taken along.

    Args:
        given: The other values.
        flags: What the keys are called on the command line.

    Raises:
        UserError: A value has another type or is out of its range.
    """
    content = json.loads(study.to_json())
    if given.get("executor", study.executor) != study.executor:
        content = {k: v for k, v in content.items() if k not in ("scheduler", "workers")}
    for key, value in given.items():
        put(content, key, value)
    return check_study(content, "the command line", flags)
