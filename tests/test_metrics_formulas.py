"""Metrics on published vectors against their papers' formulas, written once more in a few lines.

Nothing of the package but word lists is used for the expected numbers.
"""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import spearmanr

from debiaslab.lexicons import association_tests, load, load_pairs
from debiaslab.lexicons.tables import load_sembias
from debiaslab.metrics import direct_bias, ect, mac, ripa, rnd, same, sc_weat, weat
from debiaslab.metrics.projection import indirect_bias
from debiaslab.metrics.sembias import sembias
from debiaslab.vectors.embeddings import Embeddings
from tests.reference import bolukbasi, google_news

PAIRS = load_pairs("definitional_pairs").pairs
MALE, FEMALE, CAREER, FAMILY, MATH, ARTS, OCCUPATIONS = (
    load(name).words
    for name in ("male_terms", "female_terms", "career", "family", "math", "arts", "occupations")
)
GROUPS = {"female": FEMALE, "male": MALE}
WORDS = {"career": CAREER, "family": FAMILY, "math": MATH, "occupations": OCCUPATIONS}
NONE = {"bootstrap": 0}


@pytest.fixture(params=[google_news, bolukbasi])
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


def test_direct_bias(vectors, words):
    along = abs(unit(vectors, words) @ gender(vectors))
    for c in (0.5, 1, 2):
        result = direct_bias(vectors, words, PAIRS, c=c, **NONE)
        assert result.value == pytest.approx((along**c).mean(), abs=1e-6)


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
