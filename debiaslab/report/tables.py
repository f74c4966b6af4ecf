"""The tables of sweeps, comparisons, floors, runs, and of the neighbours of words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.metrics.analogies import Method, bias_analogies
from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.scorecard import null_remarks
from debiaslab.metrics.tables import P_NOTE, SCALE_MARK, association_table, measure_table
from debiaslab.report.comparison import (
    ANCHORED,
    ANCHORED_NOTE,
    OUTCOMES,
    Measure,
    MeasureSummary,
    anchored,
    compared,
    every_measure,
    footnotes,
    front_text,
    headline_measures,
    judged_by,
    verdicts_against,
)
from debiaslab.report.verdict import MARKS, marks_note
from debiaslab.results import Spread, TrialRow, TrialSummary, summarize
from debiaslab.statistics.paired import FEW_SEEDS
from debiaslab.statistics.verdict import Contrast, Verdict, verdicts
from debiaslab.tables import MISSING, Block, Column, Table, TableCell, plus_minus, span, with_span

if TYPE_CHECKING:
    from debiaslab.metrics import Record, Scorecard
    from debiaslab.results import RunResults, StrategyResult, StudyResults
    from debiaslab.vectors.embeddings import Embeddings

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
    return plus_minus(spread.mean, spread.sd)


# A comparison ---------------------------------------------------------------------------------


def comparison_blocks(
    sides: Sequence[StrategyResult], title: str = "", against: int = 0
) -> list[Block]:
    """Return the means, differences, every two strategies, and the hypervolumes of the fronts.

    Args:
        sides: The strategies, the baseline first.
        title: Of the first table.
        against: Another side that the others are compared with, besides the baseline.
    """
    found: list[Block] = [means_table(sides, title)]
    if len(sides) == 1:
        return found
    between = pairs_table(sides, judged_by(sides))
    return [
        *found,
        *(changes_table(sides, to) for to in dict.fromkeys((0, against))),
        *([between] if between.rows else []),
        *filter(None, [front_text(sides)]),
    ]


def means_table(sides: Sequence[StrategyResult], title: str = "") -> Table:
    """Return one row a strategy: the headline measures with intervals and ranks."""
    measures = headline_measures(sides)
    columns = (
        *(Column("strategy", align="left"), Column("seeds")),
        *(Column(measure.label, MeasureSummary.text) for measure in measures),
        Column("budget"),
    )
    rows = [
        (_label(side), _seeds(side), *(_ranked(m[i]) for m in measures.values()), _budget(side))
        for i, side in enumerate(sides)
    ]
    return Table(columns, rows, title, (_means_note(sides),), "tab:strategies")


def _means_note(sides: Sequence[StrategyResult]) -> str:
    seeds = len(sides[0].cards)
    over = "one seed" if seeds == 1 else f"{seeds} seeds"
    few = () if seeds >= FEW_SEEDS else (f"{over} can say little: use {FEW_SEEDS} or more",)
    return "; ".join(
        (
            f"report words and report pairs, mean ± half of the 95 % t interval over {over}, "
            "(1 + strategies that are better by a paired test, corrected over all pairs)",
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


def changes_table(sides: Sequence[StrategyResult], against: int = 0) -> Table:
    """Return one row a strategy: differences to the baseline of the same seeds, with intervals.

    Args:
        sides: The strategies, the baseline first.
        against: Which side the differences are to.
    """
    measures = headline_measures(sides)
    columns = (Column("strategy", align="left"), *(Column(measure.label) for measure in measures))
    found = verdicts_against(sides, against)
    rows = [
        (_label(side), *(_change(found[i].get(measure), side) for measure in measures))
        for i, side in enumerate(sides)
        if i != against
    ]
    to = "the baseline" if against == 0 else sides[against].label
    title = f"Difference to {to} of the same seed, with its 95 % interval"
    return Table(columns, rows, title, (marks_note(found),), "tab:differences")


def _change(verdict: Verdict | None, side: StrategyResult) -> str | None:
    if verdict is None:
        return None
    pair, mark = verdict.pair, MARKS[verdict.word]
    few = f"n={pair.n}" if pair.n < len(side.cards) else ""
    shown = with_span(pair.difference, pair.interval, signed=True)
    return " ".join(part for part in (shown, mark, few) if part)


def pairs_table(sides: Sequence[StrategyResult], measure: Measure = OUTCOMES[0]) -> Table:
    """Return the difference of a measure between every two strategies: row less column."""
    places = [i for i, side in enumerate(sides) if i and not side.control]
    seeds = range(len(sides[0].cards))
    values = {i: [measure.number(sides[i], k) for k in seeds] for i in places}
    margin = measure.margin(sides[0])
    contrasts = {
        (i, j): contrast
        for i in places
        for j in places
        if j < i and (contrast := Contrast.of(values[j], values[i], margin)) is not None
    }
    found = dict(zip(contrasts, verdicts(list(contrasts.values())), strict=True))
    columns = (Column("row − column", align="left"), *(Column(sides[j].label) for j in places[:-1]))
    rows = [
        (
            sides[i].label,
            *("" if j >= i else _change(found.get((i, j)), sides[i]) for j in places[:-1]),
        )
        for i in places[1:]
    ]
    note = f"marks as above, corrected over the {len(found)} pairs of strategies"
    title = f"Every two strategies: {measure.label} on report words"
    return Table(columns, rows, title, (note,), "tab:pairs")


_MEASURE_COLUMNS = (
    *("strategy", "weight", "stage", "control", "metric", "name", "words", "better", "seeds"),
    *("mean", "low", "high", "rank", "difference", "difference_low", "difference_high", "p"),
    *("p_floor", "probability_of_improvement"),
    *("training_seconds", "tuning_runs", "tuning_seconds"),
    *("verdict", "test", "p_test", "p_holm", "p_bh", "p_equivalent", "margin"),
    *("detectable", "seeds_needed", "anchored_mean", "anchored_low", "anchored_high"),
)
"""p is that of sign flips; verdict to seeds_needed are of headline measures, over which p is
corrected; anchored_… the same along the baseline's gender words."""


