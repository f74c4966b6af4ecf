"""Folders of encoded text: written aside, moved into place whole, checked before they are used.

``<cache>/<key>/`` holds ``meta.json``, ``words.txt`` (one word a line), ``counts.npy`` (int64) and
``ids.i32`` (little-endian int32, −1 after each document), or the shards ``ids-000.i32``, … of the
same stream. ``checked.json`` holds the fingerprint with size and time of the shards when they last
matched it; while all of these stay the same, the shards are not read again to check.
``<cache>/sources.json`` remembers the digests of source files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.encoding import DOCUMENT_END, IDS, Mapper, Stream, Vocabulary, in_turn
from debiaslab.corpus.reading import ByteBar
from debiaslab.corpus.stream import IdStream, Shards
from debiaslab.errors import UserError
from debiaslab.system.files import reading_error, replacing, sync, writing_error

FORMAT = 1  # raise it whenever the same text and settings give another entry
META, WORDS, COUNTS, STREAM = "meta.json", "words.txt", "counts.npy", "ids.i32"
CHECKED = "checked.json"
MEMO = "sources.json"
_CHUNK = 1 << 20

_BUILDING = ".building-"
_STALE = 24 * 3600  # seconds after which an unfinished folder is abandoned


class DamagedEntryError(Exception):
    """A cache folder that is not what its meta file says."""


@dataclass(frozen=True)
class CacheEntry:
    """A cache folder, opened; ``ids`` is mapped, not read."""

    path: Path
    meta: dict[str, Any]
    words: tuple[str, ...]
    counts: NDArray[np.int64]
    ids: IdStream


def entry_key(parts: dict[str, Any]) -> str:
    """Return the name of the entry that everything in ``parts`` shapes."""
    text = json.dumps({"format": FORMAT, **parts}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def open_entry(path: Path) -> CacheEntry | None:
    """Open the entry at ``path``; None when there is none.

    Raises:
        DamagedEntryError: A file is missing, cut short or does not fit the others.
    """
    if not path.exists():
        return None
    try:
        meta = json.loads((path / META).read_text(encoding="utf-8"))
        for name, size in meta["sizes"].items():
            if (path / name).stat().st_size != size:
                raise DamagedEntryError(f"{name} has another size than when it was written")
        text = (path / WORDS).read_bytes()
        entry = CacheEntry(
            path=path,
            meta=meta,
            words=tuple(text.decode("utf-8").split("\n")[:-1]),
            counts=np.load(path / COUNTS, allow_pickle=False),
            ids=_mapped([path / name for name in shards_of(meta)]),
        )
        if meta["format"] != FORMAT or meta["words_sha256"] != hashlib.sha256(text).hexdigest():
            raise DamagedEntryError(f"{WORDS} is not what was written")
        _check_agreement(entry)
        _check_stream(path, meta, text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise DamagedEntryError(f"{type(error).__name__}: {error}") from error
    return entry


def _check_agreement(entry: CacheEntry) -> None:
    meta = entry.meta
    agrees = (
        entry.counts.shape == (len(entry.words),)
        and int(entry.counts.sum()) == meta["tokens"]
        and len(entry.ids) == meta["tokens"] + meta["documents"]
        and int(entry.ids[-1]) == DOCUMENT_END
    )
    if not agrees:
        raise DamagedEntryError("its files do not fit each other")


def shard_name(number: int, of: int) -> str:
    """Return the file name of a shard: that of the whole stream when there is but one."""
    return STREAM if of == 1 else f"ids-{number:03}.i32"


def shards_of(meta: dict[str, Any]) -> list[str]:
    """Return the names of the files that hold the ids, in order."""
    return list(meta.get("shards", [STREAM]))


def _mapped(files: Sequence[Path]) -> IdStream:
    pieces = [np.memmap(file, dtype=IDS, mode="r") for file in files]
    return pieces[0] if len(pieces) == 1 else Shards(pieces)


def _check_stream(path: Path, meta: dict[str, Any], text: bytes) -> None:
    """Compare the id stream with the fingerprint unless it is unchanged since the last check."""
    shards = [path / name for name in shards_of(meta)]
    now = _known(meta, shards)
    with suppress(OSError, ValueError):
        if json.loads((path / CHECKED).read_text(encoding="utf-8")) == now:
            return
    if meta["fingerprint"] != fingerprint_of(_digest(shards), text):
        raise DamagedEntryError(f"{', '.join(shards_of(meta))}: not what the fingerprint says")
    with suppress(UserError, OSError), replacing(path / CHECKED) as temporary:
        temporary.write_text(json.dumps(now), encoding="utf-8")  # only saves time the next time


def _known(meta: Mapping[str, Any], shards: Iterable[Path]) -> list[str | int]:
    """Return what the meta file says of the stream, and size and time of every shard."""
    found = [shard.stat() for shard in shards]
    stamps = (number for status in found for number in (status.st_size, status.st_mtime_ns))
    return [meta["fingerprint"], meta["words_sha256"], *stamps]


def _digest(files: Iterable[Path]) -> str:
    """Return the sha256 of files as if they were one."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def fingerprint_of(stream_sha256: str, words: bytes) -> str:
    """Return the sha256, hex, of the digest of the ids and the vocabulary file."""
    return hashlib.sha256(stream_sha256.encode() + b"\n" + words).hexdigest()


