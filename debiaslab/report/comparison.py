"""Strategies side by side: each over its seeds, its numbers, and the hypervolumes of fronts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from debiaslab.lexicons import Half
from debiaslab.metrics.registry import direction_of
from debiaslab.results import StrategyResult
from debiaslab.statistics.paired import Paired, Point, half_width, hypervolume, paired

Better = Literal["higher", "lower"]
NO_RANK = "–"
_FEWER_SEEDS = (
    "n: seeds that measured it, where not all did; one of several seeds gives no interval and "
    "takes no rank"
)
OVERLAP = "neighbor_overlap"
_BASELINE_OVERLAP = "overlap of the baseline: with the baseline of another seed"


@dataclass(frozen=True)
class Measure:
    """A number that is compared: one of the objective's, or one of the scorecard.

    Attributes:
        metric: ``outcome`` for the objective's, else as in the scorecard's records.
        name: As in the records.
        words: As in the records.
        better: Which way is better, of the number as it is shown.
        label: For the head of a table.
    """

    metric: str
    name: str
    words: Half
    better: Better
    label: str

    def number(self, side: StrategyResult, i: int) -> float | None:
        """Return the number of one seed: a signed bias by its size; None when not measured."""
        if self.metric == "outcome":
            outcome = side.outcomes[i]
            return None if outcome is None else outcome.get(self.name)
        card = side.cards[i]
        record = None if card is None else card.record(self.metric, self.name, self.words)
        if record is None:
            return None
        direction = direction_of(record)
        number = direction.number(record)
        if number is None or direction.better in ("higher", "lower", None):
            return number
        return direction.badness(number, record)


@dataclass(frozen=True)
class MeasureSummary:
    """One measure of one side, over seeds.

    Attributes:
        n: Seeds that measured it.
        seeds: Seeds of the comparison.
        mean: Mean over those that did; None when none did.
        half_width: Half of the 95 % t interval; None with fewer than two.
        rank: 1 is best among the sides that have one; ties share the lower rank. A number of a
            single seed has none where the comparison has more: it may be first by chance, and no
            interval would say so.
        to_baseline: Paired comparison with the baseline over the seeds both have; None without.
    """

    n: int
    seeds: int
    mean: float | None
    half_width: float | None
    rank: int | None
    to_baseline: Paired | None

    @property
    def rank_text(self) -> str:
        """The rank as tables show it, with how many seeds it rests on when that is not all."""
        few = f", n={self.n}" if self.n < self.seeds else ""
        return f"({NO_RANK if self.rank is None else self.rank}{few})"


OUTCOMES: tuple[Measure, ...] = (
    Measure("outcome", "bias_report", "report", "lower", "bias"),
    Measure("outcome", "retention_report", "report", "higher", "retention"),
)
HEADLINE: tuple[Measure, ...] = (
    *OUTCOMES,
    Measure("weat", "6b", "report", "lower", "|s| 6b"),
    Measure("weat", "7", "report", "lower", "|s| 7"),
    Measure("weat", "8", "report", "lower", "|s| 8"),
    Measure("direct_bias", "occupations", "report", "lower", "direct bias"),
    Measure("lipstick", "kmeans_alignment", "all", "lower", "k-means"),
    Measure("lipstick", "svm_recovery", "all", "lower", "SVM"),
    Measure("lipstick", "profession_neighbors", "report", "lower", "neighbours r"),
    Measure("factual_association", "bls", "report", "lower", "|r| women"),
    Measure(OVERLAP, "all ranks", "all", "higher", "overlap"),
)
"""The columns of the table: report words only, where a metric has halves."""


def shown_measures(sides: Sequence[StrategyResult]) -> list[Measure]:
    """Return the headline measures that any side has."""
    return [
        measure
        for measure in HEADLINE
        if any(result.mean is not None for result in compared(sides, measure))
    ]


def every_measure(sides: Sequence[StrategyResult]) -> tuple[Measure, ...]:
    """Return the objective's numbers and every record of any scorecard that has a better side."""
    found: dict[tuple[str, str, str], Measure] = {}
    for side in sides:
        for card in side.cards:
            for record in () if card is None else card.records:
                better = direction_of(record).better
                if better is None:
                    continue
                key = (record.metric, record.name, record.words)
                shown: Better = "higher" if better == "higher" else "lower"
                label = " ".join(key)
                found.setdefault(key, Measure(*key[:2], record.words, shown, label))
    return (*OUTCOMES, *found.values())


def compared(sides: Sequence[StrategyResult], measure: Measure) -> tuple[MeasureSummary, ...]:
    """Return one measure of every side; the first side is the baseline."""
    numbers = [[measure.number(side, i) for i in range(len(side.cards))] for side in sides]
    present = [[number for number in own if number is not None] for own in numbers]
    seeds = len(sides[0].cards)
    ranked = [mean(own) if own and (len(own) > 1 or seeds == 1) else None for own in present]
    return tuple(
        MeasureSummary(
            n=len(known),
            seeds=seeds,
            mean=mean(known) if known else None,
            half_width=half_width(known),
            rank=rank,
            to_baseline=None if own is numbers[0] else _paired(numbers[0], own, measure.better),
        )
        for own, known, rank in zip(numbers, present, _ranks(ranked, measure.better), strict=True)
    )


def footnotes(sides: Sequence[StrategyResult]) -> tuple[str, ...]:
    """Return what has to be said of some of the headline's numbers, where there are such."""
    columns = [(measure, compared(sides, measure)) for measure in shown_measures(sides)]
    found = []
    if any(0 < each.n < each.seeds for _, column in columns for each in column):
        found.append(_FEWER_SEEDS)
    if any(measure.metric == OVERLAP and column[0].n for measure, column in columns):
        found.append(_BASELINE_OVERLAP)
    return tuple(found)


