"""Warnings of a scorecard: each appears when it should, and only then."""

from debiaslab.metrics import Record, Scorecard
from debiaslab.metrics.comparison import warnings_of


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
