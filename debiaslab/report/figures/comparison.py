"""Figures of a comparison: the bias–retention front, the heat map, what was seen and unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from debiaslab.errors import UserError
from debiaslab.report.comparison import (
    ANCHORED,
    BY_OWN_RULER,
    GROUPS,
    OUTCOMES,
    OVERLAP,
    Measure,
    MeasureSummary,
    OverSeeds,
    compared,
    footnotes,
    front_volumes,
    group_of,
    headline,
    headline_measures,
    sentence,
    verdicts_against,
)
from debiaslab.report.style import (
    BASELINE,
    INK,
    OTHER,
    REPORT,
    SEVERAL,
    TUNE,
    figure,
    figure_of,
    legend_above,
    name_points,
    plain,
    tell,
)
from debiaslab.results import StrategyResult
from debiaslab.results.runs import ANOTHER_SEED
from debiaslab.statistics.paired import front_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROOM = 1.4  # of an axis, in units of the largest mean
_BIAS_TUNE = Measure("outcome", "bias_tune", "tune", "lower", "bias, tune words")
_BIAS_REPORT, _RETENTION = OUTCOMES
_APART = 0.13  # of a row, between its middle and a point
_NAMED = 8  # points that can bear their names
_WITH_FRONT = ("in", "post")
_LOOKS = {"in": (TUNE, "o"), "post": (REPORT, "D"), "pre": (OTHER, "^"), "several": (SEVERAL, "v")}


@figure_of("comparison", "front")
def front_figure(sides: Sequence[StrategyResult]) -> Figure:
    """Bias on report words against retention, a point a strategy with its intervals over seeds.
    A line joins the Pareto-optimal strategies of a kind (penalties, or post-processing);
    controls are hollow.

    Above eight, points bear numbers and a key names them.
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
        color, marker = _LOOKS.get(point.group or "", (BASELINE, "s"))
        axes.errorbar(
            *point.at,
            xerr=point.bias.half_width,
            yerr=point.kept.half_width,
            fmt=marker,
            color=color,
            markerfacecolor="white" if point.side.control else color,
            elinewidth=0.6,
            capsize=0,
            alpha=0.85,
        )
    _draw_groups(axes, points)
    axes.axhline(1.0, color=BASELINE, linestyle="--", linewidth=1, label="baseline's similarity")
    axes.axvline(1.0, color=BASELINE, linestyle=":", linewidth=1, label="95 % of random words")
    plain(axes)
    biases, kept = zip(*(point.at for point in points), strict=True)
    axes.set_xlim(0, _ROOM * max(1.0, *biases))
    room = min(0.2, max(0.03, max(1.0, *kept) - min(kept)))
    axes.set_ylim(min(kept) - room, max(1.0, *kept) + room)
    axes.set_xlabel("bias on report words (1 = 95 % of random words)")
    axes.set_ylabel("retention on report pairs")
    legend_above(axes)
    places = [point.at for point in points]
    tell(axes, places, [point.told for point in points])
    names_shown = [str(i) if numbered else point.name for i, point in enumerate(points)]
    name_points(made, axes, places, names_shown)
    return made


def _draw_groups(axes: Axes, points: Sequence[_Point]) -> None:
    """Draw the fronts of in- and post-processing, and name the other kinds in the legend."""
    for group, (color, marker) in _LOOKS.items():
        own = [point for point in points if point.group == group]
        if group in _WITH_FRONT:
            ranked = [point.at for point in own if point.ranked]
            if ranked:
                best = front_of([(bias, min(kept, 1.0)) for bias, kept in ranked])
                axes.plot(
                    *zip(*(ranked[i] for i in best), strict=True),
                    color=color,
                    marker=marker,
                    linewidth=1.2,
                    zorder=1,
                    label=f"front of {GROUPS[group]}",
                )
        elif own:
            axes.plot([], [], marker, color=color, label=GROUPS[group])


