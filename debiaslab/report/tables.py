"""The tables of sweeps, comparisons and runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.scorecard import null_remarks
from debiaslab.report.comparison import (
    Measure,
    MeasureSummary,
    compared,
    every_measure,
    footnotes,
    front_text,
    shown_measures,
)
from debiaslab.results import Spread, TrialRow, TrialSummary, summarize
from debiaslab.tables import (
    MISSING,
    Block,
    Column,
    Table,
    TableCell,
    latex_document,
    markdown_document,
    plain_document,
    span,
)

if TYPE_CHECKING:
    from debiaslab.metrics import Record, Scorecard
    from debiaslab.results import RunResults, StrategyResult, StudyResults

NOT_MEASURED = "n/m"

# A sweep --------------------------------------------------------------------------------------


def trials_table(rows: Iterable[TrialRow], title: str = "") -> Table:
    """Return one row a trial of a sweep, over its seeds; the best is marked."""
    rows = tuple(rows)
    trials = summarize(rows)
    spreads = ("bias tune", "bias report", "retention tune", "retention report", "score")
    columns = (
        *(Column("trial", missing="baseline"), Column("λ", ".3g")),
        *(Column(name, _spread, missing=NOT_MEASURED) for name in spreads),
    )
    cells = [
        (
            *(each.trial, each.weight, each.bias_tune, each.bias_report),
            *(each.retention, each.retention_report, each.score),
        )
        for each in trials
    ]
    seeds = len({row.seed for row in rows})
    over = "one seed" if seeds < 2 else f"mean ± standard deviation over {seeds} seeds"
    note = (
        f"{over}; bias in units of the 95 % quantile of |s| for random words in the baseline; "
        "retention against the baseline; n/m not measured"
    )
    best = frozenset(i for i, each in enumerate(trials) if each.best)
    return Table(columns, cells, title, (note,), marked=best, marking=_why(trials))


def _why(trials: Sequence[TrialSummary]) -> str:
    """Say what made the best trial the best: the baseline is none, and may have a lower score."""
    tried = [each for each in trials if each.trial is not None]
    lowest = min((each.score.mean for each in tried), default=0.0)
    if all(each.score.mean <= lowest for each in tried if each.best):
        return "the lowest score of the trials"
    return "the best trial (those with a lower score lack a seed, or the retention asked for)"


def _spread(spread: Spread) -> str:
    return f"{spread.mean:.3f}" + ("" if spread.sd is None else f" ±{spread.sd:.3f}")


# A comparison ---------------------------------------------------------------------------------


def comparison_blocks(sides: Sequence[StrategyResult]) -> list[Block]:
    """Return the means, the differences to the baseline, and the hypervolumes of the fronts."""
    found: list[Block] = [means_table(sides)]
    return [*found, changes_table(sides), front_text(sides)] if len(sides) > 1 else found


def comparison_text(sides: Sequence[StrategyResult]) -> str:
    """Return a comparison as plain text."""
    return plain_document(comparison_blocks(sides))


def comparison_markdown(sides: Sequence[StrategyResult]) -> str:
    """Return a comparison as Markdown."""
    return markdown_document(comparison_blocks(sides))


def comparison_latex(sides: Sequence[StrategyResult]) -> str:
    """Return the two tables of a comparison as LaTeX."""
    return latex_document([means_table(sides, "Strategies"), *comparison_blocks(sides)[1:]])


def means_table(sides: Sequence[StrategyResult], title: str = "") -> Table:
    """Return one row a strategy: the headline measures with intervals and ranks."""
    measures = shown_measures(sides)
    results = [compared(sides, measure) for measure in measures]
    columns = (
        *(Column("strategy", align="left"), Column("seeds")),
        *(Column(measure.label, _mean) for measure in measures),
        Column("budget"),
    )
    rows = [
        (_label(side), _seeds(side), *(_ranked(column[i]) for column in results), _budget(side))
        for i, side in enumerate(sides)
    ]
    note = means_note(sides)
    return Table(columns, rows, title, (note,), "tab:strategies")


def means_note(sides: Sequence[StrategyResult]) -> str:
    """Say what the numbers of a comparison are."""
    seeds = len(sides[0].cards)
    over = "one seed" if seeds == 1 else f"{seeds} seeds"
    few = () if seeds >= 3 else (f"{over} can say little: use 3 or more",)
    return "; ".join(
        (
            f"report words and report pairs, mean ± half of the 95 % t interval over {over}, "
            "(rank)",
            f"{MISSING} not measured or not finished",
            *footnotes(sides),
            "bias in units of what random words show in the baseline",
            "|s| the WEAT statistic, not d",
            "k-means, SVM and neighbours r the lipstick tests",
            "retention and overlap higher is better, the rest lower",
            "budget: training of the seeds + of tuning λ (its runs)",
            *few,
        )
    )


def changes_table(sides: Sequence[StrategyResult]) -> Table:
    """Return one row a strategy: differences to the baseline of the same seeds, with intervals."""
    measures = shown_measures(sides)
    results = [compared(sides, measure) for measure in measures]
    columns = (
        Column("strategy", align="left"),
        *(Column(measure.label) for measure in measures),
    )
    rows = [
        (_label(side), *(_change(column[i]) for column in results))
        for i, side in enumerate(sides)
        if i
    ]
    title = "Difference to the baseline of the same seed, with its 95 % interval"
    note = "✓ the interval excludes 0"
    return Table(columns, rows, title, (note,), "tab:differences")


_MEASURE_COLUMNS = (
    *("strategy", "weight", "stage", "control", "metric", "name", "words", "better", "seeds"),
    *("mean", "low", "high", "rank", "difference", "difference_low", "difference_high", "p"),
    *("p_floor", "probability_of_improvement"),
    *("training_seconds", "tuning_runs", "tuning_seconds"),
)


def comparison_csv(sides: Sequence[StrategyResult]) -> str:
    """Return every measure of every side, one a row; a number that is missing is left empty."""
    rows = [
        _measure_row(side, measure, result)
        for measure in every_measure(sides)
        for side, result in zip(sides, compared(sides, measure), strict=True)
    ]
    return Table(tuple(map(Column, _MEASURE_COLUMNS)), rows).csv()


def _measure_row(
    side: StrategyResult, measure: Measure, result: MeasureSummary
) -> tuple[object, ...]:
    low = high = None
    if result.mean is not None and result.half_width is not None:
        low, high = result.mean - result.half_width, result.mean + result.half_width
    change: tuple[object, ...] = (None,) * 6
    if (pair := result.to_baseline) is not None:
        change = (
            *(pair.difference, *pair.interval, pair.p, pair.floor),
            pair.probability_of_improvement,
        )
    return (
        *(side.strategy, side.weight, side.stage, side.control),
        *(measure.metric, measure.name, measure.words, measure.better),
        *(result.n, result.mean, low, high, result.rank, *change),
        *(round(side.seconds, 2), side.tuning_runs, round(side.tuning_seconds, 2)),
    )


def _label(side: StrategyResult) -> str:
    return f"{side.label} (control)" if side.control else side.label


def _seeds(side: StrategyResult) -> str:
    finished = sum(card is not None for card in side.cards)
    whole = finished == len(side.cards)
    return str(finished) if whole else f"{finished}/{len(side.cards)}"


def _ranked(result: MeasureSummary) -> TableCell | None:
    if result.mean is None:
        return None
    return TableCell(result, f" {result.rank_text}", strong=result.rank == 1)


def _mean(result: MeasureSummary) -> str:
    spread = "" if result.half_width is None else f" ±{result.half_width:.3f}"
    return f"{result.mean:.3f}{spread}"


def _change(result: MeasureSummary) -> str | None:
    pair = result.to_baseline
    if pair is None:
        return None
    low, high = pair.interval
    few = f" n={pair.n}" if pair.n < result.seeds else ""
    if low is None or high is None:
        return f"{pair.difference:+.3f}{few}"
    sure = "" if low <= 0 <= high else " ✓"
    return f"{pair.difference:+.3f} [{low:+.3f}, {high:+.3f}]{sure}{few}"


def _budget(side: StrategyResult) -> str:
    if not side.tuning_runs:
        return f"{side.seconds:.0f} s"
    return f"{side.seconds:.0f} + {side.tuning_seconds:.0f} s ({side.tuning_runs} runs)"


# The gender-blind floor -----------------------------------------------------------------------

FLOOR_MEASURES: tuple[Measure, ...] = (
    Measure("lipstick", "kmeans_alignment", "all", "lower", "k-means alignment"),
    Measure("lipstick", "svm_recovery", "all", "lower", "SVM accuracy"),
    Measure("lipstick", "profession_neighbors", "all", "lower", "profession neighbours r"),
    Measure("lipstick", "profession_neighbors", "report", "lower", "… of report words"),
)


@dataclass(frozen=True)
class FloorRow:
    """One lipstick test: the baseline, the gender-blind vectors, and their paired difference."""

    measure: Measure
    baseline: MeasureSummary
    floor: MeasureSummary

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The 95 % t interval of the floor over seeds."""
        return _ends(self.floor)


