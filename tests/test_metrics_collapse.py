"""Vectors with nothing in them show no bias either: no record may claim it without a word."""

import numpy as np
import pytest

from debiaslab.metrics import Scorecard, collapse, evaluate
from debiaslab.metrics.datasets import default_analogy_sets
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import judged_words, lexicon_words

GROUPS = ["weat", "association", "geometry", "similarity"]
GROUPS += ["analogies", "retention", "overlap", "collapse"]
UTILITY = ("similarity", "analogies_3cosadd", "analogies_3cosmul", "retention", "neighbor_overlap")
DIM = 60


def vocabulary() -> list[str]:
    asked = [
        w.lower() for s in default_analogy_sets()[0].sections[4:6] for q in s.questions for w in q
    ]
    return list(dict.fromkeys([*lexicon_words(), *judged_words(), *asked]))


@pytest.fixture(scope="module")
def healthy() -> Embeddings:
    words = vocabulary()
    return Embeddings(words, np.random.default_rng(0).normal(size=(len(words), DIM)))


def collapsed(kind: str, size: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(2, DIM))
    return {
        "zero": np.zeros((size, DIM)),
        "equal": np.ones((size, DIM)),
        "one direction": rng.uniform(1, 2, (size, 1)) * centres[:1],
        "rank 1": rng.normal(size=(size, 1)) * centres[:1],
        "two clusters": centres[rng.integers(0, 2, size)],
        "two blurred clusters": centres[rng.integers(0, 2, size)]
        + 0.05 * rng.normal(size=(size, DIM)),
        "a blurred point": centres[:1] + 0.05 * rng.normal(size=(size, DIM)),
    }[kind]


def scorecard(embeddings: Embeddings, baseline: Embeddings) -> Scorecard:
    analogies = default_analogy_sets()
    return evaluate(embeddings, baseline=baseline, analogies=analogies, quick=True, groups=GROUPS)


@pytest.mark.parametrize("kind", ["zero", "equal", "one direction"])
def test_vectors_without_content_are_not_measured(healthy, kind):
    card = scorecard(Embeddings(healthy.words, collapsed(kind, len(healthy))), healthy)
    assert card.warnings
    for record in card.records:
        if record.metric != "collapse":
            assert record.value is None, (record.metric, record.name, record.words)
            assert record.reason
            assert record.extra.get("statistic") is None
    assert Scorecard.from_json(card.to_json()) == card


@pytest.mark.parametrize(
    "kind", ["rank 1", "two clusters", "two blurred clusters", "a blurred point"]
)
def test_vectors_with_little_content_are_warned_about_and_useless(healthy, kind):
    card = scorecard(Embeddings(healthy.words, collapsed(kind, len(healthy))), healthy)
    assert card.warnings
    assert card.collapsed
    assert not collapse(healthy).collapsed
    assert f"WARNING: {card.warnings[0]}" in card.table()
    measured = [r for r in card.records if r.metric in UTILITY and r.value is not None]
    assert measured
    for record in measured:
        if record.metric != "retention":  # of a baseline of noise, a ratio of two noises
            assert record.value < 0.25, (record.metric, record.name, record.words)
    assert all(r.reason for r in card.records if r.value is None)


def test_clusters_that_mean_cosine_and_rank_do_not_see():
    vectors = collapsed("two blurred clusters", 3000)
    result = collapse(numbered(vectors))
    assert result.mean_cosine < 0.9
    assert result.same_direction == pytest.approx(0.5, abs=0.02)
    assert result.warning == "50% of pairs of random words lie on one line (cosine beyond ±0.98)"


@pytest.mark.parametrize("dim", [2, 3, 10, 300])
def test_random_directions_are_not_called_clumped(dim):
    vectors = np.random.default_rng(0).normal(size=(2000, dim))
    result = collapse(numbered(vectors))
    assert result.warning is None
    assert result.same_direction < 0.14


def numbered(matrix: np.ndarray) -> Embeddings:
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
    assert collapse(numbered(some)).warning == (
        "7 of 500 vectors are all zeros: w0, w1, w2, w3, w4, w5 and 1 more"
    )
    alone = collapse(numbered(np.ones((1, 30))))
    assert (alone.warning, alone.collapsed) == ("there is one word only", True)
    nothing = collapse(numbered(np.zeros((500, 30))))
    assert (nothing.mean_cosine, nothing.effective_rank, nothing.norm_spread) == (None, None, None)
    assert nothing.warning == "500 of 500 vectors are all zeros"
