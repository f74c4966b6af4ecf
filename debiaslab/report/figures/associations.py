"""The figures of association tests: their size, and the words behind each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.report.data import AssociationSize
from debiaslab.report.style import BASELINE, REPORT, TUNE, figure, legend_above, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def scorecard_figure(sizes: Sequence[AssociationSize]) -> Figure:
    """Draw the size of each association, tune and report words, before (baseline) and after."""
    tests = list(dict.fromkeys(size.test for size in sizes))
    made = figure("Size of each association, baseline and run", 7.5, 1.6 + 0.55 * len(tests))
    axes = made.subplots()
    for half, color, marker, shift in (("tune", TUNE, "o", -0.16), ("report", REPORT, "s", 0.16)):
        own = [size for size in sizes if size.words == half]
        places = [tests.index(size.test) + shift for size in own]
        for place, size in zip(places, own, strict=True):
            if size.run is not None and size.baseline is not None:
                axes.plot([size.baseline, size.run], [place, place], color=color, linewidth=1)
        _dots(axes, places, [size.baseline for size in own], color, marker, half, hollow=True)
        _dots(axes, places, [size.run for size in own], color, marker, half, hollow=False)
    axes.axvline(1.0, color=BASELINE, linestyle="--", linewidth=1, label="95 % of random words")
    axes.set_yticks(range(len(tests)), [association_label(test) for test in tests])
    axes.set_ylim(len(tests) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("|s| ÷ 95 % quantile of |s| for random words in the baseline")
    plain(axes)
    legend_above(axes)
    return made


def association_label(test: str) -> str:
    """Return ``WEAT 6b`` for ``6b``; other names stay as they are."""
    return f"WEAT {test}" if test[:1].isdigit() else test


def _dots(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[float | None],
    color: str,
    marker: str,
    half: str,
    *,
    hollow: bool,
) -> None:
    points = [(x, y) for x, y in zip(values, places, strict=True) if x is not None]
    if not points:
        return
    axes.plot(
        *zip(*points, strict=True),
        linestyle="none",
        marker=marker,
        markersize=7,
        color=color,
        markerfacecolor="white" if hollow else color,
        label=f"{half} words, {'baseline' if hollow else 'this run'}",
        zorder=3,
    )
