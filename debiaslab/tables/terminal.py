"""Tables in a terminal: rich draws them, fitted to its width without cutting inside a number."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING

from debiaslab.tables.table import Column, Table, text_width

if TYPE_CHECKING:
    from rich.table import Table as RichTable

NARROWEST = 60  # columns; a narrower terminal breaks the lines itself
PIPED_WIDTH = 150  # of running text that is not printed to a terminal
_GAP = 2  # columns between two columns
_BREAK = re.compile(r"(?<=[\s/_+@;,=])(?=\S)|(?<=-)(?=[^\d\s.])")  # none before a number's digits
_MARK = Column("", align="left")


@dataclass(frozen=True)
class _Panel:
    """Columns that stand side by side, with their widths."""

    columns: tuple[int, ...]
    widths: tuple[int, ...]


def render(block: Table | str) -> str:
    """Return a table as it is to be printed: by rich in a terminal, as plain text elsewhere.

    Text is returned as it is.
    """
    if isinstance(block, str):
        return block
    return draw(block, terminal_width()) if in_terminal() else block.plain()


def in_terminal() -> bool:
    """Whether the standard output is a terminal, or is to be treated like one (FORCE_COLOR)."""
    return os.isatty(1) or bool(os.environ.get("FORCE_COLOR"))


def terminal_width() -> int:
    """Return how many columns the terminal has, at least ``NARROWEST``."""
    return max(NARROWEST, shutil.get_terminal_size().columns)


def wrap_line(line: str) -> str:
    """Break a line of text at spaces only: a path stays in one piece, however long."""
    width = terminal_width() if in_terminal() else PIPED_WIDTH
    return "\n".join(_wrapped_text(line, width, indent="    "))


def draw(table: Table, width: int) -> str:
    """Return the table in ``width`` columns, in several parts where it has too many columns."""
    from rich.console import Console

    width = max(width, NARROWEST)
    out = StringIO()
    console = Console(
        file=out,
        force_terminal=True,
        width=width + _GAP,  # rich counts room to the right, which is cut
        height=100,  # of no use, but without it rich takes another width for a dumb terminal
        highlight=False,
        markup=False,
        emoji=False,
    )
    if table.title:
        console.print(*_wrapped_text(table.title, width), sep="\n", style="bold")
    for i, panel in enumerate(_panels(table, width)):
        if i:
            console.print()
        console.print(_drawn(table, panel))
    notes = [line for note in table.footer("*") for line in _wrapped_text(note, width)]
    gap = [""] if table.ruled and notes else []
    return "\n".join([*map(_without_room, out.getvalue().splitlines()), *gap, *notes])


def _without_room(line: str) -> str:
    """Cut the room to the right of a line, before the codes that end its style."""
    return re.sub(r"[ ]+((?:\x1b\[[0-9;]*m)*)$", r"\1", line)


def _drawn(table: Table, panel: _Panel) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    columns = [*table.columns, _MARK]
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    head, *rows = table.grid()
    for i, width in zip(panel.columns, panel.widths, strict=True):
        drawn.add_column(
            Text("\n".join(_folded(head[i], width))),
            justify=columns[i].align,
            width=width,
            no_wrap=True,
        )
    for number, row in enumerate(rows):
        if number in table.breaks and number:
            drawn.add_section()
        drawn.add_row(
            *(
                Text("\n".join(_folded(row[i], width)), _style(table, number, i))
                for i, width in zip(panel.columns, panel.widths, strict=True)
            )
        )
    return drawn


def _style(table: Table, row: int, column: int) -> str:
    is_mark = column == len(table.columns)
    return "bold" if is_mark or table.is_strong(row, column) else ""


# Widths ---------------------------------------------------------------------------------------


def _panels(table: Table, width: int) -> list[_Panel]:
    """Share the width among the columns; what does not fit beside the keys goes below."""
    grid = table.grid()
    aligns = [*(column.align for column in table.columns), "left"]
    most = [max(map(text_width, column)) for column in zip(*grid, strict=True)]
    least = [
        _narrowest(column, left=align == "left")
        for column, align in zip(zip(*grid, strict=True), aligns, strict=False)
    ]
    everything = tuple(range(len(most)))
    if _sum(most) <= width:
        return [_Panel(everything, tuple(most))]
    if _sum(least) <= width:
        return [_shared(everything, least, most, width)]
    keys, others = everything[: table.keys], everything[table.keys :]
    if _sum([most[i] for i in keys]) <= width // 2:
        least[: table.keys] = most[: table.keys]
    room = width - max((least[i] for i in others), default=0) - _GAP
    while keys and _sum([least[i] for i in keys]) > max(room, width // 2):
        widest = max(keys, key=lambda i: least[i])
        least[widest] -= 1
    beside = width - _sum([least[i] for i in keys]) - _GAP
    for i in others:  # one cell that is wider than the terminal is folded
        least[i] = min(least[i], beside)
    panels: list[_Panel] = []
    own: list[int] = []
    for i in others:
        if own and _sum([least[k] for k in (*keys, *own, i)]) > width:
            panels.append(_shared((*keys, *own), least, most, width))
            own = []
        own.append(i)
    return [*panels, _shared((*keys, *own), least, most, width)]


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _shared(
    columns: tuple[int, ...], least: Sequence[int], most: Sequence[int], width: int
) -> _Panel:
    """Give the room that is left to the columns that lack most of it."""
    widths = {i: least[i] for i in columns}
    for _ in range(width - _sum(list(widths.values()))):
        neediest = max(columns, key=lambda i: most[i] - widths[i])
        if widths[neediest] >= most[neediest]:
            break
        widths[neediest] += 1
    return _Panel(columns, tuple(widths[i] for i in columns))


def _narrowest(texts: Sequence[str], *, left: bool) -> int:
    """Return the least width of a column: its numbers in one piece, its words unbroken."""
    head, *cells = texts
    words = [*_pieces(head), *(word for cell in cells for word in _pieces(cell))]
    whole = [head.split(" ")[0]] if left else cells
    return max(map(text_width, [*(word.rstrip() for word in words), *whole]), default=0)


def _pieces(text: str) -> list[str]:
    """Return the pieces between which a text may be broken."""
    ends = [0, *(found.start() for found in _BREAK.finditer(text)), len(text)]
    return [text[a:b] for a, b in pairwise(ends)]


def _folded(text: str, width: int) -> list[str]:
    """Break a cell where words end; a word that is wider than the column is cut."""
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and text_width((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
        while text_width(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return [line.rstrip() for line in lines]


def _wrapped_text(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
