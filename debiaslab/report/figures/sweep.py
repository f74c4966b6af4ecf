"""Figures of a sweep: bias and retention against λ, their front, each seed, and the trainings.

A figure that finds nothing to draw raises UserError.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import mean
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.style import (
    BASELINE,
    INK,
    OTHER,
    REPORT,
    TUNE,
    figure,
    figure_of,
    legend_above,
    plain,
    tell,
)
from debiaslab.report.verdict import headline
from debiaslab.results import Spread, TrialRow, TrialSummary, summarize
from debiaslab.statistics.paired import front_of
from debiaslab.tables import with_span

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from debiaslab.results import RunResults


_Drawn = tuple[Spread, Spread, TrialSummary]  # retention, bias, and the trial
_Look = tuple[str, str, str, str]  # what is drawn, its colour and marker, its name
_GREY = "#9a9a9a"


@figure_of("sweep", "sweep")
def sweep_figure(rows: Sequence[TrialRow]) -> Figure:
    """Bias (above) and retention (below) against λ, on tune words and on report words. Points
    are seeds, lines the means of trials, bands the range over seeds; dashed: the baseline.
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
    upper.set_ylabel("bias\n(1 = 95 % of random words)")
    upper.set_ylim(bottom=0)
    lower.set_ylabel("retention of utility\n(1 = baseline)")
    lower.set_xlabel("λ, weight of the penalty (log scale)")
    return made


@figure_of("sweep", "tradeoff")
def tradeoff_figure(rows: Sequence[TrialRow]) -> Figure:
    """Bias against retention, a point a trial, darker for small λ. The line joins the trials
    that are Pareto-optimal; the selected one is ringed, the baseline is the diamond. Bars span
    the seeds. A sweep trains no controls; python -m debiaslab compare --strategies {chosen} on
    the same text does, and draws them into its front.

    Of the report half where that was measured.
    """
    summaries, trials = _trials(rows)
    reported = any(each.bias_report and each.retention_report for each in summaries)
    words, drawn = ("report" if reported else "tune"), _drawn(trials, reported)
    front = pareto_front([(bias.mean, kept.mean) for kept, bias, _ in drawn])
    note = f"{_note(rows, len(trials))} Controls are trained by the command compare, not here."
    made = figure(_front_title(drawn, front), 8.0, 5.2, note)
    axes = made.subplots()
    for kept, bias, each in drawn:
        _cross(axes, f"λ = {each.weight:.3g} (trial {each.trial})", kept, bias)
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
    for kept, bias, each in drawn:
        if each.best:
            axes.scatter(
                [kept.mean], [bias.mean], s=210, facecolors="none", edgecolors=REPORT, linewidths=2,
                label=f"best (λ = {each.weight:.3g})", zorder=4,
            )  # fmt: skip
    for kept, bias, _ in _drawn([each for each in summaries if each.trial is None], reported):
        _cross(axes, "baseline", kept, bias)
        axes.scatter(
            [kept.mean], [bias.mean], marker="D", s=60, color=BASELINE,
            label="baseline (λ = 0)", zorder=3,
        )  # fmt: skip
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


def _drawn(trials: Sequence[TrialSummary], reported: bool) -> list[_Drawn]:
    """Return retention and bias of the trials that have both, on report words or on tune words."""
    names = ("retention_report", "bias_report") if reported else ("retention", "bias_tune")
    found = [(*(getattr(each, name) for name in names), each) for each in trials]
    return [(kept, bias, each) for kept, bias, each in found if kept and bias]


def _front_title(drawn: Sequence[_Drawn], front: Sequence[tuple[float, float]]) -> str:
    if not drawn:
        return "No trial has both bias and retention measured"
    where = ""
    if best := [(bias.mean, kept.mean) for kept, bias, each in drawn if each.best]:
        where = ", the selected one among them"
        if best[0] not in front:
            where = "; the selected one is not (it was selected on tune words, by the score)"
    several = "are" if len(front) > 1 else "is"
    return f"{len(front)} of {len(drawn)} trials {several} Pareto-optimal{where}"


