"""The figures of a training: loss and penalty, and what was measured after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.report.style import REPORT, TUNE, figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
