"""Permutation test, bootstrap and rank correlation against hand-made cases and brute force."""

from itertools import combinations

import numpy as np
import pytest

from debiaslab.metrics import permutation_test
from debiaslab.statistics.bootstrap import (
    bootstrap_mean,
    percentile_interval,
    resample_counts,
    spearman,
    spearman_interval,
)


def brute_force(x, y):
    """One- and two-sided p over every partition, one at a time."""
    pooled = np.r_[x, y]
    observed = np.mean(x) - np.mean(y)
    everyone = range(len(pooled))
    differences = []
    for chosen in combinations(everyone, len(x)):
        rest = [i for i in everyone if i not in chosen]
        differences.append(pooled[list(chosen)].mean() - pooled[rest].mean())
    differences = np.array(differences)
    one = (differences >= observed - 1e-12).mean()
    two = (np.abs(differences) >= abs(observed) - 1e-12).mean()
    return one, two


def test_p_of_a_case_counted_by_hand():
    # Pooled 1, 1, 1, 0: of the 6 pairs, {1,1} comes up 3 times (difference +1/2), {1,0} 3 times
    # (difference −1/2). Observed: {1,1} against {1,0}, +1/2. One-sided 3/6; all six have size 1/2.
    result = permutation_test([1, 1], [1, 0])
    assert result.p == 0.5
    assert result.p_two_sided == 1.0
    assert (result.method, result.permutations, result.floor) == ("exact", 6, 1 / 6)


@pytest.mark.parametrize(("n_x", "n_y"), [(4, 4), (3, 6), (6, 3), (1, 5), (5, 1), (2, 2)])
@pytest.mark.parametrize("ties", [False, True])
def test_exact_p_equals_brute_force(n_x, n_y, ties):
    rng = np.random.default_rng(n_x * 10 + n_y)
    values = rng.integers(0, 3, n_x + n_y) * 0.1 if ties else rng.normal(size=n_x + n_y)
    x, y = values[:n_x], values[n_x:]
    result = permutation_test(x, y)
    assert (result.p, result.p_two_sided) == pytest.approx(brute_force(x, y), abs=1e-12)
    assert result.method == "exact"


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
    # One value in 70 is 1, all others 0: it falls into X (3 of 70) with chance 3/70.
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


def test_constant_values_tie_whatever_their_rounding():
    assert permutation_test([0.1 + 0.2] * 4, [0.3] * 4).p == 1.0


def test_swapping_the_groups_leaves_the_two_sided_p():
    values = np.random.default_rng(5).normal(size=14)
    one = permutation_test(values[:6], values[6:])
    other = permutation_test(values[6:], values[:6])
    assert one.p_two_sided == other.p_two_sided


def test_an_empty_group_is_refused():
    with pytest.raises(ValueError, match="at least one value"):
        permutation_test([], [1.0])


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


def test_resamples_have_the_size_of_the_sample():
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
