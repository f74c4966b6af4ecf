"""Leaving out one pair or one attribute word."""

from functools import partial

import numpy as np
import pytest

from debiaslab.lexicons import load, load_pairs
from debiaslab.lexicons.tables import load_occupation_women
from debiaslab.metrics import bias_by_projection, direct_bias, evaluate, ripa, weat
from debiaslab.metrics.projection import indirect_bias_within
from debiaslab.metrics.reliability import (
    leave_one_attribute_out,
    leave_one_pair_out,
    pair_sensitivity,
)
from debiaslab.metrics.sembias import factual_association
from debiaslab.vectors.embeddings import Embeddings

SIDES = {side: [f"{side}{i}" for i in range(6)] for side in "xyab"}
X, Y, A, B = SIDES.values()
PAIRS = list(zip(A, B, strict=True))
SHARES = {word: float(i**2) for i, word in enumerate(X + Y)}

METRICS = {
    "direct bias": (partial(direct_bias, bootstrap=0), X + Y),
    "bias by projection": (partial(bias_by_projection, bootstrap=0), X + Y),
    "indirect bias": (partial(indirect_bias_within, bootstrap=0), X + Y),
    "RIPA": (partial(ripa, bootstrap=0), X + Y),
    "RIPA, normalised": (partial(ripa, unit=True, bootstrap=0), X + Y),
    "factual association": (partial(factual_association, permutations=0, bootstrap=0), SHARES),
}
READS_PAIRS = [
    ("direct_bias", "occupations"),
    ("bias_by_projection", "occupations"),
    ("indirect_bias", "occupations_male"),
    ("indirect_bias", "occupations_female"),
    ("ripa", "occupations"),
    ("ripa_normalised", "occupations"),
    ("factual_association", "bls"),
    ("factual_association", "winobias"),
    ("factual_association", "census"),
]


def space(seed=0, dim=15):
    words = [word for side in SIDES.values() for word in side]
    rows = np.random.default_rng(seed).normal(size=(len(words), dim))
    return Embeddings(words, rows + 0.5)  # words that are alike, for indirect bias


@pytest.fixture(scope="module")
def english():
    """Random vectors of the words of the lexicons, and pairs that differ along one axis."""
    pairs = load_pairs("definitional_pairs").pairs
    male, female = map(list, zip(*pairs, strict=True))
    listed = ["occupations", "occupations_male", "occupations_female"]
    words = [*male, *female, *(word for name in listed for word in load(name).words)]
    for name in ("bls", "winobias", "census"):
        words += load_occupation_women(name).half("all")
    words = list(dict.fromkeys(words))
    rows = np.random.default_rng(3).normal(size=(len(words), 20)) + 0.4
    rows[:, 0] += 3.0 * np.isin(words, male) - 3.0 * np.isin(words, female)
    return Embeddings(words, rows)


@pytest.mark.parametrize("name", METRICS)
def test_each_value_is_the_metric_without_that_pair(name):
    vectors, (metric, words) = space(), METRICS[name]
    result = leave_one_pair_out(vectors, words, PAIRS, metric)
    assert result.value == metric(vectors, words, PAIRS).value
    assert result.value is not None
    assert [each.item for each in result.without] == [f"a{i}/b{i}" for i in range(6)]
    for place, each in enumerate(result.without):
        kept = [pair for i, pair in enumerate(PAIRS) if i != place]
        assert each.value == metric(vectors, words, kept).value
        assert each.influence == each.value - result.value
    values = [each.value for each in result.without]
    assert (result.low, result.high) == (min(values), max(values))
    assert len(set(values)) == 6
    most = max(result.without, key=lambda each: abs(each.influence))
    assert result.most_influential == most


def test_the_metric_is_direct_bias_when_none_is_named():
    named = leave_one_pair_out(space(), X + Y, PAIRS, partial(direct_bias, bootstrap=0))
    assert leave_one_pair_out(space(), X + Y, PAIRS) == named


def test_each_value_is_weat_without_that_word():
    vectors = space()
    result = leave_one_attribute_out(vectors, X, Y, A, B)
    assert [each.item for each in result.without] == A + B
    assert result.value == weat(vectors, X, Y, A, B, permutations=0, bootstrap=0).statistic
    without_b2 = weat(vectors, X, Y, A, B[:2] + B[3:], permutations=0, bootstrap=0)
    assert result.without[8].value == without_b2.statistic
    # s is linear in each attribute mean: leaving one out at a time gives s on average.
    assert np.mean([each.value for each in result.without]) == pytest.approx(result.value)


