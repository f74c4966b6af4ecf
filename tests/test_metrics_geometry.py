"""Gender direction, direct bias and collapse checks."""

import numpy as np
import pytest

from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError
from debiaslab.metrics import collapse, direct_bias, gender_direction

PAIRS = [("he", "she"), ("man", "woman")]

# The pairs differ along the first axis only, the words lean on it by 0.6, 0, −0.8 and 0.6.
BY_HAND = {
    "he": (0.8, 0.6, 0.0),
    "she": (-0.8, 0.6, 0.0),
    "man": (0.6, 0.0, 0.8),
    "woman": (-0.6, 0.0, 0.8),
    "nurse": (-0.8, 0.6, 0.0),
    "table": (0.0, 1.0, 0.0),
    "smith": (3.0, 0.0, 4.0),
    "pilot": (0.6, -0.8, 0.0),
}
WORDS = ["nurse", "table", "smith", "pilot"]


def embeddings_of(vectors):
    return Embeddings(list(vectors), np.array(list(vectors.values())))


@pytest.mark.parametrize("method", ["pca", "mean"])
def test_direction_points_from_female_to_male(method):
    vectors = embeddings_of(BY_HAND)
    direction = gender_direction(vectors, PAIRS, method=method)
    assert direction == pytest.approx([1, 0, 0], abs=1e-6)
    turned = gender_direction(vectors, [(f, m) for m, f in PAIRS], method=method)
    assert turned == pytest.approx([-1, 0, 0], abs=1e-6)


def test_direction_is_the_first_component_of_the_centred_pairs():
    rng = np.random.default_rng(0)
    words = [f"{side}{i}" for i in range(6) for side in "mf"]
    vectors = Embeddings(words, rng.normal(size=(12, 10)))
    direction = gender_direction(vectors, [(f"m{i}", f"f{i}") for i in range(6)])
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    male, female = unit[0::2].astype(float), unit[1::2].astype(float)
    centre = (male + female) / 2
    stacked = np.concatenate([male - centre, female - centre])
    first = np.linalg.eigh(stacked.T @ stacked)[1][:, -1]
    assert abs(direction @ first) == pytest.approx(1, abs=1e-6)
    assert direction @ (male - female).sum(axis=0) > 0
    assert np.linalg.norm(direction) == pytest.approx(1)


def test_direct_bias_by_hand():
    # |cos| with the first axis: .8, 0, .6, .6, mean .5; squared: .64, 0, .36, .36, mean .34.
    vectors = embeddings_of(BY_HAND)
    result = direct_bias(vectors, WORDS, PAIRS)
    assert result.value == pytest.approx(0.5, abs=1e-6)
    assert (result.n, result.pairs, result.missing, result.reason) == (4, 2, (), None)
    assert result.interval[0] < 0.5 < result.interval[1]
    assert result == direct_bias(vectors, [*WORDS, "table"], PAIRS)
    assert direct_bias(vectors, WORDS, PAIRS, c=2).value == pytest.approx(0.34, abs=1e-6)
    assert direct_bias(vectors, WORDS, PAIRS, bootstrap=0).interval == (None, None)


def test_a_pair_that_lost_a_word_is_left_out_whole():
    result = direct_bias(embeddings_of(BY_HAND), WORDS, [*PAIRS, ("son", "daughter")])
    assert (result.value, result.pairs) == (pytest.approx(0.5, abs=1e-6), 2)
    assert result.missing == ("son", "daughter")


def test_too_few_words_or_pairs_is_not_measured():
    vectors = embeddings_of(BY_HAND)
    words = direct_bias(vectors, [*WORDS[:3], "baker"], PAIRS)
    assert words.value is None
    assert words.reason == (
        "the word list has 3 of 4 words in the vectors (missing: baker), needs 4"
    )
    pairs = direct_bias(vectors, WORDS, [PAIRS[0], ("son", "daughter")])
    assert pairs.value is None
    assert pairs.reason.startswith("1 of 2 definitional pairs")
    assert "son, daughter" in pairs.reason


@pytest.mark.parametrize("word", ["nurse", "she"])
def test_all_zero_vectors_are_not_measured(word):
    result = direct_bias(embeddings_of({**BY_HAND, word: (0, 0, 0)}), WORDS, PAIRS)
    assert (result.value, result.reason) == (None, f"all-zero vectors: {word}")


def test_pairs_that_do_not_differ_and_collapsed_words_are_not_measured():
    same = {**BY_HAND, "he": (1, 0, 0), "she": (2, 0, 0), "man": (0, 1, 0), "woman": (0, 3, 0)}
    assert "same vectors" in direct_bias(embeddings_of(same), WORDS, PAIRS).reason
    collapsed = {**BY_HAND, **dict.fromkeys(WORDS, (0, 1, 0))}
    assert "collapsed" in direct_bias(embeddings_of(collapsed), WORDS, PAIRS).reason


def test_an_unknown_method_is_refused():
    with pytest.raises(UserError, match="pca, mean"):
        gender_direction(embeddings_of(BY_HAND), PAIRS, method="median")


def numbered(matrix):
    return Embeddings([f"w{i}" for i in range(len(matrix))], matrix)


def test_healthy_vectors_give_no_warning():
    result = collapse(numbered(np.random.default_rng(0).normal(size=(3000, 50))))
    assert result.mean_cosine == pytest.approx(0, abs=0.01)
    assert 45 < result.effective_rank <= 50
    assert (result.n, result.zero_vectors, result.warning) == (2000, 0, None)


def test_collapse_by_hand():
    # Three unit vectors, two of them equal: of the cosines 1, 0, 0 the mean is 1/3; singular
    # values √2 and 1, so the entropy is that of shares .585786 and .414214; lengths 1, 1, 4 have
    # mean 2 and standard deviation √2.
    result = collapse(numbered(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 4.0]])))
    assert result.mean_cosine == pytest.approx(1 / 3, abs=1e-6)
    shares = np.array([np.sqrt(2), 1]) / (1 + np.sqrt(2))
    assert result.effective_rank == pytest.approx(np.exp(-shares @ np.log(shares)), abs=1e-6)
    assert result.norm_spread == pytest.approx(np.sqrt(2) / 2, abs=1e-6)


def test_collapsed_and_zero_vectors_are_warned_about():
    rng = np.random.default_rng(0)
    point = collapse(numbered(rng.uniform(1, 2, (500, 1)) * rng.normal(size=(1, 30))))
    assert "mean cosine of 1.00" in point.warning
    assert "1.0 of 30 directions" in point.warning
    some = rng.normal(size=(500, 30))
    some[:7] = 0
    assert collapse(numbered(some)).warning == "7 of 500 vectors are all zeros"
    nothing = collapse(numbered(np.zeros((500, 30))))
    assert (nothing.mean_cosine, nothing.effective_rank, nothing.norm_spread) == (None, None, None)
    assert nothing.warning == "500 of 500 vectors are all zeros"