def floor_rows(sides: Sequence[StrategyResult]) -> tuple[FloorRow, ...]:
    """Return the lipstick tests of the baseline, ``sides[0]``, and the floor, ``sides[1]``."""
    return tuple(FloorRow(measure, *compared(sides, measure)) for measure in FLOOR_MEASURES)


def floor_blocks(sides: Sequence[StrategyResult]) -> list[Block]:
    """Return the table, and how other numbers are read against it."""
    return [floor_table(sides), how_to_read(floor_rows(sides))]


def floor_text(sides: Sequence[StrategyResult]) -> str:
    """Return the floor as plain text."""
    return plain_document(floor_blocks(sides))


def floor_markdown(sides: Sequence[StrategyResult]) -> str:
    """Return the floor as Markdown."""
    return markdown_document(floor_blocks(sides))


def floor_table(sides: Sequence[StrategyResult], title: str = "") -> Table:
    """Return one row a lipstick test."""
    columns = (
        *(Column("test", align="left"), Column("baseline", _between)),
        *(Column("gender-blind (floor)", _between), Column("difference")),
        Column("room above the floor"),
    )
    rows = [_floor_row(row) for row in floor_rows(sides)]
    return Table(columns, rows, title, (_floor_note(sides),), "tab:floor")


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


def _floor_row(row: FloorRow) -> tuple[object, ...]:
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


