"""Measuring one set of vectors with every metric of the scorecard."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import (
    AssociationTest,
    Half,
    association_tests,
    gender_words,
    load,
    load_pairs,
)
from debiaslab.metrics.bootstrap import RESAMPLES
from debiaslab.metrics.collapse import collapse
from debiaslab.metrics.direct_bias import direct_bias
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import null_quantile
from debiaslab.metrics.permutation import DRAWS
from debiaslab.metrics.scorecard import Record, Scorecard, finite
from debiaslab.metrics.similarity import word_similarity
from debiaslab.metrics.similarity_sets import SimilaritySet, default_similarity_sets
from debiaslab.metrics.weat import WeatResult, weat

OCCUPATIONS = "occupations"
DEFINITIONAL_PAIRS = "definitional_pairs"

_HALVES: tuple[Half, ...] = get_args(Half)


@dataclass(frozen=True)
class _Effort:
    """How much is spent on uncertainty, and the seed all of it comes from."""

    seed: int
    bootstrap: int
    permutations: int
    null: bool

    def seed_of(self, *what: str) -> int:
        """Return the seed of one record: no record depends on which others are measured."""
        return zlib.crc32("\t".join((str(self.seed), *what)).encode())


def evaluate(
    embeddings: Embeddings,
    *,
    name: str = "",
    seed: int = 0,
    bootstrap: int = RESAMPLES,
    quick: bool = False,
    similarity: Sequence[SimilaritySet] | None = None,
) -> Scorecard:
    """Measure bias, similarity and collapse on all, tune and report words.

    Args:
        embeddings: The vectors, the most frequent words first (the null draws from the first
            10,000).
        name: What to call the vectors in the scorecard.
        seed: Seed of permutations, bootstrap, nulls and samples; the same seed gives the same JSON.
        bootstrap: Resamples for the intervals; 0 for none.
        quick: Values only: no intervals, no p-values, no nulls.
        similarity: Similarity sets; WordSim-353 and SimLex-999 when None.

    Returns:
        Records in a fixed order: ``weat`` (value ``d``; extra ``statistic``, its interval,
        ``p_two_sided``, ``permutations``, ``null95``, set sizes), ``direct_bias``,
        ``similarity`` (extra ``coverage``, ``pairs``) and ``collapse``. What cannot be measured is
        there with a reason.

    Raises:
        UserError: ``similarity`` is None and gensim, which carries the sets, is not installed.
    """
    effort = _Effort(seed, 0 if quick else bootstrap, 0 if quick else DRAWS, null=not quick)
    sets = default_similarity_sets() if similarity is None else similarity
    return Scorecard(
        name,
        (
            *_weat_records(embeddings, effort),
            *_direct_bias_records(embeddings, effort),
            *_similarity_records(embeddings, sets, effort),
            *_collapse_records(embeddings, effort),
        ),
    )


def _weat_records(embeddings: Embeddings, effort: _Effort) -> Iterator[Record]:
    for test in association_tests():
        for half in _HALVES:
            result = weat(
                embeddings,
                *test.half(half),
                permutations=effort.permutations,
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("weat", test.name, half),
            )
            null = _null95(embeddings, test, half, result, effort)
            yield _weat_record(test, half, result, null)


def _weat_record(
    test: AssociationTest, half: Half, result: WeatResult, null: float | None
) -> Record:
    return Record(
        metric="weat",
        name=test.name,
        words=half,
        value=finite(result.effect_size),
        low=result.effect_interval[0],
        high=result.effect_interval[1],
        p=result.p,
        method=result.method,
        n=result.n[0] + result.n[1],
        missing=result.missing,
        reason=result.reason,
        extra={
            "statistic": finite(result.statistic),
            "statistic_low": result.statistic_interval[0],
            "statistic_high": result.statistic_interval[1],
            "p_two_sided": result.p_two_sided,
            "permutations": result.permutations,
            "null95": null,
            "sizes": list(result.n),
        },
    )


def _null95(
    embeddings: Embeddings, test: AssociationTest, half: Half, result: WeatResult, effort: _Effort
) -> float | None:
    """Return this space's own yardstick for one test; None when there is nothing to hold to it."""
    if not effort.null or result.statistic is None:
        return None
    words = test.half(half)
    try:
        return null_quantile(
            embeddings,
            words.A,
            words.B,
            *result.n[:2],
            seed=effort.seed_of("null", test.name, half),
            exclude=gender_words(),
        )
    except NotMeasuredError:  # too few words to draw from: the statistic stands without a yardstick
        return None


def _direct_bias_records(embeddings: Embeddings, effort: _Effort) -> Iterator[Record]:
    """Direct bias of the occupations; each half of the words with its own half of the pairs."""
    for half in _HALVES:
        result = direct_bias(
            embeddings,
            load(OCCUPATIONS).half(half),
            load_pairs(DEFINITIONAL_PAIRS).half(half),
            bootstrap=effort.bootstrap,
            seed=effort.seed_of("direct_bias", OCCUPATIONS, half),
        )
        yield Record(
            metric="direct_bias",
            name=OCCUPATIONS,
            words=half,
            value=finite(result.value),
            low=result.interval[0],
            high=result.interval[1],
            n=result.n,
            missing=result.missing,
            reason=result.reason,
            extra={"pairs": result.pairs},
        )


def _similarity_records(
    embeddings: Embeddings, sets: Sequence[SimilaritySet], effort: _Effort
) -> Iterator[Record]:
    for similarity in sets:
        for half in _HALVES:
            result = word_similarity(
                embeddings,
                similarity.half(half),
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("similarity", similarity.name, half),
            )
            yield Record(
                metric="similarity",
                name=similarity.name,
                words=half,
                value=finite(result.value),
                low=result.interval[0],
                high=result.interval[1],
                n=result.n,
                missing=result.missing,
                reason=result.reason,
                extra={"coverage": result.coverage, "pairs": result.pairs},
            )


def _collapse_records(embeddings: Embeddings, effort: _Effort) -> Iterator[Record]:
    result = collapse(embeddings, seed=effort.seed_of("collapse"))
    few = "fewer than 2 vectors are not all zeros"
    checks: dict[str, tuple[float | None, int]] = {
        "mean_cosine": (result.mean_cosine, result.n),
        "effective_rank": (result.effective_rank, result.n),
        "norm_spread": (result.norm_spread, len(embeddings)),
        "zero_vectors": (float(result.zero_vectors), len(embeddings)),
    }
    for name, (value, n) in checks.items():
        yield Record(
            metric="collapse",
            name=name,
            words="all",
            value=finite(value),
            n=n,
            reason=few if value is None else None,
            extra={"warning": result.warning},
        )
