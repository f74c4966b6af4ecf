"""The word2vec text format: ``words dimension``, then one line of a word and its numbers each."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.sniff import columns_of, skip_mark, word2vec_header
from debiaslab.vectors.words import BadWord, Wanted, checked, decoded

_ROWS = 1000
_BYTES = 1 << 21


def write(embeddings: Embeddings, path: Path) -> None:
    """Write the text format with 9 significant digits, which give every float32 back exactly."""
    template = "%s" + " %.9g" * embeddings.dim
    with (
        path.open("w", encoding="utf-8", newline="\n") as stream,
        _progress(len(embeddings), "writing vectors") as bar,
    ):
        stream.write(f"{len(embeddings)} {embeddings.dim}\n")
        for start in range(0, len(embeddings), _ROWS):
            words = embeddings.words[start : start + _ROWS]
            rows = embeddings.vectors[start : start + _ROWS].tolist()
            lines = [template % (word, *row) for word, row in zip(words, rows, strict=True)]
            stream.write("\n".join(lines) + "\n")
            bar.update(len(words))


def read(stream: BinaryIO, path: Path, wanted: Wanted, header: bool) -> Embeddings:
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
        given = f"{layout.place(row)} has {len(columns)} numbers after the word {_shown(word)}"
        allowed = f"{dim} numbers, as in the first line (a word with a space in it?)"
        more = columns[: max(0, len(columns) - dim)]
        if not dim or all(_numbers(column) is not None for column in more):
            raise UserError(given, allowed=allowed)
        wrong = BadWord.spaced(row, given, allowed)
        columns = columns[-dim:]
    values = _numbers(b" ".join(columns))
    if values is None:
        bad = next(column for column in columns if _numbers(column) is None)
        raise UserError(f"{layout.place(row)}: {_shown(bad)} is not a number")
    return values, wrong


def _shown(column: bytes) -> str:
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