def sentence(note: str) -> str:
    """Return a note as a sentence; one that begins with a symbol such as n keeps it."""
    begun = note if note[1:2] == ":" else note[0].upper() + note[1:]
    return f"{begun}."


def _ranks(means: Sequence[float | None], better: Better) -> list[int | None]:
    beats: Callable[[float, float], bool] = (
        (lambda a, b: a > b) if better == "higher" else (lambda a, b: a < b)
    )
    present = [each for each in means if each is not None]
    return [
        None if own is None else 1 + sum(beats(other, own) for other in present) for own in means
    ]


def _paired(
    baseline: Sequence[float | None], own: Sequence[float | None], better: Better
) -> Paired | None:
    both = [(a, b) for a, b in zip(baseline, own, strict=True) if a is not None and b is not None]
    if not both:
        return None
    return paired([a for a, _ in both], [b for _, b in both], better=better)


GROUPS = {
    "pre": "the text changed",
    "in": "in-processing",
    "post": "post-processing",
    "several": "several stages",
}
"""What acts at one stage of training, by stage, and what acts at several."""
_REFERENCE = (
    "Hypervolume of the fronts of bias and retention: the share that is dominated of the box\n"
    "from the baseline's bias at retention 0 (the reference point, of the same seed) to no bias\n"
    "at retention 1, on report words and report pairs; mean ± half of the 95 % t interval over\n"
    "seeds. A kind with more strategies has more chances; controls are left out."
)

_NO_RATIO = "post-processing's is 0, or one of the two not measured,"


@dataclass(frozen=True)
class FrontVolume:
    """The hypervolume of the strategies of one kind.

    Attributes:
        group: A key of ``GROUPS``.
        strategies: Labels of those that have a number with any seed.
        by_seed: Hypervolume with each seed, in [0, 1]; None where nothing was measured.
    """

    group: str
    strategies: tuple[str, ...]
    by_seed: tuple[float | None, ...]


@dataclass(frozen=True)
class Headline:
    """Front of in-processing over front of post-processing, as the ratio of hypervolumes.

    Attributes:
        mean: Over the seeds that have both.
        half_width: Half of the 95 % t interval of the ratios; None with one seed.
        n: Seeds.
    """

    mean: float
    half_width: float | None
    n: int


def group_of(side: StrategyResult) -> str | None:
    """Return the kind of a side; None for the baseline and for controls."""
    if side.control or side.stage == "none":
        return None
    return side.stage if side.stage in GROUPS else "several"


def point_of(side: StrategyResult, i: int) -> Point | None:
    """Return bias and retention of one seed on report words; None when one was not measured."""
    outcome = side.outcomes[i] or {}
    bias, kept = outcome.get("bias_report"), outcome.get("retention_report")
    return None if bias is None or kept is None else (bias, kept)


def front_volumes(sides: Sequence[StrategyResult]) -> tuple[FrontVolume, ...]:
    """Return the hypervolume of every kind that is there; ``sides[0]`` is the baseline."""
    baseline = sides[0]
    found = []
    for group in GROUPS:
        own = [side for side in sides if group_of(side) == group]
        volumes = []
        measured: dict[str, None] = {}
        for i in range(len(baseline.cards)):
            reference = point_of(baseline, i)
            here = {side.label: p for side in own if (p := point_of(side, i)) is not None}
            measured |= dict.fromkeys(here)
            known = reference is not None and bool(here)
            volumes.append(
                hypervolume(list(here.values()), reference[0]) if known and reference else None
            )
        if measured:
            found.append(FrontVolume(group, tuple(measured), tuple(volumes)))
    return tuple(found)


def headline(volumes: Sequence[FrontVolume]) -> Headline | None:
    """Return in-processing over post-processing; None when one of them was not compared."""
    by_group = {each.group: each.by_seed for each in volumes}
    if not {"in", "post"} <= by_group.keys():
        return None
    both = zip(by_group["in"], by_group["post"], strict=True)
    ratios = [a / b for a, b in both if a is not None and b]
    return Headline(mean(ratios), half_width(ratios), len(ratios)) if ratios else None


def front_text(sides: Sequence[StrategyResult]) -> str:
    """Return the hypervolumes, and the headline or what it lacks."""
    volumes = front_volumes(sides)
    named = [(_named(each), _number(each.by_seed)) for each in volumes]
    width = max((len(name) for name, _ in named), default=0)
    lines = [_REFERENCE, *(f"  {name:<{width}}  {number}" for name, number in named)]
    ratio = headline(volumes)
    if ratio is not None:
        spread = "" if ratio.half_width is None else f" ±{ratio.half_width:.3f}"
        seeds = len(sides[0].cards)
        of = "" if ratio.n == seeds else f" ({ratio.n} of {seeds} seeds; {_NO_RATIO} in the others)"
        lines.append(f"  in-processing over post-processing: {ratio.mean:.3f}{spread}{of}")
    else:
        there = {each.group for each in volumes}
        lacking = [GROUPS[group] for group in ("in", "post") if group not in there]
        reason = f"{' and '.join(lacking)} is not in this comparison"
        reason = reason if lacking else f"{_NO_RATIO} in every seed"
        lines.append(f"  in-processing over post-processing: not measured ({reason})")
    return "\n".join(lines)


def _named(volume: FrontVolume) -> str:
    count = len(volume.strategies)
    return f"{GROUPS[volume.group]} ({count} {'strategy' if count == 1 else 'strategies'})"


def _number(by_seed: Sequence[float | None]) -> str:
    values = [value for value in by_seed if value is not None]
    if not values:
        return "–"
    spread = half_width(values)
    return f"{mean(values):.3f}" + ("" if spread is None else f" ±{spread:.3f}")
