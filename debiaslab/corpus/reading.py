"""A text file as a stream of decoded blocks, in memory that does not grow with the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import pairwise, starmap
from pathlib import Path
from typing import BinaryIO, NamedTuple

from debiaslab.corpus import compression
from debiaslab.errors import UserError, nearest

BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
LONGEST_WORD = 1 << 26  # bytes without a blank or line feed before a file is not taken for text


class Block(NamedTuple):
    r"""Some text, and how far reading has come.

    A block ends at a line feed or, inside a line longer than a block, after a blank, so that no
    token crosses blocks; the last block of a file always ends at a line feed.
    """

    text: str
    position: int  # bytes of the file (as packed) read so far


class Span(NamedTuple):
    """Whole lines of a file that is not packed: bytes from ``start`` to before ``stop``."""

    start: int
    stop: int


def check_file(path: Path) -> None:
    """Make sure that ``path`` is a file which may be read and is not empty.

    Raises:
        UserError: Says what is there instead.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UserError(
                f"{path} is a directory", allowed="files", next_step=f"name its files: {path}/*.txt"
            )
        if not stat.S_ISREG(status.st_mode):
            raise UserError(
                f"{path} is not a regular file", allowed="files (text is read more than once)"
            )
        with path.open("rb"):
            pass
    except OSError as error:
        raise reading_error(path, error) from error
    if status.st_size == 0:
        raise UserError(f"{path} is empty", allowed="text, one document a line")


def read_blocks(path: Path, span: Span | None = None) -> Iterator[Block]:
    """Yield the text of ``path``, unpacked and decoded, without a byte order mark.

    Of a ``span``, one of those of ``line_spans``, positions count from its beginning.

    Raises:
        UserError: The file is missing, empty, cut short, damaged, binary or not UTF-8.
    """
    check_file(path)
    try:
        with path.open("rb") as raw:
            kind = compression.kind_of(path, raw.read(compression.HEAD))
            start = 0 if span is None else span.start
            raw.seek(start)
            chunks = compression.unpacked(raw, kind, path) if span is None else _within(raw, span)
            decode = _Decoder(path, start)
            for piece in _pieces(chunks, path):
                yield Block(decode(piece), raw.tell() - start)
    except OSError as error:
        raise reading_error(path, error) from error


def line_spans(path: Path, length: int) -> list[Span] | None:
    """Cut a file at ends of lines into spans of about ``length`` bytes; None: it is packed.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        with path.open("rb") as raw:
            if compression.kind_of(path, raw.read(compression.HEAD)) != "plain":
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
    while chunk := raw.read(compression.CHUNK):
        end = chunk.find(b"\n")
        if end >= 0:
            return raw.tell() - len(chunk) + end + 1
    return raw.tell()


def _within(raw: BinaryIO, span: Span) -> Iterator[bytes]:
    while chunk := raw.read(min(compression.CHUNK, span.stop - raw.tell())):
        yield chunk


def reading_error(path: Path, error: OSError) -> UserError:
    """Say in one sentence why ``path`` cannot be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _missing(path)
    return UserError(
        f"cannot read {path}: {error.strerror or error}", allowed="a file you may read"
    )


def _missing(path: Path) -> UserError:
    folder = path.parent
    if not folder.is_dir():
        return UserError(f"there is no file {path}: the folder {folder} does not exist")
    try:
        known = [entry.name for entry in folder.iterdir() if entry.is_file()]
    except OSError:
        known = []
    close = nearest(path.name, known)
    return UserError(f"there is no file {path}", nearest=str(folder / close) if close else None)


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
                f"{path} has {len(rest):,} bytes without a blank or a line end",
                allowed="text, one document a line",
            )
    if not some:
        raise UserError(f"{path} is empty once unpacked", allowed="text, one document a line")
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
                allowed=compression.READABLE,
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
        return UserError(
            f"{self._path} {problem}",
            allowed=compression.READABLE,
            next_step=f"iconv -f {encoding} -t UTF-8 {name} > utf8-{name}"
            if self._path.suffix not in {".gz", ".bz2", ".zst"}
            else f"unpack it, then iconv -f {encoding} -t UTF-8",
        )
