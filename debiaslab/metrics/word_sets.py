"""Any number of word sets (two genders, three races, …): reading, finding and pairing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.metrics.measured import NotMeasuredError, shortlist
from debiaslab.metrics.vocabulary import Found, find, require_enough, unit_rows
from debiaslab.vectors.embeddings import Embeddings

WordSets = Mapping[str, Sequence[str]] | Sequence[Sequence[str]]
"""Named word sets, or word sets that are called by their number."""

MIN_GROUP_WORDS = 2
"""A group (a race, a religion) needs this many words: published lists give some of them three."""

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class GroupPair:
    """One number for two groups; see the metric for its sign."""

    first: str
    second: str
    value: float


@dataclass(frozen=True)
class FoundSets:
    """Word sets as the vectors have them."""

    names: tuple[str, ...]
    found: tuple[Found, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Words of any set that have no vector."""
        return tuple(dict.fromkeys(word for each in self.found for word in each.missing))

    @property
    def sizes(self) -> dict[str, int]:
        """How many words of each set have a vector."""
        return {name: len(each.words) for name, each in zip(self.names, self.found, strict=True)}

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The numbers of every two sets, the first before the second."""
        return list(combinations(range(len(self.names)), 2))

    def require(self, least: int = MIN_GROUP_WORDS) -> None:
        """Raise NotMeasuredError when a set is too small or two sets share a word."""
        for name, each in zip(self.names, self.found, strict=True):
            require_enough(name, each, least)
        for i, j in self.pairs:
            shared = set(self.found[j].words)
            both = tuple(word for word in self.found[i].words if word in shared)
            if both:
                raise NotMeasuredError(
                    f"on both sides, in {self.names[i]} and in {self.names[j]}: {shortlist(both)}"
                )

    def unit(self, embeddings: Embeddings) -> list[Rows]:
        """Return the unit rows of each set; all-zero vectors raise NotMeasuredError."""
        return [unit_rows(embeddings, in_order(each)) for each in self.found]

    def unit_means(self, embeddings: Embeddings) -> Rows:
        """Return the mean of the unit rows of each set, shape ``(sets, d)``."""
        return np.array([rows.mean(axis=0) for rows in self.unit(embeddings)])


def find_sets(embeddings: Embeddings, sets: WordSets) -> FoundSets:
    """Look up two or more word sets.

    Raises:
        UserError: One list of words was given where several are needed, or fewer than two sets.
    """
    if not isinstance(sets, Mapping):
        if any(isinstance(each, str) for each in sets):
            raise UserError(
                "one list of words was given where word sets are compared",
                allowed='two or more, such as {"male": ["he", …], "female": ["she", …]}',
            )
        sets = {f"set {number}": words for number, words in enumerate(sets, start=1)}
    if len(sets) < 2:
        raise UserError(f"{len(sets)} word sets were given", allowed="two or more")
    return FoundSets(tuple(sets), tuple(find(embeddings, words) for words in sets.values()))


def union(words: Sequence[str] | WordSets) -> list[str]:
    """Return the words of one list, or of all sets, each once."""
    lists = words.values() if isinstance(words, Mapping) else words
    return list(
        dict.fromkeys(
            word for each in lists for word in ((each,) if isinstance(each, str) else each)
        )
    )


def in_order(found: Found) -> list[int]:
    """Return the rows in the order of the vocabulary.

    Sums and seeded draws made over them are the same whatever the order of the list.
    """
    return sorted(found.rows)
