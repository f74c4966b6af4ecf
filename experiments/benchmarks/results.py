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

from debiaslab.atomic import replacing
from debiaslab.provenance import git_state, provenance
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
        better: Whether larger (≥) or smaller (≤) values reach it.
        bar: What must be reached; None for a row that is only information.
        note: What else should be known.
    """

    name: str
    what: str
    bar: float | None
    better: Literal["≥", "≤"] = "≥"
    value: float | None = None
    text: str = ""
    unit: str = ""
    measurements: Mapping[str, Side] = field(default_factory=dict)
    note: str = ""

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
        if len(self.measurements) == 2:
            first, second = self.measurements.values()
            made["ratio_of_each_turn"] = [x / y for x, y in zip(first, second, strict=True)]
        return made


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
    """Return rows of the results file as text."""
    lines = [("", "medians", "result", "bar", "reached")]
    lines += [_line(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _line(row: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    medians = ", ".join(f"{side} {_short(value)}" for side, value in row["medians"].items())
    bar = "" if row["bar"] is None else f"{row['better']} {row['bar']:,g}"
    if row["value"] is None:
        return row["what"], f"not measured ({row['note']})", "", bar, ""
    reached = {None: "", True: "yes", False: "NO"}[row["reached"]]
    return row["what"], f"{medians} {row['unit']}".strip(), _short(row["value"]), bar, reached


def _short(value: float) -> str:
    """Return four significant digits, with M for millions."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f}M"
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 3)}f}"
