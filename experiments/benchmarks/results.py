"""A row of the table, the file that keeps all rows, and the table as text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any, Literal

from debiaslab.system.files import replacing
from debiaslab.system.provenance import git_state, provenance
from experiments.benchmarks.measuring import Finished
from experiments.benchmarks.setup import REPOSITORY

Side = Sequence[float]


@dataclass(frozen=True)
class Row:
    """One line of the bar's table.

    Attributes:
        name: Key in the results file.
        what: For people.
        text: What it was measured on.
        unit: Of the measurements.
        measurements: Every single one, by side, in the order they were taken.
        value: What is held against the bar; None when not measured.
        by_cpu: The same ratio by CPU time, which other processes hardly change; None where it
            has no meaning.
        better: Whether larger (≥) or smaller (≤) values reach it.
        bar: What must be reached; None for a row that is only information.
        note: What else should be known.
        conditions: By side, for each measurement: ``cpu_seconds`` of the whole process, and
            ``others``, the cores that other processes kept busy.
    """

    name: str
    what: str
    bar: float | None
    better: Literal["≥", "≤"] = "≥"
    value: float | None = None
    by_cpu: float | None = None
    text: str = ""
    unit: str = ""
    measurements: Mapping[str, Side] = field(default_factory=dict)
    note: str = ""
    conditions: Mapping[str, Mapping[str, Side]] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the bar is reached; None when there is no bar or no value."""
        if self.value is None or self.bar is None:
            return None
        return self.value >= self.bar if self.better == "≥" else self.value <= self.bar

    def to_json(self) -> dict[str, Any]:
        """Return it with medians, the ratio of each turn, and when it was measured."""
        made = {
            **asdict(self),
            "reached": self.reached,
            "medians": {side: median(values) for side, values in self.measurements.items()},
            "measured": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        turns = {len(values) for values in self.measurements.values()}
        if len(self.measurements) == 2 and len(turns) == 1:
            first, second = self.measurements.values()
            made["ratio_of_each_turn"] = [x / y for x, y in zip(first, second, strict=True)]
        return made


def conditions(found: Mapping[str, Sequence[Finished]]) -> dict[str, Mapping[str, Side]]:
    """Return under what conditions each measurement of a row was taken."""
    return {
        "cpu_seconds": {side: [run.cpu_seconds for run in runs] for side, runs in found.items()},
        "others": {side: [round(run.others, 3) for run in runs] for side, runs in found.items()},
    }


def ratio_of_medians(measurements: Mapping[str, Side]) -> float:
    """Return the median of the first side divided by that of the second."""
    first, second = measurements.values()
    return median(first) / median(second)


def save(path: Path, rows: Iterable[Row]) -> dict[str, Any]:
    """Put the rows into the results file, beside those of earlier runs, and return all of it."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"rows": {}}
    made_by = {key: value for key, value in provenance().items() if key not in ("argv", "git")}
    git = git_state(REPOSITORY / "debiaslab" / "__init__.py")
    if git is not None:
        made_by["commit"] = git["commit"] + (" with changes" if git["dirty"] else "")
    for row in rows:
        known["rows"][row.name] = {**row.to_json(), "made_by": made_by}
    with replacing(path) as new:
        text = json.dumps(known, indent=1, ensure_ascii=False, allow_nan=False)
        new.write_text(text + "\n", encoding="utf-8")
    return known


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows of the results file as text; "others": cores that other processes kept busy."""
    lines: list[tuple[str, ...]] = [("", "medians", "result", "by CPU", "bar", "reached", "others")]
    lines += [_line(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    medians = ", ".join(f"{side} {_short(value)}" for side, value in row["medians"].items())
    bar = "" if row["bar"] is None else f"{row['better']} {row['bar']:,g}"
    if row["value"] is None:
        return row["what"], f"not measured ({row['note']})", "", "", bar, "", ""
    reached = {None: "", True: "yes", False: "NO"}[row["reached"]]
    by_cpu = "" if row.get("by_cpu") is None else _short(row["by_cpu"])
    busy = [each for side in row["conditions"].get("others", {}).values() for each in side]
    others = f"{median(busy):.1f}" if busy else ""
    measured = f"{medians} {row['unit']}".strip()
    return row["what"], measured, _short(row["value"]), by_cpu, bar, reached, others


def _short(value: float) -> str:
    """Return four significant digits, with M for millions."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f}M"
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 3)}f}"
