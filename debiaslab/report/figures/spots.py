"""What each point of a figure is, for a page that tells it to whoever points at the point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARK = "debiaslab.spot"


class Spot(NamedTuple):
    """A point of a picture, in parts of its size from the upper left corner."""

    x: float
    y: float
    text: str


def tell(axes: Axes, points: Sequence[tuple[float, float]], texts: Sequence[str]) -> None:
    """Keep what the points are. Nothing of it is drawn, nor does it take room.

    Args:
        axes: Where the points are.
        points: In the data's coordinates.
        texts: What each is.
    """
    for (x, y), text in zip(points, texts, strict=True):
        axes.text(x, y, text, visible=False, gid=_MARK, parse_math=False)


def spots_of(made: Figure) -> tuple[Spot, ...]:
    """Return the points of a figure that has been drawn; those outside of the axes are left out."""
    width, height = made.bbox.width, made.bbox.height
    found = []
    for axes in made.axes:
        for text in axes.texts:
            if text.get_gid() != _MARK:
                continue
            x, y = axes.transData.transform(text.get_position())
            if axes.bbox.contains(x, y):
                found.append(Spot(round(x / width, 4), round(1 - y / height, 4), text.get_text()))
    return tuple(found)


def signed(value: float) -> str:
    """Return a number with its sign, three decimals."""
    return f"{value:+.3f}".replace("-", "−")


def between(mean: float, low: float, high: float) -> str:
    """Return a number with its range, or alone where the range is nothing."""
    return f"{mean:.3f}" if low == high else f"{mean:.3f} [{low:.3f}, {high:.3f}]"
