"""The table of a sweep, as plain text and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from debiaslab.results import Spread, TrialRow, TrialSummary, summarize

if TYPE_CHECKING:
    from debiaslab.metrics.scorecard import Record

HEAD = (
    "trial",
    "λ",
    "bias tune",
    "bias report",
    "retention tune",
    "retention report",
    "score",
    "",
)
NOT_MEASURED = "n/m"


def sweep_cells(rows: Iterable[TrialRow]) -> list[tuple[str, ...]]:
    """Return the cells under ``HEAD``, one tuple a trial; the last marks the best with ``*``."""
    return [_cells(summary) for summary in summarize(rows)]


def sweep_table(rows: Sequence[TrialRow]) -> str:
    """Return the sweep as aligned text with a line that explains it; the best trial has a ``*``."""
    grid = [HEAD, *sweep_cells(rows)]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    lines = [_aligned(cells, widths) for cells in grid]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:], "", caption(rows)]) + "\n"


def sweep_markdown(rows: Sequence[TrialRow]) -> str:
    """Return the sweep as a Markdown table, the best trial in bold."""
    lines = ["| " + " | ".join(HEAD[:-1]) + " |", "|" + "---:|" * (len(HEAD) - 1)]
    for cells in sweep_cells(rows):
        shown = [f"**{cell}**" for cell in cells[:-1]] if cells[-1] else list(cells[:-1])
        lines.append("| " + " | ".join(shown) + " |")
    return "\n".join([*lines, "", caption(rows, best="bold")]) + "\n"


def caption(rows: Sequence[TrialRow], best: str = "*") -> str:
    """Say what the numbers are, and how the table marks the ``best`` trial."""
    seeds = len({row.seed for row in rows})
    over = "one seed" if seeds < 2 else f"mean ± standard deviation over {seeds} seeds"
    return (
        f"{over}; bias in units of the 95 % quantile of |s| for random words in the baseline; "
        f"retention against the baseline; {best} {_why(rows)}; n/m not measured"
    )


def _why(rows: Sequence[TrialRow]) -> str:
    """Say what made the best trial the best: the baseline is none, and may have a lower score."""
    trials = [each for each in summarize(rows) if each.trial is not None]
    lowest = min((each.score.mean for each in trials), default=0.0)
    if all(each.score.mean <= lowest for each in trials if each.best):
        return "the lowest score of the trials"
    return "the best trial (those with a lower score lack a seed, or the retention asked for)"


def number(value: float | None, digits: int = 3) -> str:
    """Return ``value`` with that many decimals, ``n/m`` for None."""
    return NOT_MEASURED if value is None else f"{value:.{digits}f}"


def null_range(record: Record) -> str:
    """Return what random words show in the vectors measured; empty when there is no such null."""
    null95 = record.extra.get("null95")
    if null95 is not None:
        return f"≤ {null95:.4f}"
    low, high = record.extra.get("null_low"), record.extra.get("null_high")
    return "" if low is None or high is None else f"[{low:.4f}, {high:.4f}]"


def _cells(summary: TrialSummary) -> tuple[str, ...]:
    return (
        "baseline" if summary.trial is None else str(summary.trial),
        f"{summary.weight:.3g}",
        _spread(summary.bias_tune),
        _spread(summary.bias_report),
        _spread(summary.retention),
        _spread(summary.retention_report),
        _spread(summary.score),
        "*" if summary.best else "",
    )


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return NOT_MEASURED
    return number(spread.mean) + ("" if spread.sd is None else f" ±{spread.sd:.3f}")


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
