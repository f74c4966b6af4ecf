"""Several scorecards side by side: the rank of each by each metric, and which metrics agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.lexicons import Half
from debiaslab.metrics.registry import Better, direction_of
from debiaslab.metrics.scorecard import Scorecard
from debiaslab.tables import Column, Table

MIN_FILES = 3
"""With two files every rank correlation is 1 or −1: it says nothing."""

Numbers = tuple[float | None, ...]


@dataclass(frozen=True)
class ComparedMetric:
    """One metric over ``n`` files.

    Attributes:
        metric: As in the records.
        name: As in the records.
        words: As in the records.
        key: Which number is compared: ``value``, or an extra such as ``statistic``.
        better: What is better; None when neither is, and nothing is ranked.
        values: One number a file; None where it was not measured.
        ranks: 1 for the best; equal files share the better rank; None without a value, or when the
            file has collapsed.
    """

    metric: str
    name: str
    words: Half
    key: str
    better: Better | None
    values: Numbers
    ranks: Numbers

    @property
    def label(self) -> str:
        """The metric in one phrase."""
        return f"{self.metric} {self.name} {self.words}"


@dataclass(frozen=True)
class RankCorrelations:
    """Result of :func:`rank_correlations`: Kendall's τ-b between ``m`` metrics.

    Attributes:
        labels: What each row and column is.
        taus: ``m`` rows of ``m`` numbers in [−1, 1]; None where fewer than three files have both,
            or one of the metrics ranks them all alike.
        reason: Why there is nothing; None when there is.
    """

    labels: tuple[str, ...] = ()
    taus: tuple[Numbers, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Result of :func:`compare`.

    Attributes:
        vectors: The names of the files.
        rows: One metric, name and half each.
        collapsed: The numbers of the files that have collapsed, which are not ranked.
    """

    vectors: tuple[str, ...]
    rows: tuple[ComparedMetric, ...]
    collapsed: tuple[int, ...] = ()

    def half(self, half: Half) -> Comparison:
        """Return the rows of one half, and those that know no halves."""
        halved = {(row.metric, row.name) for row in self.rows if row.words == half}
        return Comparison(
            self.vectors,
            tuple(
                row
                for row in self.rows
                if row.words == half
                or (row.words == "all" and (row.metric, row.name) not in halved)
            ),
            self.collapsed,
        )


def compare(cards: Sequence[Scorecard]) -> Comparison:
    """Put two scorecards or more side by side.

    Vectors that have collapsed show no bias either: their numbers are there, and are not ranked.

    Returns:
        Every metric, name and half that any of them has, in the order of the first that has it.

    Raises:
        UserError: There are fewer than two.
    """
    if len(cards) < 2:
        raise UserError("one scorecard has nothing to be compared with", allowed="two or more")
    keys = dict.fromkeys((r.metric, r.name, r.words) for card in cards for r in card.records)
    return Comparison(
        tuple(card.vectors for card in cards),
        tuple(_compared(cards, *key) for key in keys),
        tuple(i for i, card in enumerate(cards) if card.collapsed),
    )


def rank_correlations(comparison: Comparison) -> RankCorrelations:
    """Return Kendall's τ-b between the rankings of the files by each ranked row.

    Positive where two metrics prefer the same files, whichever way their numbers point.
    """
    ranked = [row for row in comparison.rows if row.better is not None]
    return _correlated(comparison, [row.label for row in ranked], [row.ranks for row in ranked])


def metric_correlations(comparison: Comparison) -> RankCorrelations:
    """Return Kendall's τ-b between metrics, each by a file's mean rank over the metric's rows.

    Rows in which a file has no value are left out of its metric's mean, for every file; files that
    have collapsed are left out of all.
    """
    ranks: dict[str, list[Numbers]] = {}
    for row in comparison.rows:
        known = [rank for i, rank in enumerate(row.ranks) if i not in comparison.collapsed]
        if row.better is not None and None not in known:
            ranks.setdefault(row.metric, []).append(row.ranks)
    means = [_mean_ranks(rows) for rows in ranks.values()]
    return _correlated(comparison, list(ranks), means)


def _compared(cards: Sequence[Scorecard], metric: str, name: str, words: Half) -> ComparedMetric:
    records = [card.record(metric, name, words) for card in cards]
    direction = next(direction_of(record) for record in records if record is not None)
    values = tuple(None if record is None else direction.number(record) for record in records)
    badness = [
        None
        if record is None or value is None or card.collapsed
        else direction.badness(value, record)
        for card, record, value in zip(cards, records, values, strict=True)
    ]
    return ComparedMetric(
        metric, name, words, direction.key, direction.better, values, _ranks(badness)
    )


def _ranks(badness: Sequence[float | None]) -> Numbers:
    known = [each for each in badness if each is not None]
    return tuple(
        None if each is None else 1.0 + sum(other < each for other in known) for each in badness
    )


def _mean_ranks(rows: Sequence[Numbers]) -> Numbers:
    return tuple(np.array(rows, dtype=np.float64).mean(axis=0).tolist())


def _correlated(
    comparison: Comparison, labels: Sequence[str], ranks: Sequence[Numbers]
) -> RankCorrelations:
    given, lost = len(comparison.vectors), len(comparison.collapsed)
    if given - lost < MIN_FILES:
        said = f"a rank correlation needs {MIN_FILES} files or more, {given} were given"
        return RankCorrelations(reason=said + (f", of which {lost} collapsed" if lost else ""))
    if not ranks:
        return RankCorrelations(reason="no metric was measured in every file")
    taus = _kendall(np.array(ranks, dtype=np.float64))
    return RankCorrelations(
        tuple(labels),
        tuple(tuple(None if np.isnan(tau) else float(tau) for tau in row) for row in taus),
    )


def _kendall(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return τ-b between the rows of ``ranks``, shape ``(m, files)``; NaN is a missing value.

    Kendall 1945: concordant less discordant pairs of files over the geometric mean of the pairs
    that each row does not tie, all over the files that both rows have.
    """
    first, second = np.triu_indices(ranks.shape[1], k=1)
    differences = ranks[:, first] - ranks[:, second]
    known = ~np.isnan(differences)
    signs = np.where(known, np.sign(differences), 0.0)
    untied = np.abs(signs) @ known.T.astype(np.float64)
    scale = np.sqrt(untied * untied.T)
    here = (~np.isnan(ranks)).astype(np.float64)
    usable = (scale > 0) & (here @ here.T >= MIN_FILES)
    taus = np.full(scale.shape, np.nan)
    np.divide(signs @ signs.T, scale, out=taus, where=usable)
    return taus


# As CSV -----------------------------------------------------------------------------------------


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
