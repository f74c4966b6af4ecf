"""Where text comes from: the user's files, or the articles that the gensim wheel carries.

The articles are Wikipedia text (CC BY-SA) that gensim ships as test data: 206 pages of a dump, of
which 99 redirect and one is empty.
"""

from __future__ import annotations

import bz2
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from debiaslab.corpus.reading import (
    Span,
    TextBlock,
    check_file,
    line_spans,
    read_blocks,
    reading_error,
)
from debiaslab.errors import UserError
from debiaslab.system.provenance import utf8

_COMPRESSED = {".gz", ".bz2", ".zst"}

_DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_REDIRECT = "#redirect"


@dataclass(frozen=True)
class BuiltinSource:
    """The 106 articles, one document each: about 486,000 tokens."""

    label: str = "enwiki-106"

    @property
    def file(self) -> Path:
        """The dump inside the gensim package.

        Raises:
            UserError: gensim is not installed, or without its test data.
        """
        # gensim takes most of a second to import; a cached corpus needs only to know its file.
        from importlib.util import find_spec

        spec = find_spec("gensim")
        for folder in (spec and spec.submodule_search_locations) or ():
            file = Path(folder) / "test" / "test_data" / _DUMP
            if file.is_file():
                return file
        raise UserError(
            f"the built-in text is part of the gensim package, which lacks {_DUMP} here",
            next_step="pip install --force-reinstall gensim, or give a text file",
        )

    @property
    def size(self) -> int:
        """Bytes of the dump."""
        return self.file.stat().st_size

    @property
    def reader(self) -> str:
        """Changes with gensim, whose wikitext filter shapes the text."""
        from importlib.metadata import version

        return f"wikipedia gensim {version('gensim')}"

    def absolute(self) -> BuiltinSource:
        """Return itself: every process finds its own gensim."""
        return self

    def cut(self, length: int) -> Sequence[BuiltinSource]:
        """Return itself: the dump is compressed."""
        return [self]

    def blocks(self) -> Iterator[TextBlock]:
        """Yield one article a block, in the order of the dump."""
        from gensim.corpora.wikicorpus import extract_pages, filter_wiki

        file = self.file
        try:
            with file.open("rb") as raw, bz2.BZ2File(raw) as dump:
                for _title, wikitext, _page in extract_pages(dump, ("0",)):
                    if wikitext and wikitext[: len(_REDIRECT)].lower() != _REDIRECT:
                        yield TextBlock(" ".join(filter_wiki(wikitext).split()) + "\n", raw.tell())
        except (EOFError, SyntaxError) as error:  # ElementTree's ParseError is a SyntaxError
            raise UserError(
                f"the built-in text {file} is damaged ({error})",
                next_step="pip install --force-reinstall gensim",
            ) from error
        except OSError as error:
            raise reading_error(file, error) from error


class Source(Protocol):
    """One file of documents."""

    @property
    def label(self) -> str:
        """What the user calls it."""
        ...

    @property
    def file(self) -> Path:
        """The file that holds the text; its content decides the text."""
        ...

    @property
    def size(self) -> int:
        """How many bytes of the file are read."""
        ...

    @property
    def reader(self) -> str:
        """Names the way from the file's content to its text."""
        ...

    def absolute(self) -> Source:
        """Return the same, for processes with another working directory."""
        ...

    def cut(self, length: int) -> Sequence[Source]:
        """Return sources of about ``length`` bytes that hold the same text; itself if it cannot."""
        ...

    def blocks(self) -> Iterator[TextBlock]:
        """Yield the text; every source ends with a whole document."""
        ...


@dataclass(frozen=True)
class FileSource:
    """A text file, compressed or not, one document a line; or a span of one that is not."""

    file: Path
    span: Span | None = None
    reader: str = "lines"

    @property
    def label(self) -> str:
        """The path as given."""
        return str(self.file)

    @property
    def size(self) -> int:
        """Bytes of the file, or of the span."""
        return self.file.stat().st_size if self.span is None else self.span.stop - self.span.start

    def absolute(self) -> FileSource:
        """Return the file by its absolute path."""
        return replace(self, file=self.file.absolute())

    def cut(self, length: int) -> Sequence[FileSource]:
        """Return the file in spans of lines, itself when compressed or not longer than one."""
        if self.span is not None or self.size <= length:
            return [self]
        spans = line_spans(self.file, length)
        return [self] if spans is None else [replace(self, span=span) for span in spans]

    def blocks(self) -> Iterator[TextBlock]:
        """Yield the text of the file."""
        return read_blocks(self.file, self.span)


def sources_of(paths: Sequence[str | Path]) -> tuple[Source, ...]:
    """Return a source for each path; the built-in text when there is none.

    Raises:
        UserError: A path does not name a file that can be read.
    """
    if not paths:
        return (BuiltinSource(),)
    files = [Path(path) for path in paths]
    for file in files:
        check_file(file)
    return tuple(FileSource(file) for file in files)


def name_of(sources: Sequence[Source]) -> str:
    """Return a short name for people: the first file without its endings, ``+N`` for N more."""
    first = sources[0]
    if isinstance(first, BuiltinSource):
        return first.label
    stem = first.file.name
    for endings in (_COMPRESSED, {".txt"}):
        if Path(stem).suffix.lower() in endings:
            stem = Path(stem).stem
    return utf8(stem if len(sources) == 1 else f"{stem}+{len(sources) - 1}")
