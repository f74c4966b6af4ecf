"""The encoded text that training reads."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from unicodedata import unidata_version

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus import cache as entries
from debiaslab.corpus.encoding import DOCUMENT_END, choose_vocabulary, chosen_marks
from debiaslab.corpus.hashes import content_hashes, stamp
from debiaslab.corpus.mapped import IdStream, read_ids
from debiaslab.corpus.parts import Mapper, Part, count, cut, encode, groups, in_turn, merge
from debiaslab.corpus.phrases import Phrase, load_phrases, phrases_key
from debiaslab.corpus.settings import CorpusSettings
from debiaslab.corpus.sources import Source, name_of, sources_of
from debiaslab.corpus.tokens import LONGEST, PATTERN
from debiaslab.errors import UserError

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
        on them, a large file that is not packed is cut into several.

        Args:
            paths: UTF-8 files, plain, .gz, .bz2 or .zst, one document a line, read one after the
                other; none means the built-in Wikipedia articles.
            settings: How text becomes ids; the defaults when None.
            cache: Folder of encoded texts.
            progress: Show progress bars on stderr.
            mapper: Works on the files; ``cluster.map_on`` does so on many machines at once, with
                the same result byte for byte.

        Raises:
            UserError: A file cannot be read as text, too few words are left, or the cache cannot
                be written.
        """
        settings = settings or CorpusSettings()
        sources = sources_of([paths] if isinstance(paths, str | Path) else paths)
        phrases = _phrases(settings)
        folder = Path(cache)
        meta = _meta(sources, settings, phrases, folder / entries.MEMO, mapper, progress=progress)
        key = entries.entry_key(meta)
        entry = _opened(folder / key, meta)
        if entry is None:
            _encode(sources, settings, phrases, meta, folder, key, mapper, progress=progress)
            entry = entries.open_entry(folder / key)
            assert entry is not None, "the entry was written a moment ago"
        labels = tuple(source.label for source in sources)
        return cls.of(entry, settings, name_of(sources), labels)

    @classmethod
    def of(
        cls, entry: entries.Entry, settings: CorpusSettings, name: str, sources: tuple[str, ...]
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


def _phrases(settings: CorpusSettings) -> tuple[Phrase, ...]:
    if settings.mwes is None:
        return ()
    return load_phrases(settings.mwes, settings)


def _meta(
    sources: Sequence[Source],
    settings: CorpusSettings,
    phrases: Sequence[Phrase],
    memo: Path,
    mapper: Mapper,
    *,
    progress: bool,
) -> dict[str, Any]:
    """Return everything that shapes the ids: what the key is made of and the meta file records."""
    digests = content_hashes([source.file for source in sources], memo, mapper, progress=progress)
    return {
        "tokenizer": _tokenizer(settings),
        "unicode": unidata_version,  # what a letter is depends on Python's tables
        "lowercase": settings.lowercase,
        "min_count": settings.min_count,
        "rare": settings.rare,
        "phrases": phrases_key(phrases) if phrases else None,
        "sources": [
            {"reader": source.reader, "sha256": digest}
            for source, digest in zip(sources, digests, strict=True)
        ],
    }


def _tokenizer(settings: CorpusSettings) -> str:
    """Return what is done to find tokens; for marks that cut, as all versions have named it."""
    if settings.marks == "cut":
        return PATTERN
    return f"{PATTERN}, NFC, marks {settings.marks}, at most {LONGEST} bytes"


def _opened(path: Path, meta: dict[str, Any]) -> entries.Entry | None:
    """Return the cached corpus, None when it has to be made: a whole one may be of another text."""
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
    sources: Sequence[Source],
    settings: CorpusSettings,
    phrases: Sequence[Phrase],
    meta: dict[str, Any],
    cache: Path,
    key: str,
    mapper: Mapper,
    *,
    progress: bool,
) -> None:
    before = [stamp(source.file) for source in sources]
    with entries.building(cache, key) as folder:
        alone = mapper is in_turn  # nobody sees the bars of other processes
        pieces = sources if alone else cut(sources)
        parts = _parts(pieces, settings, phrases, folder, progress=progress and alone)
        counted, numbers = merge(mapper(count, parts))
        marked = counted.marked
        if other := chosen_marks(counted, settings):
            parts = [replace(part, settings=other) for part in parts]
            counted, numbers = merge(mapper(count, parts))
        for source, stamped in zip(sources, before, strict=True):
            if stamp(source.file) != stamped:
                raise UserError(
                    f"{source.label} changed while it was being read",
                    next_step="wait until it is complete, then run the same command again",
                )
        kept = parts[0].settings.marks == "keep"
        vocabulary = choose_vocabulary(counted, settings)
        for part, own in zip(parts, numbers, strict=True):
            np.save(part.final, vocabulary.final[own])
        shards = {}
        for part, stream in zip(parts, mapper(encode, parts), strict=True):
            part.numbered.unlink()
            part.final.unlink()
            if stream.documents:
                shards[part.shard] = stream
            else:  # all of its words are rare
                part.shard.unlink()
        found = {"marks_kept": kept, "marked": marked, "too_long": counted.too_long}
        entries.write_entry(folder, vocabulary, shards, meta | found)
    if counted.too_long:
        warnings.warn(
            f"tokens longer than {LONGEST:,} bytes are left out as no words: {counted.too_long:,}",
            stacklevel=3,
        )


def _parts(
    sources: Sequence[Source],
    settings: CorpusSettings,
    phrases: Sequence[Phrase],
    folder: Path,
    *,
    progress: bool,
) -> list[Part]:
    together = groups([source.absolute() for source in sources])
    names = [entries.shard_name(i, len(together)) for i in range(len(together))]
    size = sum(source.size for source in sources)
    return [
        Part(files, settings, tuple(phrases), size, folder.absolute() / name, progress)
        for files, name in zip(together, names, strict=True)
    ]
