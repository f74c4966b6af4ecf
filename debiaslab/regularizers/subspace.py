"""The bias subspace that sets of words span, what removes it, and the words that lean along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.postprocess import (
    DebiasWords,
    Eraser,
    Matrix,
    PostProcess,
    changed,
    frozen,
    scaled_like,
    unit_vectors,
)
from debiaslab.vectors.embeddings import Embeddings, units

WordSet = tuple[str, ...]

_RANK = 1e-6  # singular values below this part of the first are rounding


def bias_subspace(embeddings: Embeddings, sets: Sequence[WordSet], components: int = 1) -> Matrix:
    """Return an orthonormal basis B of the bias subspace, ``(components, d)``.

    The first principal components of the unit vectors of all sets, each set centred on its own
    mean (Bolukbasi et al. 2016, step 1; Manzini et al. 2019, section 3.1 for sets of more than
    two). Each row points to the first word of the sets more than to the last: with (male, female)
    pairs, a positive coordinate is a male one.

    Raises:
        UserError: A word has no vector or one of zeros, or the sets span fewer dimensions.
    """
    check_sets(embeddings, sets)
    by_set = [unit_vectors(embeddings, each) for each in sets]
    centred = np.concatenate([each - each.mean(axis=0) for each in by_set])
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    spanned = int((sizes > _RANK * max(sizes[0], _RANK)).sum())
    if spanned == 0:
        raise UserError(
            "the vectors of " + ", ".join("/".join(each) for each in sets[:3]) + " do not differ",
            allowed="vectors in which the words of a set have different directions",
        )
    check_components(components, spanned, len(sets), embeddings.dim)
    B: Matrix = axes[:components]
    forward = sum(each[0] - each[-1] for each in by_set)
    return B * np.where(B @ forward < 0, -1.0, 1.0)[:, None]


def check_components(components: int, spanned: int, sets: int, dim: int) -> None:
    """Raise a `UserError` unless the sets span a bias subspace of so many dimensions, 1 or more."""
    most = min(spanned, dim - 1)
    if not 1 <= components <= most:
        raise UserError(
            f"{components} components of the bias subspace were asked for",
            allowed=f"1 to {most} with {sets} sets and dimension {dim}",
            next_step=f"--knob components={max(1, most)}",
        )


def check_sets(embeddings: Embeddings, sets: Sequence[WordSet]) -> None:
    """Raise a `UserError` unless there are sets and all of their words have a non-zero vector."""
    if not sets:
        raise UserError(
            "no set of words was given that defines the bias",
            allowed="at least one, such as he/she",
        )
    for word in dict.fromkeys(word for each in sets for word in each):
        if word not in embeddings:
            raise UserError(
                f"the word {word!r}, which defines the bias, is not in the vectors",
                nearest=embeddings.lookup(word),
            )
        if not embeddings[word].any():
            raise UserError(
                f"the vector of {word!r}, which defines the bias, is all zeros",
                allowed="a vector with a direction",
            )


def check_known(embeddings: Embeddings, words: Sequence[str]) -> None:
    """Raise a `UserError` unless there are words to change and all have a vector."""
    missing = [word for word in words if word not in embeddings]
    if not words or missing:
        raise UserError(
            f"{len(missing)} of the {len(words)} words to change are not in the vectors"
            + (f", such as {missing[0]!r}" if missing else ""),
            allowed="at least one word, all of them in the vectors",
        )


_SAME = 1e-6  # of a unit vector: a difference that is float32's rounding


@dataclass(frozen=True, eq=False)
class NeutralizeAndEqualize(Eraser):
    """w ← w − w_B at the length of w for neutral words; then each equalise set in turn."""

    B: Matrix  # orthonormal basis of the subspace, ``(k, d)``
    neutral: tuple[str, ...]  # words that lose their part in the subspace
    # sets of words that afterwards differ inside the subspace only
    equalized: tuple[WordSet, ...] = ()

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Return new vectors of the same words in the same order."""
        result = changed(embeddings, self.neutral, lambda rows: neutralized(rows, self.B))
        sets = [each for each in self.equalized if all(word in embeddings for word in each)]
        if not sets:
            return result
        vectors = result.vectors.copy()
        for each in sets:
            rows = [embeddings.index[word] for word in each]
            vectors[rows] = equalized(vectors[rows].astype(np.float64), self.B)
        return frozen(result.words, vectors)


def neutralized(rows: Matrix, B: Matrix) -> Matrix:
    """Return rows ``(n, d)`` without their part in the subspace, at their old lengths.

    On unit vectors this is the paper's (w − w_B) / ‖w − w_B‖.
    """
    return scaled_like(rows - (rows @ B.T) @ B, rows)


def equalized(rows: Matrix, B: Matrix) -> Matrix:
    """Return the vectors of one set, ``(m, d)``, equal outside the subspace and of one length.

    With unit vectors w of mean μ: ν = μ − μ_B, then w ← ν + √(1 − ‖ν‖²) (w_B − μ_B) / ‖w_B − μ_B‖
    (Bolukbasi et al. 2016, step 2a), here times the mean length of the set. Members that do not
    differ inside the subspace all become ν at that length.
    """
    unit = units(rows)
    length = np.linalg.norm(rows, axis=1).mean()
    mean = unit.mean(axis=0)
    nu = mean - (mean @ B.T) @ B
    inside = ((unit - mean) @ B.T) @ B
    sizes = np.linalg.norm(inside, axis=1, keepdims=True)
    if (sizes < _SAME).any():
        return scaled_like(np.broadcast_to(nu, rows.shape), np.full((len(rows), 1), length))
    reach = np.sqrt(np.clip(1 - nu @ nu, 0, None))
    result: Matrix = length * (nu + reach * inside / sizes)
    return result


def without(neutral: tuple[str, ...], sets: tuple[WordSet, ...]) -> tuple[str, ...]:
    """Return the neutral words that are in no set: those mean what is to be removed."""
    defining = {word for each in sets for word in each}
    return tuple(word for word in neutral if word not in defining)


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
    """Raise a `UserError` with fewer than 16 words: so few have no extremes."""
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


def check_side(side: int) -> None:
    """Raise a `UserError` unless 2 words or more are labelled on each side."""
    if side < 2:
        raise UserError(f"{side} labelled words a side were asked for", allowed="2 or more")