def comparison_csv(sides: Sequence[StrategyResult]) -> str:
    """Return every measure of every side, one a row; a number that is missing is left empty.

    The anchored reading stands at the end of the row, for metrics that have one.
    """
    found = verdicts_against(sides)
    rows = []
    for measure in every_measure(sides):
        along = compared(sides, anchored(measure))
        for side, result, own, read in zip(
            sides, compared(sides, measure), found, along, strict=True
        ):
            told = _verdict_row(own.get(measure))
            rows.append((*_measure_row(side, measure, result), *told, read.mean, *read.interval))
    return Table(tuple(map(Column, _MEASURE_COLUMNS)), rows).csv()


def _measure_row(
    side: StrategyResult, measure: Measure, result: MeasureSummary
) -> tuple[object, ...]:
    change: tuple[object, ...] = (None,) * 6
    if (pair := result.to_baseline) is not None:
        change = (
            *(pair.difference, *pair.interval, pair.p, pair.floor),
            pair.probability_of_improvement,
        )
    return (
        *(side.strategy, side.weight, side.stage, side.control),
        *(measure.metric, measure.name, measure.words, measure.better),
        *(result.n, result.mean, *result.interval, result.rank, *change),
        *(round(side.seconds, 2), side.tuning_runs, round(side.tuning_seconds, 2)),
    )


