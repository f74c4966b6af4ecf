"""Words in the order of how they lean to *he* or *she*: the labels of the lipstick tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from debiaslab.lexicons import load
from debiaslab.metrics.gender_direction import HE_SHE, Pair, pair_difference
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.vectors.embeddings import Embeddings

TOP = 50_000
"""Only this many first (most frequent) words of the vectors are looked at."""

LONGEST = 19
"""A candidate has at most this many letters."""

_BLOCK = 1 << 13


@dataclass(frozen=True, eq=False)
class BiasedWords:
    """Candidate words from the most male to the most female, by the vectors that rank them.

    Attributes:
        words: The candidates. Words of equal bias stand in alphabetical order, so that the order
            of the vocabulary has no influence.
        bias: ``cos(w, he) − cos(w, she)`` of each, falling; read-only.
        reason: Why there is no ranking; None when there is.
    """

    words: tuple[str, ...] = ()
    bias: NDArray[np.float64] = field(default_factory=lambda: _frozen(np.zeros(0)))
    reason: str | None = None

    def __len__(self) -> int:
        return len(self.words)

    def within(self, embeddings: Embeddings) -> BiasedWords:
        """Return the ranking of the words that have a vector here which is not all zeros."""
        rows = np.array([embeddings.index.get(word, -1) for word in self.words], dtype=np.intp)
        kept = rows >= 0
        kept[kept] = _nonzero(embeddings, rows[kept])
        if kept.all():
            return self
        words = tuple(word for word, keep in zip(self.words, kept, strict=True) if keep)
        return BiasedWords(words, _frozen(self.bias[kept]), self.reason)

    def require(self) -> None:
        """Raise NotMeasuredError when there is no ranking."""
        if self.reason is not None:
            raise NotMeasuredError(self.reason)


def biased_words(
    baseline: Embeddings,
    *,
    exclude: Iterable[str] | None = None,
    pair: Pair = HE_SHE,
    top: int = TOP,
) -> BiasedWords:
    """Rank words by ``cos(w, he) − cos(w, she)`` (Gonen & Goldberg 2019, NAACL, section 3).

    Args:
        baseline: The vectors that say which words are biased: those before debiasing.
        exclude: Lower-case words that mean a gender. When None, the gender-specific words of
            Bolukbasi et al. (2016), as published. These do not hold first names: in cased vectors
            the capital keeps names out, in lower-cased ones they are among the extremes, unless
            ``lexicons.first_names()`` are excluded too (which takes words such as *will* away).
        pair: The words in the place of *he* and *she*; exchanging them reverses the ranking.
        top: Only the first ``top`` words are looked at, as only frequent words have neighbours
            worth the name; it also keeps the cost of large vocabularies down.

    Returns:
        The candidates: lower-case alphabetic words of at most 19 letters, less ``exclude`` and
        words whose vector is all zeros. A ``reason`` says when one of the pair has no vector.
    """
    try:
        difference = pair_difference(baseline, pair)
    except NotMeasuredError as problem:
        return BiasedWords(reason=str(problem))
    left_out = frozenset(load("gender_specific").words if exclude is None else exclude)
    rows = np.array(
        [row for row, word in enumerate(baseline.words[:top]) if _is_candidate(word, left_out)],
        dtype=np.intp,
    )
    rows = rows[_nonzero(baseline, rows)]
    bias = bias_of(baseline, rows, difference)
    words = np.array([baseline.words[row] for row in rows])
    order = np.lexsort((words, -bias))
    return BiasedWords(tuple(words[order].tolist()), _frozen(bias[order]))


def bias_of(
    embeddings: Embeddings, rows: NDArray[np.intp], difference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``w · difference / ‖w‖`` of rows that are not all zeros, block by block."""
    bias = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK):
        block = embeddings.vectors[rows[start : start + _BLOCK]].astype(np.float64)
        bias[start : start + _BLOCK] = block @ difference / np.linalg.norm(block, axis=1)
    return bias


def unit_float32(embeddings: Embeddings, words: Iterable[str]) -> NDArray[np.float32]:
    """Return the unit vectors of words that have one, shape ``(n, d)``, float32.

    Made block by block: neither all vectors nor a float64 copy of many is held.
    """
    rows = np.array([embeddings.index[word] for word in words], dtype=np.intp)
    unit = np.empty((len(rows), embeddings.dim), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = embeddings.vectors[rows[start : start + _BLOCK]].astype(np.float64)
        unit[start : start + _BLOCK] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return unit


def _is_candidate(word: str, left_out: frozenset[str]) -> bool:
    return len(word) <= LONGEST and word.isalpha() and word == word.lower() and word not in left_out


def _nonzero(embeddings: Embeddings, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    nonzero = np.empty(len(rows), dtype=bool)
    for start in range(0, len(rows), _BLOCK):
        block = embeddings.vectors[rows[start : start + _BLOCK]]
        nonzero[start : start + _BLOCK] = block.any(axis=1)
    return nonzero


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values.flags.writeable = False
    return values
