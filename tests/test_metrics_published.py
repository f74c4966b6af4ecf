"""Published and independently measured numbers on real vectors (``make reference-vectors``)."""

import json

import pytest

from debiaslab.lexicons import association_test, load, load_pairs
from debiaslab.metrics import (
    direct_bias,
    evaluate,
    load_similarity,
    sc_weat,
    weat,
    word_similarity,
)
from experiments.oracle.reference_vectors import WEFE_LISTS
from tests.reference import bolukbasi, google_news, reference, reference_numbers

SETS = {
    "WEAT1": ("flowers", "insects", "pleasant_5", "unpleasant_5a"),
    "WEAT2": ("instruments", "weapons", "pleasant_5", "unpleasant_5a"),
    "WEAT3": (
        "european_american_names_5",
        "african_american_names_5",
        "pleasant_5",
        "unpleasant_5b",
    ),
    "WEAT6": ("male_names", "female_names", "career", "family"),
    "WEAT7": ("math", "arts", "male_terms", "female_terms"),
}


@pytest.mark.parametrize("test", list(SETS))
def test_weat_of_google_news(test):
    expected = reference_numbers()["weat_on_wefe_test_model"][test]
    lists = json.loads(reference(WEFE_LISTS).read_text())
    sets = [lists[name] for name in SETS[test]]
    result = weat(google_news(), *sets)
    assert list(result.n) == expected["n"]
    assert result.effect_size == pytest.approx(expected["effect_size_ddof1"], abs=1e-5)
    assert round(result.effect_size, 2) == expected["published_word2vec_d"]
    population = weat(google_news(), *sets, ddof=0, permutations=0, bootstrap=0)
    assert population.effect_size == pytest.approx(expected["effect_size_ddof0"], abs=1e-5)
    X, Y, A, B = sets
    sums = [
        sum(word.statistic for word in sc_weat(google_news(), each, A, B, permutations=0).words)
        for each in (X, Y)
    ]  # their statistic is a difference of sums, ours of means
    total = expected["statistic_mean_difference_sum"]
    assert sums[0] - sums[1] == pytest.approx(total, abs=1e-5)
    means = sums[0] / result.n[0] - sums[1] / result.n[1]
    assert result.statistic == pytest.approx(means, abs=1e-9)
    assert result.method == expected["p_method"].partition("_seed")[0]
    for p, other in ((result.p, "p_one_sided"), (result.p_two_sided, "p_two_sided")):
        if result.method == "exact" or expected[other] < 1e-4:  # the floor of 99,999 draws
            assert p == pytest.approx(expected[other], rel=1e-4)
        else:  # two Monte Carlo tests of 100,000 draws
            assert p == pytest.approx(expected[other], abs=1e-3)


@pytest.mark.parametrize("name", ["1", "2", "3", "6", "7"])
def test_our_lists_give_the_published_effects_in_cased_vectors(name):
    expected = reference_numbers()["weat_on_wefe_test_model"][f"WEAT{name}"]
    sets = association_test(name).half("all")
    result = weat(google_news(), *sets, permutations=0, bootstrap=0)
    assert list(result.n) == expected["n"]
    assert result.effect_size == pytest.approx(expected["effect_size_ddof1"], abs=1e-5)


@pytest.mark.parametrize("name", ["WordSim-353", "SimLex-999"])
def test_similarity_of_bolukbasi_vectors(name):
    expected = reference_numbers()["spearman_on_bolukbasi"]
    result = word_similarity(bolukbasi(), load_similarity(name))
    assert result.value == pytest.approx(expected[name], abs=expected["tolerance"])


def test_direct_bias_of_bolukbasi_vectors():
    expected = reference_numbers()["direct_bias_on_bolukbasi"]["neutral_professions"]
    pairs = load_pairs("definitional_pairs").pairs
    result = direct_bias(bolukbasi(), load("occupations").words, pairs)
    assert (result.n, result.pairs) == (expected["n"], 10)
    assert result.value == pytest.approx(expected["value"], abs=1e-5)


def test_scorecard_finds_the_published_biases():
    card = evaluate(google_news())
    assert card.value("weat", "7", "all") == pytest.approx(0.97, abs=0.005)
    assert card.value("weat", "8", "all") == pytest.approx(1.24, abs=0.005)
    for test in ("career-family", "science-arts", "math-arts", "occupations"):
        record = card.record("weat", test, "all")
        assert record.p < 0.01
        assert record.value > 0.9


def test_no_reference_number_is_without_a_test():
    """A number that is added to the file fails here until a test looks at it."""
    words = {"readme", "inputs", "note_weat"}
    numbers = {name: each for name, each in reference_numbers().items() if name not in words}
    of_weat = {
        *("n", "effect_size_ddof1", "effect_size_ddof0", "statistic_mean_difference_sum"),
        *("p_one_sided", "p_two_sided", "p_method", "published_word2vec_d"),
    }
    found = {name: set(each) for name, each in numbers.pop("weat_on_wefe_test_model").items()}
    assert found == dict.fromkeys(SETS, of_weat)
    assert {name: set(each) for name, each in numbers.items()} == {
        "mac_cosine_distance_on_wefe_test_model": {"query", "value"},
        "rnd_norm_on_wefe_test_model": {"query", "value"},
        "direct_bias_on_bolukbasi": {"neutral_professions", "direction"},
        "indirect_bias_on_bolukbasi_softball": {
            *("receptionist", "bookkeeper", "pitcher", "tolerance")
        },
        "spearman_on_bolukbasi": {"WordSim-353", "SimLex-999", "tolerance"},
        "lipstick_on_bolukbasi_published_and_measured": {
            *("kmeans_before", "kmeans_after_hard", "svm_before", "svm_after_hard"),
            *("profession_r_before", "profession_r_after_hard"),
            *("published", "tolerance", "protocol"),
        },
    }
