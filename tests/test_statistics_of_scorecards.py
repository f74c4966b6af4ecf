"""Corrections for many tests, comparisons over seeds, and warnings of scorecards."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.metrics import Record, Scorecard
from debiaslab.metrics.comparison import corrected, paired_scorecards, warnings_of
from debiaslab.statistics import benjamini_hochberg, holm, paired

ps = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_by_hand():
    # .01 · 4, .02 · 3, .03 · 2 (lifted to .06), .04 (lifted to .06).
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    # .04 · 4/4, .03 · 4/3, .02 · 4/2 and .01 · 4/1 are all .04.
    assert benjamini_hochberg([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.04] * 4)
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])


@settings(deadline=None, max_examples=60)
@given(ps)
def test_by_definition(p):
    by_holm, by_bh = holm(p), benjamini_hochberg(p)
    order = sorted(range(len(p)), key=lambda i: p[i])
    for place, i in enumerate(order):
        steps = [min(1, (len(p) - j) * p[order[j]]) for j in range(place + 1)]
        assert by_holm[i] == pytest.approx(max(steps))
        steps = [min(1, len(p) * p[order[j]] / (j + 1)) for j in range(place, len(p))]
        assert by_bh[i] == pytest.approx(min(steps))


@settings(deadline=None, max_examples=60)
@given(ps, st.randoms(use_true_random=False))
def test_never_below_p_monotone_and_blind_to_order(p, random):
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p)
        assert (adjusted >= np.array(p) - 1e-12).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
        order = list(range(len(p)))
        random.shuffle(order)
        assert adjust([p[i] for i in order]) == pytest.approx(adjusted[order])
    assert (holm(p) >= benjamini_hochberg(p) - 1e-12).all()


def test_benjamini_hochberg_agrees_with_scipy():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(0).uniform(size=30) ** 3
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))


def test_holm_keeps_the_family_wise_error():
    rng = np.random.default_rng(0)
    false = sum(holm(rng.uniform(size=20)).min() < 0.05 for _ in range(1000))
    assert false / 1000 == pytest.approx(0.05, abs=0.025)


def test_one_family_a_half_and_two_sided_where_there_is_one():
    card = Scorecard(
        "v",
        (
            Record("weat", "6", "all", 1.0, p=0.01, extra={"p_two_sided": 0.02}),
            Record("weat", "6", "report", 1.0, p=0.02, extra={"p_two_sided": 0.04}),
            Record("weat", "7", "all", 1.0, p=0.2, extra={"p_two_sided": 0.4}),
            Record("weat", "8", "all", None, reason="too few"),
            Record("factual", "x", "all", 0.5, p=0.03),
            Record("similarity", "y", "all", 0.5),
        ),
    )
    found = corrected(card)
    assert [(c.metric, c.name, c.words, c.p, c.family) for c in found] == [
        ("weat", "6", "all", 0.02, 3),
        ("weat", "6", "report", 0.04, 1),
        ("weat", "7", "all", 0.4, 3),
        ("factual", "x", "all", 0.03, 3),
    ]
    assert [c.holm for c in found] == pytest.approx([0.06, 0.04, 0.4, 0.06])
    assert [c.benjamini_hochberg for c in found] == pytest.approx([0.045, 0.04, 0.4, 0.045])
    assert corrected(card, sided="one")[0].p == 0.01
    assert corrected(Scorecard("v", ())) == ()


def test_bad_input_is_a_sentence():
    for bad in ([0.5, 1.5], [-0.1], [float("nan")], [[0.1]]):
        with pytest.raises(UserError, match="between 0 and 1"):
            holm(bad)
    with pytest.raises(UserError, match="allowed: two, one"):
        corrected(Scorecard("v", ()), sided="both")


numbers = st.lists(st.integers(-1000, 1000).map(lambda i: i / 100), min_size=2, max_size=8)


@st.composite
def runs(draw):
    first = draw(numbers)
    second = draw(st.lists(st.integers(-1000, 1000), min_size=len(first), max_size=len(first)))
    return first, [each / 100 for each in second]


def test_paired_by_hand():
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


def test_paired_agrees_with_scipy():
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
def test_what_cannot_be_paired_is_a_sentence(first, second, says):
    with pytest.raises(UserError, match=says):
        paired(first, second)
    with pytest.raises(UserError, match="allowed: lower, higher"):
        paired([1, 2], [1, 2], better="smaller")


def two_halves(s, rho, direct=0.1):
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
    baseline = [two_halves(0.3, 0.4), two_halves(0.32, 0.41), two_halves(0.29, 0.42)]
    overshot = [two_halves(-0.3, 0.3), two_halves(-0.32, 0.31), two_halves(-0.29, 0.3, direct=None)]
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


def weat(d=1.0, s=0.2, null=0.05, missing=(), words="all"):
    extra = {"statistic": s, "null95": null, "sizes": [8, 8, 8, 8]}
    return Record("weat", "7", words, d, n=16, missing=missing, extra=extra)


def card(*records):
    return Scorecard("v", records)


GOOD = card(weat(), Record("similarity", "SimLex-999", "all", 0.4, extra={"coverage": 0.95}))


def test_nothing_wrong_gives_nothing():
    assert warnings_of(GOOD) == ()
    assert warnings_of(GOOD, GOOD, seeds=5) == ()
    assert warnings_of(card()) == ()


def test_large_d_beside_a_small_s():
    (warning,) = warnings_of(card(weat(d=1.3, s=0.01)))
    assert "s does not exceed the random-word null" in warning
    assert "weat 7 all (d 1.30, s 0.0100, random words 0.0500)" in warning
    assert warnings_of(card(weat(d=0.2, s=0.01))) == ()
    assert warnings_of(card(weat(d=1.3, s=0.01, null=None))) == ()


def test_d_that_stayed_while_s_fell():
    (warning,) = warnings_of(card(weat(d=1.1, s=0.06)), card(weat(d=1.2, s=0.3)))
    assert warning.startswith("d stayed while s fell")
    assert "d 1.20 → 1.10, s 0.3000 → 0.0600" in warning
    assert warnings_of(card(weat(d=0.4, s=0.06)), card(weat(d=1.2, s=0.3))) == ()


def test_a_baseline_at_its_null():
    at_null = weat(d=0.3, s=0.01)
    (warning,) = warnings_of(GOOD, card(at_null))
    assert "a reduction means nothing: weat 7 all" in warning
    inside = {"null_low": 0.04, "null_high": 0.06}
    direct = Record("direct_bias", "occupations", "all", 0.03, extra=inside)  # below is no bias
    assert "direct_bias occupations all" in warnings_of(GOOD, card(direct))[0]
    biased = Record("direct_bias", "occupations", "all", 0.08, extra=inside)
    assert warnings_of(GOOD, card(biased)) == ()


def test_a_direction_that_rests_on_one_pair():
    def direct(degrees):
        extra = {"turn_degrees": degrees, "turn_pair": "guy/gal", "pair_distance": 0.2}
        return card(Record("direct_bias", "occupations", "report", 0.07, n=150, extra=extra))

    (warning,) = warnings_of(direct(83.4))
    assert "depends on one pair: dropping it rotates the direction by over 45°" in warning
    assert "direct_bias occupations report (guy/gal, 83°; the words of a pair are 0.20" in warning
    assert warnings_of(direct(20.0)) == warnings_of(direct(None)) == ()


def test_low_coverage():
    few = Record("similarity", "SimLex-999", "all", 0.4, n=300, extra={"coverage": 0.3})
    (warning,) = warnings_of(card(few, weat(missing=tuple("abcdefghijk"))))
    assert "similarity SimLex-999 all (30% found), weat 7 all (74% found)" in warning
    assert warnings_of(card(weat(missing=tuple("abcdefghijk"), words="report"))) == ()


def test_few_seeds_and_collapse_come_first():
    collapsed = Record("collapse", "mean_cosine", "all", 0.99, extra={"warning": "collapsed!"})
    found = warnings_of(card(collapsed, weat(d=1.3, s=0.01)), card(collapsed), seeds=2)
    assert found[0] == "collapsed!"
    assert found[1] == "in the baseline: collapsed!"
    assert found[2].startswith("the numbers rest on 2 seeds")
    assert len(found) == 4
