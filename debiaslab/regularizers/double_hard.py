"""Double-hard debiasing: hard debiasing after a frequency component has been removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.hard import HardDebias
from debiaslab.regularizers.leace import check_side
from debiaslab.regularizers.leaning import LabelsWords, Leaning, leaning_words
from debiaslab.regularizers.postprocess import DebiasWords, Eraser
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.rows import (
    Matrix,
    changed,
    frozen,
    scaled_like,
    unit_blocks,
    units,
    with_gender_words,
)
from debiaslab.regularizers.subspace import check_known, check_sets
from debiaslab.vectors.embeddings import Embeddings


@register("double-hard")
@dataclass(frozen=True)
class DoubleHard(LabelsWords):
    """Double-hard debias: remove the mean and one principal component, then hard debias.

    Of the first ``candidates`` principal components, the one is removed after which hard debiasing
    leaves the ``side`` most male- and most female-leaning covered words hardest to tell apart by
    k-means (the neighbourhood test). That step knows no gender and, as in the paper, moves gender
    words too: under cover ``all`` the whole vocabulary, under another cover every gender and every
    covered word, and no other (words that stay keep the common mean; compare them with care). It
    works on unit vectors; all words keep their lengths, a pair gets its mean length.
    """

    candidates: int = 20
    side: int = 500

    citation = (
        "Wang et al. 2020, Double-Hard Debias: Tailoring Word Embeddings for Gender Bias "
        "Mitigation (ACL), algorithm 1"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.side)
        if self.candidates < 1:
            raise UserError(f"{self.candidates} candidates were asked for", allowed="1 or more")

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Find the component to remove; ``seed`` starts k-means."""
        check_known(embeddings, words.neutral)
        check_sets(embeddings, words.pairs)
        leaning = leaning_words(embeddings, words, self.side)
        moved = with_gender_words(embeddings, words)
        mean, axes = principal_axes(embeddings, moved, min(self.candidates, embeddings.dim - 1))
        tried = [
            _Trial(FrequencyRemoval(mean, axis, moved), embeddings, words.pairs, leaning)
            for axis in axes
        ]
        found = [trial.alignment(seed) for trial in tried]
        removal = tried[int(np.argmin(found))].removal
        return _InTurn(removal, HardDebias().fit(removal(embeddings), words))


@dataclass(frozen=True, eq=False)
class FrequencyRemoval(Eraser):
    """w ← w − μ − (uᵀw) u on unit vectors, scaled to the length of w.

    Attributes:
        mean: μ, mean of the unit vectors, ``(d,)``.
        axis: u, a principal component of them, ``(d,)``.
        words: The words it moves.
    """

    mean: NDArray[np.float64]
    axis: NDArray[np.float64]
    words: tuple[str, ...]

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order; a zero vector stays zero."""
        return changed(embeddings, self.words, self._remove)

    def _remove(self, rows: Matrix) -> Matrix:
        unit = units(rows)
        return scaled_like(unit - self.mean - np.outer(unit @ self.axis, self.axis), rows)


@dataclass(frozen=True, eq=False)
class _InTurn(Eraser):
    first: Eraser
    second: Eraser

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        return self.second(self.first(embeddings))


class _Trial:
    """The neighbourhood test of one candidate, on the words it needs and no other."""

    def __init__(
        self,
        removal: FrequencyRemoval,
        embeddings: Embeddings,
        pairs: Sequence[tuple[str, str]],
        leaning: Leaning,
    ) -> None:
        self.removal = removal
        self._words = DebiasWords(tuple(pairs), leaning.male + leaning.female)
        self._leaning = leaning
        needed = tuple(dict.fromkeys([*(w for p in pairs for w in p), *self._words.neutral]))
        rows = [embeddings.index[word] for word in needed]
        self._few = frozen(needed, embeddings.vectors[rows])

    def alignment(self, seed: int) -> float:
        """Return how well two clusters match the labels after this candidate, in [0.5, 1]."""
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        removed = self.removal(self._few)
        unit = self._leaning.unit(HardDebias().fit(removed, self._words)(removed))
        with threadpool_limits(1):  # for so few words, starting threads takes most of the time
            labels = KMeans(2, n_init=10, random_state=seed).fit_predict(unit)
        accuracy = float((labels == self._leaning.is_male).mean())
        return max(accuracy, 1 - accuracy)


def principal_axes(
    embeddings: Embeddings, words: Sequence[str], n: int
) -> tuple[NDArray[np.float64], Matrix]:
    """Return the mean ``(d,)`` and first ``n`` principal axes ``(n, d)`` of words' unit vectors."""
    total = np.zeros(embeddings.dim)
    squares = np.zeros((embeddings.dim, embeddings.dim))
    for unit in unit_blocks(embeddings, words):
        total += unit.sum(axis=0)
        squares += unit.T @ unit
    mean = total / len(words)
    _, axes = np.linalg.eigh(squares / len(words) - np.outer(mean, mean))
    return mean, axes[:, ::-1].T[:n]
