"""Numpy's files: ``.npz`` with words and vectors, ``.npy`` with its words in a text file beside it.

In an ``.npz`` words are UTF-8 bytes with offsets. A unicode array of numpy gives every word the
room of the longest one, four bytes a character; with one long token among many words that is
gigabytes. Files that were written so are read as well. Nothing is ever unpickled.
"""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.vectors.files import reading, refuse_other_archive, skip_mark
from debiaslab.vectors.table import BadWord, Rows, Wanted, checked, decoded

_TEXT, _OFFSETS = "words_utf8", "words_offsets"
_OLD = "words"  # a unicode array, as versions before these two wrote
_ALLOWED = (
    f"an .npz with 'vectors' (V × d numbers) and {_TEXT!r} (bytes) with {_OFFSETS!r} (V + 1 whole "
    f"numbers), or {_OLD!r} (V unicode strings)"
)
_MAGIC = b"\x93NUMPY"
_BESIDE = (".words.txt", ".words", ".vocab", ".txt")  # endings of the words of vectors.npy
_COUNTED = re.compile(r"([^ \t]+)[ \t](\d+)")  # a line of a vocabulary file: word, count
_BLOCK = 1 << 22  # bytes in the file's own type that are held beside the result


def write_npz(words: Sequence[str], vectors: NDArray[np.float32], path: Path) -> None:
    """Write ``words_utf8`` (bytes), ``words_offsets`` ((V + 1,) int64) and ``vectors``.

    Word ``i`` is ``words_utf8[words_offsets[i] : words_offsets[i + 1]]``, decoded.
    """
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    arrays: dict[str, NDArray] = {
        _TEXT: np.frombuffer(b"".join(encoded), np.uint8),
        _OFFSETS: np.array([0, *accumulate(map(len, encoded))], dtype=np.int64),
        "vectors": vectors,
    }
    with path.open("wb") as stream:  # a name without .npz would have the ending added
        np.savez(stream, allow_pickle=False, **arrays)


def read_npz(stream: BinaryIO, path: Path, wanted: Wanted) -> Rows:
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
            words = _npz_words(archive, path) if _TEXT in names else _old_words(archive, path)
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


def _npz_words(archive: zipfile.ZipFile, path: Path) -> list[str]:
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


# Bare arrays ----------------------------------------------------------------------------------


def is_bare(path: str | Path) -> bool:
    """Whether the file holds one bare numpy array."""
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
) -> Rows:
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
    vectors = _bare_array(path)
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


def _bare_array(path: Path) -> NDArray[np.float32]:
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


def read_rows(stream: BinaryIO, available: int) -> NDArray[np.float32]:
    """Return the two-dimensional array of numbers in a ``.npy`` stream as float32.

    Beside the result only a few megabytes are held, so that float64 vectors cost no more memory
    than float32 ones. A number beyond float32 becomes infinity. Nothing is unpickled.

    Args:
        stream: At the start of the array.
        available: How many bytes the stream has; a header that promises more is refused before
            anything is allocated.

    Raises:
        ValueError: The header is damaged or promises more than there is, the array has another
            number of dimensions or holds something else than real numbers, or it is cut short.
    """
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"version {version} of the format, not 1.0 or 2.0")
    shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ValueError("Object arrays, which are pickled, are not read")
    if dtype.kind not in "fiu" or len(shape) != 2:
        raise ValueError(f"an array of type {dtype} and shape {shape}, not words × dimension")
    if shape[0] * shape[1] * dtype.itemsize > available:
        raise ValueError(f"shape {shape} of type {dtype} is promised, but the data is cut short")
    matrix = np.empty(shape, np.float32)
    _fill(matrix.T if fortran else matrix, stream, dtype)
    return matrix


def _fill(rows: NDArray[np.float32], stream: BinaryIO, dtype: np.dtype) -> None:
    step = max(1, _BLOCK // max(1, rows.shape[1] * dtype.itemsize))
    for start in range(0, len(rows), step):
        block = np.empty(rows[start : start + step].shape, dtype)
        _read_exactly(stream, block.reshape(-1).view(np.uint8).data)
        with np.errstate(over="ignore"):  # becomes infinity, which the caller refuses
            rows[start : start + step] = block


def _read_exactly(stream: BinaryIO, view: memoryview) -> None:
    done = 0
    while done < len(view):
        got = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise ValueError("the data is cut short")
        done += got
