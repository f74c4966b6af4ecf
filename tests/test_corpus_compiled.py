"""The compiled loops give what plain Python gives, on texts that only they are meant for."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from itertools import count, pairwise

import numpy as np
import pytest

from debiaslab.corpus import Corpus, CorpusSettings, compiled, encoding, kernel, reading
from debiaslab.corpus.compiled import CompiledNumbers
from debiaslab.corpus.numbers import PlainNumbers, ahead
from debiaslab.corpus.reading import TextBlock
from debiaslab.corpus.tokens import SEPARATOR, tokenize
from tests import forking
from tests.toys import odd_text

CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def stream_of(numbers, blocks):
    """All tokens that ``numbers`` finds in ``blocks``, as one text."""
    ids = np.concatenate([row.ids for row in numbers.rows(TextBlock(text, 0) for text in blocks)])
    return np.array(numbers.words, object)[ids].tolist()


def both_agree(blocks, phrases=(), *, lowercase=True):
    both = PlainNumbers(phrases, lowercase=lowercase), CompiledNumbers(phrases)
    streams = [stream_of(numbers, blocks) for numbers in both]
    assert len(streams[0]) == len(streams[1])
    assert streams[0] == streams[1]
    return streams[0]


def test_every_character():
    """Alone, in a word, in a price, and after the same character."""
    blocks = ["".join(f"{c} a{c}b1 $5{c}{c}6\n" for c in CHARACTERS[i::4]) for i in range(4)]
    assert len(both_agree([block.lower() for block in blocks])) > 3_000_000


@pytest.mark.parametrize("seed", range(3))
def test_odd_text_in_small_pieces(monkeypatch, seed):
    monkeypatch.setattr(compiled, "_PIECE", kernel.BATCH)
    both_agree([odd_text(seed, size, "\0") + "\n" for size in (1, 10, 30_000, 1, 50_000, 0)])


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_phrases_in_odd_text_in_small_pieces(monkeypatch, seed, lowercase):
    """More phrases than one piece holds, of which many overlap."""
    monkeypatch.setattr(compiled, "_PIECE", kernel.BATCH)
    text = odd_text(seed, 60_000, "\0") + "\n"
    rng = np.random.default_rng(seed)
    tokens = tokenize(text.lower()) if lowercase else [t.lower() for t in tokenize(text)]
    begins = rng.integers(0, len(tokens) - 11, 3000)
    lengths = np.minimum(1 + rng.geometric(0.6, len(begins)), 11)
    spans = [tuple(tokens[b : b + n]) for b, n in zip(begins, lengths, strict=True)]
    phrases = sorted({span for span in spans if len(span) > 1})
    assert sum(map(len, phrases)) > 2 * kernel.BATCH
    text = text.lower() if lowercase else text
    cuts = [0, *np.sort(rng.integers(0, len(text), 5)).tolist(), len(text)]
    blocks = [text[a:b] + " " for a, b in pairwise(cuts)] + ["\n"]
    stream = both_agree(blocks, phrases, lowercase=lowercase)
    joined = {SEPARATOR.join(phrase) for phrase in phrases}
    assert sum(token.lower() in joined for token in stream) > 1000


@pytest.mark.parametrize("lowercase", [True, False])
def test_phrases_that_come_again_in_every_form(monkeypatch, lowercase):
    """Many pieces, so that forms are met, numbered and met again, and their tables grow."""
    monkeypatch.setattr(compiled, "_PIECE", kernel.BATCH)
    rng = np.random.default_rng(7)
    words = [f"w{i}" for i in range(60)]
    phrases = [(a, b) for a in words[:20] for b in words[:20]]
    phrases += [(a, b, c) for a, b, c in rng.choice(words, (300, 3)).tolist()]
    drawn = rng.choice(words, 40_000)
    if not lowercase:
        drawn = np.where(rng.random(len(drawn)) < 0.5, np.char.upper(drawn), drawn)
    lines = [" ".join(line) for line in np.array_split(drawn, 500)]
    blocks = ["\n".join(part) + "\n" for part in (lines[:10], lines[10:], lines)]
    stream = both_agree(blocks, sorted(set(phrases)), lowercase=lowercase)
    joined = {token for token in stream if SEPARATOR in token}
    assert (len(joined) > len(phrases)) is not lowercase


def test_many_words():
    """So that the tables grow over and over, long words among them."""
    words = [f"w{i}" for i in range(300_000)]
    words[5::1000] = ["long" * i for i in range(1, 301)]
    text = " ".join(words) + "\n"
    assert both_agree([text, text])[: len(words)] == words


def test_the_words_of_phrases_that_never_come_are_no_types(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SMALL", 0)
    (tmp_path / "text.txt").write_text("a b c a b\n")
    (tmp_path / "mwes.txt").write_text("a b\nx y z\n")
    settings = CorpusSettings(mwes=str(tmp_path / "mwes.txt"), min_count=1)
    corpus = Corpus.build([tmp_path / "text.txt"], settings, cache=tmp_path, progress=False)
    assert corpus.words == ("a_b", "c")
    assert (corpus.raw_types, corpus.raw_tokens) == (2, 3)


def test_a_large_text_is_read_by_compiled_code(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("some words and more\n" * (encoding.SMALL // 20 + 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbers = encoding.numbers_for(text.stat().st_size, (), CorpusSettings())
    assert isinstance(numbers, CompiledNumbers)


def test_the_size_of_blocks_does_not_matter_and_without_numba_plain_python_takes_over(
    tmp_path, monkeypatch
):
    text = tmp_path / "text.txt"
    text.write_text(odd_text(1, 30_000), encoding="utf-8", newline="")
    monkeypatch.setattr(encoding, "SMALL", 0)
    expected = Corpus.build(text, cache=tmp_path / "1", progress=False).fingerprint
    with monkeypatch.context() as patch:
        patch.setattr(reading, "CHUNK", 1000)
        other = Corpus.build(text, cache=tmp_path / "2", progress=False)
    assert other.fingerprint == expected
    monkeypatch.setitem(sys.modules, "debiaslab.corpus.compiled", None)
    with pytest.warns(UserWarning, match="numba cannot compile.*plain Python"):
        corpus = Corpus.build(text, cache=tmp_path / "3", progress=False)
    assert corpus.fingerprint == expected


def test_a_switched_off_compiler_is_not_used():
    code = "import debiaslab.corpus.kernel"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert "NUMBA_DISABLE_JIT" in done.stderr.splitlines()[-1]


def test_an_interrupt_ends_all_threads_and_leaves_nothing(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("some words and more\n" * 500_000)
    cache = tmp_path / "cache"
    code = (  # no `if __name__ == "__main__"`; tiny blocks, so that it would take long
        "import sys\n"
        "from debiaslab.corpus import Corpus, reading\n"
        "reading.CHUNK = 64\n"
        "Corpus.build([sys.argv[1]], cache=sys.argv[2], progress=False)\n"
    )
    with (tmp_path / "log").open("w") as log:
        process = forking.begin(["-c", code, text, cache], stderr=log)
    while process.poll() is None and not any(cache.glob(".building-*/*/*.numbered")):
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(300) == -signal.SIGINT
    assert (tmp_path / "log").read_text().rstrip().endswith("KeyboardInterrupt")
    assert [entry.name for entry in cache.iterdir()] == ["sources.json"]


def test_ahead_keeps_the_order_makes_one_more_and_leaves_no_thread():
    made, seen = [], []

    def items():
        for i in range(5):
            made.append(i)
            yield i
        raise KeyError("no")

    coming = ahead(items())
    for i in range(5):
        assert next(coming) == i
        assert len(made) <= i + 2
    with pytest.raises(KeyError):
        next(coming)
    assert made == [0, 1, 2, 3, 4]
    made.clear()
    for item in zip(range(4), ahead(items(), lambda: seen.append(len(made))), strict=False):
        time.sleep(0.001)
        assert len(seen) == item[0] + 1  # between two items nothing is made
    assert seen[:4] == [1, 2, 3, 4]
    before = threading.active_count()
    coming = ahead(count())
    assert next(coming) == 0
    coming.close()
    assert threading.active_count() == before
