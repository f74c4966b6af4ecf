"""Scorecards side by side: ranks by direction, missing cells, correlations between metrics."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from debiaslab.errors import UserError
from debiaslab.metrics import (
    Record,
    Scorecard,
    compare,
    comparison_csv,
    correlations_csv,
    metric_correlations,
    rank_correlations,
    scorecards_csv,
)
from debiaslab.metrics.comparison import _kendall

SPACES = {
    "plain.kv": {"s": 0.10, "bias": 0.08, "rho": 0.60},
    "mild.kv": {"s": -0.05, "bias": 0.05, "rho": 0.55},
    "strong.kv": {"s": 0.01, "bias": 0.01, "rho": 0.30},
}


def card(name, s, bias, rho):
    return Scorecard(
        name,
        (
            Record("weat", "7", "report", 1.5 if s > 0 else -1.7, extra={"statistic": s}),
            Record("direct_bias", "occupations", "report", bias),
            Record("direct_bias", "occupations", "all", bias),
            Record("similarity", "SimLex-999", "report", rho, n=9, missing=("car", "auto")),
            Record("collapse", "norm_spread", "all", 0.3),
        ),
    )


@pytest.fixture
def cards():
    return [card(name, **numbers) for name, numbers in SPACES.items()]


def row(comparison, metric, words="report"):
    return next(r for r in comparison.rows if (r.metric, r.words) == (metric, words))


def test_ranks_follow_the_direction_of_each_metric(cards):
    comparison = compare(cards)
    assert comparison.vectors == tuple(SPACES)
    weat = row(comparison, "weat")
    assert (weat.key, weat.better) == ("statistic", "near 0")
    assert weat.values == (0.10, -0.05, 0.01)  # s, which d would have ranked otherwise
    assert weat.ranks == (3, 2, 1)
    assert row(comparison, "direct_bias").ranks == (3, 2, 1)
    assert row(comparison, "similarity").ranks == (1, 2, 3)
    assert row(comparison, "collapse", "all").better is None
    assert row(comparison, "collapse", "all").ranks == (None,) * 3


def test_equal_files_share_the_better_rank(cards):
    same = compare([*cards, cards[0]])
    assert row(same, "similarity").ranks == (1, 3, 4, 1)


def test_missing_cells_are_missing_and_unranked(cards):
    lost = Scorecard("lost.kv", (Record("direct_bias", "occupations", "report", None, reason="x"),))
    comparison = compare([*cards, lost])
    assert row(comparison, "direct_bias").values[-1] is None
    assert row(comparison, "direct_bias").ranks == (3, 2, 1, None)
    assert row(comparison, "weat").ranks == (3, 2, 1, None)
    correlations = rank_correlations(comparison)
    assert correlations.taus[0][:2] == (1.0, 1.0)  # over the three files that have both


def test_one_half_with_what_knows_no_halves(cards):
    halved = compare(cards).half("report").rows
    assert {r.words for r in halved if r.metric == "direct_bias"} == {"report"}
    assert [r.metric for r in halved if r.words == "all"] == ["collapse"]


def test_positive_where_two_metrics_prefer_the_same_files(cards):
    correlations = rank_correlations(compare(cards).half("report"))
    assert correlations.labels[0] == "weat 7 report"
    assert len(correlations.labels) == 3  # what is not ranked is not correlated
    expected = [[1, 1, -1], [1, 1, -1], [-1, -1, 1]]
    assert np.array(correlations.taus).tolist() == expected
    by_rank = metric_correlations(compare(cards))  # by the mean rank of a metric
    assert by_rank.labels == ("weat", "direct_bias", "similarity")
    assert by_rank.taus[0] == (1.0, 1.0, -1.0)


def test_two_files_are_compared_but_not_correlated(cards):
    correlations = rank_correlations(compare(cards[:2]))
    assert correlations.taus == ()
    assert correlations.reason == "a rank correlation needs 3 files or more, 2 were given"
    with pytest.raises(UserError, match="nothing to be compared with"):
        compare(cards[:1])


def test_a_metric_that_ties_every_file_has_no_correlation(cards):
    flat = [
        Scorecard(c.vectors, (*c.records, Record("similarity", "flat", "report", 0.5)))
        for c in cards
    ]
    correlations = rank_correlations(compare(flat))
    assert correlations.taus[-1] == (None,) * len(correlations.labels)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(3, 9).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(0, 5), min_size=n, max_size=n), min_size=2, max_size=4
        )
    )
)
def test_kendall_equals_scipy_with_ties(rows):
    taus = _kendall(np.array(rows, dtype=float))
    for i, x in enumerate(rows):
        for j, y in enumerate(rows):
            assert taus[i, j] == pytest.approx(kendalltau(x, y).statistic, nan_ok=True)


def test_csv_of_a_comparison(cards):
    comparison = compare(cards)
    rows = list(csv.DictReader(io.StringIO(comparison_csv(comparison))))
    assert len(rows) == len(comparison.rows)
    assert rows[0]["compared"] == "statistic"
    assert (rows[0]["better"], rows[0]["value mild.kv"], rows[0]["rank mild.kv"]) == (
        "near 0",
        "-0.05",
        "2",
    )
    assert rows[-1]["better"] == "not ranked"
    matrix = list(csv.reader(io.StringIO(correlations_csv(rank_correlations(comparison)))))
    assert [line[0] for line in matrix[1:]] == matrix[0][1:]
    assert float(matrix[1][1]) == 1.0


def test_csv_of_scorecards_has_one_row_a_record(cards):
    rows = list(csv.DictReader(io.StringIO(scorecards_csv(cards))))
    assert len(rows) == 15
    assert [r["vectors"] for r in rows[::5]] == list(SPACES)
    assert float(rows[0]["statistic"]) == 0.10
    assert rows[1]["statistic"] == rows[1]["p"] == ""
    assert rows[3]["missing"] == "car;auto"


def test_what_has_collapsed_is_shown_and_not_ranked(cards):
    """It would be the best by every metric of bias."""
    lost = Record("collapse", "mean_cosine", "all", 0.99, extra={"collapsed": True})
    nothing = card("nothing.kv", s=0.001, bias=0.001, rho=0.05)
    collapsed = Scorecard(nothing.vectors, (*nothing.records, lost))
    comparison = compare([collapsed, *cards])
    assert comparison.collapsed == comparison.half("report").collapsed == (0,)
    assert row(comparison, "direct_bias").values[0] == 0.001
    for each in comparison.rows:
        assert each.ranks[0] is None
    assert row(comparison, "direct_bias").ranks == (None, *row(compare(cards), "direct_bias").ranks)
    assert metric_correlations(comparison).taus == metric_correlations(compare(cards)).taus
    few = metric_correlations(compare([collapsed, *cards[:2]]))
    assert few.reason.endswith("needs 3 files or more, 3 were given, of which 1 collapsed")
