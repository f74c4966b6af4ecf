"""Mean average cosine distance, any number of groups (Manzini et al. 2019, NAACL, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.bootstrap import NO_INTERVAL, RESAMPLES, Interval, bootstrap_mean
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.vocabulary import find, require_directions, require_enough, unit_rows
from debiaslab.metrics.word_sets import WordSets, find_sets, in_order, union
from debiaslab.vectors.embeddings import Embeddings

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Mac:
    """Result of :func:`mac`.

    Attributes:
        value: Mean cosine *distance*, in [0, 2]: 1 when the words and the sets have nothing to do
            with each other, less when they lie on one side. None when not measured.
        interval: Bootstrap interval over the words.
        by_set: Name and mean distance of each attribute set.
        n: Words that have a vector.
        groups: Words of each attribute set that have one.
        missing: Words of any list that have none.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    by_set: tuple[tuple[str, float], ...] = ()
    n: int = 0
    groups: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None


def mac(
    embeddings: Embeddings,
    words: Sequence[str] | WordSets,
    attributes: WordSets,
    *,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Mac:
    """Measure the mean over words and attribute sets of the mean cosine distance between them.

    ``MAC = mean over t in T and over sets A_j of mean over a in A_j of (1 − cos(t, a))``. It does
    not tell a space without bias from one where every word lies equally near to everything: read
    it against random words.

    Args:
        embeddings: The vectors.
        words: The target words, one list or several (which count as one); at least 4.
        attributes: Two or more sets of at least 2 words each.
        bootstrap: Resamples of the words for the interval; 0 for none.
        seed: Seed of the resamples.

    Returns:
        A result whose ``reason`` is set with too few words, a word in two attribute sets, or
        all-zero or collapsed vectors.

    Raises:
        UserError: Fewer than two attribute sets.
    """
    found, sets = find(embeddings, union(words)), find_sets(embeddings, attributes)
    empty = Mac(
        n=len(found.words),
        groups=tuple(sets.sizes.values()),
        missing=tuple(dict.fromkeys(found.missing + sets.missing)),
    )
    try:
        require_enough("the word list", found)
        sets.require()
        rows = unit_rows(embeddings, in_order(found))
        require_directions("the word list", rows)
        means = sets.unit_means(embeddings)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    distances = mac_distances(rows, means)
    by_set = distances.mean(axis=0)
    return replace(
        empty,
        value=float(by_set.mean()),
        interval=bootstrap_mean(distances.mean(axis=1), bootstrap, seed),
        by_set=tuple(zip(sets.names, by_set.tolist(), strict=True)),
    )


def mac_distances(rows: Vector, unit_means: Vector) -> Vector:
    """Return the mean cosine distance of each unit row to each set, shape ``(n, sets)``.

    ``unit_means`` are means of unit vectors, shape ``(sets, d)``, not scaled to length 1: the
    product with them is the mean of the cosines. MAC is the mean of the result.
    """
    distances: Vector = 1.0 - rows @ unit_means.T
    return distances
