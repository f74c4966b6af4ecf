"""Text to ids against NLTK and a plain reference; subsampling and noise as word2vec has them."""

from __future__ import annotations

import bz2
import gzip
import math
import re
import tracemalloc
from collections import Counter

import numpy as np
import pytest
import zstandard

from debiaslab.corpus import Corpus, CorpusSettings, keep_probability, noise_distribution, reading
from debiaslab.corpus.reading import BuiltinSource
from debiaslab.errors import UserError
from tests.toys import documents_of, odd_text

TEXT = "The cat, the CAT and a dog.\nthe dog cost $3.50!\n\nOne rare word\n"


def reference(text, min_count=1, rare="drop", lowercase=True):
    """What the design says, in plain Python: documents of tokens, then rare words."""
    lines = (text.lower() if lowercase else text).split("\n")
    docs = [re.findall(r"\w+|\$[\d\.]+", line) for line in lines]
    counts = Counter(token for doc in docs for token in doc)
    unk = ["<UNK>"] if rare == "unk" else []
    docs = [[w for t in doc for w in ([t] if counts[t] >= min_count else unk)] for doc in docs]
    return [doc for doc in docs if doc]


@pytest.mark.parametrize("chunk", [7, 64, reading.CHUNK])
@pytest.mark.parametrize("lowercase", [True, False])
def test_tokens_are_those_of_the_pattern(encode, monkeypatch, chunk, lowercase):
    monkeypatch.setattr(reading, "CHUNK", chunk)
    text = odd_text(chunk)
    found = encode(text, lowercase=lowercase, marks="cut")
    assert documents_of(found) == reference(text, lowercase=lowercase)


@pytest.mark.parametrize("seed", range(3))
def test_tokens_are_those_of_nltk(encode, seed):
    """On characters about which the engines behind different NLTK releases agree."""
    from nltk.tokenize import RegexpTokenizer

    tokenizer = RegexpTokenizer(r"\w+|\$[\d\.]+")
    letters = list("abAB zZ_19$..$5,'-éÉßΣσς\u2028\x85\r\u00a0\u0663中文ﬁ\t  \n\n")
    text = "".join(np.random.default_rng(seed).choice(letters, 5000))
    docs = [tokenizer.tokenize(line.lower()) for line in text.split("\n")]
    assert documents_of(encode(text)) == [doc for doc in docs if doc]


@pytest.mark.parametrize("rare", ["drop", "unk"])
def test_rare_words(encode, rare):
    text = odd_text(1, 9000)
    corpus = encode(text, min_count=6, rare=rare, marks="cut")
    expected = reference(text, min_count=6, rare=rare)
    assert documents_of(corpus) == expected
    counts = Counter(word for doc in expected for word in doc)
    assert dict(zip(corpus.words, corpus.counts.tolist(), strict=True)) == counts
    assert corpus.tokens == counts.total() == len(corpus.ids) - corpus.documents
    assert corpus.unk == (None if rare == "drop" else len(corpus) - 1)


def test_a_small_case_by_hand(encode):
    corpus = encode(TEXT)
    assert corpus.words == (
        *("the", "cat", "dog"),
        *("$3.50", "a", "and", "cost", "one", "rare", "word"),
    )
    assert corpus.counts.tolist() == [3, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    assert corpus.ids.tolist() == [0, 1, 0, 1, 5, 4, 2, -1, 0, 2, 6, 3, -1, 7, 8, 9, -1]
    assert corpus.ids.dtype == np.int32
    assert isinstance(corpus.ids, np.memmap)
    assert not corpus.ids.flags.writeable
    assert (corpus.documents, corpus.tokens, corpus.raw_tokens, corpus.raw_types) == (3, 14, 14, 10)
    assert corpus.unk is None
    assert corpus.index["dog"] == 2
    assert corpus.coverage(["dog", "bird", "The"]) == (["dog"], ["bird", "The"])
    assert corpus.document_offsets().tolist() == [0, 8, 13, 17]
    assert repr(corpus) == "Corpus('text', 3 documents, 14 tokens, 10 types)"


def test_settings_by_hand(encode):
    corpus = encode(TEXT, min_count=2)  # a document of rare words leaves no mark
    assert corpus.ids.tolist() == [0, 1, 0, 1, 2, -1, 0, 2, -1]
    assert (corpus.documents, corpus.raw_tokens, corpus.raw_types) == (2, 14, 10)
    corpus = encode(TEXT, min_count=2, rare="unk")  # which keeps its place
    assert corpus.words == ("the", "cat", "dog", "<UNK>")
    assert corpus.ids.tolist() == [0, 1, 0, 1, 3, 3, 2, -1, 0, 2, 3, 3, -1, 3, 3, 3, -1]
    assert corpus.counts[corpus.unk] == corpus.describe()["unk_tokens"] == 7
    corpus = encode("a b a b\n", rare="unk")  # there even when it replaced nothing
    assert (corpus.words, corpus.counts.tolist()) == (("a", "b", "<UNK>"), [2, 2, 0])
    assert encode("The the THE\n", lowercase=False).words == ("THE", "The", "the")
    plain = encode("one two\ntwo\n")
    windows = encode("\ufeffone two\r\ntwo", name="windows.txt")
    assert windows.fingerprint == plain.fingerprint != encode("one two\none\n").fingerprint


def test_every_packing_gives_the_same_corpus(encode):
    raw = odd_text(3).encode()
    half = len(raw) // 2
    two_frames = zstandard.compress(raw[:half]) + zstandard.compress(raw[half:])
    plain = encode(raw)
    packed = {
        "a.txt.gz": gzip.compress(raw[:half]) + gzip.compress(raw[half:]),
        "a.txt.bz2": bz2.compress(raw[:half]) + bz2.compress(raw[half:]),
        "a.txt.zst": b"\x50\x2a\x4d\x18\x02\0\0\0??" + two_frames,  # pzstd: a frame to skip
    }
    for name, data in packed.items():
        corpus = encode(data, name=name)
        assert corpus.fingerprint == plain.fingerprint, name
        assert corpus.name == "a"


def test_several_files_equal_one(encode, tmp_path):
    (tmp_path / "first.txt").write_text("b a b\na c")  # the end of a file ends a document
    (tmp_path / "second.txt").write_text("c c\n")
    paths = [tmp_path / "first.txt", tmp_path / "second.txt", str(tmp_path / "second.txt")]
    several = Corpus.build(
        paths, CorpusSettings(min_count=1), cache=tmp_path / "cache", progress=False
    )
    one = encode("b a b\na c\nc c\nc c\n")
    assert np.asarray(several.ids).tolist() == one.ids.tolist()
    assert several.fingerprint == one.fingerprint
    assert several.name == "first+2"
    assert several.sources == tuple(map(str, paths))


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("...\n", {}, "holds no words"),
        ("one one\n", {}, "holds one word only, 2 times"),
        ("one\n", {}, "holds one word only"),
        ("a b b\n", {"min_count": 5}, "no word of 2 is seen 5 times.*most frequent 2.*count 1"),
        ("a a b\n", {"min_count": 2, "rare": "unk"}, "one word only of 2.*--min-count 1"),
    ],
)
def test_too_few_words(encode, tmp_path, text, settings, message):
    with pytest.raises(UserError, match=message):
        encode(text, **settings)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["sources.json"]


