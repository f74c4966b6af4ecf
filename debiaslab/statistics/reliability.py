"""Would the same measure give the same answer again? Over training seeds, and over rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from debiaslab.errors import UserError
from debiaslab.metrics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample,
    spearman,
)
from debiaslab.metrics.gender_direction import Pair
from debiaslab.metrics.vocabulary import FLOAT32_NOISE, MIN_WORDS, NotMeasuredError, row_of
from debiaslab.statistics.word_scores import RULES, Rule, word_scores
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]

_NO_SPREAD = 1e-12  # of the largest square: what summing leaves of scores that are all the same


@dataclass(frozen=True)
class Reliability:
    """Agreement of several measurements of the same words.

    Attributes:
        icc: Intraclass correlation; 1 when the measurements agree, about 0 when they are noise
            (it can fall below 0). None when not measured.
        interval: 95 % bootstrap interval over the words.
        kind: ``"ICC(2,1)"`` or ``"ICC(3,1)"`` (Shrout & Fleiss 1979).
        rank_correlation: Mean Spearman's ρ over all pairs of measurements; None where a
            measurement gives all words the same score.
        n: Words.
        measurements: Seeds, or rules.
        missing: Words left out because some vectors do not have them.
        reason: Why there is no ``icc``.
    """

    icc: float | None = None
    interval: Interval = NO_INTERVAL
    kind: str = "ICC(2,1)"
    rank_correlation: float | None = None
    n: int = 0
    measurements: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


def icc2(scores: ArrayLike) -> float:
    """Return ICC(2,1): two-way random effects, absolute agreement, one measurement.

    ``(MSR − MSE) / (MSR + (k−1) MSE + k (MSC − MSE) / n)`` for ``n`` words (rows, MSR) measured
    ``k`` times (columns, MSC): Shrout & Fleiss (1979). A seed that shifts all words lowers it.

    Raises:
        NotMeasuredError: Fewer than 2 rows or columns, or all scores are the same.
        UserError: Not a table of finite numbers.
    """
    table = _table(scores)
    return float(_iccs(table[None], agreement=True)[0])


def icc3(scores: ArrayLike) -> float:
    """Return ICC(3,1): two-way mixed effects, consistency, one measurement.

    ``(MSR − MSE) / (MSR + (k−1) MSE)``; a measurement that shifts all words does not lower it.
    Raises as :func:`icc2`.
    """
    table = _table(scores)
    return float(_iccs(table[None], agreement=False)[0])


def retest_reliability(
    vectors: Sequence[Embeddings],
    words: Sequence[str],
    pairs: Sequence[Pair],
    rule: Rule = "projection",
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Reliability:
    """Measure how far the biases of words agree between trainings that differ in the seed.

    ICC(2,1) over words × seeds, as Du, Fang & Nguyen (2021, EMNLP) do: seeds are a sample of all
    seeds, and the score itself, not only the order of the words, is to come out again.

    Args:
        vectors: Vectors of the same corpus and settings, one for each seed.
        words: Words to score; those that some vectors lack are left out.
        pairs: Gender pairs.
        rule: How a word is scored, see ``word_scores``.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with fewer than 2 seeds or 4 words.
    """
    known = [w for w in dict.fromkeys(words) if all(row_of(e, w) is not None for e in vectors)]
    missing = tuple(w for w in dict.fromkeys(words) if w not in set(known))
    n, k = len(known), len(vectors)
    try:
        if k < 2 or n < MIN_WORDS:
            raise NotMeasuredError(
                f"{n} words in each of {k} vectors: needs {MIN_WORDS} words and 2 seeds"
            )
        table = np.stack([word_scores(each, known, pairs, rule) for each in vectors], axis=1)
        return _reliability(table, True, missing, bootstrap, seed)
    except NotMeasuredError as problem:
        return Reliability(n=n, measurements=k, missing=missing, reason=str(problem))


def inter_rule(
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    rules: Sequence[Rule] = RULES,
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Reliability:
    """Measure how far several scoring rules agree on the same words: inter-rater consistency.

    ICC(3,1) over words × rules (Du, Fang & Nguyen 2021), each rule's scores brought to standard
    deviation 1 first, for the rules have different units. Other arguments as in
    :func:`retest_reliability`; ``reason`` is set with fewer than 4 words or 2 rules.
    """
    known = [word for word in dict.fromkeys(words) if row_of(embeddings, word) is not None]
    missing = tuple(word for word in dict.fromkeys(words) if row_of(embeddings, word) is None)
    n, k = len(known), len(rules)
    try:
        if k < 2 or n < MIN_WORDS:
            raise NotMeasuredError(f"{n} words by {k} rules: needs {MIN_WORDS} words and 2 rules")
        table = np.stack([word_scores(embeddings, known, pairs, r) for r in rules], axis=1)
        spreads = table.std(axis=0, ddof=1)
        if not (spreads > FLOAT32_NOISE).all():
            raise NotMeasuredError("a rule gives all words the same score")
        return _reliability(table / spreads, False, missing, bootstrap, seed)
    except NotMeasuredError as problem:
        return Reliability(
            kind="ICC(3,1)", n=n, measurements=k, missing=missing, reason=str(problem)
        )


def _reliability(
    table: Array, agreement: bool, missing: tuple[str, ...], bootstrap: int, seed: int
) -> Reliability:
    icc = icc2(table) if agreement else icc3(table)
    interval = NO_INTERVAL
    if bootstrap:
        drawn = resample(len(table), bootstrap, np.random.default_rng(seed))
        interval = percentile_interval(_iccs(table[drawn], agreement))
    return Reliability(
        icc=icc,
        interval=interval,
        kind="ICC(2,1)" if agreement else "ICC(3,1)",
        rank_correlation=_rank_correlation(table),
        n=table.shape[0],
        measurements=table.shape[1],
        missing=missing,
    )


def _rank_correlation(table: Array) -> float | None:
    k = table.shape[1]
    values = [spearman(table[:, i], table[:, j]) for i in range(k) for j in range(i)]
    return None if np.isnan(values).any() else float(np.mean(values))


def _iccs(tables: Array, agreement: bool) -> Array:
    """Return the ICC of each table, ``(b, n, k) → (b,)``; NaN where it is 0 / 0."""
    n, k = tables.shape[1:]
    grand = tables.mean(axis=(1, 2), keepdims=True)
    rows = tables.mean(axis=2, keepdims=True) - grand
    columns = tables.mean(axis=1, keepdims=True) - grand
    residuals = tables - grand - rows - columns
    msr = k * (rows**2).sum(axis=(1, 2)) / (n - 1)
    msc = n * (columns**2).sum(axis=(1, 2)) / (k - 1)
    mse = (residuals**2).sum(axis=(1, 2)) / ((n - 1) * (k - 1))
    below = msr + (k - 1) * mse + (k * (msc - mse) / n if agreement else 0.0)
    iccs = np.full(len(tables), np.nan)
    np.divide(msr - mse, below, out=iccs, where=below > 0)
    return iccs


def _table(scores: ArrayLike) -> Array:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise UserError(
            f"scores of shape {table.shape} are no table of numbers",
            allowed="one row a word and one column a measurement, finite",
        )
    if min(table.shape) < 2:
        raise NotMeasuredError(
            f"{table.shape[0]} words measured {table.shape[1]} times: needs 2 of each"
        )
    if np.ptp(table) ** 2 <= _NO_SPREAD * float((table**2).max()):
        raise NotMeasuredError("all scores are the same: there is nothing to agree on")
    return table
