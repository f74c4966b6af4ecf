"""Scorecard records of the lipstick tests: of gender, and of the two classes of an attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import Attribute, Half, load
from debiaslab.metrics.cases import HALVES, OCCUPATIONS, Resampling
from debiaslab.metrics.evaluation import Baseline
from debiaslab.metrics.gender_direction import HE_SHE, Pair
from debiaslab.metrics.lipstick import (
    SEEDS,
    Array,
    LabelRecovery,
    RandomAxes,
    kmeans_alignment,
    label_null,
    neighbor_null,
    random_axes,
    svm_recovery,
)
from debiaslab.metrics.neighbor_bias import (
    BiasedWords,
    NeighborShares,
    biased_words,
    neighbor_bias,
    neighbor_shares,
    neighbor_shares_along,
)
from debiaslab.metrics.null import null_numbers
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import row_of
from debiaslab.statistics.bootstrap import PERMUTATIONS, tested
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Subject

LABEL_TESTS: dict[str, Callable[..., LabelRecovery]] = {
    "kmeans_alignment": kmeans_alignment,
    "svm_recovery": svm_recovery,
}


@dataclass(frozen=True, eq=False)
class _Axis:
    """What is in the place of *he* and *she*, the words ranked along it, and its name."""

    pair: Pair
    biased: BiasedWords
    name: str = ""

    def named(self, test: str) -> str:
        """Return the name of the record of a test."""
        return f"{self.name} {test}" if self.name else test


@record_metric(
    "lipstick",
    citation="Gonen & Goldberg 2019, NAACL, section 4",
    family="lipstick",
    better="lower",
    needs="a baseline (the vectors themselves without one)",
    has_null=True,
)
def records(subject: Subject) -> Iterator[Record]:
    """Whether the most biased words of the baseline can still be told apart.

    Two label tests (on all words) and the professions' neighbours (on each half). The label words
    are the extremes of the vocabulary and not of a lexicon, so they have no halves.
    ``extra["baseline"]`` is the same number for the baseline itself, on the same words. Attributes
    of two classes with definitional sets have records named after them
    (``"<attribute> kmeans_alignment"``), with the first such pair that the baseline has in the
    place of *he* and *she*, and without words of the attribute among the ranked. Without a
    baseline the vectors are their own: what the tests show before debiasing.
    """
    embeddings, effort = subject.embeddings, subject.effort
    baseline = subject.baseline or subject.own or Baseline(embeddings)
    found = _records(embeddings, baseline, effort, subject.attributes)
    if effort.null and subject.lipstick_nulls:
        found = with_lipstick_nulls(found, embeddings, baseline, effort)
    yield from found


def _records(
    embeddings: Embeddings,
    baseline: Baseline,
    effort: Resampling,
    attributes: Sequence[Attribute],
) -> Iterator[Record]:
    for axis in (_Axis(HE_SHE, baseline.biased), *_axes(baseline, attributes)):
        here = replace(axis, biased=axis.biased.within(embeddings))
        for name, test in LABEL_TESTS.items():
            yield _label_record(name, test, embeddings, baseline, here, effort)
        yield from _neighbor_records(embeddings, baseline, here, effort)


def test_of(record: Record) -> str:
    """Return which test a record is of, whatever attribute it is named after."""
    return record.name.rpartition(" ")[2]


def _axes(baseline: Baseline, attributes: Sequence[Attribute]) -> Iterator[_Axis]:
    for attribute in attributes:
        if not (attribute.binary and attribute.definitional_sets):
            continue
        pair = _pair_of(attribute, baseline.embeddings)
        own = frozenset(word.lower() for word in _words_of(attribute))
        biased = baseline.once(
            (biased_words, pair, own),
            partial(biased_words, baseline.embeddings, pair=pair, exclude=own),
        )
        yield _Axis(pair, biased, attribute.name)


def _pair_of(attribute: Attribute, embeddings: Embeddings) -> Pair:
    """Return the first pair in the vectors; the first of all, for the reason, where none is."""
    pairs = [(first, second) for first, second in attribute.definitional_sets]
    known = (pair for pair in pairs if all(row_of(embeddings, word) is not None for word in pair))
    return next(known, pairs[0])


def _words_of(attribute: Attribute) -> Iterator[str]:
    words = attribute.half("all")
    return chain(*words.classes.values(), *words.definitional_sets)


def label_seeds(name: str, effort: Resampling) -> tuple[int, ...]:
    """Return the seeds of one of the two label tests."""
    return tuple(effort.seed_of("lipstick", name, str(number)) for number in SEEDS)


def _label_record(
    name: str,
    test: Callable[..., LabelRecovery],
    embeddings: Embeddings,
    baseline: Baseline,
    axis: _Axis,
    effort: Resampling,
) -> Record:
    seeds = label_seeds(name, effort)
    before = baseline.once(
        (name, seeds, axis.biased.words),
        lambda: test(baseline.embeddings, axis.biased, seeds=seeds),
    )
    alone = embeddings is baseline.embeddings
    result = before if alone else test(embeddings, axis.biased, seeds=seeds)
    return Record(
        metric="lipstick",
        name=axis.named(name),
        words="all",
        value=result.value,
        low=result.interval[0],
        high=result.interval[1],
        n=result.n,
        reason=result.reason,
        extra={
            "interval": "lowest and highest over seeds",
            "seeds": list(result.seeds),
            "by_seed": list(result.by_seed),
            "baseline": before.value,
            "train": result.train,
            "candidates": result.candidates,
        },
    )


def _neighbor_records(
    embeddings: Embeddings, baseline: Baseline, axis: _Axis, effort: Resampling
) -> Iterator[Record]:
    origin = baseline.embeddings

    def shares(vectors: Embeddings) -> NeighborShares:
        words = load(OCCUPATIONS).words
        return neighbor_shares(vectors, origin, axis.biased, words, pair=axis.pair)

    key = (neighbor_shares, axis.pair, axis.biased.words)
    before = baseline.once(key, lambda: shares(origin))
    after = before if embeddings is origin else shares(embeddings)
    for half in HALVES:
        record = _neighbor_record(after, before, half, effort)
        yield replace(record, name=axis.named(record.name))


def _neighbor_record(
    after: NeighborShares, before: NeighborShares, half: Half, effort: Resampling
) -> Record:
    words = load(OCCUPATIONS).half(half)
    result = neighbor_bias(
        after,
        words,
        permutations=min(effort.permutations, PERMUTATIONS),
        bootstrap=effort.bootstrap,
        seed=effort.seed_of("lipstick", "profession_neighbors", half),
    )
    test = tested(result.test)
    return Record(
        metric="lipstick",
        name="profession_neighbors",
        words=half,
        value=result.value,
        low=result.interval[0],
        high=result.interval[1],
        p=test.pop("p"),
        method=test.pop("method"),
        n=result.n,
        missing=result.missing,
        reason=result.reason,
        extra={
            "correlation": "pearson",
            "baseline": neighbor_bias(before, words, permutations=0, bootstrap=0).value,
            "neighbors": after.neighbors,
            "candidates": after.candidates,
            **test,
        },
    )


def with_lipstick_nulls(
    records: Iterable[Record], embeddings: Embeddings, baseline: Baseline, effort: Resampling
) -> Iterator[Record]:
    """Yield the records with the null of 20 random axes in ``extra``, named as in ``with_null``.

    The axes are of the baseline's vectors, as *he* − *she* is, and serve an attribute's pair too.
    The suffix ``_baseline`` is of the same labels in these, there where ``embeddings`` are others.
    """
    seed = effort.seed_of("null", "lipstick")
    zeros = baseline.yardstick.words.zeros
    nulls = {"": _Nulls(embeddings, baseline, seed)}
    if embeddings is not baseline.embeddings:
        nulls["_baseline"] = _Nulls(baseline.embeddings, baseline, seed)
    for record in records:
        extra = dict(record.extra)
        for suffix, null in nulls.items():
            values = "" if record.value is None else null.of(test_of(record), record.words)
            numbers = null_numbers(values, record.value, zeros)
            extra |= {f"{name}{suffix}": number for name, number in numbers.items()}
        yield replace(record, extra=extra)


@dataclass(frozen=True)
class _Nulls:
    embeddings: Embeddings
    baseline: Baseline
    seed: int

    def of(self, name: str, half: Half) -> Array | str:
        """Return one value an axis, or why there are none."""
        if self.embeddings is not self.baseline.embeddings:
            return self._drawn(name, half)
        return self.baseline.once(
            ("lipstick null", name, half, self.seed), lambda: self._drawn(name, half)
        )

    def _drawn(self, name: str, half: Half) -> Array | str:
        try:
            if name in LABEL_TESTS:
                return label_null(LABEL_TESTS[name], self.embeddings, self._axes, self.seed)
            return neighbor_null(self._shares, load(OCCUPATIONS).half(half))
        except NotMeasuredError as problem:  # the value stands without a null
            return str(problem)

    @property
    def _axes(self) -> RandomAxes:
        words = self.baseline.yardstick.words
        return self.baseline.once(
            ("random axes", self.seed), lambda: random_axes(words, seed=self.seed)
        )

    @cached_property
    def _shares(self) -> tuple[NeighborShares, ...]:
        return neighbor_shares_along(
            self.embeddings,
            self.baseline.embeddings,
            self.baseline.biased,
            load(OCCUPATIONS).words,
            self._axes.pairs,
        )
