"""``lexicon list | show | check`` and the checks of lists against vectors."""

import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest

from debiaslab.lexicons import attributes, load, load_pairs, names, pair_names
from debiaslab.metrics.collapse import ListChecker, mean_pairwise_cosine
from debiaslab.vectors.embeddings import Embeddings
from tests.command_line import call, refused

Capture = pytest.CaptureFixture[str]
OWN = {
    "name": "my_lists",
    "citation": "Nobody (2026)",
    "words": {"tools": {"words": ["hammer", "saw", "Stanley"]}},
    "pairs": {"ages": {"pairs": [["young", "old"]]}},
}


@pytest.fixture(scope="module")
def noise() -> Embeddings:
    """Every listed word but the lower half of the careers, and 300 fillers, at random."""
    listed = [word for name in names() for word in load(name).words]
    listed += [word for name in pair_names() for pair in load_pairs(name).pairs for word in pair]
    lost = set(load("career").half("report"))
    words = [w for w in dict.fromkeys(listed) if w not in lost] + [f"w{i}" for i in range(300)]
    return Embeddings(words, np.random.default_rng(0).normal(size=(len(words), 30)))


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "mine.json").write_text(json.dumps(OWN), encoding="utf-8")
    return str(tmp_path / "mine.json")


@pytest.fixture
def vectors(tmp_path: Path, noise: Embeddings) -> str:
    return str(noise.save(tmp_path / "noise.txt"))


# list and show --------------------------------------------------------------------------------


def test_list_names_every_list_with_its_size_and_source(capfd):
    said = call(capfd, "lexicon", "list")
    assert said.code == 0
    first = {line.split()[0] for line in said.out.splitlines() if line.strip()}
    assert {*names(), *pair_names()} <= first
    for attribute in attributes():
        assert f"attribute {attribute.name}" in said.out
    assert "male_names" in said.out
    assert "Kantrowitz (1994)" in said.out
    assert said.out.count("Caliskan, Bryson and Narayanan (2017), Semantics") == 1
    assert max(map(len, said.out.splitlines())) <= 100


def test_show_holds_both_halves_source_licence_and_version(capfd):
    out = call(capfd, "lexicon", "show", "male_names").out
    assert "male_names: 8 names of people" in out
    assert "tune (4)          John, Paul, Greg, Bill" in out
    assert "report (4)        Mike, Kevin, Steve, Jeff" in out
    assert "Caliskan" in out
    assert "licence" in out
    assert load("male_names").version in out


def test_show_pairs_attribute_and_long_lists(capfd):
    out = call(capfd, "lexicon", "show", "definitional_pairs", "race", "gender_specific").out
    assert "report (5)" in out
    assert "attribute race: black, caucasian, asian" in out
    assert "stereotyped:" in out
    assert "tune sets (0)     –" in out
    assert max(map(len, out.splitlines())) <= 100
    for word in load("gender_specific").cased:
        assert word in out


def test_lists_of_the_user(own, capfd):
    out = call(capfd, "lexicon", "list", "--file", own).out
    assert "my_lists 1: Nobody (2026)" in out
    assert "tools" in out
    assert "male_names" not in out
    assert "Stanley" in call(capfd, "lexicon", "show", "tools", "--file", own).out


# check ----------------------------------------------------------------------------------------


def test_check_everything(vectors, capfd):
    started = time.perf_counter()
    said = call(capfd, "lexicon", "check", "--vectors", vectors)
    assert time.perf_counter() - started < 5
    assert said.code == 0
    rows = {line.split()[0]: line.split() for line in said.out.splitlines() if line.strip()}
    assert rows["career"][1:4] == ["4/8", "4/4", "0/4"]
    assert rows["family"][1:4] == ["8/8", "4/4", "4/4"]
    assert rows["male_names"][1:4] == ["8/8", "4/4", "4/4"]  # lower-cased there
    assert rows["gender_pairs"][1:4] == ["28/28", "14/14", "14/14"]
    assert "missing of career: " in said.out
    assert "warning: career: 0 of 4 in report; a half is measured from 4 words on" in said.out
    assert "warning: family" not in said.out
    assert max(map(len, said.out.splitlines()[1:])) <= 110


def test_check_what_is_named(vectors, own, capfd):
    out = call(capfd, "lexicon", "check", "religion", "career", "--vectors", vectors).out
    assert "religion_muslim_stereotypes" in out
    assert "sets of religion" in out
    assert f"missing of career: {', '.join(load('career').half('report'))}" in out
    assert "family" not in out
    out = call(capfd, "lexicon", "check", "--vectors", vectors, "--file", own).out
    assert "missing of tools: hammer, saw, Stanley" in out
    assert "career" not in out
    assert "missing of ages: young/old" in out


def test_coherence_tells_a_topic_from_random_words(noise):
    vectors = noise.vectors.copy()
    family = load("family_extended")
    rows = [noise.index[word] for word in family.words]
    vectors[rows] += 2.0
    checker = ListChecker(Embeddings(noise.words, vectors))
    topic, chance = checker.words(family), checker.words(load("math_extended"))
    assert topic.coherence is not None
    assert topic.random is not None
    assert topic.coherence > 0.5 > topic.random[1]
    assert chance.coherence is not None
    assert chance.random is not None
    assert abs(chance.coherence) < 0.05
    again = ListChecker(Embeddings(noise.words, vectors))
    assert again.words(family) == topic


def test_mean_pairwise_cosine_equals_the_mean_over_pairs():
    unit = np.random.default_rng(1).normal(size=(7, 5))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    pairs = [float(a @ b) for a, b in itertools.combinations(unit, 2)]
    assert mean_pairwise_cosine(unit.astype(np.float32)) == pytest.approx(np.mean(pairs), abs=1e-6)


def test_capitals_zero_vectors_and_too_few_words():
    words = ["Bill", "bill", "john", "Paul"]
    embeddings = Embeddings(words, np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32))
    check = ListChecker(embeddings).words(load("male_names"))
    assert check.found == ("john", "Paul", "Bill")
    assert check.missing == ("Mike", "Kevin", "Steve", "Greg", "Jeff")
    assert check.ranks == (2, 3, 4) or check.ranks == (2, 3, 3)
    assert check.coherence == pytest.approx(np.sqrt(0.5), abs=1e-6)  # Bill's zeros have no cosine
    assert check.random is not None
    assert check.halves == {"tune": (3, 4), "report": (0, 4)}
    (warning,) = check.warnings
    assert warning.startswith("male_names: 3 of 4 in tune and 0 of 4 in report")
    nothing = ListChecker(embeddings).words(load("career"))
    assert (nothing.ranks, nothing.coherence, nothing.random) == (None, None, None)
    single = ListChecker(Embeddings(["john"], np.ones((1, 2)))).words(load("male_names"))
    assert (single.found, single.coherence, single.random) == (("john",), None, None)


# refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lst"], "ACTION was 'lst'; allowed: list, show, check; did you mean"),
        (["show"], "show was given no name"),
        (["show", "carreer"], "called 'carreer'; did you mean 'career'"),
        (["list", "career"], "list takes no name, and was given 'career'"),
        (["check", "career"], "check needs --vectors"),
        (["list", "--vectors", "x.kv"], "--vectors is for check only"),
        (["check", "carreer", "--vectors", "x.kv"], "did you mean 'career'"),
        (["check", "--vectors", "none.kv"], "none.kv"),
        (["list", "--file", "none.json"], "the lexicon file none.json cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(words, sentence, capfd):
    assert sentence in refused(capfd, "lexicon", *words).sentence
