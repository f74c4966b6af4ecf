"""Figures of single runs: the size of each association, and the course of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import mean
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.style import (
    BASELINE,
    OTHER,
    REPORT,
    TUNE,
    between,
    figure,
    legend_above,
    plain,
    tell,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from debiaslab.lexicons import Half
    from debiaslab.metrics import Scorecard


@dataclass(frozen=True)
class AssociationSize:
    """The size of one association, ``|s|`` divided by the baseline's random-word yardstick.

    The intervals are those of ``s`` over target words, divided likewise; one that holds 0 begins
    at 0. None where there is none.
    """

    test: str
    words: Half
    run: float | None
    baseline: float | None
    run_interval: tuple[float, float] | None = None
    baseline_interval: tuple[float, float] | None = None


def association_sizes(
    run: Scorecard, baseline: Scorecard | None, nulls: Mapping[str, float]
) -> tuple[AssociationSize, ...]:
    """Return the size of each association that has a yardstick.

    Args:
        run: Scorecard of the run.
        baseline: Scorecard of the baseline of the same seed, when the run is not it.
        nulls: ``"test/half"`` to the 95 % quantile of ``|s|`` in the baseline.
    """
    halves: tuple[Half, ...] = ("tune", "report")
    tests = dict.fromkeys(key.rpartition("/")[0] for key in nulls)
    return tuple(
        AssociationSize(
            test,
            half,
            _size(run, test, half, null),
            _size(baseline, test, half, null),
            _interval(run, test, half, null),
            _interval(baseline, test, half, null),
        )
        for test in tests
        for half in halves
        if (null := nulls.get(f"{test}/{half}"))
    )


def _size(card: Scorecard | None, test: str, half: Half, null: float) -> float | None:
    statistic = None if card is None else card.statistic(test, half)
    return None if statistic is None else abs(statistic) / null


def _interval(
    card: Scorecard | None, test: str, half: Half, null: float
) -> tuple[float, float] | None:
    record = None if card is None else card.record("weat", test, half)
    if record is None:
        return None
    low, high = record.extra.get("statistic_low"), record.extra.get("statistic_high")
    if low is None or high is None:
        return None
    near, far = sorted((abs(low) / null, abs(high) / null))
    return (0.0 if low <= 0 <= high else near, far)


_LINES = ((BASELINE, "s--"), (REPORT, "o-"), (TUNE, "^-"), (OTHER, "v-"))
_WORDS = "{:,} words"
_LOSS, _PENALTY = "SGNS loss\n(mean per pair)", "penalty R"


def loss_figure(
    loss: Sequence[tuple[int, float]], penalty: Sequence[tuple[int, float]] = ()
) -> Figure:
    """Draw the running loss, and the penalty below it when given, against words trained.

    Args:
        loss: ``(words trained so far, SGNS loss per pair)``.
        penalty: ``(words trained so far, value of the penalty term)``.
    """
    made = figure(_fell("Loss", loss), 7.0, 4.8 if penalty else 3.2)
    panels = made.subplots(2 if penalty else 1, 1, sharex=True, squeeze=False)[:, 0]
    labelled = ((loss, _LOSS, TUNE), (penalty, _PENALTY, REPORT))
    for axes, (points, label, color) in zip(panels, labelled, strict=False):
        axes.plot([x for x, _ in points], [y for _, y in points], color=color, linewidth=1.6)
        axes.set_ylabel(label)
        plain(axes)
    _by_words(panels[-1])
    return made


def losses_figure(
    losses: Mapping[str, Sequence[Series]], penalties: Sequence[Series] = (), note: str = ""
) -> Figure:
    """Draw the running loss of baseline and run over their seeds, the run's penalty below.

    Lines are means over seeds, bands span the seeds.

    Args:
        losses: Name of the training, the baseline first, to the series of each seed.
        penalties: The penalty of each seed of the run; without one there is no such panel.
        note: Whose trainings these are.

    Raises:
        UserError: Nothing was recorded.
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


def epochs_figure(curves: Mapping[str, Sequence[Series]], label: str, note: str = "") -> Figure:
    """Draw one number after each epoch, such as of baseline and best run, over their seeds.

    Lines are means over seeds, bands span the seeds.

    Args:
        curves: Name of the trainings to ``(epoch, value)`` of each seed.
        label: What the number is, for the axis.
        note: Whose trainings these are.

    Raises:
        UserError: Nothing was recorded.
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


def _bands(curves: Mapping[str, Sequence[Series]], label: str) -> dict[str, Band]:
    found = {name: band for name, runs in curves.items() if (band := over_seeds(runs)) is not None}
    if not found:
        raise UserError(f"no {label} was recorded, so there is nothing to draw")
    return found


def _draw(axes: Axes, band: Band, color: str, style: str, name: str, step: str) -> None:
    axes.plot(band.steps, band.means, style, color=color, label=name, linewidth=1.5, markersize=4)
    points = list(zip(band.steps, band.means, strict=True))
    ranges = zip(band.steps, band.means, band.low, band.high, strict=True)
    tell(axes, points, [f"{name}, {step.format(at)}: {between(*v)}" for at, *v in ranges])
    if band.seeds > 1:
        shade(axes, band.steps, band.low, band.high, color)


def _by_words(axes: Axes) -> None:
    from matplotlib.ticker import EngFormatter

    axes.set_xlabel("words trained")
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))


def _at_the_end(label: str, bands: Mapping[str, Band]) -> str:
    ends = ", ".join(f"{name} {band.end}" for name, band in bands.items())
    return f"{label[0].upper()}{label[1:]} at the end: {ends}"


def _fell(name: str, points: Series) -> str:
    """Say what the number did over the training."""
    if not points:
        return name
    first, last = points[0][1], points[-1][1]
    return f"{name} {'fell' if last < first else 'did not fall'}: {first:#.3g} → {last:#.3g}"


Series = Sequence[tuple[int, float]]  # (step, value)


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


def shade(
    axes: Axes, at: Sequence[float], low: Sequence[float], high: Sequence[float], color: str
) -> None:
    """Draw the band from the lowest to the highest seed."""
    axes.fill_between(at, low, high, color=color, alpha=0.18, linewidth=0)
