"""Merging phrases in a stream of numbered words, by the compiled loops of ``kernel``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus import kernel
from debiaslab.corpus.form_table import FormTable
from debiaslab.corpus.kernel import NONE, Trie
from debiaslab.corpus.phrases import Phrase
from debiaslab.corpus.word_table import WordTable
from debiaslab.corpus.words import grown


class Merger:
    """Replaces phrases by the number of the joined phrase, which keeps the case of its words.

    Two threads may not add words at once, and to wait for each other would take twice the time. So
    ``merge`` adds none: joined phrases that are new get their number in ``catch_up``, at a moment
    when the other thread rests.

    Args:
        phrases: Lower-cased tokens of each phrase.
        words: The words of the stream, compared in lower case; joined phrases are added.
    """

    def __init__(self, phrases: Sequence[Phrase], words: WordTable) -> None:
        self._words = words
        self._symbol_of = _symbols(phrases)
        self._trie = _trie(phrases, self._symbol_of)
        self._forms = FormTable()
        self._symbols: NDArray[np.int32] = np.zeros(0, np.int32)  # by number of the word
        self._known = 0  # words that have their symbol
        self._there = 0  # words there were when ``catch_up`` was called last
        self._held: NDArray[np.int32] = np.zeros(0, np.int32)
        self._ids = self._out = self._held  # of the last stretch
        self._unknown: NDArray[np.int32] = np.zeros((0, 3), np.int32)  # of its phrases

    def merge(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return a stretch of the stream with phrases merged; it is whole after ``catch_up``.

        Its words were there when ``catch_up`` was called last. Tokens at the end that a phrase may
        still continue are held back until the next call; nothing is held back after the end of a
        document.
        """
        self._look_up_words()
        ids = np.concatenate([self._held, ids])
        out = np.empty(len(ids), np.int32)
        unknown = np.empty((len(ids) // 2, 3), np.int32)
        read, n, missing = kernel.merge_phrases(
            ids, self._symbols, tuple(self._trie), tuple(self._forms.arrays), out, unknown
        )
        self._held = ids[read:]
        self._ids, self._out, self._unknown = ids, out, unknown[:missing]
        return out[:n]

    def catch_up(self) -> None:
        """Number the new joined phrases of the last stretch, and note which words there are.

        No other thread may add words meanwhile.
        """
        if len(self._unknown):
            spans = self._unknown[:, 1:].tolist()
            inside = np.concatenate([self._ids[begin:end] for begin, end in spans])
            starts = self._words.arrays.starts
            letters = int((starts[inside + 1] - starts[inside]).sum())
            self._words.make_room(len(spans), letters)
            self._forms.make_room(len(inside) - len(spans))
            words, forms = tuple(self._words.arrays), tuple(self._forms.arrays)
            kernel.join_unknown(self._ids, self._unknown, words, forms, self._out)
            self._unknown = self._unknown[:0]
        self._there = len(self._words)

    def _look_up_words(self) -> None:
        """Find the symbols of new words."""
        known, self._known = self._known, self._there
        new = self._words.between(known, self._known)
        self._symbols = grown(self._symbols, self._known, NONE)
        symbol_of = self._symbol_of.get
        self._symbols[known : self._known] = [symbol_of(word.lower(), NONE) for word in new]


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
        pairs=np.zeros((1 << kernel.PAIR_BITS) // 8, np.uint8),
        symbols=len(symbol_of),
    )
    trie.ends[ends] = True
    edges, targets = (np.fromiter(side, np.int64) for side in (children.keys(), children.values()))
    kernel.enter_edges(trie.edges, trie.targets, edges, targets)
    kernel.mark_pairs(trie.pairs, edges, trie.symbols)
    return trie
