"""Content digests of source files, remembered so that an unchanged file is not read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from debiaslab.corpus.parts import Mapper, in_turn
from debiaslab.corpus.progress import ByteBar
from debiaslab.corpus.reading import reading_error
from debiaslab.errors import UserError
from debiaslab.system.atomic import replacing

_CHUNK = 1 << 20


def stamp(file: Path) -> list[int]:
    """Return size and modification time (ns): when both stay, the content is taken to stay.

    Raises:
        UserError: The file is gone.
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

    The memo only saves time: a damaged one is written anew, one that cannot be written is left.

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
        with (
            file.open("rb") as raw,
            ByteBar("checking", file.stat().st_size, show=progress) as bar,
        ):
            while chunk := raw.read(_CHUNK):
                digest.update(chunk)
                bar.advance(len(chunk))
    except OSError as error:
        raise reading_error(file, error) from error
    return digest.hexdigest()
