"""Scorecard records of any attribute: what a user's lexicon file defines, two classes or more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from debiaslab.lexicons import Attribute, AttributeWords, Half, load
from debiaslab.metrics.bias_by_projection import bias_by_projection
from debiaslab.metrics.direct_bias import direct_bias
from debiaslab.metrics.ect import ect
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.indirect_bias import indirect_bias_within
from debiaslab.metrics.mac import mac
from debiaslab.metrics.null_metrics import (
    bias_by_projection_null,
    direct_bias_null,
    ect_null,
    indirect_bias_null,
    mac_null,
    ripa_null,
    rnd_null,
    rnsb_null,
    same_null,
    sc_weat_null,
)
from debiaslab.metrics.ripa import ripa
from debiaslab.metrics.rnd import rnd
from debiaslab.metrics.rnsb import Rnsb, rnsb
from debiaslab.metrics.same import same
from debiaslab.metrics.sc_weat import sc_weat
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.scored.association import OVER_SPLITS
from debiaslab.metrics.scored.nulls import DRAWS, Null, with_null
from debiaslab.metrics.yardstick import Yardstick
from debiaslab.vectors.embeddings import Embeddings

OCCUPATIONS = "occupations"


Part = Literal["classes", "definitional_sets", "targets"]


@dataclass(frozen=True)
class AttributeMeasure:
    """One metric with its word lists bound: what is left to say is with how much effort.

    Attributes:
        metric: As in the scorecard's record.
        name: The same.
        measure: ``measure(embeddings, bootstrap=…, seed=…)`` returns the metric's result.
        null: ``null(random words, n=…, seed=…)`` returns values, shape ``(draws,)``.
        reads: The part of the attribute that it holds words against, or that it is asked about.
    """

    metric: str
    name: str
    measure: Callable[..., Any]
    null: Callable[..., Any]
    reads: Part = "classes"


def records(
    embeddings: Embeddings,
    attributes: Sequence[Attribute],
    effort: Effort,
    yardsticks: Sequence[Yardstick] = (),
) -> Iterator[Record]:
    """Yield what generalises beyond gender, for each attribute and half, named after it.

    SAME, RND, MAC and ECT hold the stereotype words of all classes, or the occupations where the
    attribute has none, against its classes; ``mac`` named ``"<attribute> stereotypes"``
    holds its targets against the stereotypes of each class (Manzini et al. 2019); RNSB compares
    the classes by sentiment. Two classes are held against each other by SC-WEAT too, and where they
    have definitional pairs by direct bias, bias by projection, RIPA and, within the stereotypes of
    each class, indirect bias; where both have stereotypes they are a WEAT, see ``Attribute.test``.
    ``extra`` has what random words show in each of the yardsticks, under the names of
    ``nulls.with_null``.
    """
    for attribute in attributes:
        for half in HALVES:
            for each in attribute_measures(attribute, half, attribute.half(half)):
                seed = effort.seed_of(each.metric, each.name, half)
                record = _record(
                    each, half, each.measure(embeddings, bootstrap=effort.bootstrap, seed=seed)
                )
                yield with_null(record, _null_of(each), yardsticks, effort)


def attribute_measures(
    attribute: Attribute, half: Half, words: AttributeWords
) -> Iterator[AttributeMeasure]:
    """Yield every metric that is defined for an attribute, on ``words``: one half of its words."""
    held = _union(words.stereotypes.values()) or load(OCCUPATIONS).half(half)
    yield from _of_any_classes(attribute.name, held, words)
    if attribute.binary:
        yield from _of_two_classes(attribute.name, held, words)


def _of_any_classes(
    name: str, held: Sequence[str], words: AttributeWords
) -> Iterator[AttributeMeasure]:
    classes = words.classes
    for metric, measure, null in (
        ("same", same, same_null),
        ("rnd_norm", rnd, rnd_null),
        ("rnd_cosine", partial(rnd, distance="cosine"), partial(rnd_null, distance="cosine")),
        ("mac", mac, mac_null),
        ("ect", ect, ect_null),
    ):
        yield AttributeMeasure(
            metric,
            name,
            partial(measure, words=held, attributes=classes),
            partial(null, attributes=classes),
        )
    if words.stereotypes and words.targets:
        yield AttributeMeasure(
            "mac",
            f"{name} stereotypes",
            partial(mac, words=_union(words.targets), attributes=words.stereotypes),
            partial(mac_null, attributes=words.stereotypes),
            reads="targets",
        )
    yield AttributeMeasure("rnsb", name, partial(_rnsb, words=classes), rnsb_null)


def _of_two_classes(
    name: str, held: Sequence[str], words: AttributeWords
) -> Iterator[AttributeMeasure]:
    A, B = words.classes.values()
    yield AttributeMeasure(
        "sc_weat",
        name,
        partial(sc_weat, words=held, A=A, B=B, permutations=0),
        partial(sc_weat_null, A=A, B=B),
    )
    pairs = [(first, second) for first, second in words.definitional_sets]
    if not pairs:
        return
    for metric, measure, null in (
        ("direct_bias", direct_bias, direct_bias_null),
        ("bias_by_projection", bias_by_projection, bias_by_projection_null),
        ("ripa", ripa, ripa_null),
        ("ripa_normalised", partial(ripa, unit=True), partial(ripa_null, unit=True)),
    ):
        yield AttributeMeasure(
            metric,
            name,
            partial(measure, words=held, pairs=pairs),
            partial(null, pairs=pairs),
            reads="definitional_sets",
        )
    for label, stereotypes in words.stereotypes.items():
        yield AttributeMeasure(
            "indirect_bias",
            f"{name} {label}",
            partial(indirect_bias_within, words=stereotypes, pairs=pairs),
            partial(indirect_bias_null, pairs=pairs),
            reads="definitional_sets",
        )


def _union(lists: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for each in lists for word in each))


def _rnsb(embeddings: Embeddings, *, words: Any, bootstrap: int, seed: int) -> Rnsb:
    """Its interval is over the splits of the classifier's words: nothing is resampled."""
    return rnsb(embeddings, words, seed=seed)


def _record(each: AttributeMeasure, half: Half, result: Any) -> Record:
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
        extra={"interval": OVER_SPLITS} if isinstance(result, Rnsb) and result.splits > 1 else {},
    )


def _null_of(each: AttributeMeasure) -> Null:
    """Bind the word lists of the attribute, in place of gender's."""
    return lambda drawn, record, seed: each.null(drawn.words, n=record.n, draws=DRAWS, seed=seed)
