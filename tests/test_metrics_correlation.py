"""Correlations: the permutation test, and rows at a time."""

import numpy as np
import pytest
from scipy import stats

from debiaslab.metrics.vocabulary import find
from debiaslab.statistics.bootstrap import pearson, pearson_rows, pearson_test
from debiaslab.vectors.embeddings import Embeddings

X = np.random.default_rng(0).normal(size=14)
Y = 0.4 * X + np.random.default_rng(1).normal(size=14)


def test_p_is_that_of_scipy():
    found = pearson_test(X, Y, 10_000, seed=0)
    for p, side in ((found.p, "greater"), (found.p_two_sided, "two-sided")):
        expected = stats.permutation_test(
            (X,), lambda x: stats.pearsonr(x, Y)[0], permutation_type="pairings",
            alternative=side, n_resamples=4000, rng=0,
        ).pvalue  # fmt: skip
        assert p == pytest.approx(expected, abs=0.025)
    assert found.floor == 1 / 10_001


def test_order_makes_no_difference_and_the_sign_swaps_the_sides():
    found = pearson_test(X, Y, 500, seed=3)
    order = np.random.default_rng(2).permutation(len(X))
    assert pearson_test(X[order], Y[order], 500, seed=3) == found
    assert pearson_test(X, -Y, 500, seed=3).p > 0.5 > found.p
    assert pearson_test(X, X, 500, seed=3).p == pearson_test(X, X, 500, seed=3).floor
    assert pearson_test(X, Y, 0, seed=3) is None


def test_rows_are_the_single_correlation():
    rows = np.random.default_rng(5).normal(size=(6, len(Y)))
    assert pearson_rows(rows, Y) == pytest.approx([pearson(row, Y) for row in rows])
    assert np.isnan(pearson_rows(np.ones((1, len(Y))), Y))


def test_a_space_is_also_looked_up_as_an_underscore():
    vectors = Embeddings(["Promised_Land", "new_york", "NASA"], np.eye(3))
    assert find(vectors, ["Promised Land", "New York", "nasa", "new delhi"]).rows == (0, 1, 2)
