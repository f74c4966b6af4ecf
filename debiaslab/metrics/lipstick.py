"""Can the biased words of the baseline still be told apart? (Gonen & Goldberg 2019, NAACL, 4)

"Lipstick on a pig": debiasing can hide the gender direction and leave the words that lean to one
gender together. Two tests label the most biased words of the vectors *before* debiasing and try to
find the labels again in the vectors *after* it; the third correlates the bias of a profession with
that of its neighbours. A high value is not proof of gender bias: on real text the words of one
label share topics too, so compare with the value of a gender-blind corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import Attribute, Half, load
from debiaslab.metrics.cases import HALVES, OCCUPATIONS, Resampling
from debiaslab.metrics.evaluation import Baseline
from debiaslab.metrics.neighbor_bias import (
    BiasedWords,
    NeighborShares,
    biased_words,
    neighbor_bias,
    neighbor_shares,
    neighbor_shares_along,
)
from debiaslab.metrics.null import NullCache, RandomWords, disjoint, require_defined, with_null
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import HE_SHE, Pair, Result, require_directions, row_of, unit_rows
from debiaslab.statistics.bootstrap import PERMUTATIONS, tested
from debiaslab.statistics.reliability import Number
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Measurement

Matrix = NDArray[np.float64]

SEEDS = (0, 1, 2, 3, 4)

KMEANS_SIDE = 500
SVM_SIDE = 2_500
SHARE = 8  # a side is at most this fraction (1/8) of the candidates: the extremes, not the middle
LEAST_KMEANS_SIDE = 20
LEAST_SVM_SIDE = 50
_TRAIN = 5  # one word of five is for training: 1,000 of the 2 × 2,500


@dataclass(frozen=True)
class LabelRecovery(Result):
    """Mean over seeds of the share of words whose label was found.

    ``interval`` is the lowest and the highest value over the seeds, not a confidence interval.
    ``n`` words are labelled, half of them male; of these the SVM is tested on ``n − train``.

    Attributes:
        by_seed: The value of each seed.
        seeds: The seeds.
        train: Words the classifier was fitted on; 0 for k-means.
        candidates: Words the labelled ones were the extremes of.
    """

    by_seed: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    train: int = 0
    candidates: int = 0


def kmeans_alignment(
    embeddings: Embeddings,
    biased: BiasedWords,
    *,
    side: int = KMEANS_SIDE,
    seeds: Sequence[int] = SEEDS,
) -> LabelRecovery:
    """Cluster the most biased words in two and return how well the clusters match the labels.

    Alignment is ``max(accuracy, 1 − accuracy)``: 0.5 is chance, and 1 means that the words stay
    apart by gender. Each seed takes the best of 10 restarts.

    Args:
        embeddings: The vectors to look at, debiased or not; unit vectors are clustered.
        biased: ``biased_words(baseline)``; words without a vector here are left out of it.
        side: Most male words and most female words; fewer in a small vocabulary, where a side is
            at most 1/8 of the candidates.
        seeds: Seeds of k-means.

    Returns:
        A result whose ``reason`` is set when there is no ranking, a side would have fewer than 20
        words, or the words all point the same way.
    """

    def by_seed(unit: Matrix, male: NDArray[np.bool_]) -> list[float]:
        accuracies = (two_means(unit, seeds) == male).mean(axis=1)
        found: list[float] = np.maximum(accuracies, 1 - accuracies).tolist()
        return found

    return _recover(embeddings, biased, side, LEAST_KMEANS_SIDE, seeds, by_seed)


def svm_recovery(
    embeddings: Embeddings,
    biased: BiasedWords,
    *,
    side: int = SVM_SIDE,
    seeds: Sequence[int] = SEEDS,
) -> LabelRecovery:
    """Fit an RBF support vector machine to some labels and return its accuracy on the others.

    One fifth of either side is drawn for training (1,000 of 2 × 2,500 words); C = 1 and
    ``gamma = 1 / (d · variance)``, scikit-learn's defaults; unit vectors. 0.5 is chance.

    Arguments and reasons as in :func:`kmeans_alignment`; each seed draws its own training words,
    and a side has at least 50 words.
    """

    def by_seed(unit: Matrix, male: NDArray[np.bool_]) -> list[float]:
        return [_svm_accuracy(unit, male, seed) for seed in seeds]

    found = _recover(embeddings, biased, side, LEAST_SVM_SIDE, seeds, by_seed)
    return replace(found, train=2 * (found.n // 2 // _TRAIN))


LABEL_TESTS: dict[str, Callable[..., LabelRecovery]] = {
    "kmeans_alignment": kmeans_alignment,
    "svm_recovery": svm_recovery,
}
NEIGHBORS = "profession_neighbors"


def _recover(
    embeddings: Embeddings,
    biased: BiasedWords,
    side: int,
    least: int,
    seeds: Sequence[int],
    by_seed: Callable[[Matrix, NDArray[np.bool_]], list[float]],
) -> LabelRecovery:
    """Return how many labels are found again, by seed, from unit rows and which are male."""
    known = biased.within(embeddings)
    side = min(side, len(known) // SHARE)
    empty = LabelRecovery(candidates=len(known), seeds=tuple(seeds))
    try:
        biased.require()
        if side < least:
            raise NotMeasuredError(
                f"the extremes of {len(known)} candidate words are {side} a side (at most "
                f"1/{SHARE} of them), needs {least}"
            )
        words = known.words[:side] + known.words[-side:]
        unit = unit_rows(embeddings, (embeddings.index[word] for word in words))
        require_directions("the most biased words", unit)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    found = by_seed(unit, np.arange(2 * side) < side)
    value, ends = float(np.mean(found)), (min(found), max(found))
    return replace(empty, value=value, interval=ends, by_seed=tuple(found), n=2 * side)


def _svm_accuracy(unit: Matrix, male: NDArray[np.bool_], seed: int) -> float:
    """Return the accuracy on the words that were not drawn for training."""
    from sklearn.svm import SVC

    rng = np.random.default_rng(seed)
    side = len(unit) // 2
    drawn = np.concatenate([start + rng.permutation(side)[: side // _TRAIN] for start in (0, side)])
    tested = np.setdiff1d(np.arange(len(unit)), drawn)
    gamma = 1 / (unit.shape[1] * unit[drawn].var())
    # The kernel as a product of matrices: libsvm's own takes longer, to decide ten times as long.
    model = SVC(kernel="precomputed").fit(_rbf(unit[drawn], unit[drawn], gamma), male[drawn])
    support = unit[drawn][model.support_]
    decisions = _rbf(unit[tested], support, gamma) @ model.dual_coef_[0] + model.intercept_[0]
    return float(((decisions > 0) == male[tested]).mean())


def _rbf(rows: Matrix, others: Matrix, gamma: float) -> Matrix:
    """Return ``exp(−gamma ‖x − y‖²)`` of unit rows, shape ``(n, m)``."""
    kernel: Matrix = np.exp(-gamma * (2 - 2 * rows @ others.T))
    return kernel


# k-means with two clusters ----------------------------------------------------------------------

RESTARTS = 10
_ITERATIONS = 300


def two_means(
    points: Matrix, seeds: Sequence[int], *, restarts: int = RESTARTS
) -> NDArray[np.bool_]:
    """Return for each seed which of two clusters each point is in, shape ``(len(seeds), n)``.

    Each seed's partition is the one of the least inertia among ``restarts`` runs, each started at
    a point drawn uniformly and a second drawn by the squared distance to it (k-means++, Arthur &
    Vassilvitskii 2007), and run until no point changes its cluster (at most 300 rounds).

    Args:
        points: Shape ``(n, d)``, at least two of them different.
        seeds: One run of the whole procedure each.
        restarts: Runs a seed.
    """
    first, second = _starts(points, seeds, restarts)
    labels = _lloyd(points, first, second)
    best = _inertia(points, labels).reshape(len(seeds), restarts).argmin(axis=1)
    chosen: NDArray[np.bool_] = labels[np.arange(len(seeds)) * restarts + best]
    return chosen


def _starts(points: Matrix, seeds: Sequence[int], restarts: int) -> tuple[Matrix, Matrix]:
    """Return two starting centres for each run, each of shape ``(len(seeds) · restarts, d)``."""
    n = len(points)
    squares = np.einsum("ij,ij->i", points, points)
    drawn = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        first = rng.integers(n, size=restarts)
        distances = squares + squares[first, None] - 2 * points[first] @ points.T
        reach = np.cumsum(np.clip(distances, 0, None), axis=1)
        thresholds = rng.random(restarts) * reach[:, -1]
        second = [
            np.searchsorted(r, t, side="right") for r, t in zip(reach, thresholds, strict=True)
        ]
        drawn.append((first, np.minimum(second, n - 1)))
    return (
        points[np.concatenate([first for first, _ in drawn])],
        points[np.concatenate([second for _, second in drawn])],
    )


def _lloyd(points: Matrix, first: Matrix, second: Matrix) -> NDArray[np.bool_]:
    """Return for each run which points are nearer to its second centre once nothing changes."""
    labels = np.zeros((len(first), len(points)), dtype=bool)
    total, n = points.sum(axis=0), len(points)
    active = np.arange(len(first))
    for _ in range(_ITERATIONS):
        a, b = first[active], second[active]
        middle = (np.einsum("ij,ij->i", b, b) - np.einsum("ij,ij->i", a, a)) / 2
        new = (b - a) @ points.T > middle[:, None]
        changed = (new != labels[active]).any(axis=1)
        labels[active] = new
        active, new = active[changed], new[changed]
        # A run whose points are all in one cluster keeps its centres and so ends in the next round.
        two = new.any(axis=1) & ~new.all(axis=1)
        in_second = new[two].astype(np.float64)
        sizes, sums = in_second.sum(axis=1, keepdims=True), in_second @ points
        second[active[two]] = sums / sizes
        first[active[two]] = (total - sums) / (n - sizes)
        if not len(active):
            break
    return labels


def _inertia(points: Matrix, labels: NDArray[np.bool_]) -> Matrix:
    """Return each run's sum of squared distances to the centres, less the sum of squares."""
    in_second = labels.astype(np.float64)
    sizes, sums = in_second.sum(axis=1), in_second @ points
    rest = points.sum(axis=0) - sums
    return -sum(
        np.einsum("ij,ij->i", each, each) / np.maximum(size, 1.0)
        for each, size in ((sums, sizes), (rest, len(points) - sizes))
    )


