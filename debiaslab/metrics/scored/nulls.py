"""What random words show on a record of the scorecard, in any vectors.

The lipstick tests, which choose their words themselves, have theirs in ``lipstick_nulls``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from debiaslab.lexicons import Half, load, load_pairs
from debiaslab.lexicons.occupation_women import load_occupation_women
from debiaslab.lexicons.sembias import load_sembias
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import Array
from debiaslab.metrics.null_band import null_band, null_p
from debiaslab.metrics.null_metrics import (
    bias_by_projection_null,
    direct_bias_null,
    ect_null,
    factual_null,
    indirect_bias_null,
    mac_null,
    ripa_null,
    rnd_null,
    rnsb_null,
    same_null,
    sc_weat_null,
    sembias_null,
)
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.yardstick import Yardstick

DRAWS = 1_000
_FEWER_DRAWS = 500  # of indirect bias, which needs the vectors of every word drawn

Null = Callable[[Yardstick, Record, int], Array]
"""``null(yardstick, record, seed) → values``, shape ``(draws,)``, of ``record.n`` words each."""

_NAMES = ("median", "low", "high", "p", "draws", "undefined", "zeros", "reason")
_NONE: Mapping[str, float | str | None] = {f"null_{name}": None for name in _NAMES}


def with_nulls(
    records: Iterable[Record], yardsticks: Sequence[Yardstick], effort: Effort
) -> Iterable[Record]:
    """Return records of the gender lists with what random words show on their metrics.

    See :func:`with_null`; a record of a metric without a null comes back as it is.
    """
    return (
        with_null(record, HAS_NULL[record.metric], yardsticks, effort)
        if record.metric in HAS_NULL
        else record
        for record in records
    )


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


def _pairs(half: Half) -> tuple[tuple[str, str], ...]:
    return load_pairs("definitional_pairs").half(half)


def _groups(half: Half) -> dict[str, Sequence[str]]:
    return {side: load(f"{side}_words").half(half) for side in ("male", "female")}


def _sc_weat(drawn: Yardstick, record: Record, seed: int) -> Array:
    male, female = _groups(record.words).values()
    return sc_weat_null(drawn.words, male, female, record.n, draws=DRAWS, seed=seed)


def _rnsb(drawn: Yardstick, record: Record, seed: int) -> Array:
    """The classifier of every half learns from all sentiment words, as the record's does."""
    splits = int(record.extra["splits"])
    return rnsb_null(drawn.words, record.n, repeats=splits, draws=DRAWS, seed=seed)


def _sembias(drawn: Yardstick, record: Record, seed: int) -> Array:
    held_out = record.name.startswith("held_out_")
    rows = load_sembias().half(record.words, held_out=held_out)
    share = ("definition", "stereotype", "none").index(record.name.removeprefix("held_out_"))
    shares = drawn.once(  # all three are made at once, with the seed of the first
        ("sembias", record.words, held_out),
        lambda: sembias_null(drawn.words, rows, draws=DRAWS, seed=seed),
    )
    values: Array = shares[:, share]
    return values


def _factual(drawn: Yardstick, record: Record, seed: int) -> Array:
    women = load_occupation_women(record.name).half(record.words)
    lost = set(record.missing)
    shares = [share for word, share in women.items() if word not in lost]
    return factual_null(drawn.words, shares, _pairs(record.words), draws=DRAWS, seed=seed)


HAS_NULL: dict[str, Null] = {
    "sc_weat": _sc_weat,
    "same": lambda drawn, record, seed: same_null(
        drawn.words, _groups(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "rnd_norm": lambda drawn, record, seed: rnd_null(
        drawn.words, _groups(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "rnd_cosine": lambda drawn, record, seed: rnd_null(
        drawn.words, _groups(record.words), record.n, distance="cosine", draws=DRAWS, seed=seed
    ),
    "mac": lambda drawn, record, seed: mac_null(
        drawn.words, _groups(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "ect": lambda drawn, record, seed: ect_null(
        drawn.words, _groups(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "ripa": lambda drawn, record, seed: ripa_null(
        drawn.words, _pairs(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "ripa_normalised": lambda drawn, record, seed: ripa_null(
        drawn.words, _pairs(record.words), record.n, unit=True, draws=DRAWS, seed=seed
    ),
    "rnsb": _rnsb,
    "direct_bias": lambda drawn, record, seed: direct_bias_null(
        drawn.words, _pairs(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "bias_by_projection": lambda drawn, record, seed: bias_by_projection_null(
        drawn.words, _pairs(record.words), record.n, draws=DRAWS, seed=seed
    ),
    "indirect_bias": lambda drawn, record, seed: indirect_bias_null(
        drawn.words, _pairs(record.words), record.n, draws=_FEWER_DRAWS, seed=seed
    ),
    "sembias": _sembias,
    "factual_association": _factual,
}
"""Metrics of the scorecard whose words can be replaced by random ones, and how that is done."""
