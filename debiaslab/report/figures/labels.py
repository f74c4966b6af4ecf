"""Names beside points, each where it covers no other name and no point, if there is a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_SIZE = 8.0  # of the letters, in points
_MARK = 4.0  # half of a mark's width, in points
_FAR = 10.0  # points above which a thin line joins a name to its point
_SIDES = {1: "left", -1: "right", 0: "center"}
_UP = {1: "bottom", -1: "top"}
_PLACES = tuple(
    (side * 6.0, up * far, _SIDES[side], _UP[up])
    for far in (4.0, 14.0, 24.0, 34.0)
    for side in _SIDES
    for up in _UP
)  # as (right, up, alignment, alignment); the most readable first


def name_points(
    made: Figure,
    axes: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    others: Sequence[tuple[float, float]] = (),
) -> None:
    """Write a name beside each point.

    Args:
        made: The figure, of which all else is there: the place of the axes must be settled.
        axes: Axes of it, with limits that stay.
        points: In the data's coordinates.
        names: One for each.
        others: Points without a name, which names should not cover either.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.transforms import Bbox

    renderer = FigureCanvasAgg(made).get_renderer()
    made.draw_without_rendering()
    half = _MARK * made.dpi / 72
    taken = [
        Bbox.from_extents(x - half, y - half, x + half, y + half)
        for x, y in axes.transData.transform([*points, *others])
    ]
    frame = axes.get_window_extent(renderer)
    for point, name in zip(points, names, strict=True):
        text = axes.annotate(
            name,
            point,
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=_SIZE,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "#9a9a9a"},
        )
        text.set_in_layout(False)  # what was settled stays

        def lost(place: tuple[float, float, str, str], text: Annotation = text) -> float:
            box = _put(text, place, renderer)
            area = float(box.width * box.height)
            return area - _shared(box, frame) + sum(_shared(box, each) for each in taken)

        best = min(_PLACES, key=lost)  # the first of those that lose least
        taken.append(_put(text, best, renderer))


def _put(text: Annotation, place: tuple[float, float, str, str], renderer: RendererAgg) -> Bbox:
    """Put a name into one of the places; return the box of its letters, without the line."""
    from matplotlib.text import Text

    right, up, horizontal, vertical = place
    text.xyann = (right, up)
    text.set(horizontalalignment=horizontal, verticalalignment=vertical)
    if text.arrow_patch is not None:
        text.arrow_patch.set_visible(abs(up) > _FAR)
    text.update_positions(renderer)
    return Text.get_window_extent(text, renderer)


def _shared(a: Bbox, b: Bbox) -> float:
    """Return the area that two boxes share, in square pixels."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return float(max(width, 0.0) * max(height, 0.0))
