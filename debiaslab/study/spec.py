"""Study files: what a study is, as YAML that is checked before anything is read or trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
    create_model,
    field_validator,
    model_validator,
)

from debiaslab import regularizers
from debiaslab.corpus import CorpusSettings
from debiaslab.corpus.settings import Marks, Rare
from debiaslab.corpus.sources import BuiltinSource
from debiaslab.errors import UserError
from debiaslab.regularizers import Choice, Cover, Int, LogUniform, Space, Uniform
from debiaslab.sgns import TrainSettings
from debiaslab.sgns.settings import INTEGERS, REALS
from debiaslab.study.comparing import floor_plan
from debiaslab.study.objective import Objective, SelectionRule
from debiaslab.study.plan import MOST_POINTS, ComparisonPlan, Entry, Plan, Sampler, SearchSettings
from debiaslab.study.planting import Base, PlantingPlan
from debiaslab.study.reading import explained, read_yaml
from debiaslab.tracking.names import check_study_name

ENDINGS = (".yaml", ".yml")
ALL = "all"  # every registered strategy that has something to search
_MOST_WORKERS = 10_000
_MOST_SEEDS = 1000

Kind = Literal["sweep", "compare", "planted", "floor"]
ComparisonKind = Literal["compare", "floor"]
Some = Annotated[tuple[str, ...], Field(strict=False)]  # a YAML list is a list
# pydantic takes no text with a byte that is not UTF-8, which the name of a file may hold
FileName = Annotated[
    str, WrapValidator(lambda value, check: str(value) if isinstance(value, str) else check(value))
]

Seeds = Annotated[tuple[int, ...], Field(strict=False, min_length=1)]


class Part(BaseModel):
    """What every part of a study file shares: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class CorpusPart(Part):
    """The text and what shapes its ids."""

    files: Annotated[tuple[FileName, ...], Field(strict=False)] = Field(
        default=(), description="text files; none: the built-in 106 Wikipedia articles"
    )
    mwes: FileName | None = Field(
        default=None, description="file of multi-word expressions, one a line"
    )
    lowercase: bool = Field(default=True, description="whether the text is lower-cased")
    min_count: int = Field(default=5, ge=1, description="tokens; rarer words are rare")
    rare: Rare = Field(default="drop", description="drop rare words, or unk for the token <UNK>")
    marks: Marks = Field(
        default="auto",
        description="combining marks: keep them in words, cut words at them, or auto: keep unless "
        "few words have any",
    )

    def settings(self) -> CorpusSettings:
        """Return the settings without the files."""
        return CorpusSettings(self.mwes, self.lowercase, self.min_count, self.rare, self.marks)


_UNITS = {
    "dim": "length of a vector",
    "window": "words on each side",
    "dynamic": "whether each window is drawn from 1 to window",
    "negatives": "noise words per positive pair",
    "epochs": "passes over the corpus",
    "subsample": "relative frequency above which words are dropped; 0: off",
    "lr": "learning rate per training pair, at the start",
    "lr_min": "final learning rate, as a fraction of lr",
    "optimizer": "reference engine: any; fast engine: sgd",
    "batch_size": "positions per step, reference engine",
    "layout": "of a batch row, reference engine",
    "patience": "reports without a better loss; null: never stop",
    "threads": "threads of one training; 1 is bit-reproducible",
    "engine": "null: fast where it can run",
    "device": "of the reference engine",
}


def _trainer_fields() -> dict[str, Any]:
    """Return the fields of `TrainSettings`, with its defaults and limits, but for the seed."""
    hints = get_type_hints(TrainSettings)
    found: dict[str, Any] = {}
    for each in fields(TrainSettings):
        if each.name == "seed":
            continue
        low, high = {**INTEGERS, **REALS}.get(each.name, (None, None))
        assert each.default is not MISSING
        limits = Field(each.default, ge=low, le=high, description=_UNITS[each.name])
        found[each.name] = (hints[each.name], limits)
    return found


