"""What the word figures draw: measured in two sets of vectors, before and after, as plain values.

*Before* are the baseline's vectors, *after* those of the run of the same seed. Each space is
measured by itself; what leans which way is said by the baseline.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import Half, SplitHalf
from debiaslab.metrics import (
    biased_words,
    gender_direction,
    kmeans_alignment,
    neighbor_bias,
    neighbor_shares,
)
from debiaslab.metrics.neighbor_bias import NeighborBias, NeighborShares
from debiaslab.metrics.vocabulary import HE_SHE, find, in_order, pair_difference, unit_rows
from debiaslab.statistics.bootstrap import RESAMPLES, Interval, bootstrap_mean

if TYPE_CHECKING:
    from debiaslab.vectors.embeddings import Embeddings


Points = NDArray[np.float64]  # shape (n, 2)


@dataclass(frozen=True)
class WordPair:
    """The vectors of two runs of one seed."""

    before: Embeddings  # the baseline's
    after: Embeddings  # the run's
    tests: Sequence[str] = ()  # the association tests that are drawn

    @property
    def both(self) -> tuple[Embeddings, Embeddings]:
        """Before and after."""
        return self.before, self.after

    def known(self, words: Sequence[str]) -> list[str]:
        """Return the words that both have, as the vectors spell them."""
        return [word for word in find(self.before, words).words if word in self.after.index]


@dataclass(frozen=True)
class Shift:
    """One word's lean to *he* (positive) or *she*, before and after."""

    word: str
    before: float
    after: float
    half: SplitHalf


@dataclass(frozen=True)
class MappedWords:
    """Words in the plane, before and after, each space by itself."""

    words: tuple[str, ...]
    groups: tuple[str, ...]  # what each is: ``male``, ``female``, or the name of its list
    before: Points  # shape ``(n, 2)``
    after: Points  # shape ``(n, 2)``
    # what the figure states of each space; None where it was not measured
    measured: tuple[float | None, float | None]


@dataclass(frozen=True)
class Association:
    """One association test, word by word: ``s(w, A, B)`` of each target word."""

    test: str
    half: Half  # which half of the words
    target: str  # ``X`` or ``Y``
    list: str  # name of the target list
    words: tuple[str, ...]  # the target words
    before: tuple[float, ...]  # ``s`` of each in the baseline
    after: tuple[float, ...]  # ``s`` of each in the run
    before_interval: Interval  # 95 % bootstrap interval of the mean over words
    after_interval: Interval  # the same, after


Scatter = tuple[NeighborShares, NeighborBias]  # professions, and the correlation over them

_SEED = 0
_MAP_LISTS = ("career", "family", "math", "arts")  # of the word map, besides gender pairs
_TSNE_WORDS = 200  # a side of the lipstick map, at most: t-SNE takes seconds from there


def shifts(pair: WordPair, name: str = "occupations") -> tuple[Shift, ...]:
    """Return ``cos(w, he) − cos(w, she)`` of each word of a list that both have.

    Raises:
        NotMeasuredError: *he* or *she* has no vector.
    """
    words = pair.known(lexicons.load(name).words)
    values = [_leans(vectors, words) for vectors in pair.both]
    return tuple(
        Shift(word, float(b), float(a), lexicons.half_of(word))
        for word, b, a in zip(words, *values, strict=True)
    )


def word_map(pair: WordPair) -> MappedWords:
    """Place gender words and target words by the gender direction and the rest of the space.

    x is the cosine with the gender direction (first principal component of the gender pairs in
    that space), y the first principal component of the words with that direction taken out.

    What is stated is the share of the words' variance that lies along the gender direction.

    Raises:
        NotMeasuredError: A space has no gender direction.
    """
    gendered = lexicons.load_pairs("gender_pairs").pairs
    pairs = [each for each in gendered if len(pair.known(each)) == 2]
    groups = {male: "male" for male, _ in pairs} | {female: "female" for _, female in pairs}
    for name in _MAP_LISTS:
        for word in pair.known(lexicons.load(name).words):
            groups.setdefault(word, name)
    words = tuple(groups)
    (first, before), (second, after) = (_plane(each, words, pairs) for each in pair.both)
    # The sign of the second component is arbitrary: it is made to go with the first space's.
    turned = second * (1.0, -1.0 if float(first[:, 1] @ second[:, 1]) < 0 else 1.0)
    return MappedWords(words, tuple(groups.values()), first, turned, (before, after))


