"""What a sweep and a comparison are: all that, changed, would make another study."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from debiaslab import lexicons, regularizers
from debiaslab.errors import UserError, require_known
from debiaslab.regularizers import Choice, Cover, Int, LogUniform, Space, Uniform
from debiaslab.regularizers.composition import SEPARATOR, check_weighs, parts_named, weight_of
from debiaslab.regularizers.words import check_cover
from debiaslab.settings.study import SearchSettings
from debiaslab.sgns import TrainSettings
from debiaslab.study.cell import Cell, Knobs, with_knobs
from debiaslab.study.objective import Objective, SelectionRule
from debiaslab.tracking.names import check_study_name, default_study_name

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus


def grid_levels(search: SearchSettings, space: Space) -> int:
    """Return how many values a grid has of one knob."""
    if isinstance(space, Choice):
        return len(space.options)
    if isinstance(space, Int):
        return min(search.points, space.high - space.low + 1)
    return search.points


def check_seeds(seeds: Sequence[int], settings: TrainSettings, option: str = "--seeds") -> None:
    """Raise a `UserError` unless there are seeds, each once, and a training takes all of them."""
    if not seeds:
        raise UserError(f"{option} must be at least 1, got 0")
    for seed in seeds:
        replace(settings, seed=seed)  # refuses what is no seed
        if seeds.count(seed) > 1:
            raise UserError(f"seed {seed} is named twice", allowed="seeds that differ")


def name_from(kind: str, corpus: Corpus, identity: Mapping[str, Any]) -> str:
    """Return the name of a study that has none: another one whenever its identity is another."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return default_study_name(kind, corpus.name, digest)


@dataclass(frozen=True)
class Plan:
    """One sweep: λ, and perhaps other knobs, of one strategy, on one corpus, over seeds."""

    strategy: str = "projection"
    trials: int = 8  # λs tried, the baseline not counted
    seeds: tuple[int, ...] = (1, 2)  # every λ is trained once with each
    cover: Cover = "all"
    knobs: tuple[tuple[str, str], ...] = ()  # of the strategy, besides λ: (name, value)
    settings: TrainSettings = field(default_factory=TrainSettings)
    objective: Objective = field(default_factory=Objective)
    name: str | None = None  # None: made from strategy, corpus and a hash of the identity
    space: tuple[tuple[str, Space], ...] = ()  # what is searched; (): the strategy's own space
    search: SearchSettings = field(default_factory=SearchSettings)
    hours: float | None = None  # no further trial is begun after these; None: no limit
    stop: bool = False  # end when further trials cannot gain more than the seeds differ

    def __post_init__(self) -> None:
        if "weight" in dict(self.knobs):
            raise UserError("λ was set as a knob", allowed="knobs besides weight: λ is searched")
        self.create(
            weight=0.0
        )  # refuses parts that make no sense together, and knobs that are none
        if not self.search_space:
            searchable = [n for n in regularizers.strategy_names() if regularizers.search_space(n)]
            raise UserError(
                f"strategy {self.strategy!r} has no λ to search",
                allowed=", ".join(searchable),
                next_step=f"python -m debiaslab sweep --strategy {searchable[0]}",
            )
        self._check_space()
        if self.name is not None:
            check_study_name(self.name)
        if self.trials < 1:
            raise UserError(f"--trials must be at least 1, got {self.trials}")
        if self.hours is not None and not (math.isfinite(self.hours) and self.hours > 0):
            raise UserError(f"--hours must be above 0, got {self.hours!r}")
        points = math.prod(grid_levels(self.search, each) for each in self.search_space.values())
        if self.search.sampler == "grid" and self.trials > points:
            raise UserError(
                f"--trials was {self.trials} and the grid has {points} points",
                allowed=f"up to {points}",
                next_step=f"--trials {points}, or more --points",
            )
        check_seeds(self.seeds, self.settings)
        check_cover(self.cover)

    @property
    def search_space(self) -> dict[str, Space]:
        """Knobs that are searched; one that is set in ``knobs`` is not."""
        space = dict(self.space) or regularizers.search_space(self.strategy)
        return {knob: each for knob, each in space.items() if knob not in dict(self.knobs)}

    def _check_space(self) -> None:
        """Refuse a space of a knob that the strategy does not have, or of values it refuses."""
        known = ["weight", *self.create(weight=0.0).knobs()]
        for knob, space in self.search_space.items():
            require_known(knob, known, f"strategy {self.strategy!r} has no knob {knob!r} to search")
            values = space.options if isinstance(space, Choice) else (space.low, space.high)
            if knob == "weight" and (not isinstance(space, LogUniform | Uniform) or space.low <= 0):
                raise UserError(
                    f"the space of λ (weight) was {space!r}",
                    allowed="numbers above 0, on a logarithmic (log) or even scale (uniform)",
                )
            if not isinstance(space, Choice) and not space.low < space.high:
                raise UserError(
                    f"the space of {knob} was {space!r}", allowed="a low end below the high end"
                )
            for value in values:
                drawn = {"weight": 0.0, knob: value if knob == "weight" else str(value)}
                regularizers.create(self.strategy, **{**dict(self.knobs), **drawn})

    def create(self, weight: float) -> regularizers.Strategy:
        """Return the strategy with one λ."""
        return regularizers.create(self.strategy, weight=weight, **dict(self.knobs))

    def settings_for(self, seed: int) -> TrainSettings:
        """Return the training settings of one seed."""
        return replace(self.settings, seed=seed)

    def cell(
        self,
        weight: float,
        seed: int,
        *,
        drawn: Mapping[str, Any] = MappingProxyType({}),
        trial: int | None = None,
    ) -> Cell:
        """Return one training: λ, seed, and the knobs that trial number ``trial`` has drawn."""
        return Cell(
            self.strategy,
            weight,
            (*self.knobs, *((knob, str(value)) for knob, value in drawn.items())),
            self.cover,
            self.settings_for(seed),
            self.objective,
            trial,
        )

    def identity(self, corpus: Corpus) -> dict[str, Any]:
        """Return everything that two runs of one study must share, as JSON values."""
        identity = {
            "corpus": corpus.fingerprint,
            "strategy": self.strategy,
            "search_space": {
                knob: _space_identity(space) for knob, space in self.search_space.items()
            },
            "cover": self.cover,
            "knobs": self.create(weight=0.0).knobs(),
            "seeds": list(self.seeds),
            "settings": self.settings.shared(),
            "objective": self.objective.identity(),
            "lexicons": lexicons.versions(),
        }
        if search := self.search.identity():  # absent from studies that search in the default way
            identity["search"] = search
        return dict(json.loads(json.dumps(identity)))

    def study_name(self, corpus: Corpus) -> str:
        """Return the given name, or one that differs whenever the identity does."""
        if self.name is not None:
            return self.name
        return name_from(self.strategy, corpus, self.identity(corpus))


