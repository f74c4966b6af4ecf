"""Figures of a comparison: the bias–retention front, the heat map, what was seen and unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.comparison import (
    GROUPS,
    OUTCOMES,
    OVERLAP,
    Measure,
    MeasureSummary,
    compared,
    footnotes,
    front_volumes,
    group_of,
    headline,
    sentence,
    shown_measures,
)
from debiaslab.report.style import (
    BASELINE,
    INK,
    OTHER,
    REPORT,
    SEVERAL,
    TUNE,
    figure,
    legend_above,
    name_points,
    plain,
    tell,
)
from debiaslab.results import StrategyResult
from debiaslab.statistics.paired import Paired, front_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROOM = 1.4  # of an axis, in units of the largest mean
_BIAS_TUNE = Measure("outcome", "bias_tune", "tune", "lower", "bias, tune words")
_BIAS_REPORT, _RETENTION = OUTCOMES
_APART = 0.13  # of a row, between its middle and a point
_NAMED = 8  # points that can bear their names
_LOOKS = {"in": (TUNE, "o"), "post": (REPORT, "D"), "pre": (OTHER, "^"), "several": (SEVERAL, "v")}


def front_figure(sides: Sequence[StrategyResult]) -> Figure:
    """Draw bias against retention on report words, a point a strategy, intervals over seeds.

    The lines join, for penalties and for post-processing, the Pareto-optimal strategies of the
    kind; controls are hollow. Above eight, points bear numbers and a key names them.

    Raises:
        UserError: No strategy has both numbers.
    """
    points = _points(sides)
    if not points:
        raise UserError("no strategy has bias and retention measured on report words")
    numbered = len(points) > _NAMED
    note = (
        f"Bars: 95 % t intervals over {_seeds(sides)}. Hollow: controls. A line joins what no "
        "other of its kind beats in both. Bars may run out of the figure."
    )
    if numbered:
        names = (f"{number} {point.name}" for number, point in enumerate(points))
        note += f" Strategies: {'; '.join(names)}."
    made = figure(_front_title(sides, points), 8.0, 5.8 if numbered else 5.4, note)
    axes = made.subplots()
    for point in points:
        color, marker = _LOOKS.get(group_of(point.side) or "", (BASELINE, "s"))
        axes.errorbar(
            point.bias,
            point.retention,
            xerr=point.bias_half_width,
            yerr=point.retention_half_width,
            fmt=marker,
            color=color,
            markerfacecolor="white" if point.side.control else color,
            elinewidth=0.6,
            capsize=0,
            alpha=0.85,
        )
    for group in ("in", "post"):
        _draw_front(
            axes,
            group,
            [point for point in points if group_of(point.side) == group and point.ranked],
        )
    for group in ("pre", "several"):
        if any(group_of(point.side) == group for point in points):
            color, marker = _LOOKS[group]
            axes.plot([], [], marker, color=color, label=GROUPS[group])
    axes.axhline(1.0, color=BASELINE, linestyle="--", linewidth=1, label="baseline's similarity")
    axes.axvline(1.0, color=BASELINE, linestyle=":", linewidth=1, label="95 % of random words")
    plain(axes)
    axes.set_xlim(0, _ROOM * max(1.0, *(point.bias for point in points)))
    kept = [point.retention for point in points]
    room = min(0.2, max(0.03, max(1.0, *kept) - min(kept)))
    axes.set_ylim(min(kept) - room, max(1.0, *kept) + room)
    axes.set_xlabel("bias on report words (1 = 95 % of random words)")
    axes.set_ylabel("retention on report pairs")
    legend_above(axes)
    tell(axes, [(point.bias, point.retention) for point in points], list(map(_told, points)))
    name_points(
        made,
        axes,
        [(point.bias, point.retention) for point in points],
        [str(i) if numbered else point.name for i, point in enumerate(points)],
    )
    return made


def _draw_front(axes: Axes, group: str, own: Sequence[_Point]) -> None:
    if not own:
        return
    front = [own[i] for i in front_of([(point.bias, min(point.retention, 1.0)) for point in own])]
    color, marker = _LOOKS[group]
    axes.plot(
        [point.bias for point in front],
        [point.retention for point in front],
        color=color,
        marker=marker,
        linewidth=1.2,
        zorder=1,
        label=f"front of {GROUPS[group]}",
    )


def heat_map_figure(sides: Sequence[StrategyResult]) -> Figure:
    """Draw each headline measure relative to the baseline's, strategies in rows, ranks written in.

    A measure that the baseline lacks has no colour.

    Raises:
        UserError: Nothing was measured.
    """
    measures = [(measure, compared(sides, measure)) for measure in shown_measures(sides)]
    if not measures:
        raise UserError("no row has a measure to compare")
    made = figure(
        _ranks_title(sides, measures),
        2.6 + 0.95 * len(measures),
        1.9 + 0.38 * len(sides),
        _heat_map_note(sides, measures),
    )
    axes = made.subplots()
    gains = [
        [_gain(m, results[0], results[i]) for m, results in measures] for i in range(len(sides))
    ]
    axes.imshow(
        [[0.0 if gain is None else max(-1.0, min(1.0, gain)) for gain in row] for row in gains],
        cmap="PRGn",
        vmin=-1,
        vmax=1,
        aspect="auto",
    )
    for i, row in enumerate(gains):
        for j, gain in enumerate(row):
            result = measures[j][1][i]
            text = "–" if result.mean is None else f"{result.mean:.3g} {result.rank_text}"
            strong = gain is not None and abs(gain) > 0.7
            axes.text(
                j, i, text, ha="center", va="center", fontsize=8, color="white" if strong else INK
            )
    axes.set_xticks(range(len(measures)), [m.label for m, _ in measures], rotation=30, ha="right")
    axes.set_yticks(range(len(sides)), [side.label for side in sides])
    axes.tick_params(length=0, labelsize=9)
    axes.spines[:].set_visible(False)
    return made


def _heat_map_note(
    sides: Sequence[StrategyResult], measures: Sequence[tuple[Measure, tuple[MeasureSummary, ...]]]
) -> str:
    notes = [
        f"Mean over {_seeds(sides)} (rank among all rows; 1 is best).",
        "Colour: change relative to the baseline, green better, purple worse.",
    ]
    if bare := [each.label for each, results in measures if not _comparable(each, results[0])]:
        notes.append(
            f"Without colour, for the baseline has no number to hold them against: "
            f"{', '.join(bare)}."
        )
    return " ".join([*notes, *map(sentence, footnotes(sides))])


def gap_figure(sides: Sequence[StrategyResult]) -> Figure:
    """Draw bias on tune words over bias on report words, a pair of points a strategy."""
    tune, report = compared(sides, _BIAS_TUNE), compared(sides, _BIAS_REPORT)
    note = f"Bars: 95 % t intervals over {_seeds(sides)}; they may run out of the figure."
    made = figure(_gap_title(sides, tune, report), 8.0, 1.9 + 0.4 * len(sides), note)
    axes = made.subplots()
    for i, (seen, unseen) in enumerate(zip(tune, report, strict=True)):
        over, under = i - _APART, i + _APART  # the axis points down
        if seen.mean is not None and unseen.mean is not None:
            ends = [seen.mean, unseen.mean]
            axes.plot(ends, [over, under], color="#bbbbbb", linewidth=1.5, zorder=1)
        for result, at, color, marker in ((seen, over, TUNE, "o"), (unseen, under, REPORT, "s")):
            if result.mean is not None:
                axes.errorbar(
                    result.mean, at, xerr=result.half_width, fmt=marker, color=color, capsize=2
                )
        if lacking := _lacking(seen, unseen):
            axes.annotate(
                lacking, (0.01, i), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8,
                color=BASELINE,
            )  # fmt: skip
    axes.plot([], [], "o", color=TUNE, label="tune words")
    axes.plot([], [], "s", color=REPORT, label="report words")
    axes.axvline(1.0, color=BASELINE, linestyle=":", linewidth=1, label="95 % of random words")
    axes.set_yticks(range(len(sides)), [side.label for side in sides])
    axes.set_ylim(len(sides) - 0.5, -0.5)
    plain(axes)
    means = [each.mean for each in (*tune, *report) if each.mean is not None]
    axes.set_xlim(0, _ROOM * max(1.0, *means))
    axes.set_xlabel("bias (1 = 95 % of random words in the baseline)")
    legend_above(axes)
    return made


def _lacking(tune: MeasureSummary, report: MeasureSummary) -> str:
    """Say why a row is empty, or has one point: a text without gender words has no bias to read."""
    halves = {"tune": tune.mean, "report": report.mean}
    lacking = [half for half, found in halves.items() if found is None]
    return f"not measured on {' and '.join(lacking)} words" if lacking else ""


@dataclass(frozen=True)
class _Point:
    """One strategy in the plane of bias and retention, both on report words."""

    side: StrategyResult
    bias: float
    retention: float
    bias_half_width: float | None
    retention_half_width: float | None
    ranked: bool  # not of a single seed of several
    change: Paired | None  # of bias, to the baseline

    @property
    def name(self) -> str:
        """Label of the strategy, with how few seeds it rests on when that is a single one."""
        return self.side.label if self.ranked else f"{self.side.label} (n=1)"


def _told(point: _Point) -> str:
    halves = (point.bias_half_width, point.retention_half_width)
    bias, kept = ("" if half is None else f" ±{half:.3f}" for half in halves)
    return f"{point.name}: bias {point.bias:.3f}{bias}, retention {point.retention:.3f}{kept}"


def _points(sides: Sequence[StrategyResult]) -> list[_Point]:
    columns = zip(sides, compared(sides, _BIAS_REPORT), compared(sides, _RETENTION), strict=True)
    return [
        _Point(
            side,
            bias.mean,
            kept.mean,
            bias.half_width,
            kept.half_width,
            bias.rank is not None,
            bias.to_baseline,
        )
        for side, bias, kept in columns
        if bias.mean is not None and kept.mean is not None
    ]


def _front_title(sides: Sequence[StrategyResult], points: Sequence[_Point]) -> str:
    ratio = headline(front_volumes(sides))
    if ratio is not None:
        spread = "" if ratio.half_width is None else f" ± {ratio.half_width:.2f}"
        seeds = len(sides[0].cards)
        of = "" if ratio.n == seeds else f", {ratio.n} of {seeds} seeds"
        return f"Hypervolume, in-processing over post-processing: {ratio.mean:.2f}{spread}{of}"
    usable = [point for point in points if group_of(point.side) is not None and point.ranked]
    if not usable:
        return "Bias and retention"
    least = min(usable, key=lambda point: point.bias)
    return (
        f"Lowest bias on report words: {least.side.label}, {least.bias:.2f} at retention "
        f"{least.retention:.2f}{_beyond(least)}"
    )


def _beyond(point: _Point) -> str:
    """Say when the seeds cannot tell it from the baseline."""
    low, high = point.change.interval if point.change is not None else (None, None)
    if low is None or high is None:
        return " (one seed: may be chance)"
    return "" if not low <= 0 <= high else "; within the seed noise of the baseline"


def _ranks_title(
    sides: Sequence[StrategyResult], measures: Sequence[tuple[Measure, tuple[MeasureSummary, ...]]]
) -> str:
    """Say which strategy is first most often; baseline and controls have ranks, but no title."""
    firsts = {i: sum(results[i].rank == 1 for _, results in measures) for i in _strategies(sides)}
    if not firsts:
        return "Every measure of every row, with its rank"
    most = max(firsts.values())
    leaders = [sides[i].label for i, n in firsts.items() if n == most]
    who = leaders[0] if len(leaders) == 1 else f"{len(leaders)} strategies each"
    return (
        f"No strategy is best at everything: {who} first in {most} of {len(measures)} measures"
        if most < len(measures)
        else f"{who} is first in all {most} measures"
    )


def _gap_title(
    sides: Sequence[StrategyResult],
    tune: Sequence[MeasureSummary],
    report: Sequence[MeasureSummary],
) -> str:
    own = _strategies(sides)

    def fell(results: Sequence[MeasureSummary]) -> int:
        changes = [change for i in own if (change := results[i].to_baseline) is not None]
        return sum(each.interval[1] is not None and each.interval[1] < 0 for each in changes)

    return (
        f"Bias fell by more than seed noise for {fell(tune)} of {len(own)} strategies on "
        f"tune words, for {fell(report)} on report words"
    )


def _strategies(sides: Sequence[StrategyResult]) -> list[int]:
    """Return the places of the strategies: neither the baseline, which is first, nor controls."""
    return [i for i, side in enumerate(sides) if i > 0 and not side.control]


def _seeds(sides: Sequence[StrategyResult]) -> str:
    n = len(sides[0].cards)
    return "one seed" if n == 1 else f"{n} seeds"


def _comparable(measure: Measure, baseline: MeasureSummary) -> bool:
    """Whether the baseline has a number to compare with; its overlap is with another seed's."""
    return bool(baseline.mean) and measure.metric != OVERLAP


def _gain(measure: Measure, baseline: MeasureSummary, own: MeasureSummary) -> float | None:
    """Return the relative improvement on the baseline, 1 for a bias that is gone; None without."""
    if own.mean is None or baseline.mean is None or not _comparable(measure, baseline):
        return None
    change = (own.mean - baseline.mean) / abs(baseline.mean)
    return change if measure.better == "higher" else -change
