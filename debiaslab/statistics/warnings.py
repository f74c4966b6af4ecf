"""What a reader of a scorecard should know before believing it, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.vocabulary import shortlist
from debiaslab.metrics.weat import is_scale_artefact
from debiaslab.statistics.paired import FEW_SEEDS

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
