"""What random words show on a record of the scorecard, in any vectors: the baseline's above all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import Half, gender_words, load, load_pairs
from debiaslab.lexicons.split import in_half
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import Array, RandomWords, random_words
from debiaslab.metrics.null_band import null_band, null_p
from debiaslab.metrics.null_metrics import (
    direct_bias_null,
    ect_null,
    mac_null,
    ripa_null,
    rnd_null,
    rnsb_null,
    same_null,
)
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.sentiment import PLEASANT, UNPLEASANT

DRAWS = 1_000

_GENDER = ("occupations", "gender")  # names of records that hold occupations against gender words
_NUMBERS = ("null_median", "null_low", "null_high", "null_p")
_Null = Callable[[RandomWords, Record, int], Array]


def neutral_words(embeddings: Embeddings) -> RandomWords:
    """Return the words that nulls draw from: the first 10,000 less every gender word."""
    return random_words(embeddings, gender_words())


def with_null(record: Record, words: RandomWords, effort: Effort, suffix: str = "") -> Record:
    """Return a record with what random words show on its metric, in ``extra``.

    ``null_median``, ``null_low`` and ``null_high`` (2.5 % and 97.5 % of random sets of the same
    size) and ``null_p`` (two-sided, of the record's value among them), with ``suffix`` after each
    name. Taken with the baseline's words and ``suffix="_baseline"`` it is the yardstick that stays
    where it was while debiasing shrinks the null of the vectors measured. All four are None when
    there is no value, nulls are not wanted, or ``words`` are too few; a record of a metric
    without such a null (see ``HAS_NULL``), or of other words than the gender lists of the
    scorecard, comes back as it is. For WEAT see ``metrics.baseline_null``.
    """
    if record.metric not in HAS_NULL or record.name not in _GENDER:
        return record
    numbers = _numbers(record, words, effort)
    extra = {f"{name}{suffix}": number for name, number in zip(_NUMBERS, numbers, strict=True)}
    return replace(record, extra={**record.extra, **extra})


def _numbers(record: Record, words: RandomWords, effort: Effort) -> Sequence[float | None]:
    nothing = (None,) * len(_NUMBERS)
    if record.value is None or not effort.null:
        return nothing
    seed = effort.seed_of("null", record.metric, record.name, record.words)
    try:
        values = HAS_NULL[record.metric](words, record, seed)
    except NotMeasuredError:  # the value stands without a yardstick
        return nothing
    band = null_band(values)
    return band.median, band.low, band.high, null_p(values, record.value)


def _pairs(half: Half) -> tuple[tuple[str, str], ...]:
    return load_pairs("definitional_pairs").half(half)


def _groups(half: Half) -> dict[str, Sequence[str]]:
    return {side: load(f"{side}_words").half(half) for side in ("male", "female")}


def _rnsb(words: RandomWords, record: Record, seed: int) -> Array:
    classes = (in_half(listed, record.words) for listed in (PLEASANT, UNPLEASANT))
    splits = int(record.extra["splits"])
    return rnsb_null(words, record.n, *classes, repeats=splits, draws=DRAWS, seed=seed)


HAS_NULL: dict[str, _Null] = {
    "direct_bias": lambda words, record, seed: direct_bias_null(
        words, _pairs(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "ripa": lambda words, record, seed: ripa_null(
        words, _pairs(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "ripa_normalised": lambda words, record, seed: ripa_null(
        words, _pairs(record.words), record.n, unit=True, draws=DRAWS, seed=seed
    ),
    "mac": lambda words, record, seed: mac_null(
        words, _groups(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "ect": lambda words, record, seed: ect_null(
        words, _groups(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "rnd_norm": lambda words, record, seed: rnd_null(
        words, _groups(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "rnd_cosine": lambda words, record, seed: rnd_null(
        words, _groups(record.words), record.n, distance="cosine", draws=DRAWS, seed=seed
    ),
    "same": lambda words, record, seed: same_null(
        words, _groups(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "rnsb": _rnsb,
}
"""Metrics of the scorecard whose words can be replaced by random ones, and how that is done."""