def _floor_note(sides: Sequence[StrategyResult]) -> str:
    n = len(sides[0].cards)
    return (
        f"mean and 95 % t interval over {n} seed{'s' * (n != 1)}; chance is 0.5, 0.5, 0 and "
        "0; labels are those of the baseline of the same seed; gender-blind: every gender word "
        "and first name was one word before training; room: whether the baseline is surely above "
        "the floor, so that a strategy could show anything here"
    )


def _between(result: MeasureSummary) -> str:
    low, high = _ends(result)
    between = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return f"{result.mean:.3f}{between}"


def _ends(result: MeasureSummary) -> tuple[float | None, float | None]:
    if result.mean is None or result.half_width is None:
        return None, None
    return result.mean - result.half_width, result.mean + result.half_width


# Runs -----------------------------------------------------------------------------------------


def runs_table(study: StudyResults) -> Table:
    """Return one row a run, with the numbers of the store."""
    names = ("bias_tune", "bias_report", "retention_tune", "retention_report", "score")
    columns = (
        *(Column("run", align="left"), Column("seed")),
        *(Column(name.replace("_", " "), ".3f", missing=NOT_MEASURED) for name in names),
        *(Column("seconds", ".1f", missing=NOT_MEASURED), Column("MLflow run")),
    )
    rows = [
        (
            *(run.label, run.seed, *(run.info.metrics.get(name) for name in names)),
            *(run.info.metrics.get("seconds"), run.run_id),
        )
        for run in study.runs
    ]
    return Table(
        columns,
        rows,
        "Runs",
        (
            "Every finished run; bias in units of the 95 % quantile of |s| for random words in the "
            "baseline; n/m not measured.",
        ),
    )


def records_table(before: RunResults, after: RunResults) -> Table:
    """Return every number of the two scorecards of one seed, side by side."""
    records = after.scorecard.records
    columns = (
        *(Column("measure", align="left"), Column("words"), Column("n")),
        *(Column(name, ".4f", missing=NOT_MEASURED) for name in ("before", "after")),
        *(Column("95 % interval after", span(4)), Column("random words")),
    )
    rows = [_record_row(each, before.scorecard) for each in records if each.reason is None]
    note = (
        "weat: the statistic s, which can be compared, never the effect size. Random words: the "
        "95 % quantile of |s|, or the middle 95 %, in the vectors measured. Report words are the "
        "half that nothing was chosen on."
        + "".join(f" Of the random words: {remark}." for remark in null_remarks(records))
    )
    title = f"Scorecard of {after.label} and of the baseline, seed {after.seed}"
    return Table(columns, rows, title, (note,))


def _record_row(record: Record, baseline: Scorecard) -> tuple[object, ...]:
    direction = direction_of(record)
    own = baseline.record(record.metric, record.name, record.words)
    ends = (record.low, record.high)
    if direction.key == "statistic":
        ends = (record.extra.get("statistic_low"), record.extra.get("statistic_high"))
    return (
        f"{record.metric.replace('_', ' ')} {record.name.replace('_', ' ')}",
        *(record.words, record.n, None if own is None else direction.number(own)),
        *(direction.number(record), ends, null_range(record)),
    )


def null_range(record: Record) -> str:
    """Return what random words show in the vectors measured; empty when there is no such null."""
    null95 = record.extra.get("null95")
    if null95 is not None:
        return f"≤ {null95:.4f}"
    return span(4)((record.extra.get("null_low"), record.extra.get("null_high")))
