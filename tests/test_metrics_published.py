"""Real vectors against published numbers and against the papers' formulas in a few lines.

Numbers: measured with other code, or printed by the documentation of WEFE 1.0.1 for its test model.
Formulas use nothing of the package but word lists. The vectors: ``make reference-vectors``.
"""

import json
from functools import cache, reduce
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import spearmanr

from debiaslab.lexicons import association_test, association_tests, load, load_pairs, names
from debiaslab.lexicons.tables import load_sembias
from debiaslab.metrics import (
    direct_bias,
    ect,
    evaluate,
    load_similarity,
    mac,
    raw_direct_bias,
    ripa,
    rnd,
    same,
    sc_weat,
    weat,
    word_similarity,
)
from debiaslab.metrics.projection import indirect_bias
from debiaslab.metrics.rnsb import rnsb
from debiaslab.metrics.sembias import sembias, words_of
from debiaslab.vectors.embeddings import Embeddings
from experiments.oracle.reference_vectors import WEFE_LISTS
from tests.reference import bolukbasi, google_news, reference, reference_numbers

SETS = {
    "WEAT1": ["flowers", "insects", "pleasant_5", "unpleasant_5a"],
    "WEAT2": ["instruments", "weapons", "pleasant_5", "unpleasant_5a"],
    "WEAT3": [
        "european_american_names_5",
        "african_american_names_5",
        "pleasant_5",
        "unpleasant_5b",
    ],
    "WEAT6": ["male_names", "female_names", "career", "family"],
    "WEAT7": ["math", "arts", "male_terms", "female_terms"],
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


WEFE_FEMALE = ["female", "woman", "girl", "sister", "she", "her", "hers", "daughter"]
WEFE_MALE = ["male", "man", "boy", "brother", "he", "him", "his", "son"]
WEFE_GROUPS = {"female": WEFE_FEMALE, "male": WEFE_MALE}
WEFE_CAREER = ["executive", "management", "professional", "corporation"]
WEFE_CAREER += ["salary", "office", "business", "career"]
WEFE_FAMILY = ["home", "parents", "children", "family"]
WEFE_FAMILY += ["cousins", "marriage", "wedding", "relatives"]


def wefe_ripa():
    # The numbers WEFE prints are those of the first seven pairs, without daughter and son.
    pairs = list(zip(WEFE_FEMALE[:7], WEFE_MALE[:7], strict=True))
    return ripa(google_news(), WEFE_FAMILY, pairs, relation="mean")


def wefe_rnd(words=WEFE_FAMILY, **knobs):
    return rnd(google_news(), words, WEFE_GROUPS, **knobs).value


def wefe_rnsb():
    return rnsb(google_news(), WEFE_GROUPS, WEFE_FAMILY, WEFE_CAREER, holdout=0)


def similarity(name):
    return word_similarity(bolukbasi(), load_similarity(name)).value


def direct():
    return direct_bias(bolukbasi(), load("occupations").words, PAIRS).value


@pytest.mark.parametrize(
    ("measure", "expected", "tolerance"),
    [
        (
            lambda: (
                mac(
                    google_news(), WEFE_GROUPS, {"family": WEFE_FAMILY, "career": WEFE_CAREER}
                ).value
            ),
            ("mac_cosine_distance_on_wefe_test_model", "value"),
            1e-5,
        ),
        (
            lambda: wefe_rnd(WEFE_CAREER, unit=False),
            ("rnd_norm_on_wefe_test_model", "value"),
            1e-5,
        ),
        (lambda: similarity("WordSim-353"), ("spearman_on_bolukbasi", "WordSim-353"), 1e-3),
        (lambda: similarity("SimLex-999"), ("spearman_on_bolukbasi", "SimLex-999"), 1e-3),
        (lambda: direct(), ("direct_bias_on_bolukbasi", "neutral_professions", "value"), 1e-5),
        # printed by the documentation of WEFE
        (lambda: wefe_rnd(unit=False), 0.030381828546524048, 1e-6),
        (lambda: wefe_rnd(), -0.006278775632381439, 1e-6),
        # it subtracts similarities where this subtracts distances: the sign is turned
        (lambda: wefe_rnd(distance="cosine"), -0.03643466345965862, 1e-6),
        (lambda: ect(google_news(), WEFE_FAMILY, WEFE_GROUPS).value, 0.7619047619047621, 7e-7),
        (lambda: wefe_ripa().signed, 0.18600442, 1e-5),
        (lambda: dict(wefe_ripa().words)["home"], 0.008022693, 1e-5),
        (lambda: dict(wefe_ripa().words)["wedding"], 0.39682359, 1e-5),
        # its solver also shrinks the intercept, by which the third digit differs
        (lambda: wefe_rnsb().value, 0.12921977967420623, 0.005),
        (lambda: dict(wefe_rnsb().probabilities)["daughter"], 0.1035870893754135, 0.02),
    ],
)
def test_a_published_number(measure, expected, tolerance):
    if isinstance(expected, tuple):
        expected = reduce(lambda found, key: found[key], expected, reference_numbers())
    assert measure() == pytest.approx(expected, abs=tolerance)


def test_sizes_of_what_is_published():
    expected = reference_numbers()["direct_bias_on_bolukbasi"]["neutral_professions"]
    direct = direct_bias(bolukbasi(), load("occupations").words, PAIRS, bootstrap=0)
    assert (direct.n, direct.pairs) == (expected["n"], 10)
    attributes = {"family": WEFE_FAMILY, "career": WEFE_CAREER}
    found = mac(google_news(), WEFE_GROUPS, attributes, bootstrap=0)
    assert (found.n, found.groups) == (16, (8, 8))


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


def test_unit_ripa_is_direct_bias():
    pairs = load_pairs("definitional_pairs").pairs
    words = [*WEFE_CAREER, *WEFE_FAMILY]
    expected = direct_bias(google_news(), words, pairs)
    result = ripa(google_news(), words, pairs, unit=True)
    assert result.value == pytest.approx(expected.value, abs=1e-9)


def test_the_stereotype_shows_in_each_metric():
    both = [*WEFE_CAREER, *WEFE_FAMILY]
    words = {each.word: each for each in sc_weat(google_news(), both, WEFE_MALE, WEFE_FEMALE).words}
    assert words["marriage"].effect_size < -1
    assert words["marriage"].p_two_sided < 0.05
    careers, families = (
        same(google_news(), each, WEFE_GROUPS).pairs[0].skew for each in (WEFE_CAREER, WEFE_FAMILY)
    )
    assert families > careers  # toward the first group, the female one


PAIRS = load_pairs("definitional_pairs").pairs
MALE, FEMALE, CAREER, FAMILY, MATH, ARTS, OCCUPATIONS = (
    load(name).words
    for name in ("male_terms", "female_terms", "career", "family", "math", "arts", "occupations")
)
GROUPS = {"female": FEMALE, "male": MALE}
WORDS = {"career": CAREER, "family": FAMILY, "math": MATH, "occupations": OCCUPATIONS}
NONE = {"bootstrap": 0}


@cache
def made_up() -> Embeddings:
    """Random vectors, off centre and of unequal lengths, of the words as the lists write them."""
    rng = np.random.default_rng(0)
    words = [w for name in names() for w in load(name).cased]
    words += [w for row in load_sembias().rows for w in words_of(row)]
    words += [w for pair in PAIRS for w in pair]
    words = list(dict.fromkeys([*words, "football", "businessman", "maestro", "doctor", "nurse"]))
    rows = (rng.normal(size=(len(words), 30)) + 0.3) * rng.uniform(0.5, 2, (len(words), 1))
    return Embeddings(words, rows)


@pytest.fixture(params=[google_news, bolukbasi, made_up])
def vectors(request) -> Embeddings:
    return request.param()


@pytest.fixture(params=WORDS)
def words(request) -> tuple[str, ...]:
    return WORDS[request.param]


def raw(vectors, words):
    return np.array([vectors[word] for word in words if word in vectors], float)


def unit(vectors, words):
    rows = raw(vectors, words)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def known_pairs(vectors):
    """The definitional pairs as the vectors write them: *John* and *Mary* in cased ones."""
    forms = [[pair, tuple(map(str.capitalize, pair))] for pair in PAIRS]
    return [next(form for form in each if set(form) <= set(vectors.words)) for each in forms]


def cosine(x, y):
    return x @ y / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1)


