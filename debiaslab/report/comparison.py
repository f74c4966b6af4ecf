"""Strategies side by side: numbers over seeds, measures with ranks, hypervolumes of fronts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import mean

from debiaslab.lexicons import Half
from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.scorecard import Record, Ruler
from debiaslab.results import StrategyResult
from debiaslab.statistics.bootstrap import Interval
from debiaslab.statistics.paired import Better, Paired, Point, half_width, hypervolume, paired
from debiaslab.statistics.verdict import Contrast, Verdict, ranks, verdicts
from debiaslab.tables import MISSING, plus_minus

_FEWER_SEEDS = (
    "n: seeds that measured it, where not all did; a value of one seed has no interval and no rank"
)
OVERLAP = "neighbor_overlap"
ANCHORED_NOTE = "anchored: along the gender words of the baseline of the same seed, aligned with it"
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
        ruler: Whose attribute words it is read along, as in the scorecard.
    """

    metric: str
    name: str
    words: Half
    better: Better
    label: str = field(compare=False)
    ruler: Ruler = "own"

    def number(self, side: StrategyResult, i: int) -> float | None:
        """Return the number of one seed: a signed bias by its size; None when not measured."""
        if self.metric == "outcome":
            outcome = side.outcomes[i]
            return None if outcome is None else outcome.get(self.name)
        card = side.cards[i]
        read = None if card is None else card.reading(self.ruler)
        record = None if read is None else read.record(self.metric, self.name, self.words)
        if record is None:
            return None
        direction = direction_of(record)
        number = direction.number(record)
        if number is None or direction.better in ("higher", "lower", None):
            return number
        return direction.badness(number, record)

    def null(self, side: StrategyResult) -> float | None:
        """Return what random words reach in a side, mean over its seeds; None where none is known.

        Of the objective's bias it is 1, the unit; a measure that is better when higher has none.
        """
        if self.better == "higher":
            return None
        if self.metric == "outcome":
            return 1.0
        cards = [card for card in side.cards if card is not None]
        read = [card.reading(self.ruler) for card in cards]
        records = [card.record(self.metric, self.name, self.words) for card in read]
        reached = [_reached(record) for record in records if record is not None]
        known = [each for each in reached if each is not None]
        return mean(known) if known else None

    def margin(self, side: StrategyResult) -> float:
        """Return the difference up to which two numbers count as the same, see ``SAME``."""
        null = self.null(side)
        return SAME if not null else SAME_OF_NULL * null


SAME, SAME_OF_NULL = 0.02, 0.1
"""Numbers count as the same up to 0.02 or, where random words reach a size, up to a tenth of it."""


def _reached(record: Record) -> float | None:
    """Return the size that random words reach, where the number shown is a size.

    Of a metric that is better near its null the number shown is the distance to its middle.
    """
    better = direction_of(record).better
    if better not in ("lower", "near 0", "near null"):
        return None
    named = [(f"null{end}", f"null{end}_baseline") for end in ("95", "_low", "_high")]
    null95, low, high = (
        next((found for key in keys if (found := record.extra.get(key)) is not None), None)
        for keys in named
    )
    if null95 is not None:
        return float(null95)
    if low is None or high is None:
        return None
    return (high - low) / 2 if better == "near null" else max(abs(float(low)), abs(float(high)))


@dataclass(frozen=True)
class OverSeeds:
    """One number over the seeds of a study.

    Attributes:
        values: Of each seed, in the order of the seeds; None where it was not measured.
    """

    values: tuple[float | None, ...]

    @cached_property
    def known(self) -> list[float]:
        """The values that were measured."""
        return [value for value in self.values if value is not None]

    @property
    def n(self) -> int:
        """Seeds that measured it."""
        return len(self.known)

    @property
    def seeds(self) -> int:
        """Seeds of the study."""
        return len(self.values)

    @cached_property
    def mean(self) -> float | None:
        """Mean over the seeds that measured it; None when none did."""
        return mean(self.known) if self.known else None

    @cached_property
    def half_width(self) -> float | None:
        """Half of the 95 % t interval of the mean; None with fewer than two values."""
        return half_width(self.known)

    @property
    def interval(self) -> Interval:
        """The 95 % t interval of the mean."""
        if self.mean is None or self.half_width is None:
            return None, None
        return self.mean - self.half_width, self.mean + self.half_width

    def text(self, spec: str = ".3f") -> str:
        """Return the mean with the half of its interval, as ``0.512 ±0.034``."""
        return MISSING if self.mean is None else plus_minus(self.mean, self.half_width, spec)


