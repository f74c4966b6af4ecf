"""Tokens and phrases as compiled loops over bytes and numbers: what ``plain`` does, but faster.

Python decodes the text, lower-cases it and says what each character may be part of; the loops cut
its UTF-8 bytes into tokens and number them in a hash table made of plain arrays. They release the
GIL, so that the text that comes next is read meanwhile.

Written for numba: all compiled code is in this file, because the cache on disk does not notice an
edit elsewhere; ``WordArrays``, ``Trie`` and ``FormArrays`` come as plain tuples, because the cache
keeps the types of arguments and cannot be read once a class has another name; inside the loops no
array gets a new name, by inlining either, because counting references would double the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.core import config
from numpy.typing import NDArray

if getattr(config, "DISABLE_JIT", False):
    raise ImportError("numba's compiler is switched off by NUMBA_DISABLE_JIT")

WORD, PRICE, DOLLAR, LINE_FEED = 1, 2, 4, 8  # what a character may be or be part of
MARK = 16  # part of a word, once it has begun
NONE = -1
PAIR_BITS = 18  # of the hash of two words: 32 KiB of bits stay in a processor's first cache
BATCH = 2048  # tokens cut before they are looked up: the look-ups then wait for memory together
FIRST_NODE = 1 << 31  # of forms; below are numbers of words

_BLANK, _JOINT = ord(" "), ord("_")
_LOWER, _UPPER = 0xFFFFFFFF, 0xFFFFFFFF00000000
_MULTIPLIER = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio (Knuth)


class WordArrays(NamedTuple):
    """Words by number and by their bytes.

    Word ``i`` is ``letters[starts[i] : starts[i + 1] - 1]``, a blank follows. ``places`` is an
    open-addressing hash table, at most half full: the upper half of a word's hash, then its number
    + 1; 0 is empty. Numbers are given from 0 on; ``size[0]`` is the next one.
    """

    places: NDArray[np.uint64]  # length a power of two
    starts: NDArray[np.int64]
    letters: NDArray[np.uint8]
    size: NDArray[np.int64]


class Trie(NamedTuple):
    """Phrases as a tree of symbols (numbered words of phrases) whose edges are a hash table.

    An edge is ``node * symbols + symbol``. The node after the first word is the word's symbol.
    """

    edges: NDArray[np.int64]  # edge or NONE; length a power of two, half of it empty at least
    targets: NDArray[np.int32]  # by place in edges: the node it leads to
    ends: NDArray[np.bool_]  # by node: a phrase ends here
    pairs: NDArray[np.uint8]  # bit by hash of an edge: 0 if no phrase begins with these two words
    symbols: int


class FormArrays(NamedTuple):
    """Phrases as the text spells them: one phrase has several forms where capitals are kept.

    A tree of numbers of words whose edges are a hash table. An edge is ``node << 31 | number``. The
    node after the first word is the word's number, the others are FIRST_NODE + 0, 1, 2 …
    """

    edges: NDArray[np.int64]  # edge or NONE; length a power of two, half of it empty at least
    targets: NDArray[np.int32]  # by place in edges: the node it leads to, less FIRST_NODE
    joined: NDArray[np.int32]  # by node, less FIRST_NODE: the number of the joined phrase, or NONE
    size: NDArray[np.int64]  # size[0] nodes


_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
_inlined = njit(inline="always", **_OPTIONS)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function when it is first called, and keep the code where numba finds a place."""
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return njit(**_OPTIONS)(function)


@_inlined
def _hash_step(h, byte):  # type: ignore[no-untyped-def]
    return (h ^ np.uint64(byte)) * np.uint64(_MULTIPLIER)


@_inlined
def _spread(h):  # type: ignore[no-untyped-def]
    return h ^ h >> np.uint64(29)


@_compiled
def _cut(text, i, kinds, longest, tokens):  # type: ignore[no-untyped-def]
    """Find the tokens from byte ``i`` on, as many as there is room for; a line feed is a token.

    Where they begin and end, and their hashes, are written to the three arrays of ``tokens``.
    Returns where the search stopped, the number of tokens, and how many were longer than
    ``longest`` bytes and left out.
    """
    begins, ends, hashes = tokens
    found = too_long = 0
    begin, h = i, np.uint64(0)
    rest = 0  # what goes on with the token that began at ``begin``; 0: there is none
    while i < len(text) and found < len(hashes):
        code, after = np.int64(text[i]), i + 1
        if code >= 0xF0:
            code, after = (code & 7) << 18 | (text[i + 1] & 63) << 12, i + 4
            code |= (text[i + 2] & 63) << 6 | (text[i + 3] & 63)
        elif code >= 0xE0:
            code, after = (code & 15) << 12 | (text[i + 1] & 63) << 6 | (text[i + 2] & 63), i + 3
        elif code >= 0x80:
            code, after = (code & 31) << 6 | (text[i + 1] & 63), i + 2
        kind = kinds[code]
        if rest and not kind & rest:
            if i - begin > longest:
                too_long += 1
            elif rest != PRICE or i > begin + 1:  # not a dollar sign alone
                begins[found], ends[found], hashes[found] = begin, i, h
                found += 1
            rest = 0
            continue
        if not rest:
            begin, h = i, np.uint64(0)
            rest = WORD | MARK if kind & WORD else PRICE if kind & DOLLAR else 0
        for j in range(i, after):
            h = _hash_step(h, text[j])
        i = after
        if kind & LINE_FEED:
            begins[found], ends[found], hashes[found] = begin, i, h
            found += 1
    return i, found, too_long