def _note(rows: Sequence[TrialRow], trials: int) -> str:
    seeds = sorted({row.seed for row in rows})
    each = "once" if len(seeds) == 1 else f"with {len(seeds)} seeds"
    spread = "" if len(seeds) == 1 else "; bars and bands span the seeds (lowest to highest)"
    named = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    return f"{trials} λs and the baseline, each trained {each} ({named}){spread}."


def _cross(axes: Axes, name: str, kept: Spread, bias: Spread) -> None:
    """Draw the range over seeds of a point, and tell what it is."""
    axes.hlines(bias.mean, kept.low, kept.high, color=_GREY, linewidth=0.9, zorder=1)
    axes.vlines(kept.mean, bias.low, bias.high, color=_GREY, linewidth=0.9, zorder=1)
    shown = [_between(each.mean, each.low, each.high) for each in (bias, kept)]
    tell(axes, [(kept.mean, bias.mean)], [f"{name}: bias {shown[0]}, retention {shown[1]}"])


def _between(value: float, low: float, high: float) -> str:
    """Return a number with its range over seeds, or alone where the range is nothing."""
    return with_span(value, (None, None) if low == high else (low, high))


def _trials(rows: Sequence[TrialRow]) -> tuple[tuple[TrialSummary, ...], list[TrialSummary]]:
    summaries = summarize(rows)
    trials = [each for each in summaries if each.trial is not None and each.weight > 0]
    if not trials:
        raise UserError("no trial of this study has finished, so there is nothing to draw")
    return summaries, trials


def _series(
    axes: Axes, rows: Sequence[TrialRow], trials: Sequence[TrialSummary], look: _Look
) -> None:
    name, color, marker, label = look
    own = [
        (row, value)
        for row in rows
        if row.trial is not None and row.weight > 0 and (value := getattr(row, name)) is not None
    ]
    found = [(each.weight, spread) for each in trials if (spread := getattr(each, name))]
    if not found:
        return
    seeds = [(row.weight, value) for row, value in own]
    axes.plot(
        *zip(*seeds, strict=True),
        linestyle="none",
        marker=marker,
        markersize=4,
        color=color,
        alpha=0.45,
    )
    tell(axes, seeds, [f"λ = {r.weight:.3g}, seed {r.seed}, {label}: {v:.3f}" for r, v in own])
    at, spreads = zip(*found, strict=True)
    axes.plot(at, [each.mean for each in spreads], color=color, linewidth=1.8, label=label)
    _shade(axes, at, [each.low for each in spreads], [each.high for each in spreads], color)


def _band(axes: Axes, summaries: Sequence[TrialSummary], name: str, color: str, label: str) -> None:
    baseline = next((each for each in summaries if each.trial is None), None)
    spread: Spread | None = getattr(baseline, name, None)
    if spread is None:
        return
    axes.axhspan(spread.low, spread.high, color=color, alpha=0.13, linewidth=0)
    axes.axhline(spread.mean, color=color, linestyle="--", linewidth=1, label=label)


_PANELS = (
    ("bias_tune", "bias, tune words", TUNE, False),
    ("bias_report", "bias, report words", REPORT, False),
    ("retention", "retention, tune pairs", TUNE, True),
    ("retention_report", "retention, report pairs", REPORT, True),
)
_MARKERS = "osD^vPX*"


