"""The encoded text that training reads."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from unicodedata import unidata_version

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus import cache as entries
from debiaslab.corpus.cache import content_hashes, stamp
from debiaslab.corpus.encoding import (
    DOCUMENT_END,
    Mapper,
    Stream,
    TextPart,
    choose_vocabulary,
    chosen_marks,
    count,
    cut,
    encode,
    groups,
    in_turn,
    merge,
)
from debiaslab.corpus.reading import Source, name_of, sources_of
from debiaslab.corpus.stream import IdStream, read_ids
from debiaslab.corpus.tokens import LONGEST, PATTERN, Phrase, load_phrases, phrases_key
from debiaslab.errors import UserError
from debiaslab.settings.training import CorpusSettings

_PIECE = 1 << 20  # ids looked at at once


@dataclass(frozen=True, eq=False, repr=False)
class Corpus:
    """Text as a memory-mapped stream of word ids, with its vocabulary. Made by `Corpus.build`."""

    name: str  # for people: "enwiki-106", "bios_general.10k", "a+2" for a and two more files
    words: tuple[str, ...]  # V types by falling count, ties by word; <UNK> is last
    counts: NDArray[np.int64]  # (V,) tokens of each type
    ids: IdStream  # (tokens + documents,) read-only; -1 ends each document
    documents: int  # documents with at least one token in the vocabulary
    tokens: int  # tokens in ids
    raw_tokens: int  # tokens before rare types were dropped, phrases merged
    raw_types: int
    unk: int | None  # id of <UNK>; None when rare tokens are dropped
    fingerprint: str  # sha256 of ids and words, hex
    path: Path  # cache folder
    settings: CorpusSettings
    sources: tuple[str, ...]
    marks_kept: bool = False  # whether combining marks belong to their words
    marked: int = 0  # words that held a mark, counted where settings.marks is "auto"
    too_long: int = 0  # tokens left out because they are longer than a word may be

    @classmethod
    def build(
        cls,
        paths: Sequence[str | Path] = (),
        settings: CorpusSettings | None = None,
        *,
        cache: str | Path = "data/cache",
        progress: bool = True,
        mapper: Mapper = in_turn,
    ) -> Corpus:
        """Encode the text once, or open what was encoded before.

        Several files are encoded one by one, into a shard of the stream each; where a mapper works
        on them, a large file that is not compressed is cut into several.

        Args:
            paths: UTF-8 files, plain, .gz, .bz2 or .zst, one document a line, read one after the
                other; none means the built-in Wikipedia articles.
            settings: How text becomes ids; the defaults when None.
            cache: Folder of encoded texts.
            progress: Show progress bars on stderr.
            mapper: Runs the work on the files; ``cluster.map_on`` does on many machines, with the
                same result byte for byte.

        Raises:
            UserError: A file cannot be read as text, too few words are left, or the cache cannot
                be written.
        """
        settings = settings or CorpusSettings()
        text = _Text.of([paths] if isinstance(paths, str | Path) else paths, settings)
        folder = Path(cache)
        meta = text.meta(folder / entries.MEMO, mapper, progress=progress)
        path = folder / entries.entry_key(meta)
        entry = _opened(path, meta)
        if entry is None:
            _encode(text, meta, path, mapper, progress=progress)
            entry = entries.open_entry(path)
            assert entry is not None, "the entry was written a moment ago"
        labels = tuple(source.label for source in text.sources)
        return cls.of(entry, settings, name_of(text.sources), labels)

    @classmethod
    def of(
        cls,
        entry: entries.CacheEntry,
        settings: CorpusSettings,
        name: str,
        sources: tuple[str, ...],
    ) -> Corpus:
        """Return the corpus of a cache folder."""
        numbers = ("documents", "tokens", "raw_tokens", "raw_types", "unk", "fingerprint")
        return cls(
            name=name,
            words=entry.words,
            counts=entry.counts,
            ids=entry.ids,
            path=entry.path,
            settings=settings,
            sources=sources,
            marks_kept=entry.meta.get("marks_kept", False),  # before there was a choice, they cut
            marked=entry.meta.get("marked", 0),
            too_long=entry.meta.get("too_long", 0),
            **{name: entry.meta[name] for name in numbers},
        )

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return (
            f"Corpus({self.name!r}, {self.documents:,} documents, {self.tokens:,} tokens, "
            f"{len(self):,} types)"
        )

    @cached_property
    def index(self) -> dict[str, int]:
        """The id of each word."""
        return {word: i for i, word in enumerate(self.words)}

    def coverage(self, words: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return ``(found, missing)`` by the vocabulary, each in the order given."""
        found: list[str] = []
        missing: list[str] = []
        for word in words:
            (found if word in self.index else missing).append(word)
        return found, missing

    def first_words(self, n: int) -> tuple[str, ...]:
        """Return the first ``n`` words of the stream."""
        ids = read_ids(self.ids, 0, 2 * n).tolist()
        return tuple(self.words[i] for i in ids if i != DOCUMENT_END)[:n]

    def document_offsets(self) -> NDArray[np.int64]:
        """Return where documents begin in ``ids``, and its length: shape ``(documents + 1,)``.

        Document ``i`` is ``ids[offsets[i] : offsets[i + 1] - 1]``, without its end mark.
        """
        offsets = [np.zeros(1, np.int64)]
        for start in range(0, len(self.ids), _PIECE):
            piece = read_ids(self.ids, start, start + _PIECE)
            offsets.append(start + np.flatnonzero(piece == DOCUMENT_END) + 1)
        return np.concatenate(offsets)

    def describe(self) -> dict[str, Any]:
        """Return the figures of the corpus by name."""
        return {
            "name": self.name,
            "documents": self.documents,
            "tokens": self.tokens,
            "types": len(self),
            "raw_tokens": self.raw_tokens,
            "raw_types": self.raw_types,
            "unk_tokens": 0 if self.unk is None else int(self.counts[self.unk]),
            **asdict(self.settings),
            "sources": list(self.sources),
            "fingerprint": self.fingerprint,
        }


