"""Word lists, groups and pairs in the vectors: rows, what is missing, and saying *not measured*.

The gender direction that pairs give is of Bolukbasi et al. (2016, NeurIPS, section 5.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError
from debiaslab.statistics.bootstrap import NO_INTERVAL, Interval
from debiaslab.vectors.embeddings import Embeddings

MIN_WORDS = 4
"""A set with fewer words than this gives *not measured*, never a number."""

MIN_PAIRS = 2
"""A gender direction needs at least this many definitional pairs."""

FLOAT32_NOISE = 1e-7
"""Cosines of float32 vectors carry rounding of about this size: a smaller spread is no spread."""


def shortlist(words: tuple[str, ...], most: int = 6) -> str:
    """Return ``words`` joined for a sentence, the tail cut to a count."""
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


@dataclass(frozen=True)
class Result:
    """What every metric returns: a number, or the reason why there is none.

    Attributes:
        value: The number; None when not measured.
        interval: Its 95 % interval, a bootstrap over the words where nothing else is said.
        n: Words (or pairs, or questions) that were measured.
        missing: Words that have no vector.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    n: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class Measured(Result):
    """Result of a metric of word lists.

    Attributes:
        scores: What each word is to the metric, by word as the vectors spell it, in the order of
            the list; a word to which the metric is undefined is left out.
        numbers: What this metric says besides, see its docstring. Each is an attribute as well:
            ``result.signed`` is ``result.numbers["signed"]``.
    """

    scores: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """Return one of ``numbers``; called for what is no attribute otherwise."""
        numbers = self.__dict__.get("numbers", {})
        if name in numbers:
            return numbers[name]
        raise AttributeError(f"a result of this metric has no {name!r}, but {', '.join(numbers)}")


# Finding words ----------------------------------------------------------------------------------

_COLLINEAR = 1e-9  # 1 − cosine below this: one direction, up to float32 rounding


@dataclass(frozen=True)
class Found:
    """The words of a list that the vectors have."""

    # the words as the vectors spell them, each once, in the order of the list
    words: tuple[str, ...]
    rows: tuple[int, ...]  # their row numbers
    missing: tuple[str, ...]  # the words of the list, as given, that have no vector


def row_of(embeddings: Embeddings, word: str) -> int | None:
    """Return the row of ``word`` as the vectors write it (see ``written_in``), or None."""
    index = embeddings.index
    if (row := index.get(word)) is not None:  # nearly always
        return row
    written = embeddings.lookup(word)
    return None if written is None else index[written]


def find(embeddings: Embeddings, words: Iterable[str]) -> Found:
    """Look up each word once; a word that is repeated counts once."""
    rows: dict[int, None] = {}
    missing: dict[str, None] = {}
    index = embeddings.index
    for word in words:
        row = index.get(word)
        if row is None and (row := row_of(embeddings, word)) is None:
            missing[word] = None
        else:
            rows[row] = None
    return Found(tuple(embeddings.words[row] for row in rows), tuple(rows), tuple(missing))


def unit_rows(embeddings: Embeddings, rows: Iterable[int]) -> NDArray[np.float64]:
    """Return the float64 unit vectors of ``rows``, shape ``(n, d)``.

    Float64, because the float32 rounding of a cosine (1e-7) reaches the third digit of a
    near-zero association.

    Raises:
        NotMeasuredError: One of the vectors is all zeros, so its cosine is undefined.
    """
    index = np.fromiter(rows, dtype=np.intp)
    vectors = embeddings.vectors[index].astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1)
    if not norms.all():
        zero = tuple(embeddings.words[i] for i in index[norms == 0])
        raise NotMeasuredError(f"all-zero vectors: {shortlist(zero)}")
    unit: NDArray[np.float64] = vectors / norms[:, None]
    return unit


def rows_of(
    embeddings: Embeddings, rows: Iterable[int], *, unit: bool = True
) -> NDArray[np.float64]:
    """Return the float64 vectors of ``rows``, shape ``(n, d)``; of length 1 or as they are."""
    index = list(rows)
    return unit_rows(embeddings, index) if unit else embeddings.vectors[index].astype(np.float64)


def require_directions(name: str, unit: NDArray[np.float64]) -> None:
    """Raise NotMeasuredError when unit vectors, shape ``(n, d)``, all point the same way.

    A collapsed space shows no association at all, which must not look like the absence of bias.
    """
    if (unit @ unit[0]).min() > 1 - _COLLINEAR:
        raise NotMeasuredError(f"the vectors of {name} all point the same way (collapsed)")


def require_enough(name: str, found: Found, least: int = MIN_WORDS) -> None:
    """Raise NotMeasuredError when fewer than ``least`` words of the set ``name`` have a vector."""
    if len(found.words) >= least:
        return
    given = len(found.words) + len(found.missing)
    lost = f" (missing: {shortlist(found.missing)})" if found.missing else ""
    raise NotMeasuredError(
        f"{name} has {len(found.words)} of {given} words in the vectors{lost}, needs {least}"
    )


# Word sets --------------------------------------------------------------------------------------

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


# Pairs and the direction they give ---------------------------------------------------------------

Method = Literal["pca", "mean"]
Pair = tuple[str, str]

HE_SHE: Pair = ("he", "she")


@dataclass(frozen=True)
class FoundPairs:
    """Pairs of words as the vectors have them."""

    pairs: Sequence[Pair]  # as given
    complete: tuple[Pair, ...]  # those with both words in the vectors
    rows: tuple[tuple[int, int], ...]  # the rows of these
    missing: tuple[str, ...]  # the words that make the others incomplete

    @property
    def distinct(self) -> list[tuple[int, int]]:
        """The complete pairs' rows, each once, in the order of the vocabulary."""
        return sorted(set(self.rows))


