"""What the lipstick tests show along any axis: two random words in the place of *he* and *she*.

Labels of random words would say nothing about words that were chosen for being extreme. So words
are chosen as for *he* and *she*: for being the extremes along the difference of two words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.lexicons import load
from debiaslab.metrics.biased_words import BiasedWords, biased_words
from debiaslab.metrics.gender_direction import Pair
from debiaslab.metrics.lipstick import LabelRecovery
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.neighbor_bias import NeighborShares, neighbor_bias
from debiaslab.metrics.null import RandomWords, disjoint, require_defined
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]

AXES = 20
"""A support vector machine is fitted for each, so there are far fewer than sets of other nulls."""


@dataclass(frozen=True)
class RandomAxes:
    """Pairs of random words, and for each the words in the order of how they lean along it."""

    pairs: tuple[Pair, ...]
    rankings: tuple[BiasedWords, ...]


def random_axes(words: RandomWords, *, axes: int = AXES, seed: int = 0) -> RandomAxes:
    """Draw pairs of words, no word twice, and rank the candidates of the lipstick tests along each.

    Args:
        words: The words to draw from, in the vectors before debiasing.
        axes: How many pairs; fewer where there are fewer words. Two words of one direction make no
            axis and are left out.
        seed: Seed of the draws.

    Raises:
        NotMeasuredError: No axis is left.
    """
    if len(words.rows) < 2:
        raise NotMeasuredError(f"a random axis needs 2 words, {len(words.rows)} are left")
    axes = min(axes, len(words.rows) // 2)
    drawn = words.rows[disjoint(len(words.rows), 2, axes, np.random.default_rng(seed))]
    names = words.embeddings.words
    pairs = tuple((names[first], names[second]) for first, second in drawn)
    gendered = load("gender_specific").words
    ranked = [
        (pair, biased_words(words.embeddings, pair=pair, exclude=(*gendered, *pair)))
        for pair in pairs
    ]
    kept = [(pair, ranking) for pair, ranking in ranked if ranking.reason is None]
    if not kept:
        raise NotMeasuredError(f"the words of {axes} random pairs have the same vectors")
    left, rankings = zip(*kept, strict=True)
    return RandomAxes(left, rankings)


def label_null(
    test: Callable[..., LabelRecovery], embeddings: Embeddings, axes: RandomAxes, seed: int = 0
) -> Array:
    """Return ``kmeans_alignment`` or ``svm_recovery`` of each axis, one seed each.

    Returns:
        One value an axis, NaN where it is not measured; ``null_band`` leaves these out.

    Raises:
        NotMeasuredError: It is not measured for most axes.
    """
    results = [test(embeddings, ranking, seeds=(seed,)) for ranking in axes.rankings]
    return _defined([result.value for result in results])


def neighbor_null(shares: Sequence[NeighborShares], words: Sequence[str]) -> Array:
    """Return ``neighbor_bias`` over ``words`` of each axis; returns and raises as ``label_null``.

    Args:
        shares: ``neighbor_shares_along`` the pairs of the axes.
        words: Professions.
    """
    results = [neighbor_bias(each, words, permutations=0, bootstrap=0) for each in shares]
    return _defined([result.value for result in results])


def _defined(values: Sequence[float | None]) -> Array:
    numbers = np.array([np.nan if value is None else value for value in values])
    require_defined(numbers)
    return numbers
