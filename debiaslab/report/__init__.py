"""Tables, figures and pages made from finished runs."""

from debiaslab.report.comparison import Measure, compared
from debiaslab.report.content import ReportContent, RunContent, run_drawings, study_report
from debiaslab.report.documents import html_page, markdown_page, pdf_page
from debiaslab.report.figures import (
    association_sizes,
    front_figure,
    gap_figure,
    heat_map_figure,
    loss_figure,
    scorecard_figure,
    sweep_figure,
    tradeoff_figure,
)
from debiaslab.report.style import Drawing, drawings, house_style
from debiaslab.report.tables import comparison_blocks, comparison_csv, trials_table
from debiaslab.report.verdict import headline
from debiaslab.results import StrategyResult, TrialRow, TrialSummary, summarize

__all__ = [
    "Drawing",
    "Measure",
    "ReportContent",
    "RunContent",
    "StrategyResult",
    "TrialRow",
    "TrialSummary",
    "association_sizes",
    "compared",
    "comparison_blocks",
    "comparison_csv",
    "drawings",
    "front_figure",
    "gap_figure",
    "headline",
    "heat_map_figure",
    "house_style",
    "html_page",
    "loss_figure",
    "markdown_page",
    "pdf_page",
    "run_drawings",
    "scorecard_figure",
    "study_report",
    "summarize",
    "sweep_figure",
    "tradeoff_figure",
    "trials_table",
]
