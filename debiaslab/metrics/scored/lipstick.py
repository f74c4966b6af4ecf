"""Scorecard records of the lipstick tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import Half, load
from debiaslab.metrics.baseline import Baseline
from debiaslab.metrics.biased_words import BiasedWords
from debiaslab.metrics.correlation import PERMUTATIONS
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.lipstick import SEEDS, LabelRecovery, kmeans_alignment, svm_recovery
from debiaslab.metrics.neighbor_bias import NeighborShares, neighbor_bias, neighbor_shares
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.scored.tested import tested

OCCUPATIONS = "occupations"

LABEL_TESTS: dict[str, Callable[..., LabelRecovery]] = {
    "kmeans_alignment": kmeans_alignment,
    "svm_recovery": svm_recovery,
}


def records(embeddings: Embeddings, baseline: Baseline, effort: Effort) -> Iterator[Record]:
    """Yield the two label tests (on all words) and the professions' neighbours (on each half).

    The label words are the extremes of the vocabulary and not of a lexicon, so they have no halves.
    ``extra["baseline"]`` is the same number for the baseline itself, on the same words.

    Args:
        embeddings: The vectors measured.
        baseline: The vectors before debiasing; ``embeddings`` themselves when there are none.
        effort: Permutations, resamples and seeds.
    """
    biased = baseline.biased.within(embeddings)
    for name, test in LABEL_TESTS.items():
        yield _label_record(name, test, embeddings, baseline, biased, effort)
    yield from _neighbor_records(embeddings, baseline, biased, effort)


def label_seeds(name: str, effort: Effort) -> tuple[int, ...]:
    """Return the seeds of one of the two label tests."""
    return tuple(effort.seed_of("lipstick", name, str(number)) for number in SEEDS)


def _label_record(
    name: str,
    test: Callable[..., LabelRecovery],
    embeddings: Embeddings,
    baseline: Baseline,
    biased: BiasedWords,
    effort: Effort,
) -> Record:
    seeds = label_seeds(name, effort)
    before = baseline.once(
        (name, seeds, biased.words), lambda: test(baseline.embeddings, biased, seeds=seeds)
    )
    alone = embeddings is baseline.embeddings
    result = before if alone else test(embeddings, biased, seeds=seeds)
    return Record(
        metric="lipstick",
        name=name,
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
    embeddings: Embeddings, baseline: Baseline, biased: BiasedWords, effort: Effort
) -> Iterator[Record]:
    professions = load(OCCUPATIONS)
    origin = baseline.embeddings
    before = baseline.once(
        (neighbor_shares, biased.words),
        lambda: neighbor_shares(origin, origin, biased, professions.words),
    )
    alone = embeddings is origin
    after = before if alone else neighbor_shares(embeddings, origin, biased, professions.words)
    for half in HALVES:
        yield _neighbor_record(after, before, half, effort)


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
