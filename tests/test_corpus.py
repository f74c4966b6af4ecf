"""Text to ids against NLTK and a plain reference of a dozen lines."""

from __future__ import annotations

import bz2
import gzip
import re
import tracemalloc
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import zstandard

from debiaslab.corpus import Corpus, CorpusSettings, encoding, reading
from debiaslab.corpus.sources import BuiltinSource
from debiaslab.errors import UserError

TEXT = "The cat, the CAT and a dog.\nthe dog cost $3.50!\n\nOne rare word\n"
ALL = CorpusSettings(min_count=1)


@pytest.fixture(params=["plain", "compiled"])
def build(tmp_path, monkeypatch, request):
    """Encode a text, as small texts are encoded and as large ones are."""
    monkeypatch.setattr(encoding, "SMALL", 0 if request.param == "compiled" else 1 << 40)

    def build(text, settings=ALL, name="text.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Corpus.build([path], settings, cache=tmp_path / "cache", progress=False)

    return build


def documents(corpus):
    """The stream as lists of words."""
    offsets = corpus.document_offsets()
    return [
        [corpus.words[i] for i in corpus.ids[begin : end - 1]] for begin, end in pairwise(offsets)
    ]


def reference(text, settings):
    """What the design says, in plain Python: documents of tokens, then rare words."""
    lines = (text.lower() if settings.lowercase else text).split("\n")
    docs = [re.findall(r"\w+|\$[\d\.]+", line) for line in lines]
    counts = Counter(token for doc in docs for token in doc)
    unk = ["<UNK>"] if settings.rare == "unk" else []
    docs = [
        [w for t in doc for w in ([t] if counts[t] >= settings.min_count else unk)] for doc in docs
    ]
    return [doc for doc in docs if doc]


def odd_text(seed, size=4000):
    """Random text of characters that tokenizers and line splitters get wrong."""
    rng = np.random.default_rng(seed)
    odd = list(
        "abAB zZ_19$..$5,'-é\u0301İıΣσςßǅ\u2028\u2029\x85\x1c\x0b\r\u00a0\u0663$\u0664"
        "𝟘中文ᾳﬁ\ufeff\u200d\t  \n"
    )
    return "".join(rng.choice(odd, size))


@pytest.mark.parametrize("chunk", [7, 64, reading.CHUNK])
@pytest.mark.parametrize("lowercase", [True, False])
def test_tokens_are_those_of_the_pattern(build, monkeypatch, chunk, lowercase):
    monkeypatch.setattr(reading, "CHUNK", chunk)
    text = odd_text(chunk)
    settings = CorpusSettings(min_count=1, lowercase=lowercase, marks="cut")
    assert documents(build(text, settings)) == reference(text, settings)


@pytest.mark.parametrize("seed", range(3))
def test_tokens_are_those_of_nltk(build, seed):
    """On characters about which the engines behind different NLTK releases agree."""
    from nltk.tokenize import RegexpTokenizer

    tokenizer = RegexpTokenizer(r"\w+|\$[\d\.]+")
    letters = list("abAB zZ_19$..$5,'-éÉßΣσς\u2028\x85\r\u00a0\u0663中文ﬁ\t  \n\n")
    text = "".join(np.random.default_rng(seed).choice(letters, 5000))
    docs = [tokenizer.tokenize(line.lower()) for line in text.split("\n")]
    assert documents(build(text)) == [doc for doc in docs if doc]


@pytest.mark.parametrize("rare", ["drop", "unk"])
def test_rare_words(build, rare):
    text = odd_text(1, 9000)
    settings = CorpusSettings(min_count=6, rare=rare, marks="cut")
    corpus = build(text, settings)
    expected = reference(text, settings)
    assert documents(corpus) == expected
    counts = Counter(word for doc in expected for word in doc)
    assert dict(zip(corpus.words, corpus.counts.tolist(), strict=True)) == counts
    assert corpus.tokens == counts.total() == len(corpus.ids) - corpus.documents
    assert corpus.unk == (None if rare == "drop" else len(corpus) - 1)


def test_a_small_case_by_hand(build):
    corpus = build(TEXT)
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


def test_a_document_of_rare_words_leaves_no_mark(build):
    corpus = build(TEXT, CorpusSettings(min_count=2))
    assert corpus.ids.tolist() == [0, 1, 0, 1, 2, -1, 0, 2, -1]
    assert (corpus.documents, corpus.raw_tokens, corpus.raw_types) == (2, 14, 10)


def test_unk_keeps_its_place(build):
    corpus = build(TEXT, CorpusSettings(min_count=2, rare="unk"))
    assert corpus.words == ("the", "cat", "dog", "<UNK>")
    assert corpus.ids.tolist() == [0, 1, 0, 1, 3, 3, 2, -1, 0, 2, 3, 3, -1, 3, 3, 3, -1]
    assert corpus.counts[corpus.unk] == 7
    assert corpus.describe()["unk_tokens"] == 7


def test_unk_is_there_even_when_it_replaced_nothing(build):
    corpus = build("a b a b\n", CorpusSettings(min_count=1, rare="unk"))
    assert corpus.words == ("a", "b", "<UNK>")
    assert corpus.counts.tolist() == [2, 2, 0]


def test_case_can_be_kept(build):
    corpus = build("The the THE\n", CorpusSettings(min_count=1, lowercase=False))
    assert corpus.words == ("THE", "The", "the")


def test_byte_order_mark_and_windows_line_ends(build):
    plain = build("one two\ntwo\n")
    assert build("\ufeffone two\r\ntwo", name="windows.txt").fingerprint == plain.fingerprint


def test_every_packing_gives_the_same_corpus(build):
    raw = odd_text(3).encode()
    half = len(raw) // 2
    two_frames = zstandard.compress(raw[:half]) + zstandard.compress(raw[half:])
    plain = build(raw)
    packed = {
        "a.txt.gz": gzip.compress(raw[:half]) + gzip.compress(raw[half:]),
        "a.txt.bz2": bz2.compress(raw[:half]) + bz2.compress(raw[half:]),
        "a.txt.zst": b"\x50\x2a\x4d\x18\x02\0\0\0??" + two_frames,  # pzstd: a frame to skip
    }
    for name, data in packed.items():
        corpus = build(data, name=name)
        assert corpus.fingerprint == plain.fingerprint, name
        assert corpus.name == "a"


def test_several_files_equal_one(build, tmp_path):
    (tmp_path / "first.txt").write_text("b a b\na c")  # the end of a file ends a document
    (tmp_path / "second.txt").write_text("c c\n")
    paths = [tmp_path / "first.txt", tmp_path / "second.txt", str(tmp_path / "second.txt")]
    several = Corpus.build(paths, ALL, cache=tmp_path / "cache", progress=False)
    one = build("b a b\na c\nc c\nc c\n")
    assert np.asarray(several.ids).tolist() == one.ids.tolist()
    assert several.fingerprint == one.fingerprint
    assert several.name == "first+2"
    assert several.sources == tuple(map(str, paths))


def test_the_fingerprint_tells_words_apart(build):
    assert build("a b a\n").fingerprint != build("a c a\n", name="other.txt").fingerprint


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("...\n", ALL, "holds no words"),
        ("one one\n", ALL, "holds one word only, 2 times"),
        ("one\n", ALL, "holds one word only"),
        ("a b b\n", CorpusSettings(), "no word of 2 is seen 5 times.*most frequent 2.*count 1"),
        ("a a b\n", CorpusSettings(min_count=2, rare="unk"), "one word only of 2.*--min-count 1"),
    ],
)
def test_too_few_words(build, tmp_path, text, settings, message):
    with pytest.raises(UserError, match=message):
        build(text, settings)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["sources.json"]


@pytest.mark.parametrize("bad", [{"min_count": 0}, {"min_count": 2.5}, {"rare": "unks"}])
def test_bad_settings(bad):
    with pytest.raises(UserError, match=r"must be|allowed"):
        CorpusSettings(**bad)


@pytest.mark.parametrize("line_end", ["\n", " "])
def test_memory_does_not_grow_with_the_text(build, line_end):
    rng = np.random.default_rng(0)
    line = " ".join(f"w{i}" for i in rng.integers(0, 2000, 2000)) + line_end
    build(line)  # imports and compiles

    def peak(lines):
        text = (line * lines).encode()  # in lines or as one line
        tracemalloc.start()
        try:
            build(text)
            return len(text), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (small, at_small), (large, at_large) = peak(150), peak(500)
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
    monkeypatch.setattr("debiaslab.corpus.sources._DUMP", "absent.bz2")
    with pytest.raises(UserError, match="gensim"):
        BuiltinSource().file  # noqa: B018
