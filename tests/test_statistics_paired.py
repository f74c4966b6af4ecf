"""Comparing runs over seeds: by hand, by brute force, and what must not change."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.metrics import Record, Scorecard
from debiaslab.metrics.comparison import paired_scorecards
from debiaslab.statistics import paired

numbers = st.lists(st.integers(-1000, 1000).map(lambda i: i / 100), min_size=2, max_size=8)


@st.composite
def runs(draw):
    first = draw(numbers)
    second = draw(st.lists(st.integers(-1000, 1000), min_size=len(first), max_size=len(first)))
    return first, [each / 100 for each in second]


def test_by_hand():
    # Differences −2, −3, −4: mean −3, deviation 1, t(2) = 4.3027, half width 4.3027 / √3.
    result = paired([10, 11, 12], [8, 8, 8], bootstrap=0)
    assert result.difference == -3
    assert result.interval == pytest.approx((-3 - 2.48414, -3 + 2.48414), abs=1e-4)
    assert (result.p, result.floor, result.method) == (2 / 8, 2 / 8, "exact")
    assert (result.probability_of_improvement, result.improved, result.n) == (1.0, 1.0, 3)
    assert result.bootstrap_interval == result.improvement_interval == (None, None)
    worse = paired([10, 11, 12], [8, 8, 8], better="higher", bootstrap=0)
    assert (worse.probability_of_improvement, worse.improved) == (0.0, 0.0)
    assert (worse.difference, worse.p) == (result.difference, result.p)


@settings(deadline=None, max_examples=40)
@given(runs())
def test_p_and_improvement_equal_brute_force(both):
    x, y = (np.array(side) for side in both)
    result = paired(x, y, bootstrap=0)
    sums = [abs(np.dot(signs, y - x)) for signs in product((1, -1), repeat=len(x))]
    hits = sum(each >= abs((y - x).sum()) - 1e-9 for each in sums)
    assert result.p == pytest.approx(hits / len(sums))
    wins = [1.0 if b < a else 0.5 if a == b else 0.0 for a in x for b in y]
    assert result.probability_of_improvement == pytest.approx(np.mean(wins))
    assert result.p >= result.floor


@settings(deadline=None, max_examples=30)
@given(runs(), st.randoms(use_true_random=False))
def test_order_of_seeds_does_not_matter_and_swapping_negates(both, random):
    x, y = both
    result = paired(x, y, bootstrap=0)
    order = list(range(len(x)))
    random.shuffle(order)
    shuffled = paired([x[i] for i in order], [y[i] for i in order], bootstrap=0)
    assert shuffled.difference == result.difference
    assert shuffled.p == pytest.approx(result.p)
    assert shuffled.probability_of_improvement == pytest.approx(result.probability_of_improvement)
    assert shuffled.interval == pytest.approx(result.interval)
    swapped = paired(y, x, bootstrap=0)
    assert swapped.difference == -result.difference
    assert swapped.p == result.p
    assert swapped.probability_of_improvement == pytest.approx(
        1 - result.probability_of_improvement
    )


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_identical_runs_show_nothing(n):
    values = list(np.random.default_rng(n).normal(size=n))
    result = paired(values, values)
    assert (result.difference, result.p, result.improved) == (0, 1, 0.5)
    assert result.probability_of_improvement == 0.5
    assert result.interval == ((None, None) if n == 1 else (0, 0))


def test_agrees_with_scipy():
    from scipy import stats

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=7), rng.normal(size=7) - 1
    result = paired(x, y, bootstrap=0)
    expected = stats.ttest_rel(y, x).confidence_interval(0.95)
    assert result.interval == pytest.approx((expected.low, expected.high))
    u = stats.mannwhitneyu(x, y).statistic
    assert result.probability_of_improvement == pytest.approx(u / 49)
    test = stats.permutation_test((y - x,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert result.p == pytest.approx(test.pvalue)


def test_monte_carlo_p_is_near_the_exact_one_and_seeded():
    rng = np.random.default_rng(2)
    x = rng.normal(size=18)
    y = x + rng.normal(0.4, 1, size=18)
    result = paired(x, y, seed=4)
    assert result.method == "monte_carlo"
    signs = 1 - 2 * (np.arange(2**18)[:, None] >> np.arange(18) & 1)
    exact = np.mean(np.abs(signs @ (y - x)) >= abs((y - x).sum()) - 1e-9)
    assert result.p == pytest.approx(exact, abs=0.005)
    assert result == paired(x, y, seed=4)


def test_t_interval_covers_and_bootstrap_of_few_seeds_does_not():
    rng = np.random.default_rng(1)
    t = boot = 0
    for _ in range(300):
        result = paired(np.zeros(3), rng.normal(size=3), bootstrap=200)
        t += result.interval[0] <= 0 <= result.interval[1]
        boot += result.bootstrap_interval[0] <= 0 <= result.bootstrap_interval[1]
    assert t / 300 == pytest.approx(0.95, abs=0.05)
    assert boot / 300 == pytest.approx(0.71, abs=0.1)


def test_few_seeds_are_warned_about():
    assert any("2 seeds: too few" in w for w in paired([1, 2], [3, 5]).warnings)
    assert any("1 seed: too few" in w for w in paired([1], [3]).warnings)
    three = paired([1, 2, 3], [3, 5, 9]).warnings
    assert not any("too few" in w for w in three)
    assert any("smallest possible p is 0.25" in w for w in three)
    assert any("same difference" in w for w in paired([1, 2, 3], [2, 3, 4]).warnings)
    rng = np.random.default_rng(0)
    assert paired(rng.normal(size=12), rng.normal(size=12)).warnings == ()


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ([1, 2], [1], "2 values were to be paired with 1"),
        ([], [], "at least one seed"),
        ([1, float("nan")], [1, 2], "NaN"),
    ],
)
def test_bad_input_is_a_sentence(first, second, says):
    with pytest.raises(UserError, match=says):
        paired(first, second)
    with pytest.raises(UserError, match="allowed: lower, higher"):
        paired([1, 2], [1, 2], better="smaller")


def card(s, rho, direct=0.1):
    return Scorecard(
        "v",
        (
            Record("weat", "7", "all", 1.0, n=16, extra={"statistic": s}),
            Record("similarity", "SimLex-999", "all", rho, n=100),
            Record("direct_bias", "occupations", "all", direct),
            Record("unheard_of", "x", "all", 1.0),
        ),
    )


def test_scorecards_are_compared_by_size_of_s_and_each_in_its_direction():
    baseline = [card(0.3, 0.4), card(0.32, 0.41), card(0.29, 0.42)]
    overshot = [card(-0.3, 0.3), card(-0.32, 0.31), card(-0.29, 0.3, direct=None)]
    found = {each.metric: each for each in paired_scorecards(baseline, overshot)}
    assert set(found) == {"weat", "similarity", "direct_bias"}
    assert (found["weat"].what, found["weat"].better) == ("|statistic|", "lower")
    assert found["weat"].result.difference == 0  # the other side is no improvement
    assert found["weat"].result.p == 1
    assert found["similarity"].result.probability_of_improvement == 0
    assert found["direct_bias"].result is None
    assert found["direct_bias"].reason == "not measured in 1 of 6 scorecards"
    with pytest.raises(UserError, match="3 scorecards were to be paired with 2"):
        paired_scorecards(baseline, overshot[:2])
