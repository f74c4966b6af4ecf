"""The report as an HTML page, as Markdown and as PDF; the last two write the same outline.

The page needs no network: a small script of its own sorts and searches, no more.

The PDF is made by fpdf2: pure Python, so neither a browser nor a system library is needed. Its
letters are DejaVu Sans, which matplotlib carries: it has λ, ρ, → and ±.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from debiaslab.errors import UserError
from debiaslab.report.content import ReportContent
from debiaslab.report.style import Drawing
from debiaslab.report.words import NeighborIndex
from debiaslab.system.provenance import utf8
from debiaslab.tables import Column, Table, markdown_text

if TYPE_CHECKING:
    import jinja2
    from fpdf import FPDF


@dataclass(frozen=True)
class Heading:
    """A heading; level 0 is the title."""

    text: str
    level: int


@dataclass(frozen=True)
class Passage:
    """Text: a paragraph, the finding, an item of a list, or what is shown to the letter."""

    text: str
    kind: Literal["paragraph", "finding", "item", "formula", "commands"] = "paragraph"


Element = Heading | Passage | Mapping[str, str] | Drawing | Table


def outline(report: ReportContent) -> Iterator[Element]:
    """Yield what a report holds, in order."""
    yield Heading(report.title, 0)
    yield Passage(report.question)
    yield Heading("Result", 1)
    yield Passage(report.headline, "finding")
    if report.hint:
        yield Passage(report.hint)
    if report.warnings:
        yield Heading("Warnings", 2)
        yield from (Passage(warning, "item") for warning in report.warnings)
    yield Heading("How it was done", 1)
    for title, facts in report.facts.items():
        yield Heading(title, 2)
        yield facts
    if report.formula:
        yield Heading("What is minimised", 2)
        yield Passage(report.formula, "formula")
    if report.drawings:
        yield Heading("Figures", 1)
        yield from report.drawings
    if report.neighbors is not None:
        yield Heading("Neighbours before and after", 1)
        yield _neighbors(report.neighbors)
    yield Heading("Tables", 1)
    yield from report.tables
    for title, paragraphs in report.paragraphs.items():
        yield Heading(title, 1)
        yield from map(Passage, paragraphs)
    yield Heading("How to reproduce it", 1)
    if report.commands:
        yield Passage("\n".join(report.commands), "commands")
    yield report.origin


def _neighbors(index: NeighborIndex) -> Table:
    """Return the neighbours of the example words as a table."""
    columns = tuple(Column(name, align="left") for name in ("word", "before (baseline)", "after"))
    note = "The nearest words by cosine; the HTML page has a box for 5,000 more words."
    return Table(columns, _examples(index), notes=(note,))


def _examples(index: NeighborIndex) -> list[tuple[str, ...]]:
    """Return some words, each with its neighbours before and after."""
    return [
        (word, *(", ".join(near for near, _ in side) for side in index.of(word) or ((), ())))
        for word in index.examples()
    ]


# HTML -----------------------------------------------------------------------------------------

LARGEST = 3_000_000  # bytes; what a mail attachment and the MLflow UI open without complaint
_DIFF_SHOWN = 100_000


def html_page(report: ReportContent) -> str:
    """Return the page, self-contained, the same bytes for the same report; at most 3 MB."""
    neighbors = report.neighbors
    page = (
        _templates()
        .get_template("report.html")
        .render(
            report=report,
            drawings=[(each, base64.b64encode(each.png).decode()) for each in report.drawings],
            examples=() if neighbors is None else _examples(neighbors),
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


# Markdown -------------------------------------------------------------------------------------


def markdown_page(report: ReportContent, folder: str) -> str:
    """Return the text; it shows the figures as ``<folder>/<name>.png``.

    Args:
        folder: Where the figures will be, seen from the file.
    """
    text, after_item = "", False
    for element in outline(report):
        is_item = isinstance(element, Passage) and element.kind == "item"
        text += "" if not text else "\n" if is_item and after_item else "\n\n"
        text += _markdown(element, folder)
        after_item = is_item
    return f"{text}\n"


def _markdown(element: Element, folder: str) -> str:
    if isinstance(element, Heading):
        return f"{'#' * (element.level + 1)} {markdown_text(element.text)}"
    if isinstance(element, Drawing):
        title = markdown_text(element.title)
        picture = f"![{title}]({folder}/{element.name}.png)"
        return f"### {title}\n\n{picture}\n\n{markdown_text(element.description)}"
    if isinstance(element, Table):
        heading = f"### {markdown_text(element.title)}\n\n" if element.title else ""
        return heading + replace(element, title="").markdown()
    if isinstance(element, Passage):
        text = markdown_text(element.text)
        return {
            "paragraph": text,
            "finding": f"**{text}**",
            "item": f"- {text}",
            "formula": f"```text\n{element.text}\n```",
            "commands": f"```bash\n{element.text}\n```",
        }[element.kind]
    facts = (f"- {markdown_text(key)}: {markdown_text(value)}" for key, value in element.items())
    return "\n".join(facts)


# PDF ------------------------------------------------------------------------------------------

_FONT = "DejaVu"
_WITH_HEADING = 30.0  # millimetres that a heading needs below it, or it goes to the next page
_CELL = 6.0  # points
_SIZES = {"paragraph": 9.0, "finding": 9.0, "item": 9.0, "formula": 7.0, "commands": 8.0}
_MOST_ROWS = 400  # of a table: a scorecard is whole, a sweep of hundreds of runs is for the page
_FIRST_DAY = datetime(2000, 1, 1, tzinfo=timezone.utc)  # the same report gives the same bytes
_STYLES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}


def pdf_page(report: ReportContent) -> bytes:
    """Return the PDF: A4, with an outline; a table is cut after 400 rows, and says so.

    Raises:
        UserError: fpdf2 is not installed.
    """
    pdf = _document(report.title)
    for element in outline(report):
        _add(pdf, element)
    return bytes(pdf.output())


def _add(pdf: FPDF, element: Element) -> None:
    if isinstance(element, Heading):
        _heading(pdf, element.text, element.level)
    elif isinstance(element, Drawing):
        alt = f"{element.title}. {element.description}"
        pdf.image(io.BytesIO(element.png), w=pdf.epw, alt_text=alt)
        _text(pdf, element.description, size=8)
        pdf.ln(2)
    elif isinstance(element, Table):
        _table(pdf, element)
    elif isinstance(element, Passage):
        text = f"• {element.text}" if element.kind == "item" else element.text
        _text(pdf, text, bold=element.kind == "finding", size=_SIZES[element.kind])
    else:
        for key, value in element.items():
            _text(pdf, f"{key}: {value}", size=8)


def _document(title: str) -> FPDF:
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise UserError(
            "a PDF needs the package fpdf2, which is not installed",
            allowed="--format html, whose page prints well, or --format markdown",
            next_step="pip install 'debiaslab[pdf]'",
        ) from error
    import matplotlib

    pdf = FPDF(format="A4")
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for style, file in _STYLES.items():
        pdf.add_font(_FONT, style, fonts / file)
    pdf.set_title(title)
    pdf.set_lang("en")
    pdf.set_creation_date(_FIRST_DAY)
    pdf.set_auto_page_break(True, margin=15)
    pdf.add_page()
    return pdf


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


def _table(pdf: FPDF, table: Table) -> None:
    from fpdf.fonts import FontFace

    if table.title:
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
