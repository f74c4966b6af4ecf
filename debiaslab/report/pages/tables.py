"""The tables of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.metrics.null_remarks import null_remarks
from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.scorecard import Record
from debiaslab.report.comparison import HEADLINE, Comparing, Measure, compared, footnotes, sentence
from debiaslab.report.pages.content import Table
from debiaslab.report.table import (
    HEAD,
    NOT_MEASURED,
    caption,
    null_range,
    number,
    sweep_cells,
)

if TYPE_CHECKING:
    from debiaslab.metrics import Scorecard
    from debiaslab.results import RunResults, Side, StudyResults, TrialRow

_RECORD_HEAD = ("measure", "words", "n", "before", "after", "95 % interval after", "random words")


def trials_table(rows: Sequence[TrialRow]) -> Table:
    """Return one row a trial, over its seeds; the best is marked."""
    cells = sweep_cells(rows)
    best = frozenset(i for i, row in enumerate(cells) if row[-1])
    said = caption(rows, best="bold")
    return Table("Trials", HEAD[:-1], tuple(row[:-1] for row in cells), said, best)


def runs_table(study: StudyResults) -> Table:
    """Return one row a run, with the numbers of the store."""
    names = ("bias_tune", "bias_report", "retention_tune", "retention_report", "score")
    rows = tuple(
        (
            run.label,
            str(run.seed),
            *(number(run.info.metrics.get(name)) for name in names),
            number(run.info.metrics.get("seconds"), 1),
            run.run_id,
        )
        for run in study.runs
    )
    head = ("run", "seed", *(name.replace("_", " ") for name in names), "seconds", "MLflow run")
    return Table(
        "Runs",
        head,
        rows,
        "Every finished run; bias in units of the 95 % quantile of |s| for random words in the "
        "baseline; n/m not measured.",
    )


def records_table(before: RunResults, after: RunResults) -> Table:
    """Return every number of the two scorecards of one seed, side by side."""
    records = after.scorecard.records
    rows = tuple(
        _record_cells(record, before.scorecard) for record in records if record.reason is None
    )
    return Table(
        f"Scorecard of {after.label} and of the baseline, seed {after.seed}",
        _RECORD_HEAD,
        rows,
        "weat: the statistic s, which can be compared, never the effect size. Random words: the "
        "95 % quantile of |s|, or the middle 95 %, in the vectors measured. Report words are the "
        "half that nothing was chosen on."
        + "".join(f" Of the random words: {remark}." for remark in null_remarks(records)),
    )


def sides_table(sides: Sequence[Side]) -> Table:
    """Return one row a strategy: the headline measures with intervals and ranks."""
    columns = [each for each in _columns(sides) if any(r.mean is not None for r in each[1])]
    rows = tuple(
        (
            side.label + (" (control)" if side.control else ""),
            str(sum(card is not None for card in side.cards)),
            *(_side_cell(results[i]) for _, results in columns),
            f"{side.seconds:.0f}",
            str(side.tuning_runs),
        )
        for i, side in enumerate(sides)
    )
    head = ("strategy", "seeds", *(m.label for m, _ in columns), "seconds", "tuning runs")
    return Table(
        "Strategies",
        head,
        rows,
        "Report words and pairs: mean ± half of the 95 % t interval over seeds (rank; 1 is best). "
        "|s|: the WEAT statistic; k-means, SVM, neighbours r: the lipstick tests."
        + "".join(f" {sentence(note)}" for note in footnotes(sides)),
    )


def changes_table(sides: Sequence[Side]) -> Table:
    """Return one row a strategy: differences to the baseline of the same seeds, with intervals."""
    columns = [each for each in _columns(sides) if any(r.to_baseline is not None for r in each[1])]
    rows = tuple(
        (side.label, *(_change_cell(results[i]) for _, results in columns))
        for i, side in enumerate(sides)
        if i
    )
    return Table(
        "Differences to the baseline",
        ("strategy", *(measure.label for measure, _ in columns)),
        rows,
        "Mean paired difference over seeds with its 95 % t interval; ✓ where the interval leaves "
        "out 0.",
    )


def _columns(sides: Sequence[Side]) -> list[tuple[Measure, tuple[Comparing, ...]]]:
    return [(measure, compared(sides, measure)) for measure in HEADLINE]


def _record_cells(record: Record, baseline: Scorecard) -> tuple[str, ...]:
    direction = direction_of(record)
    value = direction.number(record)
    own = baseline.record(record.metric, record.name, record.words)
    before = None if own is None else direction.number(own)
    ends = (record.low, record.high)
    if direction.key == "statistic":
        ends = (record.extra.get("statistic_low"), record.extra.get("statistic_high"))
    return (
        f"{record.metric.replace('_', ' ')} {record.name.replace('_', ' ')}",
        record.words,
        str(record.n),
        number(before, 4),
        number(value, 4),
        "" if None in ends else f"[{ends[0]:.4f}, {ends[1]:.4f}]",
        null_range(record),
    )


def _side_cell(result: Comparing) -> str:
    if result.mean is None:
        return NOT_MEASURED
    spread = "" if result.half_width is None else f" ±{result.half_width:.3f}"
    return f"{result.mean:.3f}{spread} {result.rank_text}"


def _change_cell(result: Comparing) -> str:
    pair = result.to_baseline
    if pair is None:
        return NOT_MEASURED
    low, high = pair.interval
    few = f" n={pair.n}" if pair.n < result.seeds else ""
    if low is None or high is None:
        return f"{pair.difference:+.3f}{few}"
    sure = "" if low <= 0 <= high else " ✓"
    return f"{pair.difference:+.3f} [{low:+.3f}, {high:+.3f}]{sure}{few}"
