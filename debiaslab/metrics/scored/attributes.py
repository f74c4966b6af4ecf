"""Scorecard records of any attribute: what a user's lexicon file defines, two classes or more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import Attribute, AttributeWords, Half, load
from debiaslab.metrics.direct_bias import direct_bias
from debiaslab.metrics.ect import ect
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.mac import mac
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
from debiaslab.metrics.scored.nulls import DRAWS, Null, with_null
from debiaslab.metrics.yardstick import Yardstick

OCCUPATIONS = "occupations"


@dataclass(frozen=True)
class _Measure:
    """One metric with its word lists bound: what is left to say is with how much effort."""

    metric: str
    name: str
    measure: Callable[..., Any]  # (embeddings, bootstrap, seed) → a metric's result
    null: Callable[..., Any]  # (random words, n, seed) → values, shape (draws,)


def records(
    embeddings: Embeddings,
    attributes: Sequence[Attribute],
    effort: Effort,
    yardsticks: Sequence[Yardstick] = (),
) -> Iterator[Record]:
    """Yield what generalises beyond gender, for each attribute and half, named after it.

    SAME, RND (cosine), MAC and ECT hold the stereotype words of all classes, or the occupations
    where the attribute has none, against its classes; ``mac`` named ``"<attribute> stereotypes"``
    holds its targets against the stereotypes of each class (Manzini et al. 2019); RNSB compares
    the classes by sentiment; direct bias is for two classes with definitional pairs. ``extra`` has
    what random words show in each of the yardsticks, under the names of ``nulls.with_null``. Two
    classes that both have stereotypes are a WEAT as well, see ``Attribute.test``.
    """
    for attribute in attributes:
        for half in HALVES:
            for each in _measures(attribute, half, attribute.half(half)):
                seed = effort.seed_of(each.metric, each.name, half)
                record = _record(
                    each, half, each.measure(embeddings, bootstrap=effort.bootstrap, seed=seed)
                )
                yield with_null(record, _null_of(each), yardsticks, effort)


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


def _null_of(each: _Measure) -> Null:
    """Bind the word lists of the attribute, in place of gender's."""
    return lambda drawn, record, seed: each.null(drawn.words, n=record.n, draws=DRAWS, seed=seed)
