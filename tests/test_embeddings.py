"""Words and vectors as one value, and the one rule by which a word is found in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from debiaslab import lexicons, regularizers
from debiaslab.errors import UserError
from debiaslab.leaderboard.export import codalab, default_pairs
from debiaslab.metrics.vocabulary import find, row_of
from debiaslab.metrics.weat import weat
from debiaslab.regularizers import bind, debias_words
from debiaslab.report.neighbors import neighbors_table
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.words import written_in, written_pairs

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


CASED = ["he", "she", "Darwin", "UNICEF", "New_York", "São_Paulo", "MIT", "the", "O'Neill"]
CASED += ["San\u00a0José", "El\u3000Paso"]
WRITTEN = [
    ("darwin", "Darwin"),
    ("DARWIN", "Darwin"),
    ("unicef", "UNICEF"),
    ("Unicef", "UNICEF"),
    ("new york", "New_York"),
    ("New York", "New_York"),
    ("são paulo", "São_Paulo"),
    ("San José", "San\u00a0José"),
    ("el paso", "El\u3000Paso"),
    ("The", "the"),
    ("o'neill", "O'Neill"),
    ("mit", "MIT"),
    ("geneva", None),
]


@pytest.fixture
def cased() -> Embeddings:
    vectors = np.random.default_rng(3).standard_normal((len(CASED), 6))
    return Embeddings(CASED, vectors)


@pytest.mark.parametrize(("asked", "written"), WRITTEN)
def test_metrics_file_table_and_logged_model_find_the_same_words(cased, asked, written, tmp_path):
    from debiaslab.tracking.similarity_model import PairSimilarity

    assert cased.lookup(asked) == written_in(cased.index, asked) == written
    row = None if written is None else cased.index[written]
    assert row_of(cased, asked) == row
    assert find(cased, [asked]).missing == (() if written else (asked,))

    submission = codalab(cased, [(asked, "he")], tmp_path / "s.csv")
    assert submission.missing_words == (() if written else (asked,))
    table = pd.read_csv(tmp_path / "s.csv")
    expected = cased.cosine(written, "he") if written else 0.0
    assert table.sim[0] == pytest.approx(expected, abs=1e-6)

    model = PairSimilarity()
    model._index, model._vectors, model._fallback = dict(cased.index), cased.vectors, 0.0
    predicted = model.predict(None, table[["word1", "word2"]])
    assert predicted.sim[0] == pytest.approx(table.sim[0], abs=1e-7)
    if written:
        assert f" {cased.neighbors(written, 1)[0][0]} " in neighbors_table(cased, asked, 1).plain()


def test_a_word_as_given_comes_before_its_other_casings():
    vocabulary = ["us", "US", "Us"]
    for word in vocabulary:
        assert written_in(vocabulary, word) == word
    assert written_in(["US", "Us"], "us") == "Us"  # a name before an acronym
    assert written_in(["new york", "New_York"], "New York") == "new york"  # a space before _


def test_a_pair_is_found_when_both_words_are_and_named_as_written():
    found, missing = written_pairs(["He", "she", "Man"], [("he", "she"), ("man", "woman")])
    assert found == [("He", "she")]
    assert missing == [("man", "woman")]


def test_the_score_of_the_file_is_that_of_the_scorecard_in_cased_vectors(tmp_path):
    """Names and acronyms of the lists stand in capitals in the vectors."""
    from debiaslab.leaderboard.local import score_files

    words = dict.fromkeys(word for pair in default_pairs() for word in pair)
    names = {"einstein": "Einstein", "nasa": "NASA", "shakespeare": "Shakespeare"}
    written = [names.get(word, word) for word in words]
    vectors = np.random.default_rng(0).standard_normal((len(written), 20))
    cased, lower = Embeddings(written, vectors), Embeddings(list(words), vectors)
    scores = []
    for name, embeddings in (("cased", cased), ("lower", lower)):
        codalab(embeddings, default_pairs(), tmp_path / f"{name}.csv")
        ((_, score),) = score_files([tmp_path / f"{name}.csv"])
        scores.append(score["s science-arts"])
    lists = ("science", "arts", "male_terms", "female_terms")  # of the task
    X, Y, A, B = (lexicons.load(name).words for name in lists)
    s = weat(cased, X, Y, A, B, bootstrap=0).statistic
    assert scores[0] == pytest.approx(s, abs=1e-6)
    assert scores[0] == scores[1]


def test_strategies_find_their_pairs_in_capitals():
    """As in vectors of headlines: every word in capitals."""
    pairs = lexicons.load_pairs("gender_pairs").half("tune")
    lower = [*dict.fromkeys(w for pair in pairs for w in pair), "nurse", "bridge", "river"]
    vectors = np.random.default_rng(1).standard_normal((len(lower), 12))
    capitals = [word.upper() for word in lower]
    changed = []
    for words in (lower, capitals):
        embeddings, strategy = Embeddings(words, vectors), regularizers.create("hard")
        given = debias_words(words)
        assert len(given.pairs) == len(pairs)
        assert given.pairs_missing == ()
        changed.append(strategy.fit(embeddings, given, 0)(embeddings).vectors)
    assert np.array_equal(changed[0], changed[1])
    bound = bind(regularizers.create("projection"), capitals)
    assert bound is not None
    assert bound.coverage.pairs[0] == "/".join(pairs[0]).upper()
    assert bound.coverage.pairs_missing == ()
