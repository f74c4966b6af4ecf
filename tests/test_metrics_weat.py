"""WEAT on vectors whose associations are known by hand, and what must not be measured."""

import sys
import threading

import numpy as np
import pytest

from debiaslab.lexicons import association_tests
from debiaslab.metrics import evaluate, permutation_test, weat
from debiaslab.metrics.weat import parallel_map
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import embeddings_of

X, Y = ["x1", "x2", "x3", "x4"], ["y1", "y2", "y3", "y4"]
A, B = ["a1", "a2", "a3", "a4"], ["b1", "b2", "b3", "b4"]

# A points along the first axis and B along the second, so s(w, A, B) is the first coordinate of
# the unit vector less the second: 1, 0.2, −0.2 and −1 for the four directions used.
EAST, NORTH = (1.0, 0.0), (0.0, 1.0)
EASTWARD, NORTHWARD = (4.0, 3.0), (6.0, 8.0)
BY_HAND = {
    **dict.fromkeys(A, EAST),
    **dict.fromkeys(B, NORTH),
    **dict(zip(X, [EAST, EASTWARD, EASTWARD, EAST], strict=True)),
    **dict(zip(Y, [NORTH, NORTHWARD, NORTHWARD, NORTH], strict=True)),
}


def random_embeddings(seed=0, dim=20, n=12):
    rng = np.random.default_rng(seed)
    words = [f"{side}{i}" for side in "xyab" for i in range(1, n + 1)]
    return Embeddings(words, rng.normal(size=(len(words), dim)))


def sets_of(n=12):
    return [[f"{side}{i}" for i in range(1, n + 1)] for side in "xyab"]


def test_statistic_effect_size_and_p_by_hand():
    # X: 1, .2, .2, 1, mean .6. Y: the same negated. s = 1.2. The pooled mean is 0 and the sum of
    # squares 4 + 4 · .04 = 4.16: sample variance 4.16 / 7, d = 1.2 / .770899 = 1.556624.
    # X holds the four largest of eight values: 1 of the C(8, 4) = 70 partitions; two-sided 2.
    result = weat(embeddings_of(BY_HAND), X, Y, A, B)
    assert result.statistic == pytest.approx(1.2, abs=1e-6)
    assert result.effect_size == pytest.approx(1.2 / np.sqrt(4.16 / 7), abs=1e-6)
    assert result.p == pytest.approx(1 / 70)
    assert result.p_two_sided == pytest.approx(2 / 70)
    assert (result.method, result.permutations) == ("exact", 70)
    assert (result.n, result.missing, result.reason) == ((4, 4, 4, 4), (), None)


def test_the_floor_of_p_is_stated_and_what_is_not_asked_for_is_absent():
    exact = weat(embeddings_of(BY_HAND), X, Y, A, B)
    assert exact.p == exact.p_floor == pytest.approx(1 / 70)
    drawn = weat(random_embeddings(), *sets_of(), permutations=999)
    assert (drawn.method, drawn.p_floor) == ("monte_carlo", 1 / 1000)
    bare = weat(random_embeddings(), *sets_of(), permutations=0, bootstrap=0)
    assert (bare.p, bare.p_two_sided, bare.p_floor, bare.method) == (None,) * 4
    assert bare.permutations == 0
    assert bare.effect_interval == bare.statistic_interval == (None, None)
    assert bare.effect_size is not None


def test_the_order_of_words_changes_nothing_at_all():
    vectors, sets = random_embeddings(), sets_of()
    assert weat(vectors, *sets) == weat(vectors, *(words[::-1] for words in sets))


def test_ddof_changes_only_the_divisor():
    vectors, sets = random_embeddings(), sets_of()
    sample = weat(vectors, *sets, permutations=0, bootstrap=0)
    population = weat(vectors, *sets, ddof=0, permutations=0, bootstrap=0)
    # 24 targets: the population deviation is smaller by √(23/24).
    assert population.effect_size == pytest.approx(sample.effect_size * np.sqrt(24 / 23))
    assert population.statistic == sample.statistic


def test_swapping_targets_or_attributes_negates_exactly():
    vectors, (x, y, a, b) = random_embeddings(), sets_of()
    result = weat(vectors, x, y, a, b)
    for swapped in (weat(vectors, y, x, a, b), weat(vectors, x, y, b, a)):
        assert swapped.statistic == -result.statistic
        assert swapped.effect_size == -result.effect_size
        assert swapped.p_two_sided == pytest.approx(result.p_two_sided, abs=0.01)  # Monte Carlo


def test_order_rotation_and_length_of_vectors_do_not_matter():
    vectors, sets = random_embeddings(n=8), sets_of(8)
    result = weat(vectors, *sets, bootstrap=0)
    rng = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    turned = Embeddings(vectors.words, vectors.vectors @ rotation)
    stretched = Embeddings(vectors.words, vectors.vectors * rng.uniform(0.1, 9, (32, 1)))
    shuffled = [list(rng.permutation(words)) for words in sets]
    for other in (
        weat(turned, *sets, bootstrap=0),
        weat(stretched, *sets, bootstrap=0),
        weat(vectors, *shuffled, bootstrap=0),
    ):
        assert other.statistic == pytest.approx(result.statistic, abs=1e-6)
        assert other.effect_size == pytest.approx(result.effect_size, abs=1e-5)
        assert other.p == result.p


