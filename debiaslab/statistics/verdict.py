"""What may be said of the difference between two kinds of run that share their seeds.

Each measure gets one of five words. *Lower* and *higher*: a two-sided test of the paired
differences, corrected over the measures that are shown together (Holm 1979). *Equivalent*: two
one-sided t tests against a stated margin (Schuirmann 1987), even where a test finds a difference
inside it. *Nothing to measure*: the first kind does not exceed what random words show, so a fall
would say nothing. *Cannot tell*: the rest, with the number of seeds that a difference of this size
would need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev
from typing import Literal

from debiaslab.errors import UserError
from debiaslab.statistics.paired import Better, Paired, benjamini_hochberg, holm, paired

Test = Literal["sign flips", "t"]
Word = Literal["lower", "higher", "equivalent", "cannot tell", "nothing to measure"]

LEVEL = 0.05
POWER = 0.8
_ROUNDING = 1e-12  # of the largest number; differences that vary less do not vary
MOST_SEEDS = 1_000  # a difference that needs more is not worth a number
_GROWING = (*range(2, 30), *range(30, 100, 5), *range(100, MOST_SEEDS + 1, 50))


@dataclass(frozen=True)
class Contrast:
    """One measure of two kinds of run.

    Attributes:
        first: One number for each seed, such as the baseline's.
        second: The other kind's, for the same seeds in the same order.
        margin: Two numbers closer than this count as the same; None: equivalence is not asked.
        null: What random words reach in the first kind; None where there is no such number.
    """

    first: tuple[float, ...]
    second: tuple[float, ...]
    margin: float | None = None
    null: float | None = None

    def __post_init__(self) -> None:
        if self.margin is not None and not self.margin > 0:
            raise UserError(f"a margin of equivalence must be above 0, got {self.margin:g}")

    @classmethod
    def of(
        cls,
        first: Sequence[float | None],
        second: Sequence[float | None],
        margin: float | None = None,
        null: float | None = None,
    ) -> Contrast | None:
        """Return the contrast over the seeds that measured both; None when there is none."""
        both = [
            (a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None
        ]
        if not both:
            return None
        return cls(tuple(a for a, _ in both), tuple(b for _, b in both), margin, null)

    @cached_property
    def spread(self) -> float | None:
        """The standard deviation of the differences, 0 for rounding errors; None with one seed."""
        differences = [b - a for a, b in zip(self.first, self.second, strict=True)]
        if len(differences) < 2:
            return None
        found = stdev(differences)
        size = max(map(abs, (*self.first, *self.second)))
        return found if found > _ROUNDING * size else 0.0


@dataclass(frozen=True)
class Verdict:
    """What may be said of one measure; differences are second less first.

    Attributes:
        word: The finding.
        contrast: What was compared.
        pair: The paired comparison: difference, 95 % t interval, seeds.
        test: ``"sign flips"``: the exact permutation test of ``pair``, where so many seeds can
            reach the level after correction; else ``"t"``, the paired t test, which takes the
            differences for normal. The numbers of seeds and of measures decide, but differences
            that are all equal have no t. None with one seed.
        p: Two-sided p of that test; None with one seed.
        p_holm: p corrected over the measures shown together (Holm 1979), by which *lower* and
            *higher* are said.
        p_bh: p corrected for the false discovery rate (Benjamini & Hochberg 1995).
        p_equivalent: The larger p of the two one-sided t tests; not corrected. None without margin.
        family: Measures that p is corrected over: those shown together that have two seeds.
    """

    word: Word
    contrast: Contrast
    pair: Paired
    test: Test | None
    p: float | None
    p_holm: float | None
    p_bh: float | None
    p_equivalent: float | None
    family: int

    @cached_property
    def detectable(self) -> float | None:
        """The smallest true difference that so many seeds would find in 80 % of studies.

        By the t test with the spread of these seeds, at the level of the smallest p of the
        family (``LEVEL / family``); None with one seed, or where the differences are all equal.
        """
        spread = self.contrast.spread
        if not spread:  # seeds that agree to rounding say nothing of what others would show
            return None
        return spread * _least(lambda effect: power(effect, self.pair.n, LEVEL / self.family))

    @cached_property
    def seeds_needed(self) -> int | None:
        """Seeds with which a t test would find the observed difference in 80 % of studies.

        More than there are where these cannot tell. None with one seed, without a difference or a
        spread, or above ``MOST_SEEDS``.
        """
        spread, difference = self.contrast.spread, abs(self.pair.difference)
        if not spread or not difference:
            return None
        level = LEVEL / self.family
        for n in _GROWING:
            if self.word == "cannot tell" and n <= self.pair.n:
                continue
            if power(difference / spread, n, level) >= POWER:
                return n
        return None


def verdicts(contrasts: Sequence[Contrast]) -> tuple[Verdict, ...]:
    """Return what may be said of each of the measures that are shown together.

    Raises:
        UserError: A measure without values, or with values that cannot be paired.
    """
    pairs = [paired(each.first, each.second, bootstrap=0) for each in contrasts]
    family = max(1, sum(pair.n > 1 for pair in pairs))
    tests = [_test(pair, each.spread, family) for pair, each in zip(pairs, contrasts, strict=True)]
    known = [p for _, p in tests if p is not None]
    corrected = iter(zip(holm(known), benjamini_hochberg(known), strict=True) if known else ())
    found = []
    for contrast, pair, (test, p) in zip(contrasts, pairs, tests, strict=True):
        p_holm, p_bh = (None, None) if p is None else map(float, next(corrected))
        equivalent = _two_one_sided(pair, contrast)
        word = _word(contrast, pair.difference, p_holm, equivalent)
        found.append(Verdict(word, contrast, pair, test, p, p_holm, p_bh, equivalent, family))
    return tuple(found)


def ranks(
    kinds: Sequence[Sequence[float | None]], better: Better, margin: float
) -> tuple[list[int], list[bool]]:
    """Rank kinds of run by a number; those that cannot be told apart share a rank.

    Args:
        kinds: One number of each kind for each seed, in the same order; None where it was not
            measured.
        better: Which way is better.
        margin: Two numbers closer than this count as the same.

    Returns:
        Of each kind, 1 + how many kinds are better than it by a test that is corrected over all
        pairs of kinds (Holm 1979), and whether it is so better than every other.
    """
    contrasts = {
        (i, j): contrast
        for i in range(len(kinds))
        for j in range(i)
        if (contrast := Contrast.of(kinds[i], kinds[j], margin)) is not None
    }
    found = verdicts(list(contrasts.values()))
    beaten = [0] * len(kinds)
    wins = [0] * len(kinds)
    for (i, j), verdict in zip(contrasts, found, strict=True):
        if verdict.word in ("lower", "higher"):
            worse, best = (
                (i, j) if (verdict.pair.difference > 0) == (better == "higher") else (j, i)
            )
            beaten[worse] += 1
            wins[best] += 1
    return [1 + n for n in beaten], [n == len(kinds) - 1 > 0 for n in wins]


def _word(
    contrast: Contrast, difference: float, p: float | None, p_equivalent: float | None
) -> Word:
    nothing = contrast.null is not None and fmean(contrast.first) <= contrast.null
    if p_equivalent is not None and p_equivalent <= LEVEL:  # though a test may find a difference
        return "nothing to measure" if nothing else "equivalent"
    if p is not None and p <= LEVEL and not (nothing and difference < 0):
        return "lower" if difference < 0 else "higher"
    return "nothing to measure" if nothing else "cannot tell"


def _test(pair: Paired, spread: float | None, family: int) -> tuple[Test | None, float | None]:
    """Return the test that so many seeds allow, and its two-sided p."""
    if spread is None:
        return None, None
    if pair.floor <= LEVEL / family or spread == 0:  # equal differences have no t
        return "sign flips", pair.p
    from scipy.special import stdtr

    t = abs(pair.difference) / (spread / math.sqrt(pair.n))
    return "t", float(2 * stdtr(pair.n - 1, -t))


def _two_one_sided(pair: Paired, contrast: Contrast) -> float | None:
    spread, margin = contrast.spread, contrast.margin
    if margin is None or spread is None:
        return None
    room = margin - abs(pair.difference)  # to the nearer end of the margin
    if spread == 0:
        return 0.0 if room > 0 else 1.0
    from scipy.special import stdtr

    return float(stdtr(pair.n - 1, -room / (spread / math.sqrt(pair.n))))


def power(effect: float, n: int, level: float = LEVEL) -> float:
    """Return how often a paired two-sided t test of ``n`` seeds finds a difference.

    Args:
        effect: The true mean difference in standard deviations of the differences.
        n: Seeds, at least 2.
        level: Of the test.
    """
    from scipy.special import nctdtr, stdtrit

    limit = stdtrit(n - 1, 1 - level / 2)
    shift = abs(effect) * math.sqrt(n)
    wrong_side = nctdtr(n - 1, shift, -limit) if shift < 3 else 0.0  # below 1e-6 from there on
    return float(1 - nctdtr(n - 1, shift, limit) + wrong_side)


def _least(power_of: Callable[[float], float]) -> float:
    """Return the least effect of enough power, by bisection; power grows with the effect."""
    low, high = 0.0, 1.0
    while power_of(high) < POWER:
        low, high = high, 2 * high
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if power_of(middle) < POWER else (low, middle)
    return high
