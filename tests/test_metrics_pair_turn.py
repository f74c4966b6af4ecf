"""Does the gender direction rest on one pair?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from debiaslab.lexicons import load_pairs
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.vocabulary import Pair, pair_turn
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import records_of

PAIRS: list[Pair] = [(f"m{i}", f"f{i}") for i in range(5)]


def space(differences: np.ndarray, seed: int = 0) -> Embeddings:
    """Return unit vectors m and f with these directions of m − f, each half a unit long."""
    rng = np.random.default_rng(seed)
    words, rows = [], []
    for (male, female), difference in zip(PAIRS, differences, strict=True):
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


def test_pairs_of_one_direction_hold_it_whichever_is_left_out() -> None:
    same = np.tile(axes(0.5), (5, 1))
    turn = pair_turn(space(same), PAIRS)
    assert turn is not None
    assert turn.degrees == pytest.approx(0, abs=1e-4)
    assert turn.distance == pytest.approx(0.5)


def test_a_pair_that_makes_the_direction_alone_is_named() -> None:
    vectors = space(axes(0.1, 0.11, 0.9, 0.12, 0.1))
    turn = pair_turn(vectors, PAIRS)
    assert turn is not None
    assert turn.pair == ("m2", "f2")
    assert turn.degrees == pytest.approx(90)
    assert turn.distance == pytest.approx((0.1 + 0.11 + 0.9 + 0.12 + 0.1) / 5)


def test_rotation_lengths_order_and_sides_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    vectors = space(rng.normal(size=(5, 12)) * 0.1 + axes(1.0) * 0.3)
    turn = pair_turn(vectors, PAIRS)
    assert turn is not None
    rotation = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    lengths = rng.uniform(0.5, 3, size=(10, 1))
    changed = Embeddings(vectors.words, vectors.vectors @ rotation * lengths)
    for given in (PAIRS[::-1], [(f, m) for m, f in PAIRS], [*PAIRS, ("absent", "f1")]):
        other = pair_turn(changed, given)
        assert other is not None
        assert set(other.pair) == set(turn.pair)
        assert other.degrees == pytest.approx(turn.degrees, abs=1e-3)
        assert other.distance == pytest.approx(turn.distance, abs=1e-5)


def test_without_three_pairs_or_a_direction_there_is_none() -> None:
    vectors = space(axes(0.2, 0.3, 0.4, 0.5, 0.6))
    assert pair_turn(vectors, PAIRS[:2]) is None
    assert pair_turn(vectors, PAIRS[:3]) is not None
    tied = Embeddings(vectors.words, np.repeat(vectors.vectors[::2], 2, axis=0))
    assert pair_turn(tied, PAIRS) is None


def test_the_scorecard_says_it_where_more_than_values_are_wanted() -> None:
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
