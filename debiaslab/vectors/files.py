"""Opening a vector file, plain or gzipped, and telling from its first bytes what it holds."""

from __future__ import annotations

import gzip
import re
import shlex
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, cast

from debiaslab.errors import UserError
from debiaslab.system.files import check_readable, reading_error

Kind = Literal["word2vec", "headerless", "bin", "pickle", "npz", "npy", "fasttext"]

HEAD = 1 << 16
"""How many bytes ``sniff`` wants to see; a shorter file gives fewer."""

_MARK = b"\xef\xbb\xbf"  # of UTF-8, that some editors write first
_FASTTEXT = (793_712_314).to_bytes(4, "little")
_OTHERS: tuple[tuple[bytes, str, str | None], ...] = (
    (b"\xff\xfe\0\0", "text in UTF-32", "iconv -f UTF-32 -t UTF-8 {0} > {1}.utf8.txt"),
    (b"\xff\xfe", "text in UTF-16", "iconv -f UTF-16 -t UTF-8 {0} > {1}.utf8.txt"),
    (b"\xfe\xff", "text in UTF-16", "iconv -f UTF-16 -t UTF-8 {0} > {1}.utf8.txt"),
    (b"BZh", "compressed with bzip2", "bunzip2 -k {0}"),
    (b"\xfd7zXZ\x00", "compressed with xz", "xz -dc {0} > {1}.unpacked"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "zstd -dc {0} > {1}.unpacked"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x {0}"),
    (b"Rar!", "a RAR archive", None),
    (b"\x89HDF\r\n", "an HDF5 file", None),
    (b"PAR1", "a Parquet table", None),
    (b"ARROW1", "an Arrow table", None),
    (b"SQLite format 3", "an SQLite database", None),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "git lfs pull"),
    (b"<!doctype", "a web page", None),
    (b"<html", "a web page", None),
    (b"<?xml", "XML", None),
    (b"{", "JSON", None),
    (b"[", "JSON", None),
)
_TAR = (257, b"ustar")
_SAFETENSORS = re.compile(rb'.{8}\{"', re.DOTALL)
_CSV = re.compile(
    rb"[^,\n]+(,[-+0-9.eE ]+){2,}\r?(\n|$)|[^,\n]*(,[^,\n]*){2,}\n[^,\n]+(,[-+0-9.eE]+){2,}"
)

_HEADER = re.compile(rb"(\d{1,18})[ \t]+(\d{1,18})\s*")
_NUMBERS = re.compile(rb"[-+.0-9eEnaifNAIF \t\r]*(\n|$)")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def word2vec_header(line: bytes) -> tuple[int, int] | None:
    """Return ``(words, dimension)`` of a word2vec header line, or None when it is not one."""
    match = _HEADER.fullmatch(line)
    return (int(match[1]), int(match[2])) if match else None


_GZIP = b"\x1f\x8b"


@contextmanager
def reading(path: Path, what: str = "a vector file") -> Iterator[BinaryIO]:
    """Yield the bytes of ``path`` as a seekable stream, unpacked when they are gzipped.

    Raises:
        UserError: ``path`` is missing, no regular file, empty or unreadable, or while it is open
            the gzip turns out damaged or the memory runs out.
    """
    check_readable(path, what)
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            if not packed:
                yield plain
                return
            with gzip.open(plain) as unpacked:
                yield cast(BinaryIO, unpacked)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{path} is cut short or damaged ({error})", next_step="copy or download it again"
        ) from error
    except OSError as error:
        raise reading_error(path, error) from error
    except MemoryError as error:
        raise UserError(f"what {path} holds does not fit in memory") from error


def skip_mark(stream: BinaryIO) -> None:
    """Pass over the mark that some editors write before text in UTF-8."""
    if stream.read(len(_MARK)) != _MARK:
        stream.seek(0)


def sniff(head: bytes, path: Path) -> Kind:
    """Tell the format of a file from its first ``HEAD`` bytes.

    Raises:
        UserError: They belong to no vector format.
    """
    if head.startswith(b"PK\x03\x04"):
        return "npz"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if re.match(rb"\x80[\x02-\x05]", head):
        return "pickle"
    if head.startswith(_FASTTEXT):
        return "fasttext"
    head = head.removeprefix(_MARK)
    first, _, rest = head.partition(b"\n")
    header = word2vec_header(first)
    if header:
        if 0 in header:
            raise UserError(
                f"{path} promises {header[0]} words of dimension {header[1]}",
                allowed="1 or more of each",
            )
        return "word2vec" if _is_text(rest, header[1]) else "bin"
    if _is_headerless(first):
        return "headerless"
    raise _unknown(head, path)


def _is_text(rest: bytes, dim: int) -> bool:
    """Whether what follows the first word is text: raw floats hold control bytes or no UTF-8."""
    start = rest.find(b" ") + 1
    if _NUMBERS.match(rest, start):
        return True
    sample = rest[start : start + max(4 * dim, 256)]
    if _CONTROL.search(sample):
        return False
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(sample) and "unexpected end" in error.reason
    return True


def _is_headerless(line: bytes) -> bool:
    """Whether a line is a word and two numbers or more (with one, it could be a broken header)."""
    try:
        return len([float(column) for column in columns_of(line)[1:]]) > 1
    except ValueError:
        return False


def refuse_other_archive(names: Sequence[str], path: Path) -> None:
    """Raise a UserError about a zip that is no ``.npz`` if it is known what it is."""
    files = [name for name in names if not name.endswith("/")]
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in files):
        raise UserError(f"{path} is a file of PyTorch, not of vectors", allowed=_ALLOWED)
    if files and not any(name.endswith(".npy") for name in files):
        shown = ", ".join(files[:4]) + (", …" if len(files) > 4 else "")
        raise UserError(
            f"{path} is a zip archive of {shown}",
            allowed=_ALLOWED,
            next_step=f"python -m zipfile -e {shlex.quote(str(path))} ., then the file of vectors "
            "in it",
        )


def columns_of(line: bytes) -> list[bytes]:
    """Return the columns of a line: between tabs where there are some, else between spaces."""
    return line.rstrip().split(b"\t" if line.count(b"\t") > 1 else None)


def _unknown(head: bytes, path: Path) -> UserError:
    if not head:
        return UserError(f"{path} holds nothing", allowed="a vector file")
    start = f"it starts with {head[:40]!r}"
    for magic, what, command in _OTHERS:
        if head.startswith(magic) or head.lstrip().lower().startswith(magic):
            quoted = shlex.quote(str(path)), shlex.quote(str(path.with_suffix("")))
            step = None if command is None else f"{command.format(*quoted)}, then the file it makes"
            return UserError(f"{path} is {what}", allowed=_ALLOWED, next_step=step)
    if head[_TAR[0] :].startswith(_TAR[1]):
        step = f"tar -xf {shlex.quote(str(path))}, then the file of vectors in it"
        return UserError(f"{path} is a tar archive", allowed=_ALLOWED, next_step=step)
    if _SAFETENSORS.match(head):
        return UserError(f"{path} is a file of safetensors, without words", allowed=_ALLOWED)
    if _CSV.match(head):
        return UserError(f"{path} is a table with commas: {start}", allowed=_ALLOWED)
    return UserError(f"{path} is not a vector file: {start}", allowed=_ALLOWED)


_ALLOWED = (
    "word2vec text or binary, GloVe text, fastText's .bin or .vec, a gensim KeyedVectors file, "
    ".npz with words and vectors, or .npy with a file of words beside it"
)
