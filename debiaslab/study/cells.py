"""Strategies side by side: which are compared, each with its λ, over the same seeds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.regularizers import Cover
from debiaslab.regularizers.penalty import check_cover
from debiaslab.sgns import TrainSettings
from debiaslab.study.objective import Objective
from debiaslab.study.selection import Composite, SelectionRule

_AT = "@"


@dataclass(frozen=True)
class Entry:
    """One strategy of a comparison.

    Attributes:
        strategy: Its name, or several joined with ``+``.
        weight: λ; None when it is tuned, or has none.
    """

    strategy: str
    weight: float | None = None

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Read ``projection`` or ``projection@0.5``.

        Raises:
            UserError: The strategy is unknown, or λ is not a number above 0.
        """
        name, at, weight = text.strip().partition(_AT)
        regularizers.create(name)
        if not at:
            return cls(name)
        try:
            value = float(weight)
        except ValueError:
            value = 0.0
        if not value > 0:
            raise UserError(
                f"the λ of {text!r} was {weight!r}",
                allowed="a number above 0, as in projection@0.5",
            )
        return cls(name, value)

    @property
    def tuned(self) -> bool:
        """Whether λ is to be searched."""
        return self.weight is None and bool(regularizers.search_space(self.strategy))


@dataclass(frozen=True)
class Cell:
    """One strategy at one λ: what a run of the comparison is given (see ``study.run.RunPlan``)."""

    strategy: str
    weight: float
    cover: Cover
    settings: TrainSettings
    objective: Objective

    def create(self, weight: float) -> regularizers.Strategy:
        """Return the strategy with one λ."""
        return regularizers.create(self.strategy, weight=weight)

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
        names = [entry.strategy for entry in self.entries]
        for name in names:
            if names.count(name) > 1:
                raise UserError(f"strategy {name!r} is named twice", allowed="each strategy once")
            if regularizers.create(name).stage == "none":
                raise UserError(
                    f"{name!r} is the baseline, which every comparison holds already",
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
        return Cell(entry.strategy, weight, self.cover, self.settings, self.objective)