@figure_of("comparison", "heat-map")
def heat_map_figure(sides: Sequence[StrategyResult]) -> Figure:
    """Every measure (columns) of every strategy (rows) with its rank; the colour is the change
    relative to the baseline.
    """
    measures = headline_measures(sides)
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
        [_gain(measure, own[0], own[i]) for measure, own in measures.items()]
        for i in range(len(sides))
    ]
    axes.imshow(
        [[0.0 if gain is None else max(-1.0, min(1.0, gain)) for gain in row] for row in gains],
        cmap="PRGn",
        vmin=-1,
        vmax=1,
        aspect="auto",
    )
    for i, row in enumerate(gains):
        for j, (results, gain) in enumerate(zip(measures.values(), row, strict=True)):
            result = results[i]
            text = "–" if result.mean is None else f"{result.mean:.3g} {result.rank_text}"
            strong = gain is not None and abs(gain) > 0.7
            axes.text(
                j, i, text, ha="center", va="center", fontsize=8, color="white" if strong else INK
            )
    axes.set_xticks(
        range(len(measures)), [each.label for each in measures], rotation=30, ha="right"
    )
    axes.set_yticks(range(len(sides)), [side.label for side in sides])
    axes.tick_params(length=0, labelsize=9)
    axes.spines[:].set_visible(False)
    return made


def _heat_map_note(
    sides: Sequence[StrategyResult], measures: Mapping[Measure, Sequence[MeasureSummary]]
) -> str:
    notes = [
        f"Mean over {_seeds(sides)} (1 + strategies that are better by a corrected paired test).",
        "Colour: change relative to the baseline, green better, purple worse.",
    ]
    if bare := [
        each.label for each, results in measures.items() if not _comparable(each, results[0])
    ]:
        notes.append(
            f"Without colour, for the baseline has no number to hold them against: "
            f"{', '.join(bare)}."
        )
    return " ".join([*notes, *map(sentence, footnotes(sides))])


@figure_of("comparison", "gap")
def gap_figure(sides: Sequence[StrategyResult]) -> Figure:
    """Bias on tune words, which λ was chosen on, and on report words, for each strategy."""
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


@figure_of("comparison", "rulers")
def rulers_figure(sides: Sequence[StrategyResult]) -> Figure:
    """Bias on report words along the gender words of the same vectors, and along those of the
    baseline (anchored), a point a strategy: above the diagonal, the ruler bent more than the words
    moved. A cross is the control, another seed of the baseline.
    """
    own, along = (compared(sides, measure) for measure in (BY_OWN_RULER, ANCHORED))
    known = [
        (side.label, (a.mean, b.mean), side.control)
        for side, a, b in zip(sides, own, along, strict=True)
        if a.mean is not None and b.mean is not None
    ]
    if len(known) < 2:
        raise UserError("no strategy has both readings of its bias")
    control = _another_seed(sides[0])
    places = [at for _, at, _ in known] + ([] if control is None else [control])
    names = [name for name, _, _ in known] + ([] if control is None else ["another seed"])
    note = f"Means over {_seeds(sides)}. Hollow: controls. Dashed: both rulers alike."
    made = figure(_rulers_title(sides, own, along), 7.0, 6.0, note)
    axes = made.subplots()
    for _, at, hollow in known:
        axes.plot(*at, "o", color=TUNE, markerfacecolor="white" if hollow else TUNE)
    if control is not None:
        axes.plot(*control, "x", color=REPORT, markersize=9)
    end = 1.1 * max(max(at) for at in places)
    axes.plot([0, end], [0, end], color=BASELINE, linestyle="--", linewidth=1, zorder=1)
    axes.set_xlim(0, end)
    axes.set_ylim(0, end)
    plain(axes)
    axes.set_xlabel("bias on report words, own ruler (1 = 95 % of random words)")
    axes.set_ylabel("the same, anchored")
    told = (f"{n}: own {x:.2f}, anchored {y:.2f}" for n, (x, y) in zip(names, places, strict=True))
    tell(axes, places, list(told))
    name_points(made, axes, places, names)
    return made


def _another_seed(baseline: StrategyResult) -> tuple[float, float] | None:
    """Return both readings of the baselines, each held against that of the next seed."""
    found = [
        OverSeeds(tuple((each or {}).get(f"{ANOTHER_SEED}{m.name}") for each in baseline.outcomes))
        for m in (BY_OWN_RULER, ANCHORED)
    ]
    own, along = (each.mean for each in found)
    return None if own is None or along is None else (own, along)


