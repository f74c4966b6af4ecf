"""Scorecard records of the lipstick tests: of gender, and of the two classes of an attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from debiaslab.lexicons import Attribute, Half, load
from debiaslab.metrics.baseline import Baseline
from debiaslab.metrics.bias_by_projection import HE_SHE
from debiaslab.metrics.biased_words import BiasedWords, biased_words
from debiaslab.metrics.correlation import PERMUTATIONS
from debiaslab.metrics.direct_bias import Pair
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.lipstick import SEEDS, LabelRecovery, kmeans_alignment, svm_recovery
from debiaslab.metrics.neighbor_bias import NeighborShares, neighbor_bias, neighbor_shares
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.scored.tested import tested
from debiaslab.metrics.vocabulary import row_of
from debiaslab.vectors.embeddings import Embeddings

OCCUPATIONS = "occupations"

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


def records(
    embeddings: Embeddings,
    baseline: Baseline,
    effort: Effort,
    attributes: Sequence[Attribute] = (),
) -> Iterator[Record]:
    """Yield the two label tests (on all words) and the professions' neighbours (on each half).

    The label words are the extremes of the vocabulary and not of a lexicon, so they have no halves.
    ``extra["baseline"]`` is the same number for the baseline itself, on the same words.

    Args:
        embeddings: The vectors measured.
        baseline: The vectors before debiasing; ``embeddings`` themselves when there are none.
        effort: Permutations, resamples and seeds.
        attributes: Those of two classes with definitional sets have records named after them
            (``"<attribute> kmeans_alignment"``), with the first such pair that the baseline has in
            the place of *he* and *she*, and without words of the attribute among the ranked.
    """
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


def label_seeds(name: str, effort: Effort) -> tuple[int, ...]:
    """Return the seeds of one of the two label tests."""
    return tuple(effort.seed_of("lipstick", name, str(number)) for number in SEEDS)


def _label_record(
    name: str,
    test: Callable[..., LabelRecovery],
    embeddings: Embeddings,
    baseline: Baseline,
    axis: _Axis,
    effort: Effort,
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
        value=finite(result.value),
        low=result.interval[0],
        high=result.interval[1],
        n=result.n,
        reason=result.reason,
        extra={
            "interval": "lowest and highest over seeds",
            "seeds": list(result.seeds),
            "by_seed": list(result.by_seed),
            "baseline": finite(before.value),
            "train": result.train,
            "candidates": result.candidates,
        },
    )


def _neighbor_records(
    embeddings: Embeddings, baseline: Baseline, axis: _Axis, effort: Effort
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
    after: NeighborShares, before: NeighborShares, half: Half, effort: Effort
) -> Record:
    words = load(OCCUPATIONS).half(half)
    result = neighbor_bias(
        after,
        words,
        permutations=min(effort.permutations, PERMUTATIONS),
        bootstrap=effort.bootstrap,
        seed=effort.seed_of("lipstick", "profession_neighbors", half),
    )
    test, method = tested(result.test)
    return Record(
        metric="lipstick",
        name="profession_neighbors",
        words=half,
        value=finite(result.value),
        low=result.interval[0],
        high=result.interval[1],
        p=None if result.test is None else result.test.p,
        method=method,
        n=result.n,
        missing=result.missing,
        reason=result.reason,
        extra={
            "correlation": "pearson",
            "baseline": finite(neighbor_bias(before, words, permutations=0, bootstrap=0).value),
            "neighbors": after.neighbors,
            "candidates": after.candidates,
            **test,
        },
    )
