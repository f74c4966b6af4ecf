"""How much a number hangs on one pair or one word: the value with each of them left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from debiaslab.embeddings import Embeddings
from debiaslab.metrics.direct_bias import Method, Pair, direct_bias
from debiaslab.metrics.vocabulary import row_of
from debiaslab.metrics.weat import weat

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class LeftOut:
    """One item, and the value without it.

    Attributes:
        item: The word, or the pair as ``male/female``.
        value: The value without it; None when that cannot be measured.
        influence: ``value`` less the value with all items: what leaving it out does.
    """

    item: str
    value: float | None
    influence: float | None


@dataclass(frozen=True)
class LeaveOneOut:
    """Result of leaving out one item at a time.

    Attributes:
        value: With all items; None when not measured.
        without: Each item that the vectors have, in the order given.
        low: Smallest value without one item.
        high: Largest.
        most_influential: The item whose absence moves the value most; of equals, the first.
        reason: Why there is no value.
    """

    value: float | None = None
    without: tuple[LeftOut, ...] = ()
    low: float | None = None
    high: float | None = None
    most_influential: LeftOut | None = None
    reason: str | None = None


def leave_one_pair_out(
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    *,
    c: float = 1.0,
    method: Method = "pca",
) -> LeaveOneOut:
    """Return the direct bias of ``words`` with each definitional pair left out in turn.

    Pairs with an unknown word make no difference and are not listed. Other arguments as in
    ``direct_bias``.
    """

    def measure(kept: Sequence[Pair]) -> tuple[float | None, str | None]:
        result = direct_bias(embeddings, words, kept, c=c, method=method, bootstrap=0)
        return result.value, result.reason

    known = [pair for pair in _once(pairs) if all(_has(embeddings, word) for word in pair)]
    return _leave_one_out(known, "/".join, measure)


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
    known = [
        (side, word)
        for side, words in (("A", A), ("B", B))
        for word in _once(words)
        if _has(embeddings, word)
    ]

    def measure(kept: Sequence[tuple[str, str]]) -> tuple[float | None, str | None]:
        a, b = ([word for side, word in kept if side == which] for which in "AB")
        result = weat(embeddings, X, Y, a, b, permutations=0, bootstrap=0)
        return result.statistic, result.reason

    return _leave_one_out(known, lambda item: item[1], measure)


def _leave_one_out(
    items: Sequence[_Item],
    name: Callable[[_Item], str],
    measure: Callable[[Sequence[_Item]], tuple[float | None, str | None]],
) -> LeaveOneOut:
    whole, reason = measure(items)
    if whole is None:
        return LeaveOneOut(reason=reason)
    without = []
    for left_out, item in enumerate(items):
        value, _ = measure([*items[:left_out], *items[left_out + 1 :]])
        without.append(LeftOut(name(item), value, None if value is None else value - whole))
    result = LeaveOneOut(value=whole, without=tuple(without))
    measured = [each for each in without if each.value is not None]
    if not measured:
        return result
    values = [each.value for each in measured if each.value is not None]
    most = max(measured, key=lambda each: abs(each.influence or 0.0))
    return replace(result, low=min(values), high=max(values), most_influential=most)


def _once(items: Sequence[_Item]) -> list[_Item]:
    return list(dict.fromkeys(items))


def _has(embeddings: Embeddings, word: str) -> bool:
    return row_of(embeddings, word) is not None
