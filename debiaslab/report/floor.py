"""The gender-blind floor as text and Markdown: the lipstick tests with and without gender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from debiaslab.report.comparison import Comparing, Measure, compared
from debiaslab.report.comparison_table import MISSING
from debiaslab.results import Side

MEASURES: tuple[Measure, ...] = (
    Measure("lipstick", "kmeans_alignment", "all", "lower", "k-means alignment"),
    Measure("lipstick", "svm_recovery", "all", "lower", "SVM accuracy"),
    Measure("lipstick", "profession_neighbors", "all", "lower", "profession neighbours r"),
    Measure("lipstick", "profession_neighbors", "report", "lower", "… of report words"),
)


@dataclass(frozen=True)
class FloorRow:
    """One lipstick test: the baseline, the gender-blind vectors, and their paired difference."""

    measure: Measure
    baseline: Comparing
    floor: Comparing

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The 95 % t interval of the floor over seeds."""
        return _interval(self.floor)


def floor_rows(sides: Sequence[Side]) -> tuple[FloorRow, ...]:
    """Return the lipstick tests of the baseline, ``sides[0]``, and the floor, ``sides[1]``."""
    return tuple(FloorRow(measure, *compared(sides, measure)) for measure in MEASURES)


def floor_text(sides: Sequence[Side]) -> str:
    """Return the table, and how other numbers are read against it."""
    head, rows = _cells(sides)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (head, *rows)
    ]
    grid = "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
    return f"{grid}\n\n{_caption(sides)}\n\n{how_to_read(floor_rows(sides))}\n"


def floor_markdown(sides: Sequence[Side]) -> str:
    """Return the same as Markdown."""
    head, rows = _cells(sides)
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", _caption(sides), "", how_to_read(floor_rows(sides))]) + "\n"


def how_to_read(rows: Sequence[FloorRow]) -> str:
    """Return the sentence that says what another strategy's numbers mean here."""
    measured = [row for row in rows if row.floor.mean is not None]
    if not measured:
        return "There is no floor here: none of the tests was measured without gender."
    first = measured[0]
    low, high = first.interval
    where = f"{first.floor.mean:.3f}" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"
    return (
        f"Read a strategy's numbers against the floor, not against chance: {first.measure.label} "
        f"in {where} is what topics alone give in this text, so a strategy that comes down to the "
        "floor has removed what these tests can tell of gender, and one below it has removed "
        "meaning as well."
    )


def _cells(sides: Sequence[Side]) -> tuple[list[str], list[list[str]]]:
    head = ["test", "baseline", "gender-blind (floor)", "difference", "room above the floor"]
    return head, [_row(row) for row in floor_rows(sides)]


def _row(row: FloorRow) -> list[str]:
    pair = row.floor.to_baseline
    if pair is None:
        return [row.measure.label, _value(row.baseline), _value(row.floor), MISSING, MISSING]
    low, high = pair.interval
    between = "" if low is None or high is None else f" [{low:+.3f}, {high:+.3f}]"
    room = "one seed cannot tell" if high is None else "yes" if high < 0 else "none seen"
    change = f"{pair.difference:+.3f}{between}"
    return [row.measure.label, _value(row.baseline), _value(row.floor), change, room]


def _caption(sides: Sequence[Side]) -> str:
    n = len(sides[0].cards)
    return (
        f"mean and 95 % t interval over {n} seed{'s' * (n != 1)}; chance is 0.5, 0.5, 0 and "
        "0; labels are those of the baseline of the same seed; gender-blind: every gender word "
        "and first name was one word before training; room: whether the baseline is surely above "
        "the floor, so that a strategy could show anything here"
    )


def _value(result: Comparing) -> str:
    if result.mean is None:
        return MISSING
    low, high = _interval(result)
    between = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return f"{result.mean:.3f}{between}"


def _interval(result: Comparing) -> tuple[float | None, float | None]:
    if result.mean is None or result.half_width is None:
        return None, None
    return result.mean - result.half_width, result.mean + result.half_width
