"""What a study found, in one sentence with its interval: the same words in figures and pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from debiaslab.report.comparison import OUTCOMES, MeasureSummary, compared
from debiaslab.results import StrategyResult, TrialRow
from debiaslab.statistics.paired import Paired, paired
from debiaslab.tables import with_span

_UNCLEAR = "did not change by more than seed noise"
_NO_GAIN = " No λ improved on the baseline by the objective."
_NOTHING = "No trial has finished yet"
_ZERO = re.compile(r"[-+](0\.0+)(?![\d])")  # a rounded zero has no sign
_MOST_DIGITS = 4  # an interval that is narrower than these show is as good as a point


@dataclass(frozen=True)
class Change:
    """A number of the baseline and of the best trial, over the seeds both have."""

    before: float  # mean of the baseline
    after: float  # mean of the best trial
    pair: Paired  # the paired comparison over seeds; its interval is None with one seed

    @property
    def rounded(self) -> tuple[str, str]:
        """Both numbers, to two decimals."""
        return f"{self.before:.2f}", f"{self.after:.2f}"

    @property
    def unchanged(self) -> bool:
        """Whether the two numbers are equal to two decimals."""
        return len(set(self.rounded)) == 1

    @property
    def text(self) -> str:
        """``1.71 → 1.51 (−0.20 [−0.61, +0.21])``."""
        before, after = self.rounded
        return f"{before} → {after} ({_with_interval(self.pair)})"


@dataclass(frozen=True)
class SweepVerdict:
    """What the best trial did, against the baseline of the same seeds."""

    weight: float  # λ of the best trial
    words: str  # the half of the words it is of: ``report`` where that was measured
    bias: Change  # change of bias
    # change of retention, whose baseline is 1; None when it was not measured
    retention: Change | None
    score: Change  # change of the objective
    seeds: int  # how many seeds both have

    @property
    def title(self) -> str:
        """The finding in one line, for a figure."""
        kept = "" if self.retention is None else f", retention {self.retention.after:.2f}"
        change = " → ".join(self.bias.rounded)
        same = self.bias.unchanged
        sure = {
            None: ": no change, with one seed" if same else " (one seed: may be chance)",
            True: ": no change to two decimals" if same else "",
            False: f": no change beyond seed noise ({self.seeds} seeds)",
        }[self.bias.pair.excludes_zero]
        return f"λ = {self.weight:.3g}: bias on {self.words} words {change}{kept}{sure}"

    @property
    def sentence(self) -> str:
        """The finding in one sentence, with intervals, for the head of a page."""
        went = {True: self._went(), None: f"{self._went()}, with one seed", False: _UNCLEAR}
        parts = [
            f"At λ = {self.weight:.3g}, bias on {self.words} words "
            f"{went[self.bias.pair.excludes_zero]}: {self.bias.text}"
        ]
        if self.retention is not None:
            left, interval = _percents(self.retention)
            parts.append(f"and {left} of the baseline's word similarity was kept{interval}")
        if self.seeds > 1:
            parts.append(f"(means of {self.seeds} seeds, 95 % t intervals of paired differences)")
        gained = self.score.pair.difference < 0
        return " ".join(parts) + "." + ("" if gained else _NO_GAIN)

    def _went(self) -> str:
        if self.bias.unchanged:
            return "did not change to two decimals"
        return "fell" if self.bias.pair.difference < 0 else "rose"


def verdict(rows: Sequence[TrialRow]) -> SweepVerdict | None:
    """Return the finding; None when no trial or no baseline has finished."""
    best = {row.seed: row for row in rows if row.best}
    base = {row.seed: row for row in rows if row.trial is None}
    seeds = sorted(best.keys() & base.keys())
    if not seeds:
        return None
    reported = all(_both(base[s], best[s], "bias_report") for s in seeds)
    changed = _change(base, best, seeds, "bias_report" if reported else "bias_tune")
    score = _change(base, best, seeds, "score")
    if changed is None or score is None:
        return None
    return SweepVerdict(
        weight=best[seeds[0]].weight,
        words="report" if reported else "tune",
        bias=changed,
        retention=_change(base, best, seeds, "retention_report" if reported else "retention"),
        score=score,
        seeds=len(seeds),
    )


def headline(rows: Sequence[TrialRow]) -> str:
    """Return the finding in one line."""
    found = verdict(rows)
    return _NOTHING if found is None else found.title


def _change(
    base: Mapping[int, TrialRow], best: Mapping[int, TrialRow], seeds: Sequence[int], name: str
) -> Change | None:
    if not all(_both(base[seed], best[seed], name) for seed in seeds):
        return None
    before = [float(getattr(base[seed], name)) for seed in seeds]
    after = [float(getattr(best[seed], name)) for seed in seeds]
    n = len(seeds)
    return Change(sum(before) / n, sum(after) / n, paired(before, after, bootstrap=0))


def _both(first: TrialRow, second: TrialRow, name: str) -> bool:
    return getattr(first, name) is not None and getattr(second, name) is not None


def _percents(change: Change) -> tuple[str, str]:
    """Return what is left and its interval, in percent."""
    low, high = change.pair.interval
    if low is None or high is None:
        return f"{change.after:.0%}", ""
    low, high = change.before + low, change.before + high
    digits = _digits(low, high, least=2) - 2
    return f"{change.after:.{digits}%}", f" [{low:.{digits}%}, {high:.{digits}%}]"


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
        sentence: The finding in one sentence, with its interval.
    """

    least: int | None
    sentence: str


def compared_verdict(sides: Sequence[StrategyResult]) -> ComparedVerdict:
    """Return which strategy has the lowest bias, and whether the change exceeds seed noise."""
    bias, kept = compared(sides, OUTCOMES[0]), compared(sides, OUTCOMES[1])
    seeds = len(sides[0].cards)
    known = [
        (result.mean, i)
        for i, result in enumerate(bias)
        if i and not sides[i].control and result.mean is not None and result.rank is not None
    ]
    if not known:
        with_more = " with more than one seed" if seeds > 1 else ""
        return ComparedVerdict(None, f"No strategy has bias measured on report words{with_more}.")
    _, least = min(known)
    own = bias[least]
    before = "" if bias[0].mean is None else f"{bias[0].mean:.2f} → "
    by = "" if own.to_baseline is None else f" ({_with_interval(own.to_baseline)})"
    below = sum(each.fell for side, each in zip(sides, bias, strict=True) if not side.control)
    over = "one seed: no interval" if seeds == 1 else f"{seeds} seeds, 95 % t intervals"
    return ComparedVerdict(
        least,
        f"{sides[least].label} has the lowest bias on report words: {before}{own.mean:.2f}{by}, at "
        f"retention {_mean_interval(kept[least])}; {below or 'none'} of {len(known)} strategies "
        f"lowered bias by more than seed noise ({over}).",
    )


def _mean_interval(result: MeasureSummary) -> str:
    if result.mean is None:
        return "not measured"
    digits = 2 if result.half_width is None else _digits(0.0, result.half_width, least=2)
    return result.text(f".{digits}f")