@dataclass(frozen=True)
class _Text:
    """What is encoded, and how."""

    sources: tuple[Source, ...]
    settings: CorpusSettings
    phrases: tuple[Phrase, ...]

    @classmethod
    def of(cls, paths: Sequence[str | Path], settings: CorpusSettings) -> _Text:
        phrases = () if settings.mwes is None else load_phrases(settings.mwes, settings)
        return cls(sources_of(paths), settings, phrases)

    def meta(self, memo: Path, mapper: Mapper, *, progress: bool) -> dict[str, Any]:
        """Return everything that determines the ids: the cache key is made of it."""
        files = [source.file for source in self.sources]
        digests = content_hashes(files, memo, mapper, progress=progress)
        return {
            "tokenizer": _tokenizer(self.settings),
            "unicode": unidata_version,  # what a letter is depends on Python's tables
            "lowercase": self.settings.lowercase,
            "min_count": self.settings.min_count,
            "rare": self.settings.rare,
            "phrases": phrases_key(self.phrases) if self.phrases else None,
            "sources": [
                {"reader": source.reader, "sha256": digest}
                for source, digest in zip(self.sources, digests, strict=True)
            ],
        }

    def parts(self, folder: Path, *, alone: bool, progress: bool) -> list[TextPart]:
        """Return the parts; large files are cut unless one process works ``alone``."""
        pieces = self.sources if alone else cut(self.sources)
        together = groups([source.absolute() for source in pieces])
        names = [entries.shard_name(i, len(together)) for i in range(len(together))]
        size = sum(source.size for source in pieces)
        show = progress and alone  # nobody sees the bars of other processes
        return [
            TextPart(files, self.settings, self.phrases, size, folder.absolute() / name, show)
            for files, name in zip(together, names, strict=True)
        ]


def _tokenizer(settings: CorpusSettings) -> str:
    """Return what is done to find tokens; for marks that cut, as all versions have named it."""
    if settings.marks == "cut":
        return PATTERN
    return f"{PATTERN}, NFC, marks {settings.marks}, at most {LONGEST} bytes"


def _opened(path: Path, meta: dict[str, Any]) -> entries.CacheEntry | None:
    """Return the cached corpus; None, with a warning if it is damaged, when it has to be made."""
    try:
        entry = entries.open_entry(path)
        if entry is None or all(entry.meta.get(name) == value for name, value in meta.items()):
            return entry
        entries.discard(path)
        raise entries.DamagedEntryError("it is of another text or other settings")
    except entries.DamagedEntryError as error:
        warnings.warn(
            f"the cached corpus {path} is damaged ({error}): encoding the text again", stacklevel=3
        )
        return None