def exactly(vectors, *lists):
    """Whether every word of the lists is there as it is written, or not in another case either."""
    absent = [word for words in lists for word in words if word not in vectors]
    return not any({w.lower(), w.capitalize(), w.upper()} & set(vectors.words) for w in absent)


@pytest.mark.parametrize("test", association_tests(), ids=lambda test: test.name)
def test_weat(vectors, test):
    sets = test.half("all")
    if not exactly(vectors, *sets) or min(len(raw(vectors, each)) for each in sets) < 4:
        pytest.skip("these vectors have too few of its words as they are written")
    x, y, a, b = (unit(vectors, each) for each in sets)
    gx, gy = ((w @ a.T).mean(1) - (w @ b.T).mean(1) for w in (x, y))
    s = gx.mean() - gy.mean()
    for ddof in (0, 1):
        result = weat(vectors, *sets, ddof=ddof, permutations=0, bootstrap=0)
        assert result.statistic == pytest.approx(s, abs=1e-6)
        assert result.effect_size == pytest.approx(s / np.r_[gx, gy].std(ddof=ddof), abs=1e-5)
    result = weat(vectors, *sets, bootstrap=0)
    if result.permutations > 13_000:
        return
    pooled = np.r_[gx, gy]
    chosen = np.array(list(combinations(range(len(pooled)), len(gx))))
    inside = pooled[chosen].sum(1)
    statistics = inside / len(gx) - (pooled.sum() - inside) / len(gy)
    assert result.method == "exact"
    assert result.p == pytest.approx((statistics >= s - 1e-12).mean())
    assert result.p_two_sided == pytest.approx((abs(statistics) >= abs(s) - 1e-12).mean())


