"""Vectors with nothing in them show no bias either: no record may claim it without a word."""

import numpy as np
import pytest

from debiaslab.lexicons import load, load_pairs, names, pair_names
from debiaslab.metrics import Scorecard, collapse, default_similarity_sets, evaluate
from debiaslab.metrics.datasets import default_analogy_sets
from debiaslab.vectors.embeddings import Embeddings

GROUPS = (
    "weat",
    "association",
    "geometry",
    "similarity",
    "analogies",
    "retention",
    "overlap",
    "collapse",
)
UTILITY = ("similarity", "analogies_3cosadd", "analogies_3cosmul", "retention", "neighbor_overlap")
DIM = 60


def vocabulary() -> list[str]:
    listed = [word for name in names() for word in load(name).words]
    paired = [word for name in pair_names() for pair in load_pairs(name).pairs for word in pair]
    judged = [w.lower() for s in default_similarity_sets() for p in s.pairs for w in p[:2]]
    asked = [
        w.lower() for s in default_analogy_sets()[0].sections[4:6] for q in s.questions for w in q
    ]
    return list(dict.fromkeys([*listed, *paired, *judged, *asked]))


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
    return evaluate(
        embeddings,
        baseline=baseline,
        analogies=default_analogy_sets(),
        quick=True,
        groups=GROUPS,
    )


@pytest.mark.parametrize("kind", ["zero", "equal", "one direction"])
def test_vectors_without_content_are_not_measured(healthy: Embeddings, kind: str):
    card = scorecard(Embeddings(healthy.words, collapsed(kind, len(healthy))), healthy)
    assert card.warnings
    for record in card.records:
        if record.metric != "collapse":
            assert record.value is None, (record.metric, record.name, record.words)
            assert record.reason


@pytest.mark.parametrize(
    "kind", ["rank 1", "two clusters", "two blurred clusters", "a blurred point"]
)
def test_vectors_with_little_content_are_warned_about_and_useless(healthy: Embeddings, kind: str):
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
    result = collapse(Embeddings([f"w{i}" for i in range(3000)], vectors))
    assert result.mean_cosine < 0.9
    assert result.same_direction == pytest.approx(0.5, abs=0.02)
    assert result.warning == "50% of pairs of random words lie on one line (cosine beyond ±0.98)"


@pytest.mark.parametrize("dim", [2, 3, 10, 300])
def test_random_directions_are_not_called_clumped(dim: int):
    vectors = np.random.default_rng(0).normal(size=(2000, dim))
    result = collapse(Embeddings([f"w{i}" for i in range(2000)], vectors))
    assert result.warning is None
    assert result.same_direction < 0.14
