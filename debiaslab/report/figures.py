"""The figures of a study and of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.data import AssociationSize, Spread, TrialRow, TrialSummary, summarize
from debiaslab.report.style import (
    BASELINE,
    INK,
    REPORT,
    TUNE,
    figure,
    legend_above,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BIAS_LABEL = "bias\n(1 = 95 % of random words)"


def headline(rows: Sequence[TrialRow]) -> str:
    """Return the finding in one line: what the best trial did to bias and retention."""
    summaries = summarize(rows)
    best = next((each for each in summaries if each.best), None)
    baseline = next((each for each in summaries if each.trial is None), None)
    if best is None or baseline is None:
        return "No trial has finished yet"
    before, after, words = baseline.bias_tune, best.bias_tune, "tune"
    if baseline.bias_report is not None and best.bias_report is not None:
        before, after, words = baseline.bias_report, best.bias_report, "report"
    retention = _retention(best, words == "report")
    kept = "" if retention is None else f", retention {retention.mean:.2f}"
    change = f"{before.mean:.2f} → {after.mean:.2f}"
    return f"λ = {best.weight:.3g}: bias on {words} words {change}{kept}"


def sweep_figure(rows: Sequence[TrialRow]) -> Figure:
    """Draw bias (tune and report words) and retention against λ.

    Points are seeds, lines join the means of trials, and the band is the baseline's range.

    Raises:
        UserError: There is no run with λ above 0.
    """
    summaries, trials = _trials(rows)
    made = figure(headline(rows), 8.0, 6.0)
    upper, lower = made.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    for name, color, marker in (("bias_tune", TUNE, "o"), ("bias_report", REPORT, "s")):
        label = f"{name.removeprefix('bias_')} words"
        _series(upper, rows, trials, name, color, marker, label)
        _band(upper, summaries, name, color, f"baseline, {label}")
    _series(lower, rows, trials, "retention", TUNE, "o", "tune pairs")
    _series(lower, rows, trials, "retention_report", REPORT, "s", "report pairs")
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

    Raises:
        UserError: There is no run with λ above 0.
    """
    summaries, trials = _trials(rows)
    reported = any(each.bias_report and each.retention_report for each in summaries)
    words = "report" if reported else "tune"
    made = figure("Bias against retention, trial by trial", 8.0, 5.0)
    axes = made.subplots()
    drawn = [
        (kept.mean, bias.mean, each)
        for each in trials
        if (kept := _retention(each, reported)) and (bias := _bias(each, reported))
    ]
    colors = [math.log10(each.weight) for _, _, each in drawn]
    points = axes.scatter(
        [x for x, _, _ in drawn],
        [y for _, y, _ in drawn],
        c=colors,
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
    legend_above(axes)
    axes.set_xlabel(f"retention of utility on {words} pairs (1 = baseline)")
    axes.set_ylabel(f"bias on {words} words\n(1 = 95 % of random words)")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.08)
    if drawn:
        made.colorbar(points, ax=axes, label="log₁₀ λ")
    return made


def loss_figure(
    loss: Sequence[tuple[int, float]], penalty: Sequence[tuple[int, float]] = ()
) -> Figure:
    """Draw the running loss, and the penalty below it when given, against words trained.

    Args:
        loss: ``(words trained so far, SGNS loss per pair)``.
        penalty: ``(words trained so far, value of the penalty term)``.
    """
    from matplotlib.ticker import EngFormatter

    made = figure("Training loss", 7.0, 4.8 if penalty else 3.2)
    panels = made.subplots(2 if penalty else 1, 1, sharex=True, squeeze=False)[:, 0]
    labelled = ((loss, "SGNS loss\n(mean per pair)", TUNE), (penalty, "penalty R", REPORT))
    for axes, (points, label, color) in zip(panels, labelled, strict=False):
        axes.plot([x for x, _ in points], [y for _, y in points], color=color, linewidth=1.6)
        axes.set_ylabel(label)
        plain(axes)
    panels[-1].set_xlabel("words trained")
    panels[-1].xaxis.set_major_formatter(EngFormatter(sep=" "))
    return made


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
    name: str,
    color: str,
    marker: str,
    label: str,
) -> None:
    seeds = [
        (row.weight, value)
        for row in rows
        if row.trial is not None and row.weight > 0 and (value := getattr(row, name)) is not None
    ]
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
    axes.plot(*zip(*means, strict=True), color=color, linewidth=1.8, label=label)


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


def _mark_best(axes: Axes, drawn: Sequence[tuple[float, float, TrialSummary]]) -> None:
    for x, y, each in drawn:
        if each.best:
            axes.scatter(
                [x], [y], s=210, facecolors="none", edgecolors=REPORT, linewidths=2,
                label=f"best (λ = {each.weight:.3g})", zorder=4,
            )  # fmt: skip


def _mark_baseline(axes: Axes, summaries: Sequence[TrialSummary], reported: bool) -> None:
    baseline = next((each for each in summaries if each.trial is None), None)
    if baseline is None:
        return
    kept, bias = _retention(baseline, reported), _bias(baseline, reported)
    if kept is not None and bias is not None:
        axes.scatter(
            [kept.mean], [bias.mean], marker="D", s=60, color=BASELINE,
            label="baseline (λ = 0)", zorder=3,
        )  # fmt: skip


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
