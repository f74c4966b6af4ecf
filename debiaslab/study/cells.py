"""Strategies side by side: which are compared, each with its λ, over the same seeds."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.regularizers import Cover
from debiaslab.regularizers.penalty import check_cover
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

        Raises:
            UserError: The strategy or a knob is unknown, or λ is not a number above 0.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise UserError(
                f"the strategy {text!r} cannot be read",
                allowed="NAME, NAME@λ or NAME[knob=value;knob=value]@λ",
            )
        parts = [part for part in (found["knobs"] or "").split(";") if part.strip()]
        knobs = tuple((k.strip(), v.strip()) for k, _, v in (part.partition("=") for part in parts))
        regularizers.create(found["name"], **dict(knobs))
        weight = None if found["weight"] is None else _weight(found["weight"], text)
        return cls(found["name"], weight, knobs)

    @property
    def label(self) -> str:
        """The strategy with its knobs, as tables name it."""
        knobs = ";".join(f"{name}={value}" for name, value in self.knobs)
        return f"{self.strategy}[{knobs}]" if knobs else self.strategy

    @property
    def tuned(self) -> bool:
        """Whether λ is to be searched."""
        return self.weight is None and bool(regularizers.search_space(self.strategy))


def _weight(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (math.isfinite(value) and value > 0):
        raise UserError(
            f"the λ of {whole!r} was {text!r}",
            allowed="a number above 0, as in projection@0.5",
        )
    return value


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
