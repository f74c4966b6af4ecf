"""Figures of a sweep: bias and retention against λ, their front, and each seed by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.figures.runs import shade
from debiaslab.report.style import (
    BASELINE,
    INK,
    REPORT,
    TUNE,
    between,
    figure,
    legend_above,
    plain,
    tell,
)
from debiaslab.report.verdict import headline
from debiaslab.results import Spread, TrialRow, TrialSummary, summarize
from debiaslab.statistics.paired import front_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_Drawn = tuple[Spread, Spread, TrialSummary]  # retention, bias, and the trial
BIAS_LABEL = "bias\n(1 = 95 % of random words)"


_Look = tuple[str, str, str, str]  # what is drawn, its colour and marker, its name


def sweep_figure(rows: Sequence[TrialRow]) -> Figure:
    """Draw bias (tune and report words) and retention against λ.

    Points are seeds; a line joins the means of trials, its band spans the seeds. The dashed line
    is the baseline's mean, its band the range over seeds.

    Raises:
        UserError: There is no run with λ above 0.
    """
    summaries, trials = _trials(rows)
    made = figure(headline(rows), 8.0, 6.2, _note(rows, len(trials)))
    upper, lower = made.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    for name, color, marker in (("bias_tune", TUNE, "o"), ("bias_report", REPORT, "s")):
        label = f"{name.removeprefix('bias_')} words"
        _series(upper, rows, trials, (name, color, marker, label))
        _band(upper, summaries, name, color, f"baseline, {label}")
    _series(lower, rows, trials, ("retention", TUNE, "o", "tune pairs"))
    _series(lower, rows, trials, ("retention_report", REPORT, "s", "report pairs"))
    lower.axhline(1.0, color=BASELINE, linestyle="--", linewidth=1, label="baseline")
    best = next((each for each in trials if each.best), None)
    for axes in (upper, lower):
        axes.set_xscale("log")
        plain(axes)
        if best is not None:
            axes.axvline(best.weight, color=INK, linestyle=":", linewidth=1.2, label="best trial")
        legend_above(axes, columns=5)
    upper.set_ylabel(BIAS_LABEL)
    upper.set_ylim(bottom=0)
    lower.set_ylabel("retention of utility\n(1 = baseline)")
    lower.set_xlabel("λ, weight of the penalty (log scale)")
    return made


def tradeoff_figure(rows: Sequence[TrialRow]) -> Figure:
    """Draw bias against retention, trial by trial: of the report half where it was measured.

    The line joins the Pareto-optimal trials (by their means); bars
    span the seeds. There are no controls: a sweep trains none, a comparison does.

    Raises:
        UserError: There is no run with λ above 0.
    """
    summaries, trials = _trials(rows)
    reported = any(each.bias_report and each.retention_report for each in summaries)
    words = "report" if reported else "tune"
    drawn = [
        (kept, bias, each)
        for each in trials
        if (kept := _retention(each, reported)) and (bias := _bias(each, reported))
    ]
    front = pareto_front([(bias.mean, kept.mean) for kept, bias, _ in drawn])
    note = f"{_note(rows, len(trials))} Controls are trained by the command compare, not here."
    made = figure(_front_title(drawn, front), 8.0, 5.2, note)
    axes = made.subplots()
    for kept, bias, each in drawn:
        _range(axes, kept, bias)
        _tell(axes, f"λ = {each.weight:.3g} (trial {each.trial})", kept, bias)
    axes.plot([kept for _, kept in front], [bias for bias, _ in front], color=INK, linewidth=1,
              zorder=2, label="front: none better in both")  # fmt: skip
    points = axes.scatter(
        [kept.mean for kept, _, _ in drawn],
        [bias.mean for _, bias, _ in drawn],
        c=[math.log10(each.weight) for _, _, each in drawn],
        cmap="cividis",
        s=55,
        edgecolors=INK,
        linewidths=0.6,
        label="trial (mean over seeds)",
        zorder=3,
    )
    _mark_best(axes, drawn)
    _mark_baseline(axes, summaries, reported)
    plain(axes)
    legend_above(axes, columns=2)
    axes.set_xlabel(f"retention of utility on {words} pairs (1 = baseline)")
    axes.set_ylabel(f"bias on {words} words\n(1 = 95 % of random words)")
    axes.margins(x=0.08, y=0.12)
    axes.set_ylim(bottom=0)
    if drawn:
        made.colorbar(points, ax=axes, label="log₁₀ λ")
    return made


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the Pareto-optimal points (less bias, more retention) by rising bias.

    Args:
        points: ``(bias, retention)``.
    """
    return [points[i] for i in front_of(points)]


