"""Provisional numbers for the tokens of large texts, by the compiled loops of ``kernel``."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cache

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus import kernel, tokens
from debiaslab.corpus.kernel import NONE, Trie
from debiaslab.corpus.numbers import NumberBlock, ahead, grown
from debiaslab.corpus.reading import TextBlock
from debiaslab.corpus.tokens import DOCUMENT_END, Phrase

_PIECE = 32 * kernel.BATCH  # tokens numbered at a time


class WordTable:
    """Words numbered from 0 on; the loops of ``kernel`` add to ``arrays``."""

    def __init__(self) -> None:
        self.arrays = kernel.WordArrays(
            places=np.zeros(2, np.uint64),
            starts=np.zeros(1, np.int64),
            letters=np.zeros(0, np.uint8),
            size=np.zeros(1, np.int64),
        )

    def __len__(self) -> int:
        return int(self.arrays.size[0])

    def between(self, first: int, end: int) -> list[str]:
        """Return the words from number ``first`` to before ``end``, also while others are added."""
        arrays = self.arrays
        begin, stop = arrays.starts[first], arrays.starts[end]
        return arrays.letters[begin:stop].tobytes().decode().split(" ")[:-1]

    def make_room(self, words: int, letters: int) -> None:
        """Make room for so many new words, whose UTF-8 has so many bytes in all."""
        arrays, most = self.arrays, len(self) + words
        arrays = arrays._replace(
            starts=grown(arrays.starts, most + 1, 0),
            letters=grown(arrays.letters, int(arrays.starts[len(self)]) + letters + words, 0),
        )
        if len(arrays.places) < 2 * most:
            places = np.full(1 << (2 * most - 1).bit_length(), 0, np.uint64)
            arrays = arrays._replace(places=places)
            kernel.refill(tuple(arrays))
        self.arrays = arrays


class FormTable:
    """Phrases in the forms met so far; the loops of ``kernel`` add to ``arrays``."""

    def __init__(self) -> None:
        self.arrays = kernel.FormArrays(
            edges=np.full(2, NONE, np.int64),
            targets=np.full(2, NONE, np.int32),
            joined=np.zeros(0, np.int32),
            size=np.zeros(1, np.int64),
        )

    def make_room(self, nodes: int) -> None:
        """Make room for so many new nodes."""
        arrays = self.arrays
        most = int(arrays.size[0]) + nodes
        arrays = arrays._replace(joined=grown(arrays.joined, most, NONE))
        if len(arrays.edges) < 2 * most:
            known = arrays.edges != NONE
            places = 1 << (2 * most - 1).bit_length()
            edges, targets = np.full(places, NONE, np.int64), np.full(places, NONE, np.int32)
            old_targets = arrays.targets[known].astype(np.int64)
            kernel.enter_edges(edges, targets, arrays.edges[known], old_targets)
            arrays = arrays._replace(edges=edges, targets=targets)
        self.arrays = arrays


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
        self._ids = self._out = self._held  # of the last block
        self._unknown: NDArray[np.int32] = np.zeros((0, 3), np.int32)  # of its phrases

    def merge(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return a block of the stream with phrases merged; it is whole after ``catch_up``.

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
        """Number the new joined phrases of the last block, and note which words there are.

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


class CompiledNumbers:
    """Numbers tokens, phrases merged.

    Args:
        phrases: Lower-cased tokens of each phrase; words are compared with them in lower case, and
            the joined phrase keeps the case of its tokens.
    """

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._words = WordTable()
        self._merger = Merger(phrases, self._words) if phrases else None
        self.too_long = 0
        for _ in self._numbered(DOCUMENT_END):  # its number is 0
            pass

    def __len__(self) -> int:
        return len(self._words)

    @property
    def words(self) -> list[str]:
        """The types by number; the first stands for the end of a document."""
        return self._words.between(0, len(self))

    def rows(self, blocks: Iterator[TextBlock]) -> Generator[NumberBlock, None, None]:
        """Yield the numbers of the tokens of ``blocks``."""
        numbered = (NumberBlock(ids, at) for text, at in blocks for ids in self._numbered(text))
        if self._merger is None:
            with closing(ahead(numbered)) as rows:
                yield from rows
        else:
            yield from _merged(self._merger, numbered)

    def _numbered(self, text: str) -> Iterator[NDArray[np.int32]]:
        data = np.frombuffer(text.encode(), np.uint8)
        position = 0
        while position < len(data):
            self._words.make_room(_PIECE, len(data) - position)
            ids = np.empty(_PIECE, np.int32)
            words = tuple(self._words.arrays)
            position, n, too_long = kernel.number_tokens(
                data, position, _kinds(), words, tokens.LONGEST, ids
            )
            self.too_long += too_long
            yield ids[:n]


def _merged(merger: Merger, numbered: Iterator[NumberBlock]) -> Generator[NumberBlock, None, None]:
    """Yield the rows with phrases merged, each once the numbers of its joined phrases are known."""
    done: NumberBlock | None = None
    with closing(ahead(numbered, merger.catch_up)) as rows:
        for ids, position in rows:
            if done is not None:
                yield done
            done = NumberBlock(merger.merge(ids), position)
    merger.catch_up()
    if done is not None:
        yield done


@cache
def _kinds() -> NDArray[np.uint8]:
    """Return for each code point what it may be or be part of."""
    kinds: NDArray[np.uint8] = np.zeros(tokens.CHARACTERS, np.uint8)
    for found, kind in (
        (tokens.word_characters(), kernel.WORD),
        (tokens.mark_characters(), kernel.MARK),
        (tokens.characters(tokens.PRICE), kernel.PRICE),
        (tokens.characters(r"\$"), kernel.DOLLAR),
        (tokens.characters(DOCUMENT_END), kernel.LINE_FEED),
    ):
        kinds[found] |= kind
    return kinds
