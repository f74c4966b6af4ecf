"""Post-processing strategies: they change vectors that are finished."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.regularizers.registry import Stage, Strategy
from debiaslab.regularizers.words import (
    Cover,
    Coverage,
    Pair,
    PairChoice,
    check_pairs,
    covered_words,
    gender_pairs,
)
from debiaslab.vectors.embeddings import Embeddings, units
from debiaslab.vectors.words import written_pairs


@dataclass(frozen=True)
class DebiasWords:
    """The words of the vectors that a post-processing strategy is given, by role."""

    pairs: tuple[Pair, ...]  # (male, female) that define gender
    neutral: tuple[str, ...]  # non-gender words it may change, by the vectors' order
    pairs_missing: tuple[Pair, ...] = ()

    def coverage(self, vocabulary: Sequence[str], cover: Cover) -> Coverage:
        """Return what of a vocabulary these words are."""
        return Coverage.of(vocabulary, cover, self.neutral, (*self.pairs, *self.pairs_missing))


class Eraser(ABC):
    """What fitting leaves: a small frozen artefact that changes vectors."""

    @abstractmethod
    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order."""


@dataclass(frozen=True)
class PostProcess(Strategy):
    """Something done to vectors after training; works on any vectors."""

    # "tune": report pairs stay unseen; "all": they are covered, and still never tuned on
    pairs: PairChoice = field(default="tune", kw_only=True)

    stage: ClassVar[Stage] = "post"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pairs(self.pairs)

    def check_words(self, words: DebiasWords, vocabulary: frozenset[str]) -> None:
        """Refuse a vocabulary without the words it needs besides the pairs: before training.

        Args:
            words: What it will be given.
            vocabulary: All words that will have vectors.

        Raises:
            UserError: They are missing.
        """

    @abstractmethod
    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Learn from vectors what is to be removed from them.

        Args:
            words: Which words define gender, and which may be changed.
            seed: Seed of everything that is drawn.

        Raises:
            UserError: The vectors lack the words the strategy needs.
        """


def debias_words(
    vocabulary: Sequence[str], cover: Cover = "all", choice: PairChoice = "tune"
) -> DebiasWords:
    """Return the words that post-processing is given for a vocabulary, as it writes them.

    Raises:
        UserError: Fewer than two gender pairs, or no word to change, are in the vocabulary.
    """
    pairs = gender_pairs(choice)
    found, missing = written_pairs(frozenset(vocabulary), pairs)
    if len(found) < 2:
        raise UserError(
            f"{len(found)} of the {len(pairs)} gender pairs are in the vectors",
            allowed="vectors with at least two, such as " + ", ".join(map("/".join, pairs[:2])),
        )
    neutral = tuple(covered_words(vocabulary, cover))
    if not neutral:
        raise UserError(f"cover {cover!r} holds no word of the vectors", next_step="--cover all")
    return DebiasWords(tuple(found), neutral, tuple(missing))


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


@dataclass(frozen=True, eq=False)
class AffineMap(Eraser):
    """w ← w − (w − c) Dᵀ for the words it covers; no other word changes."""

    D: Matrix  # what is taken away, ``(d, d)``: identity minus the map
    center: NDArray[np.float64]  # c, ``(d,)``, which the map leaves in place
    words: tuple[str, ...]  # the words it covers
    keep_lengths: bool = False  # whether the results are scaled to the old lengths

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order."""
        return changed(embeddings, self.words, self._map)

    def _map(self, rows: Matrix) -> Matrix:
        mapped: Matrix = rows - (rows - self.center) @ self.D.T
        return scaled_like(mapped, rows) if self.keep_lengths else mapped
