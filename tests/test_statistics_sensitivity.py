"""Changing what defines a number: another pair for he/she, a word or a set less of an attribute."""

import json

import numpy as np
import pytest

from debiaslab.lexicons import attribute, load, load_file, load_pairs
from debiaslab.lexicons.tables import load_sembias
from debiaslab.metrics import direct_bias, ect, evaluate, mac, weat
from debiaslab.metrics.lipstick import kmeans_alignment
from debiaslab.metrics.neighbor_bias import biased_words, neighbor_bias, neighbor_shares
from debiaslab.metrics.reliability import (
    attribute_sensitivity,
    internal_consistency,
    list_consistency,
    pair_sensitivity,
    weat_sensitivity,
)
from debiaslab.metrics.rnsb import PLEASANT, UNPLEASANT
from debiaslab.metrics.sembias import sembias, words_of
from debiaslab.vectors.embeddings import Embeddings

DIM = 12
DEFINITIONAL = load_pairs("definitional_pairs")
SHARES = ("definition", "stereotype", "none")
HE_SHE = {
    *(("sembias", prefix + share) for prefix in ("", "held_out_") for share in SHARES),
    *(("lipstick", test) for test in ("kmeans_alignment", "svm_recovery", "profession_neighbors")),
}
AGE = {
    "citation": "a test",
    "attributes": {
        "age": {
            "classes": {
                "young": ["young", "youth", "teenager", "junior", "youthful", "boyish"],
                "old": ["old", "elderly", "senior", "aged", "elder"],
            },
            "definitional_sets": [
                ["young", "old"],
                ["youth", "elder"],
                ["junior", "senior"],
                ["teen", "gone"],
            ],
            "stereotypes": {
                "young": ["energetic", "reckless", "modern", "careless", "trendy"],
                "old": ["wise", "frail", "slow", "forgetful", "traditional"],
            },
        }
    },
}  # fmt: skip


def english(seed=0, noise=1.0):
    """Random vectors in which every definitional pair differs along one axis, and ``noise``."""
    rng = np.random.default_rng(seed)
    pairs = DEFINITIONAL.pairs
    words = [word for pair in pairs for word in pair]
    words += [word for row in load_sembias().rows for word in words_of(row)]
    words += ["".join(letters) for letters in rng.choice([*"abcdefg"], (900, 7))]
    words = list(dict.fromkeys([*words, *load("occupations").words]))
    rows = rng.normal(size=(len(words), DIM))
    for i in range(len(pairs)):
        rows[2 * i + 1] = rows[2 * i] + noise * rng.normal(size=DIM)
        rows[2 * i, 0], rows[2 * i + 1, 0] = 3.0, -3.0
    return Embeddings(words, rows)


@pytest.fixture(scope="module")
def vectors():
    return english()


def found(embeddings, half="all", baseline=None):
    return {
        (each.metric, each.name): each.result
        for each in pair_sensitivity(embeddings, half, baseline)
        if each.change == "in the place of he/she"
    }


def test_numbers_of_he_and_she_are_those_of_the_scorecard(vectors):
    debiased = english(noise=2.0)
    results = found(debiased, "report", vectors)
    assert set(results) == HE_SHE
    groups = ["geometry", "lipstick"]
    card = evaluate(debiased, baseline=vectors, groups=groups, bootstrap=0)
    others = ["/".join(pair) for pair in DEFINITIONAL.half("report") if pair != ("he", "she")]
    for (metric, name), result in results.items():
        half = "all" if name in ("kmeans_alignment", "svm_recovery") else "report"
        assert result.value == pytest.approx(card.value(metric, name, half), abs=1e-12), name
        assert [each.item for each in result.without] == others
        assert result.low <= min(each.value for each in result.without)
    assert others


