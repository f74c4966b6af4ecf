"""Provisional numbers for the tokens of large texts, by the compiled loops of ``kernel``."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import cache

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus import kernel, tokens
from debiaslab.corpus.ahead import ahead
from debiaslab.corpus.merging import Merger
from debiaslab.corpus.numbers import Row
from debiaslab.corpus.phrases import Phrase
from debiaslab.corpus.reading import Block
from debiaslab.corpus.tokens import DOCUMENT_END
from debiaslab.corpus.word_table import WordTable

_PIECE = 32 * kernel.BATCH  # tokens numbered at a time


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

    def rows(self, blocks: Iterator[Block]) -> Generator[Row, None, None]:
        """Yield the numbers of the tokens of ``blocks``."""
        numbered = (Row(ids, at) for text, at in blocks for ids in self._numbered(text))
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


def _merged(merger: Merger, numbered: Iterator[Row]) -> Generator[Row, None, None]:
    """Yield the rows with phrases merged, each once the numbers of its joined phrases are known."""
    done: Row | None = None
    with closing(ahead(numbered, merger.catch_up)) as rows:
        for ids, position in rows:
            if done is not None:
                yield done
            done = Row(merger.merge(ids), position)
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