class _Trainer(Part):
    def settings(self) -> TrainSettings:
        """Return the hyperparameters."""
        return TrainSettings(**self.model_dump())


TrainerPart: Any = create_model("TrainerPart", __base__=_Trainer, **_trainer_fields())

Pair = Annotated[tuple[float, float], Field(strict=False)]
WholePair = Annotated[tuple[int, int], Field(strict=False)]


class SpacePart(Part):
    """What is searched of one knob: one of four kinds."""

    log: Pair | None = Field(default=None, description="[low, high], on a logarithmic scale")
    uniform: Pair | None = Field(default=None, description="[low, high]")
    int: WholePair | None = Field(default=None, description="[low, high], whole numbers")
    choice: Some | None = Field(default=None, min_length=1, description="[names]")

    def space(self) -> Space:
        """Return the space.

        Raises:
            UserError: None or several kinds were given, or the ends are not in order.
        """
        kinds = {name: value for name, value in self if value is not None}
        if len(kinds) != 1:
            raise UserError(
                f"a space with {', '.join(kinds) or 'nothing in it'}",
                allowed="exactly one of log, uniform, int, choice, such as log: [0.001, 10]",
            )
        if self.choice is not None:
            return Choice(self.choice)
        (kind, (low, high)) = next(iter(kinds.items()))
        if not low < high or (kind == "log" and low <= 0):
            raise UserError(
                f"{kind}: [{low}, {high}]",
                allowed="a low end" + (" above 0 and" if kind == "log" else "") + " below the high",
            )
        if kind == "int":
            return Int(low, high)
        return LogUniform(low, high) if kind == "log" else Uniform(low, high)


class StrategyPart(Part):
    """One strategy, what is set of it and what is searched."""

    name: str = Field(description="see: python -m debiaslab strategies")
    label: str | None = Field(
        default=None, description="ends the study's name; none: the strategy's name"
    )
    weight: float | None = Field(
        default=None, gt=0, description="λ in a comparison; none: it is tuned"
    )
    knobs: dict[str, str | int | float | bool] = Field(
        default={}, description="what is set, by name"
    )
    space: dict[str, SpacePart] = Field(
        default={}, description="what is searched; none: its own space"
    )

    def own_space(self) -> tuple[tuple[str, Space], ...]:
        """Return what is searched, by knob."""
        found = []
        for knob, part in self.space.items():
            try:
                found.append((knob, part.space()))
            except UserError as error:
                raise UserError(f"the space of {knob} of {self.name} was {error}") from error
        return tuple(found)


class ObjectivePart(Part):
    """What makes a run good."""

    bias_weight: float = Field(default=1.0, ge=0, description="weight of the bias in the score")
    retention_weight: float = Field(
        default=5.0, ge=0, description="weight of lost utility in the score"
    )
    tests: Some = Field(default=Objective().tests, description="association tests")

    def objective(self) -> Objective:
        """Return the objective."""
        return Objective(self.bias_weight, self.retention_weight, self.tests)


class SearchPart(Part):
    """How λ and the knobs are searched."""

    sampler: Sampler = Field(default="tpe", description="how the next trial is chosen")
    objectives: Some = Field(
        default=("score",), description="[score], or [bias, retention] for a front"
    )
    min_retention: float | None = Field(
        default=None, gt=0, lt=2, description="least mean retention"
    )
    prune: float | None = Field(
        default=None, gt=0, lt=1, description="p below which a trial is ended"
    )
    warm_start: bool = Field(
        default=False, description="whether trials start from baseline vectors"
    )
    points: int = Field(default=9, ge=2, le=MOST_POINTS, description="of the grid, for each knob")

    def settings(self) -> SearchSettings:
        """Return the settings."""
        return SearchSettings(**self.model_dump())


