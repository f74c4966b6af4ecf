"""Merging phrases in a stream of numbered words, by the compiled loop of ``kernel``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus import kernel
from debiaslab.corpus.kernel import NONE, Trie
from debiaslab.corpus.phrases import Phrase
from debiaslab.corpus.word_table import WordTable
from debiaslab.corpus.words import grown


class Merger:
    """Replaces phrases by the number of the joined phrase.

    Args:
        phrases: Lower-cased tokens of each phrase.
        words: The words of the stream; joined phrases are added.
        lowercase: False when words keep their case: they are compared in lower case.
    """

    def __init__(self, phrases: Sequence[Phrase], words: WordTable, *, lowercase: bool) -> None:
        self._words = words
        self._lowercase = lowercase
        self._settled = False
        self._symbol_of = _symbols(phrases)
        self._trie = _trie(phrases, self._symbol_of)
        self._symbols: NDArray[np.int32] = np.zeros(0, np.int32)  # by number of the word
        self._known = 0  # words that have their symbol
        self._held: NDArray[np.int32] = np.zeros(0, np.int32)

    def settle(self) -> bool:
        """Take all phrases for merged once, and return whether no more words will be added.

        So it is without capitals: then a phrase is joined in one way only.
        """
        self._settled = self._lowercase
        return self._settled

    def merge(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the stream with phrases merged.

        Tokens at the end that a phrase may still continue are held back until the next call;
        nothing is held back after the end of a document.
        """
        ids = np.concatenate([self._held, ids])
        if not self._settled:
            self._prepare(ids)
        self._symbols = grown(self._symbols, len(self._words), NONE)
        out = np.empty(len(ids), np.int32)
        read, n = kernel.merge_phrases(
            ids, self._symbols, tuple(self._trie), self._lowercase, tuple(self._words.arrays), out
        )
        self._held = ids[read:]
        return out[:n]

    def _prepare(self, ids: NDArray[np.int32]) -> None:
        """Find the symbols of new words, and make room for what may be joined of ``ids``."""
        new = self._words.since(self._known)
        known, self._known = self._known, self._known + len(new)
        self._symbols = grown(self._symbols, self._known, NONE)
        symbol_of = self._symbol_of.get
        self._symbols[known : self._known] = [symbol_of(word.lower(), NONE) for word in new]
        starts = self._words.arrays.starts
        self._words.make_room(len(ids), int((starts[ids + 1] - starts[ids]).sum()))


def _symbols(phrases: Iterable[Phrase]) -> dict[str, int]:
    """Number the words of phrases."""
    symbol_of: dict[str, int] = {}
    for phrase in phrases:
        for word in phrase:
            symbol_of.setdefault(word, len(symbol_of))
    return symbol_of


def _trie(phrases: Iterable[Phrase], symbol_of: dict[str, int]) -> Trie:
    children: dict[int, int] = {}  # edge → node
    ends = []
    for phrase in phrases:
        node, *symbols = (symbol_of[word] for word in phrase)
        for symbol in symbols:
            edge = node * len(symbol_of) + symbol
            node = children.setdefault(edge, len(symbol_of) + len(children))
        ends.append(node)
    places = 1 << (2 * len(children)).bit_length()
    nodes = len(symbol_of) + len(children)
    trie = Trie(
        edges=np.full(places, NONE, np.int64),
        targets=np.full(places, NONE, np.int32),
        ends=np.zeros(nodes, np.bool_),
        joined=np.full(nodes, NONE, np.int32),
        pairs=np.zeros((1 << kernel.PAIR_BITS) // 8, np.uint8),
        symbols=len(symbol_of),
    )
    trie.ends[ends] = True
    edges, targets = (np.fromiter(side, np.int64) for side in (children.keys(), children.values()))
    kernel.fill_trie(tuple(trie), edges, targets)
    return trie
