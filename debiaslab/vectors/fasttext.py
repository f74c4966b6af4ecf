"""fastText's own ``.bin``: the vectors of its words, as fastText itself prints them."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.word2vec_binary import mapped
from debiaslab.vectors.words import Wanted, checked, decoded

_HEAD = struct.Struct("<14id")  # magic, version, 12 settings of the training, subsampling
_SIZES = struct.Struct("<3i2q")  # entries, words, labels, tokens, pruned
_ENTRY = struct.Struct("<qb")  # count, whether a label
_SHAPE = struct.Struct("<?2q")  # whether quantised, rows, columns
_VERSIONS = (11, 12)  # which differ for models of labels only
_FLOAT = np.dtype("<f4")
_SENTENCE_END = b"</s>"


def read(stream: BinaryIO, path: Path, wanted: Wanted) -> Embeddings:
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
