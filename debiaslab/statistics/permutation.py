"""Permutation test of a difference of means: exact where it can be, else Monte Carlo."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT_LIMIT = 200_000
"""Enumerate every partition up to this number of them (8 against 8 has 12,870)."""

DRAWS = 100_000
"""Monte Carlo partitions above the limit; the smallest p it can give is 1 / (DRAWS + 1)."""

_CHUNK = 60_000  # words of coins at a time: 0.5 MB, which stays in the processor's cache
_MOST_DIGITS = 24  # of a chance of heads: enough for 1 of 16 million
_MASKS = 4096  # subsets at a time where each is compared with many words

TIE = 1e-10  # of the largest value; sums of the same numbers in another order differ by far less


@dataclass(frozen=True)
class PermutationTest:
    """Result of :func:`permutation_test`.

    Attributes:
        p: Share of partitions whose statistic is >= the observed one.
        p_two_sided: Share of partitions whose |statistic| is >= the observed |statistic|.
        method: ``"exact"`` (all partitions) or ``"monte_carlo"``.
        permutations: Number of partitions looked at.
        floor: The smallest p this test can give; see ``WeatResult.p_floor`` for the two-sided one.
    """

    p: float
    p_two_sided: float
    method: Literal["exact", "monte_carlo"]
    permutations: int
    floor: float


def permutation_test(
    x: ArrayLike, y: ArrayLike, *, exact_limit: int = EXACT_LIMIT, draws: int = DRAWS, seed: int = 0
) -> PermutationTest:
    """Test mean(x) − mean(y) over re-partitions of the pooled values into the same two sizes.

    Exact: every one of the ``C(n, n_x)`` equal-size partitions, the observed one included
    (Caliskan et al. 2017, p. 184). Monte Carlo: ``draws`` seeded partitions, each without
    replacement, and ``p = (hits + 1) / (draws + 1)`` (Phipson & Smyth 2010). Ties count as hits.
    Neither the order of the values nor, for the two-sided p, swapping the groups or the sign of
    all values changes anything, Monte Carlo draws included.

    Args:
        x: Values of the first group, shape ``(n_x,)``.
        y: Values of the second group, shape ``(n_y,)``.
        exact_limit: Largest number of partitions that is enumerated.
        draws: Monte Carlo partitions above it.

    Raises:
        ValueError: A group is empty.
    """
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not first.size or not second.size:
        raise ValueError("a permutation test needs at least one value in each group")
    pooled = np.concatenate([first, second])
    tie = TIE * float(np.abs(pooled).max())
    # With the mean taken out, mean(x) − mean(y) is sum(x) times a constant: only sums are needed.
    pooled = pooled - math.fsum(pooled) / len(pooled)
    observed = math.fsum(pooled[: len(first)])
    partitions = math.comb(len(pooled), len(first))
    if partitions <= exact_limit:
        p, p_two_sided = _shares(_subset_sums(pooled, len(first)), observed, tie, extra=0)
        return PermutationTest(p, p_two_sided, "exact", partitions, 1 / partitions)
    values, sign = _canonical(pooled)
    # The sum of x is less the sum of y. Drawn is the smaller group, or, of two of one size, the
    # one whose sum is positive: the same draws then answer for the groups swapped.
    if len(first) > len(second) or (len(first) == len(second) and sign * observed < 0):
        sign = -sign
    sums = sign * _random_sums(values, min(len(first), len(second)), draws, seed)
    p, p_two_sided = _shares(sums, observed, tie, extra=1)
    return PermutationTest(p, p_two_sided, "monte_carlo", draws, 1 / (draws + 1))


def subset_masks(
    n: int, size: int, *, exact_limit: int = EXACT_LIMIT, draws: int = DRAWS, seed: int = 0
) -> tuple[Literal["exact", "monte_carlo"], int, Iterator[NDArray[np.bool_]]]:
    """Return how subsets of ``size`` of ``n`` items are chosen, how many, and the subsets.

    For a test of many words against the same labels: :func:`permutation_test` shares nothing.
    The subsets come in blocks of rows, shape ``(rows, n)``, True for a member.
    """
    partitions = math.comb(n, size)
    if partitions <= exact_limit:
        return "exact", partitions, _all_masks(n, size, partitions)
    return "monte_carlo", draws, _random_masks(n, size, draws, seed)


def _all_masks(n: int, size: int, partitions: int) -> Iterator[NDArray[np.bool_]]:
    flat = chain.from_iterable(combinations(range(n), size))
    members = np.fromiter(flat, dtype=np.intp, count=partitions * size).reshape(-1, size)
    for start in range(0, partitions, _MASKS):
        block = members[start : start + _MASKS]
        masks = np.zeros((len(block), n), dtype=np.bool_)
        np.put_along_axis(masks, block, True, axis=1)
        yield masks


def _random_masks(n: int, size: int, draws: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    for kept in _random_subsets(n, size, draws, seed):
        for start in range(0, len(kept), _MASKS):
            octets = np.ascontiguousarray(kept[start : start + _MASKS]).view(np.uint8)
            bits = np.unpackbits(octets, axis=1, count=n, bitorder="little")
            yield bits.astype(np.bool_)


def _canonical(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Return the values sorted, up to a sign that does not depend on theirs, and that sign."""
    ordered = np.sort(values)
    differences = ordered + ordered[::-1]  # all zero for values that mirror themselves
    unlike = differences[np.abs(differences) > TIE * float(np.abs(ordered).max())]
    return (-ordered[::-1], -1) if unlike.size and unlike[0] < 0 else (ordered, 1)


