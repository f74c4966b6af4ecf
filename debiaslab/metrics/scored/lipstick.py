"""Scorecard records of the lipstick tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import load
from debiaslab.metrics.biased_words import BiasedWords, biased_words
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.lipstick import SEEDS, LabelRecovery, kmeans_alignment, svm_recovery
from debiaslab.metrics.neighbor_bias import NeighborShares, neighbor_bias, neighbor_shares
from debiaslab.metrics.scorecard import Record, finite

OCCUPATIONS = "occupations"

_TESTS: dict[str, Callable[..., LabelRecovery]] = {
    "kmeans_alignment": kmeans_alignment,
    "svm_recovery": svm_recovery,
}


def records(embeddings: Embeddings, baseline: Embeddings, effort: Effort) -> Iterator[Record]:
    """Yield the two label tests (on all words) and the professions' neighbours (on each half).

    The label words are the extremes of the vocabulary and not of a lexicon, so they have no halves.
    ``extra["baseline"]`` is the same number for the baseline itself, on the same words.

    Args:
        embeddings: The vectors measured.
        baseline: The vectors before debiasing; ``embeddings`` itself when there are none.
        effort: Resamples and seeds.
    """
    biased = biased_words(baseline).within(embeddings)
    for name, test in _TESTS.items():
        yield _label_record(name, test, embeddings, baseline, biased, effort)
    yield from _neighbor_records(embeddings, baseline, biased, effort)


def _label_record(
    name: str,
    test: Callable[..., LabelRecovery],
    embeddings: Embeddings,
    baseline: Embeddings,
    biased: BiasedWords,
    effort: Effort,
) -> Record:
    seeds = tuple(effort.seed_of("lipstick", name, str(number)) for number in SEEDS)
    result = test(embeddings, biased, seeds=seeds)
    before = result if embeddings is baseline else test(baseline, biased, seeds=seeds)
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
    embeddings: Embeddings, baseline: Embeddings, biased: BiasedWords, effort: Effort
) -> Iterator[Record]:
    professions = load(OCCUPATIONS)
    after = neighbor_shares(embeddings, baseline, biased, professions.words)
    before = (
        after
        if embeddings is baseline
        else neighbor_shares(baseline, baseline, biased, professions.words)
    )
    for half in HALVES:
        words = professions.half(half)
        seed = effort.seed_of("lipstick", "profession_neighbors", half)
        result = neighbor_bias(after, words, bootstrap=effort.bootstrap, seed=seed)
        yield Record(
            metric="lipstick",
            name="profession_neighbors",
            words=half,
            value=finite(result.value),
            low=result.interval[0],
            high=result.interval[1],
            n=result.n,
            missing=result.missing,
            reason=result.reason,
            extra=_neighbor_extra(after, before, words),
        )


def _neighbor_extra(
    after: NeighborShares, before: NeighborShares, words: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "correlation": "pearson",
        "baseline": finite(neighbor_bias(before, words, bootstrap=0).value),
        "neighbors": after.neighbors,
        "candidates": after.candidates,
    }
