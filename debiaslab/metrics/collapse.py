"""What to look at before numbers are read: collapsed vectors, and lists that do not fit them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from debiaslab.lexicons import Lexicon, SplitHalf
from debiaslab.metrics.null import TOP
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import MIN_PAIRS, MIN_WORDS, Result, find, row_of, shortlist
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Measurement


SAMPLE = 2000
"""Words drawn for the checks that look at directions; enough for any usual dimension."""

_ALIKE = 0.9  # mean cosine of random words; anisotropic but healthy vectors stay below about 0.7
_FLAT = (
    0.05  # effective rank as a share of what the dimension allows; healthy vectors: 0.7 and more
)

_SAME = 0.98  # |cosine| of two words that one cannot tell apart; above what trained vectors show
_BLOCK = 250  # rows against those from their block on: half of all products
_CLUMPED = 0.2  # share of such pairs; 5 clusters or fewer have more, even in a plane it is 0.13


@dataclass(frozen=True)
class Collapse:
    """Result of :func:`collapse`.

    Attributes:
        mean_cosine: Mean cosine over all pairs of the sampled words; near 1 when collapsed.
        effective_rank: Number of directions in use, between 1 and the dimension (Roy & Vetterli
            2007: the exponential of the entropy of the singular values of the unit vectors).
        norm_spread: Standard deviation of the vector lengths over their mean, over all words.
        zero_vectors: Number of all-zero vectors, over all words.
        n: Words sampled for the first two; zero vectors are not among them.
        warning: What looks wrong, in words; None when nothing does.
        same_direction: Share of the pairs of sampled words whose cosine is beyond ±0.98; large
            when the vectors have fallen into a few clusters, which mean cosine and rank can miss.
        collapsed: Whether hardly anything is left to measure: a check of directions failed, or
            fewer than 2 vectors are not all zeros. Some zero vectors are a warning only.
    """

    mean_cosine: float | None
    effective_rank: float | None
    norm_spread: float | None
    zero_vectors: int
    n: int
    warning: str | None
    same_direction: float | None = None
    collapsed: bool = False


def collapse(embeddings: Embeddings, *, seed: int = 0) -> Collapse:
    """Look for collapsed vectors in a seeded sample of at most 2,000 words.

    The direction checks are None with fewer than 2 non-zero vectors.
    """
    squares = np.einsum("ij,ij->i", embeddings.vectors, embeddings.vectors, dtype=np.float64)
    norms = np.sqrt(squares)
    alive = np.flatnonzero(norms)
    zero = len(embeddings) - len(alive)
    if len(alive) < 2:
        warning = _zero_warning(embeddings, norms) if zero else "there is one word only"
        return Collapse(None, None, None, zero, len(alive), warning, collapsed=True)
    rows = np.sort(np.random.default_rng(seed).permutation(alive)[:SAMPLE])
    unit = embeddings.vectors[rows].astype(np.float64) / norms[rows, None]
    mean_cosine, rank = mean_pairwise_cosine(unit), _effective_rank(unit)
    same = _same_direction(unit)
    warnings = []
    if mean_cosine > _ALIKE:
        warnings.append(f"random words have a mean cosine of {mean_cosine:.2f}")
    if rank < max(1.5, _FLAT * min(unit.shape)):
        warnings.append(f"the vectors use {rank:.1f} of {embeddings.dim} directions")
    if same > _CLUMPED:
        warnings.append(
            f"{same:.0%} of pairs of random words lie on one line (cosine beyond ±0.98)"
        )
    spread, few = float(norms.std() / norms.mean()), [_zero_warning(embeddings, norms)] * bool(zero)
    said = "; ".join(few + warnings) or None
    return Collapse(mean_cosine, rank, spread, zero, len(rows), said, same, bool(warnings))


def _zero_warning(embeddings: Embeddings, norms: NDArray[np.float64]) -> str:
    zero = np.flatnonzero(norms == 0)
    said = f"{len(zero):,} of {len(embeddings):,} vectors are all zeros"
    if len(zero) == len(embeddings):
        return said
    return f"{said}: {shortlist(tuple(embeddings.words[row] for row in zero))}"


def mean_pairwise_cosine(unit: NDArray[Any]) -> float:
    """Return the mean cosine over all pairs of two or more unit rows, shape ``(n, d)``.

    ``(|sum of rows|² − n) / (n (n − 1))``: nothing n × n is made.
    """
    n = len(unit)
    total = unit.sum(axis=0, dtype=np.float64)
    return float((total @ total - n) / (n * (n - 1)))


def _same_direction(unit: NDArray[np.float64]) -> float:
    """Share of all pairs of different rows that point the same way or opposite ways."""
    n, single = len(unit), unit.astype(np.float32)
    alike = -n  # a row and itself
    for start in range(0, n, _BLOCK):
        rows = single[start : start + _BLOCK]
        cosines = rows @ single[start:].T
        same = np.abs(cosines, out=cosines) > _SAME
        later = np.count_nonzero(same[:, len(rows) :])  # their pairs count twice
        alike += int(np.count_nonzero(same) + later)
    return alike / (n * (n - 1))


def _effective_rank(unit: NDArray[np.float64]) -> float:
    singular = np.sqrt(np.clip(np.linalg.eigvalsh(unit.T @ unit), 0.0, None))
    shares = singular[singular > 0] / singular.sum()
    return math.exp(-float(shares @ np.log(shares)))


@record_metric(
    "collapse",
    citation="effective rank: Roy & Vetterli 2007, EUSIPCO",
    family="collapse",
    better={"mean_cosine": "near 0", "effective_rank": "higher", "zero_vectors": "lower"},
    needs="vectors",
)
def records(measurement: Measurement) -> Iterator[Record]:
    """Checks that tell collapsed vectors from unbiased ones."""
    embeddings, effort = measurement.embeddings, measurement.effort
    result = collapse(embeddings, seed=effort.seed_of("collapse"))
    few = "fewer than 2 vectors are not all zeros"
    checks: dict[str, tuple[float | None, int]] = {
        "mean_cosine": (result.mean_cosine, result.n),
        "effective_rank": (result.effective_rank, result.n),
        "norm_spread": (result.norm_spread, len(embeddings)),
        "zero_vectors": (float(result.zero_vectors), len(embeddings)),
    }
    said = ("warning", "same_direction", "collapsed")
    extra = {name: getattr(result, name) for name in said}
    for name, (value, n) in checks.items():
        found = Result(value, n=n, reason=few if value is None else None)
        yield Record.of(found, "collapse", name, "all", extra)


DRAWS = 200
HALVES: tuple[SplitHalf, ...] = ("tune", "report")


@dataclass(frozen=True)
class ListCheck:
    """A word list in a set of vectors."""

    name: str
    words: int  # how many words it has
    found: tuple[str, ...]  # the words as the vectors spell them
    missing: tuple[str, ...]  # the words, as published, that have no vector
    halves: Mapping[SplitHalf, tuple[int, int]]  # half → (words found, words listed)
    # 25, 50 and 75 % quantiles of the frequency rank (1 = first row) of the words found; None
    # when there is none
    ranks: tuple[int, int, int] | None
    # mean cosine over the pairs of words found; None with fewer than 2 vectors that are not
    # all zeros
    coherence: float | None
    # 2.5 and 97.5 % quantiles of the coherence of random lists as long; None where
    # ``coherence`` is, or when there are too few words to draw from
    random: tuple[float, float] | None
    warnings: tuple[str, ...]  # one sentence each


@dataclass(frozen=True)
class SetsCheck:
    """A list of pairs, or of definitional sets, in a set of vectors."""

    name: str
    sets: int  # how many it has
    found: int  # how many have all of their words
    missing: tuple[tuple[str, ...], ...]  # the others
    halves: Mapping[SplitHalf, tuple[int, int]]  # half → (sets found, sets in that half)
    warnings: tuple[str, ...]  # one sentence each


class ListChecker:
    """Checks lists in one set of vectors, the most frequent words first.

    Args:
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
