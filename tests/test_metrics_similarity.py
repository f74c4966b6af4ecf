"""Word similarity: reading the sets, and Spearman with coverage."""

from pathlib import Path

import numpy as np
import pytest

from debiaslab.errors import UserError
from debiaslab.lexicons import half_of_pair
from debiaslab.metrics import SimilaritySet, default_similarity_sets, load_similarity, word_classes
from debiaslab.metrics import word_similarity as measure
from debiaslab.metrics.datasets import similarity_sets_in
from debiaslab.vectors.embeddings import Embeddings


def circle(**degrees):
    angles = np.radians(list(degrees.values()))
    return Embeddings(list(degrees), np.c_[np.cos(angles), np.sin(angles)])


VECTORS = circle(a=0, b=10, c=30, d=20, e=90)
PAIRS = (("a", "b", 9.0), ("a", "c", 7.0), ("a", "d", 5.0), ("a", "e", 1.0))


def test_the_two_default_sets():
    wordsim, simlex = default_similarity_sets()
    assert (wordsim.name, len(wordsim.pairs)) == ("WordSim-353", 353)
    assert (simlex.name, len(simlex.pairs)) == ("SimLex-999", 999)
    assert wordsim.pairs[:2] == (("love", "sex", 6.77), ("tiger", "cat", 7.35))
    assert simlex.pairs[0] == ("old", "new", 1.58)


def test_halves_are_disjoint_and_by_the_hash_of_the_pair():
    simlex = load_similarity("SimLex-999")
    tune, report = simlex.half("tune"), simlex.half("report")
    assert sorted(tune.pairs + report.pairs) == sorted(simlex.pairs)
    assert all(half_of_pair(a, b) == "tune" for a, b, _ in tune.pairs)
    assert 400 < len(tune.pairs) < 600
    assert simlex.half("all") is simlex


def test_word_classes_of_simlex():
    simlex = load_similarity("SimLex-999")
    classes = word_classes(simlex)
    sizes = {name: len(each.pairs) for name, each in classes.items()}
    assert sizes == {"adjective": 111, "noun": 666, "verb": 222}
    assert sum((each.pairs for each in classes.values()), ()) == simlex.pairs
    ends = {name: (each.pairs[0][:2], each.pairs[-1][:2]) for name, each in classes.items()}
    assert ends == {
        "adjective": (("old", "new"), ("dirty", "narrow")),
        "noun": (("wife", "husband"), ("bowl", "tail")),
        "verb": (("go", "come"), ("attend", "arrive")),
    }
    with pytest.raises(UserError, match=r"parts of speech of 'WordSim-353' .353 pairs."):
        word_classes(load_similarity("WordSim-353"))
    with pytest.raises(UserError, match="whole"):
        word_classes(simlex.half("tune"))


def test_rho_by_hand():
    # Angles between the pairs 10, 30, 20 and 90 degrees: similarity ranks 4, 2, 3, 1 against the
    # human ranks 4, 3, 2, 1: squared rank differences 0 + 1 + 1 + 0, ρ = 1 − 6 · 2 / (4 · 15) = .8.
    result = measure(VECTORS, SimilaritySet("hand", PAIRS))
    assert result.value == pytest.approx(0.8)
    assert (result.n, result.pairs, result.coverage, result.missing) == (4, 4, 1.0, ())


def test_missing_words_lower_coverage_and_other_cases_are_found():
    pairs = (("A", "b", 9), ("a", "c", 7), ("a", "d", 5), ("a", "E", 1), ("a", "zebra", 3))
    result = measure(VECTORS, SimilaritySet("hand", pairs))
    assert (result.n, result.pairs, result.coverage) == (4, 5, 0.8)
    assert result.missing == ("zebra",)
    few = measure(VECTORS, SimilaritySet("few", pairs[2:]))
    assert few.value is None
    assert few.reason == "2 of 3 pairs have both words in the vectors (missing: zebra), needs 4"
    assert measure(VECTORS, SimilaritySet("none", ())).coverage == 0.0


