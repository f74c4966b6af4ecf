"""Figures: pure functions from plain data to a matplotlib figure, one file a family."""

from debiaslab.report.figures.comparison import (
    front_figure,
    gap_figure,
    heat_map_figure,
    rulers_figure,
)
from debiaslab.report.figures.sweep import (
    Trainings,
    curves_figure,
    epochs_figure,
    loss_figure,
    losses_figure,
    pareto_front,
    stability_figure,
    sweep_figure,
    tradeoff_figure,
)
from debiaslab.report.figures.words import (
    AssociationSize,
    association_label,
    association_sizes,
    axis_figure,
    clusters_figure,
    neighbors_figure,
    scorecard_figure,
    word_associations_figure,
    word_map_figure,
)

__all__ = [
    "AssociationSize",
    "Trainings",
    "association_label",
    "association_sizes",
    "axis_figure",
    "clusters_figure",
    "curves_figure",
    "epochs_figure",
    "front_figure",
    "gap_figure",
    "heat_map_figure",
    "loss_figure",
    "losses_figure",
    "neighbors_figure",
    "pareto_front",
    "rulers_figure",
    "scorecard_figure",
    "stability_figure",
    "sweep_figure",
    "tradeoff_figure",
    "word_associations_figure",
    "word_map_figure",
]
