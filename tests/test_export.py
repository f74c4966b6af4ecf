"""The file that is handed in: which pairs, which numbers, and the same bytes every time."""

import csv
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from debiaslab.leaderboard.export import codalab, default_pairs, read_pairs
from debiaslab.report.tables import analogy_table, neighbors_table
from debiaslab.vectors import read, write
from debiaslab.vectors.embeddings import Embeddings
from tests.expecting import refuses

GIVEN = Path(__file__).resolve().parents[2] / "shared/data/pairs/word_pair_similarity_pairs.csv"


@pytest.fixture
def embeddings() -> Embeddings:
    words = ["old", "new", "nasa", "united_states", "king", "zero"]
    vectors = np.random.default_rng(0).standard_normal((len(words), 8))
    vectors[-1] = 0
    return Embeddings(words, vectors)


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


# The default pairs


def test_the_default_pairs_are_the_homeworks_list_to_the_letter():
    """The digest was taken from the homework's own file, 1,630 rows in its order."""
    pairs = default_pairs()
    assert len(pairs) == len(set(pairs)) == 1630
    assert pairs[:2] == [("old", "new"), ("smart", "intelligent")]
    # SimLex, then topics
    assert pairs[989:992] == [("attend", "arrive"), ("math", "male"), ("math", "man")]
    assert pairs[-1] == ("relatives", "daughter")
    topics, terms = map(set, zip(*pairs[990:], strict=True))
    assert (len(topics), len(terms)) == (40, 16)
    assert all(word == word.lower() for word in topics | terms)
    rows = "\n".join(",".join(pair) for pair in pairs)
    assert hashlib.sha256(rows.encode()).hexdigest() == (
        "03686b4540f306410b7393b7956be656487033e3e8ea81c6b8aa127fa0967272"
    )


@pytest.mark.skipif(not GIVEN.exists(), reason="the given pair list is not on this machine")
def test_the_default_pairs_are_the_given_list_in_its_order():
    assert default_pairs() == read_pairs(GIVEN)


# Reading pairs


@pytest.mark.parametrize(
    "content",
    [
        "word1,word2\na,b\nnew york,c\n",
        "\ufeffword1,word2\r\na,b\r\nnew york,c\r\n",
        'word1,word2,sim\na,b,0.5\n"new york",c,\n',
        "score,word2, word1 \n1,b, a\n\n   \n2,c,new york",
    ],
)
def test_pairs_are_read_in_order_whatever_the_dialect(tmp_path, content):
    path = tmp_path / "pairs.csv"
    path.write_bytes(content.encode())
    assert read_pairs(path) == [("a", "b"), ("new york", "c")]
    path.write_text('word1,word2\n"a,b","say ""hi"""\n')
    assert read_pairs(path) == [("a,b", 'say "hi"')]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n  \n", "is empty"),
        (b"word1,word2\n", "holds no pairs"),
        (b"a,b\nc,d\n", "first line .* is 'a,b'; allowed: the header word1,word2"),
        (b"word1;word2\na;b\n", "is 'word1;word2'"),
        (b"Word1,Word2\na,b\n", "is 'Word1,Word2'"),
        (b"word1,word2,word1\na,b,c\n", "is 'word1,word2,word1'"),
        (b"word1,word2\na,b\nc\n", "line 3 .* has 1 columns; allowed: 2"),
        (b"word1,word2\na,b\n\nc,d,e\n", "line 4 .* has 3 columns"),
        (b"word1,word2\na,b\nc, \n", "line 3 .* has an empty word"),
        (b"word1,word2\n,\n", "line 2 .* has an empty word"),
        (b'word1,word2\na,"b\nc,d\n', "line 3 .* is not CSV"),
        (b"word1,word2\na,\xff\n", "byte 14 .* is not UTF-8"),
        (b"word1,word2\na," + b"b" * 200_000, "not CSV"),
    ],
)
def test_bad_pairs_give_one_clear_sentence(tmp_path, content, says):
    path = tmp_path / "pairs.csv"
    path.write_bytes(content)
    with refuses(says) as caught:
        read_pairs(path)
    assert str(path) in str(caught.value)


