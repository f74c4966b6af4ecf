"""Numpy's ``.npy``, which holds vectors only, with their words in a text file beside it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.files import reading
from debiaslab.vectors.numpy_rows import read_rows
from debiaslab.vectors.sniff import skip_mark
from debiaslab.vectors.words import BadWord, Wanted, checked, decoded

_MAGIC = b"\x93NUMPY"
_BESIDE = (".words.txt", ".words", ".vocab", ".txt")  # endings of the words of vectors.npy
_COUNTED = re.compile(r"([^ \t]+)[ \t](\d+)")  # a line of a vocabulary file: word, count


def is_bare(path: str | Path) -> bool:
    """Whether the file holds one bare numpy array.

    Raises:
        UserError: It cannot be read.
    """
    with reading(Path(path)) as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def words_beside(path: str | Path) -> Path:
    """Return the words file of ``vectors.npy``: ``vectors.words.txt``, ``.words``, ``.vocab``, …

    Raises:
        UserError: There is none.
    """
    path = Path(path)
    stem = path.name.removesuffix(".gz").removesuffix(".npy")
    candidates = [path.with_name(stem + ending) for ending in _BESIDE]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    owner = path.with_name(path.name.removesuffix(".vectors.npy"))  # as gensim names big arrays
    raise UserError(
        f"{path} is a bare numpy array without words",
        allowed=f"a file of its words beside it: {', '.join(each.name for each in candidates)}",
        next_step=f"{owner}, which it belongs to"
        if owner != path and owner.is_file()
        else f"its words, one a line in UTF-8, saved as {candidates[0]}",
    )


def read_bare(
    path: str | Path, words: str | Path | Sequence[str], wanted: Wanted | None = None
) -> Embeddings:
    """Read ``(V, d)`` numbers and their ``V`` words; nothing is unpickled.

    Args:
        path: The ``.npy`` file.
        words: The words, or the path of a UTF-8 text file with one a line. Where every line is a
            word and a count, as in GloVe's ``vocab.txt``, the counts put the rows in order.
        wanted: What is done about bad words, and frequencies.

    Raises:
        UserError: A file cannot be read, the array is damaged or of another kind or shape, the
            number of words differs, a word is repeated, or a value is NaN or infinite.
    """
    path = Path(path)
    if isinstance(words, str | Path):
        source, listed = str(words), _listed(Path(words))
    else:
        source, listed = "the list given", _Listed(list(words), [], None)
    vectors = _array(path)
    if len(listed.words) != len(vectors):
        raise UserError(
            f"{source} has {len(listed.words):,} words, {path} {len(vectors):,} vectors",
            allowed="one word a line for each vector",
        )
    wanted = wanted or Wanted()
    return checked(listed.words, vectors, path, wanted, bad=listed.bad, counts=listed.counts)


class _Listed(NamedTuple):
    """The words of an array, those of them that are bad, and how often each occurs, if known."""

    words: list[str]
    bad: list[BadWord]
    counts: list[float] | None


def _listed(path: Path) -> _Listed:
    with reading(path, "a text file of words") as stream:
        skip_mark(stream)
        lines = stream.read().splitlines()
    words, bad = decoded(lines, 0, lambda row: f"line {row + 1} of {path}")
    counted = [match for word in words if (match := _COUNTED.fullmatch(word))]
    if len(counted) < len(words):
        return _Listed(words, bad, None)
    return _Listed([each[1] for each in counted], bad, [float(each[2]) for each in counted])


def _array(path: Path) -> NDArray[np.float32]:
    with reading(path) as stream:
        packed = isinstance(stream, gzip.GzipFile)
        try:
            return read_rows(stream, 1 << 62 if packed else path.stat().st_size)
        except (ValueError, EOFError) as error:
            raise UserError(
                f"{path} is cut short, damaged or no array of numbers "
                f"({str(error).splitlines()[0]})",
                allowed="a .npy file of words × dimension numbers",
            ) from error
