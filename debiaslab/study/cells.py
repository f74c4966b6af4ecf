"""Strategies side by side: which are compared, each with its λ, over the same seeds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.regularizers import Cover
from debiaslab.regularizers.composition import SEPARATOR, check_weighs, parts_named, weight_of
from debiaslab.regularizers.words import check_cover
from debiaslab.sgns import TrainSettings
from debiaslab.study.objective import Objective
from debiaslab.study.selection import Composite, SelectionRule

_FORM = re.compile(r"(?P<name>[^\[\]@]+)(\[(?P<knobs>[^\[\]]*)\])?(@(?P<weight>.*))?")


@dataclass(frozen=True)
class Entry:
    """One strategy of a comparison.

    Attributes:
        strategy: Its name, or several joined with ``+``.
        weight: λ; None when it is tuned, or has none.
        knobs: Its settings besides λ, as (name, value).
    """

    strategy: str
    weight: float | None = None
    knobs: tuple[tuple[str, str], ...] = ()

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
        knobs = ";".join(f"{name}={value}" for name, value in self.knobs)
        return f"{self.strategy}[{knobs}]" if knobs else self.strategy

    @property
    def tuned(self) -> bool:
        """Whether λ is to be searched."""
        return self.weight is None and bool(regularizers.search_space(self.strategy))


@dataclass(frozen=True)
class _Part:
    """One part of what an entry is written as."""

    name: str
    knobs: tuple[tuple[str, str], ...]
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


def _knobs(parts: Sequence[_Part]) -> tuple[tuple[str, str], ...]:
    """Return the knobs of a strategy: those at the end alone are for every part that has them."""
    if not any(part.knobs for part in parts[:-1]):
        return parts[-1].knobs
    return tuple((f"{part.name}.{knob}", value) for part in parts for knob, value in part.knobs)


@dataclass(frozen=True)
class Cell:
    """One strategy at one λ: what a run of the comparison is given (see ``study.run.RunPlan``)."""

    strategy: str
    weight: float
    knobs: tuple[tuple[str, str], ...]
    cover: Cover
    settings: TrainSettings
    objective: Objective

    def create(self, weight: float) -> regularizers.Strategy:
        """Return the strategy with one λ."""
        return regularizers.create(self.strategy, weight=weight, **dict(self.knobs))

    def settings_for(self, seed: int) -> TrainSettings:
        """Return the training settings of one seed."""
        return replace(self.settings, seed=seed)


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
    rule: SelectionRule = field(default_factory=Composite)
    name: str | None = None
    controls: bool = True  # whether it adds the controls that it does not hold (study.controls)

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
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise UserError("a comparison needs one seed or more, each named once")
        if set(self.seeds) & set(self.tuning_seeds):
            raise UserError(
                "λ would be tuned on seeds that are reported",
                allowed="--tuning-seeds that are not among the --seeds",
            )
        for seed in (*self.seeds, *self.tuning_seeds):
            replace(self.settings, seed=seed)  # refuses what is no seed
        if self.trials < 1:
            raise UserError(f"--trials was {self.trials}", allowed="1 or more")

    def cell(self, entry: Entry, weight: float) -> Cell:
        """Return the runs of one strategy."""
        return Cell(entry.strategy, weight, entry.knobs, self.cover, self.settings, self.objective)
