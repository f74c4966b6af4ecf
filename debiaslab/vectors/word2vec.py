"""word2vec's text and binary formats, GloVe's text, and fastText's own ``.bin``.

Text is ``words dimension``, then one line of a word and its numbers each; GloVe has no first line.
Binary has the same first line, then word, space and ``d`` float32 each. A ``.bin`` of fastText is
read as the vectors of its words, which are those that fastText itself prints.
"""

from __future__ import annotations

import gzip
import mmap
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.vectors.files import columns_of, skip_mark, word2vec_header
from debiaslab.vectors.table import BadWord, Rows, Wanted, checked, decoded

_ROWS = 1000
_BYTES = 1 << 21
_FLOAT = np.dtype("<f4")
_HEAD = struct.Struct("<14id")  # magic, version, 12 settings of the training, subsampling
_SIZES = struct.Struct("<3i2q")  # entries, words, labels, tokens, pruned
_ENTRY = struct.Struct("<qb")  # count, whether a label
_SHAPE = struct.Struct("<?2q")  # whether quantised, rows, columns
_VERSIONS = (11, 12)  # which differ for models of labels only
_SENTENCE_END = b"</s>"


# Text -----------------------------------------------------------------------------------------


def write_text(words: Sequence[str], vectors: NDArray[np.float32], path: Path) -> None:
    """Write the text format with 9 significant digits, which give every float32 back exactly."""
    template = "%s" + " %.9g" * vectors.shape[1]
    with (
        path.open("w", encoding="utf-8", newline="\n") as stream,
        _progress(len(words), "writing vectors") as bar,
    ):
        stream.write(f"{len(words)} {vectors.shape[1]}\n")
        for start in range(0, len(words), _ROWS):
            part = words[start : start + _ROWS]
            rows = vectors[start : start + _ROWS].tolist()
            lines = [template % (word, *row) for word, row in zip(part, rows, strict=True)]
            stream.write("\n".join(lines) + "\n")
            bar.update(len(part))


def read_text(stream: BinaryIO, path: Path, wanted: Wanted, header: bool) -> Rows:
    """Read text with a word2vec header, or without one (GloVe), as gensim does.

    Words and numbers are separated by spaces, or by tabs where the first line of numbers has them.
    Nothing is allocated by what the header promises: a lie costs no memory.

    Raises:
        UserError: A line has the wrong number of columns, no word or no number (with its line
            number), the header disagrees with the lines, or a check of ``checked`` fails.
    """
    layout = _layout(stream, path, header)
    words: list[str] = []
    blocks: list[NDArray[np.float32]] = []
    bad: list[BadWord] = []
    with _progress(layout.count, "reading vectors") as bar:
        while lines := stream.readlines(_BYTES):
            block = _parse(lines, layout, len(words))
            words += block.words
            blocks.append(block.values)
            bad += block.bad
            bar.update(len(block.words))
            if len(block.words) < len(lines):
                _refuse_more(stream, layout.place(len(words)))
    if layout.count is not None and layout.count != len(words):
        raise UserError(
            f"the first line of {path} promises {layout.count:,} words, but {len(words):,} follow",
            allowed="as many lines as promised"
            + (" (cut short?)" if len(words) < layout.count else ""),
        )
    matrix = np.concatenate(blocks) if blocks else np.empty((0, layout.dim), np.float32)
    return checked(words, matrix, path, wanted, place=layout.line, bad=bad)


@dataclass(frozen=True)
class _Layout:
    """How the lines of a file are made up."""

    path: Path
    count: int | None  # words that the first line promises
    dim: int
    separator: bytes
    first_line: int  # line number of the first word

    def line(self, row: int) -> str:
        return f"line {self.first_line + row}"

    def place(self, row: int) -> str:
        return f"{self.line(row)} of {self.path}"


@dataclass(frozen=True)
class _Block:
    """Some lines of a file: ``n`` words, and values of shape ``(n, d)``."""

    words: list[str]
    values: NDArray[np.float32]
    bad: list[BadWord]


def _layout(stream: BinaryIO, path: Path, header: bool) -> _Layout:
    """Read what the first lines say, and stop at the first word."""
    skip_mark(stream)
    start = stream.tell()
    first = stream.readline()
    sizes = word2vec_header(first) if header else None
    if sizes is not None:
        start = stream.tell()
        first = stream.readline()
    stream.seek(start)
    count, dim = sizes or (None, len(columns_of(first)) - 1)
    separator = b"\t" if first.rstrip().count(b"\t") >= max(dim, 1) else b" "
    return _Layout(path, count, dim, separator, 2 if header else 1)


