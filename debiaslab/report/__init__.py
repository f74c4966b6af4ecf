"""Tables, figures and pages made from finished runs."""

from debiaslab.report.comparison import Measure, compared
from debiaslab.report.data import association_sizes
from debiaslab.report.figures import (
    front_figure,
    gap_figure,
    heat_map_figure,
    loss_figure,
    scorecard_figure,
    sweep_figure,
    tradeoff_figure,
)
from debiaslab.report.html import run_pictures, run_report, study_pictures, study_report
from debiaslab.report.style import house_style
from debiaslab.report.tables import (
    comparison_blocks,
    comparison_csv,
    comparison_latex,
    comparison_markdown,
    comparison_text,
    trials_table,
)
from debiaslab.report.verdict import headline
from debiaslab.results import Side, TrialRow, TrialSummary, summarize

__all__ = [
    "Measure",
    "Side",
    "TrialRow",
    "TrialSummary",
    "association_sizes",
    "compared",
    "comparison_blocks",
    "comparison_csv",
    "comparison_latex",
    "comparison_markdown",
    "comparison_text",
    "front_figure",
    "gap_figure",
    "headline",
    "heat_map_figure",
    "house_style",
    "loss_figure",
    "run_pictures",
    "run_report",
    "scorecard_figure",
    "study_pictures",
    "study_report",
    "summarize",
    "sweep_figure",
    "tradeoff_figure",
    "trials_table",
]
