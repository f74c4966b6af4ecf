"""Factual association: do occupations lean to women where women do the work?

After the word-embedding factual association test of Caliskan, Bryson & Narayanan (2017, Science
356:183–186) and the occupation plots of Garg et al. (2018, PNAS 115:E3635–E3644).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from debiaslab.metrics.bootstrap import NO_INTERVAL, RESAMPLES, Interval
from debiaslab.metrics.correlation import (
    MIN_POINTS,
    PERMUTATIONS,
    CorrelationTest,
    pearson,
    pearson_interval,
    pearson_test,
)
from debiaslab.metrics.direct_bias import Method, Pair, gender_direction
from debiaslab.metrics.measured import FLOAT32_NOISE, NotMeasuredError
from debiaslab.metrics.spearman import spearman, spearman_interval
from debiaslab.metrics.vocabulary import (
    find,
    require_directions,
    require_enough,
    row_of,
    unit_rows,
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
    """Correlate ``cos(w, −g)`` of each occupation with the share of women in it.

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
