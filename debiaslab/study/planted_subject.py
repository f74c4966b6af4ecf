"""What a metric of the planted-bias control is given: words, gender words, random words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from debiaslab.lexicons import load, load_pairs
from debiaslab.metrics import Record
from debiaslab.metrics.biased_words import biased_words
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.neighbor_bias import NeighborShares, neighbor_shares
from debiaslab.metrics.null import RandomWords, mean, null_from
from debiaslab.metrics.null_band import null_band
from debiaslab.metrics.scorecard import finite
from debiaslab.metrics.vocabulary import find, unit_rows
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]

DRAWS = 2_000
PAIRS = "definitional_pairs"


class Result(Protocol):
    """What every result of a metric has."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Words without a vector."""

    @property
    def reason(self) -> str | None:
        """Why there is no value."""


class ResultWithValue(Result, Protocol):
    """What a result has whose one number is asked for."""

    @property
    def value(self) -> float | None:
        """The number."""


@dataclass(frozen=True)
class Subject:
    """One set of words, and what it is held against.

    Attributes:
        name: ``planted`` or ``control``.
        embeddings: The vectors.
        words: The words.
        against: The second targets of WEAT, and the other half of what RNSB compares.
        pool: The words that random sets are drawn from.
        neighbors: The lean of the neighbours of all words, those of the pool among them.
        seed: Seed of the random sets.
        apart: Whether every other word has the opposite dose.
    """

    name: str
    embeddings: Embeddings
    words: Sequence[str]
    against: Sequence[str]
    pool: RandomWords
    neighbors: NeighborShares
    seed: int
    apart: bool = False

    @property
    def targets(self) -> tuple[Sequence[str], Sequence[str]]:
        """X and Y of WEAT."""
        return (self.words[::2], self.words[1::2]) if self.apart else (self.words, self.against)

    @cached_property
    def groups(self) -> dict[str, Sequence[str]]:
        """The male and the female words."""
        return {side: load(f"{side}_words").words for side in ("male", "female")}

    @cached_property
    def reversed_groups(self) -> dict[str, Sequence[str]]:
        """The female words first: RND is positive when words are nearer to the second group."""
        return dict(reversed(self.groups.items()))

    @cached_property
    def unit(self) -> tuple[Array, Array]:
        """Unit vectors of the male and the female words."""
        male, female = (
            unit_rows(self.embeddings, find(self.embeddings, words).rows)
            for words in self.groups.values()
        )
        return male, female

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs that give the gender direction."""
        return load_pairs(PAIRS).pairs

    @cached_property
    def size(self) -> int:
        """How many of the words have a vector."""
        return len(find(self.embeddings, self.words).words)

    @cached_property
    def male_shares(self) -> dict[str, float]:
        """The share of male-leaning words among the neighbours of each word."""
        return dict(zip(self.neighbors.words, self.neighbors.shares, strict=True))

    def mean_null(self, scores: Array) -> Array:
        """Return the mean score of random sets as large as the words."""
        return null_from(mean, scores, (self.size,), draws=DRAWS, seed=self.seed)

    def held_against(
        self,
        other: object,
        metric: str,
        measure: Callable[..., ResultWithValue],
        null: Callable[..., Array],
        *,
        draws: int = DRAWS,
    ) -> Record:
        """Return the record of a metric that holds the words against groups of words, or pairs."""
        result = measure(self.embeddings, self.words, other, bootstrap=0)
        return self.record(
            metric,
            result.value,
            result,
            lambda: null(self.pool, other, self.size, draws=draws, seed=self.seed),
        )

    def record(
        self, metric: str, value: float | None, result: Result, null: Callable[[], Array]
    ) -> Record:
        """Return the record of a metric with what random words show, see ``measure_planted``."""
        extra: dict[str, float | str | None] = dict.fromkeys(
            (
                *("null_median", "null_low", "null_high"),
                *("null_undefined", "null_zeros", "null_reason"),
            )
        )
        if value is not None:
            try:
                band = null_band(null())
                extra |= {
                    "null_median": band.median,
                    "null_low": band.low,
                    "null_high": band.high,
                    "null_undefined": band.undefined,
                    "null_zeros": self.pool.zeros,
                }
            except NotMeasuredError as problem:  # the value stands without a null
                extra["null_reason"] = str(problem)
        return Record(
            metric=metric,
            name=self.name,
            words="all",
            value=finite(value),
            n=self.size,
            missing=result.missing,
            reason=result.reason,
            extra=extra,
        )


def neighbors_of(embeddings: Embeddings, words: Sequence[str]) -> NeighborShares:
    """Return the lean of the neighbours of words, in vectors that are their own baseline."""
    return neighbor_shares(embeddings, embeddings, biased_words(embeddings), words)