@contextmanager
def scratch(cache: Path, name: str) -> Iterator[Path]:
    """Yield a new folder beside the entries, which is removed whatever ends the block.

    Raises:
        UserError: The folder cannot be written, or the disk is full; ``name`` is in the message.
    """
    folder = None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _remove_stale(cache)
        folder = Path(tempfile.mkdtemp(prefix=f"{_BUILDING}{name[:12]}-", dir=cache))
        yield folder
    except OSError as error:
        raise writing_error(cache / name, error) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def building(cache: Path, key: str) -> Iterator[Path]:
    """Yield a new folder beside the entries; move it to ``cache/key`` when the block succeeds.

    A block that fails or is interrupted leaves nothing behind.

    Raises:
        UserError: The folder cannot be written, or the disk is full.
    """
    with scratch(cache, key) as outer:
        folder = outer / key  # mkdtemp makes folders for their owner alone; this one may be shared
        folder.mkdir()
        yield folder
        _publish(folder, cache / key)


def write_entry(
    folder: Path, vocabulary: Vocabulary, shards: Mapping[Path, Stream], meta: dict[str, Any]
) -> None:
    """Add everything but the shards of the id stream, which must be there already, to ``folder``.

    Raises:
        OSError: A file cannot be written.
    """
    text = "".join(f"{word}\n" for word in vocabulary.words).encode()
    (folder / WORDS).write_bytes(text)
    np.save(folder / COUNTS, vocabulary.counts)
    names = [shard.name for shard in shards]
    whole = {
        "format": FORMAT,
        **meta,
        "shards": names,
        "tokens": sum(stream.tokens for stream in shards.values()),
        "documents": sum(stream.documents for stream in shards.values()),
        "types": len(vocabulary.words),
        "unk": vocabulary.unk,
        "raw_tokens": vocabulary.raw_tokens,
        "raw_types": vocabulary.raw_types,
        "sizes": {name: (folder / name).stat().st_size for name in (WORDS, COUNTS, *names)},
        "words_sha256": hashlib.sha256(text).hexdigest(),
        "fingerprint": fingerprint_of(_digest(shards), text),
    }
    (folder / META).write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / CHECKED).write_text(json.dumps(_known(whole, shards)), encoding="utf-8")


def discard(path: Path) -> None:
    """Remove an entry; it is renamed first, so that nobody opens one that is half removed."""
    with suppress(FileNotFoundError):
        aside = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=path.parent))
        try:
            os.replace(path, aside / path.name)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _publish(folder: Path, entry: Path) -> None:
    for file in folder.iterdir():
        sync(file)
    while True:
        try:
            os.replace(folder, entry)
            return
        except OSError:
            if not entry.exists():
                raise
        # Another process may have been faster: an entry that is whole is as good as ours.
        try:
            if open_entry(entry) is not None:
                return
        except DamagedEntryError:
            discard(entry)


def _remove_stale(cache: Path) -> None:
    limit = time.time() - _STALE
    for folder in cache.glob(f"{_BUILDING}*"):
        with suppress(OSError):
            if max(path.stat().st_mtime for path in (folder, *folder.rglob("*"))) < limit:
                shutil.rmtree(folder, ignore_errors=True)


def stamp(file: Path) -> list[int]:
    """Return size and modification time (ns) of a file; a `UserError` says that it is gone.

    When both stay, the content is taken to stay.
    """
    try:
        status = file.stat()
    except OSError as error:
        raise reading_error(file, error) from error
    return [status.st_size, status.st_mtime_ns]


def content_hashes(
    files: Sequence[Path], memo: Path, mapper: Mapper = in_turn, *, progress: bool
) -> list[str]:
    """Return the sha256 of the bytes of each file, from ``memo`` where the stamp still fits.

    The memo only saves time: a damaged one is rewritten, one that cannot be written is left.

    Raises:
        UserError: A file cannot be read.
    """
    known = _read_memo(memo)
    stamps = {file.absolute(): stamp(file) for file in files}
    fresh = [file for file, now in stamps.items() if not _remembered(known.get(str(file)), now)]
    digests = mapper(partial(_sha256, progress=progress), fresh)
    for file, digest in zip(fresh, digests, strict=True):
        known[str(file)] = {"stamp": stamps[file], "sha256": digest}
    if fresh:
        with suppress(UserError), replacing(memo) as temporary:
            temporary.write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")
    return [str(known[str(file.absolute())]["sha256"]) for file in files]


def _remembered(entry: object, now: list[int]) -> bool:
    return isinstance(entry, dict) and entry.get("stamp") == now and "sha256" in entry


def _read_memo(memo: Path) -> dict[str, Any]:
    try:
        known = json.loads(memo.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _sha256(file: Path, *, progress: bool) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as raw, ByteBar("checking", file.stat().st_size, show=progress) as bar:
            while chunk := raw.read(_CHUNK):
                digest.update(chunk)
                bar.advance(len(chunk))
    except OSError as error:
        raise reading_error(file, error) from error
    return digest.hexdigest()
