"""Provisional numbers for the tokens of a text, in plain Python: what ``compiled`` must equal.

 It serves small texts, for which loading a compiler
takes longer than reading, and machines on which numba does not work.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.reading import TextBlock
from debiaslab.corpus.tokens import DOCUMENT_END, LONGEST, SEPARATOR, Phrase, tokenize_documents

_PHRASE = ""  # key of a node at which a phrase ends; no token is empty

Number = TypeVar("Number", bound=np.generic)


def grown(array: NDArray[Number], size: int, fill: int) -> NDArray[Number]:
    """Return ``array`` with room for ``size`` numbers or more, doubling so that growth is cheap."""
    if size <= len(array):
        return array
    larger = np.full(max(size, 2 * len(array), 1024), fill, array.dtype)
    larger[: len(array)] = array
    return larger


Item = TypeVar("Item")


def ahead(
    items: Iterator[Item], between: Callable[[], None] | None = None
) -> Generator[Item, None, None]:
    """Yield ``items`` (none is None), the next of which is made in another thread meanwhile.

    ``between`` is called after an item was made and before the next is begun: the other thread
    rests then. An exception there is raised here, where its item would have come. When this
    generator is closed or an exception ends it, the thread ends with the item that it is making.
    """
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            if between is not None:
                between()
            coming = thread.submit(next, items, None)
            yield item


class NumberBlock(NamedTuple):
    """Numbers of tokens, and how far reading had come."""

    ids: NDArray[np.int32]
    position: int  # bytes of the file (as it is on disk)


class PlainNumbers:
    """Numbers tokens in no set order of types, phrases merged; 0 is the end of a document.

    Args:
        phrases: Lower-cased tokens of each phrase.
        lowercase: False when the text keeps its case: words are compared with those of phrases in
            lower case, and the joined phrase keeps the case of its tokens.
    """

    def __init__(self, phrases: Sequence[Phrase], *, lowercase: bool) -> None:
        self._ids = _WordIds()
        self._root = _trie(phrases)
        self._lowercase = lowercase
        self._held: list[str] = []
        self.too_long = 0  # tokens left out because they are longer than a word may be
        self._ids[DOCUMENT_END]  # its number is 0

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def words(self) -> list[str]:
        """The types by number; the first stands for the end of a document."""
        return list(self._ids)

    def rows(self, blocks: Iterator[TextBlock]) -> Generator[NumberBlock, None, None]:
        """Yield the numbers of the tokens of ``blocks``.

        Tokens at the end of a block that a phrase may still continue come with the next block;
        none are left after the end of a document.
        """
        for text, position in blocks:
            tokens = self._short(tokenize_documents(text))
            if self._root:
                tokens, self._held = self._merged(self._held + tokens)
            ids = np.fromiter(map(self._ids.__getitem__, tokens), np.int32, len(tokens))
            yield NumberBlock(ids, position)

    def _short(self, tokens: list[str]) -> list[str]:
        """Return the tokens without those that are too long, which are counted."""
        if max(map(len, tokens), default=0) <= LONGEST // 4:  # bytes of a character, at most
            return tokens
        short = [token for token in tokens if len(token.encode()) <= LONGEST]
        self.too_long += len(tokens) - len(short)
        return short

    def _merged(self, tokens: list[str]) -> tuple[list[str], list[str]]:
        """Return the tokens with phrases merged, and those at the end that are held back."""
        keys = tokens if self._lowercase else [token.lower() for token in tokens]
        merged: list[str] = []
        i = 0
        while i < len(tokens):
            node = self._root.get(keys[i])
            end = j = i + 1
            while node is not None:
                if _PHRASE in node:
                    end = j
                if j == len(tokens):
                    return merged, tokens[i:]
                node = node.get(keys[j])
                j += 1
            merged.append(tokens[i] if end == i + 1 else SEPARATOR.join(tokens[i:end]))
            i = end
        return merged, []


class _WordIds(dict[str, int]):
    """A dict that numbers an unknown word when it is looked up."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


def _trie(phrases: Iterable[Phrase]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for phrase in phrases:
        node = root
        for word in phrase:
            node = node.setdefault(word, {})
        node[_PHRASE] = {}
    return root