def _space_identity(space: Space) -> dict[str, Any]:
    """Return a space as JSON values; the scale is named unless it is the default, logarithmic."""
    scale = {} if isinstance(space, LogUniform) else {"scale": type(space).__name__.lower()}
    return {**asdict(space), **scale}


def differences(ours: dict[str, Any], theirs: dict[str, Any], prefix: str = "") -> list[str]:
    """Name the settings in which two identities differ, as ``key: theirs → ours``."""
    found = []
    for key in sorted({*ours, *theirs}):
        a, b = ours.get(key), theirs.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key}: {_short(b)} → {_short(a)}")
    return found


def _short(value: Any) -> str:
    """Return the value as text, a long string (a fingerprint) by its beginning."""
    return f"{value[:12]}…" if isinstance(value, str) and len(value) > 16 else str(value)


_FORM = re.compile(r"(?P<name>[^\[\]@]+)(\[(?P<knobs>[^\[\]]*)\])?(@(?P<weight>.*))?")


@dataclass(frozen=True)
class Entry:
    """One strategy of a comparison."""

    strategy: str  # its name, or several joined with ``+``
    weight: float | None = None  # λ; None when it is tuned, or has none
    knobs: Knobs = ()  # its settings besides λ, as (name, value)

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Read ``projection``, ``projection@0.5`` or ``projection[pairs=all;direction=mean]@0.5``.

        Of several joined with ``+``, knobs and λ at the end alone are for all of them
        (``cds+hard[pairs=all]``); elsewhere each part has its own
        (``projection@0.5+pairwise[pairs=tune]@10``).

        Raises:
            UserError: The strategy or a knob is unknown, or λ is not a number above 0.
        """
        parts = [_Part.parse(part, text) for part in parts_named(text)]
        knobs = _knobs(parts)
        name, weight = SEPARATOR.join(part.name for part in parts), None
        own = [part for part in parts if part.weight is not None]
        if own == parts[-1:]:
            weight = weight_of(own[0].weight or "", text)
            if len(parts) == 1:
                check_weighs(regularizers.get(name), text)
        elif own:
            name, weight = SEPARATOR.join(part.weighted for part in parts), 1.0
        regularizers.create(name, **dict(knobs))
        return cls(name, weight, knobs)

    @property
    def label(self) -> str:
        """The strategy with its knobs, as tables name it."""
        return with_knobs(self.strategy, self.knobs)

    @property
    def tuned(self) -> bool:
        """Whether λ is to be searched."""
        return self.weight is None and bool(regularizers.search_space(self.strategy))


@dataclass(frozen=True)
class _Part:
    """One part of what an entry is written as."""

    name: str
    knobs: Knobs
    weight: str | None

    @property
    def weighted(self) -> str:
        """The name with its λ."""
        return self.name if self.weight is None else f"{self.name}@{self.weight}"

    @classmethod
    def parse(cls, text: str, whole: str) -> _Part:
        found = _FORM.fullmatch(text)
        if found is None:
            raise UserError(
                f"the strategy {whole!r} cannot be read",
                allowed="NAME, NAME@λ or NAME[knob=value;knob=value]@λ",
            )
        knobs = [each.partition("=") for each in (found["knobs"] or "").split(";") if each.strip()]
        stripped = tuple((knob.strip(), value.strip()) for knob, _, value in knobs)
        return cls(found["name"].strip(), stripped, found["weight"])


def _knobs(parts: Sequence[_Part]) -> Knobs:
    """Return the knobs of a strategy: those at the end alone are for every part that has them."""
    if not any(part.knobs for part in parts[:-1]):
        return parts[-1].knobs
    return tuple((f"{part.name}.{knob}", value) for part in parts for knob, value in part.knobs)


@dataclass(frozen=True)
class ComparisonPlan:
    """What is compared, on which seeds, and how λ is chosen where it is searched."""

    entries: tuple[Entry, ...]
    seeds: tuple[int, ...] = (1, 2, 3)
    cover: Cover = "all"
    settings: TrainSettings = field(default_factory=TrainSettings)
    objective: Objective = field(default_factory=Objective)
    trials: int = 8  # λs tried for each strategy that has one and is not given it
    tuning_seeds: tuple[int, ...] = (101, 102)  # λ is chosen on other seeds than are reported
    rule: SelectionRule = field(default_factory=SelectionRule)
    name: str | None = None
    controls: bool = True  # whether it adds the controls that it does not hold

    def __post_init__(self) -> None:
        if not self.entries:
            raise UserError(
                "no strategy was named", next_step="--strategies projection,pairwise,tying"
            )
        names = [entry.label for entry in self.entries]
        for entry in self.entries:
            if names.count(entry.label) > 1:
                raise UserError(
                    f"strategy {entry.label!r} is named twice", allowed="each strategy once"
                )
            if regularizers.create(entry.strategy).stage == "none":
                raise UserError(
                    f"{entry.strategy!r} is the baseline, which every comparison holds already",
                    allowed="strategies that do something",
                )
        check_cover(self.cover)
        check_seeds(self.seeds, self.settings)
        check_seeds(self.tuning_seeds, self.settings, "--tuning-seeds")
        if set(self.seeds) & set(self.tuning_seeds):
            raise UserError(
                "λ would be tuned on seeds that are reported",
                allowed="--tuning-seeds that are not among the --seeds",
            )
        if self.trials < 1:
            raise UserError(f"--trials must be at least 1, got {self.trials}")

    def study_name(self, corpus: Corpus) -> str:
        """Return the given name, or one that differs whenever anything that is compared does."""
        identity = {
            "corpus": corpus.fingerprint,
            "entries": [asdict(entry) for entry in self.entries],
            "seeds": self.seeds,
            "cover": self.cover,
            "settings": self.settings.shared(),
            "objective": self.objective.identity(),
            "tuning": [self.trials, self.tuning_seeds, self.rule.name],
            "lexicons": lexicons.versions(),
        }
        if self.name is not None:
            return self.name
        return name_from("compare", corpus, identity)

    def cell(self, entry: Entry, weight: float, seed: int) -> Cell:
        """Return one training of a strategy; λ = 0 is the baseline.

        Nothing is chosen by it: both readings of its bias stand side by side.
        """
        settings, objective = (
            replace(self.settings, seed=seed),
            replace(self.objective, ruler="own"),
        )
        return Cell(entry.strategy, weight, entry.knobs, self.cover, settings, objective)
