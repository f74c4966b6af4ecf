"""Which words a format can hold, and the checks that every reader ends with."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings, first_not_finite

_SHOWN = 5


def word2vec_holds(word: str) -> bool:
    """Whether a word2vec file, where a word ends at the first space, gives ``word`` back unchanged.

    White space of any kind and control characters are refused, though some would survive gensim:
    other readers split lines and columns at them. A lone surrogate has no UTF-8.
    """
    if word.isprintable() and " " not in word:
        return word != ""
    return not any(c.isspace() or unicodedata.category(c) in ("Cc", "Cs") for c in word)


def refuse_unholdable(words: Sequence[str], path: Path) -> None:
    """Raise a UserError that names the first words that a word2vec file cannot hold."""
    bad = [word for word in words if not word2vec_holds(word)]
    if not bad:
        return
    shown = ", ".join(repr(word) for word in bad[:_SHOWN]) + (", …" if len(bad) > _SHOWN else "")
    raise UserError(
        f"the word2vec format of {path} ends a word at a space, and cannot hold {len(bad):,} of "
        f"the words (empty, or with white space or control characters): {shown}",
        allowed=".npz and .kv, which hold any word",
        next_step=f"{path.with_suffix('.npz').name} as the name",
    )


def checked(
    words: Sequence[str],
    vectors: NDArray[np.floating],
    path: Path,
    place: Callable[[int], str] = lambda row: f"row {row + 1}",
) -> Embeddings:
    """Make ``Embeddings``, saying with the file's name and the ``place`` of a row what is wrong.

    ``vectors`` are the reader's own: float32 ones are taken over without a copy, and frozen.

    Raises:
        UserError: No words, a word repeated, shapes that disagree, or a value that is NaN or
            infinite (also as float32).
    """
    if vectors.ndim != 2 or len(words) != len(vectors) or not vectors.size:
        raise UserError(
            f"{path} holds {len(words):,} words with vectors of shape {vectors.shape}",
            allowed="one vector of length 1 or more for each of 1 or more words",
        )
    with np.errstate(over="ignore"):  # a float64 too large becomes infinity, and is refused below
        matrix = vectors.astype(np.float32, copy=False)
    row = first_not_finite(matrix)
    if row is not None:
        raise UserError(
            f"{place(row)} of {path}: the vector of {words[row]!r} holds NaN, infinity or a number "
            "beyond float32",
            allowed="finite numbers",
        )
    _refuse_repeated(words, path, place)
    matrix.flags.writeable = False
    return Embeddings(words, matrix)


def decoded(word: bytes, path: Path, place: str, allowed: str = "words in UTF-8") -> str:
    """Decode one word, or say where it is not UTF-8."""
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(
            f"{place} of {path}: the word {word[:60]!r} is not UTF-8",
            allowed=allowed,
        ) from None


def _refuse_repeated(words: Sequence[str], path: Path, place: Callable[[int], str]) -> None:
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        if first.setdefault(word, row) != row:
            raise UserError(
                f"{path} holds the word {word!r} twice, in {place(first[word])} and {place(row)}",
                allowed="distinct words",
            )
