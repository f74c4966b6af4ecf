"""Tables, figures and pages made from finished runs."""

from debiaslab.report.data import TrialRow, association_sizes, summarize
from debiaslab.report.figures import (
    loss_figure,
    scorecard_figure,
    sweep_figure,
    tradeoff_figure,
)
from debiaslab.report.html import run_report, study_report
from debiaslab.report.table import sweep_markdown, sweep_table

__all__ = [
    "TrialRow",
    "association_sizes",
    "loss_figure",
    "run_report",
    "scorecard_figure",
    "study_report",
    "summarize",
    "sweep_figure",
    "sweep_markdown",
    "sweep_table",
    "tradeoff_figure",
]
