"""The he–she axis: where each word of a list lies, before and after (Bolukbasi et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from debiaslab.errors import UserError
from debiaslab.metrics.bootstrap import RESAMPLES, Interval, bootstrap_mean
from debiaslab.report.figures.spots import signed, tell
from debiaslab.report.style import BASELINE, INK, REPORT, TUNE, figure, legend_above, plain
from debiaslab.report.word_data import Shift

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WORDS = 40
_COLORS = {"tune": TUNE, "report": REPORT}


def axis_figure(shifts: Sequence[Shift], what: str = "occupations", note: str = "") -> Figure:
    """Draw an arrow a word, from where it was on the he–she axis to where it is.

    The words that leaned most are drawn, at most ``MOST_WORDS``; the title is about all of them.

    Args:
        shifts: The words.
        what: What they are, for the title.
        note: Whose vectors these are.

    Raises:
        UserError: There are no words.
    """
    if not shifts:
        raise UserError(f"none of the {what} has a vector, so there is nothing to draw")
    leaning = sorted(shifts, key=lambda each: -abs(each.before))[:MOST_WORDS]
    drawn = sorted(leaning, key=lambda each: each.before)
    small = f"{note} {len(drawn)} of {len(shifts)} {what}, those that lean most before.".strip()
    made = figure(axis_title(shifts, what), 7.5, 1.7 + 0.2 * len(drawn), small)
    axes = made.subplots()
    for place, each in enumerate(drawn):
        color = _COLORS[each.half]
        axes.annotate(
            "",
            (each.after, place),
            (each.before, place),
            arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1.1, "shrinkB": 0},
        )
        axes.plot([each.before], [place], "o", color=color, markerfacecolor="white", markersize=4.5)
        axes.plot([each.after], [place], "o", color=color, markersize=3)
        word = each.word.replace("_", " ")
        told = f"{word} ({each.half} word): {signed(each.before)} → {signed(each.after)}"
        tell(axes, [(each.before, place), (each.after, place)], [told, told])
    for half, color in _COLORS.items():
        axes.plot([], [], color=color, linewidth=1.5, label=f"{half} words")
    axes.plot([], [], "o", color=INK, markerfacecolor="white", markersize=4.5, label="before")
    axes.axvline(0, color=BASELINE, linewidth=1)
    axes.set_yticks(range(len(drawn)), [each.word.replace("_", " ") for each in drawn])
    axes.set_ylim(-0.8, len(drawn) - 0.2)
    plain(axes)
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_xlabel("she  ←  cos(w, he) − cos(w, she)  →  he")
    legend_above(axes)
    return made


def axis_title(shifts: Sequence[Shift], what: str) -> str:
    """Say how the mean lean changed, and whether that is more than the words differ."""
    before = np.abs([each.before for each in shifts])
    after = np.abs([each.after for each in shifts])
    return (
        f"Mean size of the lean of {len(shifts)} {what}: {before.mean():.3f} → {after.mean():.3f}"
        f"{changed_by(bootstrap_mean(after - before, RESAMPLES, 0))}"
    )


def changed_by(interval: Interval) -> str:
    """Return the interval of a change in words; the words are what was resampled."""
    low, high = interval
    if low is None or high is None:
        return ""
    shown = f"[{low:+.3f}, {high:+.3f}]".replace("-", "−")
    if low <= 0 <= high:
        return f", no change beyond the spread of the words ({shown})"
    return f" (change {shown} over words)"
