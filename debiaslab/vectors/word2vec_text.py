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
from debiaslab.vectors.sniff import word2vec_header
from debiaslab.vectors.words import checked, decoded

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


def read(stream: BinaryIO, path: Path, header: bool) -> Embeddings:
    """Read text with a word2vec header, or without one (GloVe), as gensim does.

    Nothing is allocated by what the header promises: a lie costs no memory.

    Raises:
        UserError: A line has the wrong number of columns, no word or no number (with its line
            number), the header disagrees with the lines, or a check of ``checked`` fails.
    """
    count, dim = _sizes(stream, header)
    first_line = 2 if header else 1
    words: list[str] = []
    blocks: list[NDArray[np.float32]] = []
    with _progress(count, "reading vectors") as bar:
        while lines := stream.readlines(_BYTES):
            block = _parse(lines, dim, path, first_line + len(words))
            words += block.words
            blocks.append(block.values)
            bar.update(len(block.words))
            if len(block.words) < len(lines):
                _refuse_more(stream, path, first_line + len(words))
    if count is not None and count != len(words):
        raise UserError(
            f"the first line of {path} promises {count:,} words, but {len(words):,} follow",
            allowed="as many lines as promised" + (" (cut short?)" if len(words) < count else ""),
        )
    matrix = np.concatenate(blocks) if blocks else np.empty((0, dim), np.float32)
    return checked(words, matrix, path, lambda row: f"line {first_line + row}")


@dataclass(frozen=True)
class _Block:
    """Some lines of a file: ``n`` words, and values of shape ``(n, d)``."""

    words: list[str]
    values: NDArray[np.float32]


def _parse(lines: list[bytes], dim: int, path: Path, first_line: int) -> _Block:
    """Parse lines at C speed; when they are not all regular, line by line, to name the bad one."""
    parts = [line.rstrip().partition(b" ") for line in lines]
    tails = [tail for _, _, tail in parts]
    values = None
    if dim and all(word and tail.count(b" ") == dim - 1 for word, _, tail in parts):
        values = _numbers(b"\n".join(tails))
    if values is None or len(values) != len(lines) * dim:
        while parts and parts[-1] == (b"", b"", b""):  # blank lines may end the file
            parts.pop()
        rows = [
            _row(word, tail, dim, path, first_line + i) for i, (word, _, tail) in enumerate(parts)
        ]
        values = np.concatenate(rows) if rows else np.empty(0, np.float32)
    words = _words([word for word, _, _ in parts], path, first_line)
    return _Block(words, values.reshape(len(words), dim))


def _row(word: bytes, tail: bytes, dim: int, path: Path, line: int) -> NDArray[np.float32]:
    columns = tail.split()
    if not word:
        raise UserError(f"line {line} of {path} does not start with a word")
    if len(columns) != dim:
        raise UserError(
            f"line {line} of {path} has {len(columns)} numbers after the word {_shown(word)}",
            allowed=f"{dim} numbers, as in the first line (a word with a space in it?)",
        )
    values = _numbers(b" ".join(columns))
    if values is None:
        bad = next(column for column in columns if _numbers(column) is None)
        raise UserError(f"line {line} of {path}: {_shown(bad)} is not a number")
    return values


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


def _words(words: list[bytes], path: Path, first_line: int) -> list[str]:
    try:
        return b"\n".join(words).decode("utf-8").split("\n") if words else []
    except UnicodeDecodeError:
        return [decoded(w, path, f"line {first_line + i}") for i, w in enumerate(words)]


def _refuse_more(stream: BinaryIO, path: Path, line: int) -> None:
    while lines := stream.readlines(_BYTES):
        if any(rest.strip() for rest in lines):
            raise UserError(f"line {line} of {path} is blank, and more lines follow")


def _sizes(stream: BinaryIO, header: bool) -> tuple[int | None, int]:
    first = stream.readline()
    sizes = word2vec_header(first) if header else None
    if sizes is None:
        stream.seek(0)
        return None, len(first.split()) - 1
    return sizes


def _progress(total: int | None, label: str) -> tqdm[NoReturn]:
    return tqdm(total=total, desc=label, unit=" words", delay=2, leave=False, disable=None)
