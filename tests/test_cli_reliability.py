"""`reliability`: what it shows, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from debiaslab.lexicons import load, load_pairs
from debiaslab.metrics.reliability import pair_sensitivity
from debiaslab.vectors.embeddings import Embeddings
from tests.command_line import call, refused

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a folder with three seeds of biased vectors, and three of less biased ones."""
    pairs = load_pairs("definitional_pairs").pairs
    male, female = zip(*pairs, strict=True)
    lists = ("occupations", "male_words", "female_words")
    listed = [word for name in lists for word in load(name).words]
    words = list(dict.fromkeys([*male, *female, *listed, *(f"w{i}" for i in range(300))]))
    rng = np.random.default_rng(0)
    base = rng.normal(size=(len(words), 20))
    sides = (load("male_words").words, load("female_words").words)
    gender = np.zeros(len(words))
    for i, word in enumerate(words):
        gender[i] = 4.0 * (
            (word in male or word in sides[0]) - (word in female or word in sides[1])
        )
    leans = np.where(gender == 0, 3 * rng.normal(size=len(words)), gender)
    for kind, size in (("plain", 1.0), ("mild", 0.3)):
        for seed in range(3):
            vectors = base + 0.2 * rng.normal(size=base.shape)
            vectors[:, 0] = np.where(gender == 0, size * leans, gender)
            Embeddings(words, vectors).save(tmp_path / f"{kind}{seed}.npz")
    monkeypatch.chdir(tmp_path)


def test_one_file_has_sensitivity_and_consistency(capfd):
    said = call(capfd, "reliability", "plain0.npz", "--words", "all")
    assert said.code == 0, said.err
    table = said.out.partition("Sensitivity to the definitional pairs")[2]
    rows = table.split("Internal consistency")[0].splitlines()
    for name in ("direct_bias", "ripa", "ripa_normalised", "bias_by_projection"):
        assert any(row.startswith(f"{name} occupations") for row in rows), name
    assert "not measured, indirect_bias occupations_male" in table  # of words that are not alike
    replaced = table.partition("each other definitional pair in the place of he/she")[2]
    assert "lipstick profession_neighbors  plain0.npz" in replaced
    assert "not measured, sembias definition, sembias stereotype" in replaced  # lacks their words
    lists = said.out.partition("Internal consistency")[2].partition("Agreement of")[0]
    alphas = {row.split()[0]: row.split()[5] for row in lists.splitlines()[2:] if row}
    assert {"occupations", "occupations_male", "family_extended"} < set(alphas)
    assert float(alphas["occupations"]) > 0.9  # of the pairs, which differ along one axis
    assert alphas["math_extended"] == "–"
    assert "math_extended, plain0.npz: 0 words and 10 pairs in the vectors: needs 4 and 2" in lists
    assert "Test–retest" not in said.out


def test_a_lexicon_adds_the_sensitivity_of_its_attributes_and_tests(capfd):
    words = load("occupations").words
    lexicon = {
        "citation": "a test",
        "attributes": {"age": {"classes": {"young": words[:5], "old": words[5:11]}}},
        "tests": {
            "t": {"X": words[20:24], "Y": words[24:28], "A": words[28:33], "B": words[33:38]}
        },
    }
    Path("age.json").write_text(json.dumps(lexicon))
    files = ["plain0.npz", "plain1.npz"]
    said = call(
        capfd, "reliability", *files, "--words", "all", "--lexicon", "age.json", "--json", "o.json"
    )
    assert said.code == 0, said.err
    table = said.out.partition("each word of a class, pair or set left out in turn\n")[2]
    rows = [row.split() for row in table.partition("\n\n")[0].splitlines() if "plain0.npz" in row]
    assert [row[:2] for row in rows[:2]] == [["weat", "t,"], ["same", "age"]]
    first, second = json.loads(Path("o.json").read_text())["leave_one_out_of_lexicons"]
    assert {each["metric"] for each in first} == {
        *("weat", "same", "rnd_norm", "rnd_cosine", "mac", "ect", "rnsb", "sc_weat")
    }
    for one, other in zip(first, second, strict=True):
        items = [each["item"] for each in one["result"]["without"]]
        expected = words[28:38] if one["metric"] == "weat" else words[:11]
        assert items == ([] if one["metric"] == "rnsb" else list(expected))  # no sentiment words
        assert one["metric"] == "rnsb" or one["result"]["value"] != other["result"]["value"]
    assert "no attribute" in refused(capfd, "reliability", *files, "--lexicon", "rac").sentence


def test_seeds_are_retested_and_compared_with_a_baseline(capfd):
    mild, plain = ([f"{kind}{seed}.npz" for seed in range(3)] for kind in ("mild", "plain"))
    words = ["reliability", *mild, "--baseline", *plain, "--json", "out.json", "--words", "all"]
    said = call(capfd, *words)
    assert said.code == 0, said.err
    assert "Test–retest reliability" in said.out
    document = json.loads(Path("out.json").read_text())
    assert document["test_retest"]["projection"]["icc"] > 0.8
    assert len(document["leave_one_pair_out"]) == 3
    for found in document["leave_one_pair_out"]:
        by_metric = {each["metric"]: each["result"] for each in found}
        assert by_metric["ripa"]["low"] <= by_metric["ripa"]["high"]
        neighbors = by_metric["lipstick"]  # the last of the three
        assert neighbors["low"] < neighbors["high"]
        assert len(neighbors["without"]) == 9
    first, before = Embeddings.load(mild[0]), Embeddings.load(plain[0])  # its labels are from there
    expected = pair_sensitivity(first, "all", before)
    shown = [each["result"]["value"] for each in document["leave_one_pair_out"][0]]
    assert shown == [each.result.value for each in expected]
    assert shown != [each.result.value for each in pair_sensitivity(first, "all")]
    (direct,) = (
        each
        for each in document["paired"]
        if (each["metric"], each["words"]) == ("direct_bias", "all")
    )
    assert direct["result"]["difference"] < 0
    assert direct["result"]["probability_of_improvement"] == 1.0
    assert "warning: with n = 3 the smallest possible p is 0.25" in said.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nofile.npz", "there is no file nofile.npz"),
        ("plain0.npz --words repport", "did you mean 'report'?"),
        ("plain0.npz --baseline mild0.npz mild1.npz", "1 files were to be paired with 2"),
        ("plain0.npz --json .", "is a directory"),
    ],
)
def test_a_slip_is_one_sentence(words, said, capfd):
    assert said in refused(capfd, "reliability", *words.split()).sentence


def test_pairs_that_are_missing_are_counted(capfd):
    whole = Embeddings.load("plain0.npz")
    kept = [i for i, word in enumerate(whole.words) if word not in ("she", "mother")]
    Embeddings([whole.words[i] for i in kept], whole.vectors[kept]).save("less.npz")
    said = call(capfd, "reliability", "plain0.npz", "less.npz", "--words", "all")
    assert "less.npz lacks 2 of the pairs, which therefore play no part: " in said.out
    assert "plain0.npz lacks" not in said.out


def test_what_cannot_be_measured_says_why(capfd):
    Embeddings(["he", "she", "cat"], np.eye(3)).save("few.npz")
    said = call(capfd, "reliability", "few.npz", "few.npz")
    assert said.code == 0
    assert "needs 4" in said.out
    assert "nothing was measured in any file" in said.out