@_compiled
def _look_up(text, begins, ends, hashes, words, numbers):  # type: ignore[no-untyped-def]
    """Write the number of each token to ``numbers``; a new word is added."""
    places, starts, letters, size = words
    mask = np.uint64(len(places) - 1)
    for k in range(len(numbers)):
        begin, length = begins[k], ends[k] - begins[k]
        h = _spread(hashes[k])
        place = h & mask
        word = NONE
        while word == NONE:
            entry = places[place]
            if entry == 0:
                word = size[0]
                places[place] = h & np.uint64(_UPPER) | np.uint64(word + 1)
                start = starts[word]
                for j in range(length):
                    letters[start + j] = text[begin + j]
                letters[start + length] = _BLANK
                starts[word + 1] = start + length + 1
                size[0] = word + 1
            elif (entry ^ h) & np.uint64(_UPPER) == 0:
                word = np.int64(entry & np.uint64(_LOWER)) - 1
                start = starts[word]
                if starts[word + 1] - start != length + 1:
                    word = NONE
                j = 0
                while j < length and word != NONE:
                    if letters[start + j] != text[begin + j]:
                        word = NONE
                    j += 1
            place = (place + np.uint64(1)) & mask
        numbers[k] = word


@_compiled
def number_tokens(text, i, kinds, words, longest, out):  # type: ignore[no-untyped-def]
    """Write the numbers of the tokens from byte ``i`` on to ``out``, as many as there is room for.

    Args:
        text: Bytes of valid UTF-8, the last of which is a line feed or blank.
        i: First byte.
        kinds: What each code point may be or be part of.
        words: The words so far (``WordArrays``); must have room for every token.
        longest: Bytes of a token; longer ones are left out.
        out: (n,) int32, n a multiple of BATCH.

    Returns:
        Where it stopped, the number of tokens, and how many more were too long.
    """
    begins, ends = np.empty(BATCH, np.int64), np.empty(BATCH, np.int64)
    hashes = np.empty(BATCH, np.uint64)
    n = too_long = 0
    while i < len(text) and n < len(out):
        i, found, more = _cut(text, i, kinds, longest, (begins, ends, hashes))
        _look_up(text, begins, ends, hashes, words, out[n : n + found])
        n += found
        too_long += more
    return i, n, too_long


@_compiled
def refill(words):  # type: ignore[no-untyped-def]
    """Write the places of ``words``, which must be empty."""
    places, starts, letters, size = words
    mask = np.uint64(len(places) - 1)
    for word in range(size[0]):
        h = np.uint64(0)
        for j in range(starts[word], starts[word + 1] - 1):
            h = _hash_step(h, letters[j])
        h = _spread(h)
        place = h & mask
        while places[place] != 0:
            place = (place + np.uint64(1)) & mask
        places[place] = h & np.uint64(_UPPER) | np.uint64(word + 1)


@_inlined
def _edge_hash(edge):  # type: ignore[no-untyped-def]
    return np.uint64(edge) * np.uint64(_MULTIPLIER)


@_inlined
def _edge_place(edge):  # type: ignore[no-untyped-def]
    """Return where the search for ``edge`` begins, before it is cut to the length of edges."""
    h = _edge_hash(edge)
    return np.int64((h >> np.uint64(32)) ^ (h >> np.uint64(48)))  # the upper bits depend on all


@_inlined
def _pair_bit(edge):  # type: ignore[no-untyped-def]
    """Return which byte of a trie's pairs has the bit of ``edge``, and that bit."""
    h = np.int64(_edge_hash(edge) >> np.uint64(64 - PAIR_BITS))
    return h >> 3, np.uint8(1 << (h & 7))


@_compiled
def enter_edges(edges, targets, new_edges, new_targets):  # type: ignore[no-untyped-def]
    """Enter edges, none of which is there, in a hash table that has room for them."""
    for i in range(len(new_edges)):
        place = _edge_place(new_edges[i]) & (len(edges) - 1)
        while edges[place] != NONE:
            place = (place + 1) & (len(edges) - 1)
        edges[place], targets[place] = new_edges[i], new_targets[i]


