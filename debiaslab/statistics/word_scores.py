"""Bias scores of single words, by scoring rule: what reliability is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, nearest
from debiaslab.metrics.gender_direction import Pair, gender_direction
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    NotMeasuredError,
    find,
    row_of,
    shortlist,
    unit_rows,
)
from debiaslab.vectors.embeddings import Embeddings

Rule = Literal["projection", "association", "ripa"]
RULES: tuple[Rule, ...] = get_args(Rule)

Array = NDArray[np.float64]


def word_scores(
    embeddings: Embeddings, words: Sequence[str], pairs: Sequence[Pair], rule: Rule = "projection"
) -> Array:
    """Return one signed bias score for each word, positive toward the first half of the pairs.

    ``"projection"``: ``cos(w, g)`` with the gender direction ``g`` of all pairs, whose size is
    the word's direct bias (Bolukbasi et al. 2016). ``"association"``: mean over pairs of
    ``cos(w, m) − cos(w, f)``, WEAT's ``s(w, A, B)`` (Caliskan et al. 2017). ``"ripa"``: ``w · g``,
    length of ``w`` included (Ethayarajh et al. 2019).

    Args:
        embeddings: The vectors; every word must have one.
        words: ``n`` words, in the order of the result.
        pairs: Pairs ``(male, female)``; a pair with an unknown word is left out whole.
        rule: The scoring rule.

    Returns:
        Scores, shape ``(n,)``.

    Raises:
        NotMeasuredError: A word is unknown or all zeros, or too few pairs are left.
        UserError: Unknown rule.
    """
    _known_rule(rule)
    rows = _rows(embeddings, words)
    unit = unit_rows(embeddings, rows)
    scores: Array
    if rule == "association":
        male, female = _halves(embeddings, pairs)
        scores = unit @ (male - female).mean(axis=0)
    elif rule == "projection":
        scores = unit @ gender_direction(embeddings, pairs)
    else:
        vectors = embeddings.vectors[rows].astype(np.float64)
        scores = vectors @ gender_direction(embeddings, pairs)
    return scores


def pair_scores(
    embeddings: Embeddings, words: Sequence[str], pairs: Sequence[Pair], rule: Rule = "projection"
) -> Array:
    """Return the bias of each word by each pair alone, shape ``(n, number of complete pairs)``.

    The rules are those of :func:`word_scores` with one pair: ``cos(w, m − f)``,
    ``cos(w, m) − cos(w, f)``, and ``w · (m − f) / ‖m − f‖``, with ``m`` and ``f`` of length 1.
    These are the tables of Du, Fang & Nguyen (2021, EMNLP); raises as :func:`word_scores`.
    """
    _known_rule(rule)
    rows = _rows(embeddings, words)
    male, female = _halves(embeddings, pairs)
    axes = male - female
    if rule != "association":
        lengths = np.linalg.norm(axes, axis=1, keepdims=True)
        if lengths.min() <= FLOAT32_NOISE:
            raise NotMeasuredError("the two words of a pair have the same vector")
        axes = axes / lengths
    unit = unit_rows(embeddings, rows)
    sources = embeddings.vectors[rows].astype(np.float64) if rule == "ripa" else unit
    scores: Array = sources @ axes.T
    return scores


def _known_rule(rule: str) -> None:
    if rule not in RULES:
        raise UserError(
            f"there is no scoring rule {rule!r}",
            allowed=", ".join(RULES),
            nearest=nearest(rule, RULES),
        )


def _rows(embeddings: Embeddings, words: Sequence[str]) -> list[int]:
    found = find(embeddings, words)
    if found.missing:
        raise NotMeasuredError(f"words without a vector: {shortlist(found.missing)}")
    if not found.rows:
        raise NotMeasuredError("there are no words to score")
    return list(found.rows)


def _halves(embeddings: Embeddings, pairs: Sequence[Pair]) -> tuple[Array, Array]:
    """Return the unit vectors of both halves of the complete pairs."""
    rows = [tuple(row_of(embeddings, word) for word in pair) for pair in pairs]
    complete = [(m, f) for m, f in rows if m is not None and f is not None]
    if not complete:
        raise NotMeasuredError(f"none of {len(pairs)} pairs has both words in the vectors")
    male, female = (unit_rows(embeddings, half) for half in zip(*complete, strict=True))
    return male, female
