"""Words and vectors as one value, and the one rule by which a word is found in them."""

from __future__ import annotations

import numpy as np
import pytest

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings

WORDS = ["king", "queen", "man", "woman", "united_states", "Paris", "nothing"]


@pytest.fixture
def embeddings() -> Embeddings:
    vectors = np.random.default_rng(0).standard_normal((len(WORDS), 5))
    vectors[-1] = 0
    return Embeddings(WORDS, vectors)


def test_unit_vectors_have_length_one_and_zero_stays_zero(embeddings):
    norms = np.linalg.norm(embeddings.unit, axis=1)
    np.testing.assert_allclose(norms[:-1], 1, rtol=1e-6)
    assert norms[-1] == 0
    assert embeddings.unit.dtype == np.float32
    assert embeddings.cosine("king", "king") == pytest.approx(1)
    assert embeddings.cosine("king", "nothing") == 0
    for size in (1e-44, 1e-30, 1e30, 3e38):  # extremes neither overflow nor vanish
        unit = Embeddings(["a"], np.array([[size, -size]])).unit
        np.testing.assert_allclose(unit, [[0.5**0.5, -(0.5**0.5)]], rtol=1e-6)


def test_cosine_and_neighbors_agree_with_gensim():
    embeddings = Embeddings(WORDS, np.random.default_rng(0).standard_normal((len(WORDS), 5)))
    keyed = embeddings.to_keyed_vectors()
    for word in WORDS:
        ours, theirs = embeddings.neighbors(word, 5), keyed.most_similar(word, topn=5)
        assert [w for w, _ in ours] == [w for w, _ in theirs]
        np.testing.assert_allclose([c for _, c in ours], [c for _, c in theirs], atol=1e-6)
        for other, cosine in ours:
            assert embeddings.cosine(word, other) == pytest.approx(cosine, abs=1e-6)


def test_gensim_and_back_is_the_same(embeddings):
    again = Embeddings.from_keyed_vectors(embeddings.to_keyed_vectors())
    assert again.words == embeddings.words
    assert np.array_equal(again.vectors, embeddings.vectors)


def test_neighbors_are_sorted_with_ties_in_vocabulary_order():
    rng = np.random.default_rng(1)
    vectors = np.repeat(rng.standard_normal((50, 4)), 4, axis=0)
    embeddings = Embeddings([f"w{i}" for i in range(200)], vectors)
    cosines = embeddings.unit @ embeddings.unit[17]
    expected = [i for i in np.argsort(-cosines, kind="stable") if i != 17]
    for n in (1, 2, 3, 5, 50, 199, 500):
        got = embeddings.neighbors("w17", n)
        assert [word for word, _ in got] == [f"w{i}" for i in expected[:n]]
    assert all(-1 <= cosine <= 1 for _, cosine in embeddings.neighbors("w17", 199))
    assert Embeddings(["a"], np.ones((1, 2))).neighbors("a") == []
    with pytest.raises(UserError, match="0 neighbours were asked for; allowed: 1 or more"):
        embeddings.neighbors("w17", 0)


@pytest.mark.parametrize(
    ("word", "nearest"), [("quen", "queen"), ("KING", "king"), ("united states", "united_states")]
)
def test_unknown_words_get_a_suggestion(embeddings, word, nearest):
    for use in (embeddings.__getitem__, embeddings.neighbors, lambda w: embeddings.rows([w])):
        with pytest.raises(UserError, match=f"the word '{word}' .* did you mean '{nearest}'"):
            use(word)


def test_immutable(embeddings):
    source = np.ones((1, 2), np.float32)
    copy = Embeddings(["a"], source)
    source[:] = 5
    assert copy.vectors.tolist() == [[1, 1]]
    for array in (embeddings.vectors, embeddings.unit):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


@pytest.mark.parametrize(
    ("words", "vectors", "says"),
    [
        (["a"], np.ones((2, 2)), r"1 words came with vectors of shape \(2, 2\)"),
        (["a"], np.ones(1), r"shape \(1,\)"),
        (["a", "b"], np.array([[1], [np.nan]]), "'b' holds NaN"),
        (["a", "b"], np.array([[1], [1e39]]), "'b' holds NaN or infinity"),
        (["a", "b", "c", "b"], np.ones((4, 2)), "'b' appears twice"),
    ],
)
def test_refused(words, vectors, says):
    with pytest.raises(UserError, match=says):
        Embeddings(words, vectors)
    vectors = np.ones((40_000, 2), np.float32)
    vectors[[33_333, 39_999], 1] = np.inf
    with pytest.raises(UserError, match="'w33333' holds NaN or infinity"):
        Embeddings([f"w{i}" for i in range(40_000)], vectors)


def test_split_keeps_the_order(embeddings):
    assert embeddings.split(["x", "man", "y", "king"]) == (["man", "king"], ["x", "y"])
    assert repr(embeddings) == "Embeddings(7 words, dimension 5)"


def test_a_frozen_float32_array_is_kept_and_anything_else_is_copied():
    frozen = np.ones((3, 2), np.float32)
    frozen.flags.writeable = False
    assert Embeddings(list("abc"), frozen).vectors is frozen
    assert np.shares_memory(Embeddings(list("ab"), frozen[:2]).vectors, frozen)
    from_bytes = np.frombuffer(bytes(24), np.float32).reshape(3, 2)
    assert np.shares_memory(Embeddings(list("abc"), from_bytes).vectors, from_bytes)
    source = np.ones((3, 2), np.float32)
    view = source[:]
    view.flags.writeable = False
    mutable = np.frombuffer(bytearray(24), np.float32).reshape(3, 2)
    for other in (source, view, mutable, frozen.T.copy().T, frozen.astype(np.float64)):
        kept = Embeddings(list("abc"), other).vectors
        assert not np.shares_memory(kept, other)
        assert kept.flags.c_contiguous
        assert not kept.flags.writeable
