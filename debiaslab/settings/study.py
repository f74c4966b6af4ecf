"""The study: one model is its YAML file, its command line, what is logged and what is read back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from debiaslab.errors import UserError
from debiaslab.settings.options import File, Flag, Real, Text, Whole, option, part, settings
from debiaslab.settings.training import CorpusSettings, Hyperparameters, TrainSettings

Kind = Literal["sweep", "compare", "planted", "floor"]
Cover = Literal["tune", "vocabulary", "all"]
Sampler = Literal["tpe", "gp", "nsga2", "grid", "qmc", "random"]
ByRuler = Literal["own", "anchored", "both"]
Base = Literal["text", "alike", "balanced", "corpus"]
ALL = "all"  # every registered strategy that has something to search
OBJECTIVES = (("score",), ("bias", "retention"))
_MOST_SEEDS = 1000
_LARGEST = 1 << 20  # bytes; a study file is a page


def _counted(first: int) -> Callable[[Any], Any]:
    """Return what makes seeds of a number: n seeds from ``first``."""

    def seeds(value: Any) -> Any:
        if type(value) is not int:
            return value
        if not 1 <= value <= _MOST_SEEDS:
            raise PydanticCustomError("limits", f"must be from 1 to {_MOST_SEEDS:,}")
        return tuple(range(first, first + value))

    return seeds


def _names(text: str) -> tuple[str, ...]:
    """Read ``bias,retention``."""
    return tuple(each.strip() for each in text.split(","))


def _commas(value: Sequence[object]) -> str:
    return ",".join(map(str, value))


def _number(seeds: Sequence[int] | int) -> int:
    return seeds if isinstance(seeds, int) else len(seeds)


Words = tuple[Text, ...]
Numbers = tuple[Real, ...]
Seeds = Annotated[tuple[Whole, ...], Field(min_length=1), BeforeValidator(_counted(1))]
TuningSeeds = Annotated[tuple[Whole, ...], Field(min_length=1), BeforeValidator(_counted(101))]


class Part(BaseModel):
    """What every part of a study shares: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@settings
class CorpusPart(CorpusSettings):
    """The text and what shapes its ids."""

    files: tuple[File, ...] = option(
        "text files, one document a line (.txt, .gz, .bz2, .zst); none: the built-in "
        "106 Wikipedia articles",
        default=(),
        flag="corpus",
        metavar="CORPUS",
    )

    def settings(self) -> CorpusSettings:
        """Return the settings without the files."""
        return CorpusSettings(self.mwes, self.lowercase, self.min_count, self.rare, self.marks)


@settings
class TrainerPart(Hyperparameters):
    """The hyperparameters of every training of a study; its seeds are the study's."""

    def settings(self) -> TrainSettings:
        """Return the hyperparameters with the first seed."""
        return TrainSettings(**asdict(self))


class SpacePart(Part):
    """What is searched of one knob: one of four kinds."""

    log: tuple[Real, Real] | None = option(
        "[low, high], on a logarithmic scale", default=None, flag=None
    )
    uniform: tuple[Real, Real] | None = option("[low, high]", default=None, flag=None)
    int: tuple[Whole, Whole] | None = option("[low, high], whole numbers", default=None, flag=None)
    choice: Words | None = option("[names]", default=None, min_length=1, flag=None)


class StrategyPart(Part):
    """One strategy, what is set of it and what is searched."""

    name: Text = option("see: python -m debiaslab strategies", flag=None)
    label: Text | None = option(
        "ends the study's name; none: the strategy's name", default=None, flag=None
    )
    weight: Real | None = option(
        "λ in a comparison; none: it is tuned", default=None, gt=0, flag=None
    )
    knobs: dict[str, Text | Whole | Real | Flag] = option(
        "what is set, by name", default={}, flag=None
    )
    space: dict[str, SpacePart] = option(
        "what is searched; none: its own space", default={}, flag=None
    )


def _objective_tests() -> tuple[str, ...]:
    from debiaslab.lexicons import OBJECTIVE_TESTS

    return OBJECTIVE_TESTS


@settings
class ObjectivePart:
    """What makes a run good."""

    bias_weight: Real = option("weight of the bias in the score", default=1.0, ge=0)
    # a fifth of the utility lost weighs as much as B = 1
    retention_weight: Real = option("weight of lost utility in the score", default=5.0, ge=0)
    tests: Words = option("association tests", default=_objective_tests, flag=None)
    ruler: ByRuler = option(
        "gender words that bias is read along while λ is searched: own (of the same vectors), "
        "anchored (the baseline's) or both (the larger bias counts)",
        default="own",
    )


