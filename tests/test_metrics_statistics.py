"""Permutation test, bootstrap and correlations by hand, by theory and against scipy."""

import numpy as np
import pytest
from scipy import stats

from debiaslab.metrics import permutation_test
from debiaslab.statistics.bootstrap import (
    bootstrap_mean,
    pearson,
    pearson_rows,
    pearson_test,
    percentile_interval,
    resample_counts,
    spearman,
    spearman_interval,
)


def test_p_of_a_case_counted_by_hand():
    # Pooled 1, 1, 1, 0: of the 6 pairs, {1,1} comes up 3 times (difference +1/2), {1,0} 3 times
    # (difference −1/2). Observed: {1,1} against {1,0}, +1/2. One-sided 3/6; all six have size 1/2.
    result = permutation_test([1, 1], [1, 0])
    assert result.p == 0.5
    assert result.p_two_sided == 1.0
    assert (result.method, result.permutations, result.floor) == ("exact", 6, 1 / 6)
    assert permutation_test([0.1 + 0.2] * 4, [0.3] * 4).p == 1.0  # ties whatever their rounding
    with pytest.raises(ValueError, match="at least one value"):
        permutation_test([], [1.0])


def test_enumerates_8_against_8_and_many_against_two():
    assert permutation_test(np.arange(8), np.arange(8)).permutations == 12_870
    # C(600, 2) = 179,700 partitions; the two largest values are one of them.
    result = permutation_test([600, 601], np.arange(598))
    assert result.permutations == 179_700
    assert result.p == pytest.approx(1 / 179_700)


def test_monte_carlo_begins_above_200_000_partitions():
    assert permutation_test(np.arange(10), np.arange(10)).method == "exact"  # 184,756
    assert permutation_test(np.arange(10), np.arange(11), draws=10).method == "monte_carlo"


@pytest.mark.parametrize(("n_x", "n_y"), [(8, 8), (3, 13), (13, 3), (7, 9)])
def test_monte_carlo_agrees_with_exact(n_x, n_y):
    values = np.random.default_rng(n_x).normal(size=n_x + n_y)
    x, y = values[:n_x], values[n_x:]
    exact = permutation_test(x, y)
    drawn = permutation_test(x, y, exact_limit=0, draws=100_000, seed=3)
    for a, b in ((exact.p, drawn.p), (exact.p_two_sided, drawn.p_two_sided)):
        assert abs(a - b) < 5 * np.sqrt(a * (1 - a) / 100_000) + 1e-5


def test_monte_carlo_draws_every_subset_equally_often():
    values = np.zeros(70)
    values[0] = 1.0
    result = permutation_test(values[:3], values[3:], exact_limit=0, draws=100_000)
    assert result.p == pytest.approx(3 / 70, abs=5 * np.sqrt(3 / 70 / 100_000))


def test_monte_carlo_has_a_floor_and_a_seed():
    x, y = np.arange(30) + 100.0, np.arange(30.0)
    result = permutation_test(x, y, draws=999)
    assert result.p == result.floor == 1 / 1000
    middling = np.random.default_rng(0).normal(size=60)
    first, again, other = (
        permutation_test(middling[:30], middling[30:], draws=999, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first.p != other.p


def test_swapping_the_groups_leaves_the_two_sided_p():
    values = np.random.default_rng(5).normal(size=14)
    one = permutation_test(values[:6], values[6:])
    other = permutation_test(values[6:], values[:6])
    assert one.p_two_sided == other.p_two_sided


def test_bootstrap_of_a_mean_is_seeded_and_near_theory():
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap_mean(values, 4000, seed=1)
    half_width = 1.96 * values.std() / np.sqrt(len(values))
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.05)
    assert bootstrap_mean(values, 4000, seed=1) == (low, high)
    assert bootstrap_mean(values, 4000, seed=2) != (low, high)
    assert bootstrap_mean(values, 0, seed=1) == (None, None)


def test_undefined_resamples_are_left_out_and_too_many_give_no_interval():
    assert percentile_interval(np.array([1.0, 1.0, 1.0, np.nan])) == (1.0, 1.0)
    assert percentile_interval(np.array([1.0, np.nan])) == (None, None)
    counts = resample_counts(7, 50, np.random.default_rng(0))
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()


def test_spearman_by_hand():
    # Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4; less 2.5: (−1.5, 0, 0, 1.5) and (−1.5, −.5, .5, 1.5).
    # Products 4.5; sizes 4.5 and 5: ρ = 4.5 / √22.5 = 0.948683.
    rho = spearman(np.array([1.0, 5.0, 5.0, 9.0]), np.array([0.0, 1.0, 2.0, 3.0]))
    assert rho == pytest.approx(0.948683, abs=1e-6)
    assert np.isnan(spearman(np.ones(5), np.arange(5.0)))


def test_spearman_and_its_bootstrap_equal_scipy_draw_by_draw():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    x = rng.integers(0, 12, 60).astype(float)  # many ties
    y = x + rng.normal(size=60) * 5
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    rows = np.random.default_rng(4).integers(0, 60, size=(200, 60))
    expected = np.quantile([spearmanr(x[i], y[i]).statistic for i in rows], [0.025, 0.975])
    assert spearman_interval(x, y, 200, seed=4) == pytest.approx(tuple(expected), abs=1e-12)
    assert spearman_interval(x, y, 0, seed=4) == (None, None)


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


def test_order_of_a_correlation_makes_no_difference_and_the_sign_swaps_the_sides():
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