@pytest.mark.parametrize("bad", [{"min_count": 0}, {"min_count": 2.5}, {"rare": "unks"}])
def test_bad_settings(bad):
    with pytest.raises(UserError, match=r"must be|allowed"):
        CorpusSettings(**bad)


@pytest.mark.parametrize("line_end", ["\n", " "])
def test_memory_does_not_grow_with_the_text(encode, line_end):
    rng = np.random.default_rng(0)
    line = " ".join(f"w{i}" for i in rng.integers(0, 2000, 2000)) + line_end
    encode(line)  # imports and compiles

    def peak(lines):
        text = (line * lines).encode()  # in lines or as one line
        tracemalloc.start()
        try:
            encode(text)
            return len(text), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # from some three chunks on, which the reader holds at once, the peak stands still
    (small, at_small), (large, at_large) = peak(300), peak(700)
    assert large > small + 3e6
    assert at_large < at_small + 1e6


def test_the_built_in_text(tmp_path):
    corpus = Corpus.build(cache=tmp_path, progress=False)
    assert corpus.name == "enwiki-106"
    assert corpus.documents == 106
    assert 480_000 < corpus.raw_tokens < 492_000
    assert 9_000 < len(corpus) < 10_000
    assert corpus.coverage(["he", "she", "science", "family"])[1] == []
    assert list(corpus.counts) == sorted(corpus.counts, reverse=True)


def test_a_gensim_without_its_test_data(tmp_path, monkeypatch):
    monkeypatch.setattr("debiaslab.corpus.reading._DUMP", "absent.bz2")
    with pytest.raises(UserError, match="gensim"):
        BuiltinSource().file  # noqa: B018


def test_keep_probability_by_hand():
    # f = 0.9, 0.09, 0.01 and t = 0.01: t/f = 1/90, 1/9, 1
    keep = keep_probability([900, 90, 10], 0.01)
    expected = [(math.sqrt(90) + 1) / 90, (math.sqrt(9) + 1) / 9, 1.0]
    np.testing.assert_allclose(keep, expected, rtol=1e-12)


def test_keep_probability_is_the_one_of_word2vec_c():
    counts = np.random.default_rng(0).integers(1, 10**6, 500)
    total, t = counts.sum(), 1e-3
    expected = (np.sqrt(counts / (t * total)) + 1) * (t * total) / counts
    np.testing.assert_allclose(keep_probability(counts, t), np.minimum(expected, 1), rtol=1e-12)


def test_edges_of_keep_probability():
    assert keep_probability([10], 1e-3, total=100)[0] < keep_probability([10], 1e-3, total=1000)[0]
    assert (np.diff(keep_probability([10_000, 100, 1], 1e-3)) >= 0).all()
    assert (keep_probability([5, 3], 0.0) == 1).all()
    assert keep_probability([5, 3, 0], 1e-3)[2] == 1  # an unseen <UNK>
    for t in (-1e-3, math.nan, math.inf):
        with pytest.raises(UserError, match="--subsample"):
            keep_probability([1, 2], t)


def test_noise_distribution_by_hand():
    noise = noise_distribution([16, 1, 81])  # ** 0.75 = 8, 1, 27
    np.testing.assert_allclose(noise, np.array([8, 1, 27]) / 36, rtol=1e-12)
    np.testing.assert_allclose(noise_distribution([16, 1, 83], power=0), [1 / 3] * 3)


def test_unk_is_never_noise():
    noise = noise_distribution([16, 1, 1000], unk=2)
    np.testing.assert_allclose(noise, [8 / 9, 1 / 9, 0], rtol=1e-12)
    with pytest.raises(UserError, match="<UNK>"):
        noise_distribution([16], unk=0)
    with pytest.raises(UserError, match="noise power"):
        noise_distribution([16], power=math.nan)
