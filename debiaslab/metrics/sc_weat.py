"""Single-category WEAT, one word against two attribute sets (Caliskan et al. 2017, the WEFAT)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import NO_INTERVAL, RESAMPLES, Interval, bootstrap_mean
from debiaslab.metrics.measured import FLOAT32_NOISE, MIN_WORDS, NotMeasuredError
from debiaslab.metrics.permutation import TIE, subset_masks
from debiaslab.metrics.vocabulary import find, require_directions, require_enough, unit_rows
from debiaslab.metrics.word_sets import FoundSets, in_order
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]

DRAWS = 10_000
ALPHA = 0.05


@dataclass(frozen=True)
class WordAssociation:
    """One word: ``d`` (scale-free), ``s`` in cosine units, and its p-values (None: no test)."""

    word: str
    effect_size: float
    statistic: float
    p: float | None = None
    p_two_sided: float | None = None


@dataclass(frozen=True)
class ScWeat:
    """Result of :func:`sc_weat`.

    Attributes:
        value: Mean size of the words' effect sizes ``|d|``; None when not measured.
        interval: Bootstrap interval of ``value`` over the words.
        statistic: Mean size of ``s``, in cosine units: what to compare across spaces.
        signed: Mean of ``d``: on which side the words lie as a whole (positive: A).
        significant: Share of words with a two-sided p of at most 0.05, uncorrected; words
            without any association show about 0.05.
        words: Every word that has an effect size, in the order of the list.
        method: ``"exact"`` or ``"monte_carlo"``; None when no test was made.
        permutations: Relabellings of the attributes looked at.
        p_floor: The smallest p the test can give.
        n: Words that have a vector.
        sizes: Words of A and B that have one.
        missing: Words of any list that have none.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    statistic: float | None = None
    signed: float | None = None
    significant: float | None = None
    words: tuple[WordAssociation, ...] = ()
    method: Literal["exact", "monte_carlo"] | None = None
    permutations: int = 0
    p_floor: float | None = None
    n: int = 0
    sizes: tuple[int, int] = (0, 0)
    missing: tuple[str, ...] = ()
    reason: str | None = None


