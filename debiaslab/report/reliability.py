"""How far bias scores can be trusted: one table for each question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from debiaslab.metrics.vocabulary import shortlist
from debiaslab.tables import Column, Table, span

if TYPE_CHECKING:
    from debiaslab.lexicons import Half
    from debiaslab.metrics.comparison import PairedRecord
    from debiaslab.metrics.reliability import Consistency, PairSensitivity, Reliability

_NUMBER, _CHANGE, _SPAN = ".4f", "+.4f", span(4)


def sensitivity_view(
    files: Sequence[str], results: Sequence[Sequence[PairSensitivity]]
) -> Iterator[str | Table]:
    """Yield each metric with each definitional pair changed in turn, one line a file."""
    parts = [
        [[each for each in found if each.change == change] for found in results]
        for change in ("left out", "in the place of he/she")
    ]
    yield from _changes(
        "Sensitivity to the definitional pairs: each left out in turn",
        ("value", "without one pair", "most influential", "its influence"),
        files,
        parts[0],
    )
    yield from _changes(
        "SemBias and the lipstick tests: each other definitional pair in the place of he/she",
        ("he/she", "another pair", "most different", "its difference"),
        files,
        parts[1],
    )


def attribute_view(
    files: Sequence[str], results: Sequence[Sequence[PairSensitivity]]
) -> Iterator[str | Table]:
    """Yield each number of the lexicons without each word, pair or set that it reads."""
    yield from _changes(
        "Sensitivity of the lexicons: each word of a class, pair or set left out in turn",
        ("value", "without one", "most influential", "its influence"),
        files,
        results,
    )


def _changes(
    title: str,
    head: tuple[str, str, str, str],
    files: Sequence[str],
    results: Sequence[Sequence[PairSensitivity]],
) -> Iterator[str | Table]:
    found = [
        (file, each)
        for of_one_metric in zip(*results, strict=True)
        for file, each in zip(files, of_one_metric, strict=True)
    ]
    rows = [_sensitivity_row(file, each) for file, each in found if each.result.value is not None]
    value, without, item, influence = head
    columns = (
        *(Column("metric", align="left"), Column("file", align="left")),
        *(Column(value, _NUMBER), Column(without, _SPAN)),
        *(Column(item), Column(influence, _CHANGE)),
    )
    notes = [*_lacking(found), *_sensitivity_reasons(found, len(files))]
    yield from _titled(title, columns, rows, notes, nothing="nothing was measured in any file")


def _sensitivity_row(file: str, each: PairSensitivity) -> tuple[object, ...]:
    left, most = each.result, each.result.most_influential
    changed = (None, None) if most is None else (most.item, most.influence)
    return (_label(each), file, left.value, _interval(left.low, left.high), *changed)


def _label(each: PairSensitivity) -> str:
    """Return metric and name; of WEAT it is not the scorecard's value but s that is shown."""
    return f"{each.metric} {each.name}" + (", s" if each.number == "statistic" else "")


def _sensitivity_reasons(found: Sequence[tuple[str, PairSensitivity]], files: int) -> list[str]:
    """Return a line for each reason: the numbers it holds for, and the files if not all."""
    reasons = dict.fromkeys(each.result.reason for _, each in found if each.result.reason)
    lines = []
    for reason in reasons:
        lost = [(file, each) for file, each in found if each.result.reason == reason]
        names = dict.fromkeys(_label(each) for _, each in lost)
        where = dict.fromkeys(file for file, _ in lost)
        named = "" if len(where) == files else f"{', '.join(where)}: "
        lines.append(f"{named}not measured, {', '.join(names)}: {reason}")
    return lines


def _lacking(found: Sequence[tuple[str, PairSensitivity]]) -> list[str]:
    """Return a line for each file and what it lacks: often the same for every metric."""
    lines = dict.fromkeys(
        f"{file} lacks {len(each.result.missing)} of {_whole(each)}, which therefore play no part: "
        f"{shortlist(each.result.missing)}"
        for file, each in found
        if each.result.missing
    )
    return list(lines)


def _whole(each: PairSensitivity) -> str:
    return "the pairs" if "/" in each.result.missing[0] else f"the words of {each.name}"


