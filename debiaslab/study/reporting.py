"""The full report of a study, in the study's own run, and kept up with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.report.pages import html_page, study_report_of
from debiaslab.results import read_study
from debiaslab.study.objective import FORMULA

if TYPE_CHECKING:
    from debiaslab.regularizers import Strategy
    from debiaslab.report.pages import StudyReport
    from debiaslab.results import StudyResults
    from debiaslab.tracking import Store

REPORT = "report.html"
_FULL = "debiaslab.full_report"  # tag of a study whose page is the full report


def full_report(study: StudyResults) -> StudyReport:
    """Return the report of a study, with what each strategy says of itself."""
    return study_report_of(study, formula=FORMULA, strategies=_strategies(study))


def log_report(store: Store, parent: str, page: str) -> None:
    """Make ``page`` the page of the study whose run is ``parent``, from now on a full report."""
    writer = store.writer(parent)
    writer.text(page, REPORT)
    writer.tags({_FULL: True})


def renew_report(store: Store, name: str, parent: str) -> None:
    """Make the report of a study anew, when it has a full one: it has more trials now."""
    if _FULL in store.run(parent).tags:
        log_report(store, parent, html_page(full_report(read_study(store, name))))


def _strategies(study: StudyResults) -> dict[str, str]:
    """Return the first sentence of each strategy about itself, with its source."""
    said = {}
    for name in {run.strategy for run in study.runs} - {"baseline"}:
        try:
            made = [regularizers.get(part) for part in name.split("+")]
        except UserError:  # a strategy of somebody's own, not installed here
            continue
        said[name] = " Then: ".join(f"{_first_line(each)} ({each.citation})" for each in made)
    return said


def _first_line(strategy: type[Strategy]) -> str:
    return (strategy.__doc__ or "").strip().splitlines()[0].rstrip(".").replace("``", "")
