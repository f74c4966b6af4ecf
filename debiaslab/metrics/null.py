"""The random-word null: what a metric shows when its words are nobody's stereotype.

Random words stand in for the neutral words of a metric (the targets of WEAT, the occupations of
direct bias); its gender words stay. Sets are drawn from the most frequent words, less a set of
words to leave out. Taken in the vectors measured, a null says what "no bias" looks like there;
taken in the baseline's vectors, it is the yardstick that does not move with what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import gender_words
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import find
from debiaslab.vectors.embeddings import Embeddings

DRAWS = 10_000
TOP = 10_000
QUANTILE = 0.95
LEAST_DEFINED = 0.5
"""A null needs a metric that is defined for at least this share of its random sets."""

BLOCK = 250_000
"""Numbers given to a metric at a time: 2 MB, which stays in the processor's cache."""

_FEW, _KEPT = 1_000, 1 << 20  # words, and numbers, up to which drawn sets are kept in memory
_PART = 512  # vectors made float64 at a time, for the same reason

_S = TypeVar("_S", bound=np.generic)
Array = NDArray[np.float64]
SetMetric = Callable[..., Array]
"""``metric(S1, S2, …) → values``: one array for each set, the first axis counts draws."""


@dataclass(frozen=True, eq=False)
class RandomWords:
    """The words that may be drawn: frequent, not left out, not all zeros.

    Attributes:
        embeddings: The vectors they come from.
        rows: Their row numbers, shape ``(m,)``, rising.
        lengths: The lengths of their vectors, shape ``(m,)``.
        zeros: Words that would be drawn if their vector were not all zeros.
    """

    embeddings: Embeddings
    rows: NDArray[np.intp]
    lengths: Array
    zeros: int = 0

    @cached_property
    def unit(self) -> Array:
        """Unit vectors of the words, shape ``(m, d)``."""
        unit = np.empty((len(self.rows), self.embeddings.vectors.shape[1]))
        for part, vectors in _parts(self.embeddings, self.rows):
            np.divide(vectors, self.lengths[part, None], out=unit[part])
        return unit

    def scores(self, score: Callable[[Array], Array], *, unit: bool = True) -> Array:
        """Return what ``score`` makes of each word's unit vector, or of its vector as it is.

        Args:
            score: Takes vectors, shape ``(b, d)``, and returns shape ``(b, …)``. Vectors as they
                are come some at a time: no copy of all is ever made.
            unit: Whether the vectors have length 1.
        """
        if unit:
            return score(self.unit)
        return np.concatenate([score(vectors) for _, vectors in _parts(self.embeddings, self.rows)])

    def excluding(self, values: NDArray[_S], rows: Iterable[int]) -> NDArray[_S]:
        """Return ``values``, one for each word, without those of the words in ``rows``."""
        return values[~np.isin(self.rows, np.fromiter(rows, dtype=np.intp))]


def random_words(
    embeddings: Embeddings, exclude: Iterable[str] = (), top: int = TOP
) -> RandomWords:
    """Return the words to draw from: the first ``top`` of the vectors, less ``exclude``.

    Words whose vector is all zeros are left out too, and counted. One call serves every null in the
    same vectors.
    """
    first = np.arange(min(top, len(embeddings.vectors)))
    lengths = np.empty(len(first))
    for part, vectors in _parts(embeddings, first):
        lengths[part] = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    wanted = np.ones(len(first), dtype=bool)
    wanted[[row for row in find(embeddings, exclude).rows if row < len(first)]] = False
    usable = wanted & (lengths > 0)
    zeros = int(np.count_nonzero(wanted & ~usable))
    rows = np.flatnonzero(usable)
    return RandomWords(embeddings, rows, lengths[rows], zeros)


def _parts(embeddings: Embeddings, rows: NDArray[np.intp]) -> Iterator[tuple[slice, Array]]:
    """Yield which of ``rows`` come next, and their vectors in float64, shape ``(b, d)``."""
    for start in range(0, max(1, len(rows)), _PART):  # one empty part where there are no rows
        part = slice(start, min(start + _PART, len(rows)))
        yield part, embeddings.vectors[rows[part]].astype(np.float64)


def null_of(
    metric: SetMetric,
    embeddings: Embeddings,
    sizes: Sequence[int],
    *,
    draws: int = DRAWS,
    seed: int = 0,
    **drawn: Any,
) -> Array:
    """Return a metric of ``draws`` random collections of word sets, shape ``(draws,)``.

    A metric that first makes one number (or a few) of each word by itself is much faster through
    :func:`null_from`, which never sees a vector, and returns and raises the same.

    Args:
        metric: Takes one array of unit vectors for each set, shape ``(b, n_i, d)``, and returns
            the values of the ``b`` collections, shape ``(b,)``. It holds its fixed words itself.
        sizes: Words in each set; the sets of one draw are disjoint, without replacement.
        drawn: Which words may be, see :func:`random_words`: ``exclude`` the fixed words of the
            metric too.
    """
    words = random_words(embeddings, **drawn)
    return null_from(metric, words.unit, sizes, draws=draws, seed=seed)


