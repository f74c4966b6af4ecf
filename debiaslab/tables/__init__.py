"""Tables: one class, written for a terminal, as plain text, Markdown, LaTeX and CSV.

A room of its own below all others, for metrics, reports and commands have tables alike.
"""

from debiaslab.tables.table import (
    MISSING,
    Block,
    Column,
    Table,
    TableCell,
    html_document,
    latex_document,
    markdown_document,
    markdown_text,
    plain_document,
    plus_minus,
    span,
    with_span,
)
from debiaslab.tables.terminal import render, wrap_line

__all__ = [
    "MISSING",
    "Block",
    "Column",
    "Table",
    "TableCell",
    "html_document",
    "latex_document",
    "markdown_document",
    "markdown_text",
    "plain_document",
    "plus_minus",
    "render",
    "span",
    "with_span",
    "wrap_line",
]