def _verdict_row(found: Verdict | None) -> tuple[object, ...]:
    if found is None:
        return (None,) * 9
    return (
        *(found.word, found.test, found.p, found.p_holm, found.p_bh, found.p_equivalent),
        *(found.contrast.margin, found.detectable, found.seeds_needed),
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
    return TableCell(result, f" {result.rank_text}".rstrip(), strong=result.best)


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
"""What needs no gender word in the text."""

FLOOR_ANCHORED: tuple[Measure, ...] = (
    replace(ANCHORED, label="bias of report words, anchored"),
    *(
        Measure("weat", name, "report", "lower", f"|s| {name}, anchored", "anchored")
        for name in ("6b", "7", "8", "occupations")
    ),
    Measure(
        "raw_direct_bias", "occupations", "report", "lower", "raw direct bias, anchored", "anchored"
    ),
)
"""What needs the baseline's: words of one gender's topics lean without any gender word."""


def floor_measures(sides: Sequence[StrategyResult]) -> dict[Measure, tuple[MeasureSummary, ...]]:
    """Return what is measured of the baseline, ``sides[0]``, and the floor, ``sides[1]``.

    The lipstick tests, and the anchored bias where there is any.
    """
    along = {measure: compared(sides, measure) for measure in FLOOR_ANCHORED}
    measured = {measure: found for measure, found in along.items() if found[1].n}
    return {measure: compared(sides, measure) for measure in FLOOR_MEASURES} | measured


def floor_blocks(sides: Sequence[StrategyResult]) -> list[Block]:
    """Return the table, and how other numbers compare with it."""
    return [floor_table(sides), how_to_read(sides)]


def floor_table(sides: Sequence[StrategyResult], title: str = "") -> Table:
    """Return one row a test."""
    columns = (
        *(Column("test", align="left"), Column("baseline")),
        *(Column("gender-blind (floor)"), Column("difference")),
        Column("room above the floor"),
    )
    rows = [
        (measure.label, _ranged(baseline), _ranged(floor), *_above(floor))
        for measure, (baseline, floor) in floor_measures(sides).items()
    ]
    n = len(sides[0].cards)
    note = (
        f"mean and 95 % t interval over {n} seed{'s' * (n != 1)}; chance is 0.5, 0.5, 0 and "
        "0; labels are those of the baseline of the same seed; gender-blind: every gender word "
        "and first name was one word before training; room: whether the baseline is surely above "
        "the floor, so that a strategy could show anything here"
    )
    if any(measure.ruler == "anchored" for measure in floor_measures(sides)):
        note += f"; {ANCHORED_NOTE}"
    return Table(columns, rows, title, (note,), "tab:floor")


def how_to_read(sides: Sequence[StrategyResult]) -> str:
    """Return the sentence that says what another strategy's numbers mean here."""
    measured = [(m, f) for m, (_, f) in floor_measures(sides).items() if f.mean is not None]
    if not measured:
        return "There is no floor here: none of the tests was measured without gender."
    measure, floor = measured[0]
    where = span(3)(floor.interval) or f"{floor.mean:.3f}"
    return (
        f"Read a strategy's numbers against the floor, not against chance: {measure.label} "
        f"in {where} is what topics alone give in this text, so a strategy that comes down to the "
        "floor has removed what these tests can tell of gender, and one below it has removed "
        "meaning as well."
    )


def _ranged(result: MeasureSummary) -> str | None:
    return None if result.mean is None else with_span(result.mean, result.interval)


def _above(floor: MeasureSummary) -> tuple[str | None, str | None]:
    """Return the difference to the baseline, and whether that is surely above the floor."""
    pair = floor.to_baseline
    if pair is None:
        return None, None
    high = pair.interval[1]
    room = "one seed cannot tell" if high is None else "yes" if high < 0 else "none seen"
    return with_span(pair.difference, pair.interval, signed=True), room


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
    note = (
        "Every finished run; bias in units of the 95 % quantile of |s| for random words in the "
        "baseline; n/m not measured."
    )
    return Table(columns, rows, "Runs", (note,))


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


def scorecard_tables(card: Scorecard, baseline: Scorecard | None) -> list[Table]:
    """Return the numbers of one run, associations apart, beside the baseline's where it has one."""
    associations = association_table(card.records, baseline, "Associations")
    others = measure_table(card.records, baseline, "Utility and other measures")
    marked = any(record.extra.get("warning_scale") for record in card.records)
    note = (
        "s: difference of mean associations, in cosine. null95: 95 % of |s| for random words in "
        "these vectors. d is scale-free. It divides s by the spread of the associations, so it "
        f"stays large, with random sign, when all associations have vanished. {P_NOTE}"
    )
    notes = (f"{note} {SCALE_MARK}" if marked else note,)
    band = "Random words: the middle 95 % of what they show in these vectors."
    found = (replace(associations, notes=notes), replace(others, notes=(band,)))
    return [table for table in found if table.rows]


def null_range(record: Record) -> str:
    """Return what random words show in the vectors measured; empty when there is no such null."""
    null95 = record.extra.get("null95")
    if null95 is not None:
        return f"≤ {null95:.4f}"
    return span(4)((record.extra.get("null_low"), record.extra.get("null_high")))


# Neighbours of words ---------------------------------------------------------------------------

Found = Sequence[tuple[str, float]]  # words with a cosine or a score, the nearest first

_METHODS: dict[Method, str] = {"cosadd": "3CosAdd", "cosmul": "3CosMul"}


def neighbors_table(
    embeddings: Embeddings,
    word: str,
    n: int = 10,
    compare: Embeddings | None = None,
    labels: tuple[str, str] = ("first", "second"),
) -> Table:
    """Return a table of the ``n`` nearest neighbours of ``word`` by cosine similarity.

    Args:
        embeddings: Where to look; the word is found as ``Embeddings.lookup`` finds it.
        n: How many neighbours, 1 or more.
        compare: A second set of vectors, shown beside the first; neighbours in both lists get a *.
        labels: Names of the two sets, for the head of the table.

    Raises:
        UserError: The word is unknown to either (with the nearest known word), or ``n`` < 1.
    """
    lists = [_neighbors(embeddings, word, n, labels[0])]
    if compare is not None:
        lists.append(_neighbors(compare, word, n, labels[1]))
    shared = {w for w, _ in lists[0]} & {w for w, _ in lists[-1]} if compare else set()
    heads = [labels[i] if compare else "word" for i in range(len(lists))]
    notes = (f"* in both lists: {len(shared)}",) if compare else ()
    title = f"nearest neighbours of {printable(word)} by cosine similarity"
    return _side_by_side(title, dict(zip(heads, lists, strict=True)), shared, notes, "cosine")


def analogy_table(
    embeddings: Embeddings, word: str, pair: tuple[str, str], n: int = 10, label: str = "vectors"
) -> Table:
    """Return the answers to ``pair[0] : word :: pair[1] : ?`` in four columns.

    By 3CosAdd and by 3CosMul, each without the three words of the question among the answers, and
    with them (marked *).

    Raises:
        UserError: A word is unknown (with the nearest known word), or the question has no answer;
            ``label`` is what the vectors are called there.
    """
    asked = [_known(embeddings, each, label) for each in (*pair, word)]
    lists: dict[str, Found] = {}
    candidates = 0
    for method, name in _METHODS.items():
        found = bias_analogies(
            embeddings, [asked[2]], pair=(asked[0], asked[1]), method=method, n=n
        )
        if found.reason is not None:
            raise UserError(f"{label}: {found.reason}")
        (answer,) = found.answers
        lists[name] = answer.restricted
        lists[f"{name}, any word"] = answer.unrestricted
        candidates = found.candidates
    title = f"{printable(pair[0])} : {printable(word)} :: {printable(pair[1])} : ?"
    notes = (
        f"* a word of the question; answers are among the first {candidates:,} words",
        "score: of 3CosAdd a cosine, of 3CosMul a product of cosines; they do not compare",
    )
    return _side_by_side(title, lists, asked, notes, "score")


def printable(word: str) -> str:
    """Return the word, quoted and escaped when a terminal would not show it as it is."""
    return word if word.isprintable() and word else repr(word)


def _side_by_side(
    title: str, lists: dict[str, Found], marked: Collection[str], notes: tuple[str, ...], score: str
) -> Table:
    """Return lists of words beside each other, by rank; ``marked`` words get a *."""
    columns = [Column("rank")]
    for head in lists:
        columns.append(Column(f"  {printable(head)}", align="left", missing=""))
        columns.append(Column(score, ".3f", missing=""))
    rows: list[list[object]] = []
    for rank, found in enumerate(zip_longest(*lists.values(), fillvalue=None), start=1):
        row: list[object] = [rank]
        for each in found:
            word, value = (None, None) if each is None else each
            mark = "*" if word in marked else " "
            row += [None if word is None else f"{mark} {printable(word)}", value]
        rows.append(row)
    return Table(tuple(columns), rows, title, notes, ruled=False)


def _neighbors(embeddings: Embeddings, word: str, n: int, label: str) -> Found:
    try:
        return embeddings.neighbors(embeddings.lookup(word) or word, n)
    except UserError as error:
        raise UserError(f"{label}: {error}") from error


def _known(embeddings: Embeddings, word: str, label: str) -> str:
    known = embeddings.lookup(word) or word
    try:
        _ = embeddings[known]
    except UserError as error:
        raise UserError(f"{label}: {error}") from error
    return known