def find_pairs(embeddings: Embeddings, pairs: Sequence[Pair]) -> FoundPairs:
    """Look up pairs; one with an unknown word is left out whole."""
    known = [(pair, tuple(row_of(embeddings, word) for word in pair)) for pair in pairs]
    complete = [(pair, (a, b)) for pair, (a, b) in known if a is not None and b is not None]
    missing = [
        word for pair, rows in known for word, row in zip(pair, rows, strict=True) if row is None
    ]
    return FoundPairs(
        pairs,
        tuple(pair for pair, _ in complete),
        tuple(rows for _, rows in complete),
        tuple(dict.fromkeys(missing)),
    )


def gender_direction(
    embeddings: Embeddings, pairs: Sequence[Pair] | FoundPairs, *, method: Method = "pca"
) -> NDArray[np.float64]:
    """Return the unit gender direction, shape ``(d,)``, pointing from female to male.

    Args:
        embeddings: The vectors; only their directions are used.
        pairs: Definitional pairs ``(male, female)``; a pair with an unknown word is left out whole.
        method: ``"pca"``: first principal component of both halves of every pair, each pair
            centred on its own mean. ``"mean"``: mean of the differences male − female.

    Raises:
        NotMeasuredError: Fewer than 2 pairs are left, a vector is all zeros, or the halves of the
            pairs do not differ.
        UserError: Unknown ``method``.
    """
    if method not in ("pca", "mean"):
        raise UserError(f"unknown method {method!r} for the gender direction", allowed="pca, mean")
    found = pairs if isinstance(pairs, FoundPairs) else find_pairs(embeddings, pairs)
    if len(found.rows) < MIN_PAIRS:
        lost = f" (missing: {shortlist(found.missing)})" if found.missing else ""
        raise NotMeasuredError(
            f"{len(found.rows)} of {len(found.pairs)} definitional pairs have both words in the "
            f"vectors{lost}, needs {MIN_PAIRS}"
        )
    male = unit_rows(embeddings, (m for m, _ in found.rows))
    female = unit_rows(embeddings, (f for _, f in found.rows))
    differences = male - female
    mean = differences.mean(axis=0)
    if method == "pca":
        # Centred on its mean, a pair is ±(difference / 2): the sign pattern does not change the
        # components, so those of the differences are those of the stacked halves.
        _, sizes, axes = np.linalg.svd(differences, full_matrices=False)
        size, direction = float(sizes[0]), axes[0]
    else:
        size, direction = float(np.linalg.norm(mean)), mean
    if size <= FLOAT32_NOISE:
        raise NotMeasuredError("the two halves of the definitional pairs have the same vectors")
    sign = -1.0 if float(direction @ mean) < 0 else 1.0
    oriented: NDArray[np.float64] = sign * direction / np.linalg.norm(direction)
    return oriented


def pair_difference(embeddings: Embeddings, pair: Pair = HE_SHE) -> NDArray[np.float64]:
    """Return the difference of the two unit vectors of a pair, first less second, shape ``(d,)``.

    Its product with a unit vector is ``cos(w, first) − cos(w, second)``.

    Raises:
        NotMeasuredError: A word of the pair has no vector or an all-zero one, or both have the
            same direction.
    """
    found = find(embeddings, pair)
    require_enough(f"the pair {pair[0]} : {pair[1]}", found, least=2)
    first, second = unit_rows(embeddings, found.rows)
    difference: NDArray[np.float64] = first - second
    if np.linalg.norm(difference) <= FLOAT32_NOISE:
        raise NotMeasuredError(f"{pair[0]} and {pair[1]} have the same vectors")
    return difference


@dataclass(frozen=True)
class PairTurn:
    """Result of :func:`pair_turn`."""

    pair: Pair  # the pair without which the direction turns furthest
    degrees: float  # by how much, in [0, 90]: a direction and its opposite are one axis
    distance: float  # mean length of the differences of the pairs' unit vectors, in [0, 2]


def pair_turn(
    embeddings: Embeddings, pairs: Sequence[Pair], *, method: Method = "pca"
) -> PairTurn | None:
    """Leave out one pair at a time and return the largest turn of the gender direction.

    A direction has length 1 however little the pairs differ: where a strategy makes the words of
    a pair nearly one vector (CDA, tying), what is left between them is noise, most of it of the
    rarest pair, and that becomes the direction.

    Args:
        pairs: Definitional pairs; one with an unknown word is left out whole.

    Returns:
        None where fewer than 3 pairs have vectors, or there is no direction.
    """
    found = find_pairs(embeddings, pairs)
    known = found.complete
    if len(known) <= MIN_PAIRS:
        return None
    without = [[*known[:i], *known[i + 1 :]] for i in range(len(known))]
    try:
        whole, *others = (
            gender_direction(embeddings, each, method=method) for each in (known, *without)
        )
    except NotMeasuredError:
        return None
    turns = [abs(float(whole @ other)) for other in others]
    furthest = int(np.argmin(turns))
    degrees = math.degrees(math.acos(min(1.0, turns[furthest])))
    first, second = (unit_rows(embeddings, side) for side in zip(*found.rows, strict=True))
    distance = float(np.linalg.norm(first - second, axis=1).mean())
    return PairTurn(known[furthest], degrees, distance)
