"""Leaving out one pair or one attribute word."""

import numpy as np
import pytest

from debiaslab.embeddings import Embeddings
from debiaslab.metrics import direct_bias, weat
from debiaslab.statistics import leave_one_attribute_out, leave_one_pair_out

SIDES = {side: [f"{side}{i}" for i in range(6)] for side in "xyab"}
X, Y, A, B = SIDES.values()
PAIRS = list(zip(A, B, strict=True))


def space(seed=0, dim=15):
    words = [word for side in SIDES.values() for word in side]
    return Embeddings(words, np.random.default_rng(seed).normal(size=(len(words), dim)))


def test_each_value_is_the_metric_without_that_pair():
    vectors = space()
    result = leave_one_pair_out(vectors, X + Y, PAIRS)
    assert result.value == direct_bias(vectors, X + Y, PAIRS, bootstrap=0).value
    assert [each.item for each in result.without] == [f"a{i}/b{i}" for i in range(6)]
    for place, each in enumerate(result.without):
        kept = [pair for i, pair in enumerate(PAIRS) if i != place]
        assert each.value == direct_bias(vectors, X + Y, kept, bootstrap=0).value
        assert each.influence == each.value - result.value
    values = [each.value for each in result.without]
    assert (result.low, result.high) == (min(values), max(values))
    most = max(result.without, key=lambda each: abs(each.influence))
    assert result.most_influential == most


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


def test_order_does_not_matter_and_unknown_or_repeated_items_are_not_listed():
    vectors = space()
    result = leave_one_pair_out(vectors, X + Y, PAIRS)
    other = leave_one_pair_out(vectors, (X + Y)[::-1], [("absent", "b1"), *PAIRS[::-1], PAIRS[0]])
    assert {each.item for each in other.without} == {each.item for each in result.without}
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
    assert four.most_influential.item in B
    two = leave_one_pair_out(vectors, X + Y, PAIRS[:2])
    assert two.value is not None
    assert (two.low, two.high, two.most_influential) == (None, None, None)
