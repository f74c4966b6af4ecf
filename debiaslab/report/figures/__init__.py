"""Figures: pure functions from plain data to a matplotlib figure, one file a family."""

from debiaslab.report.figures.associations import association_label, scorecard_figure
from debiaslab.report.figures.comparison import front_figure, gap_figure, heat_map_figure
from debiaslab.report.figures.sweep import pareto_front, sweep_figure, tradeoff_figure
from debiaslab.report.figures.training import loss_figure

__all__ = [
    "association_label",
    "front_figure",
    "gap_figure",
    "heat_map_figure",
    "loss_figure",
    "pareto_front",
    "scorecard_figure",
    "sweep_figure",
    "tradeoff_figure",
]
