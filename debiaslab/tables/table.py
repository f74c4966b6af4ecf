"""A table of typed columns, and how it is written as text, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

MISSING = "–"
"""What is shown for a value that was not measured, unless a column says otherwise."""

Format = str | Callable[[Any], str]

_MARKDOWN = re.compile(r"[\\`*_<>|#]|\[(?![-+−\d])|\](?=[(\[:])")  # "[0.1, 0.2]" is no link
_SIGNED = re.compile(r"(?<![\d.\w])[-+]\d[\d.]*")
_LATEX = {
    **{mark: rf"\{mark}" for mark in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": "$<$", ">": "$>$", "|": "$|$", "±": r"$\pm$", "−": "$-$", "–": "--", "—": "---"},
    **{"≤": r"$\leq$", "≥": r"$\geq$", "×": r"$\times$", "→": r"$\rightarrow$", "∞": r"$\infty$"},
    **{"λ": r"$\lambda$", "ρ": r"$\rho$", "τ": r"$\tau$", "α": r"$\alpha$", "…": r"\dots{}"},
    **{"†": r"\dag{}", "‡": r"\ddag{}", "✓": r"$\surd$", "·": r"$\cdot$"},
    **{"↓": r"$\downarrow$", "↑": r"$\uparrow$", "≈": r"$\approx$", "∅": r"$\emptyset$"},
}


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Its header.
        format: A format specification such as ``".3f"``, or a function from a value to text.
        align: Numbers stand to the right, words to the left.
        missing: What is shown for None.
    """

    name: str
    format: Format = ""
    align: Literal["left", "right"] = "right"
    missing: str = MISSING

    def text(self, value: Any) -> str:
        """Return a value as it is shown."""
        if value is None:
            return self.missing
        return self.format(value) if callable(self.format) else format(value, self.format)


@dataclass(frozen=True)
class TableCell:
    """A value with what is special about it.

    Attributes:
        value: The value.
        after: Text that follows it, such as a rank or a mark.
        strong: Whether the value stands out, as the best of a column.
    """

    value: Any
    after: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: Its columns.
        rows: Values, or cells, in the order of the columns.
        title: What is to be seen; the caption in LaTeX.
        notes: What the numbers are, a paragraph each.
        label: Name by which LaTeX refers to it.
        keys: How many columns, from the left, name a row. They are repeated where a terminal is
            too narrow for all columns at once.
        marked: Rows that stand out, by number.
        marking: What these are; the notes say it with the mark that a writer makes.
        breaks: Rows before which there is room, by number.
        ruled: Whether plain text has a line below the header, and an empty one beside the title
            and the notes.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    notes: tuple[str, ...] = ()
    label: str = ""
    keys: int = 1
    marked: frozenset[int] = frozenset()
    marking: str = ""
    breaks: frozenset[int] = frozenset()
    ruled: bool = True

    @cached_property
    def head(self) -> tuple[str, ...]:
        """The headers."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """Every cell as it is shown."""
        return self._formatted(lambda text: text)

    def footer(self, mark: str = "bold") -> tuple[str, ...]:
        """Return the notes: what marked rows are ends the last one."""
        if not self.marking:
            return self.notes
        return (*self.notes[:-1], "; ".join([*self.notes[-1:], f"{mark} {self.marking}"]))

    def is_strong(self, row: int, column: int) -> bool:
        """Whether a cell stands out."""
        cell = self.rows[row][column]
        return row in self.marked or (isinstance(cell, TableCell) and cell.strong)

    def without_empty_columns(self) -> Table:
        """Return the table without the columns in which no row says anything."""
        return self.without(
            *(
                i
                for i, column in enumerate(self.columns)
                if all(row[i] in ("", column.missing) for row in self.cells)
            )
        )

    def without(self, *columns: int) -> Table:
        """Return the table without some columns, by number."""
        kept = [i for i in range(len(self.columns)) if i not in columns]
        return replace(
            self,
            columns=tuple(self.columns[i] for i in kept),
            rows=[[row[i] for i in kept] for row in self.rows],
            keys=sum(i < self.keys for i in kept),
        )

    # Writers ----------------------------------------------------------------------------------

    def plain(self) -> str:
        """Return aligned text as wide as it needs; marked rows end with ``*``."""
        head, *rows = self.grid()
        widths = [max(map(text_width, column)) for column in zip(head, *rows, strict=True)]
        aligns = [column.align for column in self.columns] + ["left"]
        lines = [
            "  ".join(
                padded(*cell) for cell in zip(cells, widths, aligns[: len(head)], strict=True)
            ).rstrip()
            for cells in (head, *rows)
        ]
        rule = ["-" * max(map(text_width, lines))] if self.ruled else []
        grid = "\n".join([lines[0], *rule, *self._separated(lines[1:], "")])
        parts = [self.title, grid, "\n".join(self.footer("*"))]
        return ("\n\n" if self.ruled else "\n").join(filter(None, parts))

    def markdown(self) -> str:
        """Return the title in bold, the table and the notes; marked rows are bold."""
        rows = self._formatted(markdown_text, lambda text: f"**{text}**")
        head = tuple(map(markdown_text, self.head))
        lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
        rule = "".join("---|" if c.align == "left" else "---:|" for c in self.columns)
        grid = "\n".join([lines[0], f"|{rule}", *lines[1:]])
        title = [f"**{markdown_text(self.title)}**"] if self.title else []
        return "\n\n".join([*title, grid, *map(markdown_text, self.footer())])

    def latex(self) -> str:
        r"""Return a ``table`` with a ``tabular`` of the package booktabs; marked rows are bold.

        It has the title as caption, a label, and the notes below in small letters.
        """
        rows = self._formatted(latex_text, lambda text: rf"\textbf{{{text}}}")
        lines = [" & ".join(cells) + r" \\" for cells in (map(latex_text, self.head), *rows)]
        lines = [f"{{}}{line}" if line.startswith("[") else line for line in lines]  # no argument
        columns = "".join("l" if column.align == "left" else "r" for column in self.columns)
        body = self._separated(lines[1:], r"\addlinespace")
        return "\n".join(
            [
                r"\begin{table}[htbp]",
                r"\centering",
                *([rf"\caption{{{latex_text(self.title)}}}"] if self.title else []),
                *([rf"\label{{{self.label}}}"] if self.label else []),
                rf"\begin{{tabular}}{{{columns}}}",
                *(r"\toprule", lines[0], r"\midrule", *body, r"\bottomrule"),
                r"\end{tabular}",
                *(rf"\par\smallskip{{\footnotesize {latex_text(text)}}}" for text in self.footer()),
                r"\end{table}",
            ]
        )

    def csv(self) -> str:
        """Return a header and one line a row, numbers in full; None is an empty cell.

        A list of words is joined by ``;``, another list is JSON.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.head)
        writer.writerows([_raw(value) for value in row] for row in self.rows)
        return out.getvalue()

    # How they do it ---------------------------------------------------------------------------

    def grid(self) -> list[tuple[str, ...]]:
        """Return header and rows, with a last column of ``*`` when a row is marked."""
        if not self.marked:
            return [self.head, *self.cells]
        rows = [(*row, "*" if i in self.marked else "") for i, row in enumerate(self.cells)]
        return [(*self.head, ""), *rows]

    def _formatted(
        self, written: Callable[[str], str], strong: Callable[[str], str] = lambda text: text
    ) -> tuple[tuple[str, ...], ...]:
        """Return the cells as ``written`` writes a text and ``strong`` one that stands out."""

        def formatted(column: Column, value: Any, *, bold: bool) -> str:
            cell = value if isinstance(value, TableCell) else TableCell(value)
            text = written(column.text(cell.value))
            after = written(cell.after)
            if bold:
                return strong(f"{text}{after}") if text or after else ""
            return (strong(text) if cell.strong else text) + after

        return tuple(
            tuple(
                formatted(column, value, bold=i in self.marked)
                for column, value in zip(self.columns, row, strict=True)
            )
            for i, row in enumerate(self.rows)
        )

    def _separated(self, lines: Sequence[str], gap: str) -> list[str]:
        """Return the lines of the rows, with ``gap`` before those where a part begins."""
        breaks = self.breaks - {0}
        return [each for i, line in enumerate(lines) for each in ([gap] * (i in breaks) + [line])]


