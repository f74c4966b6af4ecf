"""The figure of the planted-bias control: one panel a metric, the dose from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.report.planted import Followed, PlantedStudy, Point, followed
from debiaslab.report.style import BASELINE, INK, REPORT, TUNE, figure, plain
from debiaslab.statistics.paired import FEW_SEEDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_BAND = "#dcdcdc"
FOLLOWED = 0.9  # ρ from which the title counts a metric as following


def planted_figure(study: PlantedStudy) -> Figure:
    """Draw each metric against the dose: chosen words, control words, and random words as a band.

    Thin lines are the seeds; intervals are 95 % t intervals over them, drawn with 3 seeds or more
    (with 2 they are 9 standard deviations a side). Metrics no run measured are left out.
    """
    shown = [each for each in followed(study) if any(p.mean is not None for p in each.planted)]
    rows = -(-len(shown) // _COLUMNS)
    made = figure(_title(shown), 11.0, 0.9 + 2.3 * rows)
    panels = made.subplots(max(rows, 1), _COLUMNS, sharex=True, squeeze=False)
    for axes, each in zip(panels.flat, shown, strict=False):
        _panel(axes, each)
    for axes in panels.flat[len(shown) :]:
        axes.set_visible(False)
    what = "dose of every other word" if study.apart else "dose (female ← 0 → male)"
    for axes in panels[-1]:
        axes.set_xlabel(what)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False, fontsize=9)
    return made


def _panel(axes: Axes, each: Followed) -> None:
    banded = [p for p in each.planted if p.null_low is not None and p.null_high is not None]
    axes.fill_between(
        [p.dose for p in banded],
        [p.null_low for p in banded if p.null_low is not None],
        [p.null_high for p in banded if p.null_high is not None],
        color=_BAND,
        linewidth=0,
        label="random words, middle 95 %",
    )
    _series(axes, each.control, REPORT, "s", "control words, no dose", 0.02)
    _series(axes, each.planted, TUNE, "o", "chosen words, planted", -0.02)
    plain(axes)
    axes.axvline(0, color=BASELINE, linestyle=":", linewidth=1, zorder=1)
    axes.set_title(each.metric.label, fontsize=10, loc="left", color=INK)
    if each.metric.follows == "nothing":
        axes.set_title("cancels what is planted", fontsize=8, loc="right", color=BASELINE)
    elif each.rho is not None:
        what = "ρ" if each.metric.follows == "dose" else "ρ with |dose|"
        axes.set_title(f"{what} {each.rho:+.2f}", fontsize=8, loc="right", color=BASELINE)


def _series(
    axes: Axes, points: Sequence[Point], color: str, marker: str, label: str, aside: float
) -> None:
    for values in zip(*(p.values for p in points), strict=True):
        one = [(p.dose, v) for p, v in zip(points, values, strict=True) if v is not None]
        axes.plot([d for d, _ in one], [v for _, v in one], color=color, linewidth=0.7, alpha=0.35)
    found = [(p.dose + aside, p.mean, _bar(p)) for p in points if p.mean is not None]
    axes.errorbar(
        [dose for dose, _, _ in found],
        [mean for _, mean, _ in found],
        yerr=[half for _, _, half in found],
        color=color,
        marker=marker,
        markersize=4,
        linewidth=1.4,
        elinewidth=1,
        capsize=2,
        label=label,
    )


def _bar(point: Point) -> float:
    return 0.0 if point.n < FEW_SEEDS or point.half_width is None else point.half_width


def _title(shown: Sequence[Followed]) -> str:
    signed = [each for each in shown if each.metric.follows == "dose"]
    good = sum(each.rho is not None and each.rho >= FOLLOWED for each in signed)
    return f"{good} of {len(signed)} signed metrics follow the planted dose (ρ ≥ {FOLLOWED:g})"
