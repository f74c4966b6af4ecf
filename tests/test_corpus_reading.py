"""Files that cannot be read as text: one sentence each."""

from __future__ import annotations

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


def test_missing_file_names_the_nearest(file, tmp_path):
    file("biographies.txt", GOOD)
    message = refused(tmp_path / "biografies.txt")
    assert "no file" in message
    assert str(tmp_path / "biographies.txt") in message


def test_missing_folder(tmp_path):
    assert "folder" in refused(tmp_path / "nowhere" / "text.txt")


def test_directory_and_what_is_no_file(tmp_path):
    assert "is a directory" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "regular file" in refused(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", b""),
        ("a.gz", b""),
        ("b.gz", gzip.compress(b"", mtime=0)),
        ("a.bz2", bz2.compress(b"")),
        ("a.zst", zstandard.compress(b"")),
    ],
)
def test_empty(file, name, data):
    assert "is empty" in refused(file(name, data))


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


def test_a_character_cut_off_by_the_end_of_the_file(file):
    assert "not valid UTF-8" in refused(file("a.txt", GOOD + "é".encode()[:1]))


def test_utf16(file):
    assert "iconv -f UTF-16" in refused(file("a.txt", "some words".encode("utf-16")))


def test_binary(file):
    assert "binary file: line 2 " in refused(file("a.txt", b"ab\nc\0d\n"))


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("zst", zstandard.compress)],
)
@pytest.mark.parametrize("tail", [1, 5, 20])
def test_cut_short(file, ending, pack, tail):
    message = refused(file(f"a.{ending}", pack(GOOD)[:-tail]))
    assert "cut short" in message
    assert ending in message


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("zst", zstandard.ZstdCompressor(write_checksum=True).compress),
    ],
)
def test_damaged(file, ending, pack):
    data = bytearray(pack(NOISE))
    data[len(data) // 2] ^= 0xFF
    assert "damaged" in refused(file(f"a.{ending}", bytes(data)))


@pytest.mark.parametrize("ending", ["gz", "bz2", "zst"])
def test_an_ending_that_promises_too_much(file, ending):
    assert f"does not hold {ending} data" in refused(file(f"a.{ending}", GOOD))


def test_packed_data_under_a_plain_name(file):
    path = file("a.txt", gzip.compress(GOOD))
    assert f"mv {path} {path}.gz" in refused(path)


@pytest.mark.parametrize(
    ("name", "data", "packing"),
    [("a.txt.xz", lzma.compress(GOOD), "xz"), ("a.zip", b"PK\x03\x04" + GOOD, "zip")],
)
def test_unknown_packing(file, name, data, packing):
    message = refused(file(name, data))
    assert f"compressed with {packing}" in message
    assert ".zst" in message


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


def test_progress_goes_to_stderr_and_is_wiped(monkeypatch, capsys):
    monkeypatch.setattr(reading, "DELAY", 0)
    with reading.ByteBar("reading", 100, show=True) as bar:
        time.sleep(0.12)  # tqdm draws ten times a second
        bar.advance(50, tokens=20)
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(r"reading:  50%.*tokens/s", err)
    assert err.endswith(" \r")


def test_a_quick_build_is_silent(file, tmp_path, capsys):
    Corpus.build([file("a.txt", GOOD)], cache=tmp_path / "c", progress=True)
    assert capsys.readouterr() == ("", "")