def _parse(lines: list[bytes], layout: _Layout, first_row: int) -> _Block:
    """Parse lines at C speed; when they are not all regular, line by line, to name the bad one."""
    dim, separator = layout.dim, layout.separator
    parts = [line.rstrip().partition(separator) for line in lines]
    tails = [tail for _, _, tail in parts]
    values = None
    if dim and all(word and tail.count(separator) == dim - 1 for word, _, tail in parts):
        values = _numbers(b"\n".join(tails))
    bad: list[BadWord] = []
    if values is None or len(values) != len(lines) * dim:
        while parts and parts[-1] == (b"", b"", b""):  # blank lines may end the file
            parts.pop()
        rows = []
        for row, (word, _, tail) in enumerate(parts, first_row):
            numbers, wrong = _row(word, tail, layout, row)
            rows.append(numbers)
            bad += [] if wrong is None else [wrong]
        values = np.concatenate(rows) if rows else np.empty(0, np.float32)
    words, undecoded = decoded([word for word, _, _ in parts], first_row, layout.place)
    wrong_rows = {each.row for each in bad}
    bad += [each for each in undecoded if each.row not in wrong_rows]
    return _Block(words, values.reshape(len(words), dim), bad)


def _row(
    word: bytes, tail: bytes, layout: _Layout, row: int
) -> tuple[NDArray[np.float32], BadWord | None]:
    """Parse the numbers of one line; a word with a space in it is told beside them."""
    columns, dim = tail.split(), layout.dim
    if not word:
        raise UserError(f"{layout.place(row)} does not start with a word")
    wrong = None
    if len(columns) != dim:
        given = f"{layout.place(row)} has {len(columns)} numbers after the word {_quoted(word)}"
        allowed = f"{dim} numbers, as in the first line (a word with a space in it?)"
        more = columns[: max(0, len(columns) - dim)]
        if not dim or all(_numbers(column) is not None for column in more):
            raise UserError(given, allowed=allowed)
        wrong = BadWord.spaced(row, given, allowed)
        columns = columns[-dim:]
    values = _numbers(b" ".join(columns))
    if values is None:
        bad = next(column for column in columns if _numbers(column) is None)
        raise UserError(f"{layout.place(row)}: {_quoted(bad)} is not a number")
    return values, wrong


def _quoted(column: bytes) -> str:
    return repr(column[:60].decode("utf-8", errors="replace"))


def _numbers(text: bytes) -> NDArray[np.float32] | None:
    """Parse numbers parted by white space, or None when something else stands between them."""
    try:
        with warnings.catch_warnings():  # numpy before 2.4 warns where later ones raise
            warnings.simplefilter("error", DeprecationWarning)
            return np.fromstring(text, dtype=np.float32, sep=" ")
    except (ValueError, DeprecationWarning):
        return None


def _refuse_more(stream: BinaryIO, place: str) -> None:
    while lines := stream.readlines(_BYTES):
        if any(rest.strip() for rest in lines):
            raise UserError(f"{place} is blank, and more lines follow")


def _progress(total: int | None, label: str) -> tqdm[NoReturn]:
    return tqdm(total=total, desc=label, unit=" words", delay=2, leave=False, disable=None)


# Binary ---------------------------------------------------------------------------------------


def write_binary(words: Sequence[str], vectors: NDArray[np.float32], path: Path) -> None:
    """Write the binary format as gensim does, without a line end after each vector."""
    with path.open("wb") as stream:
        stream.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, row in zip(words, vectors.astype(_FLOAT), strict=True):
            stream.write(word.encode("utf-8") + b" " + row.tobytes())


def read_binary(stream: BinaryIO, path: Path, wanted: Wanted) -> Rows:
    """Read the binary format, with or without a line end after each vector.

    Raises:
        UserError: The header promises more than the file can hold or less than it does, the file
            is cut short, a word is empty or not UTF-8, or a check of ``checked`` fails.
    """
    header = word2vec_header(stream.readline())
    assert header is not None, "sniffed as word2vec binary"
    count, dim = header
    data = mapped(stream)
    start = stream.tell() if isinstance(data, mmap.mmap) else 0
    step = dim * _FLOAT.itemsize
    least = count * (step + 2)  # a word has a letter and a space
    if least > len(data) - start:
        raise UserError(
            f"{path} promises {count:,} vectors of length {dim:,}, which take {least:,} bytes or "
            f"more, but only {len(data) - start:,} follow (cut short?)"
        )
    words: list[bytes] = []
    matrix = np.empty((count, dim), np.float32)
    for row in range(count):
        space = data.find(b" ", start)
        if space < 0 or space + 1 + step > len(data):
            raise UserError(f"{path} is cut short in vector {row + 1:,} of {count:,}")
        word = data[start:space].lstrip(b"\n")
        if not word:
            raise UserError(f"row {row + 1} of {path} has no word")
        words.append(word)
        matrix[row] = np.frombuffer(data, _FLOAT, dim, space + 1)
        start = space + 1 + step
    if data[start:].strip():
        raise UserError(
            f"{path} promises {count:,} vectors, but {len(data) - start:,} bytes more follow"
        )
    allowed = f"words in UTF-8, after vectors of length {dim:,} as the first line says"
    texts, bad = decoded(words, 0, lambda row: f"row {row + 1} of {path}", allowed)
    return checked(texts, matrix, path, wanted, bad=bad)


