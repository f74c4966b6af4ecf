"""One pass over the text: count the types and note every token under a provisional number.

A second pass, over the numbers only, gives each type its final id once the counts are known. Memory
holds the types and a few blocks, never the text.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.numbers import PlainNumbers, ahead, grown
from debiaslab.corpus.reading import ByteBar, Source, TextBlock
from debiaslab.corpus.tokens import Phrase, prepare
from debiaslab.errors import UserError
from debiaslab.settings.training import CorpusSettings

if TYPE_CHECKING:
    from debiaslab.corpus.compiled import CompiledNumbers

SPAN = 1 << 26  # bytes of a file that is cut: two seconds of work for two cores
MOST = 128  # parts: each shard of an open corpus takes one of the files a process may have open

UNK = "<UNK>"  # no token can look like this
DOCUMENT_END = -1  # the final id of a document's end
IDS = np.dtype("<i4")
SMALL = 1 << 21  # bytes of files; fewer are read before compiled code is loaded

END = 0  # the provisional number of a document's end
_DROPPED = -2
_FEW_MARKS = 1e-3  # share of the words; with no more, they cut words as in any English text
_CHUNK = 1 << 18  # numbers handled at a time


@dataclass(frozen=True)
class Counted:
    """Types in order of first sight; entry 0 stands for the ends of documents."""

    words: list[str]  # the types
    counts: NDArray[np.int64]  # tokens of each
    marked: int = 0  # words with a combining mark, all cut at it; counted under ``auto`` only
    too_long: int = 0  # tokens that were left out because they are longer than a word may be

    @property
    def tokens(self) -> int:
        """Tokens that were numbered."""
        return int(self.counts.sum() - self.counts[END])


@dataclass(frozen=True)
class Vocabulary:
    """Words by falling count, ties by word, ``<UNK>`` last; counts of shape ``(V,)``."""

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    unk: int | None
    raw_tokens: int
    raw_types: int
    final: NDArray[np.int32]  # provisional number → final id


@dataclass(frozen=True)
class Stream:
    """What was written: in-vocabulary tokens, and documents that hold any."""

    tokens: int
    documents: int


def number_tokens(
    sources: Sequence[Source],
    settings: CorpusSettings,
    phrases: Sequence[Phrase],
    out: Path,
    *,
    size: int | None = None,
    progress: bool,
) -> Counted:
    """Write the provisional number of every token to ``out`` (int32) and count the types.

    ``size`` is that of the whole text in bytes, where ``sources`` are a part of it.

    Raises:
        UserError: A source cannot be read.
        OSError: ``out`` cannot be written.
    """
    total = sum(source.size for source in sources)
    numbers = numbers_for(size or total, phrases, settings)
    counts: NDArray[np.int64] = np.zeros(0, np.int64)
    prepared = _Prepared(settings)
    with out.open("wb") as file, ByteBar("reading", total, show=progress) as bar:
        for source in sources:
            position = 0
            with (
                closing(ahead(prepared.blocks(source))) as texts,
                closing(numbers.rows(texts)) as rows,
            ):
                for row in rows:
                    counts = grown(counts, len(numbers), 0)
                    np.add.at(counts, row.ids, 1)
                    file.write(row.ids.data)
                    bar.advance(row.position - position, len(row.ids))
                    position = row.position
    return Counted(numbers.words, counts[: len(numbers)], prepared.marked, numbers.too_long)


def numbers_for(
    size: int, phrases: Sequence[Phrase], settings: CorpusSettings
) -> PlainNumbers | CompiledNumbers:
    """Return what numbers the tokens of ``size`` bytes: compiled code where that is faster."""
    if size >= SMALL:
        try:
            from debiaslab.corpus.compiled import CompiledNumbers

            return CompiledNumbers(phrases)
        except Exception as error:  # whatever keeps a compiler from working
            warnings.warn(
                f"numba cannot compile ({type(error).__name__}: {error}): the text is read by "
                "plain Python, several times slower",
                stacklevel=2,
            )
    return PlainNumbers(phrases, lowercase=settings.lowercase)


class _Prepared:
    """Text as tokens are cut from it, and how many of its words held a mark so far."""

    def __init__(self, settings: CorpusSettings) -> None:
        self._settings = settings
        self.marked = 0

    def blocks(self, source: Source) -> Iterator[TextBlock]:
        """Yield the text of a source."""
        for text, position in source.blocks():
            text, marked = prepare(text, self._settings)
            self.marked += marked
            yield TextBlock(text, position)


def chosen_marks(counted: Counted, settings: CorpusSettings) -> CorpusSettings | None:
    """Return the settings to count a text with many marks again by; None for other texts."""
    if settings.marks == "auto" and counted.marked > _FEW_MARKS * counted.tokens:
        return replace(settings, marks="keep")
    return None


def choose_vocabulary(counted: Counted, settings: CorpusSettings) -> Vocabulary:
    """Return the frequent enough types, sorted; raise a `UserError` if fewer than two are left."""
    counts = counted.counts.copy()
    counts[END] = 0
    by_word = np.flatnonzero(counts >= settings.min_count).tolist()
    _check_enough(len(by_word), counts, settings)
    by_word.sort(key=counted.words.__getitem__)
    kept = np.array(by_word)[np.argsort(-counts[by_word], kind="stable")]
    words = [counted.words[i] for i in kept]
    final_counts = counts[kept]
    unk = None
    if settings.rare == "unk":
        unk = len(words)
        words.append(UNK)
        final_counts = np.append(final_counts, counts.sum() - final_counts.sum())
    final = np.full(len(counts), _DROPPED if unk is None else unk, np.int32)
    final[kept] = np.arange(len(kept), dtype=np.int32)
    final[END] = DOCUMENT_END
    return Vocabulary(
        words=tuple(words),
        counts=final_counts,
        unk=unk,
        raw_tokens=int(counts.sum()),
        raw_types=int(np.count_nonzero(counts)),
        final=final,
    )


def _check_enough(kept: int, counts: NDArray[np.int64], settings: CorpusSettings) -> None:
    if kept >= 2:
        return
    types = np.sort(counts[counts > 0])[::-1]
    if len(types) < 2:
        found = f"one word only, {types[0]:,} times" if len(types) else "no words"
        raise UserError(
            f"the text holds {found}", allowed="at least two different words, one document a line"
        )
    left = "no word" if kept == 0 else "one word only"
    raise UserError(
        f"{left} of {len(types):,} is seen {settings.min_count:,} times or more "
        f"(the most frequent {types[0]:,} times)",
        next_step=f"--min-count {min(int(types[1]), settings.min_count)}, or more text",
    )


def write_stream(numbered: Path, out: Path, final: NDArray[np.int32], *, progress: bool) -> Stream:
    """Turn the provisional numbers of ``numbered`` into final ids in ``out``.

    Dropped tokens vanish; documents that hold no token leave no mark.

    Raises:
        OSError: ``out`` cannot be written.
    """
    tokens = documents = 0
    after_end = True
    total = numbered.stat().st_size
    with (
        numbered.open("rb") as source,
        out.open("wb") as file,
        ByteBar("encoding", total, show=progress) as bar,
    ):
        while len(numbers := np.fromfile(source, np.int32, _CHUNK)):
            row = final[numbers]
            row = row[row != _DROPPED]
            ends = row == DOCUMENT_END
            row = row[~(ends & np.append(after_end, ends[:-1]))] if len(row) else row
            if len(row):
                after_end = bool(row[-1] == DOCUMENT_END)
            file.write(row.astype(IDS, copy=False).data)
            documents += int(np.count_nonzero(row == DOCUMENT_END))
            tokens += len(row)
            bar.advance(numbers.nbytes)
    return Stream(tokens=tokens - documents, documents=documents)


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
class TextPart:
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


def count(part: TextPart) -> Counted:
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


def encode(part: TextPart) -> Stream:
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
