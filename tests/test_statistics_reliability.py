"""Reliability and internal consistency: published tables, limits, and planted agreement."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.metrics import NotMeasuredError, gender_direction
from debiaslab.metrics.reliability import (
    inter_rule,
    internal_consistency,
    pair_scores,
    retest_reliability,
    word_scores,
)
from debiaslab.statistics import cronbach_alpha, icc2, icc3
from debiaslab.vectors.embeddings import Embeddings

# Shrout & Fleiss (1979), Psychological Bulletin 86:420–428, table 2: 6 targets, 4 judges.
SHROUT_FLEISS = [
    [9, 2, 5, 8],
    [6, 1, 3, 2],
    [8, 4, 6, 8],
    [7, 1, 2, 6],
    [10, 5, 6, 9],
    [6, 2, 4, 7],
]
M, F = [f"m{i}" for i in range(5)], [f"f{i}" for i in range(5)]
PAIRS = list(zip(M, F, strict=True))
WORDS = [f"w{i}" for i in range(30)]
tables = st.integers(0, 10_000).map(
    lambda seed: np.random.default_rng(seed).normal(size=(12, 4)) + np.arange(12)[:, None] / 6
)


def space(seed=0, dim=20, noise=0.0, words=WORDS):
    """Words with planted gender: the m and f words lie on two sides of the first axis."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(len(WORDS) + 10, dim))
    base[:5, 0] += 6
    base[5:10, 0] -= 6
    names = [*M, *F, *WORDS]
    vectors = base + noise * np.random.default_rng(seed + 1).normal(size=base.shape)
    kept = [i for i, name in enumerate(names) if name in {*M, *F, *words}]
    return Embeddings([names[i] for i in kept], vectors[kept])


def test_the_published_table():
    assert icc2(SHROUT_FLEISS) == pytest.approx(0.29, abs=0.005)
    assert icc3(SHROUT_FLEISS) == pytest.approx(0.71, abs=0.005)
    # α is ICC(3, k), which they give as .91.
    assert cronbach_alpha(SHROUT_FLEISS) == pytest.approx(0.91, abs=0.005)


@settings(deadline=None, max_examples=30)
@given(tables, st.integers(0, 100))
def test_order_and_scale_do_not_matter_and_a_shift_of_a_seed_only_to_agreement(table, seed):
    rng = np.random.default_rng(seed)
    moved = 3 * table[rng.permutation(12)][:, rng.permutation(4)] + 7
    for measure in (icc2, icc3, cronbach_alpha):
        assert measure(moved) == pytest.approx(measure(table))
    shifted = table + rng.normal(size=4) * 5
    assert icc3(shifted) == pytest.approx(icc3(table))
    assert cronbach_alpha(shifted) == pytest.approx(cronbach_alpha(table))
    k, icc = 4, icc3(table)  # Spearman–Brown: α is the consistency of the mean of k
    assert cronbach_alpha(table) == pytest.approx(k * icc / (1 + (k - 1) * icc))


def test_the_same_vectors_retest_perfectly_and_noise_lowers_it():
    same = retest_reliability([space(), space(), space()], WORDS, PAIRS)
    assert (same.kind, same.n, same.measurements, same.reason) == ("ICC(2,1)", 30, 3, None)
    assert same.icc == pytest.approx(1)
    assert same.rank_correlation == pytest.approx(1)
    for rule in ("projection", "association", "ripa"):
        little, much = (
            retest_reliability([space(s, noise=size) for s in range(3)], WORDS, PAIRS, rule)
            for size in (0.3, 5)
        )
        assert 0.7 < little.icc < 1
        assert little.interval[0] < little.icc < little.interval[1]
        assert much.icc < little.icc
        assert much.rank_correlation < little.rank_correlation


