"""Statistics of whole scorecards: warnings, corrected p-values, the same records over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from debiaslab.errors import UserError
from debiaslab.lexicons import Half
from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.vocabulary import shortlist
from debiaslab.metrics.weat import is_scale_artefact
from debiaslab.statistics.bootstrap import RESAMPLES
from debiaslab.statistics.paired import FEW_SEEDS, Better, Paired, benjamini_hochberg, holm, paired

LOW_COVERAGE = 0.8
"""A share of words or pairs with vectors under this is warned about."""


LARGE_TURN = 45.0
"""Degrees by which leaving out one pair may turn the gender direction without a warning."""


_FELL = 0.5  # the statistic fell at least to this share of the baseline's …
_STAYED = 0.8  # … while d kept at least this share of its size


def warnings_of(
    card: Scorecard, baseline: Scorecard | None = None, *, seeds: int | None = None
) -> tuple[str, ...]:
    """Return warnings about a scorecard, the gravest first; none when nothing looks wrong.

    Collapse; few seeds; tests whose baseline is at its null already, so that a reduction means
    nothing; a large effect size ``d`` beside a statistic ``s`` within the random-word null,
    or one that stayed while ``s`` fell; a gender direction that depends on one pair; low coverage.
    One sentence a kind, naming the records.

    Args:
        card: The scorecard.
        baseline: The scorecard of the vectors it is compared with, if any.
        seeds: How many seeds the numbers rest on, if they are to be compared.
    """
    found: list[str] = [*card.warnings]
    if baseline is not None:
        found += [f"in the baseline: {warning}" for warning in baseline.warnings]
    if seeds is not None and seeds < FEW_SEEDS:
        found.append(
            f"the numbers rest on {seeds} seed{'s' * (seeds != 1)}: fewer than {FEW_SEEDS} cannot "
            "tell a difference from chance"
        )
    if baseline is not None:
        found += _sentence(
            "in the baseline these tests do not exceed the random-word null, so a reduction means "
            "nothing",
            _at_null(baseline),
        )
        found += _sentence(
            "d stayed while s fell: d is scale-free, read s",
            _scale_free(card, baseline),
        )
    found += _sentence(
        "d is large while s does not exceed the random-word null here: read s", _large_d(card)
    )
    found += _sentence(
        f"the gender direction depends on one pair: dropping it rotates the direction by over "
        f"{LARGE_TURN:.0f}° (run `reliability` for the effect on the number)",
        _one_pair(card),
    )
    found += _sentence("words or pairs are missing from the vectors", _low_coverage(card))
    return tuple(found)


def _sentence(problem: str, records: Iterable[str]) -> list[str]:
    named = tuple(records)
    return [f"{problem}: {shortlist(named)}"] if named else []


def _at_null(card: Scorecard) -> Iterator[str]:
    for record in card.records:
        if _is_at_null(record):
            yield _name(record)


def _large_d(card: Scorecard) -> Iterator[str]:
    for record in card.records:
        d, s, null = (record.value, _statistic(record), record.extra.get("null95"))
        if record.metric == "weat" and is_scale_artefact(d, s, null):
            yield f"{_name(record)} (d {d:.2f}, s {s:.4f}, random words {null:.4f})"


def _one_pair(card: Scorecard) -> Iterator[str]:
    for record in card.records:
        turn = record.extra.get("turn_degrees")
        if turn is not None and turn > LARGE_TURN:
            distance = record.extra["pair_distance"]
            yield (
                f"{_name(record)} ({record.extra['turn_pair']}, {turn:.0f}°; the words of a pair "
                f"are {distance:.2f} apart)"
            )


def _scale_free(card: Scorecard, baseline: Scorecard) -> Iterator[str]:
    for record in card.records:
        before = baseline.record(record.metric, record.name, record.words)
        if record.metric != "weat" or before is None:
            continue
        d, s, d0, s0 = record.value, _statistic(record), before.value, _statistic(before)
        if d is None or s is None or d0 is None or s0 is None or _is_at_null(before):
            continue
        if abs(s) <= _FELL * abs(s0) and abs(d) >= _STAYED * abs(d0):
            yield f"{_name(record)} (d {d0:.2f} → {d:.2f}, s {s0:.4f} → {s:.4f})"


def _low_coverage(card: Scorecard) -> Iterator[str]:
    for record in card.records:
        coverage = _coverage(record)
        if record.words == "all" and coverage is not None and coverage < LOW_COVERAGE:
            yield f"{_name(record)} ({coverage:.0%} found)"


def _coverage(record: Record) -> float | None:
    """Return the share that has a vector; None when the record counts nothing that can be lost."""
    stated = record.extra.get("coverage")
    if stated is not None:
        return float(stated)
    known = sum(record.extra.get("sizes", (record.n,)))
    return known / (known + len(record.missing)) if known + len(record.missing) else None


def _is_at_null(record: Record) -> bool:
    """Whether the record has a yardstick and is no worse than what random words show.

    WEAT states the 95 % quantile of ``|s|``; other metrics the band of random words
    (``null_low``, ``null_high``), of which the worse end counts.
    """
    null95, s = record.extra.get("null95"), _statistic(record)
    if record.metric == "lipstick":  # of any two words, so a reduction along he/she means something
        return False
    if record.metric == "weat":
        return null95 is not None and s is not None and abs(s) <= null95
    low, high = record.extra.get("null_low"), record.extra.get("null_high")
    direction = direction_of(record)
    if record.value is None or low is None or high is None or direction.better is None:
        return False
    value, *ends = (
        direction.badness(number, record) or 0.0 for number in (record.value, low, high)
    )
    return value <= max(ends)


def _statistic(record: Record) -> float | None:
    return record.extra.get("statistic")


def _name(record: Record) -> str:
    return f"{record.metric} {record.name} {record.words}"


Sided = Literal["two", "one"]


@dataclass(frozen=True)
class CorrectedP:
    """The p-value of one record, and what it is worth among its family.

    Attributes:
        metric: As in the record.
        name: As in the record.
        words: As in the record; one half is one family.
        p: The record's own p-value.
        holm: Adjusted for the family-wise error rate (Holm 1979): under 0.05 means that with
            95 % certainty not one of the family's findings so marked is false.
        benjamini_hochberg: Adjusted for the false discovery rate (Benjamini & Hochberg 1995):
            of the findings under 0.05, about 5 % are expected to be false.
        family: Number of p-values corrected together.
    """

    metric: str
    name: str
    words: Half
    p: float
    holm: float
    benjamini_hochberg: float
    family: int


def corrected(card: Scorecard, *, sided: Sided = "two") -> tuple[CorrectedP, ...]:
    """Return the corrected p-value of every record that has one, in the scorecard's order.

    The p is the permutation p of the record: two-sided where the record has one
    (``p_two_sided``), because a scorecard looks for bias either way; ``sided="one"`` takes the
    one-sided ``p``, for who has stated the direction beforehand. The family is every p of one
    half: all, tune and report words are three looks at overlapping words, and a reader quotes
    one of them.

    Raises:
        UserError: ``sided`` is neither two nor one.
    """
    if sided not in ("two", "one"):
        raise UserError(f"sided was {sided!r}", allowed="two, one")
    tested = [(record, p) for record in card.records if (p := _p(record, sided)) is not None]
    found: dict[int, CorrectedP] = {}
    for half in dict.fromkeys(record.words for record, _ in tested):
        places = [i for i, (record, _) in enumerate(tested) if record.words == half]
        raw = [tested[i][1] for i in places]
        for i, p, by_holm, by_bh in zip(
            places, raw, holm(raw), benjamini_hochberg(raw), strict=True
        ):
            record = tested[i][0]
            found[i] = CorrectedP(
                record.metric, record.name, half, p, float(by_holm), float(by_bh), len(raw)
            )
    return tuple(found[i] for i in range(len(tested)))


def _p(record: Record, sided: Sided) -> float | None:
    two_sided = record.extra.get("p_two_sided")
    return record.p if sided == "one" or two_sided is None else float(two_sided)


@dataclass(frozen=True)
class PairedRecord:
    """One record of the scorecards, compared.

    Attributes:
        metric: As in the records.
        name: As in the records.
        words: As in the records.
        what: The number that was compared, such as ``|statistic|`` or ``value``.
        better: Which way it improves.
        result: The comparison; None when a scorecard has no value.
        reason: Why there is no result.
    """

    metric: str
    name: str
    words: Half
    what: str
    better: Better
    result: Paired | None
    reason: str | None = None


def paired_scorecards(
    first: Sequence[Scorecard],
    second: Sequence[Scorecard],
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> tuple[PairedRecord, ...]:
    """Compare two lists of scorecards, one for each seed, the same seeds in the same order.

    Each metric is compared by the number and in the direction that comparisons of files use
    (``metrics.direction``): a signed bias by its size, so that overshooting to the other side is
    no improvement. Metrics that have no better side are left out, as are records that the first
    scorecard of ``first`` does not have.

    Raises:
        UserError: The lists are empty or of different lengths.
    """
    if len(first) != len(second) or not first:
        raise UserError(
            f"{len(first)} scorecards were to be paired with {len(second)}",
            allowed="one scorecard for each seed in both, at least one seed",
        )
    return tuple(
        _compared(record, first, second, bootstrap, seed)
        for record in first[0].records
        if direction_of(record).better is not None
    )


def _compared(
    like: Record, first: Sequence[Scorecard], second: Sequence[Scorecard], bootstrap: int, seed: int
) -> PairedRecord:
    what, better = _what(like)
    numbers = [[_number(card, like) for card in cards] for cards in (first, second)]
    x, y = ([number for number in side if number is not None] for side in numbers)
    lost = 2 * len(first) - len(x) - len(y)
    if lost:
        reason = f"not measured in {lost} of {2 * len(first)} scorecards"
        return PairedRecord(like.metric, like.name, like.words, what, better, None, reason)
    result = paired(x, y, better=better, bootstrap=bootstrap, seed=seed)
    return PairedRecord(like.metric, like.name, like.words, what, better, result)


def _what(record: Record) -> tuple[str, Better]:
    direction = direction_of(record)
    if direction.better == "near 0":
        return f"|{direction.key}|", "lower"
    if direction.better == "near null":
        return f"|{direction.key} − random words|", "lower"
    return direction.key, "higher" if direction.better == "higher" else "lower"


def _number(card: Scorecard, like: Record) -> float | None:
    record = card.record(like.metric, like.name, like.words)
    if record is None:
        return None
    direction = direction_of(record)
    number = direction.number(record)
    if number is None or direction.better is None:
        return None
    return number if direction.better in ("higher", "lower") else direction.badness(number, record)