def _encode(
    text: _Text, meta: dict[str, Any], path: Path, mapper: Mapper, *, progress: bool
) -> None:
    """Encode a text into the entry ``path`` of the cache."""
    settings = text.settings
    before = [stamp(source.file) for source in text.sources]
    with entries.building(path.parent, path.name) as folder:
        parts = text.parts(folder, alone=mapper is in_turn, progress=progress)
        counted, numbers = merge(mapper(count, parts))
        marked = counted.marked
        if other := chosen_marks(counted, settings):
            parts = [replace(part, settings=other) for part in parts]
            counted, numbers = merge(mapper(count, parts))
        for source, stamped in zip(text.sources, before, strict=True):
            if stamp(source.file) != stamped:
                raise UserError(
                    f"{source.label} changed while it was being read",
                    next_step="wait until it is complete, then run the same command again",
                )
        kept = parts[0].settings.marks == "keep"
        vocabulary = choose_vocabulary(counted, settings)
        shards = _encoded(parts, vocabulary.final, numbers, mapper)
        found = {"marks_kept": kept, "marked": marked, "too_long": counted.too_long}
        entries.write_entry(folder, vocabulary, shards, meta | found)
    if counted.too_long:
        warnings.warn(
            f"tokens longer than {LONGEST:,} bytes are left out: {counted.too_long:,}",
            stacklevel=3,
        )


def _encoded(
    parts: Sequence[TextPart],
    final: NDArray[np.int32],
    numbers: Sequence[NDArray[np.int32]],
    mapper: Mapper,
) -> dict[Path, Stream]:
    """Write the shard of each part that was counted; return those that hold any document."""
    for part, own in zip(parts, numbers, strict=True):
        np.save(part.final, final[own])
    shards = {}
    for part, stream in zip(parts, mapper(encode, parts), strict=True):
        part.numbered.unlink()
        part.final.unlink()
        if stream.documents:
            shards[part.shard] = stream
        else:  # all of its words are rare
            part.shard.unlink()
    return shards


@dataclass(frozen=True)
class CorpusReference:
    """What another process, here or on another machine, needs to open the same corpus."""

    fingerprint: str
    path: Path  # its cache folder here, which other machines may share
    settings: CorpusSettings
    name: str
    sources: tuple[str, ...]

    @classmethod
    def of(cls, corpus: Corpus) -> CorpusReference:
        """Refer to a corpus."""
        path = corpus.path.absolute()
        return cls(corpus.fingerprint, path, corpus.settings, corpus.name, corpus.sources)

    def find(self, cache: str | Path) -> Corpus | None:
        """Return the corpus from where it was, or from ``cache``; None when it is in neither.

        Each entry is checked against its own fingerprint, and that against the one wanted.
        """
        for path in (self.path, *_holding(self.fingerprint, Path(cache))):
            try:
                entry = entries.open_entry(path)
            except entries.DamagedEntryError:
                continue
            if entry is not None and entry.meta["fingerprint"] == self.fingerprint:
                return Corpus.of(entry, self.settings, self.name, self.sources)
        return None

    def find_or_fetch(self, cache: str | Path, fetch: Callable[[Path], None]) -> Corpus:
        """Return the corpus; fetch it into ``cache`` when no folder here holds it.

        Only one of several processes fetches. The copy enters the cache when it is complete and its
        fingerprint was checked.

        Args:
            cache: Folder of encoded texts.
            fetch: Writes the files of ``files_of`` into a folder.

        Raises:
            UserError: What was fetched is another corpus or damaged, or cannot be written.
        """
        from filelock import FileLock  # loads asyncio, for a few studies only

        cache = Path(cache)
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".fetching-{self.fingerprint[:12]}"):
            found = self.find(cache)
            if found is None:
                with entries.building(cache, self.path.name) as folder:
                    fetch(folder)
                    self._check(folder)
                found = self.find(cache)
        if found is None:
            raise UserError(
                f"{cache / self.path.name} holds another corpus", next_step="move it aside"
            )
        return found

    def _check(self, folder: Path) -> None:
        try:
            entry = entries.open_entry(folder)
        except entries.DamagedEntryError as error:
            raise UserError(f"the corpus that was fetched is damaged ({error})") from error
        if entry is None or entry.meta["fingerprint"] != self.fingerprint:
            raise UserError("the corpus that was fetched has another fingerprint")


def files_of(corpus: Corpus) -> list[Path]:
    """Return the files that make a corpus, the one that names all others last."""
    meta = json.loads((corpus.path / entries.META).read_text(encoding="utf-8"))
    return [corpus.path / name for name in (*meta["sizes"], entries.META)]


def _holding(fingerprint: str, cache: Path) -> list[Path]:
    """Return the entries of a cache that say they hold the fingerprint."""
    found = []
    for meta in sorted(cache.glob(f"*/{entries.META}")):
        try:
            if json.loads(meta.read_text(encoding="utf-8"))["fingerprint"] == fingerprint:
                found.append(meta.parent)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
