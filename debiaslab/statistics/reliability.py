"""Do several measurements of the same items agree, and does a number hold without one item?

On plain tables of numbers: intraclass correlation, Cronbach's α, leave-one-out sensitivity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from debiaslab.errors import NotMeasuredError, UserError
from debiaslab.statistics.bootstrap import spearman

Array = NDArray[np.float64]
_NO_SPREAD = 1e-12  # of the largest square: what summing leaves of scores that are all the same


def icc2(scores: ArrayLike) -> float:
    """Return ICC(2,1): two-way random effects, absolute agreement, one measurement.

    ``(MSR − MSE) / (MSR + (k−1) MSE + k (MSC − MSE) / n)`` for ``n`` words (rows, MSR) measured
    ``k`` times (columns, MSC): Shrout & Fleiss (1979). A seed that shifts all words lowers it.

    Raises:
        NotMeasuredError: Fewer than 2 rows or columns, or all scores are the same.
        UserError: Not a table of finite numbers.
    """
    table = _table(scores)
    return float(iccs(table[None], agreement=True)[0])


def icc3(scores: ArrayLike) -> float:
    """Return ICC(3,1): two-way mixed effects, consistency, one measurement.

    ``(MSR − MSE) / (MSR + (k−1) MSE)``; a measurement that shifts all words does not lower it.
    Raises as :func:`icc2`.
    """
    table = _table(scores)
    return float(iccs(table[None], agreement=False)[0])


def rank_correlation(table: Array) -> float | None:
    """Return the mean Spearman's ρ over all pairs of columns; None where a column is constant."""
    k = table.shape[1]
    values = [spearman(table[:, i], table[:, j]) for i in range(k) for j in range(i)]
    return None if np.isnan(values).any() else float(np.mean(values))


def iccs(tables: Array, agreement: bool) -> Array:
    """Return the ICC of each table, ``(b, n, k) → (b,)``; NaN where it is 0 / 0."""
    n, k = tables.shape[1:]
    grand = tables.mean(axis=(1, 2), keepdims=True)
    rows = tables.mean(axis=2, keepdims=True) - grand
    columns = tables.mean(axis=1, keepdims=True) - grand
    residuals = tables - grand - rows - columns
    msr = k * (rows**2).sum(axis=(1, 2)) / (n - 1)
    msc = n * (columns**2).sum(axis=(1, 2)) / (k - 1)
    mse = (residuals**2).sum(axis=(1, 2)) / ((n - 1) * (k - 1))
    below = msr + (k - 1) * mse + (k * (msc - mse) / n if agreement else 0.0)
    iccs = np.full(len(tables), np.nan)
    np.divide(msr - mse, below, out=iccs, where=below > 0)
    return iccs


def _table(scores: ArrayLike) -> Array:
    table = _numbers(scores, "one row a word and one column a measurement, finite")
    if min(table.shape) < 2:
        raise NotMeasuredError(
            f"{table.shape[0]} words measured {table.shape[1]} times: needs 2 of each"
        )
    if np.ptp(table) ** 2 <= _NO_SPREAD * float((table**2).max()):
        raise NotMeasuredError("all scores are the same: there is nothing to agree on")
    return table


def _numbers(scores: ArrayLike, allowed: str) -> Array:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise UserError(
            f"scores of shape {table.shape} are not a table of numbers", allowed=allowed
        )
    return table


def cronbach_alpha(scores: ArrayLike) -> float:
    """Return Cronbach's (1951) α of ``k`` items (columns) over ``n`` cases (rows).

    ``k / (k − 1) · (1 − Σ variances of items / variance of the sum)``. 1 when the items are the
    same up to a shift, about 0 when they are independent, below 0 when they oppose each other.

    Raises:
        NotMeasuredError: Fewer than 2 rows or columns, or the sum of the items does not vary.
        UserError: Not a table of finite numbers.
    """
    table = _numbers(scores, "one row a case and one column an item, finite")
    n, k = table.shape
    if min(n, k) < 2:
        raise NotMeasuredError(f"{k} items over {n} cases: needs 2 of each")
    total = float(table.sum(axis=1).var(ddof=1))
    items = float(table.var(axis=0, ddof=1).sum())
    if total <= _NO_SPREAD * max(items, float((table**2).max())):
        raise NotMeasuredError("the sum of the items is the same in every case")
    return k / (k - 1) * (1 - items / total)


# Leave one out --------------------------------------------------------------------------------

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
