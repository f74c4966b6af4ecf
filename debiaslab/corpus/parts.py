"""A text in parts, each counted and encoded by itself: in turn on one machine, at once on many.

Count: every part numbers its own types. Merge: their counts make one vocabulary. Encode: the
numbers of every part become ids of that vocabulary, its shard. A part is whole files, or whole
lines of one, and a line is a document, so the shards one after the other are what the text gives in
one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.encoding import Counted, Stream, number_tokens, write_stream
from debiaslab.corpus.phrases import Phrase
from debiaslab.corpus.settings import CorpusSettings
from debiaslab.corpus.sources import Source
from debiaslab.corpus.words import grown

SPAN = 1 << 26  # bytes of a file that is cut: two seconds of work for two cores
MOST = 128  # parts: each shard of an open corpus takes one of the files a process may have open

Item = TypeVar("Item")
Result = TypeVar("Result")


class Mapper(Protocol):
    """Calls a function for every item, as ``map`` does.

    Function and items can be pickled, so that the calls may run in other processes, on machines
    that see the same files.
    """

    def __call__(
        self, function: Callable[[Item], Result], items: Sequence[Item], /
    ) -> Iterable[Result]:
        """Return the results in the order of the items."""
        ...


@dataclass(frozen=True)
class Part:
    """Some files of a text, and where what becomes of them stands."""

    sources: tuple[Source, ...]
    settings: CorpusSettings
    phrases: tuple[Phrase, ...]
    text_bytes: int  # of all parts: a small text is read without loading a compiler
    shard: Path  # its ids
    progress: bool

    @property
    def numbered(self) -> Path:
        """Its tokens by provisional number, between counting and encoding."""
        return self.shard.with_suffix(".numbered")

    @property
    def final(self) -> Path:
        """The id of each provisional number."""
        return self.shard.with_suffix(".final.npy")


def cut(sources: Sequence[Source]) -> list[Source]:
    """Return the sources with large files in pieces, so that many can work on one.

    Raises:
        UserError: A file cannot be read.
    """
    length = max(SPAN, -(-sum(source.size for source in sources) // MOST))
    return [piece for source in sources for piece in source.cut(length)]


def groups(sources: Sequence[Source]) -> list[tuple[Source, ...]]:
    """Return the files of each part in order: one file, or neighbours where there are many."""
    if len(sources) <= MOST:
        return [(source,) for source in sources]
    sizes = np.array([source.size for source in sources], dtype=np.float64)
    middles = np.cumsum(sizes) - sizes / 2
    of_file = np.minimum(middles / sizes.sum() * MOST, MOST - 1).astype(int)
    together = groupby(zip(of_file, sources, strict=True), key=lambda pair: pair[0])
    return [tuple(source for _, source in group) for _, group in together]


def count(part: Part) -> Counted:
    """Count the types of a part, and write its tokens by provisional number.

    Raises:
        UserError: A source cannot be read.
        OSError: The numbers cannot be written.
    """
    return number_tokens(
        part.sources,
        part.settings,
        part.phrases,
        part.numbered,
        size=part.text_bytes,
        progress=part.progress,
    )


def encode(part: Part) -> Stream:
    """Write the shard of a part that was counted; what it is made from stays.

    Raises:
        OSError: A file cannot be read or written.
    """
    final = np.load(part.final, allow_pickle=False)
    return write_stream(part.numbered, part.shard, final, progress=part.progress)


def merge(counted: Iterable[Counted]) -> tuple[Counted, list[NDArray[np.int32]]]:
    """Return the types of all parts, and for each part the number there of its own numbers."""
    parts = iter(counted)
    first = next(parts)
    numbers = [np.arange(len(first.words), dtype=np.int32)]
    of_word: dict[str, int] = {}
    counts, marked, too_long = first.counts.copy(), first.marked, first.too_long
    for part in parts:
        if not of_word:  # not needed, and not paid for, when there is one part
            of_word = {word: i for i, word in enumerate(first.words)}
        own = (of_word.setdefault(word, len(of_word)) for word in part.words)
        numbers.append(np.fromiter(own, np.int32, len(part.words)))
        counts = grown(counts, len(of_word), 0)
        counts[numbers[-1]] += part.counts  # no number twice: a part's types differ
        marked, too_long = marked + part.marked, too_long + part.too_long
    words, counts = list(of_word) or first.words, counts[: len(of_word) or None]
    return Counted(words, counts, marked, too_long), numbers


def in_turn(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Call a function for every item here, one after the other."""
    return map(function, items)