def test_sc_weat(vectors, words):
    a, b = unit(vectors, FEMALE), unit(vectors, MALE)
    for ddof in (0, 1):
        result = sc_weat(vectors, words, FEMALE, MALE, ddof=ddof, permutations=0, bootstrap=0)
        for row, word in zip(unit(vectors, words), result.words, strict=True):
            cosines = np.r_[a @ row, b @ row]
            s = (a @ row).mean() - (b @ row).mean()
            assert word.statistic == pytest.approx(s, abs=1e-6)
            assert word.effect_size == pytest.approx(s / cosines.std(ddof=ddof), abs=1e-5)


def test_rnd(vectors, words):
    for form, unit_length in ((raw, False), (unit, True)):
        neutral, first, second = (form(vectors, each) for each in (words, FEMALE, MALE))
        norms = [np.linalg.norm(neutral - each.mean(0), axis=1) for each in (first, second)]
        cosines = [1 - cosine(neutral, each.mean(0)) for each in (first, second)]
        for distance, (to_first, to_second) in (("norm", norms), ("cosine", cosines)):
            result = rnd(vectors, words, GROUPS, distance=distance, unit=unit_length, **NONE)
            assert result.value == pytest.approx((to_first - to_second).mean(), abs=1e-6)


def test_mac(vectors, words):
    attributes = [unit(vectors, each) for each in (FEMALE, MALE, ARTS)]
    expected = np.mean([[1 - (a @ t).mean() for a in attributes] for t in unit(vectors, words)])
    result = mac(vectors, words, {**GROUPS, "arts": ARTS}, **NONE)
    assert result.value == pytest.approx(expected, abs=1e-6)


