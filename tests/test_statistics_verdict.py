"""The verdict on two kinds of run: the word that each case must get, and how often it is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from debiaslab.statistics.verdict import LEVEL, POWER, Contrast, power, ranks, verdicts
from tests.expecting import refuses

FIRST = (2.00, 2.05, 1.95)


def word(second: tuple[float, ...], *, margin: float | None = 0.1, null: float | None = 1.0) -> str:
    (found,) = verdicts([Contrast(FIRST[: len(second)], second, margin, null)])
    return found.word


@pytest.mark.parametrize(
    ("second", "null", "expected"),
    [
        (FIRST, 1.0, "equivalent"),  # identical sets
        ((2.01, 2.04, 1.95), 1.0, "equivalent"),
        ((1.00, 1.10, 0.98), 1.0, "lower"),
        ((3.00, 3.10, 2.98), 1.0, "higher"),
        ((2.90, 1.20, 1.80), 1.0, "cannot tell"),
        ((1.20, 1.90), 1.0, "cannot tell"),  # two seeds, far apart
        ((1.00,), 1.0, "cannot tell"),  # one seed
        ((1.00, 1.10, 0.98), 2.5, "nothing to measure"),  # a fall below random words
        ((2.01, 2.04, 1.95), 2.5, "nothing to measure"),
        ((2.90, 1.20, 1.80), 2.5, "nothing to measure"),
        ((3.00, 3.10, 2.98), 2.5, "higher"),  # a rise is said wherever it begins
        ((1.00, 1.10, 0.98), None, "lower"),
    ],
)
def test_each_case_gets_its_word(second, null, expected):
    assert word(second, null=null) == expected


def test_a_difference_inside_the_margin_is_equivalent_though_a_test_finds_it():
    (found,) = verdicts([Contrast(FIRST, (1.99, 2.041, 1.94), margin=0.1)])
    assert found.p_holm <= LEVEL
    assert found.word == "equivalent"
    assert word((1.99, 2.041, 1.94), margin=None) == "lower"


def test_without_a_difference_or_a_second_seed_there_is_no_number_of_seeds():
    same, one = verdicts([Contrast(FIRST, FIRST, 0.1), Contrast((2.0,), (1.0,), 0.1)])
    assert (same.p, same.p_equivalent) == (1.0, 0.0)
    assert same.detectable is same.seeds_needed is None
    assert (one.p, one.test, one.detectable, one.seeds_needed) == (None, None, None, None)
    assert one.family == 1  # what has no test is not corrected for


def test_p_is_that_of_scipy_and_corrected_over_the_measures_with_seeds():
    rng = np.random.default_rng(3)
    contrasts = [Contrast(tuple(rng.normal(size=4)), tuple(rng.normal(size=4))) for _ in range(5)]
    found = verdicts([*contrasts, Contrast((1.0,), (2.0,))])
    expected = [stats.ttest_rel(each.second, each.first).pvalue for each in contrasts]
    assert [each.p for each in found[:5]] == pytest.approx(expected)
    assert [each.test for each in found] == ["t"] * 5 + [None]
    assert [each.p_bh for each in found[:5]] == pytest.approx(
        stats.false_discovery_control(expected)
    )
    assert min(each.p_holm for each in found[:5]) == pytest.approx(5 * min(expected))
    assert found[0].family == 5


def test_the_permutation_test_is_used_where_so_many_seeds_can_reach_the_level():
    first, second = tuple(np.arange(8.0)), tuple(np.arange(8.0) - 1 + 0.01 * np.arange(8))
    (alone,) = verdicts([Contrast(first, second)])
    assert (alone.test, alone.p) == ("sign flips", 2 / 2**8)
    many = verdicts([Contrast(first, second)] * 7)  # 7 · 2/2^8 is above 0.05
    assert {each.test for each in many} == {"t"}
    (five,) = verdicts([Contrast(first[:5], second[:5])])
    assert five.test == "t"


def test_differences_that_vary_by_rounding_alone_do_not_vary():
    exact = word((1.00, 1.50, 0.50), null=None)
    rounded = word((1.00, 1.05, 0.95), null=None)  # from 2.00, 2.05, 1.95
    assert exact == rounded == "cannot tell"
    (found,) = verdicts([Contrast(FIRST, (1.00, 1.05, 0.95))])
    assert (found.test, found.p, found.detectable) == ("sign flips", 0.25, None)


def test_what_cannot_be_told_needs_more_seeds_than_there_are():
    zero = (0.0,) * 6
    (found,) = verdicts([Contrast(zero, (-1.0, -0.9, -1.1, -0.8, -1.2, 0.01))])
    assert (found.word, found.test) == ("cannot tell", "sign flips")
    assert found.seeds_needed > 6


def test_power_is_that_of_simulated_studies_and_detectable_is_where_it_is_enough():
    rng = np.random.default_rng(0)
    differences = rng.normal(1.5, 1.0, size=(20_000, 5))
    found = np.mean(stats.ttest_1samp(differences, 0, axis=1).pvalue <= LEVEL)
    assert power(1.5, 5) == pytest.approx(found, abs=0.01)
    assert power(0.0, 5) == pytest.approx(LEVEL, abs=1e-6)
    assert power(30.0, 2) == pytest.approx(1.0, abs=2e-3)
    (verdict,) = verdicts([Contrast(FIRST, (1.2, 1.9, 1.7))])
    effect = verdict.detectable / verdict.contrast.spread
    assert power(effect, 3) == pytest.approx(POWER, abs=1e-3)
    n = verdict.seeds_needed
    observed = abs(verdict.pair.difference) / verdict.contrast.spread
    assert power(observed, n - 1) < POWER <= power(observed, n)


@pytest.mark.parametrize("seeds", [2, 3, 8])
def test_a_difference_is_said_in_at_most_one_null_study_in_twenty(seeds):
    """Over eight measures together; and so for equivalence where the difference is the margin."""
    rng, studies = np.random.default_rng(seeds), 400
    wrong = equivalent = 0
    for _ in range(studies):
        null = rng.normal(1.0, 0.1, size=(8, 2, seeds))
        found = verdicts([Contrast(tuple(a), tuple(b), 0.1) for a, b in null])
        wrong += any(each.word in ("lower", "higher") for each in found)
        at_margin = tuple(null[0, 0] + 0.1 + rng.normal(0, 0.05, seeds))
        (edge,) = verdicts([Contrast(tuple(null[0, 0]), at_margin, 0.1)])
        equivalent += edge.word == "equivalent"
    most = LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / studies)  # three standard errors
    assert wrong / studies <= most
    assert equivalent / studies <= most


def test_kinds_that_cannot_be_told_apart_share_a_rank():
    best, good, like = (0.05, 0.061, 0.069), (0.151, 0.16, 0.169), (0.1501, 0.161, 0.1695)
    assert ranks([good, best, like], "lower", 0.02) == ([2, 1, 2], [False, True, False])
    assert ranks([good, best, like], "higher", 0.02) == ([1, 3, 1], [False, False, False])
    assert ranks([best, (0.0509, 0.0619, 0.07)], "lower", 0.02)[0] == [1, 1]  # within the margin
    assert ranks([best, (None, None, 0.9)], "lower", 0.02)[0] == [1, 1]  # one seed in common
    assert ranks([best], "lower", 0.02) == ([1], [False])
    assert ranks([], "lower", 0.02) == ([], [])


def test_a_margin_that_is_none_is_refused():
    with refuses("a margin of equivalence must be above 0, got 0"):
        Contrast(FIRST, FIRST, margin=0.0)