@dataclass(frozen=True)
class MeasureSummary(OverSeeds):
    """One measure of one strategy, over seeds.

    Attributes:
        rank: 1 + how many strategies are better by more than their seeds leave uncertain, see
            ``statistics.verdict.ranks``. The baseline and controls have none, nor has a strategy
            with one seed: it may be first by chance, and no interval would say so.
        best: Whether it is so better than every other strategy.
        to_baseline: Paired comparison with the baseline over the seeds both have; None without.
    """

    rank: int | None
    best: bool
    to_baseline: Paired | None

    @property
    def rank_text(self) -> str:
        """The rank as tables show it, with how many seeds it rests on when that is not all."""
        said = [*([] if self.rank is None else [str(self.rank)])]
        said += [f"n={self.n}"] if self.n < self.seeds else []
        return f"({', '.join(said)})" if said else ""


OUTCOMES: tuple[Measure, ...] = (
    Measure("outcome", "bias_report", "report", "lower", "bias"),
    Measure("outcome", "retention_report", "report", "higher", "retention"),
)
ANCHORED = Measure(
    "outcome", "bias_report_anchored", "report", "lower", "bias, anchored", "anchored"
)
BY_OWN_RULER = Measure("outcome", "bias_report_own", "report", "lower", "bias, own ruler")
HEADLINE: tuple[Measure, ...] = (
    OUTCOMES[0],
    ANCHORED,
    OUTCOMES[1],
    Measure("weat", "6b", "report", "lower", "|s| 6b"),
    Measure("weat", "7", "report", "lower", "|s| 7"),
    Measure("weat", "8", "report", "lower", "|s| 8"),
    Measure("direct_bias", "occupations", "report", "lower", "direct bias"),
    Measure("raw_direct_bias", "occupations", "report", "lower", "raw direct bias"),
    Measure(
        "raw_direct_bias", "occupations", "report", "lower", "raw direct bias, anchored", "anchored"
    ),
    Measure("lipstick", "kmeans_alignment", "all", "lower", "k-means"),
    Measure("lipstick", "svm_recovery", "all", "lower", "SVM"),
    Measure("lipstick", "profession_neighbors", "report", "lower", "neighbours r"),
    Measure("factual_association", "bls", "report", "lower", "|r| women"),
    Measure(OVERLAP, "all ranks", "all", "higher", "overlap"),
)
"""The columns of the table: report words only, where a metric has halves.

Direct bias, which is scale-free, only where its raw number was not measured (by older versions).
"""


def headline_measures(sides: Sequence[StrategyResult]) -> dict[Measure, tuple[MeasureSummary, ...]]:
    """Return the headline measures that any side has, each with its numbers of all sides."""
    every = {measure: compared(sides, measure) for measure in HEADLINE}
    found = {m: results for m, results in every.items() if any(each.n for each in results)}
    raw = any(measure.metric == "raw_direct_bias" for measure in found)
    return {m: results for m, results in found.items() if not (raw and m.metric == "direct_bias")}


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
    seeds = range(len(sides[0].cards))
    plain = [OverSeeds(tuple(measure.number(side, i) for i in seeds)) for side in sides]
    ranked = [i for i, side in enumerate(sides) if i and not side.control and plain[i].n > 1]
    found = ranks([plain[i].values for i in ranked], measure.better, measure.margin(sides[0]))
    places = dict(zip(ranked, zip(*found, strict=True), strict=True))
    summaries = []
    for i, own in enumerate(plain):
        rank, best = places.get(i, (None, False))
        pair = _paired(plain[0], own, measure.better) if i else None
        summaries.append(MeasureSummary(own.values, rank, best, pair))
    return tuple(summaries)