Block = Table | str


def plain_document(blocks: Iterable[Block]) -> str:
    """Return tables and text below each other as plain text."""
    return "\n\n".join(b if isinstance(b, str) else b.plain() for b in blocks) + "\n"


def markdown_document(blocks: Iterable[Block]) -> str:
    """Return tables and text as Markdown; text of several lines keeps them."""

    def written(block: Block) -> str:
        if isinstance(block, Table):
            return block.markdown()
        return f"```text\n{block}\n```" if "\n" in block else markdown_text(block)

    return "\n\n".join(map(written, blocks)) + "\n"


def latex_document(blocks: Iterable[Block]) -> str:
    """Return the tables as LaTeX, without the text between them."""
    return "\n\n".join(b.latex() for b in blocks if isinstance(b, Table)) + "\n"


def span(digits: int, *, signed: bool = False) -> Callable[[tuple[Any, Any]], str]:
    """Return the format of an interval ``(low, high)``; one without an end is empty."""
    number = f"{'+' if signed else ''}.{digits}f"

    def text(ends: tuple[Any, Any]) -> str:
        low, high = ends
        return "" if low is None or high is None else f"[{low:{number}}, {high:{number}}]"

    return text


def with_span(value: float, ends: tuple[Any, Any], digits: int = 3, *, signed: bool = False) -> str:
    """Return a value with its interval, as ``0.51 [0.48, 0.54]``; alone where there is none."""
    shown = f"{value:{'+' if signed else ''}.{digits}f}"
    return f"{shown} {span(digits, signed=signed)(ends)}".rstrip()


def plus_minus(value: float, half: float | None, spec: str = ".3f") -> str:
    """Return a value with the half of its interval or its spread, as ``0.51 ±0.03``."""
    return f"{value:{spec}}" + ("" if half is None else f" ±{half:{spec.lstrip('+')}}")


def text_width(text: str) -> int:
    """Count terminal cells: East Asian wide letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def padded(text: str, width: int, align: str) -> str:
    """Fill a cell up to its width."""
    room = " " * (width - text_width(text))
    return text + room if align == "left" else room + text


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\g<0>", text.replace("\n", " "))


def latex_text(text: str) -> str:
    """Return text that LaTeX shows as it is, the signs of numbers as minus and plus."""
    parts, end = [], 0
    for found in _SIGNED.finditer(text):
        parts += [_latex_marks(text[end : found.start()]), f"${found[0]}$"]
        end = found.end()
    return "".join([*parts, _latex_marks(text[end:])])


def _latex_marks(text: str) -> str:
    written = "".join(_LATEX.get(letter, letter) for letter in text)
    return re.sub(r"(?<=\$\\pm\$)(?=\d)", " ", written)


def _raw(value: Any) -> str:
    value = value.value if isinstance(value, TableCell) else value
    if value is None:
        return ""
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return ";".join(value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)
