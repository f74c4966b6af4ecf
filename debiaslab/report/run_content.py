"""What the report of a single run holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from debiaslab.metrics.comparison import warnings_of
from debiaslab.metrics.scorecard import null_remarks
from debiaslab.metrics.tables import SCALE_MARK
from debiaslab.report.content import ReportContent, code_origin, source_diff
from debiaslab.report.figures import association_label
from debiaslab.report.tables import NOT_MEASURED, null_range
from debiaslab.tables import Column, Table, TableCell, span

if TYPE_CHECKING:
    from debiaslab.metrics import Record, Scorecard
    from debiaslab.report.drawings import Drawing

_SCALE_FREE = (
    "d is scale-free. It divides s by the spread of the associations, so it stays large, with "
    "random sign, when all associations have vanished. Compare s, against null95."
)
_OUTCOME = "In units of the objective"


@dataclass(frozen=True)
class RunContent:
    """What is known of one run when it has been measured.

    Attributes:
        title: Heading.
        params: Settings to list.
        provenance: What :func:`debiaslab.system.provenance.provenance` returned.
        scorecard: What was measured.
        formula: The objective, as text.
        outcome: Bias, retention and score in units of the objective.
        baseline: Scorecard of the baseline of the same seed, shown beside the run's.
        drawings: See :func:`debiaslab.report.drawings.run_drawings`.
    """

    title: str
    params: Mapping[str, object]
    provenance: Mapping[str, Any]
    scorecard: Scorecard
    formula: str
    outcome: Mapping[str, float | None] | None = None
    baseline: Scorecard | None = None
    drawings: Sequence[Drawing] = ()

    def report(self) -> ReportContent:
        """Return the report of the run."""
        records = self.scorecard.records
        outcome = {key: _shown(value) for key, value in (self.outcome or {}).items()}
        provenance = self.provenance
        command = " ".join(provenance.get("argv") or ())
        return ReportContent(
            title=self.title,
            question="What do the vectors of one training show?",
            headline=_headline(records, outcome),
            warnings=tuple(warnings_of(self.scorecard, self.baseline)),
            facts={
                **({_OUTCOME: outcome} if outcome else {}),
                "Settings": {key: str(value) for key, value in self.params.items()},
            },
            drawings=self.drawings,
            tables=[table for table in self._tables() if table.rows],
            paragraphs=_paragraphs(records),
            formula=self.formula,
            origin={**code_origin(provenance), "command": command},
            diff=source_diff(provenance),
        )

    def _tables(self) -> tuple[Table, Table]:
        found = [record for record in self.scorecard.records if record.reason is None]
        weat = [record for record in found if record.metric == "weat"]
        other = [record for record in found if record.metric != "weat"]
        return _associations(weat, self.baseline), _others(other, self.baseline)


def _headline(records: Sequence[Record], outcome: Mapping[str, str]) -> str:
    if {"bias_report", "retention_report", "score"} <= outcome.keys():
        return (
            f"Bias on report words {outcome['bias_report']}, retention on report pairs "
            f"{outcome['retention_report']}, score {outcome['score']}, in units of the objective."
        )
    measured = sum(record.reason is None for record in records)
    return f"{measured} of {len(records)} numbers of the scorecard were measured."


def _associations(records: Sequence[Record], baseline: Scorecard | None) -> Table:
    columns = [
        *(Column("test", align="left"), Column("words", align="left"), Column("n")),
        *(Column("s", "+.4f", missing=NOT_MEASURED), Column("95 % interval", span(4))),
        Column("s, baseline", "+.4f", missing=NOT_MEASURED),
        *(Column("null95", ".4f", missing=NOT_MEASURED), Column("d", "+.2f")),
        *(Column("95 % interval", span(2)), Column("p", ".2g", missing="")),
    ]
    rows = []
    for record in records:
        extra = record.extra
        before = None if baseline is None else baseline.statistic(record.name, record.words)
        rows.append(
            [
                *(association_label(record.name), record.words, record.n, extra.get("statistic")),
                (extra.get("statistic_low"), extra.get("statistic_high")),
                *(before, extra.get("null95")),
                TableCell(record.value, "‡" if extra.get("warning_scale") else ""),
                *((record.low, record.high), record.p),
            ]
        )
    marked = any(record.extra.get("warning_scale") for record in records)
    note = (
        "s: difference of mean associations, in cosine. null95: 95 % of |s| for random words in "
        f"these vectors. p: one-sided permutation test. {_SCALE_FREE}"
    )
    notes = (f"{note} {SCALE_MARK}" if marked else note,)
    return _without_baseline(Table(tuple(columns), rows, "Associations", notes), 5, baseline)


def _others(records: Sequence[Record], baseline: Scorecard | None) -> Table:
    columns = (
        *(Column(name, align="left") for name in ("measure", "of", "words")),
        *(Column("n", ",d"), Column("coverage", ".0%", missing="")),
        *(Column("value", ".4f", missing=NOT_MEASURED), Column("95 % interval", span(4))),
        *(Column("random words"), Column("baseline", ".4f", missing=NOT_MEASURED)),
    )
    rows = []
    for record in records:
        before = None
        if baseline is not None:
            before = baseline.value(record.metric, record.name, record.words)
        rows.append(
            [
                *(record.metric.replace("_", " "), record.name.replace("_", " "), record.words),
                *(record.n, record.extra.get("coverage"), record.value),
                *((record.low, record.high), null_range(record), before),
            ]
        )
    note = "Random words: the middle 95 % of what they show in these vectors."
    table = Table(columns, rows, "Utility and other measures", (note,), keys=3)
    return _without_baseline(table, 8, baseline)


def _without_baseline(table: Table, column: int, baseline: Scorecard | None) -> Table:
    """Return the table without its column of the baseline when there is none."""
    return table if baseline is not None else table.without(column)


def _paragraphs(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    remarks = tuple(null_remarks(records))
    lost = tuple(
        f"{record.metric} {record.name}, {record.words} words: {record.reason}"
        for record in records
        if record.reason is not None
    )
    missing = sorted({word for record in records for word in record.missing})
    found = {
        "Of the random words": remarks,
        "Not measured": lost,
        "Words of the lists that have no vector": (
            (f"{len(missing)}: {', '.join(missing)}",) if missing else ()
        ),
    }
    return {title: paragraphs for title, paragraphs in found.items() if paragraphs}


def _shown(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.3f}"
