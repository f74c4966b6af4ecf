"""The gender-blind floor: the lipstick tests with and without gender in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from debiaslab.report.comparison import Comparing, Measure, compared
from debiaslab.results import Side
from debiaslab.tables import Block, Column, Table, markdown, plain

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


def floor_blocks(sides: Sequence[Side]) -> list[Block]:
    """Return the table, and how other numbers are read against it."""
    return [floor_table(sides), how_to_read(floor_rows(sides))]


def floor_text(sides: Sequence[Side]) -> str:
    """Return the floor as plain text."""
    return plain(floor_blocks(sides))


def floor_markdown(sides: Sequence[Side]) -> str:
    """Return the floor as Markdown."""
    return markdown(floor_blocks(sides))


def floor_table(sides: Sequence[Side]) -> Table:
    """Return one row a lipstick test."""
    columns = (
        *(Column("test", align="left"), Column("baseline", _value)),
        *(Column("gender-blind (floor)", _value), Column("difference")),
        Column("room above the floor"),
    )
    rows = [_row(row) for row in floor_rows(sides)]
    return Table(columns, rows, notes=(_caption(sides),), label="tab:floor")


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


def _row(row: FloorRow) -> tuple[object, ...]:
    baseline, floor = (
        each if each.mean is not None else None for each in (row.baseline, row.floor)
    )
    pair = row.floor.to_baseline
    if pair is None:
        return row.measure.label, baseline, floor, None, None
    low, high = pair.interval
    between = "" if low is None or high is None else f" [{low:+.3f}, {high:+.3f}]"
    room = "one seed cannot tell" if high is None else "yes" if high < 0 else "none seen"
    return row.measure.label, baseline, floor, f"{pair.difference:+.3f}{between}", room


def _caption(sides: Sequence[Side]) -> str:
    n = len(sides[0].cards)
    return (
        f"mean and 95 % t interval over {n} seed{'s' * (n != 1)}; chance is 0.5, 0.5, 0 and "
        "0; labels are those of the baseline of the same seed; gender-blind: every gender word "
        "and first name was one word before training; room: whether the baseline is surely above "
        "the floor, so that a strategy could show anything here"
    )


def _value(result: Comparing) -> str:
    low, high = _interval(result)
    between = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return f"{result.mean:.3f}{between}"


def _interval(result: Comparing) -> tuple[float | None, float | None]:
    if result.mean is None or result.half_width is None:
        return None, None
    return result.mean - result.half_width, result.mean + result.half_width