def test_constant_scores_cosines_and_zero_vectors_are_not_measured():
    hand = SimilaritySet("hand", PAIRS)
    collapsed = circle(a=5, b=5, c=5, d=5, e=5)
    assert "same cosine" in measure(collapsed, hand).reason
    same = SimilaritySet("same", tuple((a, b, 3.0) for a, b, _ in PAIRS))
    assert "same" in measure(VECTORS, same).reason
    zero = Embeddings(list("abcde"), np.r_[np.random.default_rng(0).normal(size=(4, 2)), [[0, 0]]])
    result = measure(zero, hand)
    assert (result.value, result.reason) == (None, "all-zero vectors: e")


def test_seeded_interval_around_the_value():
    rng = np.random.default_rng(0)
    vectors = Embeddings([f"w{i}" for i in range(200)], rng.normal(size=(200, 5)))
    pairs = tuple(
        (f"w{i}", f"w{i + 1}", vectors.cosine(f"w{i}", f"w{i + 1}") + rng.normal() / 2)
        for i in range(0, 200, 2)
    )
    one, again = (measure(vectors, SimilaritySet("x", pairs), seed=1) for _ in range(2))
    assert one == again
    assert one.interval[0] < one.value < one.interval[1]
    assert measure(vectors, SimilaritySet("x", pairs), bootstrap=0).interval == (None, None)


