"""Holm and Benjamini–Hochberg: by hand, by definition, and against scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.metrics import Record, Scorecard
from debiaslab.metrics.comparison import corrected
from debiaslab.statistics import benjamini_hochberg, holm

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


def test_agrees_with_scipy():
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
