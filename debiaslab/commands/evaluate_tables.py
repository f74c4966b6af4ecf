"""Scorecards and their comparison in the terminal: rich tables, plain text when piped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, TypeVar, cast

from debiaslab.metrics import (
    Comparison,
    Record,
    Scorecard,
    metric_correlations,
)
from debiaslab.metrics.comparison import ComparedMetric
from debiaslab.metrics.null_remarks import null_remarks
from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.table import SCALE_MARK, SCALE_NOTE

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

_R = TypeVar("_R", Record, ComparedMetric)

PIPED_WIDTH = 150
FILES_A_TABLE = 6
MISSING = "–"
HOLM, BH = "p_holm", "p_benjamini_hochberg"  # extras: p-values corrected over one half
P_NOTE = (
    "p is two-sided where the test has two sides; Holm and BH are corrected over the tests of one "
    "half of the words."
)


def scorecard_view(card: Scorecard, warnings: Sequence[str] = ()) -> str:
    """Return the scorecard for the terminal: the report half first, then all and tune words."""
    report, rest = _halved(card.records)
    blocks: list[RenderableType] = [f"Scorecard of {card.vectors}"]
    blocks += [f"WARNING: {warning}" for warning in dict.fromkeys((*card.warnings, *warnings))]
    caution = " (worth no more than the WARNING above lets them)" if card.warnings else ""
    blocks += _tables(f"Headline: report words, on which nothing was tuned{caution}", report)
    blocks += _tables(f"All words and tune words{caution}", rest)
    if any(_has_statistic(record) for record in card.records):
        blocks += ["", SCALE_NOTE]
    if any(record.extra.get("warning_scale") for record in card.records):
        blocks.append(SCALE_MARK)
    if any(record.p is not None for record in card.records):
        blocks.append(P_NOTE)
    blocks += [f"† of {name}: {kind}" for name, kind in _interval_kinds(card.records).items()]
    lost = [record for record in card.records if record.reason]
    if lost:
        blocks += ["", "Not measured:", *_lost_lines(lost)]
    remarks = null_remarks(card.records)
    if remarks:
        blocks += ["", "Random words:", *(f"  {line}" for line in remarks)]
    return _rendered(blocks)


def comparison_view(comparison: Comparison) -> str:
    """Return the report half of the comparison for the terminal, and which metrics agree."""
    shown = comparison.half("report")
    rows = [row for row in shown.rows if set(row.values) != {None}]
    blocks: list[RenderableType] = ["Comparison on report words: value (rank, 1 is best)"]
    blocks += [f"  [{i}] {name}" for i, name in enumerate(shown.vectors, start=1)]
    for first in range(0, len(shown.vectors), FILES_A_TABLE):
        last = min(first + FILES_A_TABLE, len(shown.vectors))
        blocks.append(_comparison_table(rows, range(first, last)))
    if shown.collapsed:
        named = ", ".join(f"[{i + 1}]" for i in shown.collapsed)
        blocks.append(f"{named} not ranked: collapsed, see the WARNING above its scorecard.")
    blocks += [
        f"{MISSING} is not measured, and what is measured in no file is left out; weat is compared "
        "by its statistic s, not by d.",
        "",
    ]
    correlations = metric_correlations(shown)
    if correlations.reason is not None:
        blocks.append(f"Rank correlation between metrics: not measured: {correlations.reason}")
        return _rendered(blocks)
    blocks.append(
        "Rank correlation between metrics: Kendall's τ-b over the files, each metric by a file's "
        "mean rank; 1: they prefer the same files"
    )
    numbers = [f"{i}" for i in range(1, len(correlations.labels) + 1)]
    table = _table(["", "", *numbers], text_columns=2)
    for row in zip(numbers, correlations.labels, correlations.taus, strict=True):
        number, label, taus = row
        table.add_row(number, label, *(_number(tau, 2) for tau in taus))
    return _rendered([*blocks, table])


def _halved(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return the records of the headline, with those that know no halves, and the others."""
    halved = {(record.metric, record.name) for record in records if record.words == "report"}

    def headline(record: Record) -> bool:
        return record.words == "report" or (record.metric, record.name) not in halved

    return [r for r in records if headline(r)], [r for r in records if not headline(r)]


def _tables(title: str, records: Sequence[Record]) -> list[RenderableType]:
    weat = [record for record in records if _has_statistic(record)]
    other = [r for r in records if r.value is not None and not _has_statistic(r)]
    tables: list[RenderableType] = []
    if weat:
        tables.append(_weat_table(weat))
    # Apart from each other both fit the width: few metrics besides WEAT have a p.
    for found in ([r for r in other if r.p is None], [r for r in other if r.p is not None]):
        if found:
            tables.append(_other_table(found))
    return ["", title, *tables] if tables else []


def _has_statistic(record: Record) -> bool:
    return record.metric == "weat" and record.extra.get("statistic") is not None


