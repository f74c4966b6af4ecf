"""Factual association: do occupations lean to women where women do the work?

After the word-embedding factual association test of Caliskan, Bryson & Narayanan (2017, Science
356:183–186) and the occupation plots of Garg et al. (2018, PNAS 115:E3635–E3644).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import Half
from debiaslab.lexicons.tables import load_occupation_women, occupation_women_names
from debiaslab.metrics.cases import Case, gender_pairs
from debiaslab.metrics.gender_direction import Method, Pair, gender_direction
from debiaslab.metrics.null import DRAWS, RandomWords, null_from
from debiaslab.metrics.registry import list_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    find,
    require_directions,
    require_enough,
    row_of,
    union,
    unit_rows,
)
from debiaslab.statistics.bootstrap import (
    MIN_POINTS,
    NO_INTERVAL,
    PERMUTATIONS,
    RESAMPLES,
    CorrelationTest,
    Interval,
    pearson,
    pearson_interval,
    pearson_rows,
    pearson_test,
    spearman,
    spearman_interval,
    tested,
)
from debiaslab.vectors.embeddings import Embeddings


@dataclass(frozen=True)
class FactualAssociation:
    """Result of :func:`factual_association`.

    Attributes:
        pearson: Pearson's r; positive when occupations lean to women where women do the work. None
            when not measured.
        pearson_interval: Bootstrap interval over the occupations.
        test: Permutation test of Pearson's r; None when not wanted.
        spearman: Spearman's ρ of the same two.
        spearman_interval: Bootstrap interval over the occupations.
        n: Occupations that have a vector.
        missing: Occupations that have none.
        reason: Why there is no value.
    """

    pearson: float | None = None
    pearson_interval: Interval = NO_INTERVAL
    test: CorrelationTest | None = None
    spearman: float | None = None
    spearman_interval: Interval = NO_INTERVAL
    n: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def value(self) -> float | None:
        """The number of the scorecard: Pearson's r."""
        return self.pearson

    @property
    def interval(self) -> Interval:
        """Its interval."""
        return self.pearson_interval


def _of_gender(half: Half) -> Iterable[Case]:
    for name in occupation_women_names():
        women = load_occupation_women(name)
        yield Case(name, half, women.half(half), gender_pairs(half), note={"year": women.year})


def _extra(result: FactualAssociation, case: Case) -> Mapping[str, Any]:
    return {
        "spearman": result.spearman,
        "spearman_low": result.spearman_interval[0],
        "spearman_high": result.spearman_interval[1],
        **tested(result.test),
    }


def _draw(
    drawn: RandomWords, case: Case, record: Record, *, draws: int, seed: int
) -> NDArray[np.float64]:
    assert isinstance(case.words, Mapping)
    assert not isinstance(case.against, Mapping)
    lost = set(record.missing)
    shares = [share for word, share in case.words.items() if word not in lost]
    return factual_null(drawn, shares, case.against, draws=draws, seed=seed)


@list_metric(
    "factual_association",
    citation="after Caliskan et al. 2017, Science 356, and Garg et al. 2018, PNAS 115",
    family="geometry",
    better="near 0",
    needs="shares of women by occupation, definitional pairs",
    gender=_of_gender,
    draw=_draw,
    extra=_extra,
    permutations=PERMUTATIONS,
    planted=None,
    title="factual association",
)
def factual_association(
    embeddings: Embeddings,
    women: Mapping[str, float],
    pairs: Sequence[Pair],
    *,
    method: Method = "pca",
    permutations: int = PERMUTATIONS,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> FactualAssociation:
    """Correlation of ``cos(w, −g)`` of each occupation with the share of women in it.

    ``g`` points from female to male, so ``−g`` points to women. On debiased vectors the same
    function gives what is left of the association (its residual).

    Args:
        embeddings: The vectors.
        women: Share of women by occupation, in any unit: see ``load_occupation_women``. Two
            spellings of one word count once, with the first one's share.
        pairs: Definitional pairs ``(male, female)``; exchanging the sides of all negates both
            correlations.
        method: How ``g`` is made, see ``gender_direction``.
        permutations: Permutations of the shares for the test; 0 for none.
        bootstrap: Resamples of the occupations for the intervals; 0 for none.
        seed: Seed of both.

    Returns:
        A result whose ``reason`` is set with fewer than 8 occupations or 2 pairs left, all-zero
        vectors, shares that are all the same, or occupations that all lean the same way up to
        rounding, as after their gender component was removed.
    """
    found = find(embeddings, women)
    empty = FactualAssociation(n=len(found.words), missing=found.missing)
    shares = {row_of(embeddings, word): share for word, share in reversed(list(women.items()))}
    y = np.array([shares[row] for row in found.rows], dtype=np.float64)
    try:
        require_enough("the list of occupations", found, least=MIN_POINTS)
        direction = gender_direction(embeddings, pairs, method=method)
        unit = unit_rows(embeddings, found.rows)
        require_directions("the list of occupations", unit)
        x = unit @ -direction
        if x.std() <= FLOAT32_NOISE:
            raise NotMeasuredError("all occupations lean the same way: nothing to correlate")
        if np.ptp(y) == 0:
            raise NotMeasuredError("the share of women is the same in all occupations")
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    return replace(
        empty,
        pearson=pearson(x, y),
        pearson_interval=pearson_interval(x, y, bootstrap, seed),
        test=pearson_test(x, y, permutations, seed),
        spearman=spearman(x, y),
        spearman_interval=spearman_interval(x, y, bootstrap, seed),
    )


def factual_null(
    words: RandomWords,
    women: Sequence[float],
    pairs: Sequence[Pair],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return Pearson's r of the given shares of women with random words in place of occupations."""
    scores = -words.cosines(gender_direction(words.embeddings, pairs))
    shares = np.asarray(women, dtype=np.float64)
    return null_from(
        lambda drawn: _correlation(drawn, shares),
        words.excluding(scores, find(words.embeddings, union(pairs)).rows),
        (len(shares),),
        draws=draws,
        seed=seed,
    )


def _correlation(scores: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's r, ``(b, n) → (b,)``; NaN where all words lean the same way, up to rounding."""
    return np.where(scores.std(axis=1) > FLOAT32_NOISE, pearson_rows(scores, shares), np.nan)