def _front_title(drawn: Sequence[_Drawn], front: Sequence[tuple[float, float]]) -> str:
    if not drawn:
        return "No trial has both bias and retention measured"
    best = next(((bias.mean, kept.mean) for kept, bias, each in drawn if each.best), None)
    where = "" if best is None else ", the selected one among them" * (best in front)
    if best is not None and best not in front:
        where = "; the selected one is not (it was selected on tune words, by the score)"
    several = "are" if len(front) > 1 else "is"
    return f"{len(front)} of {len(drawn)} trials {several} Pareto-optimal{where}"


def _note(rows: Sequence[TrialRow], trials: int) -> str:
    seeds = sorted({row.seed for row in rows})
    each = "once" if len(seeds) == 1 else f"with {len(seeds)} seeds"
    spread = "" if len(seeds) == 1 else "; bars and bands span the seeds (lowest to highest)"
    named = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    return f"{trials} λs and the baseline, each trained {each} ({named}){spread}."


def _range(axes: Axes, kept: Spread, bias: Spread) -> None:
    axes.hlines(bias.mean, kept.low, kept.high, color="#9a9a9a", linewidth=0.9, zorder=1)
    axes.vlines(kept.mean, bias.low, bias.high, color="#9a9a9a", linewidth=0.9, zorder=1)


def _tell(axes: Axes, name: str, kept: Spread, bias: Spread) -> None:
    shown = [between(each.mean, each.low, each.high) for each in (bias, kept)]
    tell(axes, [(kept.mean, bias.mean)], [f"{name}: bias {shown[0]}, retention {shown[1]}"])


def _trials(rows: Sequence[TrialRow]) -> tuple[tuple[TrialSummary, ...], list[TrialSummary]]:
    summaries = summarize(rows)
    trials = [each for each in summaries if each.trial is not None and each.weight > 0]
    if not trials:
        raise UserError("no trial of this study has finished, so there is nothing to draw")
    return summaries, trials


def _series(
    axes: Axes,
    rows: Sequence[TrialRow],
    trials: Sequence[TrialSummary],
    look: _Look,
) -> None:
    name, color, marker, label = look
    own = [
        (row, value)
        for row in rows
        if row.trial is not None and row.weight > 0 and (value := getattr(row, name)) is not None
    ]
    seeds = [(row.weight, value) for row, value in own]
    means = [(t.weight, spread.mean) for t in trials if (spread := getattr(t, name)) is not None]
    if not means:
        return
    axes.plot(
        *zip(*seeds, strict=True),
        linestyle="none",
        marker=marker,
        markersize=4,
        color=color,
        alpha=0.45,
    )
    tell(axes, seeds, [f"λ = {r.weight:.3g}, seed {r.seed}, {label}: {v:.3f}" for r, v in own])
    axes.plot(*zip(*means, strict=True), color=color, linewidth=1.8, label=label)
    spans = [(t.weight, span.low, span.high) for t in trials if (span := getattr(t, name))]
    at, low, high = zip(*spans, strict=True)
    shade(axes, at, low, high, color)


def _band(axes: Axes, summaries: Sequence[TrialSummary], name: str, color: str, label: str) -> None:
    baseline = next((each for each in summaries if each.trial is None), None)
    spread: Spread | None = getattr(baseline, name, None)
    if spread is None:
        return
    axes.axhspan(spread.low, spread.high, color=color, alpha=0.13, linewidth=0)
    axes.axhline(spread.mean, color=color, linestyle="--", linewidth=1, label=label)