def _weat_table(records: Sequence[Record]) -> Table:
    head = ["WEAT", "words", "n", "s", "95 % interval", "null95", "baseline's", "d"]
    head += ["95 % interval", "p", "Holm", "BH", "test"]
    rows = []
    for record in records:
        extra = record.extra
        rows.append(
            [
                *(record.name, record.words, str(record.n), _number(extra["statistic"], 4)),
                _interval(extra.get("statistic_low"), extra.get("statistic_high"), 4),
                _number(extra.get("null95"), 4),
                _number(extra.get("null95_baseline"), 4),
                _number(record.value, 2) + ("‡" if extra.get("warning_scale") else ""),
                _interval(record.low, record.high, 2),
                *_ps(record),
                (record.method or "").replace("monte_carlo", "MC"),
            ]
        )
    return _filled(head, rows, text_columns=2)


def _other_table(records: Sequence[Record]) -> Table:
    head = ["metric", "name", "words", "n", "value", "95 % interval", "random words", "baseline's"]
    head += ["p", "Holm", "BH", "better"]
    sections = []
    for metric, found in _by_metric(records).items():
        rows = [
            [
                *("", record.name, record.words, str(record.n), _number(record.value, 4)),
                _interval(record.low, record.high, 4) + ("†" if _kind(record) else ""),
                _band(record, ""),
                _band(record, "_baseline"),
                *_ps(record),
                direction_of(record).better or "",
            ]
            for record in found
        ]
        rows[0][0] = metric
        sections.append(rows)
    return _filled(head, *sections, text_columns=3)


def _kind(record: Record) -> str | None:
    """Return what the interval is where it is no bootstrap interval of 95 %."""
    kind: str | None = record.extra.get("interval")
    return None if record.low is None else kind


def _interval_kinds(records: Sequence[Record]) -> dict[str, str]:
    return {f"{record.metric} {record.name}": kind for record in records if (kind := _kind(record))}


def _band(record: Record, suffix: str) -> str:
    """Return where the middle 95 % of random word sets lie."""
    return _interval(
        record.extra.get(f"null_low{suffix}"), record.extra.get(f"null_high{suffix}"), 3
    )


def _ps(record: Record) -> tuple[str, str, str]:
    p = record.extra.get("p_two_sided")
    return (
        _p(record.p if p is None else p),
        _p(record.extra.get(HOLM)),
        _p(record.extra.get(BH)),
    )


def _comparison_table(rows: Iterable[ComparedMetric], files: range) -> Table:
    head = ["metric", "name", "words", "better", *(f"[{i + 1}]" for i in files)]
    sections = []
    for metric, found in _by_metric(rows).items():
        cells = [
            ["", row.name, row.words, row.better or "", *(_ranked(row, i) for i in files)]
            for row in found
        ]
        cells[0][0] = metric
        sections.append(cells)
    return _filled(head, *sections, text_columns=4)


def _by_metric(rows: Iterable[_R]) -> dict[str, list[_R]]:
    """Bring the rows of a metric together, metrics in the order in which they first come."""
    found: dict[str, list[_R]] = {}
    for row in rows:
        found.setdefault(row.metric, []).append(row)
    return found


def _ranked(row: ComparedMetric, file: int) -> str:
    value, rank = row.values[file], row.ranks[file]
    return _number(value, 4) + ("" if rank is None else f" ({rank:.0f})")


def _filled(head: list[str], *sections: list[list[str]], text_columns: int) -> Table:
    """Return a table without the columns in which no row says anything."""
    rows = [row for section in sections for row in section]
    kept = [i for i in range(len(head)) if any(row[i] not in ("", MISSING) for row in rows)]
    table = _table([head[i] for i in kept], sum(i < text_columns for i in kept))
    for i, section in enumerate(sections):
        for row in section:
            table.add_row(*(row[i] for i in kept))
        if any(len(each) > 1 for each in sections[i : i + 2]):  # single rows stand together
            table.add_section()
    return table


def _table(head: Sequence[str], text_columns: int) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for i, name in enumerate(head):
        table.add_column(name, justify="left" if i < text_columns else "right", overflow="fold")
    return table


def _lost_lines(lost: Sequence[Record]) -> list[str]:
    """Return one line for each run of records that were lost for the same reason."""
    lines = []
    for (metric, name, reason), found in groupby(lost, key=lambda r: (r.metric, r.name, r.reason)):
        halves = ", ".join(record.words for record in found)
        lines.append(f"  {metric} {name}, {halves} words: {reason}")
    return lines


def _number(value: float | None, digits: int) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _interval(low: float | None, high: float | None, digits: int) -> str:
    return "" if low is None or high is None else f"[{low:.{digits}f}, {high:.{digits}f}]"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _rendered(blocks: Iterable[RenderableType]) -> str:
    """Return the text; only a terminal gets colour and its own width."""
    console = _console()
    for block in blocks:
        console.print(_wrapped(block, console.width) if isinstance(block, str) else block)
    text = cast(StringIO, console.file).getvalue()
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _wrapped(line: str, width: int) -> Text:
    """Break a line at spaces only: a path stays in one piece, however long."""
    from rich.text import Text

    lines = wrap(
        line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return Text("\n".join(lines), no_wrap=True, overflow="ignore")


def _console() -> Console:
    """Return a console that writes to memory as it would to where the command prints."""
    from rich.console import Console

    here = Console()
    return Console(
        file=StringIO(),
        force_terminal=here.is_terminal,
        color_system="auto" if here.is_terminal else None,
        width=here.width if here.is_terminal else PIPED_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
