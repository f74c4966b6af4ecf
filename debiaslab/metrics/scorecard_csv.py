"""Scorecards, a comparison of files, and the correlations between its metrics, as CSV."""

from __future__ import annotations

from collections.abc import Sequence

from debiaslab.metrics.comparison import Comparison, RankCorrelations
from debiaslab.metrics.scorecard import Scorecard
from debiaslab.tables import Column, Table


def scorecards_csv(cards: Sequence[Scorecard]) -> str:
    """Return CSV text: a header, then one row a record, the file or run in the column ``vectors``.

    The columns are those of the JSON in its order, and after them every extra value that any record
    has. An empty cell is no value; a list of words is joined by ``;``, another list is JSON.
    """
    rows = [
        {"vectors": card.vectors, **record.to_dict()} for card in cards for record in card.records
    ]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[row.get(column) for column in columns] for row in rows]
    return Table(tuple(map(Column, columns)), cells).csv()


def comparison_csv(comparison: Comparison) -> str:
    """Return one row a metric: what is compared, what is better, then value and rank by file.

    An empty cell is a value that was not measured.
    """
    head = (
        *("metric", "name", "words", "compared", "better"),
        *(f"value {each}" for each in comparison.vectors),
        *(f"rank {each}" for each in comparison.vectors),
    )
    rows = [
        (
            *(row.metric, row.name, row.words, row.key, row.better or "not ranked"),
            *row.values,
            *(None if rank is None else f"{rank:.0f}" for rank in row.ranks),
        )
        for row in comparison.rows
    ]
    return Table(tuple(map(Column, head)), rows).csv()


def correlations_csv(correlations: RankCorrelations) -> str:
    """Return the square matrix with a header and the labels in the first column."""
    found = zip(correlations.labels, correlations.taus, strict=True)
    columns = tuple(map(Column, ("Kendall tau-b", *correlations.labels)))
    return Table(columns, [(label, *taus) for label, taus in found]).csv()