# Random axes ------------------------------------------------------------------------------------

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

    Raises:
        NotMeasuredError: No axis is left.
    """
    if len(words.rows) < 2:
        raise NotMeasuredError(f"a random axis needs 2 words, {len(words.rows)} are left")
    axes = min(axes, len(words.rows) // 2)
    drawn = words.rows[disjoint(len(words.rows), 2, axes, np.random.default_rng(seed))]
    names, gendered = words.embeddings.words, load("gender_specific").words
    pairs = [(names[first], names[second]) for first, second in drawn]
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
) -> Matrix:
    """Return ``kmeans_alignment`` or ``svm_recovery`` of each axis, one seed each.

    Returns:
        One value an axis, NaN where it is not measured; ``null_band`` leaves these out.

    Raises:
        NotMeasuredError: It is not measured for most axes.
    """
    return _defined([test(embeddings, ranking, seeds=(seed,)) for ranking in axes.rankings])


def neighbor_null(shares: Sequence[NeighborShares], words: Sequence[str]) -> Matrix:
    """Return ``neighbor_bias`` over ``words`` of each axis; returns and raises as ``label_null``.

    Args:
        shares: ``neighbor_shares_along`` the pairs of the axes.
        words: Professions.
    """
    return _defined([neighbor_bias(each, words, permutations=0, bootstrap=0) for each in shares])


def _defined(results: Sequence[Result]) -> Matrix:
    numbers = np.array([np.nan if each.value is None else each.value for each in results])
    require_defined(numbers)
    return numbers


# Records ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Axis:
    """What is in the place of *he* and *she*, the words ranked along it, and its name."""

    pair: Pair
    biased: BiasedWords
    name: str = ""

    def record(
        self, result: Result, test: str, words: Half, before: float | None, **extra: object
    ) -> Record:
        """Return the record of a test, ``before`` its number in the baseline."""
        name = f"{self.name} {test}" if self.name else test
        return Record.of(result, "lipstick", name, words, {**extra, "baseline": before})


@record_metric(
    "lipstick",
    citation="Gonen & Goldberg 2019, NAACL, section 4",
    family="lipstick",
    better="lower",
    needs="a baseline (the vectors themselves without one)",
    has_null=True,
    of_pair=lambda *given: _of_pair(*given),
)
def records(measurement: Measurement) -> Iterator[Record]:
    """Whether the most biased words of the baseline can still be told apart.

    Two label tests (on all words) and the professions' neighbours (on each half). The label words
    are the extremes of the vocabulary and not of a lexicon, so they have no halves.
    ``extra["baseline"]`` is the same number for the baseline itself, on the same words. Attributes
    of two classes with definitional sets have records named after them
    (``"<attribute> kmeans_alignment"``), with the first such pair that the baseline has in the
    place of *he* and *she*, and without words of the attribute among the ranked. Without a
    baseline the vectors are their own: what the tests show before debiasing.

    The null is of 20 random axes of the baseline's vectors, as *he* − *she* is, and serves an
    attribute's pair too; with the suffix ``_baseline`` it is of the same labels in these.
    """
    embeddings, effort = measurement.embeddings, measurement.effort
    baseline = measurement.baseline or measurement.own or Baseline(embeddings)
    yardsticks: list[NullCache] = []
    if effort.null and measurement.lipstick_nulls:
        alone, before = embeddings is baseline.embeddings, baseline.yardstick
        yardsticks = [before.named("")] if alone else [NullCache(before.words), before]
    for axis in (_Axis(HE_SHE, baseline.biased), *_axes(baseline, measurement.attributes)):
        here = replace(axis, biased=axis.biased.within(embeddings))
        for name in LABEL_TESTS:
            record = _label_record(name, embeddings, baseline, here, effort)
            yield with_null(record, partial(_null, name, embeddings, baseline), yardsticks, effort)
        for record in _neighbor_records(embeddings, baseline, here, effort):
            null = partial(_null, NEIGHBORS, embeddings, baseline)
            yield with_null(record, null, yardsticks, effort)


def label_seeds(name: str, effort: Resampling) -> tuple[int, ...]:
    """Return the seeds of one of the two label tests."""
    return tuple(effort.seed_of("lipstick", name, str(number)) for number in SEEDS)


def _of_pair(
    embeddings: Embeddings, baseline: Embeddings, half: Half, pair: Pair
) -> dict[str, Number]:
    """Return the three tests with another pair; the label words have no halves."""
    biased = biased_words(baseline, pair=pair).within(embeddings)
    seeded = Resampling(seed=0, bootstrap=0, permutations=0, null=False)
    found: dict[str, Result] = {
        name: test(embeddings, biased, seeds=label_seeds(name, seeded))
        for name, test in LABEL_TESTS.items()
    }
    professions = load(OCCUPATIONS)
    shares = neighbor_shares(embeddings, baseline, biased, professions.words, pair=pair)
    found[NEIGHBORS] = neighbor_bias(shares, professions.half(half), permutations=0, bootstrap=0)
    return {name: (result.value, result.reason) for name, result in found.items()}


def _axes(baseline: Baseline, attributes: Sequence[Attribute]) -> Iterator[_Axis]:
    """Yield the axis of each attribute: its first pair in the vectors, of all where none is."""
    for attribute in attributes:
        if not (attribute.binary and attribute.definitional_sets):
            continue
        pairs = [(first, second) for first, second in attribute.definitional_sets]
        known = (p for p in pairs if all(row_of(baseline.embeddings, w) is not None for w in p))
        pair, words = next(known, pairs[0]), attribute.half("all")
        listed = chain(*words.classes.values(), *words.definitional_sets)
        own = frozenset(word.lower() for word in listed)
        biased = baseline.once(
            (biased_words, pair, own),
            partial(biased_words, baseline.embeddings, pair=pair, exclude=own),
        )
        yield _Axis(pair, biased, attribute.name)


def _label_record(
    name: str, embeddings: Embeddings, baseline: Baseline, axis: _Axis, effort: Resampling
) -> Record:
    test, seeds = LABEL_TESTS[name], label_seeds(name, effort)
    before = baseline.once(
        (name, seeds, axis.biased.words),
        lambda: test(baseline.embeddings, axis.biased, seeds=seeds),
    )
    alone = embeddings is baseline.embeddings
    result = before if alone else test(embeddings, axis.biased, seeds=seeds)
    return axis.record(
        result,
        name,
        "all",
        before.value,
        interval="lowest and highest over seeds",
        seeds=list(result.seeds),
        by_seed=list(result.by_seed),
        train=result.train,
        candidates=result.candidates,
    )


def _neighbor_records(
    embeddings: Embeddings, baseline: Baseline, axis: _Axis, effort: Resampling
) -> Iterator[Record]:
    origin, professions = baseline.embeddings, load(OCCUPATIONS)

    def shares(vectors: Embeddings) -> NeighborShares:
        return neighbor_shares(vectors, origin, axis.biased, professions.words, pair=axis.pair)

    key = (neighbor_shares, axis.pair, axis.biased.words)
    before = baseline.once(key, lambda: shares(origin))
    after = before if embeddings is origin else shares(embeddings)
    for half in HALVES:
        words = professions.half(half)
        result = neighbor_bias(
            after,
            words,
            permutations=min(effort.permutations, PERMUTATIONS),
            bootstrap=effort.bootstrap,
            seed=effort.seed_of("lipstick", NEIGHBORS, half),
        )
        known = neighbor_bias(before, words, permutations=0, bootstrap=0).value
        yield axis.record(
            result,
            NEIGHBORS,
            half,
            known,
            correlation="pearson",
            neighbors=after.neighbors,
            candidates=after.candidates,
            **tested(result.test),
        )


def _null(
    test: str,
    embeddings: Embeddings,
    baseline: Baseline,
    yardstick: NullCache,
    record: Record,
    effort: Resampling,
) -> Matrix:
    """Return one value an axis of a test, in these vectors or in the baseline's."""
    seed = effort.seed_of("null", "lipstick")
    vectors = baseline.embeddings if yardstick.suffix else embeddings
    axes = baseline.once(("random axes", seed), lambda: random_axes(yardstick.words, seed=seed))
    if test in LABEL_TESTS:
        return yardstick.once(
            ("lipstick", test, seed), lambda: label_null(LABEL_TESTS[test], vectors, axes, seed)
        )
    words, along = load(OCCUPATIONS), neighbor_shares_along
    shares = yardstick.once(
        ("lipstick", test, seed),
        lambda: along(vectors, baseline.embeddings, baseline.biased, words.words, axes.pairs),
    )
    return neighbor_null(shares, words.half(record.words))