def test_the_pair_that_makes_the_bias_is_found():
    vectors = np.array(space().vectors)
    vectors[:12, 0] += 4  # the words lie along the first axis …
    vectors[12, 0] += 5
    vectors[18, 0] -= 5  # … which is the gender direction because of one pair
    result = leave_one_pair_out(Embeddings(space().words, vectors), X + Y, PAIRS)
    assert result.most_influential.item == "a0/b0"
    assert result.most_influential.influence < -0.1


@pytest.mark.parametrize("name", METRICS)
def test_unknown_and_repeated_pairs_and_the_order_make_no_difference(name):
    vectors, (metric, words) = space(), METRICS[name]
    result = leave_one_pair_out(vectors, words, PAIRS, metric)
    mixed = [("absent", "b1"), *PAIRS[::-1], PAIRS[0], ("a2", "gone")]
    other = leave_one_pair_out(vectors, words, mixed, metric)
    assert {each.item for each in other.without} == {each.item for each in result.without}
    assert other.missing == ("absent/b1", "a2/gone")
    assert result.missing == ()
    assert other.value == pytest.approx(result.value)
    assert other.most_influential.item == result.most_influential.item
    assert (other.low, other.high) == pytest.approx((result.low, result.high))


def test_what_cannot_be_measured():
    vectors = space()
    lost = leave_one_pair_out(vectors, X[:3], PAIRS)
    assert (lost.value, lost.without) == (None, ())
    assert "needs 4" in lost.reason
    four = leave_one_attribute_out(vectors, X, Y, A[:4], B)  # 3 words of A are not measured
    assert [each.value is None for each in four.without] == [True] * 4 + [False] * 6
    assert ["needs 4" in (each.reason or "") for each in four.without] == [True] * 4 + [False] * 6
    assert four.most_influential.item in B
    assert four.reason is None


def test_a_value_that_needs_every_pair_has_no_range_and_says_why():
    for metric, words, pairs in (
        (*METRICS["direct bias"], PAIRS[:2]),  # a gender direction needs two pairs
        (*METRICS["factual association"], PAIRS[:2]),
        (*METRICS["RIPA"], PAIRS[:1]),  # RIPA needs one
    ):
        result = leave_one_pair_out(space(), words, pairs, metric)
        assert result.value is not None
        assert (result.low, result.high, result.most_influential) == (None, None, None)
        assert [each.value for each in result.without] == [None] * len(pairs)
        assert result.reason.startswith("no value is left without one: ")
        assert "both words in the vectors" in result.reason


@pytest.mark.parametrize("half", ["all", "tune", "report"])
def test_every_number_of_the_scorecard_that_reads_the_pairs_is_there(english, half):
    card = evaluate(english, groups=["association", "geometry"], bootstrap=0)
    found = {(each.metric, each.name): each for each in pair_sensitivity(english, half)}
    left_out = [key for key, each in found.items() if each.change == "left out"]
    assert sorted(left_out) == sorted(READS_PAIRS)
    pairs = ["/".join(pair) for pair in load_pairs("definitional_pairs").half(half)]
    for metric, name in READS_PAIRS:
        result = found[metric, name].result
        assert result.value == pytest.approx(card.value(metric, name, half), abs=1e-12)
        assert [each.item for each in result.without] == pairs
        assert result.low <= result.high


def test_no_other_number_of_the_scorecard_moves_with_a_pair(english, monkeypatch):
    """With a pair less in the lexicon, what moves is what the sensitivity covers."""
    groups = ["weat", "association", "geometry", "lipstick", "similarity"]
    whole = evaluate(english, groups=groups, quick=True)
    pairs = load_pairs("definitional_pairs")
    monkeypatch.setattr(type(pairs), "half", lambda self, half: self.pairs[1:])
    less = evaluate(english, groups=groups, quick=True)
    moved = {
        (before.metric, before.name)
        for before, after in zip(whole.records, less.records, strict=True)
        if before.words == "all" and before.value != after.value
    }
    assert moved == set(READS_PAIRS)
