"""A line with a band about it: the mean over seeds, and what the seeds span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Series = Sequence[tuple[int, float]]  # (step, value)


@dataclass(frozen=True)
class Band:
    """One number of several trainings at the steps that all of them recorded.

    Attributes:
        steps: Words trained, or epochs.
        means: Mean over seeds at each.
        low: The lowest seed at each.
        high: The highest.
        seeds: How many trainings it is over.
    """

    steps: tuple[int, ...]
    means: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int

    @property
    def end(self) -> str:
        """The last mean, with the range over seeds where there are several."""
        last = f"{self.means[-1]:#.3g}"
        between = f" [{self.low[-1]:#.3g}, {self.high[-1]:#.3g}]"
        return last if self.seeds == 1 else last + between


def over_seeds(runs: Sequence[Series]) -> Band | None:
    """Return the mean and range of one number over seeds; None where no step is in all.

    Args:
        runs: The series of each seed; those that recorded nothing are left out.
    """
    recorded = [dict(points) for points in runs if points]
    shared = sorted(set.intersection(*map(set, recorded))) if recorded else []
    if not shared:
        return None
    columns = [[values[step] for values in recorded] for step in shared]
    return Band(
        tuple(shared),
        tuple(mean(values) for values in columns),
        tuple(min(values) for values in columns),
        tuple(max(values) for values in columns),
        len(recorded),
    )


def shade(
    axes: Axes, at: Sequence[float], low: Sequence[float], high: Sequence[float], color: str
) -> None:
    """Draw the band from the lowest to the highest seed."""
    axes.fill_between(at, low, high, color=color, alpha=0.18, linewidth=0)
