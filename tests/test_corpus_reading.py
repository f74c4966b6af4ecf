"""Files that cannot be read as text: one sentence each."""

import bz2
import gzip
import lzma
import os
import re
import time
from pathlib import Path

import pytest
import zstandard

from debiaslab.corpus import Corpus, CorpusSettings, reading
from debiaslab.errors import UserError

GOOD = ("some words and more words\n" * 5000).encode()
NOISE = bytes(range(1, 256)) * 40  # does not pack, so that a cut takes some of it


def refused(path, **settings):
    """Build from ``path``; return the sentence that refuses it."""
    cache = Path(path).parent / "cache"
    with pytest.raises(UserError) as caught:
        Corpus.build([path], CorpusSettings(**settings), cache=cache, progress=False)
    left = [entry.name for entry in cache.iterdir()] if cache.exists() else []
    assert set(left) <= {"sources.json"}
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def file(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_what_is_no_file(file, tmp_path):
    file("biographies.txt", GOOD)
    os.mkfifo(tmp_path / "pipe")
    message = refused(tmp_path / "biografies.txt")
    assert "no file" in message
    assert str(tmp_path / "biographies.txt") in message
    assert "folder" in refused(tmp_path / "nowhere" / "text.txt")
    assert "is a directory" in refused(tmp_path)
    assert "regular file" in refused(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"", "is empty"),
        ("a.gz", b"", "is empty"),
        ("b.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("a.bz2", bz2.compress(b""), "is empty"),
        ("a.zst", zstandard.compress(b""), "is empty"),
        ("a.txt", GOOD + "é".encode()[:1], "not valid UTF-8"),
        ("a.txt", "some words".encode("utf-16"), "iconv -f UTF-16"),
        ("a.txt", b"ab\nc\0d\n", "binary file: line 2 "),
        ("a.txt", gzip.compress(GOOD), "mv .*a.txt .*a.txt.gz"),
        ("a.txt.xz", lzma.compress(GOOD), "compressed with xz.*\\.zst"),
        ("a.zip", b"PK\x03\x04" + GOOD, "compressed with zip.*\\.zst"),
        ("a.gz", GOOD, "does not hold gz data"),
        ("a.bz2", GOOD, "does not hold bz2 data"),
        ("a.zst", GOOD, "does not hold zst data"),
    ],
)
def test_what_is_no_text_is_refused_in_a_sentence(file, name, data, says):
    assert re.search(says, refused(file(name, data)))


def test_no_permission(file, monkeypatch):
    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    path = file("a.txt", GOOD)
    monkeypatch.setattr(Path, "open", denied)
    assert "cannot read" in refused(path)


def test_invalid_utf8_names_line_and_byte(file, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 50)
    start = b"\xef\xbb\xbf" + GOOD[:260]
    message = refused(file("latin.txt", start + b"caf\xe9 au lait\n" + GOOD))
    line = start.count(b"\n") + 1
    assert f"line {line} (byte {len(start) + 3} " in message
    assert "iconv -f WINDOWS-1252 -t UTF-8 latin.txt > utf8-latin.txt" in message
    message = refused(file("latin.txt.gz", gzip.compress(b"\xe9 a\n")))
    assert "gzip -dc latin.txt.gz | iconv -f WINDOWS-1252 -t UTF-8 > utf8-latin.txt" in message


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("zst", zstandard.ZstdCompressor(write_checksum=True).compress),
    ],
)
def test_cut_short_or_damaged(file, ending, pack):
    for whole in (pack(GOOD), zstandard.compress(GOOD) if ending == "zst" else pack(GOOD)):
        for tail in (1, 5, 20):
            message = refused(file(f"a.{ending}", whole[:-tail]))
            assert "cut short" in message
            assert ending in message
    data = bytearray(pack(NOISE))
    data[len(data) // 2] ^= 0xFF
    assert "damaged" in refused(file(f"a.{ending}", bytes(data)))


def test_text_without_a_blank_is_no_text(file, monkeypatch):
    monkeypatch.setattr(reading, "LONGEST_WORD", 1 << 18)
    assert "without a blank" in refused(file("a.txt", b"x" * (1 << 19)))


def test_a_file_that_changes_meanwhile(file, monkeypatch):
    path = file("a.txt", GOOD)
    unpacked = reading.decompressed

    def growing(*args):
        yield from unpacked(*args)
        with path.open("ab") as more:
            more.write(b"still downloading\n")

    monkeypatch.setattr(reading, "decompressed", growing)
    assert "changed while it was being read" in refused(path)


def test_words_of_any_length_cross_blocks(file, monkeypatch, tmp_path):
    monkeypatch.setattr(reading, "CHUNK", 10)
    path = file("a.txt", b"short " + b"l" * 995 + b"ong word\n")
    corpus = Corpus.build(path, CorpusSettings(min_count=1), cache=tmp_path / "c", progress=False)
    assert corpus.words == ("l" * 995 + "ong", "short", "word")


def test_progress_goes_to_stderr_and_is_wiped(file, tmp_path, monkeypatch, capsys):
    Corpus.build([file("a.txt", GOOD)], cache=tmp_path / "c", progress=True)
    assert capsys.readouterr() == ("", "")  # a quick build is silent
    monkeypatch.setattr(reading, "DELAY", 0)
    with reading.ByteBar("reading", 100, show=True) as bar:
        time.sleep(0.12)  # tqdm draws ten times a second
        bar.advance(50, tokens=20)
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(r"reading:  50%.*tokens/s", err)
    assert err.endswith(" \r")
