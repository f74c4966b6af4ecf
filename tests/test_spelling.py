"""Canonically equivalent spellings are one word, wherever text, lists, vectors and people meet."""

from __future__ import annotations

import json
from unicodedata import normalize

import numpy as np
import pytest

from debiaslab import lexicons
from debiaslab.errors import UserError, normal_form
from debiaslab.leaderboard.export import codalab, read_pairs
from debiaslab.metrics.vocabulary import find
from debiaslab.report.neighbors import neighbors_table
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.words import written_in

WORDS = ["könig", "Ångström", "tiếng", "한국어", "ёлка", "plain"]


def embeddings_of(words: list[str]) -> Embeddings:
    return Embeddings(words, np.random.default_rng(2).standard_normal((len(words), 5)))


@pytest.mark.parametrize(("here", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_found_in_the_other_form(word, here, there, tmp_path):
    known, asked = normalize(here, word), normalize(there, word)
    embeddings = embeddings_of([normalize(here, each) for each in WORDS])
    assert asked in embeddings
    assert embeddings.lookup(asked) == written_in(embeddings.index, asked) == known
    assert embeddings.lookup(normalize(there, word.upper())) == known
    assert np.array_equal(embeddings[asked], embeddings[known])
    assert embeddings.split([asked]) == ([asked], [])
    assert find(embeddings, [asked]).words == (known,)
    tables = [normal_form(neighbors_table(embeddings, each, 1).plain()) for each in (asked, known)]
    assert tables[0] == tables[1]
    assert codalab(embeddings, [(asked, "plain")], tmp_path / "s.csv").missing_words == ()


def test_the_logged_model_finds_a_word_in_the_other_form():
    from debiaslab.tracking.similarity_model import PairSimilarity

    model = PairSimilarity()
    for form, other in (("NFC", "NFD"), ("NFD", "NFC")):
        model._index = {normalize(form, word): row for row, word in enumerate(WORDS)}
        rows = [model._row(normalize(other, word)) for word in WORDS]
        assert rows == [*range(len(WORDS))]


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
        with pytest.raises(UserError, match="the key 'könig' is there twice"):
            lexicons.load_file(path)


def test_the_half_of_a_word_does_not_depend_on_its_form():
    for word in WORDS:
        other = normalize("NFD", word)
        assert lexicons.half_of(word) == lexicons.half_of(other)
        assert lexicons.half_of_pair(word, "x") == lexicons.half_of_pair("x", other)


def test_pairs_of_a_file_are_found(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(normalize("NFD", "word1,word2\nkönig,ёлка\n"), encoding="utf-8")
    submission = codalab(embeddings_of(WORDS), read_pairs(path), tmp_path / "s.csv")
    assert submission.missing_words == ()


def test_what_ships_is_in_normal_form_already():
    """So that versions, halves and results of shipped lists are what they were."""
    for name in lexicons.names():
        assert all(normal_form(word) == word for word in lexicons.load(name).words)
