"""The scorecard as plain text, and the columns that tables of association tests share."""

from __future__ import annotations

from collections.abc import Iterable

from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.tables import Column, Table, TableCell, span

SCALE_NOTE = (
    "d is scale-free and can stay large when every association has vanished: compare s, "
    "against null95 (95 % of |s| for random words here)."
)

WEAT_COLUMNS = (
    *(Column("WEAT", align="left"), Column("words", align="left"), Column("n")),
    *(Column("s", "+.4f"), Column("95 % interval", span(4)), Column("null95", ".4f")),
    *(Column("d", "+.2f"), Column("95 % interval", span(2)), Column("p", ".2g", missing="")),
)
_OTHER = (
    *(Column(name, align="left") for name in ("metric", "name", "words")),
    *(Column("n"), Column("value", ".4f"), Column("95 % interval", span(4))),
)


def scorecard_table(card: Scorecard) -> str:
    """Return the text: warnings, WEAT with s, d and p side by side, the rest, what has no value."""
    weat = [record for record in card.records if record.metric == "weat" and _has_statistic(record)]
    other = [record for record in card.records if record.metric != "weat" and _has_value(record)]
    lost = [record for record in card.records if record.reason]
    blocks = [f"Scorecard of {card.vectors}"] if card.vectors else []
    blocks += [f"WARNING: {warning}" for warning in card.warnings]
    if weat:
        rows = [(*weat_row(record), method_name(record)) for record in weat]
        blocks.append(Table((*WEAT_COLUMNS, Column("")), rows, keys=2).plain())
        blocks.append("\n".join([SCALE_NOTE, *scale_mark(weat)]))
    if other:
        blocks.append(Table(_OTHER, list(map(_other_row, other)), keys=3).plain())
    if lost:
        blocks.append("Not measured:\n" + "\n".join(map(_lost_line, lost)))
    return "\n\n".join(blocks) + "\n"


def _has_statistic(record: Record) -> bool:
    return record.extra.get("statistic") is not None


def _has_value(record: Record) -> bool:
    return record.value is not None


def weat_row(record: Record) -> tuple[object, ...]:
    """Return the cells of an association test, by ``WEAT_COLUMNS``."""
    extra = record.extra
    return (
        *(record.name, record.words, record.n, extra.get("statistic")),
        *((extra.get("statistic_low"), extra.get("statistic_high")), extra.get("null95")),
        TableCell(record.value, "‡" if extra.get("warning_scale") else ""),
        *((record.low, record.high), record.p),
    )


def method_name(record: Record) -> str:
    """Return how a p-value was computed, in short."""
    return (record.method or "").replace("monte_carlo", "MC")


def scale_mark(records: Iterable[Record]) -> list[str]:
    """Return what the mark of :func:`weat_row` means, where one of the records bears it."""
    marked = any(record.extra.get("warning_scale") for record in records)
    return ["‡ d looks large while s is no larger than random words show here: read s."] * marked


def _other_row(record: Record) -> tuple[object, ...]:
    ends = (record.low, record.high)
    return record.metric, record.name, record.words, record.n, record.value, ends


def _lost_line(record: Record) -> str:
    return f"  {record.metric} {record.name}, {record.words} words: {record.reason}"
