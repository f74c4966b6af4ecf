"""Multi-word expressions: *united states* becomes ``united_states``.

Exactly NLTK's ``MWETokenizer(separator="_")``: from left to right, the longest phrase that begins
at a token wins. Done on arrays of word ids, all tokens of a block at once, so that Python sees only
the phrases that are there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.reading import read_blocks
from debiaslab.corpus.tokens import lower_tokens
from debiaslab.corpus.words import END, WordIds, grown
from debiaslab.errors import UserError

SHORTEST, LONGEST = 2, 11
SEPARATOR = "_"

Phrase = tuple[str, ...]

NONE = -1  # symbol of a word that is in no phrase; child of a node without that child


def load_phrases(path: str | Path, *, lowercase: bool) -> tuple[Phrase, ...]:
    """Read phrases, one a line, as lower-cased tokens; sorted, each once.

    Raises:
        UserError: The file cannot be read, holds no phrase, or has one that is too short or long.
    """
    path = Path(path)
    phrases = set()
    for number, line in enumerate(_lines(path), start=1):
        tokens = tuple(lower_tokens(line, lowercase=lowercase))
        if line.strip() and not SHORTEST <= len(tokens) <= LONGEST:
            raise UserError(
                f"line {number} of {path} ({line.strip()[:60]!r}) has {len(tokens)} word"
                + "s" * (len(tokens) != 1),
                allowed=f"{SHORTEST} to {LONGEST} words, with blanks between them",
            )
        if tokens:
            phrases.add(tokens)
    if not phrases:
        raise UserError(f"{path} holds no phrase", allowed="one phrase a line")
    return tuple(sorted(phrases))


def phrases_key(phrases: Iterable[Phrase]) -> str:
    """Return a digest of what the phrases say, whatever their order in the file."""
    text = "\n".join(" ".join(phrase) for phrase in phrases)
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(path: Path) -> Iterator[str]:
    rest = ""
    for block in read_blocks(path):
        *lines, rest = (rest + block.text).split("\n")
        yield from lines


class PhraseMerger:
    """Replaces phrases in a stream of word ids by the id of the joined phrase.

    Args:
        phrases: Lower-cased tokens of each phrase.
        ids: The growing word list; joined phrases are added to it.
        lowercase: False when words in ``ids`` keep their case: they are compared in lower case,
            and the joined phrase keeps the case of its tokens.
    """

    def __init__(self, phrases: Sequence[Phrase], ids: WordIds, *, lowercase: bool) -> None:
        self._ids = ids
        self._lowercase = lowercase
        self._trie = _Trie(phrases)
        self._symbol_of: NDArray[np.int32] = np.full(0, NONE, np.int32)  # by word id
        self._known = 0  # words of ids that have their symbol
        self._joined: dict[tuple[int, ...], int] = {}
        self._held: NDArray[np.int32] = np.zeros(0, np.int32)

    def merge(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the stream with phrases merged.

        Tokens at the end of a block that a phrase may still continue are held back until the next
        block; nothing is held back after the end of a document.
        """
        ids = np.concatenate([self._held, ids])
        whole = len(ids) > 0 and ids[-1] == END
        settled = len(ids) if whole else max(len(ids) - self._trie.longest + 1, 0)
        starts, stops = _first_come(*self._trie.longest_matches(self._symbols(ids), settled))
        if stops:
            settled = max(settled, stops[-1])
        self._held = ids[settled:]
        return self._replaced(ids[:settled], starts, stops)

    def _symbols(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the phrase word that each id stands for, or NONE."""
        words = self._ids.words
        self._symbol_of = grown(self._symbol_of, len(words), NONE)
        for word_id in range(self._known, len(words)):
            word = words[word_id] if self._lowercase else words[word_id].lower()
            self._symbol_of[word_id] = self._trie.symbols.get(word, NONE)
        self._known = len(words)
        return self._symbol_of[ids]

    def _replaced(
        self, ids: NDArray[np.int32], starts: list[int], stops: list[int]
    ) -> NDArray[np.int32]:
        if not starts:
            return ids
        row = ids.tolist()
        spans = zip(starts, stops, strict=True)
        joined = [self._joined_id(tuple(row[start:stop])) for start, stop in spans]
        dropped = np.zeros(len(ids) + 1, np.int32)  # +1 where a phrase's second word stands,
        dropped[np.array(starts) + 1] += 1
        dropped[stops] -= 1  # −1 where the phrase is over
        ids = ids.copy()
        ids[starts] = joined
        return ids[np.cumsum(dropped[:-1]) == 0]

    def _joined_id(self, parts: tuple[int, ...]) -> int:
        joined = self._joined.get(parts)
        if joined is None:
            words = self._ids.words
            joined = self._joined[parts] = self._ids[SEPARATOR.join(words[i] for i in parts)]
        return joined


class _Trie:
    """The phrases as a tree whose edges are one sorted array, walked from many tokens at once."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self.longest = max(map(len, phrases))
        self.symbols: dict[str, int] = {}  # the words of phrases, numbered
        children: dict[tuple[int, int], int] = {}  # (node, symbol) → node; the root is 0
        ends = set()
        for phrase in phrases:
            node = 0
            for word in phrase:
                symbol = self.symbols.setdefault(word, len(self.symbols))
                node = children.setdefault((node, symbol), len(children) + 1)
            ends.add(node)
        self._ends = np.zeros(len(children) + 1, bool)
        self._ends[list(ends)] = True
        edges = sorted(children)
        self._edges = self._edge(*np.array(edges).T)
        self._targets = np.array([children[edge] for edge in edges])
        self._roots = np.full(len(self.symbols) + 1, NONE)  # the last entry is that of NONE
        for (node, symbol), child in children.items():
            if node == 0:
                self._roots[symbol] = child

    def longest_matches(self, symbols: NDArray[np.int32], end: int) -> tuple[list[int], list[int]]:
        """Return where phrases begin before ``end``, and where the longest phrase there stops."""
        symbols = np.append(symbols, np.full(self.longest, NONE, np.int32))
        stops = np.zeros(end, np.int64)
        nodes = self._roots[symbols[:end]]
        at = np.flatnonzero(nodes != NONE)
        nodes = nodes[at]
        depth = 1
        while len(at):
            nodes = self._children(nodes, symbols[at + depth])
            alive = nodes != NONE
            at, nodes = at[alive], nodes[alive]
            depth += 1
            whole = at[self._ends[nodes]]
            stops[whole] = whole + depth
        starts = np.flatnonzero(stops)
        return starts.tolist(), stops[starts].tolist()

    def _edge(self, node: NDArray[np.int64], symbol: NDArray[np.int64]) -> NDArray[np.int64]:
        return node * (len(self.symbols) + 1) + symbol + 1  # NONE is −1

    def _children(self, nodes: NDArray[np.int64], symbols: NDArray[np.int32]) -> NDArray[np.int64]:
        wanted = self._edge(nodes, symbols.astype(np.int64))
        place = np.searchsorted(self._edges, wanted)
        place[place == len(self._edges)] = 0
        return np.where(self._edges[place] == wanted, self._targets[place], NONE)


def _first_come(starts: list[int], stops: list[int]) -> tuple[list[int], list[int]]:
    """Return the spans that are left when each, from left to right, forbids those it overlaps."""
    kept_starts, kept_stops = [], []
    done = 0
    for start, stop in zip(starts, stops, strict=True):
        if start >= done:
            kept_starts.append(start)
            kept_stops.append(stop)
            done = stop
    return kept_starts, kept_stops
