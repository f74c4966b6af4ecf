"""The random-word yardstick."""

from itertools import combinations

import numpy as np
import pytest

from debiaslab.metrics import NotMeasuredError, null_quantile, null_statistics, weat
from debiaslab.vectors.embeddings import Embeddings

A, B = ["a1", "a2"], ["b1", "b2"]


def space(targets, dim=10, seed=0):
    rng = np.random.default_rng(seed)
    words = [*A, *B, *(f"w{i}" for i in range(targets))]
    return Embeddings(words, rng.normal(size=(len(words), dim)))


def associations(vectors):
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    return unit[4:] @ (unit[:2].mean(axis=0) - unit[2:4].mean(axis=0))


def test_draws_are_disjoint_and_without_replacement():
    # With 5 words and 2 against 3, a draw can only be one of the C(5, 2) = 10 partitions, and all
    # of them come up about equally often.
    vectors = space(5)
    g = associations(vectors)
    possible = [g[list(c)].mean() - np.delete(g, c).mean() for c in combinations(range(5), 2)]
    drawn = null_statistics(vectors, A, B, 2, 3, draws=20_000)
    nearest = np.abs(drawn[:, None] - np.array(possible)).argmin(axis=1)
    assert np.abs(drawn - np.array(possible)[nearest]).max() < 1e-6
    assert np.bincount(nearest, minlength=10) == pytest.approx(2000, abs=250)


def test_quantile_agrees_with_one_draw_at_a_time():
    vectors = space(300)
    g, rng = associations(vectors), np.random.default_rng(9)
    slow = []
    for _ in range(10_000):
        chosen = g[rng.choice(len(g), 16, replace=False)]
        slow.append(abs(chosen[:8].mean() - chosen[8:].mean()))
    assert null_quantile(vectors, A, B, 8, 8) == pytest.approx(np.quantile(slow, 0.95), rel=0.04)


def test_one_statistic_in_twenty_of_random_sets_is_above_it():
    vectors = space(2000, dim=30)
    rng = np.random.default_rng(3)
    attributes = [*A, "w0", "w1"], [*B, "w2", "w3"]
    yardstick = null_quantile(vectors, *attributes, 5, 5)
    above = 0
    for _ in range(400):
        words = [f"w{i}" for i in rng.choice(np.arange(4, 2000), 10, replace=False)]
        result = weat(vectors, words[:5], words[5:], *attributes, permutations=0, bootstrap=0)
        above += abs(result.statistic) > yardstick
    assert above == pytest.approx(400 * 0.05, abs=18)  # 4 standard deviations


def test_excluded_zero_and_attribute_words_and_those_past_the_top_are_not_drawn():
    vectors = np.array(space(40).vectors)
    vectors[4:6] = 0  # w0, w1
    vectors = Embeddings(space(40).words, vectors)
    # Left of the first 10 rows: not the 4 attributes, not the 2 zeros, not w2: w3, w4, w5.
    drawn = null_statistics(vectors, A, B, 1, 1, exclude=["w2", "unknown"], top=10, draws=500)
    unit = vectors.unit.astype(float)
    g = unit[7:10] @ (unit[:2].mean(axis=0) - unit[2:4].mean(axis=0))
    possible = np.subtract.outer(g, g)[~np.eye(3, dtype=bool)]
    assert np.abs(drawn[:, None] - possible).min(axis=1).max() < 1e-6


def test_seeded():
    vectors = space(300)
    assert null_quantile(vectors, A, B, 8, 8, seed=1) == null_quantile(vectors, A, B, 8, 8, seed=1)
    assert null_quantile(vectors, A, B, 8, 8, seed=1) != null_quantile(vectors, A, B, 8, 8, seed=2)


def test_grows_with_the_quantile_and_shrinks_with_the_sets():
    vectors = space(300)
    median = null_quantile(vectors, A, B, 8, 8, q=0.5)
    assert median < null_quantile(vectors, A, B, 8, 8, q=0.95)
    assert null_quantile(vectors, A, B, 32, 32) < null_quantile(vectors, A, B, 8, 8)


def test_too_few_words_or_no_attributes_is_an_error_with_the_numbers():
    with pytest.raises(NotMeasuredError, match="needs 16 words, 10 are left"):
        null_quantile(space(10), A, B, 8, 8)
    with pytest.raises(NotMeasuredError, match="no attribute word"):
        null_quantile(space(10), ["absent"], B, 1, 1)