def word_associations(pair: WordPair, half: Half = "report") -> list[Association]:
    """Return ``s(w, A, B)`` of every target word of each test that both measure, X and then Y."""
    found: list[Association] = []
    for test in pair.tests:
        known = lexicons.association_test(test)
        sets = known.half(half)
        lists = [
            _association(pair, (test, half, target, named.name), words, sets.A, sets.B)
            for target, words, named in (("X", sets.X, known.X), ("Y", sets.Y, known.Y))
        ]
        found += [each for each in lists if each is not None] if None not in lists else []
    return found


def _association(
    pair: WordPair,
    names: tuple[str, Half, str, str],
    words: Sequence[str],
    A: Sequence[str],
    B: Sequence[str],
) -> Association | None:
    shared = pair.known(words)
    before, after = (_contrast(vectors, shared, A, B) for vectors in pair.both)
    if len(shared) < 2 or before is None or after is None:
        return None
    return Association(
        *names,
        words=tuple(shared),
        before=tuple(before.tolist()),
        after=tuple(after.tolist()),
        before_interval=bootstrap_mean(before, RESAMPLES, _SEED),
        after_interval=bootstrap_mean(after, RESAMPLES, _SEED),
    )


def neighbor_scatter(pair: WordPair) -> tuple[Scatter, Scatter]:
    """Return professions, their own lean in the baseline and that of their neighbours, and r.

    Raises:
        NotMeasuredError: They cannot be measured in one of the spaces.
    """
    biased = biased_words(pair.before)
    professions = [each.word for each in lexicons.professions()]
    before, after = (neighbor_shares(v, pair.before, biased, professions) for v in pair.both)
    if (reason := before.reason or after.reason) is not None:
        raise NotMeasuredError(reason)
    return (
        (before, neighbor_bias(before, permutations=0)),
        (after, neighbor_bias(after, permutations=0)),
    )