def test_retest_takes_the_words_all_seeds_have():
    vectors = [space(0), space(1, noise=0.3, words=WORDS[2:])]
    result = retest_reliability(vectors, [*WORDS, "absent", WORDS[5]], PAIRS)
    assert (result.n, result.missing) == (28, ("w0", "w1", "absent"))
    one = retest_reliability([space()], WORDS, PAIRS)
    assert (one.icc, one.measurements) == (None, 1)
    assert "2 seeds" in one.reason
    assert "needs 4 words" in retest_reliability(vectors, WORDS[2:5], PAIRS).reason
    assert "pairs" in retest_reliability(vectors, WORDS, [("absent", "gone")]).reason


def test_rules_agree_on_planted_gender():
    result = inter_rule(space(), WORDS, PAIRS)
    assert (result.kind, result.measurements) == ("ICC(3,1)", 3)
    assert result.icc > 0.8
    assert "needs 4 words and 2 rules" in inter_rule(space(), WORDS, PAIRS, ["ripa"]).reason


def test_word_scores_are_those_of_the_metrics():
    vectors = space()
    unit = vectors.unit.astype(float)
    g = gender_direction(vectors, PAIRS)
    assert word_scores(vectors, WORDS, PAIRS) == pytest.approx(unit[10:] @ g, abs=1e-6)
    ripa = word_scores(vectors, WORDS, PAIRS, "ripa")
    assert ripa == pytest.approx(vectors.vectors[10:] @ g, abs=1e-5)
    association = word_scores(vectors, WORDS, PAIRS, "association")
    by_pair = pair_scores(vectors, WORDS, PAIRS, "association")
    assert by_pair.shape == (30, 5)
    assert by_pair.mean(axis=1) == pytest.approx(association)
    assert by_pair[3, 2] == pytest.approx(
        vectors.cosine("w3", "m2") - vectors.cosine("w3", "f2"), abs=1e-6
    )
    axis = unit[1] - unit[6]
    axis /= np.linalg.norm(axis)
    assert pair_scores(vectors, WORDS, PAIRS)[:, 1] == pytest.approx(unit[10:] @ axis, abs=1e-6)
    raw = pair_scores(vectors, WORDS, PAIRS, "ripa")[:, 1]
    assert raw == pytest.approx(vectors.vectors[10:] @ axis, abs=1e-5)


def test_internal_consistency_of_planted_gender_and_of_a_stray_pair():
    result = internal_consistency(space(), WORDS, PAIRS)
    assert (result.n, result.n_pairs, result.reason) == (30, 5, None)
    assert result.pairs > 0.7
    table = pair_scores(space(), WORDS, PAIRS, "association")
    assert result.pairs == pytest.approx(cronbach_alpha(table))
    assert result.words == pytest.approx(cronbach_alpha(table.T))
    stray = [*PAIRS, ("w28", "w29")]
    with_stray = internal_consistency(space(), WORDS[:28], stray)
    assert with_stray.pairs_without[-1][0] == "w28/w29"
    assert with_stray.pairs_without[-1][1] == max(a for _, a in with_stray.pairs_without)
    assert len(with_stray.words_without) == 28


def test_what_cannot_be_measured_says_why():
    few = internal_consistency(space(), [*WORDS[:3], "absent"], PAIRS)
    assert (few.words, few.missing) == (None, ("absent",))
    assert few.reason == "3 words and 5 pairs in the vectors: needs 4 and 2"
    for table in ([[1.0, 2.0]], [[1.0], [2.0]], [[1.0, 1.0], [1.0, 1.0]]):
        with pytest.raises(NotMeasuredError):
            icc2(table)
        with pytest.raises(NotMeasuredError):
            cronbach_alpha(table)
    for bad in ([1.0, 2.0], [[1.0, float("nan")], [1.0, 2.0]]):
        with pytest.raises(UserError, match="finite"):
            icc2(bad)
        with pytest.raises(UserError, match="finite"):
            cronbach_alpha(bad)
    with pytest.raises(UserError, match="did you mean 'projection'"):
        word_scores(space(), WORDS, PAIRS, "projecton")
    with pytest.raises(NotMeasuredError, match="without a vector: absent"):
        word_scores(space(), ["absent"], PAIRS)
