"""The report as Markdown: tables in the text, figures as PNG files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from debiaslab.report.pages.content import StudyReport, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def markdown_page(report: StudyReport, folder: str) -> str:
    """Return the text; it shows the figures as ``<folder>/<name>.png``.

    Args:
        report: The report.
        folder: Where the figures will be, seen from the file.
    """
    return "\n".join(_lines(report, folder)).rstrip() + "\n"


def _lines(report: StudyReport, folder: str) -> Iterator[str]:
    yield from (f"# {_escaped(report.title)}", "", _escaped(report.question), "")
    yield from ("## Result", "", f"**{_escaped(report.headline)}**", "")
    if report.warnings:
        yield from ("### Before you believe it", "")
        yield from (f"- {_escaped(warning)}" for warning in report.warnings)
        yield ""
    yield from ("## How it was done", "")
    for title, values in (
        ("Corpus", report.corpus),
        ("Method", report.method),
        ("Budget", report.budget),
    ):
        yield from (f"### {title}", "", *_facts(values), "")
    yield from ("### What is minimised", "", "```text", report.formula, "```", "")
    if report.drawings:
        yield from ("## Figures", "")
    for each in report.drawings:
        yield from (f"### {_escaped(each.title)}", "")
        yield f"![{_escaped(each.title)}]({folder}/{each.name}.png)"
        yield from ("", _escaped(each.description), "")
    if report.neighbors is not None:
        yield from (
            "## Neighbours before and after",
            "",
            "| word | before | after |",
            "|---|---|---|",
        )
        for word in report.neighbors.examples():
            before, after = report.neighbors.of(word) or ([], [])
            sides = (", ".join(each for each, _ in side) for side in (before, after))
            yield f"| {_escaped(word)} | " + " | ".join(map(_escaped, sides)) + " |"
        yield ""
    yield from ("## Tables", "")
    for table in report.tables:
        yield from (
            f"### {_escaped(table.title)}",
            "",
            *_table(table),
            "",
            _escaped(table.caption),
            "",
        )
    yield from ("## What was held out", "")
    for paragraph in report.held_out:
        yield from (_escaped(paragraph), "")
    yield from ("## Do it again", "", "```bash", *report.commands, "```", "")
    yield from (*_facts(report.origin), "")


def _facts(values: Mapping[str, str]) -> Iterator[str]:
    yield from (f"- {_escaped(key)}: {_escaped(value)}" for key, value in values.items())


def _table(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(map(_escaped, table.head)) + " |"
    yield "|---|" + "---:|" * (len(table.head) - 1)
    for i, cells in enumerate(table.rows):
        shown = [_escaped(cell) for cell in cells]
        if i in table.marked:
            shown = [f"**{cell}**" for cell in shown]
        yield "| " + " | ".join(shown) + " |"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text.replace("\n", " "))
