"""Scorecard records of any attribute: what a user's lexicon file defines, two classes or more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import Attribute, AttributeWords, Half, load
from debiaslab.metrics.direct_bias import direct_bias
from debiaslab.metrics.ect import ect
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.mac import mac
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import RandomWords
from debiaslab.metrics.null_band import null_band, null_p
from debiaslab.metrics.null_metrics import (
    direct_bias_null,
    ect_null,
    mac_null,
    rnd_null,
    rnsb_null,
    same_null,
)
from debiaslab.metrics.rnd import rnd
from debiaslab.metrics.rnsb import Rnsb, rnsb
from debiaslab.metrics.same import same
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.scored.nulls import neutral_words

OCCUPATIONS = "occupations"
DRAWS = 1_000


@dataclass(frozen=True)
class _Measure:
    """One metric with its word lists bound: what is left to say is with how much effort."""

    metric: str
    name: str
    measure: Callable[..., Any]  # (embeddings, bootstrap, seed) → a metric's result
    null: Callable[..., Any]  # (random words, n, seed) → values, shape (draws,)


def records(
    embeddings: Embeddings, attributes: Sequence[Attribute], effort: Effort
) -> Iterator[Record]:
    """Yield what generalises beyond gender, for each attribute and half, named after it.

    SAME, RND (cosine), MAC and ECT hold the stereotype words of all classes, or the occupations
    where the attribute has none, against its classes; ``mac`` named ``"<attribute> stereotypes"``
    holds its targets against the stereotypes of each class (Manzini et al. 2019); RNSB compares
    the classes by sentiment; direct bias is for two classes with definitional pairs. ``extra`` has
    the random-word null under the names of ``nulls.with_null``.
    """
    drawn = neutral_words(embeddings) if effort.null else None
    for attribute in attributes:
        for half in HALVES:
            for each in _measures(attribute, half, attribute.half(half)):
                seed = effort.seed_of(each.metric, each.name, half)
                record = _record(
                    each, half, each.measure(embeddings, bootstrap=effort.bootstrap, seed=seed)
                )
                yield record if drawn is None else _with_null(record, each, drawn, effort)


def _measures(attribute: Attribute, half: Half, words: AttributeWords) -> Iterator[_Measure]:
    name, classes = attribute.name, words.classes
    held = _union(words.stereotypes.values()) or load(OCCUPATIONS).half(half)
    for metric, measure, null in (
        ("same", same, same_null),
        ("rnd_cosine", partial(rnd, distance="cosine"), partial(rnd_null, distance="cosine")),
        ("mac", mac, mac_null),
        ("ect", ect, ect_null),
    ):
        yield _Measure(
            metric,
            name,
            partial(measure, words=held, attributes=classes),
            partial(null, attributes=classes),
        )
    if words.stereotypes and words.targets:
        yield _Measure(
            "mac",
            f"{name} stereotypes",
            partial(mac, words=_union(words.targets), attributes=words.stereotypes),
            partial(mac_null, attributes=words.stereotypes),
        )
    yield _Measure("rnsb", name, partial(_rnsb, words=classes), rnsb_null)
    if attribute.binary and words.definitional_sets:
        pairs = [(first, second) for first, second in words.definitional_sets]
        yield _Measure(
            "direct_bias",
            name,
            partial(direct_bias, words=held, pairs=pairs),
            partial(direct_bias_null, pairs=pairs),
        )


def _union(lists: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for each in lists for word in each))


def _rnsb(embeddings: Embeddings, *, words: Any, bootstrap: int, seed: int) -> Rnsb:
    """Its interval is over the splits of the classifier's words: nothing is resampled."""
    return rnsb(embeddings, words, seed=seed)


def _record(each: _Measure, half: Half, result: Any) -> Record:
    return Record(
        metric=each.metric,
        name=each.name,
        words=half,
        value=finite(result.value),
        low=result.interval[0],
        high=result.interval[1],
        n=result.n,
        missing=result.missing,
        reason=result.reason,
    )


def _with_null(record: Record, each: _Measure, drawn: RandomWords, effort: Effort) -> Record:
    """Add what random words show, with the word lists of the attribute in place of gender's."""
    if record.value is None:
        return record
    seed = effort.seed_of("null", record.metric, record.name, record.words)
    try:
        values = each.null(drawn, n=record.n, draws=DRAWS, seed=seed)
    except NotMeasuredError:  # the value stands without a yardstick
        return record
    band = null_band(values)
    null = {
        "null_median": band.median,
        "null_low": band.low,
        "null_high": band.high,
        "null_p": null_p(values, record.value),
    }
    return replace(record, extra={**record.extra, **null})
