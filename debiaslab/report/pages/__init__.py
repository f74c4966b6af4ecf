"""The report of a study: what it holds, and how it is written as HTML, Markdown and PDF."""

from debiaslab.report.pages.content import Drawing, StudyReport
from debiaslab.report.pages.html import html_page
from debiaslab.report.pages.markdown import markdown_page
from debiaslab.report.pages.pdf import pdf_page
from debiaslab.report.pages.study import study_report_of

__all__ = [
    "Drawing",
    "StudyReport",
    "html_page",
    "markdown_page",
    "pdf_page",
    "study_report_of",
]
