"""Gender direction, direct and indirect bias, bias by projection, and whether one pair makes it."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.lexicons import load, load_pairs
from debiaslab.metrics import (
    NotMeasuredError,
    Record,
    Scorecard,
    bias_by_projection,
    direct_bias,
    gender_direction,
    random_words,
    warnings_of,
)
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.projection import (
    indirect_bias,
    indirect_bias_within,
    indirect_biases,
    pair_closeness,
)
from debiaslab.metrics.vocabulary import Pair, pair_difference, pair_turn
from debiaslab.vectors.embeddings import Embeddings
from tests.reference import bolukbasi, reference_numbers
from tests.toys import embeddings_of, records_of

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


@pytest.mark.parametrize("method", ["pca", "mean"])
def test_direction_points_from_female_to_male(method):
    vectors = embeddings_of(BY_HAND)
    direction = gender_direction(vectors, PAIRS, method=method)
    assert direction == pytest.approx([1, 0, 0], abs=1e-6)
    turned = gender_direction(vectors, [(f, m) for m, f in PAIRS], method=method)
    assert turned == pytest.approx([-1, 0, 0], abs=1e-6)
    with pytest.raises(UserError, match="pca, mean"):
        gender_direction(vectors, PAIRS, method="median")


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
    lost = direct_bias(vectors, WORDS, [*PAIRS, ("son", "daughter")])  # which is left out whole
    assert (lost.value, lost.pairs) == (result.value, 2)
    assert lost.missing == ("son", "daughter")
    assert list(result.scores) == list(WORDS)
    assert np.mean(list(result.scores.values())) == pytest.approx(result.value)


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


def test_bias_by_projection_by_hand():
    # Signed cosines with the first axis: −.8, 0, .6, .6; mean .1.
    result = bias_by_projection(embeddings_of(BY_HAND), WORDS, PAIRS)
    assert result.projections == pytest.approx((-0.8, 0, 0.6, 0.6), abs=1e-6)
    assert result.value == pytest.approx(0.1, abs=1e-6)
    assert (result.words, result.n, result.missing) == (tuple(WORDS), 4, ())
    assert result.interval[0] < 0.1 < result.interval[1]
    swapped = bias_by_projection(embeddings_of(BY_HAND), WORDS, [(f, m) for m, f in PAIRS])
    assert swapped.value == -result.value
    few = bias_by_projection(embeddings_of(BY_HAND), [*WORDS[:3], "baker"], PAIRS)
    assert (few.value, few.missing) == (None, ("baker",))
    assert "needs 4" in few.reason


def test_pair_difference():
    vectors = embeddings_of({**BY_HAND, "she": (-8, 6, 0)})  # lengths do not count
    assert pair_difference(vectors) == pytest.approx([1.6, 0, 0], abs=1e-6)
    assert pair_difference(vectors, ("she", "he")) == pytest.approx([-1.6, 0, 0], abs=1e-6)
    with pytest.raises(NotMeasuredError, match="same vectors"):
        pair_difference(vectors, ("man", "smith"))
    with pytest.raises(NotMeasuredError, match="missing: xe"):
        pair_difference(vectors, ("he", "xe"))


def test_scores_of_words_average_to_direct_bias():
    vectors = embeddings_of(BY_HAND)
    result = direct_bias(vectors, WORDS, PAIRS, c=2)
    assert list(result.scores) == list(WORDS)
    projections = bias_by_projection(vectors, WORDS, PAIRS).scores
    assert result.scores == pytest.approx({word: abs(n) ** 2 for word, n in projections.items()})
    assert np.mean(list(result.scores.values())) == pytest.approx(result.value)


def test_indirect_bias_by_hand():
    # smith = (.6, 0, .8), pilot = (.6, −.8, 0): cosine .36, without the first axis 0: all gender.
    vectors = embeddings_of({**BY_HAND, "cook": (0.6, 0.8, 0), "tea": (0, 1, 0)})
    all_of_it = indirect_bias(vectors, "smith", "pilot", PAIRS)
    assert all_of_it.value == pytest.approx(1, abs=1e-6)
    assert all_of_it.similarity == pytest.approx(0.36, abs=1e-6)
    # table and tea have no gender: none of their cosine of 1 is due to it.
    assert indirect_bias(vectors, "table", "tea", PAIRS).value == pytest.approx(0, abs=1e-6)
    # cook · nurse = −.48 + .48 = 0.
    orthogonal = indirect_bias(vectors, "cook", "nurse", PAIRS)
    assert orthogonal.value is None
    assert "cosine of 0" in orthogonal.reason
    # table · cook = .8, without gender 1: gender hides .2 of .8.
    assert indirect_bias(vectors, "table", "cook", PAIRS).value == pytest.approx(-0.25, abs=1e-6)
    assert indirect_bias(vectors, "cook", "cook", PAIRS).value == pytest.approx(0, abs=1e-6)


def test_indirect_bias_says_why_not():
    vectors = embeddings_of({**BY_HAND, "axis": (1, 0, 0), "nil": (0, 0, 0)})
    assert indirect_bias(vectors, "axis", "nurse", PAIRS).reason.startswith("a word lies on")
    assert indirect_bias(vectors, "nil", "nurse", PAIRS).reason == "all-zero vectors: nil"
    missing = indirect_bias(vectors, "baker", "nurse", PAIRS)
    assert (missing.reason, missing.missing) == ("not in the vectors: baker", ("baker",))
    listed = indirect_biases(vectors, ["smith", "baker"], "pilot", PAIRS)
    assert [each.value is None for each in listed] == [False, True]
    assert [each.reason for each in indirect_biases(vectors, ["smith"], "pilot", [])] == [
        "0 of 0 definitional pairs have both words in the vectors, needs 2"
    ]


def test_indirect_bias_within_is_the_weighted_mean_over_pairs():
    rng = np.random.default_rng(3)
    words = [f"w{i}" for i in range(6)]
    matrix = np.concatenate([rng.normal(size=(4, 10)), rng.normal(size=(6, 10)) + 1])
    vectors = Embeddings(["he", "she", "man", "woman", *words], matrix)
    result = indirect_bias_within(vectors, words, PAIRS)
    each = [indirect_bias(vectors, w, v, PAIRS) for w in words for v in words if w < v]
    weights = np.array([one.similarity for one in each])
    values = np.array([one.value for one in each])
    assert result.value == pytest.approx(values @ weights / weights.sum())
    assert result.similarity == pytest.approx(weights.mean())
    assert (result.n, result.reason) == (6, None)
    assert result.interval[0] < result.value < result.interval[1]
    assert indirect_bias_within(vectors, words, PAIRS, bootstrap=0).interval == (None, None)


def test_indirect_bias_within_needs_words_that_are_alike():
    unlike = {**BY_HAND, "a": (0, 1, 0), "b": (0, -1, 0), "c": (0, 0, 1), "d": (0, 0, -1)}
    result = indirect_bias_within(embeddings_of(unlike), list("abcd"), PAIRS)
    assert "not alike" in result.reason
    assert indirect_bias_within(embeddings_of(unlike), ["a", "b"], PAIRS).value is None


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000))
def test_rotation_lengths_and_order_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    words = ["he", "she", "man", "woman", "son", "daughter", *(f"w{i}" for i in range(10))]
    matrix = rng.normal(size=(len(words), 8)) + 0.5
    pairs = [*PAIRS, ("son", "daughter")]

    def values(words, matrix, order=1, pairs=pairs):
        vectors, listed = Embeddings(words, matrix), [f"w{i}" for i in range(10)][::order]
        return (
            direct_bias(vectors, listed, pairs, bootstrap=0).value,
            bias_by_projection(vectors, listed, pairs, bootstrap=0).value,
            indirect_bias_within(vectors, listed, pairs, bootstrap=0).value,
            indirect_bias(vectors, "w1", "w2", pairs).value,
        )

    expected = values(words, matrix)
    assume(None not in expected)  # words that are not alike share no β
    turned = matrix @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    longer = matrix * rng.uniform(0.5, 4, size=(len(words), 1))
    shuffled = rng.permutation(len(words))
    assert values(words, turned) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert values(words, longer) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    again = values([words[i] for i in shuffled], matrix[shuffled], order=-1)
    assert again == pytest.approx(expected)
    swapped = values(words, matrix, pairs=[(f, m) for m, f in pairs])
    assert swapped == pytest.approx((expected[0], -expected[1], *expected[2:]))


def test_published_indirect_bias_of_softball():
    vectors = bolukbasi()
    expected = reference_numbers()["indirect_bias_on_bolukbasi_softball"]
    pairs = load_pairs("definitional_pairs").pairs
    words = ["receptionist", "bookkeeper", "pitcher"]
    for word, result in zip(words, indirect_biases(vectors, words, "softball", pairs), strict=True):
        assert result.value == pytest.approx(expected[word], abs=1e-3)
        assert result == indirect_bias(vectors, "softball", word, pairs)


def test_scorecard_has_every_record_for_every_half():
    rng = np.random.default_rng(0)
    lists = [load(name).words for name in ("occupations", "occupations_male", "occupations_female")]
    pairs = [word for pair in load_pairs("definitional_pairs").pairs for word in pair]
    words = list(dict.fromkeys([*pairs, *(word for words in lists for word in words)]))
    vectors = Embeddings(words, rng.normal(size=(len(words), 20)) + 0.3)
    effort = Resampling(0, 50, 0, False)
    records = records_of("geometry", vectors, effort)
    made = {(record.metric, record.name, record.words) for record in records}
    assert len(made) == len(records)
    halves = ("all", "tune", "report")
    assert {("bias_by_projection", "occupations", half) for half in halves} <= made
    assert {("direct_bias", "occupations", half) for half in halves} <= made
    assert {
        ("indirect_bias", f"occupations_{g}male", h) for g in ("", "fe") for h in halves
    } <= made
    for record in records:
        assert (record.value is None) == (record.reason is not None)
    json.dumps([record.to_dict() for record in records], allow_nan=False)
    assert records == records_of("geometry", vectors, effort)


FIVE: list[Pair] = [(f"m{i}", f"f{i}") for i in range(5)]


def apart(differences: np.ndarray, seed: int = 0) -> Embeddings:
    """Return unit vectors m and f with these directions of m − f, each half a unit long."""
    rng = np.random.default_rng(seed)
    words, rows = [], []
    for (male, female), difference in zip(FIVE, differences, strict=True):
        middle = rng.normal(size=differences.shape[1])
        middle -= middle @ difference * difference / (difference @ difference)
        middle /= np.linalg.norm(middle)
        half = difference / 2
        for word, sign in ((male, 1), (female, -1)):
            rows.append(math.sqrt(1 - half @ half) * middle + sign * half)
            words.append(word)
    return Embeddings(words, np.array(rows))


def axes(*lengths: float) -> np.ndarray:
    """Return differences along as many axes of 12, of these lengths."""
    return np.eye(len(lengths), 12) * np.array(lengths)[:, None]


def test_pairs_of_one_direction_hold_it_whichever_is_left_out():
    same = np.tile(axes(0.5), (5, 1))
    turn = pair_turn(apart(same), FIVE)
    assert turn is not None
    assert turn.degrees == pytest.approx(0, abs=1e-4)
    assert turn.distance == pytest.approx(0.5)


def test_a_pair_that_makes_the_direction_alone_is_named():
    vectors = apart(axes(0.1, 0.11, 0.9, 0.12, 0.1))
    turn = pair_turn(vectors, FIVE)
    assert turn is not None
    assert turn.pair == ("m2", "f2")
    assert turn.degrees == pytest.approx(90)
    assert turn.distance == pytest.approx((0.1 + 0.11 + 0.9 + 0.12 + 0.1) / 5)


def test_a_turn_is_the_same_after_rotation_and_whatever_the_lengths_order_and_sides():
    rng = np.random.default_rng(1)
    vectors = apart(rng.normal(size=(5, 12)) * 0.1 + axes(1.0) * 0.3)
    turn = pair_turn(vectors, FIVE)
    assert turn is not None
    rotation = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    lengths = rng.uniform(0.5, 3, size=(10, 1))
    changed = Embeddings(vectors.words, vectors.vectors @ rotation * lengths)
    for listed in (FIVE[::-1], [(f, m) for m, f in FIVE], [*FIVE, ("absent", "f1")]):
        other = pair_turn(changed, listed)
        assert other is not None
        assert set(other.pair) == set(turn.pair)
        assert other.degrees == pytest.approx(turn.degrees, abs=1e-3)
        assert other.distance == pytest.approx(turn.distance, abs=1e-5)


def test_without_three_pairs_or_a_direction_there_is_none():
    vectors = apart(axes(0.2, 0.3, 0.4, 0.5, 0.6))
    assert pair_turn(vectors, FIVE[:2]) is None
    assert pair_turn(vectors, FIVE[:3]) is not None
    tied = Embeddings(vectors.words, np.repeat(vectors.vectors[::2], 2, axis=0))
    assert pair_turn(tied, FIVE) is None


def test_pairs_without_a_common_difference_agree_no_more_than_random_pairs():
    rng = np.random.default_rng(2)
    others = Embeddings([f"w{i}" for i in range(400)], rng.normal(size=(400, 12)))
    drawn = random_words(others)
    same = pair_closeness(apart(np.tile(axes(0.5), (5, 1))), FIVE, drawn)
    assert same["pair_agreement"] == pytest.approx(1)
    assert same["pair_cosine"] == pytest.approx(1 - 0.5**2 / 2)
    noise = pair_closeness(apart(axes(0.3, 0.3, 0.3, 0.3, 0.3)), FIVE, drawn)
    assert noise["pair_agreement"] == pytest.approx(1 / math.sqrt(5))  # orthogonal ones
    assert noise["random_pair_cosine"] == pytest.approx(0, abs=0.05)
    for found, is_noise in ((same, False), (noise, True)):
        agreement, random = found["pair_agreement"], found["random_pair_agreement"]
        assert agreement is not None
        assert random is not None
        assert (agreement <= random) == is_noise
        record = Record("direct_bias", "occupations", "report", 0.1, extra=found)
        told = warnings_of(Scorecard("x", (record,)))
        assert any("their direction is noise" in each for each in told) == is_noise
    assert set(pair_closeness(others, FIVE, drawn).values()) == {None}


def test_the_scorecard_says_it_where_more_than_values_are_wanted():
    words = ["he", "she", "man", "woman", "john", "mary", "nurse", "pilot", "doctor", "clerk"]
    rng = np.random.default_rng(0)
    vectors = Embeddings(words, rng.normal(size=(10, 8)))
    (record, *_) = records_of("direct_bias", vectors, Resampling(0, 0, 0, null=True))
    expected = pair_turn(vectors, load_pairs("definitional_pairs").half("all"))
    assert expected is not None
    assert record.extra["turn_degrees"] == expected.degrees
    assert record.extra["turn_pair"] == "/".join(expected.pair)
    assert record.extra["pair_distance"] == expected.distance
    (quick, *_) = records_of("direct_bias", vectors, Resampling(0, 0, 0, null=False))
    assert quick.extra == {"pairs": 3}
