"""Multi-word expressions, with NLTK's MWETokenizer as the oracle."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from debiaslab.corpus import Corpus, CorpusSettings, encoding, reading
from debiaslab.errors import UserError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "corpora"


@pytest.fixture(params=["plain", "compiled"])
def encode(tmp_path, monkeypatch, request):
    """Encode a text with phrases, as small texts or as large ones; return its documents."""
    monkeypatch.setattr(encoding, "SMALL", 0 if request.param == "compiled" else 1 << 40)

    def encode(text, phrases, **settings):
        (tmp_path / "text.txt").write_text(text, encoding="utf-8", newline="")
        mwes = tmp_path / "mwes.txt"
        mwes.write_text(phrases, encoding="utf-8", newline="")
        corpus = Corpus.build(
            [tmp_path / "text.txt"],
            CorpusSettings(mwes=str(mwes), min_count=1, **settings),
            cache=tmp_path / "cache",
            progress=False,
        )
        return words_of(corpus)

    return encode


def words_of(corpus):
    text = " ".join("\n" if i < 0 else corpus.words[i] for i in corpus.ids)
    return [line.split() for line in text.split("\n")[:-1]]


def oracle(docs, phrases):
    from nltk.tokenize import MWETokenizer

    tokenizer = MWETokenizer([tuple(phrase) for phrase in phrases], separator="_")
    return [merged for doc in docs if (merged := tokenizer.tokenize(doc))]


def test_longest_first_and_left_to_right(encode):
    text = "The United States of America, the UNITED states. New York City\nnew york\n"
    phrases = (
        "united states\n\nUnited States of America\r\nnew york\nyork city\nthe united nations\n"
    )
    assert encode(text, phrases) == [
        ["the", "united_states_of_america", "the", "united_states", "new_york", "city"],
        ["new_york"],
    ]


def test_a_phrase_never_crosses_documents_and_falls_back_to_a_shorter_one(encode):
    assert encode("a b\nc d\na b c d\na b c x\n", "a b\nb c\na b c d\n") == [
        ["a_b"], ["c", "d"], ["a_b_c_d"], ["a_b", "c", "x"],
    ]  # fmt: skip


def test_punctuation_in_a_phrase_is_cut_as_in_the_text(encode):
    assert encode("Rock-'n'-roll costs $5 now\n", "rock 'n' roll\ncosts $5\n") == [
        ["rock_n_roll", "costs_$5", "now"]
    ]


def test_a_joined_word_and_the_same_word_in_the_text_are_one_type(encode):
    assert encode("new york new_york city\n", "new york\n") == [["new_york", "new_york", "city"]]


def test_case_is_ignored_where_words_keep_it(encode):
    assert encode("New York, NEW york, New yorks\n", "nEW yORK\n", lowercase=False) == [
        ["New_York", "NEW_york", "New", "yorks"]
    ]


@pytest.mark.parametrize("chunk", [5, 23, 200, reading.CHUNK])
@pytest.mark.parametrize("seed", range(5))
def test_random_streams_equal_nltk(encode, monkeypatch, chunk, seed):
    """Few words and many phrases, so that matches overlap, nest, fail late and cross blocks."""
    monkeypatch.setattr(reading, "CHUNK", chunk)
    rng = np.random.default_rng(seed)
    letters = list("abcd")
    docs = [list(rng.choice(letters, rng.integers(0, 60))) for _ in range(40)]
    phrases = [list(rng.choice(letters, rng.integers(2, 12))) for _ in range(15)]
    phrases += [list(rng.choice(letters, 2)) for _ in range(3)]
    text = "\n".join(" ".join(doc) for doc in docs)
    assert encode(text, "\n".join(map(" ".join, phrases))) == oracle(docs, phrases)


@pytest.mark.skipif(not SHARED.exists(), reason="the development corpora are not here")
def test_real_text_equals_nltk(tmp_path):
    """10,000 biographies, 21,000 phrases of 2 to 11 words out of them, the most frequent pairs."""
    path = SHARED / "bios_general.10k.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")
    docs = [re.findall(r"\w+|\$[\d\.]+", line.lower()) for line in lines]
    rng = np.random.default_rng(0)
    pairs = Counter(pair for doc in docs for pair in pairwise(doc))
    phrases = [list(pair) for pair, _ in pairs.most_common(15_000)]
    for doc in rng.choice(np.array([doc for doc in docs if len(doc) > 20], object), 6000):
        begin = rng.integers(0, len(doc) - 11)
        phrases.append(doc[begin : begin + min(11, 1 + rng.geometric(0.6))])
    mwes = tmp_path / "mwes.txt"
    mwes.write_text("\n".join(map(" ".join, phrases)), encoding="utf-8")
    settings = CorpusSettings(mwes=str(mwes), min_count=1)
    corpus = Corpus.build([path], settings, cache=tmp_path / "cache", progress=False)
    assert path.stat().st_size > encoding.SMALL  # so it was compiled code that read it
    expected = [corpus.index[w] for doc in oracle(docs, phrases) for w in [*doc, None] if w]
    assert np.array_equal(corpus.ids[corpus.ids >= 0], expected)
    assert corpus.raw_tokens < sum(map(len, docs))


@pytest.mark.parametrize(
    ("phrases", "message"),
    [
        ("new york\nhello\n", r"line 2 .*'hello'.* has 1 word;.*2 to 11"),
        ("\n...\n", "line 2 .* has 0 words"),
        ("a b c d e f g h i j k l\n", "has 12 words"),
        ("new_york\n", "has 1 word;.*blanks"),
        ("\n \n", "holds no phrase"),
        ("", "mwes.txt is empty"),
        ("a\0b\n", "binary"),
    ],
)
def test_bad_phrase_files(encode, phrases, message):
    with pytest.raises(UserError, match=message):
        encode("new york\n", phrases)


def test_a_missing_phrase_file(tmp_path):
    (tmp_path / "text.txt").write_text("a b")
    (tmp_path / "phrases.txt").write_text("a b")
    settings = CorpusSettings(mwes=str(tmp_path / "phrase.txt"))
    with pytest.raises(UserError, match=r"no file .*phrase\.txt.*did you mean .*phrases\.txt"):
        Corpus.build([tmp_path / "text.txt"], settings, cache=tmp_path / "c", progress=False)
