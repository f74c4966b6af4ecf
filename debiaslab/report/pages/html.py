"""The report as one HTML page that needs no network: a small script sorts, searches, no more."""

from __future__ import annotations

import base64

from debiaslab.errors import UserError
from debiaslab.report.html import templates
from debiaslab.report.pages.content import StudyReport
from debiaslab.system.redact import utf8

LARGEST = 3_000_000  # bytes; what a mail attachment and the MLflow UI open without complaint


def html_page(report: StudyReport) -> str:
    """Return the page: self-contained, the same bytes for the same report.

    Raises:
        UserError: It would be larger than 3 MB.
    """
    neighbors = report.neighbors
    page = utf8(
        templates()
        .get_template("report.html")
        .render(
            report=report,
            drawings=[(each, _source(each.png)) for each in report.drawings],
            examples=[]
            if neighbors is None
            else [(word, *_sides(report, word)) for word in neighbors.examples()],
            packed=None if neighbors is None else neighbors.packed(),
            diff=report.diff[:_DIFF_SHOWN],
        )
    )
    size = len(page.encode())
    if size > LARGEST:
        raise UserError(
            f"the report of {report.title!r} would have {size / 1e6:.1f} MB",
            allowed=f"up to {LARGEST / 1e6:.0f} MB",
            next_step="--format markdown, which keeps the figures beside the text",
        )
    return page


_DIFF_SHOWN = 100_000


def _source(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _sides(report: StudyReport, word: str) -> tuple[str, str]:
    """Return the neighbours of an example word before and after, as text."""
    found = None if report.neighbors is None else report.neighbors.of(word)
    before, after = found if found is not None else ([], [])
    return ", ".join(word for word, _ in before), ", ".join(word for word, _ in after)
