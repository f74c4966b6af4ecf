"""A scorecard, and a comparison of several, as text and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import Any, TypeVar

from debiaslab.metrics.comparison import ComparedMetric, ScorecardComparison, metric_correlations
from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.scorecard import Record, Scorecard, null_remarks
from debiaslab.tables import MISSING, Column, Table, TableCell, render, span, wrap_line

SCALE_NOTE = (
    "d is scale-free and can stay large when every association has vanished: compare s, "
    "against null95 (95 % of |s| for random words here)."
)
SCALE_MARK = "‡ d looks large while s does not exceed the random-word null here: read s."
_R = TypeVar("_R", Record, ComparedMetric)

FILES_A_TABLE = 6
HOLM, BH = "p_holm", "p_benjamini_hochberg"  # extras: p-values corrected over one half
P_NOTE = (
    "p is two-sided where the test has two sides; Holm and BH are corrected over the tests of one "
    "half of the words."
)


def scorecard_blocks(card: Scorecard, warnings: Sequence[str] = ()) -> list[str | Table]:
    """Return a scorecard as text and tables: the report half first, then all and tune words.

    Args:
        warnings: What to warn of besides what it says itself.
    """
    report, rest = _halved(card.records)
    blocks: list[str | Table] = [f"Scorecard of {card.vectors}"] if card.vectors else []
    blocks += [f"WARNING: {warning}" for warning in dict.fromkeys((*card.warnings, *warnings))]
    caution = " (worth no more than the WARNING above lets them)" if card.warnings else ""
    blocks += _tables(f"Headline: report words, on which nothing was tuned{caution}", report)
    blocks += _tables(f"All words and tune words{caution}", rest)
    blocks += _both_readings(card)
    if any(_has_statistic(record) for record in card.records):
        blocks += ["", SCALE_NOTE]
    if any(record.extra.get("warning_scale") for record in card.records):
        blocks.append(SCALE_MARK)
    if any(record.p is not None for record in card.records):
        blocks.append(P_NOTE)
    blocks += [f"† of {name}: {kind}" for name, kind in _interval_kinds(card.records).items()]
    lost = [record for record in card.records if record.reason]
    if lost:
        blocks += ["", "Not measured:", *_lost_lines(lost)]
    remarks = null_remarks(card.records)
    if remarks:
        blocks += ["", "Random words:", *(f"  {line}" for line in remarks)]
    return blocks


def brief_blocks(card: Scorecard, warnings: Sequence[str] = ()) -> list[str | Table]:
    """Return what a scorecard shows in one screen: the finding, then the report half.

    Args:
        warnings: What to warn of besides what it says itself.
    """
    report, _ = _halved(card.records)
    shown = [record for record in report if record.reason is None]
    if len(shown) > _ONE_SCREEN:
        shown = [record for record in shown if _is_brief(record, collapsed=card.collapsed)]
    found = [f"{card.vectors}: {finding(card)}" if card.vectors else finding(card)]
    found += [f"WARNING: {_cut(each)}" for each in dict.fromkeys((*card.warnings, *warnings))]
    lost = sum(record.reason is not None for record in card.records)
    more = len(card.records) - len(shown) - lost
    left = [f"{more} more numbers"] if more else []
    left += [f"{lost} not measured, with reasons"] if lost else []
    blocks = [*found, *_tables("", shown), *_both_readings(card, brief=True), ""]
    blocks += [SCALE_NOTE] if any(_has_statistic(record) for record in shown) else []
    blocks += [f"† of {name}: {kind}" for name, kind in _interval_kinds(shown).items()]
    return [*blocks, f"{' and '.join(left)}: --full"] if left else blocks


_ONE_SCREEN = 24  # rows


def _is_brief(record: Record, *, collapsed: bool) -> bool:
    """Whether a scorecard that is too long for one screen shows a record."""
    own = record.inputs is not None and record.inputs.attribute is not None
    if record.metric == "collapse":
        return collapsed
    return own or (record.metric in _BRIEF and not record.name.startswith("Google "))


_BRIEF = {
    *("weat", "raw_direct_bias", "direct_bias", "factual_association", "lipstick"),
    *("similarity", "retention", "neighbor_overlap", "analogies_3cosadd"),
}
_LONGEST_WARNING = 160  # letters of one in a short scorecard


def _cut(warning: str) -> str:
    return (
        warning if len(warning) <= _LONGEST_WARNING else f"{warning[:_LONGEST_WARNING]}… (--full)"
    )


def finding(card: Scorecard) -> str:
    """Return which association tests on report words exceed random words, in a sentence."""
    tests = {
        record.name: abs(record.extra["statistic"]) > record.extra["null95"]
        for record in card.records
        if record.words == "report"
        and _has_statistic(record)
        and record.extra.get("null95") is not None
    }
    if not tests:
        return "no association test on report words was compared with random words."
    beyond = [name for name, larger in tests.items() if larger]
    if not beyond:
        return (
            f"none of {len(tests)} association tests on report words exceeds random words: there "
            "is little bias to see here."
        )
    verb = "exceeds" if len(beyond) == 1 else "exceed"
    return (
        f"{len(beyond)} of {len(tests)} association tests on report words {verb} random words "
        f"({', '.join(beyond)})."
    )


def _both_readings(card: Scorecard, *, brief: bool = False) -> list[str | Table]:
    """Return a table of what report words show by either ruler, or why there is none."""
    if not card.anchored:
        return []
    aligned, *along = card.anchored
    if aligned.value is None:
        return ["", f"Not read along the baseline's gender words: {aligned.reason}"]
    columns = (
        *(Column(name, align="left") for name in ("metric", "name")),
        *(Column(name, ".4f") for name in ("own", "anchored")),
        *(Column("random words", span(3)), Column("better", missing="")),
    )
    rows = []
    for record in along:
        if brief and not _is_brief(record, collapsed=False):
            continue
        own, direction = card.record(record.metric, record.name, record.words), direction_of(record)
        if record.words == "report" and own is not None and direction.number(own) is not None:
            bound = record.extra.get("null95_baseline")
            band = _band(record, "_baseline") if bound is None else (-bound, bound)
            numbers = (direction.number(own), direction.number(record), band)
            rows.append((record.metric, record.name, *numbers, direction.better))
    if not rows:
        return []
    title = "Report words along their own gender words, and along the baseline's (anchored)"
    note = (
        f"vectors rotated onto the baseline's: mean cosine {aligned.value:.2f} over "
        f"{aligned.n:,} words; weat by s; random words in the baseline"
    )
    return ["", title, "", Table(columns, rows, notes=(note,), keys=2).without_empty_columns()]


def comparison_blocks(comparison: ScorecardComparison) -> list[str | Table]:
    """Return the report half of a comparison as text and tables, and which metrics agree."""
    shown = comparison.half("report")
    rows = [row for row in shown.rows if set(row.values) != {None}]
    blocks: list[str | Table] = ["Comparison on report words: value (rank, 1 is best)"]
    blocks += [f"  [{i}] {name}" for i, name in enumerate(shown.vectors, start=1)]
    for first in range(0, len(shown.vectors), FILES_A_TABLE):
        last = min(first + FILES_A_TABLE, len(shown.vectors))
        blocks.append(_comparison_table(rows, range(first, last)))
    if shown.collapsed:
        named = ", ".join(f"[{i + 1}]" for i in shown.collapsed)
        blocks.append(f"{named} not ranked: collapsed, see the WARNING above its scorecard.")
    blocks += [
        f"{MISSING} is not measured, and what is measured in no file is left out; weat is compared "
        "by its statistic s, not by d.",
        "",
    ]
    correlations = metric_correlations(shown)
    if correlations.reason is not None:
        lost = f"Rank correlation between metrics: not measured: {correlations.reason}"
        return [*blocks, lost]
    blocks.append(
        "Rank correlation between metrics: Kendall's τ-b over the files, each metric by a file's "
        "mean rank; 1: they prefer the same files"
    )
    numbers = [f"{i}" for i in range(1, len(correlations.labels) + 1)]
    columns = (
        *(Column("", align="left"), Column("", align="left")),
        *(Column(number, ".2f") for number in numbers),
    )
    found = zip(numbers, correlations.labels, correlations.taus, strict=True)
    table = Table(columns, [(number, label, *taus) for number, label, taus in found], keys=2)
    return [*blocks, "", table]


def _halved(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return the records of the headline, with those that know no halves, and the others."""
    halved = {(record.metric, record.name) for record in records if record.words == "report"}

    def headline(record: Record) -> bool:
        return record.words == "report" or (record.metric, record.name) not in halved

    return [r for r in records if headline(r)], [r for r in records if not headline(r)]


