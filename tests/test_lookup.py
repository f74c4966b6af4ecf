"""One rule finds a word in vectors, whoever asks: metrics, file, table, strategy, planting."""

from __future__ import annotations

import json
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest

from debiaslab import lexicons, regularizers
from debiaslab.errors import UserError, normal_form
from debiaslab.leaderboard.export import codalab, default_pairs, read_pairs
from debiaslab.metrics.vocabulary import find, row_of
from debiaslab.metrics.weat import weat
from debiaslab.regularizers import bind, debias_words
from debiaslab.report.tables import neighbors_table
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.words import written_in, written_pairs

CASED = ["he", "she", "Darwin", "UNICEF", "New_York", "São_Paulo", "MIT", "the", "O'Neill"]
CASED += ["San\u00a0José", "El\u3000Paso"]
FORMS = ["könig", "Ångström", "tiếng", "한국어", "ёлка", "plain"]  # with several spellings
WRITTEN = [
    *(("darwin", "Darwin"), ("DARWIN", "Darwin"), ("unicef", "UNICEF"), ("Unicef", "UNICEF")),
    *(("new york", "New_York"), ("New York", "New_York"), ("são paulo", "São_Paulo")),
    *(("San José", "San\u00a0José"), ("el paso", "El\u3000Paso")),
    *(("The", "the"), ("o'neill", "O'Neill"), ("mit", "MIT"), ("geneva", None)),
]
CASES = [(CASED, *case) for case in WRITTEN]
for here, there in (("NFC", "NFD"), ("NFD", "NFC")):
    words = ["he", *(normalize(here, word) for word in FORMS)]
    for word in FORMS:
        CASES.append((words, normalize(there, word), normalize(here, word)))
        CASES.append((words, normalize(there, word.upper()), normalize(here, word)))


@pytest.mark.parametrize(("words", "asked", "written"), CASES)
def test_metrics_file_table_and_logged_model_find_the_same_words(words, asked, written, tmp_path):
    from debiaslab.tracking.similarity_model import PairSimilarity

    known = Embeddings(words, np.random.default_rng(3).standard_normal((len(words), 6)))
    assert known.lookup(asked) == written_in(known.index, asked) == written
    row = None if written is None else known.index[written]
    assert row_of(known, asked) == row
    assert find(known, [asked]).missing == (() if written else (asked,))

    submission = codalab(known, [(asked, "he")], tmp_path / "s.csv")
    assert submission.missing_words == (() if written else (asked,))
    table = pd.read_csv(tmp_path / "s.csv")
    expected = known.cosine(written, "he") if written else 0.0
    assert table.sim[0] == pytest.approx(expected, abs=1e-6)

    model = PairSimilarity()
    model._index, model._vectors, model._fallback = dict(known.index), known.vectors, 0.0
    predicted = model.predict(None, table[["word1", "word2"]])
    assert predicted.sim[0] == pytest.approx(table.sim[0], abs=1e-7)
    if written:
        nearest = normal_form(known.neighbors(written, 1)[0][0])
        assert f" {nearest} " in normal_form(neighbors_table(known, asked, 1).plain())


def test_vectors_hold_a_word_in_both_forms():
    for word in FORMS:
        known, asked = normalize("NFC", word), normalize("NFD", word)
        embeddings = Embeddings([known, "x"], np.eye(2))
        assert asked in embeddings
        assert np.array_equal(embeddings[asked], embeddings[known])
        assert embeddings.split([asked]) == ([asked], [])


def test_pairs_of_a_file_are_found(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(normalize("NFD", "word1,word2\nkönig,ёлка\n"), encoding="utf-8")
    submission = codalab(
        Embeddings(FORMS, np.eye(len(FORMS))), read_pairs(path), tmp_path / "s.csv"
    )
    assert submission.missing_words == ()


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


def test_a_lexicon_file_is_read_in_normal_form(tmp_path):
    content = {
        "citation": "X",
        "words": {"rulers": {"words": [normalize("NFD", "könig"), "queen"]}},
        "pairs": {"p": {"pairs": [[normalize("NFD", "König"), normalize("NFD", "Königin")]]}},
    }
    path = tmp_path / "l.json"
    for ascii_only in (True, False):  # \u escapes and letters
        path.write_text(json.dumps(content, ensure_ascii=ascii_only), encoding="utf-8")
        found = lexicons.load_file(path)
        assert found.lexicons["rulers"].words == (normalize("NFC", "könig"), "queen")
        assert found.pairs["p"].pairs[0] == ("König", "Königin")


def test_a_word_in_both_forms_is_a_word_twice(tmp_path):
    both = [normalize("NFC", "könig"), normalize("NFD", "könig")]
    path = tmp_path / "l.json"
    path.write_text(json.dumps({"citation": "X", "words": {"a": {"words": both}}}), "utf-8")
    with pytest.raises(UserError, match="twice"):
        lexicons.load_file(path)
    lists = {word: {"words": ["x"]} for word in both}
    for name in ("l.json", "l.yaml"):  # JSON is YAML
        path = tmp_path / name
        path.write_text(json.dumps({"citation": "X", "words": lists}, ensure_ascii=False), "utf-8")
        with pytest.raises(UserError, match="the key 'könig' appears twice"):
            lexicons.load_file(path)


def test_the_half_of_a_word_does_not_depend_on_its_form():
    for word in FORMS:
        other = normalize("NFD", word)
        assert lexicons.half_of(word) == lexicons.half_of(other)
        assert lexicons.half_of_pair(word, "x") == lexicons.half_of_pair("x", other)


def test_what_ships_is_in_normal_form_already():
    """So that versions, halves and results of shipped lists are what they were."""
    for name in lexicons.names():
        assert all(normal_form(word) == word for word in lexicons.load(name).words)