def verdicts_against(
    sides: Sequence[StrategyResult],
    reference: int = 0,
    measures: Mapping[Measure, Sequence[OverSeeds]] | None = None,
) -> tuple[dict[Measure, Verdict], ...]:
    """Return, of each side, what may be said of its headline measures against a reference.

    Args:
        sides: The strategies, the baseline first.
        reference: The side they are compared with.
        measures: Other measures than the headline's.

    Returns:

        By side; p is corrected over the measures of one side. A measure is left out where the two
        have no seed in common, and the reference has none at all.
    """
    measures = headline_measures(sides) if measures is None else measures
    held = sides[reference]
    found: list[dict[Measure, Verdict]] = []
    for i in range(len(sides)):
        contrasts = {
            measure: contrast
            for measure, results in (measures.items() if i != reference else ())
            if (
                contrast := Contrast.of(
                    results[reference].values,
                    results[i].values,
                    measure.margin(held),
                    measure.null(held),
                )
            )
            is not None
        }
        told = verdicts(list(contrasts.values()))
        found.append(dict(zip(contrasts, told, strict=True)))
    return tuple(found)


def anchored(measure: Measure) -> Measure:
    """Return the anchored reading of a measure; what reads no attribute words has no number."""
    name = f"{measure.name}_anchored" if measure.metric == "outcome" else measure.name
    return replace(measure, name=name, ruler="anchored")


def judged_by(sides: Sequence[StrategyResult]) -> Measure:
    """Return the bias that strategies are judged by: anchored, where all that have any have it."""
    strategies = [side for side in sides if not side.control]
    for side in strategies:
        for i in range(len(side.cards)):
            if OUTCOMES[0].number(side, i) is not None and ANCHORED.number(side, i) is None:
                return OUTCOMES[0]
    return ANCHORED


def footnotes(sides: Sequence[StrategyResult]) -> tuple[str, ...]:
    """Return what has to be said of some of the headline's numbers, where there are such."""
    columns = headline_measures(sides)
    found = []
    if any(0 < each.n < each.seeds for results in columns.values() for each in results):
        found.append(_FEWER_SEEDS)
    if any(measure.metric == OVERLAP and results[0].n for measure, results in columns.items()):
        found.append(_BASELINE_OVERLAP)
    if any(measure.ruler == "anchored" for measure in columns):
        found.append(ANCHORED_NOTE)
    return tuple(found)


def sentence(note: str) -> str:
    """Return a note as a sentence; one that begins with a symbol, such as n or d, keeps it."""
    begun = note if note[1:2] in (":", " ") else note[0].upper() + note[1:]
    return f"{begun}."


def _paired(baseline: OverSeeds, own: OverSeeds, better: Better) -> Paired | None:
    both = [
        (a, b)
        for a, b in zip(baseline.values, own.values, strict=True)
        if a is not None and b is not None
    ]
    return paired(*zip(*both, strict=True), better=better) if both else None


GROUPS = {
    "pre": "the text changed",
    "in": "in-processing",
    "post": "post-processing",
    "several": "several stages",
}
"""What acts at one stage of training, by stage, and what acts at several."""
LEAST_OF_A_KIND = 3  # strategies whose front says something of their kind
_REFERENCE = (
    "Hypervolume of the fronts of bias and retention: the share that is dominated of the box\n"
    "from the baseline's bias at retention 0 (the reference point, of the same seed) to no bias\n"
    "at retention 1, on report words and report pairs; mean ± half of the 95 % t interval over\n"
    "seeds. A kind with more strategies has more chances; controls are left out."
)