def _shares(
    sums: NDArray[np.float64], observed: float, tie: float, extra: int
) -> tuple[float, float]:
    one = int(np.count_nonzero(sums >= observed - tie))
    two = int(np.count_nonzero(np.abs(sums) >= abs(observed) - tie))
    total = len(sums) + extra
    return (one + extra) / total, (two + extra) / total


def _subset_sums(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the sums of all ``C(n, size)`` subsets of ``size`` values.

    A subset of the whole is a subset of the left half and one of the right half: the sums are
    outer additions (Vandermonde's identity), so no subset is ever written out.
    """
    if 2 * size > len(values):  # fewer, smaller subsets are left out than taken
        return math.fsum(values) - _subset_sums(values, len(values) - size)
    return _sums_by_size(values, size)[size]


def _sums_by_size(values: NDArray[np.float64], largest: int) -> list[NDArray[np.float64]]:
    """Return, for each k up to ``largest`` and n, the sums of all k-subsets."""
    empty = np.zeros(1)
    if len(values) == 1:
        return [empty, values.copy()][: largest + 1]
    middle = len(values) // 2
    left, right = (_sums_by_size(half, largest) for half in (values[:middle], values[middle:]))
    return [
        np.concatenate(
            [
                np.add.outer(left[k], right[size - k]).ravel()
                for k in range(len(left))
                if 0 <= size - k < len(right)
            ]
        )
        for size in range(min(largest, len(values)) + 1)
    ]


def _random_sums(
    values: NDArray[np.float64], size: int, draws: int, seed: int
) -> NDArray[np.float64]:
    """Return the sums of ``draws`` random subsets of ``size`` values, each without replacement.

    The sums are read from tables of all 256 partial sums of each 8 values.
    """
    tables = _byte_tables(values, 8 * -(-len(values) // 64))
    sums = np.empty(draws)
    done = 0
    for kept in _random_subsets(len(values), size, draws, seed):
        octets = kept.view(np.uint8)
        block = sums[done : done + len(kept)]
        block[:] = tables[0].take(octets[:, 0])
        for column in range(1, len(tables)):
            block += tables[column].take(octets[:, column])
        done += len(kept)
    return sums


def _random_subsets(n: int, size: int, draws: int, seed: int) -> Iterator[NDArray[np.uint64]]:
    """Yield blocks of random subsets of ``size`` of ``n`` items, one bit an item.

    A coin is flipped for every item, 64 to a machine word, and a row of coins is kept when
    exactly ``size`` of them fall heads: whatever the coin's bias, every subset of that size is
    then equally likely. Several times faster than shuffling.
    """
    rng = np.random.default_rng(seed)
    digits = _coin_digits(size, n)
    words = -(-n // 64)
    real = np.packbits(np.arange(64 * words) < n, bitorder="little").view(np.uint64)[-1]
    chance = _chance(n, size, digits)
    left = draws
    while left:
        rows = min(_CHUNK // words, int(1.05 * left / chance)) + 64  # about what is still needed
        coins = _flip(rng, (rows, words), digits)
        coins[:, -1] &= real
        kept = coins[_heads(coins) == size][:left]
        left -= len(kept)
        yield kept


def _coin_digits(size: int, n: int) -> list[int]:
    """Return binary digits of the chance of heads that gives ``size`` out of ``n`` at least cost.

    A coin costs as many random bits as its chance has digits; a chance of few digits that is less
    near to ``size / n`` has more rows thrown away.
    """
    heads = ((bits, round(size / n * 2**bits)) for bits in range(1, _MOST_DIGITS + 1))
    digits = [[head >> bit & 1 for bit in range(bits)] for bits, head in heads if head % 2]
    return max(digits, key=lambda each: _chance(n, size, each) / len(each))


def _chance(n: int, size: int, digits: list[int]) -> float:
    """Return the chance that a row of ``n`` coins shows exactly ``size`` heads."""
    heads = sum(digit << place for place, digit in enumerate(digits)) / 2 ** len(digits)
    return math.exp(
        math.lgamma(n + 1)
        - math.lgamma(size + 1)
        - math.lgamma(n - size + 1)
        + size * math.log(heads)
        + (n - size) * math.log1p(-heads)
    )


def _flip(
    rng: np.random.Generator, shape: tuple[int, int], digits: list[int]
) -> NDArray[np.uint64]:
    """Return words of independent coins; ``digits`` of the chance of heads, the least first."""
    coins = rng.integers(0, 2**64, size=shape, dtype=np.uint64)  # the last digit, always 1
    for digit in digits[1:]:
        fair = rng.integers(0, 2**64, size=shape, dtype=np.uint64)
        (np.bitwise_or if digit else np.bitwise_and)(coins, fair, out=coins)
    return coins


def _heads(coins: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Count the heads of each row; word by word, as numpy is slow to sum over a short axis."""
    counts = np.bitwise_count(coins[:, 0]).astype(np.uint32)
    for word in range(1, coins.shape[1]):
        counts += np.bitwise_count(coins[:, word])
    return counts


def _byte_tables(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return, for each 8 values (zeros at the end), the 256 sums of their subsets."""
    padded = np.zeros(8 * count)
    padded[: len(values)] = values
    members = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    tables: NDArray[np.float64] = padded.reshape(count, 8) @ members.T.astype(np.float64)
    return tables
