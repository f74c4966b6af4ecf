"""The figures of a training: loss and penalty, and what was measured after each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.style import BASELINE, OTHER, REPORT, TUNE, figure, legend_above, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Series = Sequence[tuple[int, float]]  # (step, value)
_LINES = ((BASELINE, "s--"), (REPORT, "o-"), (TUNE, "^-"), (OTHER, "v-"))


def loss_figure(
    loss: Sequence[tuple[int, float]], penalty: Sequence[tuple[int, float]] = ()
) -> Figure:
    """Draw the running loss, and the penalty below it when given, against words trained.

    Args:
        loss: ``(words trained so far, SGNS loss per pair)``.
        penalty: ``(words trained so far, value of the penalty term)``.
    """
    from matplotlib.ticker import EngFormatter

    made = figure(_fell("Loss", loss), 7.0, 4.8 if penalty else 3.2)
    panels = made.subplots(2 if penalty else 1, 1, sharex=True, squeeze=False)[:, 0]
    labelled = ((loss, "SGNS loss\n(mean per pair)", TUNE), (penalty, "penalty R", REPORT))
    for axes, (points, label, color) in zip(panels, labelled, strict=False):
        axes.plot([x for x, _ in points], [y for _, y in points], color=color, linewidth=1.6)
        axes.set_ylabel(label)
        plain(axes)
    panels[-1].set_xlabel("words trained")
    panels[-1].xaxis.set_major_formatter(EngFormatter(sep=" "))
    return made


def curves_figure(curves: Mapping[str, Series], label: str, note: str = "") -> Figure:
    """Draw one number of several trainings, such as baseline and best run, as they went on.

    Args:
        curves: Name of the training to ``(step, value)``.
        label: What the number is, for the axis.
        note: What a step is, and whose trainings these are.

    Raises:
        UserError: Nothing was recorded.
    """
    from matplotlib.ticker import MaxNLocator

    drawn = {name: points for name, points in curves.items() if points}
    if not drawn:
        raise UserError(f"no {label} was recorded by epoch, so there is nothing to draw")
    ends = ", ".join(f"{name} {points[-1][1]:#.3g}" for name, points in drawn.items())
    made = figure(f"{label[0].upper()}{label[1:]} at the end: {ends}", 7.0, 3.6, note)
    axes = made.subplots()
    for (name, points), (color, style) in zip(drawn.items(), cycle(_LINES)):
        steps, values = zip(*points, strict=True)
        axes.plot(steps, values, style, color=color, label=name, linewidth=1.5, markersize=4)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    plain(axes)
    legend_above(axes, columns=4)
    return made


def _fell(name: str, points: Series) -> str:
    """Say what the number did over the training."""
    if not points:
        return name
    first, last = points[0][1], points[-1][1]
    return f"{name} {'fell' if last < first else 'did not fall'}: {first:#.3g} → {last:#.3g}"
