"""Random numbers of places in a text: hashes, so that neither threads nor blocks change them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_WORD = 0xFFFFFFFFFFFFFFFF
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def random_bits(key: int, counters: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return 64 random bits for each counter (SplitMix64: Steele, Lea and Flood 2014)."""
    x = np.uint64(key) + counters.astype(np.uint64) * _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


def uniform(key: int, counters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each counter, in steps of 2⁻⁵³."""
    return (random_bits(key, counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def derived_key(*parts: int) -> int:
    """Return 64 bits from seed, purpose, epoch and the like; their order counts."""
    key = 0
    for part in parts:
        x = (key + (part + 1) * int(_GOLDEN)) & _WORD
        x = ((x ^ (x >> 30)) * int(_FIRST)) & _WORD
        x = ((x ^ (x >> 27)) * int(_SECOND)) & _WORD
        key = x ^ (x >> 31)
    return key
