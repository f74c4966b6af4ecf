"""Leave-one-out sensitivity: a number with each item that it reads left out in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

_Item = TypeVar("_Item")
Number = tuple[float | None, str | None]
"""A value, or None and the reason."""


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