def _tables(title: str, records: Sequence[Record]) -> list[str | Table]:
    """Return a title and the tables below it, those of metrics with a p-value apart."""
    other = [record for record in records if not _has_statistic(record)]
    # Apart from each other both fit the width: few metrics besides WEAT have a p.
    tables = (
        association_table(records),
        measure_table([record for record in other if record.p is None]),
        measure_table([record for record in other if record.p is not None]),
    )
    found = [block for table in tables if table.rows for block in ("", table)]
    return ["", *filter(None, [title]), *found] if found else []


def _has_statistic(record: Record) -> bool:
    return record.metric == "weat" and record.extra.get("statistic") is not None


_P_COLUMNS = tuple(Column(name, ".2g", missing="") for name in ("p", "Holm", "BH"))


def association_table(
    records: Sequence[Record], baseline: Scorecard | None = None, title: str = ""
) -> Table:
    """Return the association tests that were measured, beside s of a baseline's scorecard."""
    columns = (
        *(Column("WEAT", align="left"), Column("words", align="left"), Column("n")),
        *(Column("s", "+.4f"), Column("95 % interval", span(4)), Column("s, baseline", "+.4f")),
        *(Column("null95", ".4f"), Column("baseline's", ".4f")),
        *(Column("d", "+.2f"), Column("95 % interval", span(2)), *_P_COLUMNS),
        Column("test", missing=""),
    )
    rows = []
    for record in filter(_has_statistic, records):
        extra = record.extra
        before = None if baseline is None else baseline.statistic(record.name, record.words)
        rows.append(
            [
                *(record.name, record.words, record.n, extra["statistic"]),
                *((extra.get("statistic_low"), extra.get("statistic_high")), before),
                *(extra.get("null95"), extra.get("null95_baseline")),
                TableCell(record.value, "‡" if extra.get("warning_scale") else ""),
                *((record.low, record.high), *_ps(record)),
                (record.method or "").replace("monte_carlo", "MC"),
            ]
        )
    return Table(columns, rows, title, keys=2).without_empty_columns()


