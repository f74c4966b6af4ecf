"""Numpy's ``.npz``, without pickle: words as UTF-8 bytes with offsets, and ``vectors`` (float32).

A unicode array of numpy gives every word the room of the longest one, four bytes a character; with
one long token among many words that is gigabytes. Files that were written so are read as well.
"""

from __future__ import annotations

import zipfile
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.numpy_rows import read_rows
from debiaslab.vectors.sniff import refuse_other_archive
from debiaslab.vectors.words import Wanted, checked

_TEXT, _OFFSETS = "words_utf8", "words_offsets"
_OLD = "words"  # a unicode array, as versions before these two wrote
_ALLOWED = (
    f"an .npz with 'vectors' (V × d numbers) and {_TEXT!r} (bytes) with {_OFFSETS!r} (V + 1 whole "
    f"numbers), or {_OLD!r} (V unicode strings)"
)


def write(embeddings: Embeddings, path: Path) -> None:
    """Write ``words_utf8`` (bytes), ``words_offsets`` ((V + 1,) int64) and ``vectors``.

    Word ``i`` is ``words_utf8[words_offsets[i] : words_offsets[i + 1]]``, decoded.
    """
    encoded = [word.encode("utf-8", "surrogatepass") for word in embeddings.words]
    arrays: dict[str, NDArray] = {
        _TEXT: np.frombuffer(b"".join(encoded), np.uint8),
        _OFFSETS: np.array([0, *accumulate(map(len, encoded))], dtype=np.int64),
        "vectors": embeddings.vectors,
    }
    with path.open("wb") as stream:  # a name without .npz would have the ending added
        np.savez(stream, allow_pickle=False, **arrays)


def read(stream: BinaryIO, path: Path, wanted: Wanted) -> Embeddings:
    """Read the words, ``vectors``, and ``counts`` where there are some; nothing is unpickled.

    Raises:
        UserError: An array is missing, pickled, damaged or of another kind, or a check of
            ``checked`` fails.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
            needed = ({_TEXT, _OFFSETS} if _TEXT in names else {_OLD}) | {"vectors"}
            if missing := sorted(needed - names):
                refuse_other_archive(archive.namelist(), path)
                raise UserError(f"{path} has no array {missing[-1]!r}", allowed=_ALLOWED)
            words = _words(archive, path) if _TEXT in names else _old_words(archive, path)
            info = archive.getinfo("vectors.npy")
            with archive.open(info) as member:
                vectors = read_rows(cast(BinaryIO, member), info.file_size)
            counts = _counts(archive, len(words), path)
    except UserError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # a damaged zip can raise nearly anything
        raise UserError(
            f"{path} is damaged or no plain .npz ({error})", allowed=_ALLOWED
        ) from error
    return checked(words, vectors, path, wanted, counts=counts)


def _words(archive: zipfile.ZipFile, path: Path) -> list[str]:
    text, offsets = _array(archive, _TEXT), _array(archive, _OFFSETS)
    fits = (
        (text.dtype, text.ndim) == (np.uint8, 1)
        and (offsets.dtype.kind, offsets.ndim) == ("i", 1)
        and len(offsets) > 0
        and (offsets[0], offsets[-1]) == (0, len(text))
        and bool((np.diff(offsets) >= 0).all())
    )
    if not fits:
        raise UserError(f"{path} holds {_OFFSETS!r} that do not fit {_TEXT!r}", allowed=_ALLOWED)
    whole = text.tobytes()
    return [whole[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(offsets.tolist())]


def _old_words(archive: zipfile.ZipFile, path: Path) -> list[str]:
    words = _array(archive, _OLD)
    if words.dtype.kind != "U" or words.ndim != 1:
        raise UserError(f"{path} holds words of type {words.dtype}", allowed=_ALLOWED)
    lengths = _array(archive, "lengths") if "lengths.npy" in archive.namelist() else None
    return _restored(words.tolist(), lengths, path)


def _counts(archive: zipfile.ZipFile, words: int, path: Path) -> NDArray | None:
    """Return how often each word occurs, if the file says so."""
    if "counts.npy" not in archive.namelist():
        return None
    counts = _array(archive, "counts")
    if counts.dtype.kind not in "iuf" or counts.shape != (words,) or not np.isfinite(counts).all():
        raise UserError(f"{path} holds 'counts' that do not fit its words", allowed=_ALLOWED)
    return counts


def _array(archive: zipfile.ZipFile, name: str) -> NDArray:
    with archive.open(f"{name}.npy") as member:
        array: NDArray = np.lib.format.read_array(cast(BinaryIO, member), allow_pickle=False)
    return array


def _restored(words: list[str], lengths: NDArray | None, path: Path) -> list[str]:
    """Give words the trailing NULs back that numpy stripped."""
    if lengths is None:
        return words
    if lengths.dtype.kind not in "iu" or lengths.shape != (len(words),):
        raise UserError(f"{path} holds 'lengths' that do not fit its words", allowed=_ALLOWED)
    pairs = zip(words, lengths.tolist(), strict=True)
    return [word.ljust(length, "\0") for word, length in pairs]