@pytest.mark.parametrize(
    ("name", "content", "pairs"),
    [
        (
            "a.csv",
            '\ufeffword1,word2,score\ncat,dog,7.5\n\n"a,b",c,1\n',
            (("cat", "dog", 7.5), ("a,b", "c", 1.0)),
        ),
        # a hyphen is a tag only where all words have one
        (
            "a.txt",
            "love-n sex 1\nvis-a cat-n 2\n",
            (("love-n", "sex", 1.0), ("vis-a", "cat-n", 2.0)),
        ),
        ("a.tsv", "ko\u0308nig\tcafe\u0301\t1\n", (("könig", "café", 1.0),)),
    ],
)
def test_files_are_read_as_they_are_meant(tmp_path, name, content, pairs):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert load_similarity(path) == SimilaritySet("a", pairs)
    assert similarity_sets_in(path).sets == (load_similarity(path),)  # a folder of one


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"first,second,sim\na,b,1\n", "word1,word2,score"),
        (b"", "word1,word2,score"),
        (b"word1,word2,score\n", "no word pairs"),
        (b"word1,word2,score\na,b,1\na,b,high\n", "row 3 .*'a,b,high'.*two words and a number"),
        (b"word1,word2,score\na,b\n", "two words and a number"),
        (b"word1,word2,score\na,,2\n", "two words and a number"),
        (b"word1,word2,score\na,b,nan\n", "two words and a number"),
        (b"word1,word2,score\n\xff\xfe,b,1\n", "not UTF-8"),
    ],
)
def test_bad_csv_is_one_clear_sentence(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_similarity(path)


RATERS = ",".join(str(n) for n in range(1, 14))
PUBLISHED = {
    "combined.csv": "Word 1,Word 2,Human (mean)\nlove,sex,6.77\ntiger,cat,7.35\n",  # WordSim-353
    "combined.tab": "Word 1\tWord 2\tHuman (mean)\r\nlove\tsex\t6.77\r\ntiger\tcat\t7.35\r\n",
    "set1.csv": f"Word 1,Word 2,Human (Mean),{RATERS}\nlove,sex,6.77,{RATERS}\n"
    f"tiger,cat,7.35,{RATERS}",
    "agreed.txt": "# type\tw1\tw2\tscore\n#\ni\tlove\tsex\t6.77\nS\ttiger\tcat\t7.35\n",
    "goldstandard.txt": "love\tsex\t6.77\ntiger\tcat\t7.35\n",  # Agirre's halves of WordSim
    "SimLex-999.txt": "word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tSD(SimLex)\n"
    "love\tsex\tN\t6.77\t2.72\t2.81\t0.41\ntiger\tcat\tN\t7.35\t1.75\t2.46\t0.67\n",
    "MEN_natural": "love sex 6.770000\ntiger cat 7.350000\n",
    "MEN_lemma": "love-n sex-v 6.770000\ntiger-n cat-j 7.350000\n",
    "rg65.csv": "love;sex;6.77\ntiger;cat;7.35\n",
    "EN-RG-65.txt": "love\tsex\t6.77\t\ntiger\tcat\t7.35\t\n",
    "MTurk-771.csv": "love,sex,6.77\ntiger,cat,7.35\n",
    "rw.txt": "love\tsex\t6.77\t5\t8\ntiger\tcat\t7.35\t7\t8\n",  # raters behind the mean
    "SimVerb-3500.txt": "love\tsex\tV\t6.77\tNONE\ntiger\tcat\tV\t7.35\tSYNONYMS\n",
    "numbered.csv": "1,love,sex,6.77\n2,tiger,cat,7.35\n",
    "pandas.csv": ",word1,word2,similarity\n0,love,sex,6.77\n1,tiger,cat,7.35\n",
    "bom.csv": "\ufeffword1;word2;mean\nlove;sex;6.77\n\ntiger;cat;7.35\n",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_layouts_of_published_sets(tmp_path, name):
    path = tmp_path / name
    path.write_text(PUBLISHED[name], encoding="utf-8", newline="")
    expected = (("love", "sex", 6.77), ("tiger", "cat", 7.35))
    assert load_similarity(path).pairs == expected
    assert [each.pairs for each in similarity_sets_in(tmp_path).sets] == [expected]


@pytest.mark.parametrize(
    "content",
    [
        "hello world\nthis is a poem\n",
        "the 0.1 0.2 0.3\nof 0.2 0.3 0.1\n",  # vectors
        "3 3\nthe 0.1 0.2 0.3\n",
        ": capitals\nAthens Greece Oslo Norway\n",  # analogies
        ",type,word1,word2,word3,target\n0,capitals,Athens,Greece,Oslo,Norway\n",
        "word1,word2,target\na,b,c\n",
        "love\tsex\tV\nlove\tsex\tV\n",
        "love sex hate 6.77\ntiger cat dog 7.35\n",
        "love,sex,6.77\ntiger,cat,none\n",
    ],
)
def test_what_is_no_set_is_skipped_in_a_folder_and_refused_alone(tmp_path, content):
    (tmp_path / "x.txt").write_text(content)
    (tmp_path / "set.csv").write_text("word1,word2,score\na,b,1\n")
    assert [each.name for each in similarity_sets_in(tmp_path).sets] == ["set"]
    with pytest.raises(UserError, match=r"starts with .*allowed: a CSV file with the header"):
        load_similarity(tmp_path / "x.txt")


def test_every_set_of_a_folder_and_what_was_skipped(tmp_path):
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text("word1,word2,score\ncat,dog,7.5\n")
    (tmp_path / "c.txt").write_text("Word1, Word2 ,SCORE,notes\ncat,dog,7.5,x\n")
    (tmp_path / "README.md").write_text("# sets")
    (tmp_path / "other.csv").write_text("first,second,sim\na,b,1\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "raw").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder").mkdir()
    (tmp_path / ".hidden.csv").write_text("word1,word2,score\ncat,dog,7.5\n")
    found = similarity_sets_in(tmp_path)
    assert [each.name for each in found.sets] == ["a", "b", "c"]
    assert [each.name for each in found.skipped] == ["README.md", "empty", "other.csv", "raw"]
    assert {each.reason for each in found.skipped} == {"no header word1,word2,score"}


def test_what_is_not_there_or_damaged_is_refused(tmp_path):
    assert similarity_sets_in("SimLex-999").sets[0].name == "SimLex-999"
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.csv").write_text("word1,word2,score\ncat,dog,high\n")
    for read, path, says in (
        (load_similarity, "SimLex-99", "did you mean 'SimLex-999'"),
        (load_similarity, tmp_path, "cannot read"),
        (
            similarity_sets_in,
            tmp_path / "empty",
            "holds no similarity set; allowed: CSV files",
        ),
        (similarity_sets_in, tmp_path, "row 2 of .*two words and a number"),
        (similarity_sets_in, tmp_path / "nothing", "no similarity set or file"),
    ):
        with pytest.raises(UserError, match=says):
            read(path)


def test_the_shared_sets_are_all_read():
    shared = Path(__file__).resolve().parents[2] / "shared" / "data" / "similarity"
    if not shared.exists():
        pytest.skip(f"the shared sets are absent: {shared}")
    found = similarity_sets_in(shared)
    assert len(found.sets) == 14
    sizes = {each.name: len(each.pairs) for each in found.sets}
    assert (sizes["men3000"], sizes["simverb3500"], sizes["mc30"]) == (3000, 3500, 30)
    assert "msr_vecto.csv" in [each.name for each in found.skipped]
