"""How much each number of the scorecard that reads definitional pairs hangs on one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from debiaslab.lexicons import Half, load, load_pairs
from debiaslab.lexicons.occupation_women import load_occupation_women, occupation_women_names
from debiaslab.metrics.bias_by_projection import bias_by_projection
from debiaslab.metrics.direct_bias import direct_bias
from debiaslab.metrics.factual import factual_association
from debiaslab.metrics.indirect_bias import indirect_bias_within
from debiaslab.metrics.ripa import ripa
from debiaslab.metrics.scored.geometry import DEFINITIONAL_PAIRS, OCCUPATIONS, STEREOTYPED
from debiaslab.statistics.leave_one_out import LeaveOneOut, PairMetric, leave_one_pair_out
from debiaslab.statistics.other_pairs import of_other_pairs
from debiaslab.vectors.embeddings import Embeddings

Change = Literal["left out", "in the place of he/she"]


@dataclass(frozen=True)
class PairSensitivity:
    """One number of the scorecard with each definitional pair (or word) changed in turn.

    Attributes:
        metric: As in the scorecard's record.
        name: The same.
        words: Which half of the words and of the pairs.
        result: The values; its ``value`` is that of the record.
        change: What is done with each pair.
        number: What ``result`` is of: the record's ``value``, or its ``statistic`` (of WEAT).
    """

    metric: str
    name: str
    words: Half
    result: LeaveOneOut
    change: Change = "left out"
    number: Literal["value", "statistic"] = "value"


def pair_sensitivity(
    embeddings: Embeddings, half: Half = "all", baseline: Embeddings | None = None
) -> tuple[PairSensitivity, ...]:
    """Return every number of the scorecard that reads gender pairs, with each pair changed in turn.

    Direct bias, bias by projection, indirect bias, RIPA (raw and normalised) and factual
    association without each pair, with the word lists and pairs of the scorecard. SemBias and the
    lipstick tests are defined by *he* and *she* alone: they come with each other pair in that
    place. The labels of the lipstick tests have no halves: ``half`` is that of the pairs.

    Args:
        embeddings: The vectors.
        half: Which half of the words and pairs.
        baseline: The vectors before debiasing, for the lipstick tests; ``embeddings`` themselves
            when None.
    """
    pairs = load_pairs(DEFINITIONAL_PAIRS).half(half)
    found = [
        PairSensitivity(metric, name, half, leave_one_pair_out(embeddings, words, pairs, measure))
        for metric, name, words, measure in _metrics(half)
    ]
    before = embeddings if baseline is None else baseline
    replaced = (
        PairSensitivity(metric, name, half, result, change="in the place of he/she")
        for metric, name, result in of_other_pairs(embeddings, before, half)
    )
    return (*found, *replaced)


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
