"""What a study found, in one sentence with its interval: the same words in figures and pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from debiaslab.metrics.vocabulary import shortlist
from debiaslab.report.comparison import (
    ANCHORED,
    HEADLINE,
    OUTCOMES,
    OVERLAP,
    SAME,
    SAME_OF_NULL,
    Measure,
    MeasureSummary,
    compared,
    every_measure,
    judged_by,
    verdicts_against,
)
from debiaslab.results import StrategyResult, TrialRow
from debiaslab.statistics.paired import Paired
from debiaslab.statistics.verdict import LEVEL, Contrast, Verdict, Word, verdicts
from debiaslab.tables import Column, Table, span, with_span

_NO_GAIN = " No λ improved on the baseline by the objective."
_NOTHING = "No trial has finished yet"
_ZERO = re.compile(r"[-+](0\.0+)(?![\d])")  # a rounded zero has no sign
_MOST_DIGITS = 4  # an interval that is narrower than these show is as good as a point
_BIAS, _RETENTION = OUTCOMES


@dataclass(frozen=True)
class SweepVerdict:
    """What the best trial did, against the baseline of the same seeds."""

    weight: float  # λ of the best trial
    words: str  # the half of the words it is of: ``report`` where that was measured
    bias: Verdict  # p is corrected over bias and retention
    retention: Verdict | None  # its baseline is 1; None when it was not measured
    gained: bool  # whether the objective is better than the baseline's, in the mean
    rises: tuple[str, ...] = ()  # what else became worse with every seed, in words

    @property
    def title(self) -> str:
        """The finding in one line, for a figure."""
        kept = "" if self.retention is None else f", retention {_after(self.retention):.2f}"
        n = self.bias.pair.n
        sure = {
            "lower": "",
            "higher": ": higher than the baseline",
            "equivalent": ": equivalent to the baseline",
            "nothing to measure": ": the baseline does not exceed random words",
            "cannot tell": f": {n} seeds cannot tell" if n > 1 else " (one seed: may be chance)",
        }[self.bias.word]
        change = f"{fmean(self.bias.contrast.first):.2f} → {_after(self.bias):.2f}"
        return f"λ = {self.weight:.3g}: bias on {self.words} words {change}{kept}{sure}"

    @property
    def sentence(self) -> str:
        """The finding in a few sentences, with intervals, for the head of a page."""
        found = self.bias
        parts = [
            f"At λ = {self.weight:.3g}, bias on {self.words} words {_said(found)}: "
            f"{change_text(found)}."
        ]
        if self.retention is not None:
            left, interval = _percents(self.retention)
            loss = f", {_RETAINED[self.retention.word]}" if found.pair.n > 1 else ""
            parts.append(f"Word similarity: {left} of the baseline's was kept{interval}{loss}.")
        if found.pair.n > 1:
            parts.append(f"Means of {found.pair.n} seeds, {_BY[found.test or 't']}.")
        if self.rises:
            parts.append(f"Worse than the baseline with every seed: {', '.join(self.rises)}.")
        return " ".join(parts) + ("" if self.gained else _NO_GAIN)


_BY = {
    "t": "95 % t intervals of paired differences, paired t tests",
    "sign flips": "95 % t intervals of paired differences, permutation tests over seeds",
}
_RETAINED: dict[Word, str] = {
    "lower": "a loss",
    "higher": "more than the baseline",
    "equivalent": f"equivalent within {SAME:g}",
    "cannot tell": "which these seeds cannot tell from no loss",
    "nothing to measure": "",
}


def _said(found: Verdict) -> str:
    """Return the finding as the predicate of a sentence about bias."""
    before = fmean(found.contrast.first)
    n, needed = found.pair.n, found.seeds_needed
    if found.word == "nothing to measure":
        return (
            f"was not there to remove: {before:.2f} in the baseline does not exceed "
            f"{found.contrast.null:.3g}, which one test of random words exceeds in 5 % of draws"
        )
    if found.word == "cannot tell":
        if n == 1:
            return "was measured with one seed, which cannot tell a change from chance"
        enough = "" if needed is None else f"; about {needed} seeds would tell such a difference"
        return f"cannot be told from the baseline's with {n} seeds{enough}"
    return {
        "lower": "is lower than the baseline's",
        "higher": "is higher than the baseline's",
        "equivalent": f"is equivalent to the baseline's, within {found.contrast.margin:.2g}",
    }[found.word]


def _after(found: Verdict) -> float:
    return fmean(found.contrast.second)


def change_text(found: Verdict) -> str:
    """Return ``1.71 → 1.51 (−0.20 [−0.61, +0.21], p = 0.2)``; p is corrected."""
    p = "" if found.p_holm is None else f", p = {found.p_holm:.2g}"
    numbers = f"{fmean(found.contrast.first):.2f} → {_after(found):.2f}"
    return f"{numbers} ({_with_interval(found.pair)}{p})"


def rises(sides: Sequence[StrategyResult], place: int) -> tuple[str, ...]:
    """Return which headline measures are worse with every seed, by more than counts as the same.

    This describes the seeds, and tests nothing; bias and retention, said elsewhere, are left out.
    """
    found = []
    for measure, verdict in verdicts_against(sides)[place].items():
        if measure in OUTCOMES or measure.metric == OVERLAP:
            continue
        first, second = verdict.contrast.first, verdict.contrast.second
        sign = -1 if measure.better == "higher" else 1
        everywhere = verdict.pair.n == len(sides[place].cards) and all(
            sign * (b - a) > 0 for a, b in zip(first, second, strict=True)
        )
        if everywhere and abs(verdict.pair.difference) > (verdict.contrast.margin or 0):
            found.append(f"{measure.label} {fmean(first):.3f} → {fmean(second):.3f}")
    return tuple(found)


def verdict(rows: Sequence[TrialRow], sides: Sequence[StrategyResult] = ()) -> SweepVerdict | None:
    """Return the finding; None when no trial or no baseline has finished.

    Args:
        rows: The finished runs of a sweep.
        sides: Scorecards of the baseline and of the best trial, where they were read.
    """
    best = {row.seed: row for row in rows if row.best}
    base = {row.seed: row for row in rows if row.trial is None}
    seeds = sorted(best.keys() & base.keys())
    if not seeds:
        return None
    reported = all(_both(base[s], best[s], "bias_report") for s in seeds)
    bias = _contrast(base, best, seeds, "bias_report" if reported else "bias_tune", _BIAS)
    kept = _contrast(base, best, seeds, "retention_report" if reported else "retention", _RETENTION)
    if bias is None:
        return None
    found = verdicts([each for each in (bias, kept) if each is not None])
    return SweepVerdict(
        weight=best[seeds[0]].weight,
        words="report" if reported else "tune",
        bias=found[0],
        retention=found[1] if kept is not None else None,
        gained=sum(best[s].score for s in seeds) < sum(base[s].score for s in seeds),
        rises=rises(sides, 1) if sides else (),
    )


def sweep_finding(rows: Sequence[TrialRow], sides: Sequence[StrategyResult] = ()) -> str:
    """Return the finding in a few sentences, see :func:`verdict`."""
    found = verdict(rows, sides)
    return f"{_NOTHING}: only the baseline." if found is None else found.sentence


def headline(rows: Sequence[TrialRow]) -> str:
    """Return the finding in one line."""
    found = verdict(rows)
    return _NOTHING if found is None else found.title


def _contrast(
    base: Mapping[int, TrialRow],
    best: Mapping[int, TrialRow],
    seeds: Sequence[int],
    name: str,
    measure: Measure,
) -> Contrast | None:
    if not all(_both(base[seed], best[seed], name) for seed in seeds):
        return None
    before, after = (
        tuple(float(getattr(kind[seed], name)) for seed in seeds) for kind in (base, best)
    )
    null = None if measure.better == "higher" else 1.0  # the unit of bias
    return Contrast(before, after, SAME if null is None else SAME_OF_NULL, null)


def _both(first: TrialRow, second: TrialRow, name: str) -> bool:
    return getattr(first, name) is not None and getattr(second, name) is not None


def _percents(found: Verdict) -> tuple[str, str]:
    """Return what is left and its interval, in percent."""
    before, after = fmean(found.contrast.first), _after(found)
    low, high = found.pair.interval
    if low is None or high is None:
        return f"{after:.0%}", ""
    low, high = before + low, before + high
    digits = _digits(low, high, least=2) - 2
    return f"{after:.{digits}%}", f" [{low:.{digits}%}, {high:.{digits}%}]"


def _with_interval(pair: Paired) -> str:
    """Return a difference and its interval: ``−0.20 [−0.61, +0.21]``."""
    low, high = pair.interval
    digits = 2 if low is None or high is None else _digits(low, high, least=2)
    shown = with_span(pair.difference, pair.interval, digits, signed=True)
    return _ZERO.sub(r"\1", shown).replace("-", "−")


def _digits(low: float, high: float, *, least: int) -> int:
    """Return after how many decimals two ends look different; ``least`` if none of a few do.

    Two seeds can agree so well that an interval of two decimals would look like a point.
    """
    apart = (n for n in range(least, _MOST_DIGITS + 1) if f"{low:.{n}f}" != f"{high:.{n}f}")
    return next(apart, least)


@dataclass(frozen=True)
class ComparedVerdict:
    """What a comparison found, on report words.

    Attributes:
        least: The strategy with the lowest bias, controls excepted, by its place; None without one.
        sentence: The finding in a few sentences, with intervals.
    """

    least: int | None
    sentence: str


def compared_verdict(sides: Sequence[StrategyResult]) -> ComparedVerdict:
    """Return which strategy has the lowest bias, and what may be said of it.

    Bias is anchored where every strategy has that reading.
    """
    measure = judged_by(sides)
    bias, kept = compared(sides, measure), compared(sides, _RETENTION)
    seeds = len(sides[0].cards)
    known = {
        i: result
        for i, result in enumerate(bias)
        if i and not sides[i].control and result.mean is not None and (result.n > 1 or seeds == 1)
    }
    if not known:
        with_more = " with more than one seed" if seeds > 1 else ""
        return ComparedVerdict(None, f"No strategy has bias measured on report words{with_more}.")
    least = min(known, key=lambda i: (known[i].mean, i))
    found = {i: own[measure] for i, own in enumerate(verdicts_against(sides)) if measure in own}
    of = ", by the baseline's gender words (anchored)" if measure is ANCHORED else ""
    parts = [
        f"{sides[least].label} has the lowest bias on report words{of}"
        f"{_at(bias[least], found, least)}"
    ]
    parts[0] += f", at retention {_mean_interval(kept[least])}."
    if least in found and found[least].word == "nothing to measure":
        parts.insert(0, f"Bias on report words {_said(found[least])}.")
    ties = [sides[i].label for i in known if i != least and known[i].rank == known[least].rank]
    if ties and seeds > 1:
        parts.append(f"No test over {seeds} seeds puts it before {shortlist(tuple(ties))}.")
    lower = sum(i in found and found[i].word == "lower" for i in known)
    over = "one seed cannot tell" if seeds == 1 else f"{seeds} seeds, corrected p ≤ {LEVEL:g}"
    parts.append(
        f"{lower or 'None'} of {len(known)} strategies {'is' if lower < 2 else 'are'} lower than "
        f"the baseline ({over})."
    )
    if worse := rises(sides, least):
        parts.append(f"Under it, worse than the baseline with every seed: {', '.join(worse)}.")
    return ComparedVerdict(least, " ".join(parts))


def _at(own: MeasureSummary, found: Mapping[int, Verdict], place: int) -> str:
    """Return the number of a strategy, with the baseline's where there is one."""
    return f": {change_text(found[place])}" if place in found else f" ({own.mean:.2f})"


