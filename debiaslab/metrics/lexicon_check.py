"""How well word lists fit a set of vectors: coverage, frequency, coherence, halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from debiaslab.lexicons import Lexicon, SplitHalf
from debiaslab.metrics.collapse import mean_pairwise_cosine
from debiaslab.metrics.null import TOP
from debiaslab.metrics.vocabulary import MIN_PAIRS, MIN_WORDS, find, row_of
from debiaslab.vectors.embeddings import Embeddings

DRAWS = 200
HALVES: tuple[SplitHalf, ...] = ("tune", "report")


@dataclass(frozen=True)
class ListCheck:
    """A word list in a set of vectors.

    Attributes:
        name: Name of the list.
        words: How many words it has.
        found: The words as the vectors spell them.
        missing: The words, as published, that have no vector.
        halves: Half → (words found, words listed).
        ranks: 25, 50 and 75 % quantiles of the frequency rank (1 = first row) of the words found;
            None when there is none.
        coherence: Mean cosine over the pairs of words found; None with fewer than 2 vectors that
            are not all zeros.
        random: 2.5 and 97.5 % quantiles of the coherence of random lists as long; None where
            ``coherence`` is, or when there are too few words to draw from.
        warnings: One sentence each.
    """

    name: str
    words: int
    found: tuple[str, ...]
    missing: tuple[str, ...]
    halves: Mapping[SplitHalf, tuple[int, int]]
    ranks: tuple[int, int, int] | None
    coherence: float | None
    random: tuple[float, float] | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class SetsCheck:
    """A list of pairs, or of definitional sets, in a set of vectors.

    Attributes:
        name: Name of the list.
        sets: How many it has.
        found: How many have all of their words.
        missing: The others.
        halves: Half → (sets found, sets in that half).
        warnings: One sentence each.
    """

    name: str
    sets: int
    found: int
    missing: tuple[tuple[str, ...], ...]
    halves: Mapping[SplitHalf, tuple[int, int]]
    warnings: tuple[str, ...]


class ListChecker:
    """Checks lists in one set of vectors, the most frequent words first.

    Args:
        embeddings: The vectors.
        draws: Random lists for each length; 0 for none.
        seed: Their seed. They are drawn from the first 10,000 vectors that are not all zeros.
    """

    def __init__(self, embeddings: Embeddings, *, draws: int = DRAWS, seed: int = 0) -> None:
        self._embeddings = embeddings
        self._draws = draws
        self._seed = seed
        self._frequent = _unit(embeddings, range(min(TOP, len(embeddings))))
        self._random = cache(self._random_lists)

    def words(self, lexicon: Lexicon) -> ListCheck:
        """Check a word list."""
        found = find(self._embeddings, lexicon.cased)
        missing = {word.lower() for word in found.missing}
        halves = {
            half: (sum(word.lower() not in missing for word in listed), len(listed))
            for half in HALVES
            for listed in [lexicon.half(half)]
        }
        unit = _unit(self._embeddings, found.rows)
        coherence = mean_pairwise_cosine(unit) if len(unit) > 1 else None
        return ListCheck(
            name=lexicon.name,
            words=len(lexicon.words),
            found=found.words,
            missing=found.missing,
            halves=halves,
            ranks=_ranks(found.rows),
            coherence=coherence,
            random=None if coherence is None else self._random(len(unit)),
            warnings=_few(lexicon.name, halves, MIN_WORDS, "words"),
        )

    def sets(
        self,
        name: str,
        sets: Sequence[tuple[str, ...]],
        by_half: Mapping[SplitHalf, Sequence[tuple[str, ...]]],
    ) -> SetsCheck:
        """Check pairs, or definitional sets: one counts when all of its words are found."""
        missing = tuple(each for each in sets if not self._has(each))
        halves = {
            half: (sum(map(self._has, listed)), len(listed)) for half, listed in by_half.items()
        }
        return SetsCheck(
            name=name,
            sets=len(sets),
            found=len(sets) - len(missing),
            missing=missing,
            halves=halves,
            warnings=_few(name, halves, MIN_PAIRS, "whole sets"),
        )

    def _has(self, words: tuple[str, ...]) -> bool:
        return all(row_of(self._embeddings, word) is not None for word in words)

    def _random_lists(self, size: int) -> tuple[float, float] | None:
        if size > len(self._frequent) or not self._draws:
            return None
        rng = np.random.default_rng([self._seed, size])
        values = []
        for _ in range(self._draws):
            rows = rng.choice(len(self._frequent), size, replace=False, shuffle=False)
            values.append(mean_pairwise_cosine(self._frequent[rows]))
        low, high = np.quantile(np.array(values, dtype=np.float64), [0.025, 0.975])
        return float(low), float(high)


def _unit(embeddings: Embeddings, rows: Sequence[int]) -> NDArray[np.float32]:
    """Return the unit vectors of ``rows`` that are not all zeros."""
    vectors = embeddings.vectors[np.fromiter(rows, dtype=np.intp)].astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1)
    unit: NDArray[np.float32] = (vectors[norms > 0] / norms[norms > 0, None]).astype(np.float32)
    return unit


def _ranks(rows: Sequence[int]) -> tuple[int, int, int] | None:
    if not rows:
        return None
    low, middle, high = np.quantile(np.array(rows) + 1, [0.25, 0.5, 0.75])
    return round(low), round(middle), round(high)


def _few(
    name: str, halves: Mapping[SplitHalf, tuple[int, int]], least: int, what: str
) -> tuple[str, ...]:
    few = [
        f"{found} of {listed} in {half}"
        for half, (found, listed) in halves.items()
        if found < least
    ]
    if not few:
        return ()
    return (f"{name}: {' and '.join(few)}; a half is measured from {least} {what} on",)
