"""Numpy's ``.npy``, which holds vectors only, with their words in a text file beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError
from debiaslab.vectors.files import reading
from debiaslab.vectors.words import checked, decoded

_MAGIC = b"\x93NUMPY"
_BESIDE = (".words.txt", ".words")  # endings of the words of vectors.npy


def is_bare(path: str | Path) -> bool:
    """Whether the file holds one bare numpy array.

    Raises:
        UserError: It cannot be read.
    """
    with reading(Path(path)) as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def words_beside(path: str | Path) -> Path:
    """Return the words file of ``vectors.npy``: ``vectors.words.txt`` or ``vectors.words``.

    Raises:
        UserError: There is none.
    """
    path = Path(path)
    candidates = [path.with_name(path.stem + ending) for ending in _BESIDE]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise UserError(
        f"{path} is a bare numpy array without words",
        allowed=f"a file of its words beside it: {', '.join(each.name for each in candidates)}",
        next_step="--words FILE, one word a line",
    )


def read_bare(path: str | Path, words: str | Path) -> Embeddings:
    """Read ``(V, d)`` numbers and their ``V`` words, UTF-8, one a line; nothing is unpickled.

    Raises:
        UserError: A file cannot be read, the array is damaged or of another kind or shape, the
            number of words differs, a word is repeated, or a value is NaN or infinite.
    """
    path, words = Path(path), Path(words)
    with reading(words) as stream:
        lines = stream.read().splitlines()
    listed = [decoded(line, words, f"line {i + 1}") for i, line in enumerate(lines)]
    vectors = _array(path)
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise UserError(
            f"{path} holds an array of type {vectors.dtype} and shape {vectors.shape}",
            allowed="words × dimension numbers",
        )
    if len(listed) != len(vectors):
        raise UserError(
            f"{words} has {len(listed):,} words, {path} {len(vectors):,} vectors",
            allowed="one word a line for each vector",
        )
    return checked(listed, vectors, path)


def _array(path: Path) -> NDArray:
    with reading(path) as stream:
        try:
            array: NDArray = np.load(stream, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise UserError(
                f"{path} is cut short, damaged or pickled ({str(error).splitlines()[0]})",
                allowed="a .npy file of numbers",
            ) from error
    return array
