"""The tests of Gonen & Goldberg (2019) and their null: are words of one gender still together?"""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import gender_words, load, load_file, load_pairs
from debiaslab.metrics import evaluate, gender_direction
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.evaluation import Baseline
from debiaslab.metrics.lipstick import (
    kmeans_alignment,
    label_null,
    label_seeds,
    neighbor_null,
    random_axes,
    svm_recovery,
    two_means,
)
from debiaslab.metrics.neighbor_bias import (
    TOP,
    biased_words,
    neighbor_bias,
    neighbor_shares,
    neighbor_shares_along,
)
from debiaslab.metrics.null import NullCache, random_words
from debiaslab.regularizers import DebiasWords, create
from debiaslab.vectors.embeddings import Embeddings
from tests.reference import bolukbasi, reference_numbers
from tests.toys import records_of

LISTED = load("occupations").words[:60]
GENDERED = set(load("gender_specific").words)
ALPHABET = np.array(list("abcdefghijklmnopqrstuvwxyz"))


AGES = """\
version: "1"
citation: made up
licence: none needed
attributes:
  age:
    classes:
      old: [old, {first}]
      young: [young, {second}]
    definitional_sets:
      - [elderly, youthful]
      - [old, young]
"""


def spell(number):
    """Return a lower-case word for a number, the same each time and different for each."""
    return "zq" + "".join(ALPHABET[[number // 26**i % 26 for i in range(4)]])


def planted(words=1600, topic=2.0, seed=0):
    """Return (baseline, debiased): words lean to a gender by the first axis, and share a topic.

    ``topic`` moves the words of either gender apart along the second axis, which debiasing (the
    first axis is set to 0) leaves as it is.
    """
    rng = np.random.default_rng(seed)
    names = ["he", "she", *map(spell, range(words))]
    matrix = rng.normal(size=(words + 2, 12)) * 0.3
    lean = rng.uniform(-1, 1, words)
    matrix[2:, 0] = lean
    matrix[2:, 1] = topic * lean
    matrix[:2] = 0
    matrix[0, :3], matrix[1, :3] = (1, 0, 1), (-1, 0, 1)
    after = matrix.copy()
    after[2:, 0] = 0
    return Embeddings(names, matrix), Embeddings(names, after)


PROFESSIONS = [spell(i) for i in range(0, 300, 3)]


def all_three(embeddings, baseline):
    biased = biased_words(baseline)
    shares = neighbor_shares(embeddings, baseline, biased, PROFESSIONS)
    return (
        kmeans_alignment(embeddings, biased).value,
        svm_recovery(embeddings, biased, seeds=(0,)).value,
        neighbor_bias(shares, bootstrap=0).value,
    )


def test_ranking_is_by_the_difference_of_cosines():
    baseline, _ = planted()
    ranked = biased_words(baseline)
    expected = {
        word: baseline.cosine(word, "he") - baseline.cosine(word, "she") for word in ranked.words
    }
    assert ranked.reason is None
    assert list(ranked.words) == sorted(expected, key=expected.get, reverse=True)
    assert ranked.bias == pytest.approx(list(expected.values()), abs=1e-6)
    reverse = biased_words(baseline, pair=("she", "he"))
    assert reverse.words == ranked.words[::-1]
    assert reverse.bias == pytest.approx(-ranked.bias[::-1])


def test_candidates_are_frequent_lower_case_words_without_a_gender():
    assert {"actress", "he"} <= gender_words()
    words = ["he", "she", "actress", "Table", "c3po", "new_york", "x" * 20, "zero", "y" * 19, "tea"]
    matrix = np.random.default_rng(0).normal(size=(len(words), 5))
    matrix[7] = 0
    vectors = Embeddings(words, matrix)
    assert set(biased_words(vectors).words) == {"y" * 19, "tea"}
    assert set(biased_words(vectors, exclude=()).words) == {"he", "she", "actress", "y" * 19, "tea"}
    assert biased_words(vectors, exclude=("tea",), top=4).words != ()
    assert "tea" not in biased_words(vectors, top=9).words
    assert TOP == 50_000


def test_ranking_does_not_depend_on_the_order_of_the_words():
    baseline, _ = planted(200)
    matrix = baseline.vectors.copy()
    matrix[50:60] = matrix[50]  # ties
    order = np.random.default_rng(1).permutation(len(baseline))
    ranked = biased_words(Embeddings(baseline.words, matrix))
    other = biased_words(Embeddings([baseline.words[i] for i in order], matrix[order]))
    assert ranked.words == other.words


def test_without_he_or_she_there_is_no_ranking():
    baseline, _ = planted(200)
    she = Embeddings(["him", *baseline.words[1:]], baseline.vectors)
    ranked = biased_words(she)
    assert (
        ranked.reason == "the pair he : she has 1 of 2 words in the vectors (missing: he), needs 2"
    )
    shares = neighbor_shares(she, she, ranked, PROFESSIONS)
    for result in (kmeans_alignment(she, ranked), svm_recovery(she, ranked), neighbor_bias(shares)):
        assert (result.value, result.reason) == (None, ranked.reason)


def test_two_means_is_as_good_as_that_of_scikit_learn():
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(0)
    points = rng.normal(size=(300, 8)) + 1.5 * rng.integers(0, 2, size=(300, 1))
    labels = two_means(points, (0, 1))
    assert labels.shape == (2, 300)
    for each in labels:
        inertia = sum(
            ((points[side] - points[side].mean(axis=0)) ** 2).sum() for side in (each, ~each)
        )
        theirs = KMeans(2, n_init=10, random_state=0).fit(points)
        assert inertia == pytest.approx(theirs.inertia_, rel=1e-3)
        agreement = (each == theirs.labels_).mean()
        assert max(agreement, 1 - agreement) > 0.98


def test_two_means_of_two_points_and_of_repeated_points():
    line = np.array([[0.0], [0.0], [0.0], [5.0], [5.0]])
    first, second = two_means(line, (3, 4))
    for each in (first, second):
        assert len(set(each[:3])) == len(set(each[3:])) == 1
        assert each[0] != each[4]
    assert (two_means(np.ones((4, 2)), (0,)) == two_means(np.ones((4, 2)), (0,))).all()


def test_words_are_found_after_debiasing_only_where_they_share_a_topic():
    baseline, debiased = planted()
    kmeans, svm, neighbors = all_three(debiased, baseline)
    assert min(kmeans, svm) > 0.97
    assert neighbors > 0.8
    baseline, debiased = planted(topic=0.0)
    kmeans, svm, neighbors = all_three(debiased, baseline)
    assert kmeans < 0.58
    assert 0.42 < svm < 0.58
    assert abs(neighbors) < 0.25
    kmeans, svm, neighbors = all_three(baseline, baseline)
    assert min(kmeans, svm) > 0.95
    assert neighbors > 0.9


def test_results_state_seeds_sizes_and_their_spread():
    baseline, debiased = planted()
    biased = biased_words(baseline)
    kmeans = kmeans_alignment(debiased, biased)
    assert (kmeans.n, kmeans.train, kmeans.candidates) == (2 * (1600 // 8), 0, 1600)
    assert kmeans.seeds == (0, 1, 2, 3, 4)
    assert len(kmeans.by_seed) == 5
    assert kmeans.interval == (min(kmeans.by_seed), max(kmeans.by_seed))
    assert kmeans.interval[0] <= kmeans.value <= kmeans.interval[1]
    assert kmeans == kmeans_alignment(debiased, biased)
    svm = svm_recovery(debiased, biased, seeds=(7, 8))
    assert (svm.n, svm.train, svm.seeds, len(svm.by_seed)) == (400, 80, (7, 8), 2)
    assert kmeans_alignment(debiased, biased, side=50).n == 100
    some = debiased.vectors.copy()
    some[10:20] = 0  # which are no candidates
    assert kmeans_alignment(Embeddings(debiased.words, some), biased).candidates == 1590


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 100))
def test_rotation_lengths_and_order_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    baseline, debiased = planted(600, topic=0.5)
    value = all_three(debiased, baseline)
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    lengths = rng.uniform(0.5, 4, size=(len(baseline), 1))
    order = rng.permutation(len(baseline))
    words = [baseline.words[i] for i in order]
    for change in (
        lambda matrix: (baseline.words, matrix @ turn),
        lambda matrix: (baseline.words, matrix * lengths),
        lambda matrix: (words, matrix[order]),
    ):
        changed = [Embeddings(*change(each.vectors)) for each in (debiased, baseline)]
        assert all_three(*changed) == pytest.approx(value, abs=0.01)


def test_a_word_is_not_its_own_neighbour():
    # Each profession leans its own way; all its neighbours are drawn from no side at all.
    baseline, debiased = planted(200, topic=0.0)
    shares = neighbor_shares(debiased, baseline, biased_words(baseline), PROFESSIONS[:60])
    assert (shares.neighbors, shares.candidates, shares.reason) == (20, 200, None)
    ranked = biased_words(baseline)
    male = set(ranked.words[: int((ranked.bias > 0).sum())])
    for word, share in zip(shares.words, shares.shares, strict=True):
        near = [w for w, _ in debiased.neighbors(word, 60) if w in set(ranked.words)][:20]
        assert share == pytest.approx(np.mean([w in male for w in near]), abs=0.051)


def test_exchanging_he_and_she_leaves_the_correlation():
    baseline, debiased = planted(topic=0.5)
    values = [
        neighbor_bias(
            neighbor_shares(
                debiased, baseline, biased_words(baseline, pair=pair), PROFESSIONS, pair=pair
            ),
            bootstrap=0,
        ).value
        for pair in (("he", "she"), ("she", "he"))
    ]
    assert values[0] == pytest.approx(values[1])


def test_small_vocabularies_are_scaled_down_and_then_not_measured():
    baseline, debiased = planted(160)
    biased = biased_words(baseline)
    assert kmeans_alignment(debiased, biased).n == 40
    assert svm_recovery(debiased, biased).reason == (
        "the extremes of 160 candidate words are 20 a side (at most 1/8 of them), needs 50"
    )
    baseline, debiased = planted(90)
    biased = biased_words(baseline)
    assert kmeans_alignment(debiased, biased).value is None
    shares = neighbor_shares(debiased, baseline, biased, PROFESSIONS)
    assert shares.reason == (
        "the neighbours among 90 candidate words are 9 (at most 1/10 of them), needs 10"
    )


def test_professions_missing_in_either_set_are_named():
    baseline, debiased = planted(400)
    cut = Embeddings(debiased.words[:200], debiased.vectors[:200])
    shares = neighbor_shares(cut, baseline, biased_words(baseline), [*PROFESSIONS, "pilot"])
    assert "pilot" in shares.missing
    assert PROFESSIONS[90] in shares.missing
    assert len(shares.words) + len(shares.missing) == len(PROFESSIONS) + 1
    assert shares.candidates == 198
    half = neighbor_bias(shares, PROFESSIONS[:10])
    assert (half.n, half.missing) == (10, ())
    assert neighbor_bias(shares, PROFESSIONS[:5]).reason == (
        "5 professions are in the vectors, needs 8"
    )
    assert neighbor_shares(cut, baseline, biased_words(baseline), ["pilot"]).reason == (
        "0 professions are in the vectors, needs 8"
    )


def test_collapsed_and_all_zero_vectors_never_look_good():
    baseline, _ = planted()
    biased = biased_words(baseline)
    point = Embeddings(baseline.words, np.ones((len(baseline), 3)))
    zero = Embeddings(baseline.words, np.zeros((len(baseline), 3)))
    for bad in (point, zero):
        shares = neighbor_shares(bad, baseline, biased, PROFESSIONS)
        for result in (
            kmeans_alignment(bad, biased),
            svm_recovery(bad, biased),
            neighbor_bias(shares),
        ):
            assert result.value is None
            assert result.reason


def test_scorecard_records():
    baseline, debiased = planted()
    professions = load("occupations").words
    words = ["he", "she", *professions, *baseline.words[2 + len(professions) :]]
    baseline, debiased = (Embeddings(words, each.vectors) for each in (baseline, debiased))
    effort = Resampling(0, 100, 0, False)
    records = records_of("lipstick", debiased, effort, baseline=Baseline(baseline))
    assert [(record.name, record.words) for record in records] == [
        ("kmeans_alignment", "all"),
        ("svm_recovery", "all"),
        *(("profession_neighbors", half) for half in ("all", "tune", "report")),
    ]
    assert all(record.metric == "lipstick" and record.reason is None for record in records)
    assert all(record.extra["baseline"] > 0.5 for record in records)
    assert len(records[0].extra["seeds"]) == 5
    assert records[2].n == records[3].n + records[4].n
    json.dumps([record.to_dict() for record in records], allow_nan=False)
    alone = records_of("lipstick", baseline, effort, own=Baseline(baseline))
    assert [record.value for record in alone] == [record.extra["baseline"] for record in records]


def test_an_attribute_of_two_classes_has_records_of_its_own_pair(tmp_path):
    baseline, debiased = planted()
    words = ["Old", "Young", *baseline.words[2:]]  # which lean as they did to he and she
    before, after = Embeddings(words, baseline.vectors), Embeddings(words, debiased.vectors)
    file = tmp_path / "ages.yaml"
    file.write_text(AGES.format(first=words[2], second=words[3]))
    effort, ages = Resampling(0, 0, 0, False), list(load_file(file).attributes.values())
    measured = records_of("lipstick", after, effort, baseline=Baseline(before), attributes=ages)
    gender, age = measured[:5], measured[5:]
    assert [record.name for record in age] == [f"age {record.name}" for record in gender]
    assert all("he : she" in record.reason for record in gender)
    biased = biased_words(before, pair=("Old", "Young"), exclude=words[2:4])
    assert age[0].extra["candidates"] == len(biased) == 1598
    seeds = label_seeds("kmeans_alignment", effort)
    assert age[0].value == kmeans_alignment(after, biased, seeds=seeds).value > 0.97
    assert "occupations" in age[2].reason or "professions" in age[2].reason


def hard_debiased(vectors):
    """Neutralise, then equalise in three cases, as the code of Bolukbasi et al. (2016) does."""
    direction = gender_direction(vectors, load_pairs("definitional_pairs").pairs)
    unit = vectors.unit.astype(np.float64)
    specific = set(load("gender_specific").words)
    neutral = np.array([word not in specific for word in vectors.words])
    unit[neutral] -= np.outer(unit[neutral] @ direction, direction)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    for pair in load_pairs("equalize_pairs").pairs:
        for case in (str.lower, str.title, str.upper):
            if all(case(word) in vectors for word in pair):
                i, j = (vectors.index[case(word)] for word in pair)
                middle = (unit[i] + unit[j]) / 2
                middle -= middle @ direction * direction
                reach = np.sqrt(1 - middle @ middle) * np.sign((unit[i] - unit[j]) @ direction)
                unit[i], unit[j] = middle + reach * direction, middle - reach * direction
    return Embeddings(vectors.words, unit)


def neutralised(vectors):
    """As ``hard`` of the package does, which equalises definitional pairs only."""
    listed = load_pairs("definitional_pairs").pairs
    pairs = tuple(pair for pair in listed if set(pair) <= set(vectors.words))
    neutral = tuple(word for word in vectors.words if word not in GENDERED)
    return create("hard").fit(vectors, DebiasWords(pairs, neutral), 0)(vectors)


@pytest.mark.parametrize(("debias", "tolerance"), [(hard_debiased, 0.015), (neutralised, 0.03)])
def test_published_numbers_before_and_after_hard_debiasing(debias, tolerance):
    """Gonen & Goldberg (2019) on the vectors of Bolukbasi et al. (2016)."""
    baseline = bolukbasi()
    debiased = debias(baseline)
    expected = reference_numbers()["lipstick_on_bolukbasi_published_and_measured"]
    effort = Resampling(0, 100, 0, False)
    records = records_of("lipstick", debiased, effort, baseline=Baseline(baseline))
    found = {record.name: record for record in records if record.words == "all"}
    sizes = [found[name].n for name in ("kmeans_alignment", "svm_recovery", "profession_neighbors")]
    assert sizes == [1000, 5000, 303]
    assert found["svm_recovery"].extra["train"] == 1000
    for record, key in zip(found.values(), ("kmeans", "svm", "profession_r"), strict=True):
        assert record.value == pytest.approx(expected[f"{key}_after_hard"], abs=tolerance)
        assert record.extra["baseline"] == pytest.approx(expected[f"{key}_before"], abs=0.002)
        if key in expected["published"]:
            before, after = expected["published"][key]
            assert record.extra["baseline"] == pytest.approx(before, abs=expected["tolerance"])
            assert record.value == pytest.approx(after, abs=expected["tolerance"])


def unstructured(words=1200, dim=15, seed=0):
    """Vectors without any structure."""
    names = ["he", "she", *LISTED, *map(spell, range(words))]
    return Embeddings(names, np.random.default_rng(seed).normal(size=(len(names), dim)))


def two_kinds(seed=0):
    """Words of two far apart kinds, to which *he* and *she* belong, and nothing else in common."""
    vectors = unstructured(seed=seed)
    rows = np.array(vectors.vectors)
    rows[:, 0] = np.where(np.arange(len(rows)) % 2, -4.0, 4.0)
    return Embeddings(vectors.words, rows)


NULL_SEED = Resampling(0, 0, 0, null=True).seed_of("null", "lipstick")


def pool(vectors):
    return NullCache.of(vectors).words


def test_axes_are_of_words_that_may_be_drawn_and_are_not_candidates_themselves():
    vectors = unstructured()
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
    baseline, vectors = unstructured(), unstructured(seed=1)
    axes = random_axes(pool(baseline), axes=5)
    for test in (kmeans_alignment, svm_recovery):
        values = label_null(test, vectors, axes, seed=7)
        for value, ranking in zip(values, axes.rankings, strict=True):
            assert value == test(vectors, ranking, seeds=(7,)).value
    biased = biased_words(baseline, exclude=())
    shares = neighbor_shares_along(vectors, baseline, biased, LISTED, axes.pairs)
    for value, pair in zip(neighbor_null(shares, LISTED[:30]), axes.pairs, strict=True):
        along = biased_words(baseline, exclude=(), pair=pair)  # the same candidates
        one = neighbor_shares(vectors, baseline, along, LISTED, pair=pair)
        r = neighbor_bias(one, LISTED[:30], permutations=0, bootstrap=0).value
        assert value == pytest.approx(r, abs=1e-9)


def test_he_and_she_are_like_random_words_where_there_is_no_gender():
    card = evaluate(unstructured(), groups=["lipstick"], bootstrap=0)
    for record in card.records:
        if record.metric == "lipstick" and record.value is not None:
            assert record.extra["null_draws"] == 20
            assert record.extra["null_p"] > 2 / 21, record.name  # not beyond all of them


def test_he_and_she_are_not_like_random_words_where_words_are_of_two_kinds():
    vectors = two_kinds()
    kinds = {word: i % 2 for i, word in enumerate(vectors.words)}
    card = evaluate(vectors, groups=["lipstick"], bootstrap=0)
    axes = random_axes(pool(vectors), seed=NULL_SEED)
    alike = [kinds[first] == kinds[second] for first, second in axes.pairs]
    assert 4 < sum(alike) < 16  # about half of the pairs are of one kind, and see no kinds
    record = card.record("lipstick", "kmeans_alignment", "all")
    assert record.value == 1.0
    assert record.extra["null_low"] < 1.0
    values = label_null(kmeans_alignment, vectors, axes)
    assert max(values[alike]) < min(values[np.invert(alike)]) == 1.0


def test_a_record_has_the_null_here_and_in_the_baseline():
    baseline, vectors = two_kinds(), unstructured(seed=5)
    held = Baseline(baseline)
    card = evaluate(vectors, baseline=held, groups=["lipstick"], bootstrap=0)
    own = evaluate(baseline, baseline=held, groups=["lipstick"], bootstrap=0)
    axes = random_axes(pool(baseline), seed=NULL_SEED)
    for name in ("kmeans_alignment", "svm_recovery", "profession_neighbors"):
        after, before = (each.record("lipstick", name, "all").extra for each in (card, own))
        for number in ("low", "median", "high", "draws"):
            assert after[f"null_{number}_baseline"] == before[f"null_{number}"]
        assert after["null_low"] <= after["null_median"] <= after["null_high"]
        assert not [key for key in before if key.endswith("_baseline")]
    values = label_null(kmeans_alignment, vectors, axes, NULL_SEED)
    shown = card.record("lipstick", "kmeans_alignment", "all").extra
    assert shown["null_median"] == np.median(values)


def test_without_nulls_there_are_none():
    for less in ({"lipstick_nulls": False}, {"quick": True}):
        card = evaluate(unstructured(), groups=["lipstick"], **less)
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
    rows = np.array(unstructured(words=30).vectors)
    rows[-2:] = rows[-1]
    twins = Embeddings(unstructured(words=30).words, rows)
    axes = random_axes(random_words(twins, twins.words[:-4]), axes=2)
    assert len(axes.pairs) in (1, 2)
    assert twins.words[-2:] not in axes.pairs
    axes = random_axes(pool(unstructured(words=30)), axes=2)
    with pytest.raises(NotMeasuredError, match="undefined for 2 of 2"):
        label_null(kmeans_alignment, unstructured(words=30), axes)
