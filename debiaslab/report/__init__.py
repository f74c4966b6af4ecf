"""Tables, figures and pages made from finished runs."""

from debiaslab.report.comparison import Measure, compared
from debiaslab.report.content import ReportContent, study_report
from debiaslab.report.documents import markdown_page, pdf_page
from debiaslab.report.drawings import Drawing, run_drawings, sweep_drawings
from debiaslab.report.figures import (
    front_figure,
    gap_figure,
    heat_map_figure,
    loss_figure,
    scorecard_figure,
    sweep_figure,
    tradeoff_figure,
)
from debiaslab.report.figures.runs import association_sizes
from debiaslab.report.html import html_page
from debiaslab.report.run_content import RunContent
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
    "comparison_latex",
    "comparison_markdown",
    "comparison_text",
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
    "sweep_drawings",
    "sweep_figure",
    "tradeoff_figure",
    "trials_table",
]