def test_no_pairs_file(tmp_path):
    (tmp_path / "pairs.csv").write_text("word1,word2\na,b\n")
    with refuses(r"there is no file .*did you mean .*pairs\.csv"):
        read_pairs(tmp_path / "pair.csv")
    with refuses("there is no file"):
        read_pairs(tmp_path / "no" / "pair.csv")
    with refuses("is a directory"):
        read_pairs(tmp_path)


# The submission


def test_the_csv_holds_the_cosines_in_order(tmp_path, embeddings):
    pairs = [("old", "new"), ("new", "old"), ("king", "king"), ("old", "zero"), ("old", "new")]
    made = codalab(embeddings, pairs, tmp_path / "prediction.csv")
    header, *rows = rows_of(made.path)
    assert header == ["word1", "word2", "sim"]
    assert [tuple(row[:2]) for row in rows] == pairs
    keyed = embeddings.to_keyed_vectors()
    assert float(rows[0][2]) == pytest.approx(keyed.similarity("old", "new"), abs=1e-6)
    assert [row[2] for row in rows[2:4]] == ["1.00000000", "0.00000000"]
    assert rows[0][2] == rows[1][2] == rows[4][2]
    assert (made.rows, made.missing_words, made.missing_pairs, made.warning) == (5, (), 0, None)


def test_words_are_found_in_lower_case_and_with_underscores(tmp_path, embeddings):
    made = codalab(
        embeddings,
        [("NASA", "United States"), ("nasa", "united_states")],
        tmp_path / "prediction.csv",
    )
    rows = rows_of(made.path)[1:]
    assert rows[0][:2] == ["NASA", "United States"]
    assert rows[0][2] == rows[1][2]
    assert made.warning is None


def test_missing_words_get_the_fallback_and_a_warning(tmp_path, embeddings):
    pairs = [("old", "abc"), ("abc", "xyz"), ("old", "new"), ("xyz", "king")]
    made = codalab(embeddings, pairs, tmp_path / "prediction.csv")
    assert [row[2] for row in rows_of(made.path)[1:]][:2] == ["0.00000000"] * 2
    assert (made.missing_words, made.missing_pairs) == (("abc", "xyz"), 3)
    assert made.warning is not None
    assert "3 of 4 pairs got the fallback 0.0 because 2 of their words" in made.warning
    assert "'abc', 'xyz'" in made.warning
    none = codalab(embeddings, [("p", "q")], tmp_path / "none.csv")
    assert rows_of(none.path)[1:] == [["p", "q", "0.00000000"]]
    other = codalab(embeddings, pairs, tmp_path / "other.csv", missing=0.25)
    assert rows_of(other.path)[1][2] == "0.25000000"


@pytest.mark.parametrize("name", ["prediction.csv", "prediction.zip"])
def test_the_same_input_gives_the_same_bytes(tmp_path, embeddings, name):
    first = codalab(embeddings, default_pairs(), tmp_path / "1" / name)
    second = codalab(embeddings, default_pairs(), tmp_path / "2" / name)
    assert first.path.read_bytes() == second.path.read_bytes()


def test_the_zip_holds_just_the_csv(tmp_path, embeddings):
    pairs = default_pairs()
    table = codalab(embeddings, pairs, tmp_path / "prediction.csv").path
    packed = codalab(embeddings, pairs, tmp_path / "prediction.zip").path
    with zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == ["prediction.csv"]
        assert archive.testzip() is None
        assert archive.read("prediction.csv") == table.read_bytes()
    assert read_pairs(table) == pairs
    assert len(table.read_bytes().splitlines()) == 1631
    assert sorted(p.name for p in tmp_path.iterdir()) == ["prediction.csv", "prediction.zip"]


