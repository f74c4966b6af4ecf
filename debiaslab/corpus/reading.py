"""Where text comes from: files as streams of decoded blocks, and the articles that gensim carries.

Memory does not grow with a file: also compressed ones are read in pieces of bounded size.
The articles are Wikipedia text (CC BY-SA) that gensim ships as test data: 206 pages of a dump, of
which 99 redirect and one is empty.
"""

from __future__ import annotations

import bz2
import gzip
import os
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, starmap
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, NamedTuple

from debiaslab.errors import UserError
from debiaslab.system.files import check_readable, reading_error
from debiaslab.system.provenance import utf8

BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
LONGEST_WORD = 1 << 26  # bytes without a blank or line feed before a file is not taken for text
DELAY = 0.5  # seconds; what is over sooner shows no progress bar

Kind = Literal["plain", "gz", "bz2", "zst"]

READABLE = "plain UTF-8 text, .gz, .bz2 or .zst"
_TEXT = "text, one document a line"
CHUNK = 1 << 19  # bytes of text handled at a time: what fits a processor cache is faster
_ZST_CHUNK = 1 << 16  # compressed bytes fed at a time: one may grow a thousandfold
_ZST_WINDOW = 1 << 31  # the largest window `zstd --ultra --long=31` writes

_DECOMPRESS = {".gz": "gzip -dc", ".bz2": "bzip2 -dc", ".zst": "zstd -dc"}
_ENDINGS: dict[str, Kind] = {".gz": "gz", ".bz2": "bz2", ".zst": "zst"}
_MAGIC: dict[Kind, re.Pattern[bytes]] = {
    "gz": re.compile(rb"\x1f\x8b"),
    "bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    "zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
_UNREADABLE = {  # first bytes → name, command that decompresses it
    b"\xfd7zXZ\0": ("xz", "xz -dk"),
    b"PK\x03\x04": ("zip", "unzip"),
    b"7z\xbc\xaf\x27\x1c": ("7z", "7z x"),
    b"Rar!\x1a\x07": ("rar", "unrar x"),
    b"\x04\x22\x4d\x18": ("lz4", "lz4 -dk"),
    b"\x1f\x9d": ("compress (.Z)", "uncompress -k"),
}
HEAD = 16  # bytes that tell the kinds apart


def kind_of(path: Path, head: bytes) -> Kind:
    """Tell how the file at ``path`` is compressed, by its first bytes and ending, which must agree.

    Raises:
        UserError: The compression is not one that can be read, or ending and content disagree.
    """
    for magic, (name, command) in _UNREADABLE.items():
        if head.startswith(magic):
            raise UserError(
                f"{path} is compressed with {name}", allowed=READABLE, next_step=f"{command} {path}"
            )
    found: Kind = next((kind for kind, magic in _MAGIC.items() if magic.match(head)), "plain")
    promised = _ENDINGS.get(path.suffix.lower(), "plain")
    if found == promised:
        return found
    if promised == "plain":
        raise UserError(
            f"{path} holds {found} data but its name does not end in .{found}",
            next_step=f"mv {path} {path}.{found}",
        )
    raise UserError(
        f"{path} ends in .{promised} but does not hold {promised} data",
        allowed=READABLE,
        next_step=f"file {path}",
    )


def decompressed(raw: BinaryIO, kind: Kind, path: Path) -> Iterator[bytes]:
    """Yield the text of the open file ``raw`` in pieces.

    Raises:
        UserError: The file ends too early or is damaged.
    """
    try:
        if kind == "zst":
            yield from _decompressed_zst(raw)
        else:
            stream = _opened(raw, kind)
            while chunk := stream.read(CHUNK):
                yield chunk
    except EOFError as error:
        raise UserError(
            f"{path} is cut short: its {kind} data ends before the end mark",
            next_step="copy or download the file again",
        ) from error
    except (gzip.BadGzipFile, zlib.error, _DamagedError) as error:
        raise _damaged(path, kind, error) from error
    except OSError as error:
        if kind == "bz2" and error.errno is None:  # bz2 has no exception of its own
            raise _damaged(path, kind, error) from error
        raise


def _opened(raw: BinaryIO, kind: Kind) -> BinaryIO | gzip.GzipFile | bz2.BZ2File:
    if kind == "gz":
        return gzip.GzipFile(fileobj=raw)
    return bz2.BZ2File(raw) if kind == "bz2" else raw


class _DamagedError(Exception):
    """Compressed data that cannot be decompressed."""


def _decompressed_zst(raw: BinaryIO) -> Iterator[bytes]:
    """Yield the content of every frame; the library's own reader does not notice a cut file."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZST_WINDOW)
    frame = None
    while data := raw.read(_ZST_CHUNK):
        while data:
            if frame is None or frame.eof:
                frame = decompressor.decompressobj()
            try:
                text = frame.decompress(data)
            except zstandard.ZstdError as error:
                raise _DamagedError(str(error)) from error
            if text:
                yield text
            data = frame.unused_data
    if frame is None or not frame.eof:
        raise EOFError


def _damaged(path: Path, kind: Kind, error: Exception) -> UserError:
    return UserError(
        f"{path} is damaged: its {kind} data cannot be decompressed ({error})",
        next_step="copy or download the file again",
    )


class TextBlock(NamedTuple):
    r"""Some text, and how far reading has come.

    A block ends at a line feed or, inside a line longer than a block, after a blank, so that no
    token crosses blocks; the last block of a file always ends at a line feed.
    """

    text: str
    position: int  # bytes of the file (as it is on disk) read so far


class Span(NamedTuple):
    """Whole lines of a file that is not compressed: bytes from ``start`` to before ``stop``."""

    start: int
    stop: int


def check_file(path: Path) -> None:
    """Raise a `UserError` unless ``path`` is a file which may be read and is not empty."""
    check_readable(path, _TEXT, of_folder=f"name its files: {path}/*.txt")


def read_blocks(path: Path, span: Span | None = None) -> Iterator[TextBlock]:
    """Yield the text of ``path``, decompressed and decoded, without a byte order mark.

    Of a ``span``, one of those of ``line_spans``, positions count from its beginning.

    Raises:
        UserError: The file is missing, empty, cut short, damaged, binary or not UTF-8.
    """
    check_file(path)
    try:
        with path.open("rb") as raw:
            kind = kind_of(path, raw.read(HEAD))
            start = 0 if span is None else span.start
            raw.seek(start)
            chunks = decompressed(raw, kind, path) if span is None else _within(raw, span)
            decode = _Decoder(path, start)
            for piece in _pieces(chunks, path):
                yield TextBlock(decode(piece), raw.tell() - start)
    except OSError as error:
        raise reading_error(path, error) from error


def line_spans(path: Path, length: int) -> list[Span] | None:
    """Cut a file at ends of lines into spans of about ``length`` bytes; None: it is compressed.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        with path.open("rb") as raw:
            if kind_of(path, raw.read(HEAD)) != "plain":
                return None
            size = raw.seek(0, os.SEEK_END)
            cuts = {0, size}
            for about in range(length, size, length):
                cuts.add(_next_line(raw, about))
    except OSError as error:
        raise reading_error(path, error) from error
    return list(starmap(Span, pairwise(sorted(cuts))))


def _next_line(raw: BinaryIO, position: int) -> int:
    """Return where the first line begins at or after ``position``, or the end of the file."""
    raw.seek(position - 1)
    while chunk := raw.read(CHUNK):
        end = chunk.find(b"\n")
        if end >= 0:
            return raw.tell() - len(chunk) + end + 1
    return raw.tell()


def _within(raw: BinaryIO, span: Span) -> Iterator[bytes]:
    while chunk := raw.read(min(CHUNK, span.stop - raw.tell())):
        yield chunk


def _pieces(chunks: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Cut the text after the last line feed of each chunk, or else after its last blank."""
    rest = b""
    some = False
    for chunk in chunks:
        some = True
        rest += chunk
        cut = rest.rfind(b"\n") + 1 or max(rest.rfind(b" "), rest.rfind(b"\t")) + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > LONGEST_WORD:
            raise UserError(
                f"{path} has {len(rest):,} bytes without a blank or a line end", allowed=_TEXT
            )
    if not some:
        raise UserError(f"{path} is empty once decompressed", allowed=_TEXT)
    yield rest + b"\n"


def _lines(path: Path, stop: int) -> int:
    """Count the lines before the byte ``stop``, where a line ends."""
    with path.open("rb") as raw:
        return sum(chunk.count(b"\n") for chunk in _within(raw, Span(0, stop)))


class _Decoder:
    """Decodes the pieces of one file from the byte ``start`` on, knowing where in it they are."""

    def __init__(self, path: Path, start: int) -> None:
        self._path = path
        self._start = self._offset = start
        self._line = 1  # the first one read

    def __call__(self, piece: bytes) -> str:
        if self._offset == 0:
            if piece.startswith(_UTF16):
                raise self._not_utf8("is UTF-16 text", "UTF-16")
            if piece.startswith(BOM):
                piece = piece[len(BOM) :]
                self._offset += len(BOM)
        null = piece.find(0)
        if null >= 0:
            raise UserError(
                f"{self._path} is a binary file: {self._where(piece, null)} holds a NUL byte",
                allowed=READABLE,
            )
        try:
            text = piece.decode("utf-8")
        except UnicodeDecodeError as error:
            where = self._where(piece, error.start)
            raise self._not_utf8(f"is not valid UTF-8 at {where}", "WINDOWS-1252") from error
        self._offset += len(piece)
        self._line += piece.count(b"\n")
        return text

    def _where(self, piece: bytes, start: int) -> str:
        line = self._line + piece.count(b"\n", 0, start) + _lines(self._path, self._start)
        return f"line {line:,} (byte {self._offset + start:,} of the text)"

    def _not_utf8(self, problem: str, encoding: str) -> UserError:
        name = self._path.name
        iconv = f"iconv -f {encoding} -t UTF-8"
        unpack = _DECOMPRESS.get(self._path.suffix.lower())
        return UserError(
            f"{self._path} {problem}",
            allowed=READABLE,
            next_step=f"{iconv} {name} > utf8-{name}"
            if unpack is None
            else f"{unpack} {name} | {iconv} > utf8-{self._path.stem}",
        )


class ByteBar:
    """Shows bytes done of ``total`` on stderr and, when tokens are counted, tokens per second."""

    def __init__(self, what: str, total: int, *, show: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=total,
            desc=what,
            unit="B",
            unit_scale=True,
            leave=False,
            delay=DELAY,
            disable=not show,
        )
        self._begun = time.monotonic()
        self._tokens = 0

    def __enter__(self) -> ByteBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def advance(self, size: int, tokens: int = 0) -> None:
        """Count ``size`` more bytes, which held ``tokens``."""
        self._tokens += tokens
        if self._tokens:
            rate = self._tokens / max(time.monotonic() - self._begun, 1e-9)
            self._bar.set_postfix_str(f"{rate:,.0f} tokens/s", refresh=False)
        self._bar.update(size)


_DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_REDIRECT = "#redirect"


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
    def reader(self) -> str:
        """Changes with gensim, whose wikitext filter shapes the text."""
        from importlib.metadata import version

        return f"wikipedia gensim {version('gensim')}"

    @property
    def size(self) -> int:
        """Bytes of the dump."""
        return self.file.stat().st_size

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


Source = FileSource | BuiltinSource
"""One file of documents: its label, file and size, and the way (`reader`) from it to its text."""


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
    for endings in (_ENDINGS, {".txt"}):
        if Path(stem).suffix.lower() in endings:
            stem = Path(stem).stem
    return utf8(stem if len(sources) == 1 else f"{stem}+{len(sources) - 1}")
