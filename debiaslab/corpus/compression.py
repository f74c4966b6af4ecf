"""Telling compressed files apart, and unpacking them in pieces of bounded size."""

from __future__ import annotations

import bz2
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from debiaslab.errors import UserError

Kind = Literal["plain", "gz", "bz2", "zst"]

READABLE = "plain UTF-8 text, .gz, .bz2 or .zst"
CHUNK = 1 << 19  # bytes of text handled at a time: what fits a processor cache is faster
_ZST_CHUNK = 1 << 16  # packed bytes fed at a time: a packed byte may grow a thousandfold
_ZST_WINDOW = 1 << 31  # the largest window `zstd --ultra --long=31` writes

_ENDINGS: dict[str, Kind] = {".gz": "gz", ".bz2": "bz2", ".zst": "zst"}
_MAGIC: dict[Kind, re.Pattern[bytes]] = {
    "gz": re.compile(rb"\x1f\x8b"),
    "bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    "zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
_UNREADABLE = {  # first bytes → name, command that unpacks it
    b"\xfd7zXZ\0": ("xz", "xz -dk"),
    b"PK\x03\x04": ("zip", "unzip"),
    b"7z\xbc\xaf\x27\x1c": ("7z", "7z x"),
    b"Rar!\x1a\x07": ("rar", "unrar x"),
    b"\x04\x22\x4d\x18": ("lz4", "lz4 -dk"),
    b"\x1f\x9d": ("compress (.Z)", "uncompress -k"),
}
HEAD = 16  # bytes that tell the kinds apart


def kind_of(path: Path, head: bytes) -> Kind:
    """Tell how the file at ``path`` is packed, by its first bytes and its ending, which must agree.

    Raises:
        UserError: The packing is not one that can be read, or ending and content disagree.
    """
    for magic, (name, command) in _UNREADABLE.items():
        if head.startswith(magic):
            raise UserError(
                f"{path} is packed with {name}", allowed=READABLE, next_step=f"{command} {path}"
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


def unpacked(raw: BinaryIO, kind: Kind, path: Path) -> Iterator[bytes]:
    """Yield the text of the open file ``raw`` in pieces.

    Raises:
        UserError: The file ends too early or is damaged.
    """
    try:
        if kind == "zst":
            yield from _unpacked_zst(raw)
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
    """Packed data that cannot be unpacked."""


def _unpacked_zst(raw: BinaryIO) -> Iterator[bytes]:
    """Yield the content of every frame; the library's own reader does not notice a cut file."""
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZST_WINDOW)
    frame = None
    while packed := raw.read(_ZST_CHUNK):
        while packed:
            if frame is None or frame.eof:
                frame = unpacker.decompressobj()
            try:
                text = frame.decompress(packed)
            except zstandard.ZstdError as error:
                raise _DamagedError(str(error)) from error
            if text:
                yield text
            packed = frame.unused_data
    if frame is None or not frame.eof:
        raise EOFError


def _damaged(path: Path, kind: Kind, error: Exception) -> UserError:
    return UserError(
        f"{path} is damaged: its {kind} data cannot be unpacked ({error})",
        next_step="copy or download the file again",
    )
