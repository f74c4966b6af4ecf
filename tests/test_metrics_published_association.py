"""Association metrics against published and independently measured numbers on real vectors.

The numbers of WEFE 1.0.1 are those its documentation prints for its test model.
"""

import pytest

from debiaslab.lexicons import load_pairs
from debiaslab.metrics import direct_bias, ect, mac, ripa, rnd, same, sc_weat
from debiaslab.metrics.rnsb import rnsb
from tests.reference import google_news, reference_numbers

FEMALE = ["female", "woman", "girl", "sister", "she", "her", "hers", "daughter"]
MALE = ["male", "man", "boy", "brother", "he", "him", "his", "son"]
GROUPS = {"female": FEMALE, "male": MALE}
CAREER = [
    *("executive", "management", "professional", "corporation"),
    *("salary", "office", "business", "career"),
]
FAMILY = [
    *("home", "parents", "children", "family"),
    *("cousins", "marriage", "wedding", "relatives"),
]


def test_mac():
    expected = reference_numbers()["mac_cosine_distance_on_wefe_test_model"]["value"]
    result = mac(google_news(), GROUPS, {"family": FAMILY, "career": CAREER})
    assert (result.n, result.groups) == (16, (8, 8))
    assert result.value == pytest.approx(expected, abs=1e-5)


def test_rnd_on_raw_vectors():
    expected = reference_numbers()["rnd_norm_on_wefe_test_model"]["value"]
    assert rnd(google_news(), CAREER, GROUPS, unit=False).value == pytest.approx(expected, abs=1e-5)


def test_rnd_of_the_wefe_documentation():
    raw = rnd(google_news(), FAMILY, GROUPS, unit=False)
    assert raw.value == pytest.approx(0.030381828546524048, abs=1e-6)
    unit = rnd(google_news(), FAMILY, GROUPS)
    assert unit.value == pytest.approx(-0.006278775632381439, abs=1e-6)
    # WEFE subtracts similarities where this subtracts distances: the sign is turned.
    cosine = rnd(google_news(), FAMILY, GROUPS, distance="cosine")
    assert cosine.value == pytest.approx(-0.03643466345965862, abs=1e-6)


def test_ect_of_the_wefe_documentation():
    assert ect(google_news(), FAMILY, GROUPS).value == pytest.approx(0.7619047619047621)


def test_ripa_of_the_wefe_documentation():
    # The numbers it prints are those of the first seven pairs, without daughter and son.
    pairs = list(zip(FEMALE[:7], MALE[:7], strict=True))
    result = ripa(google_news(), FAMILY, pairs, relation="mean")
    assert result.signed == pytest.approx(0.18600442, abs=1e-5)
    words = dict(result.words)
    assert words["home"] == pytest.approx(0.008022693, abs=1e-5)
    assert words["wedding"] == pytest.approx(0.39682359, abs=1e-5)


def test_rnsb_of_the_wefe_documentation():
    """WEFE's solver also shrinks the intercept, by which the third digit differs."""
    result = rnsb(google_news(), GROUPS, FAMILY, CAREER, holdout=0)
    assert result.value == pytest.approx(0.12921977967420623, abs=0.005)
    assert dict(result.probabilities)["daughter"] == pytest.approx(0.1035870893754135, abs=0.02)


def test_unit_ripa_is_direct_bias():
    pairs = load_pairs("definitional_pairs").pairs
    words = [*CAREER, *FAMILY]
    expected = direct_bias(google_news(), words, pairs)
    result = ripa(google_news(), words, pairs, unit=True)
    assert result.value == pytest.approx(expected.value, abs=1e-9)


def test_the_stereotype_shows_in_each_metric():
    both = [*CAREER, *FAMILY]
    words = {each.word: each for each in sc_weat(google_news(), both, MALE, FEMALE).words}
    assert words["marriage"].effect_size < -1
    assert words["marriage"].p_two_sided < 0.05
    careers, families = (
        same(google_news(), each, GROUPS).pairs[0].skew for each in (CAREER, FAMILY)
    )
    assert families > careers  # toward the first group, the female one