@_compiled
def mark_pairs(pairs, edges, symbols):  # type: ignore[no-untyped-def]
    """Set the bits of the edges that lead from a first word to a second."""
    for i in range(len(edges)):
        if edges[i] < symbols * symbols:
            byte, bit = _pair_bit(edges[i])
            pairs[byte] |= bit


@_compiled
def _join(ids, begin, end, words):  # type: ignore[no-untyped-def]
    """Return the number of the words ``ids[begin:end]`` joined by ``_``."""
    _, starts, letters, size = words
    first = at = starts[size[0]]
    h = np.uint64(0)
    for i in range(begin, end):
        if i > begin:
            letters[at] = _JOINT
            h = _hash_step(h, _JOINT)
            at += 1
        for j in range(starts[ids[i]], starts[ids[i] + 1] - 1):
            letters[at] = letters[j]
            h = _hash_step(h, letters[j])
            at += 1
    number = np.empty(1, np.int32)
    _look_up(letters, np.array([first]), np.array([at]), np.array([h]), words, number)
    return number[0]


@_compiled
def merge_phrases(ids, symbol_of, trie, forms, out, unknown):  # type: ignore[no-untyped-def]
    """Replace phrases in a stream of numbers: from left to right, the longest one that begins.

    Adds no word, so that another thread may. Phrases in a form that ``forms`` does not know are
    listed, for ``join_unknown``.

    Args:
        ids: (n,) numbers of tokens.
        symbol_of: By number: the symbol of the word in ``trie``, or NONE.
        trie: The phrases (``Trie``).
        forms: The forms met so far (``FormArrays``).
        out: (n,) int32, where the new stream goes.
        unknown: (n // 2, 3) int32, where phrases without a number go: their place in ``out``, and
            where in ``ids`` they begin and end.

    Returns:
        How many of ``ids`` were read, the length of the new stream, and that of ``unknown``. What
        was not read begins something that may be a phrase once the next tokens are known.
    """
    edges, targets, ends, pairs, symbols = trie
    form_edges, form_targets, joined, _ = forms
    i = n = missing = 0
    while i < len(ids):
        node = np.int64(symbol_of[ids[i]])
        if i + 1 < len(ids):
            byte, bit = _pair_bit(node * symbols + symbol_of[ids[i + 1]])
            if not pairs[byte] & bit:
                out[n] = ids[i]
                n += 1
                i += 1
                continue
        form = np.int64(ids[i])
        number, end, j = form, i + 1, i + 1
        while node != NONE:
            if ends[node]:
                number, end = NONE if form == NONE else np.int64(joined[form - FIRST_NODE]), j
            if j == len(ids):
                return i, n, missing
            symbol = symbol_of[ids[j]]
            edge = node * symbols + symbol
            place = _edge_place(edge) & (len(edges) - 1)
            while edges[place] != NONE and edges[place] != edge:
                place = (place + 1) & (len(edges) - 1)
            node = np.int64(targets[place]) if symbol != NONE else NONE
            if form != NONE and node != NONE:
                edge = form << 31 | np.int64(ids[j])
                place = _edge_place(edge) & (len(form_edges) - 1)
                while form_edges[place] != NONE and form_edges[place] != edge:
                    place = (place + 1) & (len(form_edges) - 1)
                known = form_edges[place] == edge
                form = FIRST_NODE + np.int64(form_targets[place]) if known else NONE
            j += 1
        if number == NONE:
            unknown[missing, 0], unknown[missing, 1], unknown[missing, 2] = n, i, end
            missing += 1
        out[n] = number
        n += 1
        i = end
    return i, n, missing


@_compiled
def join_unknown(ids, unknown, words, forms, out):  # type: ignore[no-untyped-def]
    """Join phrases in forms met for the first time, and write their numbers to ``out``.

    Args:
        ids: (n,) numbers of tokens, as ``merge_phrases`` had them.
        unknown: (m, 3) what it listed.
        words: The words so far (``WordArrays``); must have room for every joined word.
        forms: The forms so far (``FormArrays``); must have room for a node for each word but the
            first.
        out: What it wrote.
    """
    edges, targets, joined, size = forms
    for k in range(len(unknown)):
        begin, end = unknown[k, 1], unknown[k, 2]
        number = _join(ids, begin, end, words)
        node = np.int64(ids[begin])
        for j in range(begin + 1, end):
            edge = node << 31 | np.int64(ids[j])
            place = _edge_place(edge) & (len(edges) - 1)
            while edges[place] != NONE and edges[place] != edge:
                place = (place + 1) & (len(edges) - 1)
            if edges[place] == NONE:
                edges[place], targets[place] = edge, size[0]
                size[0] += 1
            node = FIRST_NODE + np.int64(targets[place])
        joined[node - FIRST_NODE] = out[unknown[k, 0]] = number
