"""Rewriting as compiled loops: fast enough to go unnoticed beside training; they release the GIL.

Written for numba: all compiled code is in this file, because the cache on disk does not notice an
edit elsewhere. Words are looked up as unsigned numbers, because for signed ones numba would make
room for places counted from the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from debiaslab.regularizers.words import (
    AFTER_OBJECT,
    BEFORE_HERS,
    GENDERED,
    PRONOUN_HER,
    PRONOUN_HIS,
)


def _compiler() -> Callable[..., Any]:
    """Return numba's ``njit``; where numba cannot be loaded, one that leaves functions as they are.

    They are slow then, and so is all training: the trainer warns of it.
    """
    try:
        from numba import njit
    except Exception:  # whatever keeps it from loading
        return lambda **_options: lambda function: function
    return njit


njit = _compiler()
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function when it is first called, and keep the code where numba finds a place."""
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return njit(**_OPTIONS)(function)


@njit(inline="always", **_OPTIONS)
def _swap(ids, i, kind, flags, counterparts):  # type: ignore[no-untyped-def]
    """Replace the word at place ``i``, which has flags ``kind``; without branches to guess wrong.

    Places go from left to right: the word after is as it was read, and the words that make *hers*
    of *his* have no gender themselves.
    """
    before = flags[ids[i - 1] + 1] if i > 0 else np.uint8(0)
    after = flags[ids[i + 1] + 1] if i + 1 < len(ids) else flags[0]
    follows, preceded = after & AFTER_OBJECT != 0, before & BEFORE_HERS != 0
    other = follows & ((kind & PRONOUN_HER != 0) | ((kind & PRONOUN_HIS != 0) & preceded))
    ids[i] = counterparts[np.uint32(ids[i]), np.uint32(other)]


@_compiled
def swap_documents(ids, start, key, threshold, flags, counterparts):  # type: ignore[no-untyped-def]
    """Swap, in place, the documents whose coin falls on it.

    Args:
        ids: (n,) int32, −1 after each document.
        start: Place of the first in the stream.
        key: uint64, of the coins; a document's is SplitMix64 at its first word's place.
        threshold: uint64; the upper 53 bits of a coin must be below it.
        flags: (V + 1,) uint8, of the document's end and then of each word.
        counterparts: (V, 2) int32, the usual one of each word and the other one.
    """
    i = 0
    while i < len(ids):
        x = key + np.uint64(start + i) * np.uint64(_GOLDEN)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(_FIRST)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(_SECOND)
        x = (x ^ (x >> np.uint64(31))) >> np.uint64(11)
        if x < threshold:
            while i < len(ids) and ids[i] >= 0:
                kind = flags[np.uint32(ids[i] + 1)]
                if kind & GENDERED:
                    _swap(ids, i, kind, flags, counterparts)
                i += 1
        else:
            while i < len(ids) and ids[i] >= 0:
                i += 1
        i += 1


@_compiled
def swap_places(ids, places, flags, counterparts):  # type: ignore[no-untyped-def]
    """Swap, in place, the words at ``places``, which have a counterpart."""
    for i in places:
        _swap(ids, i, flags[ids[i] + 1], flags, counterparts)


@_compiled
def merge_words(ids, table):  # type: ignore[no-untyped-def]
    """Replace each word, in place, by ``table[word]``; the ends of documents stay."""
    for i in range(len(ids)):
        if ids[i] >= 0:
            ids[i] = table[np.uint32(ids[i])]


@_compiled
def near_chosen(ids, chosen, gender, window):  # type: ignore[no-untyped-def]
    """Return the places of gender words at most ``window`` words from a chosen one, in order.

    Args:
        ids: (n,) int32, −1 after each document.
        chosen: (V,) bool.
        gender: (V,) int8, 0 for words without.
        window: In words on each side; a document's end ends it.
    """
    found = np.empty(len(ids), np.int64)
    n = 0
    first = 0  # of the places not looked at yet
    for i in range(len(ids)):
        if ids[i] < 0 or not chosen[np.uint32(ids[i])]:
            continue
        begin = i
        while begin > max(first, i - window) and ids[begin - 1] >= 0:
            begin -= 1
        for j in range(max(begin, first), min(i + window + 1, len(ids))):
            if ids[j] < 0:
                break
            if gender[np.uint32(ids[j])] != 0:
                found[n] = j
                n += 1
            first = j + 1
    return found[:n].copy()
