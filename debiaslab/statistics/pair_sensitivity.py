"""How much each number of the scorecard that reads definitional pairs hangs on one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import Half, load, load_pairs
from debiaslab.lexicons.occupation_women import load_occupation_women, occupation_women_names
from debiaslab.metrics.bias_by_projection import bias_by_projection
from debiaslab.metrics.direct_bias import direct_bias
from debiaslab.metrics.factual import factual_association
from debiaslab.metrics.indirect_bias import indirect_bias_within
from debiaslab.metrics.ripa import ripa
from debiaslab.metrics.scored.geometry import DEFINITIONAL_PAIRS, OCCUPATIONS, STEREOTYPED
from debiaslab.statistics.leave_one_out import LeaveOneOut, PairMetric, leave_one_pair_out

_ONE_PAIR = LeaveOneOut(reason="it reads one pair, he/she: nothing is left without it")
_OF_ONE_PAIR = (
    ("sembias", "definition"),
    ("sembias", "stereotype"),
    ("lipstick", "kmeans_alignment"),
    ("lipstick", "svm_recovery"),
    ("lipstick", "profession_neighbors"),
)


@dataclass(frozen=True)
class PairSensitivity:
    """One number of the scorecard with each definitional pair left out in turn.

    Attributes:
        metric: As in the scorecard's record.
        name: The same.
        words: Which half of the words and of the pairs.
        result: The values; its ``value`` is that of the record.
    """

    metric: str
    name: str
    words: Half
    result: LeaveOneOut


def pair_sensitivity(embeddings: Embeddings, half: Half = "all") -> tuple[PairSensitivity, ...]:
    """Return every number of the scorecard that reads gender pairs, without each pair in turn.

    Direct bias, bias by projection, indirect bias, RIPA (raw and normalised) and factual
    association, with the word lists and pairs of the scorecard. SemBias and the lipstick tests,
    which are defined by *he* and *she* alone, are there with that reason.

    Args:
        embeddings: The vectors.
        half: Which half of the words and pairs.
    """
    pairs = load_pairs(DEFINITIONAL_PAIRS).half(half)
    found = [
        PairSensitivity(metric, name, half, leave_one_pair_out(embeddings, words, pairs, measure))
        for metric, name, words, measure in _metrics(half)
    ]
    return (*found, *(PairSensitivity(*which, half, _ONE_PAIR) for which in _OF_ONE_PAIR))


def _metrics(
    half: Half,
) -> Iterator[tuple[str, str, Sequence[str] | Mapping[str, float], PairMetric]]:
    """Yield metric, name and words as the scorecard has them, and the metric without resamples."""
    occupations = load(OCCUPATIONS).half(half)
    yield "direct_bias", OCCUPATIONS, occupations, partial(direct_bias, bootstrap=0)
    yield "bias_by_projection", OCCUPATIONS, occupations, partial(bias_by_projection, bootstrap=0)
    for name in STEREOTYPED:
        yield (
            "indirect_bias",
            name,
            load(name).half(half),
            partial(indirect_bias_within, bootstrap=0),
        )
    yield "ripa", OCCUPATIONS, occupations, partial(ripa, bootstrap=0)
    yield "ripa_normalised", OCCUPATIONS, occupations, partial(ripa, unit=True, bootstrap=0)
    factual = partial(factual_association, permutations=0, bootstrap=0)
    for name in occupation_women_names():
        yield "factual_association", name, load_occupation_women(name).half(half), factual
