"""The word2vec binary format: a text header, then word, space and ``d`` float32 each."""

from __future__ import annotations

import gzip
import mmap
from pathlib import Path
from typing import BinaryIO

import numpy as np

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.sniff import word2vec_header
from debiaslab.vectors.words import Wanted, checked, decoded

_FLOAT = np.dtype("<f4")


def write(embeddings: Embeddings, path: Path) -> None:
    """Write the binary format as gensim does, without a line end after each vector."""
    with path.open("wb") as stream:
        stream.write(f"{len(embeddings)} {embeddings.dim}\n".encode())
        for word, row in zip(embeddings.words, embeddings.vectors.astype(_FLOAT), strict=True):
            stream.write(word.encode("utf-8") + b" " + row.tobytes())


def read(stream: BinaryIO, path: Path, wanted: Wanted) -> Embeddings:
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
            f"more, but only {len(data) - start:,} follow (cut short?)",
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