@figure_of("sweep", "stability")
def stability_figure(rows: Sequence[TrialRow]) -> Figure:
    """Each seed's baseline joined to its best trial: bias and retention on either half of the
    words. Lines that go the same way are seeds that agree.
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
    if len(seeds) == 1:
        return "One seed: nothing can be said about stability"
    parts = []
    for half in ("tune", "report"):
        name = f"bias_{half}"
        pairs = [(getattr(base[s], name), getattr(best[s], name)) for s in seeds]
        fell = [after < before for before, after in pairs if None not in (before, after)]
        if fell:
            parts.append(f"{sum(fell)} of {len(fell)} on {half} words")
    return f"Seeds with less bias: {', '.join(parts)} (dashed: got worse)"


# The course of the training -------------------------------------------------------------------

Series = Sequence[tuple[int, float]]  # (step, value)

_LINES = ((BASELINE, "s--"), (REPORT, "o-"), (TUNE, "^-"), (OTHER, "v-"))
_WORDS = "{:,} words"
_LOSS, _PENALTY = "SGNS loss\n(mean per pair)", "penalty R"
_BY_EPOCH = "epoch/similarity/SimLex-999/all"


@dataclass(frozen=True)
class Trainings:
    """The trainings of one strategy and λ, and the baselines of the same seeds.

    Attributes:
        baselines: The baselines of the seeds.
        runs: One strategy and λ, the same seeds.
    """

    baselines: Sequence[RunResults]
    runs: Sequence[RunResults]

    def curves(self, metric: str) -> dict[str, list[Series]]:
        """Return the series of a metric of every seed, by the name of the training."""
        sides = {"baseline": self.baselines, self.runs[0].label: self.runs}
        return {side: [run.series(metric) for run in own] for side, own in sides.items()}

    @property
    def penalties(self) -> list[Series]:
        """The penalty of each seed of the runs."""
        return [[p for p in run.series("penalty") if p[1]] for run in self.runs]

    @property
    def bands(self) -> str:
        """What lines and bands are, where there are several seeds."""
        several = " Lines are means over seeds; bands span the seeds, lowest to highest."
        return several * (len(self.runs) > 1)

    @property
    def note(self) -> str:
        """Whose trainings these are."""
        seeds = ", ".join(str(run.seed) for run in self.runs)
        name = self.runs[0].label
        return f"Baseline and {name}, seed{'s' * (len(self.runs) > 1)} {seeds}.{self.bands}"

    @property
    def said(self) -> dict[str, str]:
        """Words of the captions."""
        below = ", and the run's penalty below" * any(self.penalties)
        return {"bands": self.bands, "below": below}


@figure_of("training", "by-epoch")
def _similarity_figure(trainings: Trainings) -> Figure:
    """Word similarity after each epoch, of the baseline and of the run.{bands}"""
    return epochs_figure(trainings.curves(_BY_EPOCH), "SimLex-999 ρ", trainings.note)


@figure_of("training", "loss")
def _losses_figure(trainings: Trainings) -> Figure:
    """The running loss of the baseline and of the run over the training{below}.{bands}"""
    curves = trainings.curves("loss")
    if not any(curves[trainings.runs[0].label]):
        raise UserError("the run recorded no loss, so there is nothing to draw")
    return losses_figure(curves, trainings.penalties, trainings.note)


@figure_of("course", "loss")
def loss_figure(
    loss: Sequence[tuple[int, float]], penalty: Sequence[tuple[int, float]] = ()
) -> Figure:
    """Running loss over the training."""
    if not loss:
        raise UserError("no loss was recorded, so there is nothing to draw")
    first, last = loss[0][1], loss[-1][1]
    fell = "fell" if last < first else "did not fall"
    title = f"Loss {fell}: {first:#.3g} → {last:#.3g}"
    made = figure(title, 7.0, 4.8 if penalty else 3.2)
    panels = made.subplots(2 if penalty else 1, 1, sharex=True, squeeze=False)[:, 0]
    labelled = ((loss, _LOSS, TUNE), (penalty, _PENALTY, REPORT))
    for axes, (points, label, color) in zip(panels, labelled, strict=False):
        axes.plot([x for x, _ in points], [y for _, y in points], color=color, linewidth=1.6)
        axes.set_ylabel(label)
        plain(axes)
    _by_words(panels[-1])
    return made


def epochs_figure(curves: Mapping[str, Sequence[Series]], label: str, note: str = "") -> Figure:
    """Draw one number after each epoch, of several trainings, each over its seeds.

    Args:
        curves: Name of the training to ``(epoch, value)`` of each seed.
        label: What the number is, for the axis.
        note: Whose trainings these are.
    """
    from matplotlib.ticker import MaxNLocator

    bands = _bands(curves, label)
    made = figure(_at_the_end(label, bands), 7.0, 3.6, note)
    axes = made.subplots()
    for (name, band), (color, style) in zip(bands.items(), cycle(_LINES)):
        _draw(axes, band, color, style, name, "epoch {}")
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    plain(axes)
    legend_above(axes, columns=4)
    return made


def losses_figure(
    losses: Mapping[str, Sequence[Series]], penalties: Sequence[Series] = (), note: str = ""
) -> Figure:
    """Draw the running loss of several trainings over their seeds, the run's penalty below.

    Args:
        losses: Name of the training, the baseline first, to the series of each seed.
        penalties: The penalty of each seed of the run; without one there is no such panel.
        note: Whose trainings these are.
    """
    bands = _bands(losses, "loss")
    penalty = over_seeds(penalties)
    made = figure(_at_the_end("loss", bands), 7.0, 5.0 if penalty else 3.6, note)
    panels = made.subplots(2 if penalty else 1, 1, sharex=True, squeeze=False)[:, 0]
    for (name, band), (color, style) in zip(bands.items(), cycle(_LINES)):
        _draw(panels[0], band, color, style.strip("so^v"), name, _WORDS)
    panels[0].set_ylabel(_LOSS)
    if penalty is not None:
        _draw(panels[1], penalty, REPORT, "-", "penalty", _WORDS)
        panels[1].set_ylabel(_PENALTY)
    for axes in panels:
        plain(axes)
    legend_above(panels[0], columns=4)
    _by_words(panels[-1])
    return made


def curves_figure(curves: Mapping[str, Series], label: str, note: str = "") -> Figure:
    """Draw one number of several trainings as they went on: a line a training.

    Args:
        curves: Name of the training to ``(step, value)``.
        label: What the number is, for the axis.
        note: What a step is, and whose trainings these are.

    Raises:
        UserError: Nothing was recorded.
    """
    return epochs_figure({name: [points] for name, points in curves.items()}, label, note)


def _bands(curves: Mapping[str, Sequence[Series]], label: str) -> dict[str, Band]:
    found = {name: band for name, runs in curves.items() if (band := over_seeds(runs)) is not None}
    if not found:
        raise UserError(f"no {label} was recorded, so there is nothing to draw")
    return found


def _draw(axes: Axes, band: Band, color: str, style: str, name: str, step: str) -> None:
    axes.plot(band.steps, band.means, style, color=color, label=name, linewidth=1.5, markersize=4)
    points = list(zip(band.steps, band.means, strict=True))
    ranges = zip(band.steps, band.means, band.low, band.high, strict=True)
    tell(axes, points, [f"{name}, {step.format(at)}: {_between(*v)}" for at, *v in ranges])
    if band.seeds > 1:
        _shade(axes, band.steps, band.low, band.high, color)


def _by_words(axes: Axes) -> None:
    from matplotlib.ticker import EngFormatter

    axes.set_xlabel("words trained")
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))


def _at_the_end(label: str, bands: Mapping[str, Band]) -> str:
    ends = ", ".join(f"{name} {band.end}" for name, band in bands.items())
    return f"{label[0].upper()}{label[1:]} at the end: {ends}"


@dataclass(frozen=True)
class Band:
    """One number of several trainings at the steps that all of them recorded.

    Attributes:
        steps: Words trained, or epochs.
        means: Mean over seeds at each.
        low: The lowest seed at each.
        high: The highest.
        seeds: How many trainings it is over.
    """

    steps: tuple[int, ...]
    means: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int

    @property
    def end(self) -> str:
        """The last mean, with the range over seeds where there are several."""
        last = f"{self.means[-1]:#.3g}"
        between = f" [{self.low[-1]:#.3g}, {self.high[-1]:#.3g}]"
        return last if self.seeds == 1 else last + between


def over_seeds(runs: Sequence[Series]) -> Band | None:
    """Return the mean and range of one number over seeds; None where no step is in all.

    Args:
        runs: The series of each seed; those that recorded nothing are left out.
    """
    recorded = [dict(points) for points in runs if points]
    shared = sorted(set.intersection(*map(set, recorded))) if recorded else []
    if not shared:
        return None
    columns = [[values[step] for values in recorded] for step in shared]
    return Band(
        tuple(shared),
        tuple(mean(values) for values in columns),
        tuple(min(values) for values in columns),
        tuple(max(values) for values in columns),
        len(recorded),
    )


def _shade(
    axes: Axes, at: Sequence[float], low: Sequence[float], high: Sequence[float], color: str
) -> None:
    """Draw the band from the lowest to the highest seed."""
    axes.fill_between(at, low, high, color=color, alpha=0.18, linewidth=0)