@settings
class SearchSettings:
    """How λ and the knobs are searched; whatever is not the default makes another study.

    Raises:
        UserError: A value is unknown, out of range, or two of them contradict each other.
    """

    sampler: Sampler = option("how to choose: tpe, gp, nsga2, grid, qmc or random", default="tpe")
    objectives: Words = option(
        "score, or bias,retention for a Pareto front",
        default=("score",),
        parse=_names,
        shown=_commas,
    )
    min_retention: Real | None = option(
        "least retention of the best trial, such as 0.98", default=None, gt=0, lt=2
    )
    prune: Real | None = option(
        "end a trial when its first seeds are worse than the best trial's at this level "
        "(Wilcoxon): above 0.5 after one seed, above 0.25 after two; none: never",
        default=None,
        gt=0,
        lt=1,
        metavar="P",
    )
    warm_start: Flag = option(
        "start trials from the baseline's vectors instead of from scratch", default=False
    )
    points: Whole = option("grid points on each knob", default=9, ge=2, le=1000)

    def __post_init__(self) -> None:
        if self.objectives not in OBJECTIVES:
            raise UserError(
                f"--objectives was {_commas(self.objectives)!r}",
                allowed=" or ".join(map(_commas, OBJECTIVES)),
            )
        if self.prune is not None and self.pareto:
            raise UserError(
                "--prune was given with two objectives, of which neither alone makes a trial worse",
                allowed="--prune with --objectives score",
            )

    @property
    def pareto(self) -> bool:
        """Whether a front is searched instead of one best score."""
        return len(self.objectives) > 1

    @property
    def needs_retention(self) -> bool:
        """Whether nothing can be said of a trial without its retention."""
        return self.pareto or self.min_retention is not None

    def identity(self) -> dict[str, Any]:
        """Return the settings that are not the default, as JSON values."""
        default = asdict(SearchSettings())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


class BudgetPart(Part):
    """When the study ends."""

    trials: Whole = option(
        "λs to try, in all, of each strategy that has one; the baseline is not counted",
        default=8,
        ge=1,
        le=100_000,
    )
    hours: Real | None = option(
        "begin no further trial after this time", default=None, gt=0, group="search"
    )
    stop: Flag = option(
        "end when further trials cannot gain more than the seeds differ",
        default=False,
        group="search",
    )


class ComparisonPart(Part):
    """How λ is chosen in a comparison, and whether it adds controls."""

    tuning_seeds: TuningSeeds = option(
        "trainings per λ that is tried, with seeds 101, 102, …",
        default=(101, 102),
        parse=int,
        shown=_number,
    )
    select: Text = option(
        "how λ is chosen: composite, knee or bias@RETENTION", default="composite", metavar="RULE"
    )
    controls: Flag = option(
        "whether controls are trained besides",
        default=True,
        flag=None,
        off=(
            "--no-controls",
            "train no controls besides those named: a random direction of the same strength, "
            "a penalty at λ → ∞, swaps within a gender, shuffled strata, the text without gender",
        ),
    )


def _doses(text: str) -> tuple[float, ...]:
    """Read ``-1,0,1``."""
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise ValueError("numbers from -1 to 1 with commas, such as -1,0,1") from None


class PlantingPart(Part):
    """What is planted in a text, and how much of it."""

    words: Words = option(
        "words to plant in; none: words of the text that no list holds, others for each seed",
        default=(),
        metavar="A,B,…|LEXICON",
    )
    doses: Numbers = option(
        "from -1 (only female words near the chosen ones) to 1 (only male)",
        default=(-1.0, -0.5, 0.0, 0.5, 1.0),
        metavar="A,B,…",
        parse=_doses,
        shown=_commas,
    )
    base: Base = option(
        "dose 0: text (male as often as in the whole text), alike (those near the words they are "
        "compared with as well), balanced (half) or corpus (as it was)",
        default="text",
    )
    count: Whole = option("words that are chosen", default=16, ge=1, flag=None)
    apart: Flag = option(
        "the opposite dose for every other word: for metrics in which a dose that all words share "
        "cancels out, such as ECT",
        default=False,
    )