def test_p_is_that_of_the_associations():
    vectors, (x, y, a, b) = random_embeddings(n=8), sets_of(8)
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    rows = [[vectors.index[word] for word in words] for words in (x, y, a, b)]
    gx, gy = (
        (unit[r] @ unit[rows[2]].T).mean(axis=1) - (unit[r] @ unit[rows[3]].T).mean(axis=1)
        for r in rows[:2]
    )
    test, result = permutation_test(gx, gy), weat(vectors, x, y, a, b)
    assert result.statistic == pytest.approx(gx.mean() - gy.mean(), abs=1e-6)
    assert (result.p, result.p_two_sided) == (test.p, test.p_two_sided)


def test_intervals_are_seeded_and_hold_the_value():
    vectors, sets = random_embeddings(), sets_of()
    result, again = weat(vectors, *sets, seed=7), weat(vectors, *sets, seed=7)
    assert result == again
    assert result.effect_interval != weat(vectors, *sets, seed=8).effect_interval
    for value, (low, high) in (
        (result.effect_size, result.effect_interval),
        (result.statistic, result.statistic_interval),
    ):
        assert low < value < high


def test_missing_words_are_named_and_too_few_are_not_measured():
    vectors, (x, y, a, b) = random_embeddings(n=4), sets_of(4)
    measured = weat(vectors, [*x, "absent"], y, a, b)
    assert (measured.missing, measured.reason) == (("absent",), None)
    lost = weat(vectors, x, [*y[:3], "gone"], a, b)
    assert (lost.effect_size, lost.statistic, lost.p) == (None, None, None)
    assert lost.reason == "Y has 3 of 4 words in the vectors (missing: gone), needs 4"
    assert weat(vectors, x, y, [], b).reason == "A has 0 of 0 words in the vectors, needs 4"
    once = weat(vectors, x, y, a, b)
    assert once == weat(vectors, [*x, x[0], x[0]], y, [*a, a[1]], b)  # a repeated word counts once
    cased = embeddings_of({**BY_HAND, "Mary": EAST, "NASA": EAST, "john": EAST})
    found = weat(cased, ["mary", "nasa", "John", "x1"], Y, A, B)
    assert (found.n[0], found.missing) == (4, ())


def test_a_word_on_both_sides_is_not_measured():
    vectors, (x, y, a, b) = random_embeddings(), sets_of()
    result = weat(vectors, x, [*y, "x1"], a, b)
    assert result.reason == "on both sides, in X and in Y: x1"
    assert result.statistic is None
    assert weat(vectors, x, y, a, [*b, "a2"]).reason == "on both sides, in A and in B: a2"


@pytest.mark.parametrize("word", ["x1", "y2", "a3", "b4"])
def test_an_all_zero_vector_is_not_measured(word):
    result = weat(embeddings_of({**BY_HAND, word: (0.0, 0.0)}), X, Y, A, B)
    assert (result.effect_size, result.statistic, result.p) == (None, None, None)
    assert result.reason == f"all-zero vectors: {word}"


def test_no_spread_gives_a_statistic_but_no_effect_size():
    # Mirror images about the diagonal plane: different vectors, every association 0.
    flat = (
        {word: (1.0, 1.0, float(i)) for i, word in enumerate([*X, *Y], start=1)}
        | dict.fromkeys(A, (1.0, 0.0, 0.0))
        | dict.fromkeys(B, (0.0, 1.0, 0.0))
    )
    result = weat(embeddings_of(flat), X, Y, A, B)
    assert result.effect_size is None
    assert result.effect_interval == (None, None)
    assert result.p is None
    assert "no spread" in result.reason
    assert result.statistic == pytest.approx(0.0, abs=1e-12)


def test_collapsed_vectors_are_not_free_of_bias():
    rng = np.random.default_rng(0)
    words = [*X, *Y, *A, *B]
    collapsed = Embeddings(words, rng.uniform(1, 2, (16, 1)) * rng.normal(size=(1, 20)))
    result = weat(collapsed, X, Y, A, B)
    assert result.statistic is None
    assert "collapsed" in result.reason


def test_results_are_in_the_order_given_and_two_run_together():
    met = threading.Barrier(2, timeout=30)  # each waits for another: one thread alone would stop

    def measure(number: int) -> int:
        met.wait()
        return number * number

    assert parallel_map(measure, range(6)) == [0, 1, 4, 9, 16, 25]


def test_what_one_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        parallel_map(lambda number: 1 // number, [1, 0])


def test_a_scorecard_is_the_same_in_one_thread(monkeypatch):
    words = sorted({w for test in association_tests() for side in test.half("all") for w in side})
    words += [f"word{i}" for i in range(200)]
    rng = np.random.default_rng(0)
    vectors = Embeddings(words, rng.normal(size=(len(words), 20)))
    together = evaluate(vectors, groups=["weat"], bootstrap=100).to_json()
    monkeypatch.setattr(sys.modules["debiaslab.metrics.weat"], "THREADS", 1)
    assert evaluate(vectors, groups=["weat"], bootstrap=100).to_json() == together
