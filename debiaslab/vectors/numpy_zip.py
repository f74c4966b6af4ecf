"""Numpy's ``.npz``, without pickle: ``words`` (unicode) and ``vectors`` (float32)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError
from debiaslab.vectors.words import checked

_NAMES = ("words", "vectors", "lengths")
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


def read(stream: BinaryIO, path: Path) -> Embeddings:
    """Read ``words`` and ``vectors``; nothing is ever unpickled.

    Raises:
        UserError: An array is missing, pickled, damaged or of another kind, or a check of
            ``checked`` fails.
    """
    arrays = _arrays(stream, path)
    missing = [name for name in ("words", "vectors") if name not in arrays]
    if missing:
        raise UserError(f"{path} has no array {missing[0]!r}", allowed=_ALLOWED)
    words, vectors = arrays["words"], arrays["vectors"]
    if words.dtype.kind != "U" or words.ndim != 1 or vectors.dtype.kind not in "fiu":
        raise UserError(
            f"{path} holds words of type {words.dtype} and vectors of type {vectors.dtype}",
            allowed=_ALLOWED,
        )
    return checked(_restored(words.tolist(), arrays.get("lengths"), path), vectors, path)


def _arrays(stream: BinaryIO, path: Path) -> dict[str, NDArray]:
    try:
        with np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in _NAMES if name in arrays}
    except Exception as error:  # a damaged zip can raise nearly anything
        raise UserError(
            f"{path} is damaged or no plain .npz ({error})", allowed=_ALLOWED
        ) from error


def _restored(words: list[str], lengths: NDArray | None, path: Path) -> list[str]:
    """Give words the trailing NULs back that numpy stripped."""
    if lengths is None:
        return words
    if lengths.dtype.kind not in "iu" or lengths.shape != (len(words),):
        raise UserError(f"{path} holds 'lengths' that do not fit its words", allowed=_ALLOWED)
    pairs = zip(words, lengths.tolist(), strict=True)
    return [word.ljust(length, "\0") for word, length in pairs]
