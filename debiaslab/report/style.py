"""The house style of figures: one palette that colour-blind readers can tell apart, quiet axes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008), Color Universal Design.
TUNE = "#0072B2"
REPORT = "#D55E00"
TEXT = "#009E73"
SEVERAL = "#CC79A7"
BASELINE = "#6b6b6b"
INK = "#222222"
_DPI = 130


def figure(title: str, width: float, height: float) -> Figure:
    """Return an empty figure (inches) with a title at the left; no pyplot state is touched."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=_DPI, layout="constrained", facecolor="white")
    made.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    return made


def plain(axes: Axes) -> None:
    """Take away what is not data: two spines; a light grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#e3e3e3", linewidth=0.8)
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


def png(made: Figure) -> bytes:
    """Return the figure as PNG bytes."""
    buffer = io.BytesIO()
    made.savefig(buffer, format="png")
    return buffer.getvalue()
