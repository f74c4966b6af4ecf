"""Multi-word expressions, with NLTK's MWETokenizer as the oracle."""

import gzip
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from debiaslab.corpus import Corpus, CorpusSettings, encoding, reading
from debiaslab.errors import UserError
from tests.toys import documents_of

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "corpora"


def oracle(docs, phrases):
    from nltk.tokenize import MWETokenizer

    tokenizer = MWETokenizer([tuple(phrase) for phrase in phrases], separator="_")
    return [merged for doc in docs if (merged := tokenizer.tokenize(doc))]


UNITED = "united states\n\nUnited States of America\r\nnew york\nyork city\nthe united nations\n"


@pytest.mark.parametrize(
    ("text", "phrases", "settings", "read"),
    [
        (  # the longest first, and from left to right
            "The United States of America, the UNITED states. New York City\nnew york\n",
            UNITED,
            {},
            "the united_states_of_america the united_states new_york city\nnew_york",
        ),
        (  # never across documents; a shorter one where the longer fails
            "a b\nc d\na b c d\na b c x\n",
            "a b\nb c\na b c d\n",
            {},
            "a_b\nc d\na_b_c_d\na_b c x",
        ),
        (  # punctuation is cut as in the text
            "Rock-'n'-roll costs $5 now\n",
            "rock 'n' roll\ncosts $5\n",
            {},
            "rock_n_roll costs_$5 now",
        ),
        ("new york new_york city\n", "new york\n", {}, "new_york new_york city"),  # one type
        (
            "New York, NEW york, New yorks\n",
            "nEW yORK\n",
            {"lowercase": False},
            "New_York NEW_york New yorks",
        ),
    ],
)
def test_phrases_by_hand(encode, text, phrases, settings, read):
    docs = documents_of(encode(text, phrases=phrases, **settings))
    assert docs == [line.split() for line in read.split("\n")]


@pytest.mark.parametrize("chunk", [5, 23, reading.CHUNK])
@pytest.mark.parametrize("seed", range(3))
def test_random_streams_equal_nltk(encode, monkeypatch, chunk, seed):
    """Few words and many phrases, so that matches overlap, nest, fail late and cross blocks."""
    monkeypatch.setattr(reading, "CHUNK", chunk)
    rng = np.random.default_rng(seed)
    letters = list("abcd")
    docs = [list(rng.choice(letters, rng.integers(0, 60))) for _ in range(40)]
    phrases = [list(rng.choice(letters, rng.integers(2, 12))) for _ in range(15)]
    phrases += [list(rng.choice(letters, 2)) for _ in range(3)]
    text = "\n".join(" ".join(doc) for doc in docs)
    corpus = encode(text, phrases="\n".join(map(" ".join, phrases)))
    assert documents_of(corpus) == oracle(docs, phrases)


@pytest.mark.skipif(not SHARED.exists(), reason="the development corpora are not here")
def test_real_text_equals_nltk(tmp_path):
    """2,500 biographies, 6,000 phrases of 2 to 11 words out of them, the most frequent pairs."""
    with gzip.open(
        SHARED / "bios_general.10k.txt.gz", "rt", encoding="utf-8", newline="\n"
    ) as file:
        lines = file.read().split("\n")[:2500]
    path = tmp_path / "bios.txt"
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    docs = [re.findall(r"\w+|\$[\d\.]+", line.lower()) for line in lines]
    rng = np.random.default_rng(0)
    pairs = Counter(pair for doc in docs for pair in pairwise(doc))
    phrases = [list(pair) for pair, _ in pairs.most_common(4_000)]
    for doc in rng.choice(np.array([doc for doc in docs if len(doc) > 20], object), 2000):
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
        ("a\0b\n", "binary"),
    ],
)
def test_bad_phrase_files(encode, phrases, message):
    with pytest.raises(UserError, match=message):
        encode("new york\n", phrases=phrases or "\n")


def test_a_missing_phrase_file(tmp_path):
    (tmp_path / "text.txt").write_text("a b")
    (tmp_path / "phrases.txt").write_text("a b")
    settings = CorpusSettings(mwes=str(tmp_path / "phrase.txt"))
    with pytest.raises(UserError, match=r"no file .*phrase\.txt.*did you mean .*phrases\.txt"):
        Corpus.build([tmp_path / "text.txt"], settings, cache=tmp_path / "c", progress=False)