class BudgetPart(Part):
    """When the study ends."""

    trials: int = Field(
        default=8, ge=1, le=100_000, description="λs to try, the baseline not counted"
    )
    hours: float | None = Field(
        default=None, gt=0, description="no trial begins after; null: no limit"
    )
    stop: bool = Field(
        default=False, description="end when trials cannot gain more than seeds differ"
    )


class ComparisonPart(Part):
    """How λ is chosen in a comparison, and whether it adds controls."""

    tuning_seeds: Seeds = Field(
        default=(101, 102), description="seeds that λ is chosen on; none of the seeds"
    )
    select: str = Field(default="composite", description="composite, knee or bias@RETENTION")
    controls: bool = Field(default=True, description="whether controls are trained besides")


class PlantingPart(Part):
    """What is planted in a text, and how much of it."""

    words: Some = Field(default=(), description="words to plant in; none: chosen by each seed")
    doses: Annotated[tuple[float, ...], Field(strict=False)] = Field(
        default=(-1.0, -0.5, 0.0, 0.5, 1.0), description="from -1 (female) to 1 (male)"
    )
    base: Base = Field(default="text", description="what dose 0 is")
    count: int = Field(default=16, ge=1, description="words that are chosen")
    apart: bool = Field(default=False, description="whether words are pulled to both sides")


_SHARED = frozenset(
    {"name", "kind", "corpus", "trainer", "seeds", "executor", "scheduler", "workers"}
)
_SCORED = _SHARED | {"strategies", "cover", "objective", "budget"}
_KEYS: dict[Kind, frozenset[str]] = {  # of each kind of study
    "sweep": (_SCORED | {"search"}) - {"kind"},  # files are as they were before there were kinds
    "compare": _SCORED | {"comparison"},
    "planted": _SHARED | {"planting"},
    "floor": _SHARED,
}
_USUAL: dict[Kind, dict[str, Any]] = {  # defaults that are not a sweep's
    "sweep": {},
    "compare": {"seeds": 3, "strategies": ["projection", "pairwise", "tying"]},
    "planted": {"seeds": 3},
    "floor": {"seeds": 3},
}


