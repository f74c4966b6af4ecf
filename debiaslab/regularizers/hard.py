"""Hard debiasing and its kin: words lose the bias subspace, pairs become symmetric around it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.regularizers.postprocess import (
    AffineMap,
    DebiasWords,
    Eraser,
    Matrix,
    PostProcess,
    changed,
    frozen,
    scaled_like,
    unit_blocks,
    with_gender_words,
)
from debiaslab.regularizers.registry import LogUniform, register
from debiaslab.regularizers.subspace import (
    LabelsWords,
    Leaning,
    NeutralizeAndEqualize,
    WordSet,
    bias_subspace,
    check_components,
    check_known,
    check_sets,
    check_side,
    leaning_words,
    without,
)
from debiaslab.vectors.embeddings import Embeddings, units
from debiaslab.vectors.words import written_in


@register("hard")
@dataclass(frozen=True)
class HardDebias(PostProcess):
    """Hard debias: neutralise the covered words, equalise the gender pairs.

    The subspace is that of the pairs' first ``components`` principal components (the paper: 1), and
    the pairs are the equalise sets too. Cosines are those of the paper, which normalises all
    vectors: here neutral words keep their lengths and a pair gets its mean length. Only covered
    words and the words of the pairs change.
    """

    components: int = 1

    citation = (
        "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
        "section 6, steps 1 and 2a"
    )

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse more components than the pairs can span."""
        check_components(self.components, pairs, pairs, dim)

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Find the gender subspace; nothing is drawn."""
        check_known(embeddings, words.neutral)
        B = bias_subspace(embeddings, words.pairs, self.components)
        return NeutralizeAndEqualize(B, without(words.neutral, words.pairs), words.pairs)


_GENDER = ""


@register("multiclass-hard")
@dataclass(frozen=True)
class MulticlassHardDebias(PostProcess):
    """Multi-class hard debias: a subspace of definitional sets, neutralised and equalised.

    Without an ``attribute`` the classes are the two of the gender pairs. With one (``religion``,
    ``race``) they are its classes and the sets its definitional sets: the tune half, or all of
    them where no whole set is in the tune half. Words of the attribute are not neutralised.
    ``components`` 0 means one less than there are classes. Sets that share a word are equalised in
    turn, so that an earlier one may end up slightly unequal. Lengths as in ``hard``.
    """

    attribute: str = _GENDER
    components: int = 0

    citation = (
        "Manzini et al. 2019, Black is to Criminal as Caucasian is to Police (NAACL), section 3"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.attribute != _GENDER:
            lexicons.attribute(self.attribute)  # an unknown one is refused before any training

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse more components than the gender pairs can span."""
        if self.attribute == _GENDER:
            check_components(self._size(()), pairs, pairs, dim)

    def check_words(self, words: DebiasWords, vocabulary: frozenset[str]) -> None:
        """Refuse an attribute of which the vocabulary has no set, or sets that span too little."""
        if self.attribute != _GENDER:
            sets = _definitional_sets(self.attribute, vocabulary)
            spanned = sum(len(each) - 1 for each in sets)
            check_components(self._size(sets), spanned, len(sets), spanned + 1)

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Find the subspace of the sets; nothing is drawn."""
        check_known(embeddings, words.neutral)
        sets: tuple[WordSet, ...] = words.pairs
        neutral = words.neutral
        if self.attribute != _GENDER:
            sets = _definitional_sets(self.attribute, embeddings)
            meant = _words_of(self.attribute)
            neutral = tuple(word for word in neutral if word.lower() not in meant)
        B = bias_subspace(embeddings, sets, self._size(sets))
        return NeutralizeAndEqualize(B, without(neutral, sets), sets)

    def _size(self, sets: Sequence[WordSet]) -> int:
        """Return the dimensions of the subspace: of pairs 1, unless ``components`` says other."""
        return self.components or max((len(each) for each in sets), default=2) - 1


def _definitional_sets(name: str, vocabulary: Container[str]) -> tuple[WordSet, ...]:
    """Return the sets of an attribute that a vocabulary holds, as it writes them."""
    attribute = lexicons.attribute(name)
    published = attribute.half("tune").definitional_sets or attribute.definitional_sets
    written = [[written_in(vocabulary, word) for word in each] for each in published]
    sets = tuple(
        tuple(word for word in each if word is not None) for each in written if None not in each
    )
    if not sets:
        raise UserError(
            f"of the attribute {name!r}, {len(published)} definitional sets are listed and none "
            "is in the vectors",
            allowed="an attribute with at least one set of words in the vectors",
            next_step="python -m debiaslab lexicon list",
        )
    return sets


def _words_of(name: str) -> frozenset[str]:
    """Return every word that means a class of an attribute, both halves, in lower case."""
    attribute = lexicons.attribute(name)
    listed = (words for lexicon in attribute.classes.values() for words in lexicon.half("all"))
    in_sets = (word for each in attribute.definitional_sets for word in each)
    in_targets = (word for each in attribute.targets for word in each)
    return frozenset(word.lower() for word in (*listed, *in_sets, *in_targets))


_RANK = 1e-10  # eigenvalues below this part of the largest are rounding


@register("soft")
@dataclass(frozen=True)
class SoftDebias(PostProcess):
    """Soft debias: min over T of ‖(TW)ᵀ(TW) − WᵀW‖² + λ ‖(TN)ᵀ(TB)‖².

    W and N are the covered words as unit vectors (the paper's W holds the gender words too), B the
    gender subspace of the pairs. Both terms are means over words, so that λ does not depend on
    how many there are: the paper's λ is this one times the number of covered words. T is applied
    to the covered words, which keep their lengths (the paper normalises), and to no other.
    λ = 0 changes nothing; λ → ∞ tends to removing B from every covered word.
    """

    weight: float = 0.2
    components: int = 1

    citation = (
        "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
        "section 6, step 2b"
    )
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-4, 1e2)}

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse more components than the pairs can span."""
        check_components(self.components, pairs, pairs, dim)

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Solve for the map in closed form; nothing is drawn."""
        check_known(embeddings, words.neutral)
        B = bias_subspace(embeddings, words.pairs, self.components)
        A = np.zeros((embeddings.dim, embeddings.dim))
        for unit in unit_blocks(embeddings, words.neutral):
            A += unit.T @ unit
        T = soft_map(A / len(words.neutral), B, self.weight)
        identity = np.eye(embeddings.dim)
        return AffineMap(identity - T, np.zeros(embeddings.dim), words.neutral, keep_lengths=True)


def soft_map(A: Matrix, B: Matrix, weight: float) -> Matrix:
    """Return the symmetric T that minimises the mean form of the objective, ``(d, d)``.

    The objective depends on X = TᵀT only. With Y = A^½ X A^½ and β = A^−½ Bᵀ it is
    ‖Y − A‖² + λ ‖Y β‖², which is separable in the eigenbasis of λ β βᵀ, eigenvalues γ:
    Yᵢⱼ = Aᵢⱼ / (1 + (γᵢ + γⱼ) / 2). That is the product, entry by entry, of A with a Cauchy
    matrix, both positive semidefinite: so is Y (Schur), and X has a root. No word is looped over.
    Outside the span of the covered words, where the objective says nothing, T is the identity.

    Args:
        A: Mean of w wᵀ over the covered words, ``(d, d)``.
        B: Orthonormal basis of the subspace, ``(k, d)``.
        weight: λ.
    """
    values, axes = np.linalg.eigh(A)
    kept = values > _RANK * values[-1]
    values, axes = values[kept], axes[:, kept]  # outside their span no covered word has a part
    roots = np.sqrt(values)
    beta = (axes.T @ B.T) / roots[:, None]
    basis, sizes, _ = np.linalg.svd(beta, full_matrices=True)
    gamma = np.zeros(len(basis))
    gamma[: len(sizes)] = weight * sizes**2
    Y = (basis.T * values) @ basis / (1 + (gamma[:, None] + gamma) / 2)
    X = (basis @ Y @ basis.T) / np.outer(roots, roots)
    squares, turned = np.linalg.eigh((X + X.T) / 2)
    root = (turned * np.sqrt(np.clip(squares, 0, None))) @ turned.T
    T: Matrix = np.eye(len(A)) + axes @ (root - np.eye(len(root))) @ axes.T
    return T


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
    """w ← w − μ − (uᵀw) u on unit vectors, scaled to the length of w."""

    mean: NDArray[np.float64]  # μ, mean of the unit vectors, ``(d,)``
    axis: NDArray[np.float64]  # u, a principal component of them, ``(d,)``
    words: tuple[str, ...]  # the words it moves

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
