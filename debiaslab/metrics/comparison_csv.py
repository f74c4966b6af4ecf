"""A comparison of files, and the correlations between its metrics, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from debiaslab.metrics.comparison import Comparison, RankCorrelations


def comparison_csv(comparison: Comparison) -> str:
    """Return one row a metric: what is compared, what is better, then value and rank by file.

    An empty cell is a value that was not measured.
    """
    values = [f"value {each}" for each in comparison.vectors]
    ranks = [f"rank {each}" for each in comparison.vectors]
    head = ["metric", "name", "words", "compared", "better", *values, *ranks]
    return _csv(
        head,
        (
            [
                *(row.metric, row.name, row.words, row.key, row.better or "not ranked"),
                *map(_cell, row.values),
                *("" if rank is None else f"{rank:.0f}" for rank in row.ranks),
            ]
            for row in comparison.rows
        ),
    )


def correlations_csv(correlations: RankCorrelations) -> str:
    """Return the square matrix with a header and the labels in the first column."""
    rows = zip(correlations.labels, correlations.taus, strict=True)
    return _csv(
        ["Kendall tau-b", *correlations.labels],
        ([label, *map(_cell, taus)] for label, taus in rows),
    )


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)


def _csv(head: list[str], rows: Iterable[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()