class StudyFile(Part):
    """A whole study: one sweep for each strategy, a comparison, planted doses, or a floor."""

    name: str | None = Field(default=None, description="of the study; none: made from the settings")
    corpus: CorpusPart = CorpusPart()
    trainer: TrainerPart = TrainerPart()
    strategies: Annotated[tuple[StrategyPart, ...], Field(strict=False, min_length=1)] = (
        StrategyPart(name="projection"),
    )
    cover: Cover = Field(default="all", description="non-gender words to act on")
    objective: ObjectivePart = ObjectivePart()
    search: SearchPart = SearchPart()
    comparison: ComparisonPart = ComparisonPart()
    planting: PlantingPart = PlantingPart()
    seeds: Seeds = Field(default=(1, 2), description="a number n for the seeds 1 to n, or a list")
    budget: BudgetPart = BudgetPart()
    kind: Kind = Field(
        default="sweep", description="what is done: sweep, compare, planted or floor"
    )
    executor: Literal["local", "dask"] = Field(default="local", description="where trials run")
    scheduler: str | None = Field(
        default=None,
        description="address of a Dask cluster, such as tcp://10.0.0.1:8786; null: this machine",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=_MOST_WORKERS,
        description="processes that share the trials; dask: 1 means every thread of the cluster",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_its_kind(cls, content: Any) -> Any:
        """Fill in the defaults of the kind of study."""
        kind = content.get("kind") if isinstance(content, Mapping) else None
        return {**_USUAL[kind], **content} if kind in _USUAL else content

    @field_validator("seeds", mode="before")
    @classmethod
    def _count(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_SEEDS:
            return tuple(range(1, value + 1))
        return value

    @field_validator("strategies", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if value == ALL:
            names = regularizers.strategy_names()
            value = [name for name in names if regularizers.search_space(name)]
        if isinstance(value, (str, Mapping)):
            value = [value]
        if not isinstance(value, (list, tuple)):
            return value
        return [{"name": each} if isinstance(each, str) else each for each in value]

    def comparison_plan(self) -> ComparisonPlan:
        """Return what is compared.

        Raises:
            UserError: A value makes no sense, by itself or with the others.
        """
        return ComparisonPlan(
            entries=tuple(
                Entry(each.name, each.weight, _knobs(each.knobs)) for each in self.strategies
            ),
            seeds=self.seeds,
            cover=self.cover,
            settings=self.trainer.settings(),
            objective=self.objective.objective(),
            trials=self.budget.trials,
            tuning_seeds=self.comparison.tuning_seeds,
            rule=SelectionRule(self.comparison.select),
            name=self.name,
            controls=self.comparison.controls,
        )

    def floor_plan(self) -> ComparisonPlan:
        """Return the comparison that a floor is."""
        return floor_plan(self.seeds, self.trainer.settings(), self.name)

    def planting_plan(self) -> PlantingPlan:
        """Return what is planted.

        Raises:
            UserError: A value makes no sense, by itself or with the others.
        """
        given = self.planting.model_dump()
        return PlantingPlan(
            **given, seeds=self.seeds, settings=self.trainer.settings(), name=self.name
        )

    def plans(self) -> tuple[Plan, ...]:
        """Return one plan for each strategy.

        Raises:
            UserError: A value makes no sense, by itself or with the others.
        """
        labels = [each.label or each.name for each in self.strategies]
        for label in labels if self.group else ():
            check_study_name(label, "the label of a strategy (`label` in the study file)")
        for label in labels:
            if labels.count(label) > 1:
                raise UserError(
                    f"two strategies are called {label!r}",
                    next_step="label: another-name for one of them",
                )
        return tuple(self._plan(*each) for each in zip(self.strategies, labels, strict=True))

    @property
    def group(self) -> str | None:
        """The name that the studies of several strategies share; None for one strategy."""
        return self.name if len(self.strategies) > 1 else None

    def _plan(self, strategy: StrategyPart, label: str) -> Plan:
        return Plan(
            strategy=strategy.name,
            trials=self.budget.trials,
            seeds=self.seeds,
            cover=self.cover,
            knobs=_knobs(strategy.knobs),
            settings=self.trainer.settings(),
            objective=self.objective.objective(),
            name=f"{self.name}-{label}" if self.group else self.name,
            space=strategy.own_space(),
            search=self.search.settings(),
            hours=self.budget.hours,
            stop=self.budget.stop,
        )

    def to_json(self) -> str:
        """Return the file as JSON, which `read_study` reads as well."""
        own = self.model_dump(mode="json", exclude_none=True, include=set(_KEYS[self.kind]))
        return json.dumps(own, indent=2) + "\n"


def read_study(path: str | Path) -> dict[str, Any]:
    """Return the content of a study file, not yet checked.

    Raises:
        UserError: The file cannot be read or is no YAML mapping.
    """
    return read_yaml(Path(path))


def check_study(content: Mapping[str, Any], source: str) -> StudyFile:
    """Return the study of a file's content.

    Args:
        content: What the file holds.
        source: What the user calls it, for the message.

    Raises:
        UserError: A key is unknown, or a value has another type or is out of its range.
    """
    try:
        return StudyFile.model_validate(content)
    except ValidationError as error:
        raise explained(error, StudyFile, source) from None


def study_of(plan: Plan, sources: tuple[str, ...], settings: CorpusSettings) -> StudyFile:
    """Return the study file of a plan that was made in another way, with absolute paths.

    Args:
        plan: The plan of one strategy.
        sources: What the corpus calls its sources.
        settings: Settings of the corpus.
    """
    strategy = {
        "name": plan.strategy,
        "knobs": dict(plan.knobs),
        "space": {knob: _space(space) for knob, space in plan.space},
    }
    content = {
        **_shared(plan, sources, settings),
        "strategies": [strategy],
        "cover": plan.cover,
        "objective": vars(plan.objective),
        "search": vars(plan.search),
        "budget": {"trials": plan.trials, "hours": plan.hours, "stop": plan.stop},
    }
    return StudyFile.model_validate(content)


def study_of_comparison(
    plan: ComparisonPlan,
    sources: tuple[str, ...],
    settings: CorpusSettings,
    kind: ComparisonKind = "compare",
) -> StudyFile:
    """Return the study file of a comparison or a floor, as ``study_of`` does."""
    shared = {"kind": kind, **_shared(plan, sources, settings)}
    if kind == "floor":
        return StudyFile.model_validate(shared)
    content = {
        **shared,
        "strategies": [
            {"name": each.strategy, "weight": each.weight, "knobs": dict(each.knobs)}
            for each in plan.entries
        ],
        "cover": plan.cover,
        "objective": vars(plan.objective),
        "budget": {"trials": plan.trials},
        "comparison": {
            "tuning_seeds": plan.tuning_seeds,
            "select": plan.rule.name,
            "controls": plan.controls,
        },
    }
    return StudyFile.model_validate(content)


def study_of_planting(
    plan: PlantingPlan, sources: tuple[str, ...], settings: CorpusSettings
) -> StudyFile:
    """Return the study file of a planted-bias control, as ``study_of`` does."""
    own = {key: getattr(plan, key) for key in PlantingPart.model_fields}
    content = {"kind": "planted", **_shared(plan, sources, settings), "planting": own}
    return StudyFile.model_validate(content)


def _shared(
    plan: Plan | ComparisonPlan | PlantingPlan, sources: tuple[str, ...], settings: CorpusSettings
) -> dict[str, Any]:
    builtin = sources == (BuiltinSource.label,) and not Path(BuiltinSource.label).exists()
    files = [] if builtin else [str(Path(source).resolve()) for source in sources]
    mwes = None if settings.mwes is None else str(Path(settings.mwes).resolve())
    return {
        "name": plan.name,
        "corpus": {**vars(settings), "mwes": mwes, "files": files},
        "trainer": {f: getattr(plan.settings, f) for f in TrainerPart.model_fields},
        "seeds": plan.seeds,
    }


def _space(space: Space) -> dict[str, Any]:
    if isinstance(space, Choice):
        return {"choice": space.options}
    kind = {LogUniform: "log", Uniform: "uniform", Int: "int"}[type(space)]
    return {kind: (space.low, space.high)}


def _knobs(knobs: Mapping[str, str | float | bool]) -> tuple[tuple[str, str], ...]:
    return tuple((knob, _text(value)) for knob, value in knobs.items())


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_corpus(file: StudyFile, corpus: CorpusPart) -> StudyFile:
    """Return the study with another corpus."""
    return file.model_copy(update={"corpus": corpus})


def with_budget(file: StudyFile, *, trials: int | None, hours: float | None) -> StudyFile:
    """Return the study with another number of trials or time; None leaves what there is."""
    given = {"trials": trials, "hours": hours}
    changed = {key: value for key, value in given.items() if value is not None}
    return file.model_copy(update={"budget": file.budget.model_copy(update=changed)})


def with_executor(
    file: StudyFile, *, executor: str | None, scheduler: str | None, workers: int | None
) -> StudyFile:
    """Return the study with another executor; None leaves what there is.

    Scheduler and workers that were meant for another kind of executor are not taken along.

    Raises:
        UserError: The executor is unknown, or the number of workers out of range.
    """
    content = json.loads(file.to_json())
    if executor not in (None, file.executor):
        content = {k: v for k, v in content.items() if k not in ("scheduler", "workers")}
    given = {"executor": executor, "scheduler": scheduler, "workers": workers}
    content |= {key: value for key, value in given.items() if value is not None}
    return check_study(content, "the command line")
