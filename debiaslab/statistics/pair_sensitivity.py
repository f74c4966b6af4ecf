"""Leave-one-out sensitivity of the scorecard: without one pair, one word or one set at a time.

What a number reads is in its case (see ``debiaslab.metrics.cases``): a definitional pair where
there is a direction, a word of a group, a set of targets. SemBias and the lipstick tests are
defined by *he* and *she* alone: they come with each other pair in that place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from debiaslab.lexicons import AssociationTest, Attribute, Half
from debiaslab.metrics.cases import Case, Effort, Item
from debiaslab.metrics.registry import ListMetric, list_metrics
from debiaslab.metrics.vocabulary import row_of
from debiaslab.statistics.leave_one_out import (
    LeaveOneOut,
    Number,
    leave_one_attribute_out,
    left_out_in_turn,
)
from debiaslab.statistics.other_pairs import of_other_pairs
from debiaslab.vectors.embeddings import Embeddings

Change = Literal["left out", "in the place of he/she"]

_EFFORT = Effort(seed=0, bootstrap=0, permutations=0, null=False)


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

    The labels of the lipstick tests have no halves: ``half`` is that of the pairs.

    Args:
        embeddings: The vectors.
        half: Which half of the words and pairs.
        baseline: The vectors before debiasing, for the lipstick tests; ``embeddings`` themselves
            when None.
    """
    found = [
        _without_each(metric, embeddings, case)
        for metric in list_metrics()
        for case in metric.gender(half)
        if case.by_pairs
    ]
    before = embeddings if baseline is None else baseline
    replaced = (
        PairSensitivity(metric, name, half, result, change="in the place of he/she")
        for metric, name, result in of_other_pairs(embeddings, before, half)
    )
    return (*found, *replaced)


def attribute_sensitivity(
    embeddings: Embeddings, attribute: Attribute, half: Half = "all"
) -> tuple[PairSensitivity, ...]:
    """Return every number of the scorecard that reads an attribute, without each item in turn.

    Args:
        embeddings: The vectors.
        attribute: Two classes or more.
        half: Which half of its words.
    """
    found = (
        _without_each(metric, embeddings, case)
        for metric in list_metrics()
        for case in metric.attribute(attribute, half)
    )
    own = () if attribute.test is None else (weat_sensitivity(embeddings, attribute.test, half),)
    return (*own, *found)


def weat_sensitivity(
    embeddings: Embeddings, test: AssociationTest, half: Half = "all"
) -> PairSensitivity:
    """Return the statistic ``s`` of a WEAT without each attribute word in turn."""
    result = leave_one_attribute_out(embeddings, *test.half(half))
    return PairSensitivity("weat", test.name, half, result, number="statistic")


def _without_each(metric: ListMetric, embeddings: Embeddings, case: Case) -> PairSensitivity:
    seed = _EFFORT.seed_of(metric.name, case.name, case.half)

    def measure(kept: Sequence[Item]) -> Number:
        left = case.only(kept)
        if left is None:
            return None, "nothing is left without it"
        result = metric.measure(embeddings, left, seed=seed)
        return result.value, result.reason

    # A pair that lacks a word plays no part; of a set of words every word does.
    enough = all if case.by_pairs else any
    result = left_out_in_turn(
        case.items,
        lambda item: "/".join(item[1]),
        lambda item: enough(row_of(embeddings, word) is not None for word in item[1]),
        measure,
    )
    return PairSensitivity(metric.name, case.name, case.half, result)
