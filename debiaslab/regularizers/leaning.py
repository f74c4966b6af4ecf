"""Which covered words lean most to either gender: the labels that erasers are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.hard import without
from debiaslab.regularizers.postprocess import DebiasWords, PostProcess
from debiaslab.regularizers.rows import Matrix, unit_vectors
from debiaslab.regularizers.subspace import bias_subspace
from debiaslab.vectors.embeddings import Embeddings

TOP = 50_000
"""Only this many first (most frequent) covered words are ranked."""

SHARE = 8
"""A side is at most this fraction (1/8) of the ranked words: the extremes, not the middle."""

_LEAST = 2


@dataclass(frozen=True)
class Leaning:
    """The most male and the most female covered words, as many of either, strongest first."""

    male: tuple[str, ...]
    female: tuple[str, ...]

    def unit(self, embeddings: Embeddings) -> Matrix:
        """Return their unit vectors, male then female, ``(2 · side, d)``."""
        return unit_vectors(embeddings, self.male + self.female)

    @property
    def is_male(self) -> NDArray[np.bool_]:
        """Labels in the order of :meth:`unit`, shape ``(2 · side,)``."""
        return np.repeat([True, False], [len(self.male), len(self.female)])


def leaning_words(embeddings: Embeddings, words: DebiasWords, side: int) -> Leaning:
    """Rank the covered words by their cosine with the gender direction and return the extremes.

    Args:
        embeddings: The vectors.
        words: Pairs that define the direction, and the covered words.
        side: Words on either side; in a small vocabulary fewer, 1/8 of the ranked words.

    Raises:
        UserError: The pairs define no direction, or there are fewer than 16 words to rank.
    """
    (g,) = bias_subspace(embeddings, words.pairs)
    ranked = _ranked(embeddings, without(words.neutral, words.pairs)[:TOP])
    check_enough(len(ranked))
    side = min(side, len(ranked) // SHARE)
    # Words of equal bias stand in alphabetical order: that of the vocabulary has no influence.
    order = np.lexsort((ranked, -(unit_vectors(embeddings, ranked) @ g)))
    return Leaning(
        tuple(ranked[i] for i in order[:side]), tuple(ranked[i] for i in order[::-1][:side])
    )


def check_enough(ranked: int) -> None:
    """Refuse a number of words too small to have extremes.

    Raises:
        UserError: There are fewer than 16.
    """
    if ranked < _LEAST * SHARE:
        raise UserError(
            f"{ranked} covered words have a vector that is not all zeros",
            allowed=f"at least {_LEAST * SHARE}, to take the most biased of them",
            next_step="--cover all",
        )


@dataclass(frozen=True)
class LabelsWords(PostProcess):
    """A strategy that is fitted on the words that lean most, as ``leaning_words`` finds them."""

    def check_words(self, words: DebiasWords, vocabulary: frozenset[str]) -> None:
        """Refuse too few words to have extremes."""
        check_enough(len(without(words.neutral, words.pairs)))


def _ranked(embeddings: Embeddings, words: Sequence[str]) -> list[str]:
    return [word for word in words if embeddings[word].any()]
