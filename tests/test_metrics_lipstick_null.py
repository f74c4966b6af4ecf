"""The null of the lipstick tests: two random words in the place of *he* and *she*."""

import numpy as np
import pytest

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import gender_words, load
from debiaslab.metrics import evaluate
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.evaluation import Baseline
from debiaslab.metrics.lipstick import (
    kmeans_alignment,
    label_null,
    neighbor_null,
    random_axes,
    svm_recovery,
)
from debiaslab.metrics.neighbor_bias import (
    biased_words,
    neighbor_bias,
    neighbor_shares,
    neighbor_shares_along,
)
from debiaslab.metrics.null import NullCache, random_words
from debiaslab.vectors.embeddings import Embeddings

PROFESSIONS = load("occupations").words[:60]
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
GENDERED = set(load("gender_specific").words)


def noise(words=1200, dim=15, seed=0):
    """Vectors without any structure."""
    rng = np.random.default_rng(seed)
    spelled = ["zq" + "".join(LETTERS[[i // 26**j % 26 for j in range(3)]]) for i in range(words)]
    names = ["he", "she", *PROFESSIONS, *spelled]
    return Embeddings(names, rng.normal(size=(len(names), dim)))


def two_kinds(seed=0):
    """Words of two far apart kinds, to which *he* and *she* belong, and nothing else in common."""
    vectors = noise(seed=seed)
    rows = np.array(vectors.vectors)
    side = np.where(np.arange(len(rows)) % 2, -4.0, 4.0)
    rows[:, 0] = side
    return Embeddings(vectors.words, rows)


def pool(vectors):
    return NullCache.of(vectors).words


def test_axes_are_of_words_that_may_be_drawn_and_are_not_candidates_themselves():
    vectors = noise()
    axes = random_axes(pool(vectors), axes=9, seed=3)
    drawn = [word for pair in axes.pairs for word in pair]
    assert len(axes.pairs) == len(axes.rankings) == 9
    assert len(set(drawn)) == 18
    assert not set(drawn) & set(gender_words())
    for pair, ranking in zip(axes.pairs, axes.rankings, strict=True):
        assert not set(ranking.words) & ({"he", "she"} | set(pair) | GENDERED)
        own = biased_words(vectors, pair=pair, exclude=(*GENDERED, *pair))
        assert ranking.words == own.words
    assert random_axes(pool(vectors), axes=9, seed=3).pairs == axes.pairs
    assert random_axes(pool(vectors), axes=9, seed=4).pairs != axes.pairs


def test_each_value_is_the_test_along_that_axis():
    baseline, vectors = noise(), noise(seed=1)
    axes = random_axes(pool(baseline), axes=5)
    for test in (kmeans_alignment, svm_recovery):
        values = label_null(test, vectors, axes, seed=7)
        for value, ranking in zip(values, axes.rankings, strict=True):
            assert value == test(vectors, ranking, seeds=(7,)).value
    biased = biased_words(baseline, exclude=())
    shares = neighbor_shares_along(vectors, baseline, biased, PROFESSIONS, axes.pairs)
    for value, pair in zip(neighbor_null(shares, PROFESSIONS[:30]), axes.pairs, strict=True):
        along = biased_words(baseline, exclude=(), pair=pair)  # the same candidates
        one = neighbor_shares(vectors, baseline, along, PROFESSIONS, pair=pair)
        r = neighbor_bias(one, PROFESSIONS[:30], permutations=0, bootstrap=0).value
        assert value == pytest.approx(r, abs=1e-9)


def test_he_and_she_are_like_random_words_where_there_is_no_gender():
    card = evaluate(noise(), groups=["lipstick"], bootstrap=0)
    for record in card.records:
        if record.metric == "lipstick" and record.value is not None:
            assert record.extra["null_draws"] == 20
            assert record.extra["null_p"] > 2 / 21, record.name  # not beyond all of them


def test_he_and_she_are_not_like_random_words_where_words_are_of_two_kinds():
    vectors = two_kinds()
    kinds = {word: i % 2 for i, word in enumerate(vectors.words)}
    card = evaluate(vectors, groups=["lipstick"], bootstrap=0)
    axes = random_axes(
        pool(vectors), seed=Resampling(0, 0, 0, null=True).seed_of("null", "lipstick")
    )
    alike = [kinds[first] == kinds[second] for first, second in axes.pairs]
    assert 4 < sum(alike) < 16  # about half of the pairs are of one kind, and see no kinds
    record = card.record("lipstick", "kmeans_alignment", "all")
    assert record.value == 1.0
    assert record.extra["null_low"] < 1.0
    values = label_null(kmeans_alignment, vectors, axes)
    assert max(values[alike]) < min(values[np.invert(alike)]) == 1.0


def test_a_record_has_the_null_here_and_in_the_baseline():
    baseline, vectors = two_kinds(), noise(seed=5)
    held = Baseline(baseline)
    card = evaluate(vectors, baseline=held, groups=["lipstick"], bootstrap=0)
    own = evaluate(baseline, baseline=held, groups=["lipstick"], bootstrap=0)
    axes = random_axes(
        pool(baseline), seed=Resampling(0, 0, 0, null=True).seed_of("null", "lipstick")
    )
    for name in ("kmeans_alignment", "svm_recovery", "profession_neighbors"):
        after, before = (each.record("lipstick", name, "all").extra for each in (card, own))
        for number in ("low", "median", "high", "draws"):
            assert after[f"null_{number}_baseline"] == before[f"null_{number}"]
        assert after["null_low"] <= after["null_median"] <= after["null_high"]
        assert not [key for key in before if key.endswith("_baseline")]
    seed = Resampling(0, 0, 0, null=True).seed_of("null", "lipstick")
    values = label_null(kmeans_alignment, vectors, axes, seed)
    shown = card.record("lipstick", "kmeans_alignment", "all").extra
    assert shown["null_median"] == np.median(values)


def test_without_nulls_there_are_none():
    for given in ({"lipstick_nulls": False}, {"quick": True}):
        card = evaluate(noise(), groups=["lipstick"], **given)
        found = [record for record in card.records if record.metric == "lipstick"]
        assert any(record.value is not None for record in found)
        assert not [key for record in found for key in record.extra if key.startswith("null_")]


def test_what_has_no_null_says_why():
    few = Embeddings(["he", "she", "one"], np.eye(3))
    with pytest.raises(NotMeasuredError, match="a random axis needs 2 words, 1 are left"):
        random_axes(pool(few))
    same = Embeddings(["a", "b", "c", "d"], np.ones((4, 3)))
    with pytest.raises(NotMeasuredError, match="the words of 2 random pairs have the same vectors"):
        random_axes(random_words(same))
    rows = np.array(noise(words=30).vectors)
    rows[-2:] = rows[-1]
    twins = Embeddings(noise(words=30).words, rows)
    axes = random_axes(random_words(twins, twins.words[:-4]), axes=2)
    assert len(axes.pairs) in (1, 2)
    assert twins.words[-2:] not in axes.pairs
    with pytest.raises(NotMeasuredError, match="undefined for 2 of 2"):
        label_null(kmeans_alignment, noise(words=30), random_axes(pool(noise(words=30)), axes=2))
