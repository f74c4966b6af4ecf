"""The report as Markdown: tables in the text, figures as PNG files beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from debiaslab.report.pages.content import StudyReport
from debiaslab.tables import markdown_text


def markdown_page(report: StudyReport, folder: str) -> str:
    """Return the text; it shows the figures as ``<folder>/<name>.png``.

    Args:
        report: The report.
        folder: Where the figures will be, seen from the file.
    """
    return "\n".join(_lines(report, folder)).rstrip() + "\n"


def _lines(report: StudyReport, folder: str) -> Iterator[str]:
    yield from (f"# {markdown_text(report.title)}", "", markdown_text(report.question), "")
    yield from ("## Result", "", f"**{markdown_text(report.headline)}**", "")
    if report.warnings:
        yield from ("### Before you believe it", "")
        yield from (f"- {markdown_text(warning)}" for warning in report.warnings)
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
        yield from (f"### {markdown_text(each.title)}", "")
        yield f"![{markdown_text(each.title)}]({folder}/{each.name}.png)"
        yield from ("", markdown_text(each.description), "")
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
            yield f"| {markdown_text(word)} | " + " | ".join(map(markdown_text, sides)) + " |"
        yield ""
    yield from ("## Tables", "")
    for table in report.tables:
        yield from (
            f"### {markdown_text(table.title)}",
            "",
            replace(table, title="").markdown(),
            "",
        )
    yield from ("## What was held out", "")
    for paragraph in report.held_out:
        yield from (markdown_text(paragraph), "")
    yield from ("## Do it again", "", "```bash", *report.commands, "```", "")
    yield from (*_facts(report.origin), "")


def _facts(values: Mapping[str, str]) -> Iterator[str]:
    yield from (f"- {markdown_text(key)}: {markdown_text(value)}" for key, value in values.items())
