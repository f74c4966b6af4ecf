"""Scorecard records of the geometry of gender: projection, indirect bias, SemBias, facts."""

from __future__ import annotations

from collections.abc import Iterator

from debiaslab.lexicons import load, load_pairs
from debiaslab.lexicons.occupation_women import load_occupation_women, occupation_women_names
from debiaslab.lexicons.sembias import load_sembias
from debiaslab.metrics.bias_by_projection import bias_by_projection
from debiaslab.metrics.correlation import PERMUTATIONS
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.factual import factual_association
from debiaslab.metrics.indirect_bias import indirect_bias_within
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.metrics.scored.tested import tested
from debiaslab.metrics.sembias import sembias
from debiaslab.vectors.embeddings import Embeddings

DEFINITIONAL_PAIRS = "definitional_pairs"
OCCUPATIONS = "occupations"
STEREOTYPED = ("occupations_male", "occupations_female")


def records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """Yield bias by projection, indirect bias, SemBias and factual association.

    Each on all, tune and report words; each half of the words with its own half of the pairs.
    """
    yield from _projection_records(embeddings, effort)
    yield from _indirect_records(embeddings, effort)
    yield from _sembias_records(embeddings, effort)
    yield from _factual_records(embeddings, effort)


def _projection_records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    for half in HALVES:
        result = bias_by_projection(
            embeddings,
            load(OCCUPATIONS).half(half),
            load_pairs(DEFINITIONAL_PAIRS).half(half),
            bootstrap=effort.bootstrap,
            seed=effort.seed_of("bias_by_projection", OCCUPATIONS, half),
        )
        yield Record(
            metric="bias_by_projection",
            name=OCCUPATIONS,
            words=half,
            value=finite(result.value),
            low=result.interval[0],
            high=result.interval[1],
            n=result.n,
            missing=result.missing,
            reason=result.reason,
            extra={"positive": "male"},
        )


def _indirect_records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """How much gender makes the occupations of one stereotype alike."""
    for name in STEREOTYPED:
        for half in HALVES:
            result = indirect_bias_within(
                embeddings,
                load(name).half(half),
                load_pairs(DEFINITIONAL_PAIRS).half(half),
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("indirect_bias", name, half),
            )
            yield Record(
                metric="indirect_bias",
                name=name,
                words=half,
                value=finite(result.value),
                low=result.interval[0],
                high=result.interval[1],
                n=result.n,
                missing=result.missing,
                reason=result.reason,
                extra={"mean_cosine": finite(result.similarity)},
            )


def _sembias_records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """Three shares of the 440 rows, and of the 40 that were held out."""
    for prefix, held_out in (("", False), ("held_out_", True)):
        for half in HALVES:
            rows = load_sembias().half(half, held_out=held_out)
            result = sembias(
                embeddings,
                rows,
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("sembias", prefix, half),
            )
            shares = {
                "definition": (result.definition, result.definition_interval),
                "stereotype": (result.stereotype, result.stereotype_interval),
                "none": (result.none, result.none_interval),
            }
            for name, (value, interval) in shares.items():
                yield Record(
                    metric="sembias",
                    name=prefix + name,
                    words=half,
                    value=finite(value),
                    low=interval[0],
                    high=interval[1],
                    n=result.n,
                    missing=result.missing,
                    reason=result.reason,
                    extra={"coverage": result.coverage, "rows": result.rows},
                )


def _factual_records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    for name in occupation_women_names():
        occupations = load_occupation_women(name)
        for half in HALVES:
            result = factual_association(
                embeddings,
                occupations.half(half),
                load_pairs(DEFINITIONAL_PAIRS).half(half),
                permutations=min(effort.permutations, PERMUTATIONS),
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("factual_association", name, half),
            )
            test, method = tested(result.test)
            yield Record(
                metric="factual_association",
                name=name,
                words=half,
                value=finite(result.pearson),
                low=result.pearson_interval[0],
                high=result.pearson_interval[1],
                p=None if result.test is None else result.test.p,
                method=method,
                n=result.n,
                missing=result.missing,
                reason=result.reason,
                extra={
                    "spearman": finite(result.spearman),
                    "spearman_low": result.spearman_interval[0],
                    "spearman_high": result.spearman_interval[1],
                    **test,
                    "year": occupations.year,
                },
            )