def sc_weat(
    embeddings: Embeddings,
    words: Sequence[str],
    A: Sequence[str],
    B: Sequence[str],
    *,
    ddof: int = 1,
    permutations: int = DRAWS,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> ScWeat:
    """Measure, word by word, whether it goes with attributes A rather than B.

    ``s(w, A, B) = mean over a of cos(w, a) − mean over b of cos(w, b)``;
    ``d(w) = s(w, A, B) / std over x in A ∪ B of cos(w, x)``.
    The p-values permute the labels A and B of the attribute words, the same relabellings for
    every word: all of them up to 200,000, else ``permutations`` seeded ones without replacement,
    with ``p = (hits + 1) / (permutations + 1)``.

    Args:
        embeddings: The vectors.
        words: The words to measure; repeated words count once.
        A: First attribute words, at least 4.
        B: Second attribute words, at least 4, none of them in A.
        ddof: 1 for the sample standard deviation, 0 for the population one.
        permutations: Monte Carlo relabellings where there are too many to list; 0 for no test.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of both.

    Returns:
        A result whose ``reason`` is set when there are no words, fewer than 4 attributes on a
        side, all-zero or collapsed vectors, or no word with any spread.
    """
    found = find(embeddings, words)
    attributes = FoundSets(("A", "B"), (find(embeddings, A), find(embeddings, B)))
    sizes = attributes.sizes
    empty = ScWeat(
        n=len(found.words),
        sizes=(sizes["A"], sizes["B"]),
        missing=tuple(dict.fromkeys(found.missing + attributes.missing)),
    )
    try:
        require_enough("the word list", found, 1)
        attributes.require(MIN_WORDS)
        a, b = attributes.unit(embeddings)
        rows = unit_rows(embeddings, found.rows)
        require_directions("A and B", np.concatenate([a, b]))
        if len(rows) > 1:
            require_directions("the word list", rows)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    statistics, effects = single_category(rows, a, b, ddof=ddof)
    defined = np.isfinite(effects)
    if not defined.any():
        return replace(empty, reason="no word has any spread over the attributes")
    sizes_of_d = np.abs(effects[defined])
    result = replace(
        empty,
        value=float(sizes_of_d.mean()),
        interval=bootstrap_mean(sizes_of_d, bootstrap, seed),
        statistic=float(np.abs(statistics[defined]).mean()),
        signed=float(effects[defined].mean()),
    )
    known = [word for word, kept in zip(found.words, defined, strict=True) if kept]
    if not permutations:
        rest: list[tuple[float | None, float | None]] = [(None, None)] * len(known)
    else:
        # The columns stand in the order of the vocabulary, so that neither the order of the
        # lists nor swapping A and B changes which words a seeded draw takes.
        columns = np.argsort([*in_order(attributes.found[0]), *in_order(attributes.found[1])])
        cosines = (rows[defined] @ np.concatenate([a, b]).T)[:, columns]
        test = _label_test(cosines, columns < len(a), permutations, seed)
        rest = list(zip(test.p.tolist(), test.p_two_sided.tolist(), strict=True))
        result = replace(
            result,
            significant=float((test.p_two_sided <= ALPHA).mean()),
            method=test.method,
            permutations=test.permutations,
            p_floor=test.floor,
        )
    each = zip(known, effects[defined].tolist(), statistics[defined].tolist(), rest, strict=True)
    return replace(result, words=tuple(WordAssociation(w, d, s, *p) for w, d, s, p in each))


def single_category(rows: Vector, a: Vector, b: Vector, *, ddof: int = 1) -> tuple[Vector, Vector]:
    """Return ``s`` and ``d`` of unit rows, each shape ``(n,)``; NaN where ``d`` has no spread.

    Args:
        rows: Unit rows of the words, shape ``(n, d)``.
        a: Unit rows of A.
        b: Unit rows of B.
        ddof: See :func:`sc_weat`.
    """
    cosines = rows @ np.concatenate([a, b]).T
    statistics: Vector = cosines[:, : len(a)].mean(axis=1) - cosines[:, len(a) :].mean(axis=1)
    spreads = cosines.std(axis=1, ddof=ddof)
    effects = np.full(len(rows), np.nan)
    np.divide(statistics, spreads, out=effects, where=spreads > FLOAT32_NOISE)
    return statistics, effects


@dataclass(frozen=True)
class _LabelTest:
    p: Vector
    p_two_sided: Vector
    method: Literal["exact", "monte_carlo"]
    permutations: int
    floor: float


def _label_test(cosines: Vector, is_a: NDArray[np.bool_], draws: int, seed: int) -> _LabelTest:
    """Permute the labels of the columns of ``cosines``, shape ``(words, attributes)``."""
    n, n_a = len(is_a), int(is_a.sum())
    centred = cosines - cosines.mean(axis=1, keepdims=True)
    tie = TIE * np.abs(cosines).max(axis=1)
    observed = centred[:, is_a].sum(axis=1)
    # The sum of A is less the sum of B, as all columns sum to 0: the smaller side is drawn.
    size, sign = (n_a, 1.0) if 2 * n_a <= n else (n - n_a, -1.0)
    method, total, blocks = subset_masks(n, size, draws=draws, seed=seed)
    one, two = np.zeros(len(cosines)), np.zeros(len(cosines))
    for masks in blocks:
        sums = sign * (masks.astype(np.float64) @ centred.T)
        one += (sums >= observed - tie).sum(axis=0)
        two += (np.abs(sums) >= np.abs(observed) - tie).sum(axis=0)
    extra = int(method == "monte_carlo")
    of = total + extra
    return _LabelTest((one + extra) / of, (two + extra) / of, method, total, 1 / of)