def mapped(stream: BinaryIO) -> mmap.mmap | bytes:
    """Map the file, or unpack the rest of a gzipped one."""
    if isinstance(stream, gzip.GzipFile):
        return stream.read()
    return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


# fastText -------------------------------------------------------------------------------------


def read_fasttext(stream: BinaryIO, path: Path, wanted: Wanted) -> Rows:
    """Read the words of an unsupervised model, each the mean of its own row and its n-grams'.

    Those are the vectors of fastText's ``.vec`` and ``print-word-vectors``. N-grams themselves are
    not kept: a word that the model lacks has no vector here.

    Raises:
        UserError: The file is cut short or damaged, or the model is of labels, quantised, or of an
            old version; or a check of ``checked`` fails.
    """
    data = mapped(stream)
    try:
        model = _Model.of(data, path)
    except struct.error as error:
        raise UserError(f"{path} is cut short in the head of a fastText model") from error
    rows = np.frombuffer(data, _FLOAT, model.rows * model.dim, model.start)
    vectors = _averaged(model, rows.reshape(model.rows, model.dim))
    allowed = "words in UTF-8"
    words, bad = decoded(model.words, 0, lambda row: f"row {row + 1} of {path}", allowed)
    return checked(words, vectors, path, wanted, bad=bad, counts=model.counts)


@dataclass(frozen=True)
class _Model:
    """What stands before the matrix."""

    words: list[bytes]
    counts: list[float]
    dim: int
    buckets: int
    shortest: int  # n-gram
    longest: int  # 0: none are used
    rows: int
    start: int  # of the matrix, in bytes

    @classmethod
    def of(cls, data: mmap.mmap | bytes, path: Path) -> _Model:
        _, version, dim, *_, buckets, shortest, longest, _, _ = _HEAD.unpack_from(data)
        if version not in _VERSIONS:
            raise UserError(f"{path} is a fastText model of version {version}", allowed="11, 12")
        entries, words, labels, _, pruned = _SIZES.unpack_from(data, _HEAD.size)
        if labels:
            raise UserError(
                f"{path} is a fastText model of {labels:,} labels, whose vectors are made to tell "
                "them apart",
                allowed="an unsupervised model, skipgram or cbow",
            )
        found, counts, start = _vocabulary(data, _HEAD.size + _SIZES.size, entries, path)
        quantised, rows, columns = _SHAPE.unpack_from(data, start + 8 * max(0, pruned))
        if quantised or pruned > 0:
            raise UserError(
                f"{path} is a quantised fastText model", allowed="the .bin that it was made from"
            )
        start += _SHAPE.size
        fits = columns == dim > 0 and rows >= words + (buckets if longest > 0 else 0)
        if not fits or len(found) != words or rows * columns * 4 > len(data) - start:
            raise UserError(f"{path} is a fastText model that is cut short or damaged")
        return cls(found, counts, dim, buckets, shortest, longest, rows, start)


def _vocabulary(
    data: mmap.mmap | bytes, start: int, entries: int, path: Path
) -> tuple[list[bytes], list[float], int]:
    """Return words, their counts, and where they end."""
    words: list[bytes] = []
    counts: list[float] = []
    for _ in range(entries):
        end = data.find(b"\0", start)
        if end < 0:
            raise UserError(f"{path} is cut short in word {len(words) + 1:,} of {entries:,}")
        words.append(data[start:end])
        counts.append(float(_ENTRY.unpack_from(data, end + 1)[0]))
        start = end + 1 + _ENTRY.size
    return words, counts, start


def _averaged(model: _Model, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    from gensim.models.fasttext import ft_ngram_hashes

    own = rows[: len(model.words)].copy()
    if model.longest <= 0 or model.buckets <= 0:
        return own
    bar = tqdm(model.words, "averaging n-grams", unit=" words", delay=2, leave=False, disable=None)
    for row, word in enumerate(bar):
        if word != _SENTENCE_END:
            text = word.decode("utf-8", "replace")
            hashes = ft_ngram_hashes(text, model.shortest, model.longest, model.buckets)
            grams = rows[len(model.words) + np.array(hashes, dtype=np.intp)]
            own[row] = (own[row] + grams.sum(axis=0, dtype=np.float64)) / (len(grams) + 1)
    return own
