"""Vector files against gensim: exact round trips, odd words, damaged and hostile files."""

import gzip
import os
import pickle
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath

from debiaslab.errors import UserError
from debiaslab.vectors import FORMATS, check_writable, read, write
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.table import word2vec_holds

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
    for path, says in (("v.xyz", "'.xyz'"), ("d.kv", "is a directory"), ("file/v.kv", "no folder")):
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
    assert read(put("v", content)).vectors.tolist() == rows


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
        (b"hello world\nthis is a poem\n", "no vector file: it starts with"),
        (b"word1,word2\nold,new\n", "no vector file"),
        (b"\x89PNG\r\n\x1a\n\x00", "no vector file"),
        (b"9" * 5000 + b" 2\n", "no vector file"),
        (b"-3 2\na 1 2\n", "no vector file"),
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


@pytest.mark.parametrize("format", FORMATS)
def test_every_cut_of_a_file_is_told_or_is_the_whole(tmp_path, format):
    embeddings = vectors_of(["one", "two", "three"], dim=5)
    path = write(embeddings, tmp_path / "v", format)
    content = path.read_bytes()
    text_end = len(content) - 1 if format != "word2vec" else content.rindex(b" ")
    for end in range(0, text_end + 1, 1 if format in ("word2vec", "bin") else 7):
        path.write_bytes(content[:end])
        with pytest.raises(UserError):
            read(path)


@pytest.mark.parametrize("format", FORMATS)
def test_any_changed_byte_gives_vectors_or_a_clear_sentence(tmp_path, format):
    path = write(vectors_of(["one", "two", "three"], dim=5), tmp_path / "v", format)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(5)
    for _ in range(300):
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