_SHARED = frozenset(
    {"name", "kind", "corpus", "trainer", "seeds", "executor", "scheduler", "workers"}
)
_SCORED = _SHARED | {"strategies", "cover", "objective", "budget"}
KEYS: dict[Kind, frozenset[str]] = {  # of each kind of study
    "sweep": (_SCORED | {"search"}) - {"kind"},  # files are as they were before there were kinds
    "compare": _SCORED | {"comparison"},
    "planted": _SHARED | {"planting"},
    "floor": _SHARED,
}
USUAL: dict[Kind, dict[str, Any]] = {  # defaults that are not a sweep's
    "sweep": {},
    "compare": {"seeds": 3, "strategies": ["projection", "pairwise", "tying"]},
    "planted": {"seeds": 3},
    "floor": {"seeds": 3},
}


def _strategies(parts: Sequence[StrategyPart | str]) -> str:
    return _commas([each if isinstance(each, str) else each.name for each in parts])


class StudyFile(Part):
    """A whole study: one sweep for each strategy, a comparison, planted doses, or a floor."""

    corpus: CorpusPart = part(CorpusPart, "corpus")
    strategies: Annotated[tuple[StrategyPart, ...], Field(min_length=1)] = option(
        "strategy whose λ is searched",
        default=(StrategyPart(name="projection"),),
        flag="--strategy",
        parse=str,
        shown=_strategies,
    )
    comparison: ComparisonPart = part(ComparisonPart)
    planting: PlantingPart = part(PlantingPart)
    budget: BudgetPart = part(BudgetPart)
    seeds: Seeds = option(
        "trainings of each λ, strategy, text or dose, with seeds 1, 2, …",
        default=(1, 2),
        parse=int,
        shown=_number,
    )
    name: Text | None = option(
        "name; none: made from the settings", default=None, flag="--study", metavar="NAME"
    )
    cover: Cover = option("non-gender words to act on: tune, vocabulary or all", default="all")
    objective: ObjectivePart = part(ObjectivePart)
    workers: Whole = option(
        "processes that share the trainings; on one machine times --threads at most its cores",
        default=1,
        ge=1,
        le=10_000,
    )
    executor: Literal["local", "dask"] = option(
        "local: this machine; dask: the workers of a cluster", default="local"
    )
    scheduler: Text | None = option(
        "of the Dask cluster, such as tcp://10.0.0.1:8786; none: processes of this machine",
        default=None,
        metavar="ADDRESS",
    )
    search: SearchSettings = part(SearchSettings, "search")
    trainer: TrainerPart = part(TrainerPart, "training")
    kind: Kind = option(
        "what is done: sweep, compare, planted or floor", default="sweep", flag=None
    )

    @model_validator(mode="before")
    @classmethod
    def _of_its_kind(cls, content: Any) -> Any:
        """Fill in the defaults of the kind of study."""
        kind = content.get("kind") if isinstance(content, Mapping) else None
        return {**USUAL[kind], **content} if kind in USUAL else content

    @field_validator("strategies", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, (str, Mapping)):
            value = [value]
        if not isinstance(value, (list, tuple)):
            return value
        return [{"name": each} if isinstance(each, str) else each for each in value]

    @property
    def group(self) -> str | None:
        """The name that the studies of several strategies share; None for one strategy."""
        return self.name if len(self.strategies) > 1 else None

    def to_json(self) -> str:
        """Return the file as JSON, which `read_study` reads as well."""
        own = self.model_dump(mode="json", exclude_none=True, include=set(KEYS[self.kind]))
        return json.dumps(own, indent=2) + "\n"


# YAML as people write it -----------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """The safe loader with the numbers of YAML 1.2."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse a key that appears twice; YAML would keep the last one."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} appears twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        super().flatten_mapping(node)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),  # PyYAML wants a dot and a sign
    list("-+.0123456789"),
)


def parse(text: str) -> Any:
    """Return a YAML value, such as one given on the command line; text that is none as it is."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        return text


def read_study(path: str | Path) -> dict[str, Any]:
    """Return the content of a study file, not yet checked.

    Raises:
        UserError: The file cannot be read, is no YAML, or holds something else than a mapping.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} has more than {_LARGEST:,} bytes", allowed="a study file")
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise UserError(
            f"the study file {path} cannot be read: {error.strerror or error}",
            next_step="python -m debiaslab sweep experiments/quickstart.yaml",
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text", allowed="a study file in YAML") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"{path} is not YAML: {error.problem}{where}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{path} is not YAML: {str(error).splitlines()[0]}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__}", allowed="keys with values")
    return {str(key): value for key, value in content.items()}
