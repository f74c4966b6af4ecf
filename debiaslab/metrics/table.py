"""The scorecard as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from debiaslab.metrics.scorecard import Record, Scorecard

SCALE_NOTE = (
    "d is scale-free and can stay large when every association has vanished: compare s, "
    "against null95 (95 % of |s| for random words here)."
)

SCALE_MARK = "‡ d looks large while s is no larger than random words show here: read s."

_WEAT_HEAD = ("WEAT", "words", "n", "s", "95 % interval", "null95", "d", "95 % interval", "p", "")
_OTHER_HEAD = ("metric", "name", "words", "n", "value", "95 % interval")


def scorecard_table(card: Scorecard) -> str:
    """Return the text: warnings, WEAT with s, d and p side by side, the rest, what has no value."""
    weat = [record for record in card.records if record.metric == "weat" and _has_statistic(record)]
    other = [record for record in card.records if record.metric != "weat" and _has_value(record)]
    lost = [record for record in card.records if record.reason]
    blocks = [f"Scorecard of {card.vectors}"] if card.vectors else []
    blocks += [f"WARNING: {warning}" for warning in card.warnings]
    if weat:
        blocks.append(_grid(_WEAT_HEAD, [_weat_row(record) for record in weat], text_columns=2))
        marked = any(record.extra.get("warning_scale") for record in weat)
        blocks.append(f"{SCALE_NOTE}\n{SCALE_MARK}" if marked else SCALE_NOTE)
    if other:
        blocks.append(_grid(_OTHER_HEAD, [_other_row(record) for record in other], text_columns=3))
    if lost:
        blocks.append("Not measured:\n" + "\n".join(map(_lost_line, lost)))
    return "\n\n".join(blocks) + "\n"


def _has_statistic(record: Record) -> bool:
    return record.extra.get("statistic") is not None


def _has_value(record: Record) -> bool:
    return record.value is not None


def _weat_row(record: Record) -> list[str]:
    extra = record.extra
    return [
        record.name,
        record.words,
        str(record.n),
        _number(extra["statistic"], 4),
        _interval(extra.get("statistic_low"), extra.get("statistic_high"), 4),
        _number(extra.get("null95"), 4, sign=False),
        _number(record.value, 2) + ("‡" if extra.get("warning_scale") else ""),
        _interval(record.low, record.high, 2),
        "" if record.p is None else f"{record.p:.2g}",
        (record.method or "").replace("monte_carlo", "MC"),
    ]


def _other_row(record: Record) -> list[str]:
    return [
        record.metric,
        record.name,
        record.words,
        str(record.n),
        _number(record.value, 4, sign=False),
        _interval(record.low, record.high, 4),
    ]


def _lost_line(record: Record) -> str:
    return f"  {record.metric} {record.name}, {record.words} words: {record.reason}"


def _number(value: float | None, digits: int, *, sign: bool = True) -> str:
    if value is None:
        return "–"
    return f"{value:{'+' if sign else ''}.{digits}f}"


def _interval(low: float | None, high: float | None, digits: int) -> str:
    if low is None or high is None:
        return ""
    return f"[{low:.{digits}f}, {high:.{digits}f}]"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int) -> str:
    """Align columns: the first ``text_columns`` to the left, the numbers to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, *rows):
        cells = [
            cell.ljust(width) if i < text_columns else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
