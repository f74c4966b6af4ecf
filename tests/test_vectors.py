"""Vector files against gensim: exact round trips, files as found, damaged and hostile files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
import zstandard
from gensim.models import FastText, KeyedVectors, Word2Vec
from gensim.models.fasttext import load_facebook_vectors
from gensim.test.utils import datapath

from debiaslab.errors import UserError
from debiaslab.metrics import evaluate
from debiaslab.vectors import FORMATS, check_writable, read, read_frequencies, write
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.table import word2vec_holds
from tests.command_line import call, refused
from tests.toys import lexicon_words

ENDINGS = (".txt", ".bin", ".kv", ".npz")
PLAIN = [
    *("the", "naïve", "日本語", "🙂", "a,b", '"', "#x", "co_operate"),
    *("e\u0301", "\u200b", "-0.5"),
]
SPACES_OF_UNICODE = [
    *("\u00a0", "\u2028", "\x85", "5\u202f000", "a\u3000b\u2009", "\ufeff", "x\u1680"),
]
ODD = [
    *("", " ", "new york", "a\tb", "a\n", "\r", "\0", "x\0", "\0\0y\0", "\x1b[0m"),
    *("\ud800", "a\udfffb"),
]


def vectors_of(words: list[str], dim: int = 7, seed: int = 0) -> Embeddings:
    rng = np.random.default_rng(seed)
    return Embeddings(words, rng.standard_normal((len(words), dim)))


def any_floats(rows: int, dim: int) -> np.ndarray:
    """Every finite float32 is as likely as any other, with the extremes put in front."""
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2**32, size=rows * dim, dtype=np.uint64).astype(np.uint32)
    values = bits.view(np.float32)
    values = np.where(np.isfinite(values), values, np.float32(0.1))
    limits = np.finfo(np.float32)
    values[:6] = [0.0, -0.0, limits.max, -limits.max, limits.tiny, limits.smallest_subnormal]
    return values.reshape(rows, dim)


def same(left: Embeddings, right: Embeddings) -> bool:
    """Same words, and vectors equal bit for bit."""
    bits = left.vectors.view(np.uint32), right.vectors.view(np.uint32)
    return left.words == right.words and np.array_equal(*bits)


def same_as_gensim(ours: Embeddings, keyed: KeyedVectors) -> bool:
    return same(ours, Embeddings.from_keyed_vectors(keyed))


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write_bytes(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_bytes


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_every_float_and_word_back_bit_for_bit(tmp_path, ending):
    words = PLAIN + SPACES_OF_UNICODE + (ODD if ending in (".kv", ".npz") else [])
    words += [f"w{i}" for i in range(2500 - len(words))]
    for dim in (1, 2, 3, 16, 100):
        embeddings = Embeddings(words, any_floats(2500, dim))
        for name in ("one", "two"):
            path = embeddings.save(tmp_path / f"{name}{ending}")
            assert same(Embeddings.load(path), embeddings)
        if ending in (".txt", ".bin"):
            binary = ending == ".bin"
            keyed = KeyedVectors.load_word2vec_format(str(path), binary=binary)
            assert same_as_gensim(embeddings, keyed)
        one, two = sorted(tmp_path.iterdir())
        assert one.read_bytes() == two.read_bytes()


def test_gensim_reads_the_native_file_which_is_one_file_however_big(tmp_path):
    words = PLAIN + ODD + [f"w{i}" for i in range(110_000)]
    embeddings = vectors_of(words, dim=100)
    assert embeddings.vectors.size > 10 * 1024**2, "gensim would put this many in a second file"
    path = embeddings.save(tmp_path / "vectors.kv")
    keyed = KeyedVectors.load(str(path))
    assert same_as_gensim(embeddings, keyed)
    assert keyed.most_similar("the", topn=3)[0][0] == embeddings.neighbors("the", 3)[0][0]
    assert same(read(path), embeddings)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", [".txt", ".bin"])
def test_odd_words_are_refused_elsewhere_and_the_old_file_stays(tmp_path, ending):
    path = tmp_path / f"v{ending}"
    path.write_text("old")
    for word in ODD:
        with pytest.raises(UserError, match=r"v\.npz") as caught:
            vectors_of(["a", word, "b"]).save(path)
        assert repr(word) in str(caught.value)
    with pytest.raises(UserError, match="no words"):
        write(Embeddings([], np.empty((0, 3))), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_word2vec_refuses_white_space_and_control_characters_of_ascii_and_no_other_character():
    refused = {c for c in map(chr, range(0x110000)) if not word2vec_holds(f"a{c}b")}
    assert refused == set(map(chr, [*range(0x21), 0x7F, *range(0xD800, 0xE000)]))


@pytest.mark.parametrize("ending", [".txt", ".bin"])
def test_every_other_space_of_unicode_is_read_back_by_us_and_by_gensim(tmp_path, ending):
    spaces = [c for c in map(chr, range(0x21, 0x110000)) if c.isspace()]
    assert {"\x85", "\xa0", "\u2009", "\u3000"} <= set(spaces)
    words = [word for c in spaces for word in (c, f"a{c}b", f"{c}b", f"a{c}")]
    path = vectors_of(words).save(tmp_path / f"v{ending}")
    assert same(read(path), vectors_of(words))
    keyed = KeyedVectors.load_word2vec_format(str(path), binary=ending == ".bin")
    assert keyed.index_to_key == words


@pytest.mark.parametrize("format", FORMATS)
def test_the_content_tells_the_format_whatever_the_name(tmp_path, format):
    for embeddings in (vectors_of(PLAIN), Embeddings(["a", "b"], np.array([[1.5], [-2.0]]))):
        for name in ("wordvectors.kv", "x.txt", "x.bin", "x.npz", "x"):
            assert same(read(write(embeddings, tmp_path / name, format)), embeddings)


def test_unknown_formats_name_the_known_ones(tmp_path):
    for name, format, says in (
        ("v.vk", None, "'.kv'"),
        ("v", None, ".npz"),
        ("v.txt", "word2vex", "'word2vec'"),
        ("v.txt", "pickle", "npz"),
    ):
        with pytest.raises(UserError, match=says):
            write(vectors_of(PLAIN), tmp_path / name, format)
    assert not list(tmp_path.iterdir())


def test_a_path_is_checked_before_training_without_touching_anything(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "v.kv")
    check_writable(tmp_path / "v", "word2vec")
    check_writable("v.npz")
    (tmp_path / "file").write_text("")
    (tmp_path / "d.kv").mkdir()
    for path, says in (
        ("v.xyz", "'.xyz'"),
        ("d.kv", "is a directory"),
        ("file/v.kv", "not a folder"),
    ):
        with pytest.raises(UserError, match=says):
            check_writable(tmp_path / path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.kv", "file"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("high_precision.kv.txt", {}),
        ("high_precision.kv.bin", {"binary": True}),
        ("lee_fasttext.vec", {}),
        ("test_glove.txt", {"no_header": True}),
        ("old_keyedvectors_320.dat", None),  # of gensim 3, with its old names
    ],
)
def test_files_that_gensim_carries(name, options):
    load = KeyedVectors.load if options is None else KeyedVectors.load_word2vec_format
    assert same_as_gensim(read(datapath(name)), load(datapath(name), **(options or {})))


def test_gensim_text_and_binary_of_the_same_vectors_read_equal(tmp_path):
    keyed = KeyedVectors(5)
    keyed.add_vectors(PLAIN, np.random.default_rng(2).standard_normal((len(PLAIN), 5)))
    keyed.save_word2vec_format(str(tmp_path / "t"))
    keyed.save_word2vec_format(str(tmp_path / "b"), binary=True)
    assert same_as_gensim(read(tmp_path / "t"), KeyedVectors.load_word2vec_format(tmp_path / "t"))
    assert same_as_gensim(read(tmp_path / "b"), keyed)


def keyed_vectors() -> KeyedVectors:
    keyed = KeyedVectors(4)
    keyed.add_vectors(PLAIN, np.random.default_rng(3).standard_normal((len(PLAIN), 4)))
    return keyed


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_native_files_of_every_protocol_and_float(tmp_path, protocol, dtype):
    keyed = keyed_vectors()
    keyed.vectors = np.asfortranarray(keyed.vectors.astype(dtype))
    keyed.set_vecattr("the", "count", 5)
    keyed.save(str(tmp_path / "k.kv"), pickle_protocol=protocol)
    assert same_as_gensim(read(tmp_path / "k.kv"), keyed)


def test_the_keyed_vectors_of_a_trained_model_and_not_the_model_itself(tmp_path):
    model = Word2Vec([PLAIN, PLAIN[::-1]] * 3, vector_size=6, min_count=1, seed=1, workers=1)
    model.wv.save(str(tmp_path / "w.kv"))
    assert same_as_gensim(read(tmp_path / "w.kv"), model.wv)
    model.save(str(tmp_path / "w.model"))
    with pytest.raises(UserError, match=r"Word2Vec.*\.wv\.save_word2vec_format"):
        read(tmp_path / "w.model")


@pytest.mark.parametrize("protocol", [2, 4])
def test_native_files_whose_words_are_numpy_strings(tmp_path, protocol):
    embeddings = vectors_of(PLAIN)
    keyed = embeddings.to_keyed_vectors()
    keyed.index_to_key = list(np.array(PLAIN))
    assert type(keyed.index_to_key[0]) is np.str_
    keyed.save(str(tmp_path / "v.kv"), pickle_protocol=protocol)
    assert same(read(tmp_path / "v.kv"), embeddings)
    keyed.index_to_key = list(np.arange(len(PLAIN)))
    keyed.save(str(tmp_path / "v.kv"), pickle_protocol=protocol)
    with pytest.raises(UserError, match="no list of words"):
        read(tmp_path / "v.kv")


def test_arrays_in_a_file_beside(tmp_path):
    keyed, path = keyed_vectors(), tmp_path / "k.kv"
    keyed.save(str(path), separately=["vectors"])
    assert same_as_gensim(read(path), keyed)
    side = tmp_path / "k.kv.vectors.npy"
    with pytest.raises(UserError, match=r"without words.*try: .*k\.kv, which it belongs to"):
        read(side)
    np.save(side, np.array([{}]), allow_pickle=True)
    with pytest.raises(UserError, match=r"k\.kv\.vectors\.npy is damaged"):
        read(path)
    side.write_bytes(side.read_bytes()[:-9])
    with pytest.raises(UserError, match="damaged"):
        read(path)
    side.unlink()
    with pytest.raises(UserError, match=r"k\.kv\.vectors\.npy, which is not beside it"):
        read(path)


def test_gzipped_files(tmp_path, put):
    embeddings = vectors_of(PLAIN)
    for format in FORMATS:
        content = write(embeddings, tmp_path / "plain", format).read_bytes()
        assert same(read(put(f"{format}.gz", gzip.compress(content, mtime=0))), embeddings)
    keyed = embeddings.to_keyed_vectors()
    keyed.save(str(tmp_path / "k.gz"), separately=["vectors"])
    assert same(read(tmp_path / "k.gz"), embeddings)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"2 3\r\na 1 2 3 \r\nb  4 5  6\r\n\n  \n", [[1, 2, 3], [4, 5, 6]]),  # ends of lines
        (b"2 2\na \0\0\x80?\0\0\0@\nb \0\0@@\0\0\x80@\n", [[1, 2], [3, 4]]),  # in binary
        (b"the 0 0 0\n", [[0, 0, 0]]),  # without a header, of one line, of zeros
        (b"2 3\na 0 0 0\nb 1 2 3\n", [[0, 0, 0], [1, 2, 3]]),
    ],
)
def test_files_as_others_write_them(put, content, rows):
    found = read(put("v", content))
    assert found.vectors.tolist() == rows
    assert found.words == (("a", "b") if len(rows) == 2 else ("the",))


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_a_reader_made_is_kept_without_a_copy(tmp_path, ending, monkeypatch):
    path = vectors_of([f"w{i}" for i in range(50)]).save(tmp_path / f"v{ending}")
    made: list[np.ndarray] = []
    monkeypatch.setattr(
        "debiaslab.vectors.table.first_not_finite", lambda matrix: made.append(matrix)
    )
    assert np.shares_memory(read(path).vectors, made[0])


TEXT = b"3 2\na 1 2\nb 3 4\nc 5 6\n"
BINARY = b"3 2\n" + b"".join(w + b" " + struct.pack("<2f", 0.1, 1e9) for w in (b"a", b"b", b"c"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (gzip.compress(b"", mtime=0), "holds nothing"),
        (gzip.compress(TEXT * 9, mtime=0)[:-20], "cut short or damaged"),
        (gzip.compress(TEXT, mtime=0)[:12] + b"\xff" * 30, "damaged"),
        (b"PK\x03\x04 not really a zip", r"no plain \.npz"),
        (b"hello world\nthis is a poem\n", "is not a vector file: it starts with"),
        (b"word1,word2\nold,new\n", "is not a vector file"),
        (b"\x89PNG\r\n\x1a\n\x00", "is not a vector file"),
        (b"9" * 5000 + b" 2\n", "is not a vector file"),
        (b"-3 2\na 1 2\n", "is not a vector file"),
        # text
        (b"3 2\n", "promises 3 words, but 0 follow"),
        (TEXT[:-6], r"promises 3 words, but 2 follow.*cut short"),
        (TEXT[:-3], "line 4 .* has 1 numbers .*2 numbers"),
        (TEXT + b"d 7 8\n", "promises 3 words, but 4 follow"),
        (b"3 5" + TEXT[3:], "line 2 .* has 2 numbers .*5 numbers"),
        (b"999999999999999 2" + TEXT[3:], "promises 999,999,999,999,999 words, but 3"),
        (b"3 999999999999999" + TEXT[3:], "line 2 .* has 2 numbers"),
        (b"0 2\n", "0 words of dimension 2"),
        (b"2 0\na\nb\n", "2 words of dimension 0"),
        (TEXT.replace(b"4", b"nan"), "line 3 .*'b' holds NaN"),
        (TEXT.replace(b"4", b"-inf"), "line 3 .*'b' holds NaN, infinity"),
        (TEXT.replace(b"4", b"1e39"), "line 3 .*beyond float32"),
        (TEXT.replace(b"4", b"4.x"), r"line 3 of [^:]*: '4\.x' is not a number"),
        (TEXT.replace(b"6", b"6x"), "line 4 of [^:]*: '6x' is not a number"),
        (TEXT.replace(b"b 3", b"b b 3"), "line 3 .* has 3 numbers .*a word with a space"),
        (TEXT.replace(b"b 3", b" 3"), "line 3 .* does not start with a word"),
        (TEXT.replace(b"b 3", b"\xff 3"), "line 3 .* is not UTF-8"),
        (TEXT.replace(b"\nb", b"\n\nb"), "line 3 .* does not start with a word"),
        (TEXT.replace(b"c 5", b"a 5"), "'a' twice, in line 2 and line 4"),
        (b"a 1 2\nb 3\n", "line 2 .* has 1 numbers"),
        # binary
        (BINARY[:-1], r"promises 3 vectors .*cut short|is cut short in vector 3"),
        (BINARY[:-9], r"promises 3 vectors .*cut short"),
        (BINARY.replace(b"3 2", b"2 2"), "promises 2 vectors, but 10 bytes more"),
        (BINARY.replace(b"3 2", b"3 9"), "cut short"),
        (BINARY.replace(b"3 2", b"999999999999 999999999"), "promises 999,999,999,999 vectors"),
        (BINARY.replace(b"b ", b"\xff "), "row 2 .* is not UTF-8; .*vectors of length 2 as the"),
        (BINARY.replace(b"b ", b"\n "), "row 2 .* has no word"),
        (BINARY.replace(b"b ", b"a "), "'a' twice, in row 1 and row 2"),
        (BINARY[:-4] + struct.pack("<f", np.nan), "row 3 .*'c' holds NaN"),
        (BINARY.replace(b"b ", b"bbbbbbbb"), "cut short in vector|not UTF-8|bytes more"),
        # pickles
        (b"\x80\x04", "damaged or cut-short pickle"),
        (pickle.dumps({"words": ["a"]}), "something else than vectors"),
        (pickle.dumps([1.0] * 9), "something else than vectors"),
    ],
)
def test_bad_files_give_one_clear_sentence(put, content, says):
    path = put("vectors.kv", content)
    with pytest.raises(UserError, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_blank_line_between_two_blocks_of_lines(put):
    line = b"w%d " + b" ".join([b"0.123456789"] * 50) + b"\n"
    lines = b"".join(line % i for i in range(5000))
    assert len(read(put("v.txt", lines + b"\n" * 3_000_000))) == 5000
    with pytest.raises(UserError, match=r"line 5001 of .* is blank, and more lines follow"):
        read(put("v.txt", lines + b"\n" * 5_000_000 + line % 6000))


@pytest.mark.parametrize("format", FORMATS)
def test_every_cut_of_a_file_is_told_or_is_the_whole(tmp_path, format):
    embeddings = vectors_of(["one", "two", "three"], dim=5)
    path = write(embeddings, tmp_path / "v", format)
    content = path.read_bytes()
    text_end = len(content) - 1 if format != "word2vec" else content.rindex(b" ")
    for end in range(0, text_end + 1):
        path.write_bytes(content[:end])
        with pytest.raises(UserError):
            read(path)


@pytest.mark.parametrize("format", FORMATS)
def test_any_changed_byte_gives_vectors_or_a_clear_sentence(tmp_path, format):
    path = write(vectors_of(["one", "two", "three"], dim=5), tmp_path / "v", format)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(5)
    for _ in range(1500):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), size=rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        with suppress(UserError):
            read(path)


AB = {"words": np.array(["a", "b"]), "vectors": np.ones((2, 3))}


def utf8_arrays(text: bytes, offsets: list) -> dict[str, np.ndarray]:
    """Return the arrays of an ``.npz`` whose words are bytes with offsets."""
    return {
        "words_utf8": np.frombuffer(text, np.uint8),
        "words_offsets": np.array(offsets),
        "vectors": np.ones((2, 3)),
    }


def test_missing_files_and_directories(tmp_path):
    vectors_of(PLAIN).save(tmp_path / "bios.kv")
    os.mkfifo(tmp_path / "pipe")
    for name, says in (
        ("bois.kv", r"there is no file .*did you mean .*bios\.kv"),
        ("nowhere/bios.kv", "there is no file"),
        (".", "is a directory"),
        ("pipe", "not a regular file"),
    ):
        with pytest.raises(UserError, match=says):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"vectors": np.ones((2, 3))}, "no array 'words'"),
        ({"words": np.array(["a", "b"])}, "no array 'vectors'"),
        (AB | {"words": np.array(["a", "b"], dtype=object)}, "Object arrays"),
        (AB | {"words": np.array([b"a", b"b"])}, r"words of type \|S1"),
        (AB | {"vectors": np.ones((2, 3)) * 1j}, "complex"),
        (AB | {"vectors": np.ones((3, 3))}, r"2 words .* \(3, 3\)"),
        (AB | {"vectors": np.ones(2)}, r"shape \(2,\)"),
        (AB | {"words": np.array([], dtype=str), "vectors": np.ones((0, 3))}, "0 words"),
        (AB | {"words": np.array(["a", "a"])}, "'a' twice, in row 1 and row 2"),
        (AB | {"vectors": np.full((2, 3), 1e300)}, "row 1 .*float32"),
        (AB | {"lengths": np.array([1, 2, 3])}, "'lengths' that do not fit"),
        (utf8_arrays(b"ab", [0, 1, 2]) | {"words_offsets": np.array([[0, 2]])}, "do not fit"),
        (utf8_arrays(b"ab", [0, 1, 3]), "'words_offsets' that do not fit 'words_utf8'"),
        (utf8_arrays(b"ab", [0, 2, 1, 2]), "do not fit"),
        (utf8_arrays(b"ab", []), "do not fit"),
        (utf8_arrays(b"ab", [0.0, 1.0, 2.0]), "do not fit"),
        (utf8_arrays(b"a\xff", [0, 1, 2]), "damaged"),
        ({"words_utf8": np.zeros(2, np.uint8), "vectors": np.ones((2, 3))}, "'words_offsets'"),
    ],
)
def test_bad_npz(tmp_path, arrays, says):
    np.savez(tmp_path / "v.npz", **arrays)
    with pytest.raises(UserError, match=says):
        read(tmp_path / "v.npz")


def test_an_npz_of_others_needs_words_and_vectors_only(tmp_path):
    np.savez_compressed(tmp_path / "v.npz", vectors=np.eye(2), words=np.array(["a", "b"]))
    assert read(tmp_path / "v.npz").words == ("a", "b")


def test_one_long_word_costs_an_npz_its_own_bytes_only(tmp_path):
    words = ["x" * 20_000, "ü" * 5_000, *(f"word{i}" for i in range(5_000))]
    path = vectors_of(words).save(tmp_path / "v.npz")
    plain = vectors_of(words[2:]).save(tmp_path / "plain.npz")
    assert path.stat().st_size - plain.stat().st_size < 31_000
    assert read(path).words == tuple(words)


def test_an_npz_of_earlier_versions_is_read(tmp_path):
    words = ["könig", "a b", "नमस्ते", "end\0"]
    lengths = np.array([len(word) for word in words])
    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)
    np.savez(tmp_path / "v.npz", words=np.array(words), vectors=vectors, lengths=lengths)
    found = read(tmp_path / "v.npz")
    assert found.words == tuple(words)
    assert same(read(found.save(tmp_path / "new.npz")), found)


class Hostile:
    def __init__(self, function: Callable, *args: object) -> None:
        self.reduced = (function, args)

    def __reduce__(self) -> tuple:
        return self.reduced


def test_a_hostile_pickle_runs_nothing(tmp_path):
    mark, path = tmp_path / "ran", tmp_path / "v.kv"
    keyed = vectors_of(PLAIN).to_keyed_vectors()
    keyed.extra = Hostile(os.system, f"touch {mark}")  # an attribute of honest vectors
    for bad, says in (
        (Hostile(os.system, f"touch {mark}"), "nothing in it was run"),
        (Hostile(eval, f"open({str(mark)!r}, 'w')"), "nothing in it was run"),
        (Hostile(getattr, KeyedVectors, "load"), "nothing in it was run"),
        (Hostile(np.load, str(mark)), "nothing in it was run"),
        (keyed, r"asks for posix\.system|asks for nt\.system"),
    ):
        for protocol in range(2, 6):
            path.write_bytes(pickle.dumps(bad, protocol=protocol))
            with pytest.raises(UserError, match=says):
                read(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x04\x8c\x1dgensim.models.keyedvectors\x8c\x0cKeyedVectors\x93.",
        b"\x80\x02cgensim.models.keyedvectors\nKeyedVectors\n}X\x01\x00\x00\x00aK\x01sb.",
        b"\x80\x02cnumpy\ndtype\nN}X\x08\x00\x00\x00__call__NsN\x86b.",
        b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93.",
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.",
        b"\x80\x02cdebiaslab.vectors.keyed\nInert\n.",
        b"\x80\x02cgensim.models.keyedvectors\nKeyedVectors\n)\x81K\x01K\x02s.",
    ],
)
def test_strange_pickle_programs_are_refused_and_change_no_later_reading(tmp_path, program):
    (tmp_path / "bad.kv").write_bytes(program)
    with pytest.raises(UserError):
        read(tmp_path / "bad.kv")
    good = vectors_of(PLAIN)
    assert same(read(good.save(tmp_path / "good.kv")), good)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda k: setattr(k, "vectors", None), "holds no vectors"),
        (lambda k: setattr(k, "vectors", np.array([{}, "x"])), "holds no vectors"),
        (lambda k: setattr(k, "vectors", k.vectors.astype(int)), "no array of floats"),
        (lambda k: setattr(k, "vectors", k.vectors[:-1]), "11 words with vectors of shape"),
        (lambda k: setattr(k, "index_to_key", [1, 2]), "no list of words"),
        (lambda k: k.vectors.__setitem__((2, 3), np.nan), "row 3 .*NaN"),
    ],
)
def test_native_files_with_strange_parts(tmp_path, change, says):
    keyed = vectors_of(PLAIN).to_keyed_vectors()
    change(keyed)
    with (tmp_path / "v.kv").open("wb") as stream:
        keyed.save(stream)
    with pytest.raises(UserError, match=says):
        read(tmp_path / "v.kv")


@pytest.mark.parametrize("ending", [".words.txt", ".words", ".vocab", ".txt"])
def test_a_bare_array_with_its_words_beside_it(tmp_path, ending):
    embeddings = vectors_of(PLAIN)
    np.save(tmp_path / "v.npy", embeddings.vectors)
    text = "\n".join(PLAIN) + "\n"
    (tmp_path / f"v{ending}").write_text(text, encoding="utf-8")
    assert same(Embeddings.load(tmp_path / "v.npy"), embeddings)


def test_words_given_as_a_file_or_a_list_or_with_their_counts(tmp_path):
    embeddings = vectors_of(["a", "b", "new york"])
    np.save(tmp_path / "v.npy", embeddings.vectors)
    (tmp_path / "list").write_text("a\r\nb\r\nnew york")
    assert same(Embeddings.load(tmp_path / "v.npy", words=tmp_path / "list"), embeddings)
    assert same(Embeddings.load(tmp_path / "v.npy", words=embeddings.words), embeddings)
    with pytest.raises(UserError, match="has its own words"):
        Embeddings.load(embeddings.save(tmp_path / "v.npz"), words=["a", "b", "c"])
    np.save(tmp_path / "c.npy", np.eye(2))
    for text, words in (("the 900\nof\t30\n", ("the", "of")), ("the 900\nof\n", ("the 900", "of"))):
        (tmp_path / "c.vocab").write_text(text)
        assert read(tmp_path / "c.npy").words == words


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f2", "<f8", "<i4", "u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_number_and_order(tmp_path, dtype, order):
    numbers = np.random.default_rng(0).integers(0, 100, size=(700, 9)).astype(dtype, order=order)
    words = [f"w{i}" for i in range(700)]
    np.save(tmp_path / "v.npy", numbers)
    np.savez(tmp_path / "v.npz", words=np.array(words), vectors=numbers)
    packed = tmp_path / "v.gz"
    packed.write_bytes(gzip.compress((tmp_path / "v.npy").read_bytes()))
    for name in ("v.npy", "v.gz"):
        assert np.array_equal(read(tmp_path / name, words).vectors, numbers.astype(np.float32))
    assert np.array_equal(read(tmp_path / "v.npz").vectors, numbers.astype(np.float32))


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.array([[{}, {}]]), "pickled"),
        (np.array([["a", "b"]]), "type <U1"),
        (np.ones(3), r"shape \(3,\)"),
        (np.ones((3, 2, 2)), r"shape \(3, 2, 2\)"),
        (np.array([[1, 1], [1, np.nan], [1, 1]]), "row 2 .*'b' holds NaN"),
        (np.full((3, 2), 1e300), "row 1 .*beyond float32"),
        (np.ones((4, 2)), "3 words, .* 4 vectors"),
        (np.ones((3, 0)), r"3 words with vectors of shape \(3, 0\)"),
        (lambda good: good[:-5], "cut short"),
        (lambda good: good[:30], "cut short, damaged or no array"),
        (lambda good: good.replace(b"(3, 2)", b"(99999999, 999)"), "cut short"),
    ],
)
def test_bad_bare_arrays(tmp_path, array, says):
    path = tmp_path / "v.npy"
    np.save(path, np.ones((3, 2), np.float32) if callable(array) else array)
    if callable(array):
        path.write_bytes(array(path.read_bytes()))
    with pytest.raises(UserError, match=says) as caught:
        read(path, ["a", "b", "c"])
    assert str(path) in str(caught.value)


def test_bad_words_of_a_bare_array(tmp_path):
    np.save(tmp_path / "v.npy", np.ones((2, 2)))
    with pytest.raises(UserError, match=r"without words; allowed: .*v\.words.*v\.vocab, v\.txt"):
        read(tmp_path / "v.npy")
    with pytest.raises(UserError, match="there is no file"):
        read(tmp_path / "v.npy", tmp_path / "absent")
    for content, says in ((b"a\n\xff\n", "line 2 .*not UTF-8"), (b"a\na\n", "'a' twice")):
        (tmp_path / "v.words").write_bytes(content)
        with pytest.raises(UserError, match=says):
            read(tmp_path / "v.npy")
    (tmp_path / "v.words").write_bytes(b"")
    with pytest.raises(UserError, match="empty"):
        read(tmp_path / "v.npy")


KOENIG = "2 3\nkönig 1 2 3\nb 4 5 6\n"
HEADERLESS = KOENIG.partition("\n")[2]


def zipf(v: int = 12_000, dim: int = 8, seed: int = 0) -> Embeddings:
    """Words by falling frequency, the frequent English ones first; none in alphabetical order."""
    from debiaslab.vectors.words import _FREQUENT

    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    made = {"".join(letters[rng.integers(0, 26, 6)]) for _ in range(v)}
    words = [*_FREQUENT, *sorted(made - set(_FREQUENT), key=hash_of)][:v]
    return Embeddings(words, rng.standard_normal((len(words), dim)))


def hash_of(word: str) -> int:
    return int.from_bytes(word.encode()[::-1], "little") * 2654435761 % 2**32


def shuffled(embeddings: Embeddings, rows: np.ndarray) -> Embeddings:
    return Embeddings([embeddings.words[i] for i in rows], embeddings.vectors[rows])


@pytest.mark.parametrize("text", [KOENIG, HEADERLESS])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [" ", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_with_or_without_header_mark_tabs_and_carriage_returns(
    tmp_path, text, mark, separator, end
):
    content = (mark + text.replace(" ", separator).replace("\n", end)).encode()
    path = tmp_path / "v.txt"
    for bytes_of_it in (content, gzip.compress(content)):
        path.write_bytes(bytes_of_it)
        found = read(path)
        assert found.words == ("könig", "b")
        assert found.vectors.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_mark_before_the_words_of_a_bare_array_and_before_frequencies(tmp_path):
    np.save(tmp_path / "v.npy", np.eye(2))
    (tmp_path / "v.words.txt").write_text("\ufeffa\nb\u00a0c\n", encoding="utf-8")
    assert read(tmp_path / "v.npy").words == ("a", "b\u00a0c")
    (tmp_path / "f.txt").write_text("\ufeffthe 3\nof 2\n", encoding="utf-8")
    assert read_frequencies(tmp_path / "f.txt") == {"the": 3, "of": 2}
    (tmp_path / "v.tsv").write_text("new york\t1\t2\nb\t3\t4\n")  # with tabs, words hold spaces
    assert read(tmp_path / "v.tsv").words == ("new york", "b")


def _archive(name: str, content: bytes, kind: str) -> bytes:
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "made", "what", "makes"),
    [
        ("v.txt", KOENIG.encode("utf-16"), "text in UTF-16", "v.utf8.txt"),
        ("v.txt.bz2", bz2.compress(KOENIG.encode()), "compressed with bzip2", "v.txt"),
        ("v.txt", KOENIG.encode("utf-32"), "text in UTF-32", "v.utf8.txt"),
        ("v.txt.xz", lzma.compress(KOENIG.encode()), "compressed with xz", "v.txt.unpacked"),
        ("v.kv", lzma.compress(KOENIG.encode()), "compressed with xz", "v.unpacked"),
        ("v.vec", zstandard.compress(KOENIG.encode()), "compressed with zstd", "v.unpacked"),
        ("glove.zip", _archive("g.txt", KOENIG.encode(), "zip"), "a zip archive of g.txt", "g.txt"),
        ("v.tar", _archive("inside.vec", KOENIG.encode(), "tar"), "a tar archive", "inside.vec"),
    ],
)
def test_what_is_packed_is_named_with_the_command_that_unpacks_it(
    tmp_path, monkeypatch, name, made, what, makes
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(made)
    with pytest.raises(UserError, match=f"is {what}") as caught:
        read(name)
    command = re.search(r"try: (.*), then the file", str(caught.value))
    assert command is not None
    program = command[1].split()[0]
    if program != "python" and shutil.which(program) is None:
        pytest.skip(f"{program} is not on this machine")
    script = command[1].replace("python -m", f"{sys.executable} -m")
    subprocess.run(script, shell=True, check=True, cwd=tmp_path)
    assert read(tmp_path / makes).words == ("könig", "b")
    assert (tmp_path / name).read_bytes() == made


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"),
        (b"PAR1\x15\x00", "a Parquet table"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
        (b"<!DOCTYPE html>\n<html><title>404</title>", "a web page"),
        (b'{"king": [0.1, 0.2]}', "JSON"),
        (b"word,x1,x2\nking,0.1,0.2\n", "a table with commas"),
        (b"king,0.1,0.2\nqueen,0.3,0.4\n", "a table with commas"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00" + b'{"vectors":{"dtype":"F32"}}', "safetensors"),
    ],
)
def test_files_of_other_kinds_are_named(tmp_path, content, what):
    (tmp_path / "v.kv").write_bytes(content)
    with pytest.raises(UserError, match=what):
        read(tmp_path / "v.kv")
    torch.save({"W": torch.ones(2, 2)}, tmp_path / "model.pt")
    with pytest.raises(UserError, match="is a file of PyTorch"):
        read(tmp_path / "model.pt")


@pytest.fixture(scope="module")
def models() -> dict[str, Word2Vec | FastText | KeyedVectors]:
    texts = [["king", "queen", "man", "woman", "the"]] * 5
    settings = {"vector_size": 4, "min_count": 1, "workers": 1, "seed": 1}
    fast = FastText(texts, bucket=50, **settings)
    return {"FastText": fast, "its vectors": fast.wv, "Word2Vec": Word2Vec(texts, **settings)}


@pytest.mark.parametrize("kind", ["FastText", "its vectors", "Word2Vec"])
def test_advice_about_a_gensim_model_leads_to_vectors_that_are_read(
    tmp_path, monkeypatch, models, kind
):
    monkeypatch.chdir(tmp_path)
    models[kind].save("it's a model")
    with pytest.raises(UserError, match="nothing in it was run") as caught:
        read("it's a model")
    code = re.search(r"in Python: (.*); then vectors\.bin", str(caught.value))
    exec(code[1], {})
    expected = KeyedVectors.load_word2vec_format("vectors.bin", binary=True)
    assert same(read("vectors.bin"), Embeddings.from_keyed_vectors(expected))
    assert set(read("vectors.bin").words) == {"king", "queen", "man", "woman", "the"}


def test_advice_about_a_file_that_is_not_beside_works_where_both_are(tmp_path):
    keyed = KeyedVectors(3)
    keyed.add_vectors(["a", "b"], np.eye(2, 3, dtype=np.float32))
    keyed.save(str(tmp_path / "k.kv"), separately=["vectors"])
    KeyedVectors.load(str(tmp_path / "k.kv")).save(str(tmp_path / "one.kv"), separately=[])
    (tmp_path / "k.kv.vectors.npy").unlink()
    with pytest.raises(UserError, match=r"save with separately=\[\]"):
        read(tmp_path / "k.kv")
    assert read(tmp_path / "one.kv").words == ("a", "b")


def test_advice_about_a_bare_array_is_the_file_that_is_looked_for(tmp_path):
    np.save(tmp_path / "v.npy", np.eye(2))
    with pytest.raises(UserError) as caught:
        read(tmp_path / "v.npy")
    named = str(caught.value).rpartition("saved as ")[2]
    Path(named).write_text("a\nb\n")
    assert read(tmp_path / "v.npy").words == ("a", "b")


@pytest.mark.parametrize("name", ["lee_fasttext_new", "crime-and-punishment", "toy-model"])
def test_words_of_fasttext_files_have_the_vectors_that_gensim_and_fasttext_give(name):
    ours = read(datapath(f"{name}.bin"))
    keyed = load_facebook_vectors(datapath(f"{name}.bin"))
    theirs = Embeddings.from_keyed_vectors(keyed)
    words = [word for word in theirs.words if word != "</s>"]
    assert set(ours.words) == set(theirs.words)
    np.testing.assert_allclose(
        [ours[word] for word in words], [theirs[word] for word in words], atol=1e-6
    )
    if name == "lee_fasttext_new":  # whose .vec is of an earlier training
        return
    printed = read(datapath(f"{name}.vec"))
    assert ours.words == printed.words
    np.testing.assert_allclose(ours.vectors, printed.vectors, atol=1e-4)


def test_fasttext_files_that_are_not_read(tmp_path):
    with pytest.raises(UserError, match="a fastText model of 2 labels"):
        read(datapath("pang_lee_polarity_fasttext.bin"))
    content = Path(datapath("toy-model.bin")).read_bytes()
    (tmp_path / "bad.bin").write_bytes(content.replace(b"the\0", b"\xff\xfee\0"))
    with pytest.raises(UserError, match=r"row 1 of .* is not UTF-8.*--bad-words skip"):
        read(tmp_path / "bad.bin")
    with pytest.warns(UserWarning, match="left out of its .* words 1 not UTF-8"):
        found = read(tmp_path / "bad.bin", bad_words="skip")
    assert found.words == read(datapath("toy-model.bin")).words[1:]
    for end in [*range(5, 400), *range(400, len(content), 997)]:
        if end * 4 > len(content):
            break
        (tmp_path / "cut.bin").write_bytes(content[:end])
        with pytest.raises(UserError):
            read(tmp_path / "cut.bin")


BAD = b"5 2\nking 1 2\n\xff\xfe 3 4\nking 5 6\nat name@domain.com 7 8\nqueen 9 10\n"


def test_bad_words_are_counted_when_a_file_is_refused_and_left_out_when_asked(tmp_path):
    (tmp_path / "v.txt").write_bytes(BAD)
    with pytest.raises(UserError) as caught:
        read(tmp_path / "v.txt")
    counted = ("line 3 of", "is not UTF-8", "1 not UTF-8", "1 with a space in it", "1 repeated")
    for part in (*counted, "--bad-words skip", "bad_words='skip'"):
        assert part in str(caught.value)
    with pytest.warns(UserWarning, match=r"left out of its 5 words 1 with .* and 1 repeated"):
        found = read(tmp_path / "v.txt", bad_words="skip")
    assert found.words == ("king", "queen")
    assert found.vectors.tolist() == [[1, 2], [9, 10]]
    rows = np.arange(6, dtype="<f4").reshape(3, 2)
    words = [b"a", b"\xe9t\xe9", b"a"]
    pairs = zip(words, rows, strict=True)
    (tmp_path / "v.bin").write_bytes(b"3 2\n" + b"".join(w + b" " + r.tobytes() for w, r in pairs))
    np.save(tmp_path / "v.npy", rows)
    (tmp_path / "v.words").write_bytes(b"\n".join(words))
    for name in ("v.bin", "v.npy"):
        with pytest.raises(UserError, match="1 not UTF-8 and 1 repeated"):
            read(tmp_path / name)
        with pytest.warns(UserWarning, match="left out of its 3 words"):
            assert read(tmp_path / name, bad_words="skip").words == ("a",)
    with pytest.raises(UserError, match="did you mean 'skip'"):
        read(tmp_path / "v.bin", bad_words="skipp")


COMMANDS = {
    "evaluate": ["evaluate", "v.txt", "--quick"],
    "debias": ["debias", "--strategy", "hard", "v.txt", "--out", "o.kv"],
    "test": ["test", "v.txt", "--against", "v.txt"],
    "neighbors": ["neighbors", "king", "--vectors", "v.txt"],
    "reliability": ["reliability", "v.txt"],
    "lexicon": ["lexicon", "check", "--vectors", "v.txt"],
}


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_takes_the_option_that_its_refusal_names(
    tmp_path, monkeypatch, capfd, command
):
    monkeypatch.chdir(tmp_path)
    words = [*dict.fromkeys([*lexicon_words(["occupations"], ["gender_pairs"]), "king"]), "king"]
    vectors = np.random.default_rng(0).standard_normal((len(words), 5))
    lines = [f"{w} {' '.join(map(str, v))}" for w, v in zip(words, vectors, strict=True)]
    (tmp_path / "v.txt").write_text("\n".join(lines) + "\n")
    said = refused(capfd, *COMMANDS[command])
    assert "--bad-words skip" in said.err
    assert "king" in said.err
    said = call(capfd, *COMMANDS[command], "--bad-words", "skip")
    assert said.code == 0
    assert f"left out of its {len(words):,} words 1 repeated" in said.err


def test_counts_of_the_file_put_the_words_in_order(tmp_path):
    """Of gensim, of a vocabulary beside a bare array, and of an .npz."""
    words, vectors = ["a", "b", "c", "d"], np.eye(4, dtype=np.float32)
    counts, order = [5, 900, 5, 30], ("b", "d", "a", "c")
    keyed = KeyedVectors(4)
    keyed.add_vectors(words, vectors)
    for word, count in zip(words, counts, strict=True):
        keyed.set_vecattr(word, "count", count)
    keyed.save(str(tmp_path / "v.kv"))
    np.save(tmp_path / "v.npy", vectors)
    vocabulary = zip(words, counts, strict=True)
    (tmp_path / "v.vocab").write_text("".join(f"{w} {n}\n" for w, n in vocabulary))
    np.savez(tmp_path / "v.npz", words=np.array(words), vectors=vectors, counts=counts)
    for name in ("v.kv", "v.npy", "v.npz"):
        found = read(tmp_path / name)
        assert found.words == order, name
        assert found.vectors.argmax(axis=1).tolist() == [1, 3, 0, 2]
    assert Embeddings.from_keyed_vectors(keyed).words == order
    np.savez(tmp_path / "v.npz", words=np.array(words), vectors=vectors, counts=[1, 2])
    with pytest.raises(UserError, match="'counts' that do not fit"):
        read(tmp_path / "v.npz")


@pytest.mark.parametrize(
    "text",
    [
        "the 900\nof 30\nking 2.5\n",
        "the\t900\nof\t30\nking\t2.5\n",
        "the,900\nof,30\nking,2.5\n",
        "word,count\nthe,900\nof,30\nking,2.5\n",
        "rank\tword\tfreq\n1\tthe\t900\n2\tof\t30\n3\tking\t2.5\n",
        "    900 the\n     30 of\n    2.5 king\n",
        '"the",900\n"of",30\n"king",2.5\n\n',
        "the 900\r\nof 30\r\nking 2.5\r\n",
    ],
)
def test_frequencies_in_the_layouts_that_word_lists_have(tmp_path, text):
    path = tmp_path / "f"
    for content in (text.encode(), gzip.compress(text.encode())):
        path.write_bytes(content)
        assert read_frequencies(path) == {"the": 900, "of": 30, "king": 2.5}


def test_frequencies_that_are_none(tmp_path):
    for text, says in (
        (b"the\nof\n", "line 1 of .* is 'the'"),
        (b"the 900\nof many\n", "line 2 of .* is 'of many'"),
        (b"the 900\nof 30 x\n", "line 2 of"),
        (b"the 900\nof -1\n", "line 2 of"),
        (b"\n\n", "holds no words"),
        (b"caf\xe9 3\n", "byte 3 .* is not UTF-8"),
    ):
        (tmp_path / "f").write_bytes(text)
        with pytest.raises(UserError, match=says):
            read_frequencies(tmp_path / "f")
    path = zipf(50).save(tmp_path / "v.kv")
    with pytest.raises(UserError, match=r"none of the 50 words of .* has a frequency"):
        read(path, frequencies={"zyzzyva": 3})
    with pytest.warns(UserWarning, match=r"2 of the 50 words of .* have a frequency"):
        assert read(path, frequencies={"OF": 3, "a": 5}).words[:3] == ("a", "of", "the")


def test_an_order_that_is_not_by_frequency_is_noticed_and_by_frequency_is_not():
    good = zipf()
    rng = np.random.default_rng(1)
    assert good.order_warning() is None
    assert shuffled(good, np.arange(900)).order_warning() is None
    late = [*rng.permutation(np.arange(100, len(good))), *range(100)]
    by_letter = np.array(sorted(range(len(good)), key=lambda i: good.words[i].upper()))
    for rows, says in (
        (rng.permutation(len(good)), "half of the most frequent English words, such as"),
        (np.array(late), "stand after row 11,"),
        (by_letter, "in alphabetical order"),
        (by_letter[::-1][::-1], "in alphabetical order"),
    ):
        assert says in str(shuffled(good, rows).order_warning())
    capitals = Embeddings([w.upper() for w in good.words], good.vectors)
    assert capitals.order_warning() is None
    assert "half of" in str(shuffled(capitals, rng.permutation(len(good))).order_warning())
    # words of one count from a to z, as a small text has them, are no alphabetical order
    blocks = np.split(np.arange(len(good)), [100, 1000, 4000])
    rows = np.concatenate([sorted(block, key=lambda i: good.words[i]) for block in blocks])
    assert shuffled(good, rows).order_warning() is None


def test_vectors_in_any_order_give_the_scorecard_of_those_by_frequency(
    tmp_path, capfd, monkeypatch
):
    """Without frequencies the scorecard warns; with them it is the same to the last digit."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    frequent = zipf(14_000).words
    words = list(dict.fromkeys([*frequent[:60], *lexicon_words(), *frequent]))
    scale = 1 / np.sqrt(np.arange(1, len(words) + 1))[:, None]  # rare words are alike
    good = Embeddings(words, rng.standard_normal((len(words), 10)) * scale + 1 - scale)
    by_letter = shuffled(good, np.array(sorted(range(len(good)), key=lambda i: good.words[i])))
    by_letter.save("letter.txt")
    lines = [f"{word}\t{len(words) - i}" for i, word in enumerate(words)]
    Path("counts.tsv").write_text("\n".join(lines), encoding="utf-8")
    expected, wrong = (
        evaluate(each, groups=["weat", "similarity"], bootstrap=0) for each in (good, by_letter)
    )
    assert not any("frequency" in warning for warning in expected.warnings)
    assert any("--frequencies FILE" in warning for warning in wrong.warnings)
    assert wrong.records != expected.records
    right = read("letter.txt", frequencies=read_frequencies("counts.tsv"))
    assert right.words == good.words
    assert evaluate(right, groups=["weat", "similarity"], bootstrap=0) == expected
    measure = ["evaluate", "letter.txt", "--quick", "--groups", "weat"]
    debias = ["debias", "--strategy", "hard", "letter.txt", "--out", "o.kv"]
    options = ["--frequencies", "counts.tsv"]
    assert "alphabetical order" in call(capfd, *measure).out
    assert "alphabetical order" not in call(capfd, *measure, *options).out
    said = call(capfd, *debias)
    assert "letter.txt: the words do not stand by falling frequency" in said.err
    call(capfd, *debias, *options)
    assert read("o.kv").words == good.words
