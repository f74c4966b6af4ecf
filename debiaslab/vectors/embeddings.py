"""Words and one float32 matrix: what training makes, and what every metric and export reads."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, nearest, spellings

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from debiaslab.vectors import BadWords

_BLOCK = 1 << 14


def first_not_finite(matrix: NDArray[np.floating]) -> int | None:
    """Return the first row of ``matrix``, shape ``(V, d)``, with NaN or infinity, or None."""
    for start in range(0, len(matrix), _BLOCK):
        finite = np.isfinite(matrix[start : start + _BLOCK])
        if not finite.all():
            return start + int(np.argmin(finite.all(axis=1)))
    return None


def _is_frozen(array: object) -> bool:
    """Whether an array and everything it is a view of are read-only."""
    if not isinstance(array, np.ndarray):
        return False
    owner: object = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return False
        owner = owner.base
    return owner is None or isinstance(owner, bytes)


class Embeddings:
    """An immutable vocabulary with one vector a word.

    Args:
        words: ``V`` distinct words, usually by falling frequency.
        vectors: Array of shape ``(V, d)``; copied to float32 and made read-only. A float32 array
            that nobody can write to any more (read-only, with all that it is a view of) is kept
            without a copy.

    Raises:
        UserError: The shapes disagree, a word is repeated, or a value is NaN or infinite (also as
            float32).
    """

    def __init__(self, words: Sequence[str], vectors: NDArray[np.floating]) -> None:
        with np.errstate(over="ignore"):  # becomes infinity, which is refused below
            matrix = np.array(
                vectors, dtype=np.float32, order="C", copy=None if _is_frozen(vectors) else True
            )
        if matrix.ndim != 2 or len(words) != len(matrix):
            raise UserError(
                f"{len(words)} words came with vectors of shape {matrix.shape}",
                allowed="one row of one length for each word",
            )
        bad = first_not_finite(matrix)
        if bad is not None:
            raise UserError(
                f"the vector of {words[bad]!r} holds NaN or infinity",
                next_step="train again with a smaller --lr or --weight",
            )
        matrix.flags.writeable = False
        self.words: tuple[str, ...] = tuple(words)
        self.vectors: NDArray[np.float32] = matrix
        self.index: dict[str, int] = {word: i for i, word in enumerate(self.words)}
        if len(self.index) != len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self.index[word] != i)
            raise UserError(
                f"the word {twice!r} appears twice in the vectors", allowed="distinct words"
            )

    @classmethod
    def load(
        cls,
        path: str | Path,
        words: str | Path | Sequence[str] | None = None,
        *,
        bad_words: BadWords = "refuse",
        frequencies: Mapping[str, float] | None = None,
    ) -> Embeddings:
        """Read a vector file of any known format, told by its content (see ``vectors.read``).

        Args:
            path: The file; a bare ``.npy`` array has its words in a text file beside it.
            words: For a bare array, where else its words are: a path, or the words themselves.
            bad_words: ``"skip"`` leaves out words that are not UTF-8 or repeat an earlier one.
            frequencies: How often words occur; else as the file says, where it does. The most
                frequent words then come first.
        """
        from debiaslab.vectors import read

        return read(path, words, bad_words=bad_words, frequencies=frequencies)

    def save(self, path: str | Path, format: str | None = None) -> Path:
        """Write ``.txt``, ``.bin``, ``.kv`` or ``.npz``, by ending (see ``vectors.write``)."""
        from debiaslab.vectors import write

        return write(self, path, format)

    @classmethod
    def from_keyed_vectors(cls, keyed: KeyedVectors) -> Embeddings:
        """Copy the words and vectors of gensim's ``KeyedVectors``, by its counts if it has some."""
        from debiaslab.vectors.frequency import falling

        counts = keyed.expandos.get("count")
        order = None if counts is None else falling(counts)
        if order is None:
            return cls(keyed.index_to_key, keyed.vectors)
        return cls([keyed.index_to_key[row] for row in order], keyed.vectors[order])

    def to_keyed_vectors(self) -> KeyedVectors:
        """Return a copy as gensim's ``KeyedVectors``, in the same order."""
        from gensim.models import KeyedVectors

        keyed = KeyedVectors(vector_size=self.dim, dtype=np.float32)
        keyed.add_vectors(list(self.words), self.vectors)
        return keyed

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and _equivalent(self.index, word) is not None

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        return self.vectors[self.index[self._known(word)]]

    def __repr__(self) -> str:
        return f"Embeddings({len(self):,} words, dimension {self.dim})"

    @property
    def dim(self) -> int:
        """Length ``d`` of each vector."""
        return self.vectors.shape[1]

    @cached_property
    def unit(self) -> NDArray[np.float32]:
        """The vectors scaled to length 1, shape ``(V, d)``; an all-zero vector stays zero.

        Lengths are taken in float64, where no float32 overflows or underflows when squared.
        """
        unit = np.empty_like(self.vectors)
        for start in range(0, len(self), _BLOCK):
            block = self.vectors[start : start + _BLOCK].astype(np.float64)
            norms = np.linalg.norm(block, axis=1, keepdims=True)
            unit[start : start + _BLOCK] = block / np.where(norms > 0, norms, 1.0)
        unit.flags.writeable = False
        return unit

    def split(self, words: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return ``(found, missing)``, each as and in the order given."""
        found: list[str] = []
        missing: list[str] = []
        for word in words:
            (found if word in self else missing).append(word)
        return found, missing

    def lookup(self, word: str) -> str | None:
        """Return ``word`` as the vocabulary writes it (see ``written_in``), or None."""
        return written_in(self.index, word)

    def rows(self, words: Iterable[str]) -> NDArray[np.float32]:
        """Return the unit vectors of ``words``, shape ``(n, d)``; every word must be known."""
        return self.unit[[self.index[self._known(word)] for word in words]]

    def cosine(self, word1: str, word2: str) -> float:
        """Return the cosine of two known words, in [−1, 1] (0 for an all-zero vector)."""
        value = float(self.rows([word1])[0] @ self.rows([word2])[0])
        return max(-1.0, min(1.0, value))

    def neighbors(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the ``n`` words with the highest cosine to ``word``, without ``word`` itself.

        Equal cosines stand in the order of the vocabulary.

        Raises:
            UserError: The word is unknown, or ``n`` is less than 1.
        """
        if n < 1:
            raise UserError(f"{n} neighbours were asked for", allowed="1 or more")
        row = self.index[self._known(word)]
        cosines = self.unit @ self.unit[row]
        cosines[row] = -np.inf
        n = min(n, len(self) - 1)
        if n == 0:
            return []
        least = np.partition(cosines, -n)[-n]
        near = np.flatnonzero(cosines >= least)
        top = near[np.argsort(-cosines[near], kind="stable")][:n]
        return [(self.words[i], float(np.clip(cosines[i], -1.0, 1.0))) for i in top]

    def _known(self, word: str) -> str:
        if (known := _equivalent(self.index, word)) is not None:
            return known
        close = (known for known in self.words if abs(len(known) - len(word)) <= 2)
        raise UserError(
            f"the word {word!r} is not among the {len(self):,} words of these vectors",
            nearest=self.lookup(word) or nearest(word, close),
        )


def written_in(vocabulary: Container[str], word: str) -> str | None:
    """Return ``word`` as a vocabulary writes it, or None when it lacks the word.

    The one rule by which this package finds a word in vectors or in a vocabulary. Tried in turn:
    *word* as given, in lower case (vectors of lower-cased text), *Word*, *WORD* (a lower-cased
    list finds its names and acronyms in cased vectors, which may have *Mary* and *NASA* only), and
    each word of it capitalised; then the same with ``_`` for a space (*Promised_Land*). Each is
    tried in both of Unicode's canonical forms: *ö* may be one character or o with a mark.
    """
    if word in vocabulary:  # nearly always
        return word
    for form in (word, word.lower(), word.capitalize(), word.upper(), word.title()):
        if (found := _equivalent(vocabulary, form)) is not None:
            return found
    return written_in(vocabulary, word.replace(" ", "_")) if " " in word else None


def _equivalent(vocabulary: Container[str], word: str) -> str | None:
    """Return the spelling of ``word`` that a vocabulary has, in the same case, or None."""
    return next((form for form in spellings(word) if form in vocabulary), None)


def written_pairs(
    vocabulary: Container[str], pairs: Iterable[tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return pairs of words ``(found, missing)``: as the vocabulary writes them, and as given."""
    found: list[tuple[str, str]] = []
    missing: list[tuple[str, str]] = []
    for pair in pairs:
        first, second = (written_in(vocabulary, word) for word in pair)
        if first is None or second is None:
            missing.append(pair)
        else:
            found.append((first, second))
    return found, missing
