"""How much a number hangs on one pair or one word: the value with each of them left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from debiaslab.metrics.gender_direction import Pair
from debiaslab.metrics.projection import direct_bias
from debiaslab.metrics.vocabulary import row_of
from debiaslab.metrics.weat import weat
from debiaslab.vectors.embeddings import Embeddings

_Item = TypeVar("_Item")
Number = tuple[float | None, str | None]
"""A value, or None and the reason."""


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


@dataclass(frozen=True)
class LeftOut:
    """One item, and the value without it.

    Attributes:
        item: The word, or the pair as ``male/female``.
        value: The value without it; None when that cannot be measured.
        influence: ``value`` less the value with all items: what leaving it out does.
        reason: Why there is no value without it.
    """

    item: str
    value: float | None
    influence: float | None
    reason: str | None = None


@dataclass(frozen=True)
class LeaveOneOut:
    """Result of leaving out one item at a time.

    Attributes:
        value: With all items; None when not measured.
        without: Each item that the vectors have, in the order given.
        low: Smallest value without one item; None when there is no such value.
        high: Largest.
        most_influential: The item whose absence moves the value most; of equals, the first.
        missing: The items that the vectors do not have: they make no difference.
        reason: Why there is no value, or none without any one item.
    """

    value: float | None = None
    without: tuple[LeftOut, ...] = ()
    low: float | None = None
    high: float | None = None
    most_influential: LeftOut | None = None
    missing: tuple[str, ...] = ()
    reason: str | None = None


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
        _once(pairs), "/".join, lambda pair: all(_has(embeddings, word) for word in pair), measure
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
    listed = [(side, word) for side, words in (("A", A), ("B", B)) for word in _once(words)]

    def measure(kept: Sequence[tuple[str, str]]) -> Number:
        a, b = ([word for side, word in kept if side == which] for which in "AB")
        result = weat(embeddings, X, Y, a, b, permutations=0, bootstrap=0)
        return result.statistic, result.reason

    return left_out_in_turn(
        listed, lambda item: item[1], lambda item: _has(embeddings, item[1]), measure
    )


def left_out_in_turn(
    listed: Sequence[_Item],
    name: Callable[[_Item], str],
    known: Callable[[_Item], bool],
    measure: Callable[[Sequence[_Item]], Number],
) -> LeaveOneOut:
    """Return what a number is without each of the items that it reads.

    Args:
        listed: The items, each once.
        name: What to call one.
        known: Whether the vectors have it; one they lack makes no difference.
        measure: The number, or why there is none, from the items that are left.
    """
    items = [item for item in listed if known(item)]
    whole = measure(listed)
    without = (
        ()
        if whole[0] is None
        else [
            (name(item), measure([*items[:place], *items[place + 1 :]]))
            for place, item in enumerate(items)
        ]
    )
    missing = tuple(name(item) for item in listed if not known(item))
    return summed_up(whole, without, missing, "no value is left without one")


def summed_up(
    whole: Number, changed: Sequence[tuple[str, Number]], missing: tuple[str, ...], lost: str
) -> LeaveOneOut:
    """Return a number, and what it becomes by each change, as one result.

    Args:
        whole: The number unchanged, or why there is none.
        changed: Name of each change, and the number after it.
        missing: Changes that could not be tried.
        lost: What to say when no change leaves a number.
    """
    value, reason = whole
    if value is None:
        return LeaveOneOut(missing=missing, reason=reason)
    without = tuple(
        LeftOut(item, number, None if number is None else number - value, why)
        for item, (number, why) in changed
    )
    result = LeaveOneOut(value=value, without=without, missing=missing)
    measured = [each for each in without if each.value is not None]
    if not measured:
        reasons = dict.fromkeys(each.reason for each in without if each.reason)
        return replace(result, reason=": ".join([lost, *(["; ".join(reasons)] if reasons else [])]))
    values = [each.value for each in measured if each.value is not None]
    most = max(measured, key=lambda each: abs(each.influence or 0.0))
    return replace(result, low=min(values), high=max(values), most_influential=most)


def _once(items: Sequence[_Item]) -> list[_Item]:
    return list(dict.fromkeys(items))


def _has(embeddings: Embeddings, word: str) -> bool:
    return row_of(embeddings, word) is not None
