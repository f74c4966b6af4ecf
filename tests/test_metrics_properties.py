"""What must hold of the association metrics for any vectors: swaps, rotation, scale, order, p."""

import zlib
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from debiaslab.metrics import (
    SimilaritySet,
    bias_by_projection,
    direct_bias,
    ect,
    factual_association,
    indirect_bias_within,
    mac,
    permutation_test,
    raw_direct_bias,
    ripa,
    rnd,
    same,
    sc_weat,
    weat,
    word_similarity,
)
from debiaslab.metrics.registry import metrics
from debiaslab.metrics.rnsb import rnsb
from debiaslab.vectors.embeddings import Embeddings

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(4, 7)
DIM = 9


def space(seed, *counts):
    """Random vectors, off centre, of words x0, x1, …, y0, …, a0, …, b0, …; and the four lists."""
    rng = np.random.default_rng(seed)
    lists = [[f"{side}{i}" for i in range(n)] for side, n in zip("xyab", counts, strict=True)]
    words = [word for each in lists for word in each]
    lengths = rng.uniform(0.5, 4, (len(words), 1))
    return Embeddings(words, (rng.normal(size=(len(words), DIM)) + 0.5) * lengths), lists


def rotated(vectors, seed):
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(DIM, DIM)))
    return Embeddings(vectors.words, vectors.vectors.astype(float) @ turn)


def stretched(vectors, seed):
    """Every vector by a factor of its own."""
    factors = np.random.default_rng(seed).uniform(0.2, 5, (len(vectors), 1))
    return Embeddings(vectors.words, vectors.vectors * factors)


def reordered(vectors, seed):
    order = np.random.default_rng(seed).permutation(len(vectors))
    return Embeddings([vectors.words[i] for i in order], vectors.vectors[order])


def shuffled(lists, seed):
    rng = np.random.default_rng(seed)
    return [[str(word) for word in rng.permutation(words)] for words in lists]


# Every metric as a number, of targets X ∪ Y and attributes A, B.
ANY_LENGTH = {
    "weat": lambda v, x, y, a, b: weat(v, x, y, a, b).effect_size,
    "weat p": lambda v, x, y, a, b: weat(v, x, y, a, b).p,
    "weat interval": lambda v, x, y, a, b: weat(v, x, y, a, b, bootstrap=50).effect_interval,
    "sc_weat": lambda v, x, y, a, b: sc_weat(v, x + y, a, b, permutations=500).value,
    "sc_weat p": lambda v, x, y, a, b: sorted(
        word.p_two_sided for word in sc_weat(v, x + y, a, b).words
    ),
    "same": lambda v, x, y, a, b: same(v, x + y, [a, b]).value,
    "same of 3": lambda v, x, y, a, b: same(v, x, [y, a, b]).value,
    "same subspace": lambda v, x, y, a, b: same(v, x, [y, a, b], method="subspace").value,
    "rnd_norm": lambda v, x, y, a, b: rnd(v, x + y, [a, b]).value,
    "rnd_cosine": lambda v, x, y, a, b: rnd(v, x + y, [a, b], distance="cosine").value,
    "rnd of 3": lambda v, x, y, a, b: rnd(v, x, [y, a, b]).value,
    "mac": lambda v, x, y, a, b: mac(v, x + y, [a, b]).value,
    "ect": lambda v, x, y, a, b: ect(v, x + y, [a, b]).value,
    "ect of 3": lambda v, x, y, a, b: ect(v, x, [y, a, b]).value,
    "ripa_normalised": lambda v, x, y, a, b: ripa(v, x + y, pairs(a, b), unit=True).value,
    "rnsb unit": lambda v, x, y, a, b: rnsb(v, x + y, a, b, unit=True, holdout=0).value,
    "direct_bias": lambda v, x, y, a, b: direct_bias(v, x + y, pairs(a, b)).value,
    "raw_direct_bias": lambda v, x, y, a, b: raw_direct_bias(v, x + y, pairs(a, b)).value,
    "bias_by_projection": lambda v, x, y, a, b: bias_by_projection(v, x + y, pairs(a, b)).value,
    "indirect_bias": lambda v, x, y, a, b: indirect_bias_within(v, x + y, pairs(a, b)).value,
    "factual_association": lambda v, x, y, a, b: (
        factual_association(
            v, {word: share(word) for word in x + y}, pairs(a, b), permutations=0
        ).pearson
    ),
    "similarity": lambda v, x, y, a, b: (
        word_similarity(
            v, SimilaritySet("made up", tuple((w, u, share(w) - share(u)) for w in x for u in y))
        ).value
    ),
}
LENGTH_COUNTS = {
    "rnd raw": lambda v, x, y, a, b: rnd(v, x + y, [a, b], unit=False).value,
    "ripa": lambda v, x, y, a, b: ripa(v, x + y, pairs(a, b)).value,
    "rnsb": lambda v, x, y, a, b: rnsb(v, x + y, a, b, holdout=0).value,
}
ALL = ANY_LENGTH | LENGTH_COUNTS


def pairs(a, b):
    """Pairs that belong together whatever the order of the lists."""
    return list(zip(sorted(a), sorted(b), strict=False))


def share(word):
    """A number of its own for each word."""
    return float(zlib.crc32(word.encode()) % 101)


def test_every_metric_of_word_lists_is_held_to_it():
    """SemBias takes whole rows: it is held to it in test_metrics_invariance."""
    assert {name for name, each in metrics().items() if each.has_null} - {
        "sembias",
        "lipstick",
    } <= ALL.keys()