def measure_table(
    records: Sequence[Record], baseline: Scorecard | None = None, title: str = ""
) -> Table:
    """Return all other numbers that were measured, beside those of a baseline's scorecard."""
    columns = (
        *(Column(name, align="left") for name in ("metric", "name", "words")),
        *(Column("n", ",d"), Column("coverage", ".0%", missing=""), Column("value", ".4f")),
        *(Column("95 % interval", span(4)), Column("baseline", ".4f")),
        *(Column("random words", span(3)), Column("baseline's", span(3)), *_P_COLUMNS),
        Column("better", missing=""),
    )
    measured = [r for r in records if r.value is not None and not _has_statistic(r)]
    sections = [
        [
            [
                *(metric if i == 0 else "", record.name, record.words, record.n),
                *(record.extra.get("coverage"), record.value),
                TableCell((record.low, record.high), "†" if _kind(record) else ""),
                None if baseline is None else baseline.value(metric, record.name, record.words),
                *(_band(record, ""), _band(record, "_baseline"), *_ps(record)),
                direction_of(record).better,
            ]
            for i, record in enumerate(found)
        ]
        for metric, found in _by_metric(measured).items()
    ]
    return _sectioned(columns, sections, title, keys=3)


def _kind(record: Record) -> str | None:
    """Return what the interval is where it is no bootstrap interval of 95 %."""
    kind: str | None = record.extra.get("interval")
    return None if record.low is None else kind


def _interval_kinds(records: Sequence[Record]) -> dict[str, str]:
    return {f"{record.metric} {record.name}": kind for record in records if (kind := _kind(record))}


def _band(record: Record, suffix: str) -> tuple[float | None, float | None]:
    """Return where the middle 95 % of random word sets lie."""
    return record.extra.get(f"null_low{suffix}"), record.extra.get(f"null_high{suffix}")


def _ps(record: Record) -> tuple[float | None, ...]:
    p = record.extra.get("p_two_sided")
    return (record.p if p is None else p, record.extra.get(HOLM), record.extra.get(BH))


def _comparison_table(rows: Iterable[ComparedMetric], files: range) -> Table:
    columns = (
        *(Column(name, align="left") for name in ("metric", "name", "words", "better")),
        *(Column(f"[{i + 1}]", ".4f") for i in files),
    )
    sections = [
        [
            [metric if i == 0 else "", row.name, row.words, row.better or ""]
            + [_ranked(row, file) for file in files]
            for i, row in enumerate(found)
        ]
        for metric, found in _by_metric(rows).items()
    ]
    return _sectioned(columns, sections, keys=4)


def _by_metric(rows: Iterable[_R]) -> dict[str, list[_R]]:
    """Bring the rows of a metric together, metrics in the order in which they first come."""
    found: dict[str, list[_R]] = {}
    for row in rows:
        found.setdefault(row.metric, []).append(row)
    return found


def _ranked(row: ComparedMetric, file: int) -> TableCell:
    rank = row.ranks[file]
    return TableCell(row.values[file], "" if rank is None else f" ({rank:.0f})")


def _sectioned(
    columns: tuple[Column, ...],
    sections: Sequence[Sequence[Sequence[Any]]],
    title: str = "",
    *,
    keys: int,
) -> Table:
    """Return a table with room between sections; those of a single row stand together."""
    rows = [row for section in sections for row in section]
    breaks, start = set(), 0
    for before, section in pairwise(sections):
        start += len(before)
        if len(before) > 1 or len(section) > 1:
            breaks.add(start)
    table = Table(columns, rows, title, keys=keys, breaks=frozenset(breaks))
    return table.without_empty_columns()


def _lost_lines(lost: Sequence[Record]) -> list[str]:
    """Return one line for each run of records that were lost for the same reason."""
    lines = []
    for (metric, name, reason), found in groupby(lost, key=lambda r: (r.metric, r.name, r.reason)):
        halves = ", ".join(record.words for record in found)
        lines.append(f"  {metric} {name}, {halves} words: {reason}")
    return lines


def printed(blocks: Iterable[str | Table]) -> str:
    """Return text and tables as they are to be printed here, by rich in a terminal."""
    written = (wrap_line(each) if isinstance(each, str) else render(each) for each in blocks)
    return "\n".join(written) + "\n"


def plain(blocks: Iterable[str | Table]) -> str:
    """Return text and tables as plain text."""
    return "\n".join(each if isinstance(each, str) else each.plain() for each in blocks) + "\n"