def test_each_value_is_the_metric_with_that_pair(vectors):
    results = found(vectors)
    rows, professions = load_sembias().half("all"), load("occupations").words
    for place in (0, 4):
        pair = tuple(results["sembias", "none"].without[place].item.split("/"))
        assert pair in DEFINITIONAL.pairs
        shares = sembias(vectors, rows, pair=pair, bootstrap=0)
        for name in ("definition", "stereotype", "none"):
            assert results["sembias", name].without[place].value == getattr(shares, name)
        biased = biased_words(vectors, pair=pair)
        aligned = results["lipstick", "kmeans_alignment"].without[place].value
        assert aligned == pytest.approx(kmeans_alignment(vectors, biased).value, abs=0.02)  # seeds
        near = neighbor_shares(vectors, vectors, biased, professions, pair=pair)
        r = neighbor_bias(near, permutations=0, bootstrap=0).value
        assert results["lipstick", "profession_neighbors"].without[place].value == r
    values = [each.value for each in results["sembias", "none"].without]
    assert len(set(values)) > 1


def test_pairs_of_one_difference_give_one_value():
    for key, result in found(english(noise=0.0)).items():
        values = [each.value for each in result.without]
        assert values == pytest.approx([result.value] * 9), key
        assert (result.low, result.high) == pytest.approx((result.value, result.value)), key


def test_a_pair_that_the_vectors_lack_is_not_tried(vectors):
    kept = [i for i, word in enumerate(vectors.words) if word not in ("woman", "john")]
    less = Embeddings([vectors.words[i] for i in kept], vectors.vectors[kept])
    for result in found(less).values():
        assert result.missing == ("man/woman", "john/mary")
        assert len(result.without) == 7
    assert all(result.missing for result in found(vectors, baseline=less).values())


def test_without_he_or_another_pair_there_is_a_reason(vectors):
    kept = [i for i, word in enumerate(vectors.words) if word != "he"]
    less = Embeddings([vectors.words[i] for i in kept], vectors.vectors[kept])
    for result in found(less).values():
        assert result.value is None
        assert result.reason.startswith("the pair he : she has 1 of 2 words in the vectors")
    women = {pair[1] for pair in DEFINITIONAL.pairs} - {"she"}
    kept = [i for i, word in enumerate(vectors.words) if word not in women]
    alone = Embeddings([vectors.words[i] for i in kept], vectors.vectors[kept])
    result = found(alone)["sembias", "none"]
    assert result.value is not None
    assert (result.without, result.low, result.reason) == ((), None, "no other pair gives a value")


# Attributes -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def age(tmp_path_factory):
    file = tmp_path_factory.mktemp("lexicon") / "age.json"
    file.write_text(json.dumps(AGE))
    return load_file(file).attributes["age"]


def space_of(subject, seed=0):
    """Random vectors of the words of an attribute but *gone*, of sentiment, and of occupations."""
    lists = [*subject.classes.values(), *subject.stereotypes.values()]
    words = [word for each in lists for word in each.cased]
    words += [word for each in (*subject.definitional_sets, *subject.targets) for word in each]
    words = dict.fromkeys([*words, *PLEASANT, *UNPLEASANT, *load("occupations").words])
    words.pop("gone", None)
    rows = np.random.default_rng(seed).normal(size=(len(words), DIM)) + 0.6
    return Embeddings(list(words), rows)


def sensitivity_of(embeddings, subject):
    found = attribute_sensitivity(embeddings, subject)
    return {(each.metric, each.name): each.result for each in found}


@pytest.mark.parametrize("name", ["age", "race", "religion", "ethnicity"])
@pytest.mark.parametrize("half", ["all", "tune"])
def test_every_number_of_an_attribute_is_that_of_the_scorecard(name, half, age):
    subject = age if name == "age" else attribute(name)
    vectors = space_of(subject)
    card = evaluate(vectors, attributes=[subject], groups=["weat", "attributes"], bootstrap=0)
    results = attribute_sensitivity(vectors, subject, half)
    records = [r for r in card.records if r.words == half and r.name.split()[0] == name]
    assert {(r.metric, r.name) for r in records} == {(r.metric, r.name) for r in results}
    assert len(results) == len(records)
    for each in results:
        value = card.value(each.metric, each.name, half)
        if each.number == "statistic":
            assert each.metric == "weat"
            value = card.statistic(each.name, half)
        assert each.result.value == pytest.approx(value, abs=1e-12)
        assert (each.result.value is None) == (not each.result.without)
        assert (each.result.low is None) == (each.result.reason is not None)
        if half == "all" and (name, each.name) != ("race", "race stereotypes"):  # two sets of three
            assert each.result.low < each.result.high