def _bias(summary: TrialSummary, reported: bool) -> Spread | None:
    return summary.bias_report if reported else summary.bias_tune


def _retention(summary: TrialSummary, reported: bool) -> Spread | None:
    return summary.retention_report if reported else summary.retention


def _mark_best(axes: Axes, drawn: Sequence[_Drawn]) -> None:
    for kept, bias, each in drawn:
        if each.best:
            axes.scatter(
                [kept.mean], [bias.mean], s=210, facecolors="none", edgecolors=REPORT, linewidths=2,
                label=f"best (λ = {each.weight:.3g})", zorder=4,
            )  # fmt: skip


def _mark_baseline(axes: Axes, summaries: Sequence[TrialSummary], reported: bool) -> None:
    baseline = next((each for each in summaries if each.trial is None), None)
    if baseline is None:
        return
    kept, bias = _retention(baseline, reported), _bias(baseline, reported)
    if kept is not None and bias is not None:
        _range(axes, kept, bias)
        _tell(axes, "baseline", kept, bias)
        axes.scatter(
            [kept.mean], [bias.mean], marker="D", s=60, color=BASELINE,
            label="baseline (λ = 0)", zorder=3,
        )  # fmt: skip


_PANELS = (
    ("bias_tune", "bias, tune words", TUNE, False),
    ("bias_report", "bias, report words", REPORT, False),
    ("retention", "retention, tune pairs", TUNE, True),
    ("retention_report", "retention, report pairs", REPORT, True),
)
_MARKERS = "osD^vPX*"


def stability_figure(rows: Sequence[TrialRow]) -> Figure:
    """Draw each seed's baseline and best trial, joined by a line: one panel a number.

    Raises:
        UserError: No seed has both.
    """
    base = {row.seed: row for row in rows if row.trial is None}
    best = {row.seed: row for row in rows if row.best}
    seeds = sorted(base.keys() & best.keys())
    if not seeds:
        raise UserError("no seed has a baseline and a best trial, so there is nothing to draw")
    weight = best[seeds[0]].weight
    note = f"Baseline (left) and λ = {weight:.3g} (right) of each seed, the same start for both."
    made = figure(_title(base, best, seeds), 9.0, 3.9, note)
    panels = made.subplots(1, len(_PANELS))
    for axes, (name, label, color, better_up) in zip(panels, _PANELS, strict=True):
        for i, seed in enumerate(seeds):
            ends = [getattr(base[seed], name), getattr(best[seed], name)]
            if None in ends:
                continue
            worse = (ends[1] < ends[0]) == better_up and ends[0] != ends[1]
            axes.plot(
                (0, 1), ends, color=color, marker=_MARKERS[i % len(_MARKERS)], linewidth=1.4,
                linestyle="--" if worse else "-", label=f"seed {seed}",
            )  # fmt: skip
        plain(axes)
        axes.set_title(label, fontsize=9, loc="left", color=INK)
        axes.set_xticks([0, 1], ["λ = 0", "best λ"])
        axes.set_xlim(-0.25, 1.25)
        axes.axhline(1.0, color=BASELINE, linestyle=":", linewidth=1)
    panels[0].legend(frameon=False, fontsize=8, loc="best")
    return made


def _title(base: dict[int, TrialRow], best: dict[int, TrialRow], seeds: Sequence[int]) -> str:
    def agree(name: str) -> str | None:
        pairs = [(getattr(base[s], name), getattr(best[s], name)) for s in seeds]
        measured = [(b, a) for b, a in pairs if b is not None and a is not None]
        fell = sum(a < b for b, a in measured)
        return None if not measured else f"{fell} of {len(measured)}"

    report, tune = agree("bias_report"), agree("bias_tune")
    if len(seeds) == 1:
        return "One seed: nothing can be said about stability"
    parts = [f"Seeds with less bias: {tune} on tune words"] if tune else []
    parts += [f"{report} on report words"] if report else []
    return ", ".join(parts) + " (dashed: got worse)"
