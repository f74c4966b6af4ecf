"""Vector files as they are found: other formats, marks, bad words, any order of the words."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard
from gensim.models import FastText, KeyedVectors, Word2Vec
from gensim.models.fasttext import load_facebook_vectors
from gensim.test.utils import datapath

from debiaslab.errors import UserError
from debiaslab.metrics import evaluate
from debiaslab.vectors import read, read_frequencies
from debiaslab.vectors.embeddings import Embeddings
from tests.command_line import call, refused

TEXT = "2 3\nkönig 1 2 3\nb 4 5 6\n"
HEADERLESS = TEXT.partition("\n")[2]


def same(left: Embeddings, right: Embeddings) -> bool:
    return left.words == right.words and np.array_equal(left.vectors, right.vectors)


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


# Marks and separators


@pytest.mark.parametrize("text", [TEXT, HEADERLESS])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [" ", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_with_or_without_header_mark_tabs_and_carriage_returns(
    tmp_path: Path, text: str, mark: str, separator: str, end: str
):
    content = (mark + text.replace(" ", separator).replace("\n", end)).encode()
    path = tmp_path / "v.txt"
    for bytes_of_it in (content, gzip.compress(content)):
        path.write_bytes(bytes_of_it)
        found = read(path)
        assert found.words == ("könig", "b")
        assert found.vectors.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_mark_before_the_words_of_a_bare_array_and_before_frequencies(tmp_path: Path):
    np.save(tmp_path / "v.npy", np.eye(2))
    (tmp_path / "v.words.txt").write_text("\ufeffa\nb\u00a0c\n", encoding="utf-8")
    assert read(tmp_path / "v.npy").words == ("a", "b\u00a0c")
    (tmp_path / "f.txt").write_text("\ufeffthe 3\nof 2\n", encoding="utf-8")
    assert read_frequencies(tmp_path / "f.txt") == {"the": 3, "of": 2}


def test_with_tabs_a_word_may_hold_spaces(tmp_path: Path):
    (tmp_path / "v.tsv").write_text("new york\t1\t2\nb\t3\t4\n")
    assert read(tmp_path / "v.tsv").words == ("new york", "b")


# Other formats are named, and the command that is advised works


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
        ("v.txt", TEXT.encode("utf-16"), "text in UTF-16", "v.utf8.txt"),
        ("v.txt.bz2", bz2.compress(TEXT.encode()), "compressed with bzip2", "v.txt"),
        ("v.txt", TEXT.encode("utf-32"), "text in UTF-32", "v.utf8.txt"),
        ("v.txt.xz", lzma.compress(TEXT.encode()), "compressed with xz", "v.txt.unpacked"),
        ("v.kv", lzma.compress(TEXT.encode()), "compressed with xz", "v.unpacked"),
        ("v.vec", zstandard.compress(TEXT.encode()), "compressed with zstd", "v.unpacked"),
        ("glove.zip", _archive("g.txt", TEXT.encode(), "zip"), "a zip archive of g.txt", "g.txt"),
        ("v.tar", _archive("inside.vec", TEXT.encode(), "tar"), "a tar archive", "inside.vec"),
    ],
)
def test_what_is_packed_is_named_with_the_command_that_unpacks_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    made: bytes,
    what: str,
    makes: str,
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
def test_files_of_other_kinds_are_named(tmp_path: Path, content: bytes, what: str):
    (tmp_path / "v.kv").write_bytes(content)
    with pytest.raises(UserError, match=what):
        read(tmp_path / "v.kv")


def test_a_file_of_pytorch_is_named(tmp_path: Path):
    import torch

    torch.save({"W": torch.ones(2, 2)}, tmp_path / "model.pt")
    with pytest.raises(UserError, match="is a file of PyTorch"):
        read(tmp_path / "model.pt")


# Files of gensim that are no KeyedVectors: what is advised works


def _models() -> dict[str, Callable[[Path], Path]]:
    texts = [["king", "queen", "man", "woman", "the"]] * 5
    settings = {"vector_size": 4, "min_count": 1, "workers": 1, "seed": 1}

    def saved(model: Word2Vec | FastText | KeyedVectors) -> Callable[[Path], Path]:
        def save(path: Path) -> Path:
            model.save(str(path))
            return path

        return save

    fast = FastText(texts, bucket=50, **settings)
    return {
        "a FastText model": saved(fast),
        "the vectors of a FastText model": saved(fast.wv),
        "a Word2Vec model": saved(Word2Vec(texts, **settings)),
    }


@pytest.mark.parametrize("kind", list(_models()))
def test_advice_about_a_gensim_model_leads_to_vectors_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    monkeypatch.chdir(tmp_path)
    path = _models()[kind](tmp_path / "it's a model")
    with pytest.raises(UserError, match="nothing in it was run") as caught:
        read(path)
    code = re.search(r"in Python: (.*); then vectors\.bin", str(caught.value))
    assert code is not None
    exec(code[1], {})
    expected = KeyedVectors.load_word2vec_format("vectors.bin", binary=True)
    assert same(read("vectors.bin"), Embeddings.from_keyed_vectors(expected))
    assert set(read("vectors.bin").words) == {"king", "queen", "man", "woman", "the"}


def test_advice_about_a_file_that_is_not_beside_works_where_both_are(tmp_path: Path):
    keyed = KeyedVectors(3)
    keyed.add_vectors(["a", "b"], np.eye(2, 3, dtype=np.float32))
    keyed.save(str(tmp_path / "k.kv"), separately=["vectors"])
    KeyedVectors.load(str(tmp_path / "k.kv")).save(str(tmp_path / "one.kv"), separately=[])
    (tmp_path / "k.kv.vectors.npy").unlink()
    with pytest.raises(UserError, match=r"save with separately=\[\]"):
        read(tmp_path / "k.kv")
    assert read(tmp_path / "one.kv").words == ("a", "b")


def test_advice_about_a_bare_array_is_the_file_that_is_looked_for(tmp_path: Path):
    np.save(tmp_path / "v.npy", np.eye(2))
    with pytest.raises(UserError) as caught:
        read(tmp_path / "v.npy")
    named = str(caught.value).rpartition("saved as ")[2]
    Path(named).write_text("a\nb\n")
    assert read(tmp_path / "v.npy").words == ("a", "b")


# fastText's own files


@pytest.mark.parametrize("name", ["lee_fasttext_new", "crime-and-punishment", "toy-model"])
def test_words_of_fasttext_files_have_the_vectors_that_gensim_and_fasttext_give(name: str):
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


def test_fasttext_files_that_are_not_read(tmp_path: Path):
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


# Bad words


BAD = b"5 2\nking 1 2\n\xff\xfe 3 4\nking 5 6\nat name@domain.com 7 8\nqueen 9 10\n"


def test_bad_words_are_counted_when_a_file_is_refused_and_left_out_when_asked(tmp_path: Path):
    (tmp_path / "v.txt").write_bytes(BAD)
    with pytest.raises(UserError) as caught:
        read(tmp_path / "v.txt")
    for part in (
        "line 3 of",
        "is not UTF-8",
        "1 not UTF-8",
        "1 with a space in it",
        "1 there twice",
        "--bad-words skip",
        "bad_words='skip'",
    ):
        assert part in str(caught.value)
    with pytest.warns(UserWarning, match=r"left out of its 5 words 1 with .* and 1 there twice"):
        found = read(tmp_path / "v.txt", bad_words="skip")
    assert found.words == ("king", "queen")
    assert found.vectors.tolist() == [[1, 2], [9, 10]]


def test_bad_words_of_binary_fasttext_and_bare_files(tmp_path: Path):
    rows = np.arange(6, dtype="<f4").reshape(3, 2)
    words = [b"a", b"\xe9t\xe9", b"a"]
    pairs = zip(words, rows, strict=True)
    (tmp_path / "v.bin").write_bytes(b"3 2\n" + b"".join(w + b" " + r.tobytes() for w, r in pairs))
    np.save(tmp_path / "v.npy", rows)
    (tmp_path / "v.words").write_bytes(b"\n".join(words))
    for name in ("v.bin", "v.npy"):
        with pytest.raises(UserError, match="1 not UTF-8 and 1 there twice"):
            read(tmp_path / name)
        with pytest.warns(UserWarning, match="left out of its 3 words"):
            assert read(tmp_path / name, bad_words="skip").words == ("a",)
    with pytest.raises(UserError, match="did you mean 'skip'"):
        read(tmp_path / "v.bin", bad_words="skipp")  # type: ignore[arg-type]


COMMANDS = {
    "evaluate": ["evaluate", "v.txt", "--quick"],
    "debias": ["debias", "--strategy", "hard", "v.txt", "--out", "o.kv"],
    "neighbors": ["neighbors", "king", "--vectors", "v.txt"],
    "reliability": ["reliability", "v.txt"],
    "lexicon": ["lexicon", "check", "--vectors", "v.txt"],
}


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_takes_the_option_that_its_refusal_names(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    command: str,
):
    from debiaslab import lexicons

    monkeypatch.chdir(tmp_path)
    pairs = [word for pair in lexicons.load_pairs("gender_pairs").pairs for word in pair]
    words = [*dict.fromkeys([*pairs, "king", *lexicons.load("occupations").words])]
    vectors = np.random.default_rng(0).standard_normal((len(words) + 1, 5))
    lines = [f"{w} {' '.join(map(str, v))}" for w, v in zip([*words, "king"], vectors, strict=True)]
    (tmp_path / "v.txt").write_text("\n".join(lines) + "\n")
    said = refused(capfd, *COMMANDS[command])
    assert "--bad-words skip" in said.err
    assert "king" in said.err
    said = call(capfd, *COMMANDS[command], "--bad-words", "skip")
    assert said.code == 0
    assert f"left out of its {len(words) + 1:,} words 1 there twice" in said.err


# Frequency


def test_counts_of_the_file_put_the_words_in_order(tmp_path: Path):
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
def test_frequencies_in_the_layouts_that_word_lists_have(tmp_path: Path, text: str):
    path = tmp_path / "f"
    for content in (text.encode(), gzip.compress(text.encode())):
        path.write_bytes(content)
        assert read_frequencies(path) == {"the": 900, "of": 30, "king": 2.5}


def test_frequencies_that_are_none(tmp_path: Path):
    for text, says in (
        ("the\nof\n", "line 1 of .* is 'the'"),
        ("the 900\nof many\n", "line 2 of .* is 'of many'"),
        ("the 900\nof 30 x\n", "line 2 of"),
        ("the 900\nof -1\n", "line 2 of"),
        ("\n\n", "holds no words"),
    ):
        (tmp_path / "f").write_text(text)
        with pytest.raises(UserError, match=says):
            read_frequencies(tmp_path / "f")
    (tmp_path / "f").write_bytes(b"caf\xe9 3\n")
    with pytest.raises(UserError, match=r"byte 3 .* is not UTF-8"):
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


def test_words_of_one_count_from_a_to_z_are_no_alphabetical_order():
    """As a small text has them, where most words occur as often as others."""
    good = zipf()
    blocks = np.split(np.arange(len(good)), [100, 1000, 4000])
    rows = np.concatenate([sorted(block, key=lambda i: good.words[i]) for block in blocks])
    assert shuffled(good, rows).order_warning() is None


def test_vectors_in_any_order_give_the_scorecard_of_those_by_frequency(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Without frequencies the scorecard warns; with them it is the same to the last digit."""
    from debiaslab import lexicons

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    lists = [word for name in lexicons.names() for word in lexicons.load(name).words]
    words = list(dict.fromkeys([*zipf(14_000).words[:60], *lists, *zipf(14_000).words]))
    scale = 1 / np.sqrt(np.arange(1, len(words) + 1))[:, None]  # rare words are alike
    good = Embeddings(words, rng.standard_normal((len(words), 10)) * scale + 1 - scale)
    by_letter = shuffled(good, np.array(sorted(range(len(good)), key=lambda i: good.words[i])))
    good.save("good.kv")
    by_letter.save("letter.txt")
    lines = [f"{word}\t{len(words) - i}" for i, word in enumerate(words)]
    Path("counts.tsv").write_text("\n".join(lines), encoding="utf-8")
    groups = ["weat", "similarity"]
    expected = evaluate(good, groups=groups, bootstrap=0)
    assert not any("frequency" in warning for warning in expected.warnings)
    wrong = evaluate(by_letter, groups=groups, bootstrap=0)
    assert any("--frequencies FILE" in warning for warning in wrong.warnings)
    assert wrong.records != expected.records
    right = read("letter.txt", frequencies=read_frequencies("counts.tsv"))
    assert right.words == good.words
    assert evaluate(right, groups=groups, bootstrap=0) == expected
    said = call(capfd, "evaluate", "letter.txt", "--quick", "--groups", "weat")
    assert "alphabetical order" in said.out
    options = ["--frequencies", "counts.tsv", "--groups", "weat"]
    said = call(capfd, "evaluate", "letter.txt", "--quick", *options)
    assert "alphabetical order" not in said.out
    said = call(capfd, "debias", "--strategy", "hard", "letter.txt", "--out", "o.kv", *options[:2])
    assert read("o.kv").words == good.words
    said = call(capfd, "debias", "--strategy", "hard", "letter.txt", "--out", "o.kv")
    assert "letter.txt: the words do not stand by falling frequency" in said.err
