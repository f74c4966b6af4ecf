"""Numpy's ``.npz``, without pickle: ``words`` (unicode) and ``vectors`` (float32)."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError
from debiaslab.vectors.numpy_rows import read_rows
from debiaslab.vectors.sniff import refuse_other_archive
from debiaslab.vectors.words import Wanted, checked

_ALLOWED = "an .npz with 'words' (V unicode strings) and 'vectors' (V × d numbers)"


def write(embeddings: Embeddings, path: Path) -> None:
    """Write ``words``, ``vectors``, and ``lengths`` if a word ends in NUL, which numpy strips."""
    arrays: dict[str, NDArray] = {
        "words": np.array(embeddings.words, dtype=np.str_),
        "vectors": embeddings.vectors,
    }
    if any(word.endswith("\0") for word in embeddings.words):
        arrays["lengths"] = np.array([len(word) for word in embeddings.words], dtype=np.int64)
    with path.open("wb") as stream:  # a name without .npz would have the ending added
        np.savez(stream, allow_pickle=False, **arrays)


def read(stream: BinaryIO, path: Path, wanted: Wanted) -> Embeddings:
    """Read ``words``, ``vectors``, and ``counts`` where there are some; nothing is unpickled.

    Raises:
        UserError: An array is missing, pickled, damaged or of another kind, or a check of
            ``checked`` fails.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            missing = [n for n in ("words", "vectors") if f"{n}.npy" not in archive.namelist()]
            if missing:
                refuse_other_archive(archive.namelist(), path)
                raise UserError(f"{path} has no array {missing[0]!r}", allowed=_ALLOWED)
            words = _words(archive, path)  # first: their array takes much memory, for a moment
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
    words = _array(archive, "words")
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
