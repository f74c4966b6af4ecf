"""Multi-word expressions: merged as by NLTK's MWETokenizer, learned as by gensim's Phrases."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from debiaslab.cli import main
from debiaslab.corpus import Corpus, CorpusSettings, encoding, learn_phrases, reading, write_phrases
from debiaslab.corpus.tokens import LONGEST_PHRASE, load_phrases, tokenize
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
    corpus = encode(text, phrases="\n".join(map(" ".join, phrases)))
    assert documents_of(corpus) == oracle(docs, phrases)


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
    (tmp_path / "phrase.txt").touch()
    with pytest.raises(UserError, match=r"phrase\.txt is empty"):
        Corpus.build([tmp_path / "text.txt"], settings, cache=tmp_path / "c", progress=False)


def text_of(seed, documents=300):
    """Zipf-like words, some of which like to follow each other."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(documents):
        numbers = np.minimum(rng.zipf(1.3, rng.integers(0, 60)), 400)
        words = [f"W{n} new York City" if n % 7 == 0 else f"w{n}" for n in numbers]
        lines.append(", ".join(words))
    return "\n".join(lines) + "\n"


@pytest.fixture
def learn(tmp_path):
    def learn(text, **options):
        (tmp_path / "text.txt").write_text(text, encoding="utf-8", newline="")
        cache = tmp_path / "cache"
        phrases = learn_phrases(tmp_path / "text.txt", cache=cache, progress=False, **options)
        assert not cache.exists() or not list(cache.iterdir())
        return phrases

    return learn


def gensim_phrases(docs, threshold, min_count):
    """The model, and its phrases as texts with ``_``."""
    from gensim.models.phrases import Phrases

    model = Phrases(docs, min_count=min_count, threshold=threshold, scoring="npmi")
    return model, set(model.export_phrases())


@pytest.mark.parametrize("threshold", [-0.2, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("min_count", [1, 2, 5])
def test_pairs_equal_those_of_gensim(learn, threshold, min_count):
    text = text_of(min_count)
    docs = [tokenize(line.lower()) for line in text.split("\n")]
    _, expected = gensim_phrases(docs, threshold, min_count)
    learned = learn(text, threshold=threshold, min_count=min_count)
    assert {"_".join(phrase) for phrase in learned} == expected
    assert list(learned) == sorted(learned)
    assert {len(phrase) for phrase in learned} == {2}


@pytest.mark.parametrize("seed", range(2))
def test_a_second_pass_equals_gensim_on_top_of_gensim(learn, seed):
    text = text_of(seed)
    docs = [tokenize(line.lower()) for line in text.split("\n")]
    first, pairs = gensim_phrases(docs, 0.3, 3)
    second, _ = gensim_phrases([first[doc] for doc in docs], 0.3, 3)
    longer = {  # gensim splits at "_" again: take its counts and its score directly
        f"{a}_{b}"
        for doc in docs
        for a, b in zip(first[doc], first[doc][1:], strict=False)
        if score_of(second, a, b) > 0.3
    }
    learned = learn(text, threshold=0.3, min_count=3, passes=2)
    assert {"_".join(phrase) for phrase in learned} == pairs | longer
    assert ("new", "york", "city") in learned


def score_of(model, a, b):
    return model.scoring(
        worda_count=float(model.vocab[a]),
        wordb_count=float(model.vocab[b]),
        bigram_count=float(model.vocab[f"{a}_{b}"]),
        len_vocab=float(len(model.vocab)),
        min_count=float(model.min_count),
        corpus_word_count=float(model.corpus_word_count),
    )


def test_large_and_small_texts_give_the_same_phrases(learn, monkeypatch):
    text = text_of(3)
    expected = learn(text, threshold=0.2, passes=3)
    monkeypatch.setattr(encoding, "SMALL", 0)
    monkeypatch.setattr("debiaslab.corpus.learning._CHUNK", 100)
    monkeypatch.setattr("debiaslab.corpus.learning._MOST_CELL_BITS", 3)
    assert learn(text, threshold=0.2, passes=3) == expected


def test_no_phrase_crosses_documents_or_is_too_long(learn):
    line = " ".join("abcdefghijklmnopqrstuvwxyz")
    learned = learn(f"{line}\n" * 20, min_count=2, threshold=0.5, passes=5)
    assert ("z", "a") not in learned
    assert max(map(len, learned)) <= LONGEST_PHRASE
    assert set(learn("a b\n" * 20 + "c c\nd e\n" * 5)) >= {("a", "b"), ("d", "e")}


def test_phrases_given_are_merged_first_and_returned(learn, tmp_path):
    mwes = tmp_path / "mwes.txt"
    mwes.write_text("New York\nnever seen\n")
    learned = learn("the new york times\na b c\n" * 9, mwes=mwes)
    assert {("new", "york"), ("never", "seen"), ("new", "york", "times")} <= set(learned)
    assert ("york", "times") not in learned


def test_what_is_written_can_be_read(learn, tmp_path):
    odd = "ǅ İı, ΣΑΣ σς $3.50$4 x_y ﬁ 𝟘 中文。中 a b\n"
    learned = learn(odd * 6, threshold=0.0)
    path = tmp_path / "out" / "phrases.txt"
    write_phrases(learned, path)
    assert load_phrases(path, CorpusSettings()) == learned
    assert path.read_text(encoding="utf-8").count("\n") == len(learned)
    settings = CorpusSettings(mwes=str(path))
    corpus = Corpus.build(tmp_path / "text.txt", settings, cache=tmp_path / "c", progress=False)
    assert corpus.raw_tokens < 6 * len(tokenize(odd.lower()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.0}, "threshold of 1.0.*from -1 to below 1"),
        ({"threshold": float("nan")}, "threshold of nan"),
        ({"min_count": 0}, "minimum count of 0"),
        ({"passes": 0}, "passes of 0"),
        ({"min_count": 50}, "no two neighbours are seen 50 times.*lower threshold"),
    ],
)
def test_bad_options(learn, options, message):
    with pytest.raises(UserError, match=message):
        learn("a b c\n" * 20, **options)


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(text_of(0))
    assert main(["corpus", "text.txt", "--phrases", "out.txt", "--phrase-threshold", "0.3"]) == 0
    out = capsys.readouterr().out
    assert "phrases in out.txt" in out
    assert "corpus text.txt --mwes out.txt" in out
    assert "new york\n" in (tmp_path / "out.txt").read_text()
    assert main(["corpus", "text.txt", "--phrases", "text.txt"]) == 2
    assert "is a file that this command reads" in capsys.readouterr().err
    assert main(["corpus", "text.txt", "--phrases", "o.txt", "--phrase-passes", "0"]) == 2