def test_ect(vectors, words):
    sides = [cosine(unit(vectors, words), unit(vectors, g).mean(0)) for g in (FEMALE, MALE)]
    assert ect(vectors, words, GROUPS, **NONE).value == pytest.approx(spearmanr(*sides).statistic)


def test_same(vectors, words):
    rows = unit(vectors, words)
    female, male, arts = (unit(vectors, each).mean(0) for each in (FEMALE, MALE, ARTS))
    two = abs(cosine(rows, male - female))
    assert same(vectors, words, GROUPS, **NONE).value == pytest.approx(two.mean(), abs=1e-6)
    first, second = male - female, arts - female
    left = second - first * (second @ first) / (first @ first)
    three = two + abs(cosine(rows, left)) * np.linalg.norm(left)
    result = same(vectors, words, {**GROUPS, "arts": ARTS}, **NONE)
    assert result.value == pytest.approx(three.mean(), abs=1e-6)


def test_ripa(vectors, words):
    known = known_pairs(vectors)
    for form, unit_length in ((raw, False), (unit, True)):
        differences = np.array([np.subtract(*form(vectors, pair)) for pair in known])
        axis = np.linalg.svd(differences, full_matrices=False)[2][0]
        along = form(vectors, words) @ (axis * np.sign(axis @ differences.mean(0)))
        result = ripa(vectors, words, PAIRS, unit=unit_length, **NONE)
        assert result.value == pytest.approx(abs(along).mean(), abs=1e-5)
        assert result.signed == pytest.approx(along.mean(), abs=1e-5)


def gender(vectors):
    """First principal component of the centred definitional pairs (Bolukbasi et al. 2016)."""
    pairs = [unit(vectors, pair) for pair in known_pairs(vectors)]
    halves = [each - each.mean(0) for each in pairs]
    return np.linalg.svd(np.concatenate(halves), full_matrices=False)[2][0]


def test_direct_bias_formula(vectors, words):
    along = abs(unit(vectors, words) @ gender(vectors))
    for c in (0.5, 1, 2):
        result = direct_bias(vectors, words, PAIRS, c=c, **NONE)
        assert result.value == pytest.approx((along**c).mean(), abs=1e-6)


def test_raw_direct_bias(vectors, words):
    rows = unit(vectors, words)
    along = [rows @ np.subtract(*unit(vectors, pair)) for pair in known_pairs(vectors)]
    result = raw_direct_bias(vectors, words, PAIRS, **NONE)
    assert result.value == pytest.approx(abs(np.mean(along, axis=0)).mean(), abs=1e-6)


def test_indirect_bias(vectors):
    g = gender(vectors)
    for w, v in (("football", "businessman"), ("football", "maestro"), ("doctor", "nurse")):
        rows = unit(vectors, (w, v))
        without = rows - np.outer(rows @ g, g)
        beta = (rows[0] @ rows[1] - cosine(*without)) / (rows[0] @ rows[1])
        assert indirect_bias(vectors, w, v, PAIRS).value == pytest.approx(beta, abs=1e-5)


def test_sembias(vectors):
    rows = load_sembias().half("all")
    shares = np.zeros(4)
    he_she = np.subtract(*unit(vectors, ("he", "she")))
    for row in rows:
        pairs = [row.definition, row.stereotype, *row.none]
        if all(word in vectors for pair in pairs for word in pair):
            differences = np.array([np.subtract(*unit(vectors, pair)) for pair in pairs])
            shares[np.argmax(cosine(differences, he_she))] += 1
    result = sembias(vectors, rows, **NONE)
    definition, stereotype, *none = shares / shares.sum()
    assert result.n == shares.sum()
    assert (result.definition, result.stereotype) == pytest.approx((definition, stereotype))
    assert result.none == pytest.approx(sum(none))
