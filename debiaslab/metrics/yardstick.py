"""The words that nulls are drawn from, in one set of vectors, and the nulls drawn so far."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from debiaslab.lexicons import gender_words
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import Array, RandomWords, null_band, null_p, random_words
from debiaslab.metrics.scorecard import Record
from debiaslab.vectors.embeddings import Embeddings

_T = TypeVar("_T")

_NAMES = ("median", "low", "high", "p", "draws", "undefined", "zeros", "reason")
_NONE: Mapping[str, float | str | None] = {f"null_{name}": None for name in _NAMES}


@dataclass(frozen=True, eq=False)
class Yardstick:
    """Random words of one set of vectors; a null that was drawn is not drawn again.

    Attributes:
        words: The words to draw from.
        suffix: What follows the names of its numbers: empty in the vectors measured,
            ``"_baseline"`` in those before debiasing.
    """

    words: RandomWords
    suffix: str = ""
    _drawn: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, embeddings: Embeddings, suffix: str = "") -> Yardstick:
        """Draw from the first 10,000 words less every gender word."""
        return cls(random_words(embeddings, gender_words()), suffix)

    def once(self, key: Hashable, draw: Callable[[], _T]) -> _T:
        """Return what ``draw`` returned when it was first called with this key."""
        if key not in self._drawn:
            self._drawn[key] = draw()
        found: _T = self._drawn[key]
        return found

    def named(self, suffix: str) -> Yardstick:
        """Return the same words and nulls under another suffix."""
        return Yardstick(self.words, suffix, self._drawn)


Null = Callable[[Yardstick, Record, int], Array]
"""``null(yardstick, record, seed) → values``, shape ``(draws,)``, of ``record.n`` words each."""


def with_null(
    record: Record, null: Null, yardsticks: Sequence[Yardstick], effort: Effort
) -> Record:
    """Return a record with what random words show in its place, in ``extra``.

    ``null_median``, ``null_low`` and ``null_high`` (2.5 % and 97.5 % of random sets of the same
    size) and ``null_p`` (two-sided, of the record's value among them; not corrected for how many
    there are), with the suffix of each yardstick after each name. In the vectors measured they are
    what "no bias" looks like there; in the baseline's, the yardstick that stays where it was while
    debiasing shrinks the other. ``null_undefined`` of the ``null_draws`` sets drawn are left out:
    the metric is undefined for them; ``null_zeros`` words are never drawn, for their
    vector is all zeros. All are None when there is no value. When there is no null,
    for too few words or because most sets are undefined, ``null_reason`` says so.
    """
    extra = dict(record.extra)
    for yardstick in yardsticks:
        numbers = _numbers(record, null, yardstick, effort)
        extra |= {f"{name}{yardstick.suffix}": number for name, number in numbers.items()}
    return replace(record, extra=extra)


def _numbers(
    record: Record, null: Null, yardstick: Yardstick, effort: Effort
) -> Mapping[str, float | str | None]:
    if record.value is None:
        return _NONE
    seed = effort.seed_of("null", record.metric, record.name, record.words)

    def draw() -> Array | str:
        try:
            return null(yardstick, record, seed)
        except NotMeasuredError as problem:  # the value stands without a yardstick
            return str(problem)

    values = yardstick.once((record.metric, record.name, record.words, record.n, seed), draw)
    return null_numbers(values, record.value, yardstick.words.zeros)


def null_numbers(
    values: Array | str, value: float | None, zeros: int
) -> Mapping[str, float | str | None]:
    """Return what a record says of its null.

    Args:
        values: Of the random sets, or why there are none.
        value: Of the record.
        zeros: Words that are never drawn, for their vector is all zeros.
    """
    if value is None:
        return _NONE
    if isinstance(values, str):
        return {**_NONE, "null_reason": values}
    band = null_band(values)
    return {
        "null_median": band.median,
        "null_low": band.low,
        "null_high": band.high,
        "null_p": null_p(values, value),
        "null_draws": band.draws,
        "null_undefined": band.undefined,
        "null_zeros": zeros,
        "null_reason": None,
    }
