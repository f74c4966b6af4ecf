"""Rows of some words: read as unit vectors, or changed in a copy of the vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.regularizers.postprocess import DebiasWords
from debiaslab.vectors.embeddings import Embeddings

Matrix = NDArray[np.float64]

_BLOCK = 1 << 13  # rows in float64 at a time: a copy of all vectors would not always fit
_VANISHED = 1e-6  # of a length: what is left is rounding, and has no direction to be scaled along


def changed(
    embeddings: Embeddings, words: Iterable[str], change: Callable[[Matrix], Matrix]
) -> Embeddings:
    """Return the embeddings with the vectors of some words changed, all others bit for bit equal.

    Args:
        embeddings: The vectors; not changed.
        words: Whose vectors are changed; words without a vector are passed over.
        change: From rows ``(n, d)`` in float64 to as many; called for some of them at a time.
    """
    vectors = embeddings.vectors.copy()
    rows = np.array([embeddings.index[w] for w in words if w in embeddings.index], dtype=np.intp)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        vectors[block] = change(vectors[block].astype(np.float64))
    return frozen(embeddings.words, vectors)


def frozen(words: tuple[str, ...], vectors: NDArray[np.float32]) -> Embeddings:
    """Return embeddings around an array that is theirs from now on."""
    vectors.flags.writeable = False
    return Embeddings(words, vectors)


def scaled_like(changed: Matrix, original: Matrix) -> Matrix:
    """Return changed rows with the lengths of the originals; a row that vanished becomes zero."""
    lengths = np.linalg.norm(changed, axis=1, keepdims=True)
    wanted = np.linalg.norm(original, axis=1, keepdims=True)
    left = lengths > _VANISHED * wanted
    scaled: Matrix = np.where(left, changed * (wanted / np.where(left, lengths, 1.0)), 0.0)
    return scaled


def unit_vectors(embeddings: Embeddings, words: Iterable[str]) -> Matrix:
    """Return the unit vectors of words that are known, ``(n, d)``; zero for a zero vector."""
    return units(embeddings.vectors[[embeddings.index[word] for word in words]])


def units(rows: NDArray[np.floating]) -> Matrix:
    """Return rows scaled to length 1, in float64; an all-zero row stays zero."""
    rows = rows.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Matrix = rows / np.where(lengths > 0, lengths, 1.0)
    return unit


def unit_blocks(embeddings: Embeddings, words: Sequence[str]) -> Iterator[Matrix]:
    """Yield the unit vectors of known words, some rows at a time."""
    for start in range(0, len(words), _BLOCK):
        yield unit_vectors(embeddings, words[start : start + _BLOCK])


def with_gender_words(embeddings: Embeddings, words: DebiasWords) -> tuple[str, ...]:
    """Return the covered words and every gender word of the vectors, in the vectors' order.

    Under cover ``all`` that is the whole vocabulary; under another, what it leaves out is missing.
    """
    moved = {*words.neutral, *(word for pair in words.pairs for word in pair)}
    gender = lexicons.gender_words()
    return tuple(word for word in embeddings.words if word in moved or word.lower() in gender)
