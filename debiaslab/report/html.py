"""The report as one HTML page that needs no network: a small script sorts, searches, no more."""

from __future__ import annotations

import base64
from functools import cache
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.content import ReportContent
from debiaslab.system.redact import utf8

if TYPE_CHECKING:
    import jinja2

LARGEST = 3_000_000  # bytes; what a mail attachment and the MLflow UI open without complaint
_DIFF_SHOWN = 100_000


def html_page(report: ReportContent) -> str:
    """Return the page: self-contained, the same bytes for the same report.

    Raises:
        UserError: It would be larger than 3 MB.
    """
    neighbors = report.neighbors
    page = (
        _templates()
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
    page = utf8(page)
    size = len(page.encode())
    if size > LARGEST:
        raise UserError(
            f"the report of {report.title!r} would have {size / 1e6:.1f} MB",
            allowed=f"up to {LARGEST / 1e6:.0f} MB",
            next_step="--format markdown, which keeps the figures beside the text",
        )
    return page


def _source(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _sides(report: ReportContent, word: str) -> tuple[str, str]:
    """Return the neighbours of an example word before and after, as text."""
    found = None if report.neighbors is None else report.neighbors.of(word)
    before, after = found if found is not None else ([], [])
    return ", ".join(word for word, _ in before), ", ".join(word for word, _ in after)


@cache
def _templates() -> jinja2.Environment:
    """Return the environment of the page's template, in which every value is escaped."""
    import jinja2

    # Run names, settings and words come from users' files: everything is escaped.
    return jinja2.Environment(
        loader=jinja2.PackageLoader("debiaslab.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