def consistency_view(
    files: Sequence[str], results: Sequence[Mapping[str, Consistency]]
) -> Iterator[str | Table]:
    """Yield Cronbach's α of each word list, and of the pairs over it, one line a file."""
    columns = (
        *(Column("word list", align="left"), Column("file", align="left"), Column("words")),
        *(Column("α of words", _NUMBER), Column("pairs"), Column("α of pairs", _NUMBER)),
    )
    found = [
        (name, file, of_file[name])
        for name in results[0]
        for file, of_file in zip(files, results, strict=True)
    ]
    rows = [
        (name, file, each.n, each.words, each.n_pairs, each.pairs) for name, file, each in found
    ]
    yield from _titled(
        "Internal consistency (Cronbach's α): does a list measure one bias, do the pairs agree?",
        columns,
        rows,
        [f"{name}, {file}: {each.reason}" for name, file, each in found if each.reason],
    )


def rules_view(files: Sequence[str], rules: Sequence[Reliability]) -> Iterator[str | Table]:
    """Yield the agreement of scoring rules over the occupations."""
    columns = (
        *(Column("file", align="left"), Column("ICC(3,1)", _NUMBER)),
        Column("95 % interval", _SPAN),
    )
    found = list(zip(files, rules, strict=True))
    rows = [(file, each.icc, _interval(*each.interval)) for file, each in found]
    yield from _titled(
        "Agreement of projection, association and RIPA over the occupations",
        columns,
        rows,
        [f"{file}: {each.reason}" for file, each in found if each.reason],
    )


def retest_view(results: Mapping[str, Reliability]) -> Iterator[str | Table]:
    """Yield the test–retest reliability over the files, one line a scoring rule."""
    columns = (
        *(Column("rule", align="left"), Column("ICC(2,1)", _NUMBER)),
        *(Column("95 % interval", _SPAN), Column("rank correlation", _NUMBER)),
        *(Column("words"), Column("files")),
    )
    rows = [
        (
            *(rule, each.icc, _interval(*each.interval)),
            *(each.rank_correlation, each.n, each.measurements),
        )
        for rule, each in results.items()
    ]
    yield from _titled(
        "Test–retest reliability of the words' bias scores over the files (1: the same again)",
        columns,
        rows,
        list(dict.fromkeys(f"not measured: {r.reason}" for r in results.values() if r.reason)),
    )


def paired_view(records: Sequence[PairedRecord], half: Half) -> Iterator[str | Table]:
    """Yield what changed from the baseline's files, one line a record that was compared."""
    halved = {(r.metric, r.name) for r in records if r.words == half}
    kept = [r for r in records if r.words == half or (r.metric, r.name) not in halved]
    columns = (
        *(Column("metric", align="left"), Column("number"), Column("better")),
        *(Column("difference", _CHANGE), Column("95 % t interval", _SPAN)),
        *(Column("P(improved)", ".2f"), Column("p", ".2g")),
    )
    rows = [
        (
            *(f"{each.metric} {each.name}", each.what, each.better),
            *(result.difference, _interval(*result.interval)),
            *(result.probability_of_improvement, result.p),
        )
        for each in kept
        if (result := each.result) is not None
    ]
    compared = [each.result for each in kept if each.result is not None]
    warnings = dict.fromkeys(text for result in compared for text in result.warnings)
    lost = sum(each.result is None for each in kept)
    notes = [f"warning: {text}" for text in warnings]
    notes += [f"{lost} records were not measured in every file"] if lost else []
    yield from _titled(
        "Against the baseline, paired by seed (difference: FILE less --baseline)",
        columns,
        rows,
        notes,
        nothing="nothing was measured in every file",
    )


def _titled(
    title: str,
    columns: tuple[Column, ...],
    rows: Sequence[tuple[object, ...]],
    notes: Sequence[str],
    nothing: str = "",
) -> Iterator[str | Table]:
    """Yield a table below an empty line, or that there is none."""
    yield ""
    keys = 2 if columns[1].name == "file" else 1
    if rows:
        yield Table(columns, rows, title, tuple(notes), keys=keys, ruled=False)
    else:
        yield "\n".join([title, nothing, *notes])


def _interval(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)