def _mean_interval(result: MeasureSummary) -> str:
    if result.mean is None:
        return "not measured"
    digits = 2 if result.half_width is None else _digits(0.0, result.half_width, least=2)
    return result.text(f".{digits}f")


# Beside tables --------------------------------------------------------------------------------

MARKS: dict[Word, str] = {
    "lower": "↓",
    "higher": "↑",
    "equivalent": "≈",
    "nothing to measure": "∅",
    "cannot tell": "",
}
"""What stands behind a difference."""


def marks_note(
    found: Sequence[Mapping[Measure, Verdict]], over: str = "the measures of a row"
) -> str:
    """Return what the marks of a table of differences mean; ``over``: what p is corrected over."""
    said = _meanings(found, over, "the one that is subtracted does")
    marked = (f"{MARKS[word]} {word}: {meaning}" for word, meaning in said.items())
    return "; ".join([f"{MARKS['lower']} lower, {next(marked)}", *marked, "no mark: cannot tell"])


def _meanings(
    found: Sequence[Mapping[Measure, Verdict]], over: str, subject: str
) -> dict[Word, str]:
    """Return what the words of a verdict mean; ``higher`` stands for ``lower`` too."""
    every = [verdict for own in found for verdict in own.values()]
    tests = {"t": "a paired t test", "sign flips": "the exact permutation test over seeds"}
    used = [said for test, said in tests.items() if any(each.test == test for each in every)]
    by = f"{' or '.join(used)}, " if used else ""
    return {
        "higher": f"{by}p ≤ {LEVEL:g} after Holm's correction over {over}",
        "equivalent": f"within {SAME:g}, or a tenth of what random words reach (two one-sided t "
        f"tests, p ≤ {LEVEL:g})",
        "nothing to measure": f"{subject} not exceed random words",
    }


