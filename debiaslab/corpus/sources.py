"""Where text comes from: the user's files, or the articles that the gensim wheel carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from debiaslab.corpus.builtin import BuiltinSource
from debiaslab.corpus.reading import Block, Span, check_file, line_spans, read_blocks
from debiaslab.system.redact import utf8

_PACKED = {".gz", ".bz2", ".zst"}


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

    def blocks(self) -> Iterator[Block]:
        """Yield the text; every source ends with a whole document."""
        ...


@dataclass(frozen=True)
class FileSource:
    """A text file, packed or not, one document a line; or a span of one that is not packed."""

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
        """Return the file in spans of lines, itself when it is packed or not longer than one."""
        if self.span is not None or self.size <= length:
            return [self]
        spans = line_spans(self.file, length)
        return [self] if spans is None else [replace(self, span=span) for span in spans]

    def blocks(self) -> Iterator[Block]:
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
    for endings in (_PACKED, {".txt"}):
        if Path(stem).suffix.lower() in endings:
            stem = Path(stem).stem
    return utf8(stem if len(sources) == 1 else f"{stem}+{len(sources) - 1}")