def null_from(
    metric: SetMetric, scores: Array, sizes: Sequence[int], *, draws: int = DRAWS, seed: int = 0
) -> Array:
    """Return a metric of random sets of scores that were computed once for each word.

    Args:
        metric: Takes one array of scores for each set, shape ``(b, n_i)`` or ``(b, n_i, k)``,
            and returns shape ``(b,)``.
        scores: What each word that may be drawn is to the metric, shape ``(m,)`` or ``(m, k)``.
        sizes: Words in each set; the sets of one draw are disjoint, without replacement.

    Returns:
        One value a draw; NaN where the metric is undefined for the sets drawn, such as ECT of words
        that are all equally near. ``null_band`` and ``null_p`` leave these out and count them.

    Raises:
        NotMeasuredError: Too few words are left to draw from, or the metric is undefined for more
            than half of the draws.
    """
    size = sum(sizes)
    if min(sizes) < 1:
        raise NotMeasuredError("a set without words has no null")
    if len(scores) < size:
        each = " against ".join(map(str, sizes))
        raise NotMeasuredError(f"a null of {each} words needs {size} words, {len(scores)} are left")
    kept = len(scores) <= _FEW and draws * size <= _KEPT
    drawn = (_dealt if kept else _dealt.__wrapped__)(len(scores), size, draws, seed)
    ends = np.cumsum(sizes)[:-1]
    step = max(1, BLOCK // max(1, size * (scores[0].size if len(scores) else 1)))
    values = np.empty(draws)
    for start in range(0, draws, step):
        sets = np.split(scores[drawn[start : start + step]], ends, axis=1)
        values[start : start + step] = metric(*sets)
    require_defined(values)
    return values


def require_defined(values: Array) -> None:
    """Raise NotMeasuredError when a metric is undefined (not finite) for most of its random sets.

    A measured value is defined itself, so the sets that are as well are what it is to be held
    against; but where most are not, the few that are left are no picture of random words.
    """
    undefined = int(np.count_nonzero(~np.isfinite(values)))
    if undefined > (1 - LEAST_DEFINED) * len(values):
        raise NotMeasuredError(
            f"the metric is undefined for {undefined:,} of {len(values):,} sets of random words: "
            f"a null needs {LEAST_DEFINED:.0%} of them"
        )


def mean(scores: Array) -> Array:
    """Mean score of each set, ``(b, n) → (b,)``: the metric of most per-word scores."""
    means: Array = scores.mean(axis=1)
    return means


def difference_of_means(x: Array, y: Array) -> Array:
    """Mean score of the first set less that of the second: the WEAT statistic."""
    return mean(x) - mean(y)


@lru_cache(maxsize=16)  # the runs of a study share words and seeds
def _dealt(n: int, size: int, draws: int, seed: int) -> NDArray[np.int32]:
    """Return what :func:`disjoint` does: the fewer words there are, the longer it takes."""
    dealt = disjoint(n, size, draws, np.random.default_rng(seed))
    dealt.flags.writeable = False
    return dealt


def disjoint(n: int, size: int, draws: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return ``draws`` ordered samples without replacement of ``size`` out of ``n``.

    All ``n`` are shuffled and dealt out, hand after hand, then shuffled again: each sample is
    uniform, and its cost does not grow with the square of its size. Hands of one shuffle share no
    word, which narrows the error of a quantile a little, if anything.
    """
    hands = n // size
    dealt = np.empty((draws, size), dtype=np.int32)
    for start in range(0, draws, hands):
        wanted = min(hands, draws - start)
        dealt[start : start + wanted] = rng.permutation(n)[: wanted * size].reshape(-1, size)
    return dealt


@dataclass(frozen=True)
class NullBand:
    """What random words show on one metric.

    Attributes:
        median: Middle value: the metric's zero, whatever its scale (MAC's is near 1).
        low: 2.5 % quantile.
        high: 97.5 % quantile.
        size95: 95 % quantile of the distance from 0, for signed metrics.
        draws: Random collections of sets that were drawn.
        undefined: How many of these the metric has no value for; the others are the null.
    """

    median: float
    low: float
    high: float
    size95: float
    draws: int
    undefined: int = 0

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies in the middle 95 % of what random words show."""
        return self.low <= value <= self.high


def null_band(values: Array) -> NullBand:
    """Sum up the values of random sets, shape ``(draws,)``, at least one of them finite.

    The others are sets for which the metric is undefined: they are counted and left out.
    """
    defined = values[np.isfinite(values)]
    low, median, high = np.quantile(defined, [0.025, 0.5, 0.975]).tolist()
    size = float(np.quantile(np.abs(defined), QUANTILE))
    return NullBand(median, low, high, size, len(values), len(values) - len(defined))


def null_p(values: Array, value: float) -> float:
    """Return the two-sided p of ``value`` among the values of random sets that have one.

    Twice the smaller tail, ``(hits + 1) / (draws + 1)`` (Phipson & Smyth 2010), at most 1. The
    question is another than that of a permutation test: not "do these targets differ from each
    other more than by chance", but "do they differ more than random words do".
    """
    defined = values[np.isfinite(values)]
    above, below = (int(np.count_nonzero(side)) for side in (defined >= value, defined <= value))
    return min(1.0, 2 * (min(above, below) + 1) / (len(defined) + 1))


# The words that nulls are drawn from, and what a record says of them ----------------------------

_T = TypeVar("_T")

_NAMES = ("median", "low", "high", "p", "draws", "undefined", "zeros", "reason")
_NONE: Mapping[str, float | str | None] = {f"null_{name}": None for name in _NAMES}


@dataclass(frozen=True, eq=False)
class NullCache:
    """Random words of one set of vectors; a null that was drawn is not drawn again.

    Attributes:
        words: The words to draw from.
        suffix: What follows the names of its numbers: empty in the vectors measured,
            ``"_baseline"`` in those before debiasing.
    """

    words: RandomWords
    suffix: str = ""
    _drawn: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, embeddings: Embeddings, suffix: str = "") -> NullCache:
        """Draw from the first 10,000 words less every gender word."""
        return cls(random_words(embeddings, gender_words()), suffix)

    def once(self, key: Hashable, draw: Callable[[], _T]) -> _T:
        """Return what ``draw`` returned when it was first called with this key."""
        if key not in self._drawn:
            self._drawn[key] = draw()
        found: _T = self._drawn[key]
        return found

    def named(self, suffix: str) -> NullCache:
        """Return the same words and nulls under another suffix."""
        return NullCache(self.words, suffix, self._drawn)