def differences(
    sides: Sequence[StrategyResult], tests: Collection[str] = (), *, full: bool = False
) -> dict[Measure, Verdict]:
    """Return what may be said of the second of two kinds of vectors against the first.

    Args:
        sides: The two kinds, with scorecards of the same seeds; report words are compared.
        tests: Names of association tests that are compared besides the headline's measures.
        full: Compare every measure that has a better side.

    Returns:
        By measure; p is corrected over them. Word similarity and what is of a user's attribute are
        always among them.
    """

    def wanted(measure: Measure) -> bool:
        if full or measure in HEADLINE or measure.metric in ("similarity", "raw_direct_bias"):
            return True
        cards = [card for side in sides for card in side.cards if card is not None]
        records = (card.record(measure.metric, measure.name, measure.words) for card in cards)
        inputs = [record.inputs for record in records if record is not None]
        return measure.name in tests or any(i is not None and i.attribute for i in inputs)

    measures = [m for m in every_measure(sides) if m.words != "tune" and wanted(m)]
    halved = {(m.metric, m.name) for m in measures if m.words == "report"}
    chosen = [m for m in measures if m.words == "report" or (m.metric, m.name) not in halved]
    return verdicts_against(sides, 0, {m: compared(sides, m) for m in chosen})[1]


_WORSE = dict.fromkeys(("lower", "higher"), "worse")


