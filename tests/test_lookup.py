"""One rule finds a word in vectors, whoever asks: metrics, file, table, strategy, planting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from debiaslab import lexicons, regularizers
from debiaslab.leaderboard.export import codalab, default_pairs
from debiaslab.metrics.vocabulary import find, row_of
from debiaslab.metrics.weat import weat
from debiaslab.regularizers import bind, debias_words
from debiaslab.report.neighbors import neighbors_table
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.words import written_in, written_pairs

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
def test_metrics_file_table_and_logged_model_find_the_same_words(
    cased: Embeddings, asked: str, written: str | None, tmp_path: Path
):
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
    predicted = model.predict(None, table[["word1", "word2"]])  # type: ignore[arg-type]
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


def test_the_score_of_the_file_is_that_of_the_scorecard_in_cased_vectors(tmp_path: Path):
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