def test_direction_metrics_of_two_classes_are_without_each_pair(age):
    vectors = space_of(age)
    results = sensitivity_of(vectors, age)
    pairs, words = age.definitional_sets, age.half("all").stereotypes
    for metric in ("direct_bias", "bias_by_projection", "ripa", "ripa_normalised"):
        items = [each.item for each in results[metric, "age"].without]
        assert items == ["young/old", "youth/elder", "junior/senior"]
        assert results[metric, "age"].missing == ("teen/gone",)
    without = direct_bias(vectors, [*words["young"], *words["old"]], pairs[1:], bootstrap=0)
    assert results["direct_bias", "age"].without[0].value == without.value
    assert len(results["indirect_bias", "age old"].without) == 3


def test_group_metrics_are_without_each_word_of_a_class(age):
    vectors, words = space_of(age), age.half("all")
    results = sensitivity_of(vectors, age)
    listed = [*words.classes["young"], *words.classes["old"]]
    held = [*words.stereotypes["young"], *words.stereotypes["old"]]
    old = [word for word in words.classes["old"] if word != "aged"]
    less = {"young": words.classes["young"], "old": old}
    for metric in ("same", "rnd_norm", "rnd_cosine", "mac", "ect", "sc_weat", "rnsb", "weat"):
        assert [each.item for each in results[metric, "age"].without] == listed
    place = listed.index("aged")
    assert results["ect", "age"].without[place].value == ect(vectors, held, less, bootstrap=0).value
    X, Y = words.stereotypes.values()
    s = weat(vectors, X, Y, *less.values(), permutations=0, bootstrap=0).statistic
    assert results["weat", "age"].without[place].value == s
    assert weat_sensitivity(vectors, age.test).result == results["weat", "age"]
    # MAC is a mean over the words of each class: leaving out one at a time gives it on average.
    for listed in words.classes.values():
        values = [each.value for each in results["mac", "age"].without if each.item in listed]
        assert np.mean(values) == pytest.approx(results["mac", "age"].value)


def test_the_mac_of_stereotypes_is_without_each_set_of_targets():
    religion = attribute("religion")
    vectors, words = space_of(religion), religion.half("all")
    results = sensitivity_of(vectors, religion)
    result = results["mac", "religion stereotypes"]
    assert [each.item for each in result.without] == ["/".join(each) for each in words.targets]
    left = [word for each in words.targets if each[0] != "torah" for word in each]
    assert result.without[3].value == mac(vectors, left, words.stereotypes, bootstrap=0).value
    assert "sc_weat" not in {metric for metric, _ in results}  # three classes have no direction


def test_the_lists_of_an_attribute_have_a_consistency(age):
    vectors = space_of(age)
    found = list_consistency(vectors, "all", [age, attribute("religion")])
    words, pairs = age.half("all"), list(age.definitional_sets)
    assert [name for name in found if " " in name] == ["age young", "age old"]  # two classes only
    assert found["age old"] == internal_consistency(vectors, words.stereotypes["old"], pairs)
    assert found["age old"].n_pairs == 3
    occupations = load("occupations").words
    own = internal_consistency(english(), occupations, DEFINITIONAL.pairs)
    assert list_consistency(english())["occupations"] == own
    assert own.words is not None


def test_what_is_not_left_without_one_says_why(tmp_path):
    few = {
        "citation": "a test",
        "attributes": {
            "size": {
                "classes": {"big": ["big", "large"], "small": ["small", "tiny"]},
                "definitional_sets": [["big", "small"], ["large", "tiny"]],
            }
        },
    }
    (tmp_path / "size.json").write_text(json.dumps(few))
    size = load_file(tmp_path / "size.json").attributes["size"]
    results = {each.metric: each.result for each in attribute_sensitivity(space_of(size), size)}
    for metric, reason in (
        ("same", "needs 2"),
        ("direct_bias", "1 of 1 definitional pairs have both words"),
    ):
        assert results[metric].value is not None
        assert results[metric].reason.startswith("no value is left without one: ")
        assert reason in results[metric].reason
    assert "needs 4" in results["sc_weat"].reason
    assert results["rnsb"].reason is not None
