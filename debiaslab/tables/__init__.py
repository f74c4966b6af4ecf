"""Tables: one class, written for a terminal, as plain text, Markdown, LaTeX and CSV.

A room of its own below all others, for metrics, reports and commands have tables alike.
"""

from debiaslab.tables.table import MISSING, Cell, Column, Table, markdown_text, span
from debiaslab.tables.terminal import render, wrap_line

__all__ = [
    "MISSING",
    "Cell",
    "Column",
    "Table",
    "markdown_text",
    "render",
    "span",
    "wrap_line",
]
