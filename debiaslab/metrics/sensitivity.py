"""Leave-one-out sensitivity of the scorecard: without one pair, one word or one set at a time.

What a number reads is in its case (see ``debiaslab.metrics.cases``): a definitional pair where
there is a direction, a word of a group, a set of targets. SemBias and the lipstick tests are
defined by *he* and *she* alone: they come with each other pair in that place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from debiaslab.lexicons import AssociationTest, Attribute, Half, load, load_pairs
from debiaslab.lexicons.tables import load_sembias
from debiaslab.metrics.cases import DEFINITIONAL_PAIRS, OCCUPATIONS, Case, Item, Resampling
from debiaslab.metrics.gender_direction import HE_SHE, Pair
from debiaslab.metrics.lipstick_records import LABEL_TESTS, label_seeds
from debiaslab.metrics.neighbor_bias import biased_words, neighbor_bias, neighbor_shares
from debiaslab.metrics.projection import direct_bias
from debiaslab.metrics.registry import ListMetric, attribute_cases, list_metrics
from debiaslab.metrics.sembias import sembias
from debiaslab.metrics.vocabulary import row_of
from debiaslab.metrics.weat import weat
from debiaslab.statistics.leave_one_out import (
    LeaveOneOut,
    Number,
    left_out_in_turn,
    summed_up,
)
from debiaslab.vectors.embeddings import Embeddings


class HasValue(Protocol):
    """What a metric returns: a value, or the reason why there is none."""

    @property
    def value(self) -> float | None:
        """The number."""

    @property
    def reason(self) -> str | None:
        """Why there is none."""


PairMetric = Callable[..., HasValue]
"""``metric(embeddings, words, pairs) → result``: any metric that reads gender pairs."""


_DIRECT_BIAS = partial(direct_bias, bootstrap=0)


def leave_one_pair_out(
    embeddings: Embeddings,
    words: Sequence[str] | Mapping[str, float],
    pairs: Sequence[Pair],
    metric: PairMetric = _DIRECT_BIAS,
) -> LeaveOneOut:
    """Return what a metric gives with each definitional pair left out in turn.

    Args:
        embeddings: The vectors.
        words: What the metric takes: a list, or for ``factual_association`` shares by word.
        pairs: Definitional pairs ``(male, female)``; repeated pairs count once. A pair with an
            unknown word makes no difference: it is in ``missing``.
        metric: Called with the vectors, the words and the pairs that are left: ``ripa``,
            ``factual_association``, …; direct bias by default. Give it as a ``partial`` without
            resamples, which would be thrown away.
    """

    def measure(kept: Sequence[Pair]) -> Number:
        result = metric(embeddings, words, kept)
        return result.value, result.reason

    return left_out_in_turn(
        list(dict.fromkeys(pairs)),
        "/".join,
        lambda pair: _has_both(embeddings, pair),
        measure,
    )


def leave_one_attribute_out(
    embeddings: Embeddings,
    X: Sequence[str],
    Y: Sequence[str],
    A: Sequence[str],
    B: Sequence[str],
) -> LeaveOneOut:
    """Return the WEAT statistic ``s`` with each attribute word (of A, then B) left out in turn.

    A set of four words is not measured with three: those values are None.
    """
    listed = [(side, word) for side, words in (("A", A), ("B", B)) for word in dict.fromkeys(words)]

    def measure(kept: Sequence[tuple[str, str]]) -> Number:
        a, b = ([word for side, word in kept if side == which] for which in "AB")
        result = weat(embeddings, X, Y, a, b, permutations=0, bootstrap=0)
        return result.statistic, result.reason

    return left_out_in_turn(
        listed, lambda item: item[1], lambda item: _has(embeddings, item[1]), measure
    )


def _has(embeddings: Embeddings, word: str) -> bool:
    return row_of(embeddings, word) is not None


Change = Literal["left out", "in the place of he/she"]
_EFFORT = Resampling(seed=0, bootstrap=0, permutations=0, null=False)


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
        for metric, name, result in _of_other_pairs(embeddings, before, half)
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
        _without_each(metric, embeddings, case) for metric, case in attribute_cases(attribute, half)
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


# Other pairs in the place of he and she ---------------------------------------------------------

_Numbers = dict[tuple[str, str], Number]  # metric and name, as in the scorecard


def _of_other_pairs(
    embeddings: Embeddings, baseline: Embeddings, half: Half
) -> Iterator[tuple[str, str, LeaveOneOut]]:
    """Yield metric, name and result: the value with *he* and *she*, and with each other pair.

    Args:
        embeddings: The vectors.
        baseline: The vectors before debiasing, which label the words of the lipstick tests.
        half: Which half of the words and of the definitional pairs.
    """
    others = [pair for pair in load_pairs(DEFINITIONAL_PAIRS).half(half) if pair != HE_SHE]
    known = [pair for pair in others if _has_both(embeddings, pair) and _has_both(baseline, pair)]
    missing = tuple("/".join(pair) for pair in others if pair not in known)
    by_pair = {pair: _numbers(embeddings, baseline, half, pair) for pair in (HE_SHE, *known)}
    for key, whole in by_pair[HE_SHE].items():
        changed = [("/".join(pair), by_pair[pair][key]) for pair in known]
        yield *key, summed_up(whole, changed, missing, "no other pair gives a value")


def _numbers(embeddings: Embeddings, baseline: Embeddings, half: Half, pair: Pair) -> _Numbers:
    return {
        **_sembias(embeddings, half, pair),
        **_lipstick(embeddings, baseline, half, pair),
    }


def _sembias(embeddings: Embeddings, half: Half, pair: Pair) -> _Numbers:
    numbers: _Numbers = {}
    for prefix, held_out in (("", False), ("held_out_", True)):
        rows = load_sembias().half(half, held_out=held_out)
        result = sembias(embeddings, rows, pair=pair, bootstrap=0)
        numbers["sembias", f"{prefix}definition"] = result.definition, result.reason
        numbers["sembias", f"{prefix}stereotype"] = result.stereotype, result.reason
        numbers["sembias", f"{prefix}none"] = result.none, result.reason
    return numbers


def _lipstick(embeddings: Embeddings, baseline: Embeddings, half: Half, pair: Pair) -> _Numbers:
    """The labels of the first two are of the whole vocabulary, which has no halves."""
    numbers: _Numbers = {}
    biased = biased_words(baseline, pair=pair).within(embeddings)
    for name, test in LABEL_TESTS.items():
        found = test(embeddings, biased, seeds=label_seeds(name, _EFFORT))
        numbers["lipstick", name] = found.value, found.reason
    professions = load(OCCUPATIONS)
    shares = neighbor_shares(embeddings, baseline, biased, professions.words, pair=pair)
    result = neighbor_bias(shares, professions.half(half), permutations=0, bootstrap=0)
    numbers["lipstick", "profession_neighbors"] = result.value, result.reason
    return numbers


def _has_both(embeddings: Embeddings, pair: Pair) -> bool:
    return all(_has(embeddings, word) for word in pair)