def difference_finding(found: Mapping[Measure, Verdict]) -> str:
    """Return how many measures are better, worse or equivalent, and what the seeds cannot tell."""
    if not found:
        return "No measure was taken on both kinds of vectors."
    words = ((m.better, verdict.word) for m, verdict in found.items())
    counts = Counter(
        "better" if word == better else _WORSE.get(word, word) for better, word in words
    )
    n = max(verdict.pair.n for verdict in found.values())
    told = [
        f"{word} in {counts[word]}" for word in ("better", "worse", "equivalent") if counts[word]
    ]
    parts = [f"Of {len(found)} measures the first kind is {', '.join(told)}"] if told else []
    if counts["nothing to measure"]:
        parts.append(f"{counts['nothing to measure']} do not exceed random words in the other kind")
    if counts["cannot tell"]:
        seeds = "one seed" if n == 1 else f"{n} seeds"
        parts.append(f"{seeds} cannot tell for {counts['cannot tell']} of {len(found)}")
    return f"{'; '.join(parts)}."


def difference_table(sides: Sequence[StrategyResult], found: Mapping[Measure, Verdict]) -> Table:
    """Return one row a measure: both means, the difference, p and what may be said."""
    columns = (
        Column("measure", align="left"),
        *(Column(name, ".4f") for name in ("against", "vectors", "difference")),
        *(Column("95 % interval", span(4)), Column("p, corrected", ".2g")),
        *(Column("verdict", align="left"), Column("seeds needed")),
    )
    rows = [
        (
            f"{measure.metric} {measure.name}",
            fmean(verdict.contrast.first),
            fmean(verdict.contrast.second),
            verdict.pair.difference,
            verdict.pair.interval,
            verdict.p_holm,
            verdict.word,
            verdict.seeds_needed if verdict.word == "cannot tell" else None,
        )
        for measure, verdict in found.items()
    ]
    meanings = _meanings([found], f"the {len(found)} measures", "the vectors after --against do")
    told = "; ".join(f"{word}: {meaning}" for word, meaning in meanings.items())
    note = (
        f"vectors: {sides[1].label} and the files after it; against: {sides[0].label} and the "
        "files after it; report words, or all words of measures without halves"
    )
    return Table(columns, rows, "", (note, f"lower, {told}"), "tab:differences")
