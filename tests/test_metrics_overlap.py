"""Nearest-neighbour overlap, retention and nearest rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.metrics import Baseline, SimilaritySet, nearest, word_similarity
from debiaslab.metrics.cases import HALVES, Resampling
from debiaslab.metrics.nearest import nearest_rows, neighbor_overlap
from debiaslab.metrics.similarity import similarity_retention
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import noise, records_of


def by_hand(one: Embeddings, two: Embeddings, k: int) -> float:
    """Mean share of common neighbours over the words both have, by sorting everything."""
    common = [w for w in two.words if w in one]
    near = []
    for space in (one, two):
        rows = space.rows(common)
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, -np.inf)
        near.append(np.argsort(-cosines, axis=1, kind="stable")[:, :k])
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)]))


@settings(deadline=None, max_examples=15)
@given(block=st.integers(3, 90), k=st.integers(1, 60), seed=st.integers(0, 99), own=st.booleans())
def test_nearest_rows_equal_a_sort_whatever_the_blocks(block, k, seed, own):
    space = noise(80, seed=seed)
    candidates = np.random.default_rng(seed).permutation(80)[:50]
    chosen = np.array([0, 7, 49])
    queries = space.unit[candidates[chosen]]
    cosines = queries @ space.unit[candidates].T
    if own:
        cosines[np.arange(3), chosen] = -np.inf
    expected = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_BLOCK", block)
        found = nearest_rows(queries, space, candidates, k, chosen if own else None)
    assert found.positions.shape == (3, k)
    some = found.positions >= 0
    assert some.sum(axis=1).tolist() == [min(k, 50 - own)] * 3
    width = min(k, 50 - own)
    assert found.positions[:, :width].tolist() == expected[:, :width].tolist()


def test_overlap_with_itself_is_one_and_does_not_see_rotation_or_length():
    base = noise(300)
    rng = np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    moved = Embeddings(base.words, rng.uniform(1, 5, (300, 1)) * (base.vectors @ turn))
    for other in (base, moved):
        result = neighbor_overlap(other, base)
        assert result.value == pytest.approx(1.0, abs=0.002)
        assert (result.n, result.candidates) == (300, 300)


def test_overlap_equals_a_plain_loop_also_where_vocabularies_differ():
    base = noise(200)
    changed = base.vectors + 0.5 * np.random.default_rng(1).normal(size=base.vectors.shape)
    order = np.random.default_rng(2).permutation(200)[:150]
    run = Embeddings([base.words[i] for i in order] + ["new"], [*changed[order], np.ones(12)])
    for k in (1, 5, 10):
        result = neighbor_overlap(run, base, k=k)
        assert result.value == pytest.approx(by_hand(run, base, k))
        assert 0 < result.value < 1
        assert (result.candidates, result.n) == (150, 150)
    assert neighbor_overlap(run, base).interval[0] < result.value < result.interval[1]


def test_unrelated_spaces_share_what_chance_gives():
    result = neighbor_overlap(noise(500), noise(500, seed=1))
    assert result.chance == pytest.approx(10 / 499)
    assert result.value == pytest.approx(result.chance, abs=0.01)


def test_bands_are_by_rank_and_sampled_alike():
    result = neighbor_overlap(noise(1600), noise(1600), sample=100, bootstrap=50)
    assert [(b.first, b.last, b.n) for b in result.bands] == [(1, 1000, 50), (1001, 1600, 50)]
    again = neighbor_overlap(noise(1600), noise(1600), sample=100, bootstrap=50)
    assert again == result
    small = neighbor_overlap(noise(1010), noise(1010), sample=100, bootstrap=0)
    assert [b.n for b in small.bands] == [50, 10]


def test_a_word_list_is_measured_as_it_is():
    base = noise(100)
    result = neighbor_overlap(base, base, words=["w3", "W5", "w3", "zebra"])
    assert (result.value, result.n, result.missing) == (1.0, 2, ("zebra",))


def test_what_is_lost_or_collapsed_is_never_overlap():
    base = noise(100)
    dead = Embeddings(base.words, base.vectors * (np.arange(100) >= 40)[:, None])
    half = neighbor_overlap(dead, base, words=base.words[:80])
    assert half.n == 80
    assert half.value < 0.5
    assert neighbor_overlap(base, dead, words=base.words[:80]).n == 40
    for vectors in (np.zeros((100, 12)), np.ones((100, 12))):
        bad = Embeddings(base.words, vectors)
        for pair in ((bad, base), (base, bad), (bad, bad)):
            result = neighbor_overlap(*pair)
            assert result.value is None
            assert result.reason
    line = np.random.default_rng(0).normal(size=(100, 1)) * np.ones((1, 12))
    clusters = noise(2).vectors[np.random.default_rng(0).integers(0, 2, 100)]
    for vectors in (line, clusters):
        assert neighbor_overlap(Embeddings(base.words, vectors), base).value < 0.25


def test_too_few_common_words_and_bad_numbers():
    result = neighbor_overlap(noise(11), noise(11))
    assert result.value is None
    assert "11 words in common" in result.reason
    assert "all zeros" in neighbor_overlap(noise(50), noise(50), words=["zebra"]).reason
    for bad in ({"k": 0}, {"sample": 0}):
        with pytest.raises(UserError, match="1 or more"):
            neighbor_overlap(noise(50), noise(50), **bad)


def test_overlap_records():
    made = records_of(
        "overlap", noise(1600), Resampling(0, 20, 0, False), baseline=Baseline(noise(1600))
    )
    assert [r.name for r in made] == ["all ranks", "ranks 1-1000", "ranks 1001-1600"]
    assert made[0].extra["k"] == 10
    nothing = records_of(
        "overlap", noise(5), Resampling(0, 20, 0, False), baseline=Baseline(noise(5))
    )
    assert len(nothing) == 1
    assert nothing[0].reason


def judged(base: Embeddings, n: int = 120) -> SimilaritySet:
    rng = np.random.default_rng(5)
    pairs = rng.integers(0, len(base), size=(n, 2))
    names = [(f"w{a}", f"w{b}") for a, b in pairs if a != b]
    return SimilaritySet("judged", tuple((a, b, base.cosine(a, b) + 0.1) for a, b in names))


def test_retention_of_itself_is_one_with_no_spread():
    base = noise(80)
    result = similarity_retention(base, base, judged(base))
    assert (result.value, result.interval) == (1.0, (1.0, 1.0))
    assert result.run == result.baseline


def test_retention_is_the_ratio_on_the_pairs_both_have():
    base = noise(80)
    sets = judged(base)
    changed = base.vectors + np.random.default_rng(1).normal(size=base.vectors.shape)
    run = Embeddings(base.words[:60], changed[:60])
    result = similarity_retention(run, base, sets)
    kept = SimilaritySet(
        "kept", tuple(p for p in sets.pairs if all(int(w[1:]) < 60 for w in p[:2]))
    )
    expected = word_similarity(run, kept).value / word_similarity(base, kept).value
    assert result.value == pytest.approx(expected)
    assert (result.n, result.pairs) == (len(kept.pairs), len(sets.pairs))
    assert set(result.missing) <= {f"w{i}" for i in range(60, 80)}
    assert result.interval[0] < result.value < result.interval[1]


def test_pairing_makes_the_interval_of_a_small_change_narrow():
    base = noise(80)
    rng = np.random.default_rng(1)
    human = SimilaritySet("h", tuple((a, b, s + rng.normal()) for a, b, s in judged(base).pairs))
    slightly = base.vectors + 0.02 * rng.normal(size=base.vectors.shape)
    result = similarity_retention(Embeddings(base.words, slightly), base, human)
    alone = word_similarity(base, human).interval
    assert result.interval[1] - result.interval[0] < (alone[1] - alone[0]) / result.baseline / 4


def test_retention_without_a_meaning_says_why():
    base = noise(80)
    sets = judged(base)
    backwards = SimilaritySet("b", tuple((a, b, -s) for a, b, s in sets.pairs))
    result = similarity_retention(base, base, backwards)
    assert result.value is None
    assert "nothing to retain" in result.reason
    for vectors, says in ((np.zeros((80, 12)), "all-zero"), (np.ones((80, 12)), "collapsed")):
        bad = Embeddings(base.words, vectors)
        assert says in similarity_retention(bad, base, sets).reason
        assert similarity_retention(bad, base, sets).reason.startswith("the run: ")
        assert similarity_retention(base, bad, sets).reason.startswith("the baseline: ")
    unsure = SimilaritySet("u", tuple((a, b, i % 7) for i, (a, b, _) in enumerate(sets.pairs)))
    result = similarity_retention(noise(80, seed=3), base, unsure)
    assert result.interval == (None, None)


def test_retention_records():
    base = noise(80)
    made = records_of(
        "retention",
        base,
        Resampling(0, 20, 0, False),
        [judged(base)],
        baseline=Baseline(base),
    )
    assert [r.words for r in made] == list(HALVES)
    assert [r.value for r in made] == pytest.approx([1, 1, 1])
    assert made[0].extra["run"] == made[0].extra["baseline"]
