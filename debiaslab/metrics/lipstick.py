"""Can the biased words of the baseline still be told apart? (Gonen & Goldberg 2019, NAACL, 4)

"Lipstick on a pig": debiasing can hide the gender direction and leave the words that lean to one
gender together. Both tests label the most biased words of the vectors *before* debiasing and try to
find the labels again in the vectors *after* it. A high value is not proof of gender bias: on real
text the words of one label share topics too, so compare with the value of a gender-blind corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.biased_words import BiasedWords
from debiaslab.metrics.bootstrap import NO_INTERVAL, Interval
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.two_means import two_means
from debiaslab.metrics.vocabulary import require_directions, unit_rows
from debiaslab.vectors.embeddings import Embeddings

Matrix = NDArray[np.float64]

SEEDS = (0, 1, 2, 3, 4)

KMEANS_SIDE = 500
SVM_SIDE = 2_500
SHARE = 8  # a side is at most this fraction (1/8) of the candidates: the extremes, not the middle
LEAST_KMEANS_SIDE = 20
LEAST_SVM_SIDE = 50
_TRAIN = 5  # one word of five is for training: 1,000 of the 2 × 2,500


@dataclass(frozen=True)
class LabelRecovery:
    """Result of :func:`kmeans_alignment` and :func:`svm_recovery`.

    Attributes:
        value: Mean over seeds of the share of words whose label was found; None when not measured.
        interval: Lowest and highest value over the seeds (not a confidence interval).
        by_seed: The value of each seed.
        seeds: The seeds.
        n: Words labelled, half of them male and half female; of these the SVM is tested on
            ``n − train``.
        train: Words the classifier was fitted on; 0 for k-means.
        candidates: Words the labelled ones were the extremes of.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    by_seed: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    n: int = 0
    train: int = 0
    candidates: int = 0
    reason: str | None = None


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

    def measure(unit: Matrix, male: NDArray[np.bool_]) -> tuple[float, ...]:
        accuracies = (two_means(unit, seeds) == male).mean(axis=1)
        return tuple(np.maximum(accuracies, 1 - accuracies).tolist())

    return _recover(embeddings, biased, side, LEAST_KMEANS_SIDE, seeds, measure, train=0)


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
    return _recover(
        embeddings,
        biased,
        side,
        LEAST_SVM_SIDE,
        seeds,
        lambda unit, male: tuple(_svm_accuracy(unit, male, seed) for seed in seeds),
        train=_TRAIN,
    )


def _recover(
    embeddings: Embeddings,
    biased: BiasedWords,
    side: int,
    least: int,
    seeds: Sequence[int],
    measure: Callable[[Matrix, NDArray[np.bool_]], tuple[float, ...]],
    *,
    train: int,
) -> LabelRecovery:
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
    by_seed = measure(unit, np.arange(2 * side) < side)
    return replace(
        empty,
        value=float(np.mean(by_seed)),
        interval=(min(by_seed), max(by_seed)),
        by_seed=by_seed,
        n=2 * side,
        train=2 * (side // train) if train else 0,
    )


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
