"""Professions by their own lean and by their neighbours' (Gonen & Goldberg 2019, figure 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.figures.labels import name_points
from debiaslab.report.figures.spots import signed, tell
from debiaslab.report.style import BASELINE, INK, REPORT, TUNE, figure, plain
from debiaslab.report.word_data import NeighborScatter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 4  # professions a side that get their name


def neighbors_figure(sides: Sequence[NeighborScatter], note: str = "") -> Figure:
    """Draw the share of male-leaning neighbours against the profession's lean, before and after.

    Args:
        sides: Before and after, as ``neighbor_scatter`` returned them.
        note: Whose vectors these are.

    Raises:
        UserError: They were not measured.
    """
    if len(sides) != 2:
        raise UserError("the neighbours of professions were not measured: nothing to draw")
    first = sides[0]
    small = (
        f"{note} {len(first.words)} professions, {first.neighbors} neighbours each; bias and lean "
        "of the neighbours by the baseline. r with its 95 % bootstrap interval over professions."
    ).strip()
    made = figure(_title(sides), 9.0, 4.6, small)
    panels = made.subplots(1, 2, sharex=True, sharey=True)
    named = sorted(range(len(first.words)), key=lambda i: first.bias[i])
    for axes, name, color, side in zip(
        panels, ("before", "after"), (TUNE, REPORT), sides, strict=True
    ):
        axes.scatter(side.bias, side.shares, color=color, s=16, alpha=0.75)
        points = list(zip(side.bias, side.shares, strict=True))
        told = zip(side.words, side.bias, side.shares, strict=True)
        tell(
            axes,
            points,
            [f"{w.replace('_', ' ')}: lean {signed(b)}, {s:.0%} of neighbours" for w, b, s in told],
        )
        axes.margins(x=0.2)  # for names
        axes.axvline(0, color=BASELINE, linewidth=1)
        plain(axes)
        axes.set_title(f"{name}: r = {_r(side)}", fontsize=10, loc="left", color=INK)
        axes.set_xlabel("cos(w, he) − cos(w, she) in the baseline")
    panels[0].set_ylabel("share of neighbours that lean to he")
    ends = sorted({*named[:_NAMED], *named[-_NAMED:]})
    names = [first.words[i].replace("_", " ") for i in ends]
    for axes, side in zip(panels, sides, strict=True):
        points = list(zip(side.bias, side.shares, strict=True))
        name_points(made, axes, [points[i] for i in ends], names, others=points)
    return made


def _title(sides: Sequence[NeighborScatter]) -> str:
    before, after = sides
    if before.r is None or after.r is None:
        return "Professions and the lean of their neighbours"
    (low, high), (low2, high2) = before.interval, after.interval
    apart = (
        None not in (low, high, low2, high2) and (high2 < low or low2 > high)  # type: ignore[operator]
    )
    said = "" if apart else ": no difference beyond the spread of the professions"
    return f"A profession's lean shows in its neighbours: r {before.r:.2f} → {after.r:.2f}{said}"


def _r(side: NeighborScatter) -> str:
    if side.r is None:
        return "not measured"
    low, high = side.interval
    between = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return f"{side.r:.2f}{between}"