@pytest.mark.parametrize("metric", ALL)
@few
@given(seed=seeds)
def test_rotation_length_order_and_absent_words_do_not_matter(metric, seed):
    vectors, (x, y, a, b) = space(seed, 6, 5, 5, 6)
    measure, lists = ALL[metric], (x, y, a, b)
    value = measure(vectors, *lists)
    assume(value is not None)  # words that are not alike share no β
    near = pytest.approx(value, rel=1e-4, abs=1e-5)
    assert measure(rotated(vectors, seed), *lists) == near
    if metric in ANY_LENGTH:
        assert measure(stretched(vectors, seed), *lists) == near
    assert measure(vectors, *shuffled(lists, seed)) == pytest.approx(value, rel=1e-12)
    if metric != "weat interval":  # which words a seeded resample takes follows the vocabulary
        other = measure(reordered(vectors, seed), *lists)
        assert other == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert measure(vectors, [*x, "gone"], ["away", *y], a, b) == value


@few
@given(seed=seeds, counts=st.tuples(sizes, sizes, sizes, sizes), ddof=st.sampled_from([0, 1]))
def test_weat_swaps(seed, counts, ddof):
    vectors, (x, y, a, b) = space(seed, *counts)
    result = weat(vectors, x, y, a, b, ddof=ddof, bootstrap=0)
    for other in (
        weat(vectors, y, x, a, b, ddof=ddof, bootstrap=0),
        weat(vectors, x, y, b, a, ddof=ddof, bootstrap=0),
    ):
        assert other.statistic == -result.statistic
        assert other.effect_size == -result.effect_size
        assert other.p_two_sided == result.p_two_sided
    both = weat(vectors, y, x, b, a, ddof=ddof, bootstrap=0)
    assert (both.effect_size, both.p) == (result.effect_size, result.p)


@few
@given(seed=seeds, n_x=st.integers(11, 30), n_y=st.integers(11, 30))
def test_weat_swaps_and_order_leave_the_monte_carlo_p_too(seed, n_x, n_y):
    vectors, (x, y, a, b) = space(seed, n_x, n_y, 5, 5)
    result, *others = (
        weat(vectors, *sets, permutations=2000, bootstrap=0)
        for sets in ((x, y, a, b), (y, x, a, b), (x, y, b, a), (x[::-1], y[::-1], a, b))
    )
    assert result.method == "monte_carlo"
    assert all(other.p_two_sided == result.p_two_sided for other in others)
    assert others[2].p == result.p
    # What is at least as large on one side is at most as large on the other; drawn alike.
    assert others[0].p + result.p == pytest.approx(1.0, abs=2e-3)


@few
@given(seed=seeds)
def test_swapped_groups_negate_rnd_and_sc_weat_and_leave_the_others(seed):
    vectors, (x, y, a, b) = space(seed, 6, 5, 5, 6)
    for distance in ("norm", "cosine"):
        one = rnd(vectors, x, [a, b], distance=distance).value
        assert rnd(vectors, x, [b, a], distance=distance).value == pytest.approx(-one)
    first, second = sc_weat(vectors, x + y, a, b), sc_weat(vectors, x + y, b, a)
    for one, other in zip(first.words, second.words, strict=True):
        assert other.effect_size == pytest.approx(-one.effect_size)
        assert other.p_two_sided == one.p_two_sided
    for metric in (same, mac, ect):
        value = metric(vectors, x, [a, b], bootstrap=0).value
        assert metric(vectors, x, [b, a], bootstrap=0).value == pytest.approx(value)
    assert ripa(vectors, x, pairs(b, a)).signed == pytest.approx(
        -ripa(vectors, x, pairs(a, b)).signed
    )


def brute_force(x, y):
    pooled, observed = np.r_[x, y], np.mean(x) - np.mean(y)
    everyone = set(range(len(pooled)))
    found = np.array(
        [
            pooled[list(chosen)].mean() - pooled[list(everyone - set(chosen))].mean()
            for chosen in combinations(everyone, len(x))
        ]
    )
    tie = 1e-9 * np.abs(pooled).max()
    return (found >= observed - tie).mean(), (np.abs(found) >= abs(observed) - tie).mean()


values = st.lists(st.integers(-20, 20), min_size=1, max_size=6)  # many ties


@settings(deadline=None, max_examples=60)
@given(x=values, y=values)
def test_exact_p_is_that_of_brute_force(x, y):
    x, y = np.array(x) * 0.1, np.array(y) * 0.1
    result = permutation_test(x, y)
    assert (result.p, result.p_two_sided) == pytest.approx(brute_force(x, y), abs=1e-12)
    assert result.p >= result.floor
    assert result.method == "exact"


@few
@given(x=values, y=values, seed=seeds)
def test_monte_carlo_p_converges_to_exact(x, y, seed):
    x, y = np.array(x) * 0.1, np.array(y) * 0.1
    exact = permutation_test(x, y)
    drawn = permutation_test(x, y, exact_limit=0, draws=40_000, seed=seed)
    for one, other in ((exact.p, drawn.p), (exact.p_two_sided, drawn.p_two_sided)):
        assert abs(one - other) < 5.5 * np.sqrt(one * (1 - one) / 40_000) + 1e-4
    assert drawn.p >= drawn.floor == 1 / 40_001


@few
@given(seed=seeds, n_x=st.integers(2, 40), n_y=st.integers(2, 40))
def test_monte_carlo_p_does_not_depend_on_order_or_sign(seed, n_x, n_y):
    drawn = np.random.default_rng(seed).normal(size=n_x + n_y)
    x, y = drawn[:n_x], drawn[n_x:]
    result, *others = (
        permutation_test(*groups, exact_limit=0, draws=1000)
        for groups in ((x, y), (x[::-1], y[::-1]), (y, x), (-x, -y), (-y, -x))
    )
    assert {other.p_two_sided for other in others} == {result.p_two_sided}
    assert others[0].p == others[3].p == result.p
