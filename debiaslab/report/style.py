"""The house style of figures: one palette that colour-blind readers can tell apart, quiet axes."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
