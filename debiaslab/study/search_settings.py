"""How the search chooses what to try next, and what it is after."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from debiaslab.errors import UserError, nearest
from debiaslab.regularizers import Choice, Int, Space

Sampler = Literal["tpe", "gp", "nsga2", "grid", "qmc", "random"]
OBJECTIVES = (("score",), ("bias", "retention"))
MOST_POINTS = 1000  # of a grid on one knob


@dataclass(frozen=True)
class SearchSettings:
    """Settings of the search; whatever is not the default makes another study.

    Raises:
        UserError: A value is unknown, out of range, or two of them contradict each other.
    """

    sampler: Sampler = "tpe"
    objectives: tuple[str, ...] = ("score",)  # ("bias", "retention"): Pareto mode
    min_retention: float | None = None  # constraint on mean retention (tune); None: no constraint
    prune: float | None = None  # level of the test over seeds that ends a trial; None: never
    warm_start: bool = False  # trials start from the baseline's vectors of the same seed
    points: int = 9  # of the grid on each knob of numbers (sampler grid)

    def __post_init__(self) -> None:
        known = get_args(Sampler)
        if self.sampler not in known:
            raise UserError(
                f"--sampler was {self.sampler!r}",
                allowed=", ".join(known),
                nearest=nearest(str(self.sampler), known),
            )
        if self.objectives not in OBJECTIVES:
            raise UserError(
                f"--objectives was {','.join(self.objectives)!r}",
                allowed=" or ".join(",".join(names) for names in OBJECTIVES),
            )
        for name, low, high in (("min_retention", 0, 2), ("prune", 0, 1)):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and low < value < high):
                raise UserError(
                    f"--{name.replace('_', '-')} was {value!r}",
                    allowed=f"a number above {low} and below {high}",
                )
        if not 2 <= self.points <= MOST_POINTS:
            raise UserError(f"--points was {self.points}", allowed=f"from 2 to {MOST_POINTS:,}")
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

    def check_trials(self, trials: int, space: Mapping[str, Space]) -> None:
        """Refuse more trials than a grid has points.

        Raises:
            UserError: It has fewer.
        """
        size = math.prod(self.levels(each) for each in space.values())
        if self.sampler == "grid" and trials > size:
            raise UserError(
                f"--trials was {trials} and the grid has {size} points",
                allowed=f"up to {size}",
                next_step=f"--trials {size}, or more --points",
            )

    def levels(self, space: Space) -> int:
        """Return how many values a grid has of one knob."""
        if isinstance(space, Choice):
            return len(space.options)
        if isinstance(space, Int):
            return min(self.points, space.high - space.low + 1)
        return self.points