Null = Callable[[NullCache, Record, Resampling], Array]
"""``null(yardstick, record, effort) → values``, shape ``(draws,)``, of ``record.n`` words each."""


def null_numbers(
    values: Array | str | None, value: float | None, zeros: int
) -> Mapping[str, float | str | None]:
    """Return what a record says of its null.

    Args:
        values: Of the random sets, or why there are none.
        value: Of the record.
        zeros: Words that are never drawn, for their vector is all zeros.
    """
    if value is None or values is None:
        return _NONE
    if isinstance(values, str):
        return {**_NONE, "null_reason": values}
    band = null_band(values)
    return {
        "null_median": band.median,
        "null_low": band.low,
        "null_high": band.high,
        "null_p": null_p(values, value),
        "null_draws": band.draws,
        "null_undefined": band.undefined,
        "null_zeros": zeros,
        "null_reason": None,
    }


def with_null(
    record: Record,
    null: Null,
    yardsticks: Sequence[NullCache],
    effort: Resampling,
    key: str = "value",
    numbers: Callable[..., Mapping[str, Any]] = null_numbers,
) -> Record:
    """Return a record with what random words show in its place, in ``extra``.

    ``null_median``, ``null_low`` and ``null_high`` (2.5 % and 97.5 % of random sets of the same
    size) and ``null_p`` (two-sided, of the record's value among them; not corrected for how many
    there are), with the suffix of each yardstick after each name. In the vectors measured they are
    what "no bias" looks like there; in the baseline's, a fixed reference while debiasing shrinks
    the other. ``null_undefined`` of the ``null_draws`` sets drawn are left out: the metric is
    undefined for them; ``null_zeros`` words are never drawn, for their vector is all zeros. All are
    None when there is no value. When there is no null, for too few words or because most sets are
    undefined, ``null_reason`` says so.

    Args:
        null: What random words show in the place of its words.
        yardsticks: Where they are drawn from.
        effort: Whose seed the draws have.
        key: Which number of the record is compared with them, its value or one of ``extra``.
        numbers: What the record says of them, see :func:`null_numbers`.
    """
    extra, number = dict(record.extra), record.number(key)
    for yardstick in yardsticks:
        values = None if number is None else _values(record, null, yardstick, effort)
        found = numbers(values, number, yardstick.words.zeros)
        extra |= {f"{name}{yardstick.suffix}": each for name, each in found.items()}
    return replace(record, extra=extra)


def _values(record: Record, null: Null, yardstick: NullCache, effort: Resampling) -> Array | str:
    def draw() -> Array | str:
        try:
            return null(yardstick, record, effort)
        except NotMeasuredError as problem:  # the value stands without a yardstick
            return str(problem)

    key = (record.metric, record.name, record.words, record.n, record.missing, effort.seed)
    return yardstick.once(key, draw)
