"""Do the words of a list, or the pairs of a direction, measure one thing?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from debiaslab.errors import UserError
from debiaslab.lexicons import Attribute, Half, load, load_pairs
from debiaslab.metrics.cases import DEFINITIONAL_PAIRS, OCCUPATIONS
from debiaslab.metrics.gender_direction import Pair
from debiaslab.metrics.projection import STEREOTYPED
from debiaslab.metrics.vocabulary import MIN_PAIRS, MIN_WORDS, NotMeasuredError, row_of
from debiaslab.statistics.word_scores import Rule, pair_scores
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]

_NO_SPREAD = 1e-12  # of the largest square


@dataclass(frozen=True)
class Consistency:
    """Result of :func:`internal_consistency`.

    Attributes:
        words: Cronbach's α of the words as items, the pairs as cases: does the list measure one
            bias? None when not measured.
        pairs: Cronbach's α of the pairs as items, the words as cases: do the pairs show the same
            direction?
        words_without: α of the words without each one of them; a word that raises it by its
            absence does not belong. Empty with 2 words.
        pairs_without: The same of the pairs, as ``male/female``.
        n: Words that have a vector.
        n_pairs: Pairs with both words known.
        missing: Words that have no vector.
        reason: Why there is no value.
    """

    words: float | None = None
    pairs: float | None = None
    words_without: tuple[tuple[str, float], ...] = ()
    pairs_without: tuple[tuple[str, float], ...] = ()
    n: int = 0
    n_pairs: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


def cronbach_alpha(scores: ArrayLike) -> float:
    """Return Cronbach's (1951) α of ``k`` items (columns) over ``n`` cases (rows).

    ``k / (k − 1) · (1 − Σ variances of items / variance of the sum)``. 1 when the items are the
    same up to a shift, about 0 when they are independent, below 0 when they oppose each other.

    Raises:
        NotMeasuredError: Fewer than 2 rows or columns, or the sum of the items does not vary.
        UserError: Not a table of finite numbers.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise UserError(
            f"scores of shape {table.shape} are no table of numbers",
            allowed="one row a case and one column an item, finite",
        )
    n, k = table.shape
    if min(n, k) < 2:
        raise NotMeasuredError(f"{k} items over {n} cases: needs 2 of each")
    total = float(table.sum(axis=1).var(ddof=1))
    items = float(table.var(axis=0, ddof=1).sum())
    if total <= _NO_SPREAD * max(items, float((table**2).max())):
        raise NotMeasuredError("the sum of the items is the same in every case")
    return k / (k - 1) * (1 - items / total)


def internal_consistency(
    embeddings: Embeddings,
    words: Sequence[str],
    pairs: Sequence[Pair],
    rule: Rule = "association",
) -> Consistency:
    """Measure the internal consistency of a word list and of gender pairs in one set of vectors.

    Both are Cronbach's α of the table of :func:`pair_scores`, one way up and the other (Du, Fang
    & Nguyen 2021, EMNLP).

    Args:
        embeddings: The vectors.
        words: Words that are held to share one bias; repeated words count once.
        pairs: Gender pairs ``(male, female)``; a pair with an unknown word is left out whole.
        rule: How a word is scored by one pair.

    Returns:
        A result whose ``reason`` is set with fewer than 4 words or 2 pairs left.
    """
    known = [word for word in dict.fromkeys(words) if row_of(embeddings, word) is not None]
    missing = tuple(word for word in dict.fromkeys(words) if row_of(embeddings, word) is None)
    complete = [
        pair
        for pair in dict.fromkeys(pairs)
        if all(row_of(embeddings, word) is not None for word in pair)
    ]
    empty = Consistency(n=len(known), n_pairs=len(complete), missing=missing)
    try:
        if len(known) < MIN_WORDS or len(complete) < MIN_PAIRS:
            raise NotMeasuredError(
                f"{len(known)} words and {len(complete)} pairs in the vectors: "
                f"needs {MIN_WORDS} and {MIN_PAIRS}"
            )
        table = pair_scores(embeddings, known, complete, rule)
        return replace(
            empty,
            words=cronbach_alpha(table.T),
            pairs=cronbach_alpha(table),
            words_without=_without(table.T, known),
            pairs_without=_without(table, ["/".join(pair) for pair in complete]),
        )
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))


def _without(table: Array, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return α without each item (column) in turn."""
    if len(names) < 3:
        return ()
    return tuple(
        (name, cronbach_alpha(np.delete(table, column, axis=1)))
        for column, name in enumerate(names)
    )


# Of every list of the scorecard -----------------------------------------------------------------

LISTS = (
    OCCUPATIONS,
    *STEREOTYPED,
    *("career_extended", "family_extended", "math_extended", "science_extended", "arts_extended"),
)
"""The lists that are held against gender words and have enough words to ask."""


def list_consistency(
    embeddings: Embeddings, half: Half = "all", attributes: Sequence[Attribute] = ()
) -> dict[str, Consistency]:
    """Return the internal consistency of each word list, by its name.

    Lists are held against the definitional pairs; the stereotypes of an attribute of two classes
    that has definitional pairs of its own, ``"<attribute> <class>"``, against these.

    Args:
        embeddings: The vectors.
        half: Which half of the words and pairs.
        attributes: A user's.
    """
    pairs = load_pairs(DEFINITIONAL_PAIRS).half(half)
    found = {name: internal_consistency(embeddings, load(name).half(half), pairs) for name in LISTS}
    for attribute in attributes:
        words = attribute.half(half)
        if attribute.binary and attribute.definitional_sets:
            own = [(first, second) for first, second in words.definitional_sets]
            for label, listed in words.stereotypes.items():
                name = f"{attribute.name} {label}"
                found[name] = internal_consistency(embeddings, listed, own)
    return found