def clusters(pair: WordPair) -> MappedWords:
    """Return the most biased words of the baseline by t-SNE of their unit vectors.

    What is stated is the k-means alignment with the two groups (0.5 is chance).

    Raises:
        NotMeasuredError: There are too few.
    """
    biased = biased_words(pair.before).within(pair.after)
    before, after = (kmeans_alignment(vectors, biased) for vectors in pair.both)
    side = min(before.n // 2, _TSNE_WORDS)
    if before.value is None or side == 0:
        raise NotMeasuredError("too few words lean in the baseline to be told apart")
    words = biased.words[:side] + biased.words[-side:]
    planes = [_tsne(vectors, words) for vectors in pair.both]
    groups = ("male",) * side + ("female",) * side
    return MappedWords(tuple(words), groups, planes[0], planes[1], (before.value, after.value))


def _unit(vectors: Embeddings, words: Sequence[str]) -> NDArray[np.float64]:
    return unit_rows(vectors, (vectors.index[word] for word in words))


def _leans(vectors: Embeddings, words: Sequence[str]) -> NDArray[np.float64]:
    leans: NDArray[np.float64] = _unit(vectors, words) @ pair_difference(vectors, HE_SHE)
    return leans


def _contrast(
    vectors: Embeddings, words: Sequence[str], A: Sequence[str], B: Sequence[str]
) -> NDArray[np.float64] | None:
    a, b = find(vectors, A), find(vectors, B)
    if not words or not a.rows or not b.rows:
        return None
    means = [unit_rows(vectors, in_order(each)).mean(axis=0) for each in (a, b)]
    contrast: NDArray[np.float64] = _unit(vectors, words) @ (means[0] - means[1])
    return contrast


def _plane(
    vectors: Embeddings, words: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> tuple[Points, float]:
    unit = _unit(vectors, words)
    direction = gender_direction(vectors, pairs)
    gender = unit @ direction
    rest = unit - np.outer(gender, direction)
    centred = rest - rest.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    share = float(gender.var() / (unit - unit.mean(axis=0)).var(axis=0).sum())
    return np.column_stack([gender, centred @ axes[0]]), share


def _tsne(vectors: Embeddings, words: Sequence[str]) -> Points:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    unit = _unit(vectors, words)
    perplexity = min(30.0, (len(words) - 1) / 3)
    with threadpool_limits(1):  # for so few words, threads cost more than they bring
        made = TSNE(perplexity=perplexity, init="pca", random_state=_SEED).fit_transform(unit)
    points: Points = np.asarray(made, dtype=np.float64)
    return points


# Neighbours of a page's word box ---------------------------------------------------------------

SEARCHED = 5_000  # words that have an entry
CANDIDATES = 20_000  # words that can be a neighbour; their numbers fit in 16 bits
SHOWN = 8  # neighbours of a word
EXAMPLES = ("nurse", "doctor", "engineer", "teacher", "family", "science", "art", "university")
_BLOCK = 512


@dataclass(frozen=True)
class NeighborIndex:
    """Neighbours by cosine, in two sets of vectors with the same words.

    Attributes:
        words: The candidates, by falling frequency; the first ``len(before)`` have an entry.
        before: Numbers of the neighbours in ``words``, nearest first, shape ``(searched, n)``.
        before_cosines: Their cosines.
        after: The same, after.
        after_cosines: The same, after.
    """

    words: tuple[str, ...]
    before: NDArray[np.uint16]
    before_cosines: NDArray[np.float32]
    after: NDArray[np.uint16]
    after_cosines: NDArray[np.float32]

    @property
    def searched(self) -> int:
        """How many words have an entry."""
        return len(self.before)

    @property
    def shown(self) -> int:
        """How many neighbours an entry has."""
        return int(self.before.shape[1])

    def of(self, word: str) -> tuple[list[tuple[str, float]], list[tuple[str, float]]] | None:
        """Return the neighbours of a word before and after; None when it has no entry."""
        if word not in self.words[: self.searched]:
            return None
        row = self.words.index(word)
        before = zip(self.before[row], self.before_cosines[row], strict=True)
        after = zip(self.after[row], self.after_cosines[row], strict=True)
        return (
            [(self.words[int(i)], float(c)) for i, c in before],
            [(self.words[int(i)], float(c)) for i, c in after],
        )

    def examples(self) -> list[str]:
        """Return words that a page shows without being asked, or the most frequent ones."""
        known = set(self.words[: self.searched])
        found = [word for word in EXAMPLES if word in known]
        return found or list(self.words[: min(4, self.searched)])

    def packed(self) -> dict[str, object]:
        """Return it as JSON values: numbers as base64 of little-endian 16 and of 8 bits."""
        return {
            "words": list(self.words),
            "searched": self.searched,
            "shown": self.shown,
            "before": _base64(self.before.astype("<u2")),
            "after": _base64(self.after.astype("<u2")),
            "beforeCosines": _base64(_byte(self.before_cosines)),
            "afterCosines": _base64(_byte(self.after_cosines)),
        }


def neighbor_index(pair: WordPair) -> NeighborIndex | None:
    """Return the neighbours of the first 5,000 words that both have, among their first 20,000.

    Two words are the least that have neighbours; None when there are fewer.
    """
    words = [word for word in pair.before.words if word in pair.after.index][:CANDIDATES]
    if len(words) < 2:
        return None
    near = [_nearest(vectors, words) for vectors in pair.both]
    return NeighborIndex(tuple(words), *near[0], *near[1])


def _nearest(
    vectors: Embeddings, words: list[str]
) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    unit = vectors.rows(words)
    searched, n = min(SEARCHED, len(words)), min(SHOWN, len(words) - 1)
    numbers = np.empty((searched, n), dtype=np.uint16)
    cosines = np.empty((searched, n), dtype=np.float32)
    for start in range(0, searched, _BLOCK):
        stop = min(start + _BLOCK, searched)
        block = unit[start:stop] @ unit.T
        block[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        top = np.argpartition(-block, n - 1, axis=1)[:, :n]
        values = np.take_along_axis(block, top, axis=1)
        order = np.lexsort((top, -values), axis=1)
        numbers[start:stop] = np.take_along_axis(top, order, axis=1)
        cosines[start:stop] = np.take_along_axis(values, order, axis=1)
    return numbers, cosines


def _byte(cosines: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round cosines in [−1, 1] to 201 steps of a hundredth: what the page shows."""
    steps = np.rint((np.clip(cosines, -1, 1) + 1) * 100)
    return steps.astype(np.uint8)


def _base64(array: NDArray[np.generic]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
