"""The tables of ``reliability``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from debiaslab.commands.text_tables import aligned
from debiaslab.metrics.measured import shortlist

if TYPE_CHECKING:
    from debiaslab.lexicons import Half
    from debiaslab.metrics.bootstrap import Interval
    from debiaslab.statistics import Consistency, PairedRecord, PairSensitivity, Reliability

_NOT = "–"


def sensitivity_view(files: Sequence[str], results: Sequence[Sequence[PairSensitivity]]) -> str:
    """Return each metric with each definitional pair changed in turn, one line a file."""
    parts = [
        [[each for each in found if each.change == change] for found in results]
        for change in ("left out", "in the place of he/she")
    ]
    tables = (
        _changes(
            "Sensitivity to the definitional pairs: each left out in turn",
            ("metric", "file", "value", "without one pair", "most influential", "its influence"),
            files,
            parts[0],
        ),
        _changes(
            "SemBias and the lipstick tests: each other definitional pair in the place of he/she",
            ("metric", "file", "he/she", "another pair", "most different", "its difference"),
            files,
            parts[1],
        ),
    )
    return "\n".join(tables)


def attribute_view(files: Sequence[str], results: Sequence[Sequence[PairSensitivity]]) -> str:
    """Return each number of the lexicons without each word, pair or set that it reads."""
    return _changes(
        "Sensitivity of the lexicons: each word of a class, pair or set left out in turn",
        ("metric", "file", "value", "without one", "most influential", "its influence"),
        files,
        results,
    )


def _changes(
    title: str,
    head: tuple[str, ...],
    files: Sequence[str],
    results: Sequence[Sequence[PairSensitivity]],
) -> str:
    found = [
        (file, each)
        for of_one_metric in zip(*results, strict=True)
        for file, each in zip(files, of_one_metric, strict=True)
    ]
    rows = [_sensitivity_row(file, each) for file, each in found if each.result.value is not None]
    return _titled(
        title,
        aligned([head, *rows]) if rows else "nothing was measured in any file",
        [*_lacking(found), *_sensitivity_reasons(found, len(files))],
    )


def _sensitivity_row(file: str, each: PairSensitivity) -> tuple[str, ...]:
    left, most = each.result, each.result.most_influential
    return (
        _label(each),
        file,
        _number(left.value),
        _span((left.low, left.high)),
        _NOT if most is None else most.item,
        _NOT if most is None else _number(most.influence, signed=True),
    )


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


def consistency_view(files: Sequence[str], results: Sequence[Mapping[str, Consistency]]) -> str:
    """Return Cronbach's α of each word list, and of the pairs over it, one line a file."""
    head = ("word list", "file", "words", "α of words", "pairs", "α of pairs")
    found = [
        (name, file, of_file[name])
        for name in results[0]
        for file, of_file in zip(files, results, strict=True)
    ]
    rows = [
        (name, file, str(each.n), _number(each.words), str(each.n_pairs), _number(each.pairs))
        for name, file, each in found
    ]
    return _titled(
        "Internal consistency (Cronbach's α): does a list measure one bias, do the pairs agree?",
        aligned([head, *rows]),
        [f"{name}, {file}: {each.reason}" for name, file, each in found if each.reason],
    )


def rules_view(files: Sequence[str], rules: Sequence[Reliability]) -> str:
    """Return the agreement of scoring rules over the occupations."""
    head = ("file", "ICC(3,1)", "95 % interval")
    found = list(zip(files, rules, strict=True))
    rows = [(file, _number(each.icc), _span(each.interval)) for file, each in found]
    return _titled(
        "Agreement of projection, association and RIPA over the occupations",
        aligned([head, *rows]),
        [f"{file}: {each.reason}" for file, each in found if each.reason],
    )


def retest_view(results: Mapping[str, Reliability]) -> str:
    """Return the test–retest reliability over the files, one line a scoring rule."""
    head = ("rule", "ICC(2,1)", "95 % interval", "rank correlation", "words", "files")
    rows = [
        (
            rule,
            _number(each.icc),
            _span(each.interval),
            _number(each.rank_correlation),
            str(each.n),
            str(each.measurements),
        )
        for rule, each in results.items()
    ]
    return _titled(
        "Test–retest reliability of the words' bias scores over the files (1: the same again)",
        aligned([head, *rows]),
        list(dict.fromkeys(f"not measured: {r.reason}" for r in results.values() if r.reason)),
    )


def paired_view(records: Sequence[PairedRecord], half: Half) -> str:
    """Return what changed from the baseline's files, one line a record that was compared."""
    halved = {(r.metric, r.name) for r in records if r.words == half}
    kept = [r for r in records if r.words == half or (r.metric, r.name) not in halved]
    head = ("metric", "number", "better", "difference", "95 % t interval", "P(improved)", "p")
    rows = []
    for each in kept:
        if (result := each.result) is not None:
            rows.append(
                (
                    f"{each.metric} {each.name}",
                    each.what,
                    each.better,
                    _number(result.difference, signed=True),
                    _span(result.interval),
                    f"{result.probability_of_improvement:.2f}",
                    f"{result.p:.2g}",
                )
            )
    compared = [each.result for each in kept if each.result is not None]
    warnings = dict.fromkeys(text for result in compared for text in result.warnings)
    lost = sum(each.result is None for each in kept)
    notes = [f"warning: {text}" for text in warnings]
    notes += [f"{lost} records were not measured in every file"] if lost else []
    return _titled(
        "Against the baseline, paired by seed (difference: FILE less --baseline)",
        aligned([head, *rows]) if rows else "nothing was measured in every file",
        notes,
    )


def _titled(title: str, table: str, notes: Sequence[str]) -> str:
    return "\n".join(["", title, table, *notes])


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return _NOT
    return f"{value:+.4f}" if signed else f"{value:.4f}"


def _span(interval: Interval) -> str:
    low, high = interval
    return _NOT if low is None or high is None else f"[{low:.4f}, {high:.4f}]"
