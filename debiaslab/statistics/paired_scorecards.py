"""Comparing the scorecards of two kinds of run, record by record, over the seeds they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from debiaslab.errors import UserError
from debiaslab.lexicons import Half
from debiaslab.metrics.bootstrap import RESAMPLES
from debiaslab.metrics.registry import direction_of
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.statistics.paired import Better, Paired, paired


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