@pytest.mark.parametrize("missing", [float("nan"), float("inf"), 1.5, -2])
def test_a_fallback_is_a_similarity(tmp_path, embeddings, missing):
    with refuses("a number from -1 to 1"):
        codalab(embeddings, [("old", "new")], tmp_path / "p.csv", missing=missing)


def test_other_endings_are_refused(tmp_path, embeddings):
    with refuses(r"allowed: \.csv or \.zip"):
        codalab(embeddings, [("old", "new")], tmp_path / "p.tsv")
    with refuses("cannot write"):
        codalab(embeddings, [("old", "new")], Path("/dev/null/p.csv"))


@pytest.mark.parametrize("format", ["word2vec", "bin", "kv", "npz"])
def test_vectors_are_exported(tmp_path, embeddings, format):
    path = write(embeddings, tmp_path / "vectors", format)
    assert np.array_equal(read(path).vectors, embeddings.vectors)


# Neighbours side by side


def test_a_table_of_neighbors(embeddings):
    lines = neighbors_table(embeddings, "King", 3).plain().splitlines()
    assert lines[0] == "nearest neighbours of King by cosine similarity"
    assert lines[1].split() == ["rank", "word", "cosine"]
    expected = [
        (str(i + 1), w, f"{c:.3f}") for i, (w, c) in enumerate(embeddings.neighbors("king", 3))
    ]
    assert [tuple(line.split()) for line in lines[2:]] == expected


def test_two_tables_side_by_side_mark_shared_neighbors(embeddings):
    other = Embeddings(["king", "old", "日本", "x\ty"], np.eye(4) + 0.1)
    labels = ("baseline", "debiased")
    table = neighbors_table(embeddings, "king", 5, compare=other, labels=labels).plain()
    lines = table.splitlines()
    assert "baseline" in lines[1]
    assert "debiased" in lines[1]
    assert sum(line.count("* old") for line in lines) == 2
    assert lines[-1] == "* in both lists: 1"
    assert "'x\\ty'" in table
    assert "\t" not in table
    assert len(lines) == 1 + 1 + 5 + 1


def test_unknown_words_name_the_side_and_the_nearest_word(embeddings):
    other = Embeddings(["queen"], np.ones((1, 2)))
    with refuses(r"first: the word 'kin' .* did you mean 'king'"):
        neighbors_table(embeddings, "kin")
    with refuses("second: the word 'king' is not among the 1 words"):
        neighbors_table(embeddings, "king", compare=other)


@pytest.fixture
def family() -> Embeddings:
    """A plane of persons and a direction of gender, less of it in *nurse* than in *doctor*."""
    rows = {"man": (1, 0, 1), "woman": (1, 0, -1), "doctor": (0.2, 1, 0.2), "nurse": (0.2, 1, -0.4)}
    return Embeddings([*rows, "table"], np.array([*rows.values(), (-1, 0.1, 0)]))


def test_a_table_of_bias_analogies(family):
    table = analogy_table(family, "Doctor", ("man", "woman"), 5).plain()
    title, head, *lines, foot, _ = table.splitlines()
    assert title == "man : Doctor :: woman : ?"
    heads = "rank 3CosAdd score 3CosAdd, any word score 3CosMul score 3CosMul, any word score"
    assert " ".join(head.split()) == heads
    assert [line.split()[1] for line in lines[:2]] == ["nurse", "table"]  # not one of the three
    assert all(any(f"* {word}" in line for line in lines) for word in ("man", "woman", "doctor"))
    assert "first 5 words" in foot


def test_bias_analogies_need_known_words_that_differ(family):
    with refuses(r"v.kv: the word 'womann' .* did you mean 'woman'"):
        analogy_table(family, "doctor", ("man", "womann"), label="v.kv")
    same = Embeddings(family.words, np.ones((5, 3)))
    with refuses(r"vectors: the vectors of the questions .* \(collapsed"):
        analogy_table(same, "doctor", ("man", "woman"))