def _rulers_title(
    sides: Sequence[StrategyResult],
    own: Sequence[MeasureSummary],
    along: Sequence[MeasureSummary],
) -> str:
    places = [i for i in _strategies(sides) if own[i].n and along[i].n]
    above = sum((along[i].mean or 0) > (own[i].mean or 0) for i in places)
    return (
        f"{above} of {len(places)} strategies show more bias along the baseline's gender words "
        "than along their own"
    )


def _lacking(tune: MeasureSummary, report: MeasureSummary) -> str:
    """Say why a row is empty, or has one point: a text without gender words has no bias to read."""
    halves = {"tune": tune.mean, "report": report.mean}
    lacking = [half for half, found in halves.items() if found is None]
    return f"not measured on {' and '.join(lacking)} words" if lacking else ""


class _Point(NamedTuple):
    """One strategy in the plane of bias and retention, both on report words."""

    side: StrategyResult
    bias: MeasureSummary
    kept: MeasureSummary
    at: tuple[float, float]  # the means

    @property
    def group(self) -> str | None:
        """The kind of the strategy; None for the baseline and for controls."""
        return group_of(self.side)

    @property
    def ranked(self) -> bool:
        """Whether it does not rest on a single seed of several."""
        return self.bias.n > 1 or self.bias.seeds == 1

    @property
    def name(self) -> str:
        """Label of the strategy, with how few seeds it rests on when that is a single one."""
        return self.side.label if self.ranked else f"{self.side.label} (n=1)"

    @property
    def told(self) -> str:
        """What the page says of the point."""
        return f"{self.name}: bias {self.bias.text()}, retention {self.kept.text()}"


def _points(sides: Sequence[StrategyResult]) -> list[_Point]:
    columns = zip(sides, compared(sides, _BIAS_REPORT), compared(sides, _RETENTION), strict=True)
    return [
        _Point(side, bias, kept, (bias.mean, kept.mean))
        for side, bias, kept in columns
        if bias.mean is not None and kept.mean is not None
    ]


def _front_title(sides: Sequence[StrategyResult], points: Sequence[_Point]) -> str:
    ratio = headline(front_volumes(sides))
    if ratio is not None:
        of = f", {ratio.n} of {ratio.seeds} seeds" * (ratio.n < ratio.seeds)
        return f"Hypervolume, in-processing over post-processing: {ratio.text('.2f')}{of}"
    usable = [point for point in points if point.group is not None and point.ranked]
    if not usable:
        return "Bias and retention"
    least = min(usable, key=lambda point: point.at)
    bias, kept = least.at
    return (
        f"Lowest bias on report words: {least.side.label}, {bias:.2f} at retention "
        f"{kept:.2f}{_beyond(sides, least)}"
    )


def _beyond(sides: Sequence[StrategyResult], point: _Point) -> str:
    """Say when the seeds cannot tell it from the baseline."""
    found = verdicts_against(sides)[sides.index(point.side)].get(_BIAS_REPORT)
    if found is None or found.pair.n == 1:
        return " (one seed: may be chance)"
    return {
        "lower": "",
        "higher": "; higher than the baseline",
        "equivalent": "; equivalent to the baseline",
        "cannot tell": "; the seeds cannot tell it from the baseline",
        "nothing to measure": "; the baseline does not exceed random words",
    }[found.word]


def _ranks_title(
    sides: Sequence[StrategyResult], measures: Mapping[Measure, Sequence[MeasureSummary]]
) -> str:
    """Say which strategies are best by more than their seeds leave uncertain."""
    best = Counter(
        sides[i].label for results in measures.values() for i, own in enumerate(results) if own.best
    )
    if not best:
        return "No measure tells the best strategy from all others"
    told = ", ".join(f"{label} in {n}" for label, n in best.most_common(3))
    return f"Better than every other strategy, of {len(measures)} measures: {told}"


def _gap_title(
    sides: Sequence[StrategyResult],
    tune: Sequence[MeasureSummary],
    report: Sequence[MeasureSummary],
) -> str:
    found = verdicts_against(sides, measures={_BIAS_TUNE: tune, _BIAS_REPORT: report})
    own = [found[i] for i in _strategies(sides)]

    def lower(measure: Measure) -> int:
        return sum(measure in each and each[measure].word == "lower" for each in own)

    return (
        f"Bias is lower than the baseline's for {lower(_BIAS_TUNE)} of {len(own)} strategies on "
        f"tune words, for {lower(_BIAS_REPORT)} on report words"
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
