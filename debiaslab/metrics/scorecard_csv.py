"""Scorecards as CSV: one row a record, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from debiaslab.metrics.scorecard import Scorecard


def scorecards_csv(cards: Sequence[Scorecard]) -> str:
    """Return CSV text: a header, then one row a record, the file or run in the column ``vectors``.

    The columns are those of the JSON in its order, and after them every extra value that any record
    has. An empty cell is no value; a list of words is joined by ``;``, another list is JSON.
    """
    rows = [
        {"vectors": card.vectors, **record.to_dict()} for card in cards for record in card.records
    ]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return ";".join(value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)