_NO_RATIO = "post-processing's is 0, or one of the two not measured,"


@dataclass(frozen=True)
class FrontVolume(OverSeeds):
    """The hypervolume, in [0, 1], of the strategies of one kind."""

    group: str  # a key of ``GROUPS``
    strategies: tuple[str, ...]  # labels of those that have a number with any seed

    @property
    def counts(self) -> bool:
        """Whether there are enough strategies for a front to say something of the kind."""
        return len(self.strategies) >= LEAST_OF_A_KIND


def group_of(side: StrategyResult) -> str | None:
    """Return the kind of a side; None for the baseline and for controls."""
    if side.control or side.stage == "none":
        return None
    return side.stage if side.stage in GROUPS else "several"


def point_of(side: StrategyResult, i: int, measure: Measure = OUTCOMES[0]) -> Point | None:
    """Return bias and retention of one seed on report words; None when one was not measured."""
    bias, kept = measure.number(side, i), OUTCOMES[1].number(side, i)
    return None if bias is None or kept is None else (bias, kept)


def front_volumes(
    sides: Sequence[StrategyResult], measure: Measure = OUTCOMES[0]
) -> tuple[FrontVolume, ...]:
    """Return the hypervolume of every kind that is there; ``sides[0]`` is the baseline.

    ``measure`` is the bias.
    """
    found = []
    for group in GROUPS:
        own = [side for side in sides if group_of(side) == group]
        volumes: list[float | None] = []
        measured: dict[str, None] = {}
        for i in range(len(sides[0].cards)):
            reference = point_of(sides[0], i, measure)
            here = {side.label: p for side in own if (p := point_of(side, i, measure)) is not None}
            measured |= dict.fromkeys(here)
            known = reference is not None and bool(here)
            volumes.append(
                hypervolume(list(here.values()), reference[0]) if known and reference else None
            )
        if measured:
            found.append(FrontVolume(tuple(volumes), group, tuple(measured)))
    return tuple(found)


def headline(volumes: Sequence[FrontVolume]) -> OverSeeds | None:
    """Return in-processing over post-processing, the ratio of hypervolumes with each seed.

    None when one of them has fewer than ``LEAST_OF_A_KIND`` strategies, or no seed has both.
    """
    by_group = {each.group: each.values for each in volumes if each.counts}
    if not {"in", "post"} <= by_group.keys():
        return None
    both = zip(by_group["in"], by_group["post"], strict=True)
    ratios = OverSeeds(tuple(a / b if a is not None and b else None for a, b in both))
    return ratios if ratios.n else None


def front_text(sides: Sequence[StrategyResult]) -> str:
    """Return the hypervolumes and their ratio, or what that lacks; empty without such a kind."""
    volumes = [each for each in front_volumes(sides) if each.counts]
    if not volumes:
        return ""
    named = [(_named(each), each.text()) for each in volumes]
    width = max(len(name) for name, _ in named)
    lines = [_REFERENCE, *(f"  {name:<{width}}  {number}" for name, number in named)]
    ratio = headline(volumes)
    if ratio is not None:
        of = f" ({ratio.n} of {ratio.seeds} seeds; {_NO_RATIO} in the others)"
        said = ratio.text() + of * (ratio.n < ratio.seeds)
    else:
        there = {each.group for each in volumes}
        lacking = [GROUPS[group] for group in ("in", "post") if group not in there]
        reason = f"fewer than {LEAST_OF_A_KIND} strategies of {' and '.join(lacking)}"
        said = f"not measured ({reason if lacking else f'{_NO_RATIO} in every seed'})"
    lines.append(f"  in-processing over post-processing: {said}")
    if (anchored := headline(front_volumes(sides, ANCHORED))) is not None:
        lines.append(f"  the same, bias anchored: {anchored.text()}")
    return "\n".join(lines)


def _named(volume: FrontVolume) -> str:
    count = len(volume.strategies)
    return f"{GROUPS[volume.group]} ({count} strategies)"
