"""How figures look (colours, legends, names beside points), and how a report finds them."""

from __future__ import annotations

import inspect
import io
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec

from debiaslab.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox


# Okabe & Ito (2008), Color Universal Design.
TUNE = "#0072B2"
REPORT = "#D55E00"
BASELINE = "#6b6b6b"
INK = "#222222"
MALE = "#0072B2"
FEMALE = "#CC79A7"
OTHER = "#009E73"
GRID = "#e3e3e3"
SEVERAL = "#CC79A7"
_DPI = 130
_TITLE_LETTERS = 10.3  # of a title, to an inch
_NOTE_LETTERS = 16.0


def house_style() -> dict[str, object]:
    """Return the look of these figures as settings of matplotlib, for figures of one's own.

    Examples:
        >>> import matplotlib.pyplot as plt
        >>> plt.rcParams.update(house_style())
    """
    from cycler import cycler

    return {
        "axes.prop_cycle": cycler(color=[TUNE, REPORT, OTHER, FEMALE, "#E69F00", "#56B4E9"]),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "axes.titlelocation": "left",
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "axes.titlecolor": INK,
        "axes.labelcolor": INK,
        "figure.titlesize": 11,
        "figure.titleweight": "bold",
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "legend.frameon": False,
        "legend.fontsize": 9,
    }


def figure(title: str, width: float, height: float, note: str = "") -> Figure:
    """Return an empty figure (inches) with a title at the left; no pyplot state is touched.

    Args:
        title: The finding; wrapped to the width.
        width: Inches.
        height: Inches.
        note: Small print below the axes: what is drawn, n, seeds.
    """
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=_DPI, layout="constrained", facecolor="white")
    wrapped = textwrap.fill(title, int(width * _TITLE_LETTERS))
    made.suptitle(wrapped, x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    if note:
        small = textwrap.fill(note, int(width * _NOTE_LETTERS))
        made.supxlabel(small, x=0.01, ha="left", fontsize=8, color=BASELINE)
    return made


def plain(axes: Axes) -> None:
    """Take away what is not data: two spines; a light grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_fontsize(10)
        axis.label.set_color(INK)


def legend_above(axes: Axes, columns: int = 3) -> None:
    """Put the legend over the axes, where it covers no data."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=9,
        borderaxespad=0.2,
        handletextpad=0.5,
        columnspacing=1.4,
    )


def panel_name(axes: Axes, name: str) -> None:
    """Write the name of a panel into its upper right corner."""
    axes.text(
        0.99, 0.985, name, transform=axes.transAxes, ha="right", va="top", fontsize=10, color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
    )  # fmt: skip


def png(made: Figure) -> bytes:
    """Return the figure as PNG bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(made).print_png(buffer)  # the bytes of savefig, which draws twice
    return buffer.getvalue()


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


# Figures of a report --------------------------------------------------------------------------

_P = ParamSpec("_P")


@dataclass(frozen=True)
class Drawing:
    """A figure as a report holds it.

    Attributes:
        name: Short, for a file name and an anchor.
        title: What the figure states; also written in it.
        description: What is to be seen, for those who cannot see it and as its caption.
        png: The picture.
        spots: What its points are, told by the page to whoever points at one.
    """

    name: str
    title: str
    description: str
    png: bytes
    spots: tuple[Spot, ...] = ()


class _Registered(NamedTuple):
    """A figure that reports of one kind have."""

    name: str
    draw: Callable[..., Figure]
    measure: Callable[..., Any] | None


_FIGURES: dict[str, list[_Registered]] = {}


def figure_of(
    kind: str, name: str, measure: Callable[..., Any] | None = None
) -> Callable[[Callable[_P, Figure]], Callable[_P, Figure]]:
    """Register a function that draws a figure for the reports of one kind.

    The first paragraph of its docstring says what is to be seen: it is the figure's caption.

    Args:
        kind: What :func:`drawings` calls its subject: ``sweep``, ``comparison``, ….
        name: Short, for a file name and an anchor.
        measure: Returns what is drawn from the subject; None: it is the subject.
    """

    def register(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
        _FIGURES.setdefault(kind, []).append(_Registered(name, draw, measure))
        return draw

    return register


def drawings(kind: str, *subject: Any, note: str = "", **said: str) -> Iterator[Drawing]:
    """Yield the figures of one kind, in the order of their registration.

    What cannot be drawn is left out: a small text lacks the words, and the tables say which.

    Args:
        kind: As in :func:`figure_of`.
        subject: What they are of.
        note: Whose vectors these are, for the small print of figures that say so.
        said: What stands for ``{name}`` in a caption.
    """
    for each in _FIGURES[kind]:
        try:
            drawn = subject if each.measure is None else (each.measure(*subject),)
            made = each.draw(*drawn, **({"note": note} if note else {}))
        except UserError:
            continue
        title = made.get_suptitle().replace("\n", " ")
        picture = png(made)  # which places the axes
        yield Drawing(each.name, title, _caption(each.draw).format(**said), picture, spots_of(made))


def _caption(draw: Callable[..., Figure]) -> str:
    return " ".join((inspect.getdoc(draw) or "").partition("\n\n")[0].split())


# Names beside points --------------------------------------------------------------------------

_SIZE = 8.0  # of the letters, in points
_HALF_MARK = 4.0  # half of a mark's width, in points
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
    half = _HALF_MARK * made.dpi / 72
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
