"""The report as PDF, by fpdf2: pure Python, so neither a browser nor a system library is needed.

The letters are DejaVu Sans, which matplotlib carries: it has λ, ρ, → and ±.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.pages.content import StudyReport
from debiaslab.report.pages.neighbors import NeighborIndex
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from fpdf import FPDF

_FONT = "DejaVu"
_WITH_HEADING = 30.0  # millimetres that a heading needs below it, or it goes to the next page
_CELL = 6.0  # points
_MOST_ROWS = 400  # of a table: a scorecard is whole, a sweep of hundreds of runs is for the page
_FIRST_DAY = datetime(2000, 1, 1, tzinfo=timezone.utc)  # the same report gives the same bytes
_STYLES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}


def pdf_page(report: StudyReport) -> bytes:
    """Return the PDF: A4, with an outline; a table is cut after 400 rows, and says so.

    Raises:
        UserError: fpdf2 is not installed.
    """
    pdf = _document(report.title)
    _heading(pdf, report.title, 0)
    _text(pdf, report.question)
    _heading(pdf, "Result", 1)
    _text(pdf, report.headline, bold=True)
    if report.warnings:
        _heading(pdf, "Before you believe it", 2)
        for warning in report.warnings:
            _text(pdf, f"• {warning}")
    _heading(pdf, "How it was done", 1)
    for title, values in (
        ("Corpus", report.corpus),
        ("Method", report.method),
        ("Budget", report.budget),
    ):
        _heading(pdf, title, 2)
        _facts(pdf, values)
    _heading(pdf, "What is minimised", 2)
    _text(pdf, report.formula, size=7)
    if report.drawings:
        _heading(pdf, "Figures", 1)
    for each in report.drawings:
        pdf.image(io.BytesIO(each.png), w=pdf.epw, alt_text=f"{each.title}. {each.description}")
        _text(pdf, each.description, size=8)
        pdf.ln(2)
    if report.neighbors is not None:
        _table(pdf, _neighbors(report.neighbors))
    _heading(pdf, "Tables", 1)
    for table in report.tables:
        _table(pdf, table)
    _heading(pdf, "What was held out", 1)
    for paragraph in report.held_out:
        _text(pdf, paragraph)
    _heading(pdf, "Do it again", 1)
    for command in report.commands:
        _text(pdf, command, size=8)
    _facts(pdf, report.origin)
    return bytes(pdf.output())


def _document(title: str) -> FPDF:
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise UserError(
            "a PDF needs the package fpdf2, which is not installed",
            allowed="--format html, whose page prints well, or --format markdown",
            next_step="pip install 'debiaslab[pdf]'",
        ) from error
    pdf = FPDF(format="A4")
    for style, file in _STYLES.items():
        pdf.add_font(_FONT, style, _fonts() / file)
    pdf.set_title(title)
    pdf.set_lang("en")
    pdf.set_creation_date(_FIRST_DAY)
    pdf.set_auto_page_break(True, margin=15)
    pdf.add_page()
    return pdf


def _fonts() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _heading(pdf: FPDF, text: str, level: int) -> None:
    if level:
        pdf.ln(3)
    if pdf.will_page_break(_WITH_HEADING):
        pdf.add_page()
    pdf.start_section(text, level)
    _text(pdf, text, bold=True, size=(16, 13, 10)[level])


def _text(pdf: FPDF, text: str, *, bold: bool = False, size: float = 9) -> None:
    pdf.set_font(_FONT, "B" if bold else "", size)
    pdf.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)


def _facts(pdf: FPDF, values: Mapping[str, str]) -> None:
    for key, value in values.items():
        _text(pdf, f"{key}: {value}", size=8)


def _neighbors(index: NeighborIndex) -> Table:
    """Return the neighbours of the example words as a table."""
    rows = []
    for word in index.examples():
        sides = index.of(word) or ([], [])
        rows.append((word, *(", ".join(each for each, _ in side) for side in sides)))
    columns = tuple(Column(name, align="left") for name in ("word", "before (baseline)", "after"))
    note = "The nearest words by cosine; the HTML page has a box for 5,000 more words."
    return Table(columns, rows, "Neighbours before and after", (note,))


def _table(pdf: FPDF, table: Table) -> None:
    from fpdf.fonts import FontFace

    _heading(pdf, table.title, 2)
    shown = table.cells[:_MOST_ROWS]
    bold = FontFace(emphasis="BOLD")
    with pdf.table(
        borders_layout="HORIZONTAL_LINES",
        col_widths=_widths(pdf, table.head, shown),
        headings_style=bold,
        line_height=3.2,
        text_align=tuple("LEFT" if c.align == "left" else "RIGHT" for c in table.columns),
    ) as drawn:
        drawn.row(table.head)
        for i, cells in enumerate(shown):
            drawn.row(cells, style=bold if i in table.marked else None)
    cut = len(table.rows) - len(shown)
    more = f" {cut:,} further rows are in the HTML page." if cut else ""
    _text(pdf, " ".join(table.footer()) + more, size=7)


def _widths(
    pdf: FPDF, head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]
) -> tuple[float, ...]:
    """Return widths of columns that break no word; what room is left goes where cells are long."""

    def widest(texts: Iterable[str], emphasis: str) -> float:
        pdf.set_font(_FONT, emphasis, _CELL)
        return max(map(pdf.get_string_width, texts), default=0.0)

    needed, missing = [], []
    for name, *cells in zip(head, *rows, strict=True):
        words = (word for cell in cells for word in cell.split())
        least = max(widest(name.split(), "B"), widest(words, ""))
        needed.append(least + 2 * pdf.c_margin + 0.5)  # rounding
        missing.append(max(widest([name], "B"), widest(cells, "")) - least)
    pdf.set_font(_FONT, "", _CELL)
    share = max(pdf.epw - sum(needed), 0.0) / max(sum(missing), 1.0)
    return tuple(own + share * more for own, more in zip(needed, missing, strict=True))
