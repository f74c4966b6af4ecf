"""The tests of Gonen & Goldberg (2019): are the words of one gender still together?"""

import json

import numpy as np
import pytest

from debiaslab.lexicons import gender_words, load, load_file, load_pairs
from debiaslab.metrics import gender_direction
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.evaluation import Baseline
from debiaslab.metrics.lipstick import kmeans_alignment, label_seeds, svm_recovery, two_means
from debiaslab.metrics.neighbor_bias import TOP, biased_words, neighbor_bias, neighbor_shares
from debiaslab.vectors.embeddings import Embeddings
from tests.reference import bolukbasi, reference_numbers
from tests.toys import records_of

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


# Ranking -----------------------------------------------------------------------------------------


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


# k-means -----------------------------------------------------------------------------------------


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


# The three tests on planted vectors --------------------------------------------------------------


def test_words_that_share_a_topic_are_still_found_after_debiasing():
    baseline, debiased = planted()
    kmeans, svm, neighbors = all_three(debiased, baseline)
    assert kmeans > 0.97
    assert svm > 0.97
    assert neighbors > 0.8


def test_words_without_a_common_topic_are_at_chance_after_debiasing():
    baseline, debiased = planted(topic=0.0)
    kmeans, svm, neighbors = all_three(debiased, baseline)
    assert kmeans < 0.58
    assert 0.42 < svm < 0.58
    assert abs(neighbors) < 0.25
    before = all_three(baseline, baseline)
    assert before[0] > 0.95
    assert before[1] > 0.95
    assert before[2] > 0.9


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
    baseline, debiased = planted()
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
    some = debiased.vectors.copy()
    some[10:20] = 0
    assert kmeans_alignment(Embeddings(debiased.words, some), biased).candidates == 1590


def test_scorecard_records():
    baseline, debiased = planted()
    professions = load("occupations").words
    words = ["he", "she", *professions, *baseline.words[2 + len(professions) :]]
    baseline = Embeddings(words, baseline.vectors)
    debiased = Embeddings(words, debiased.vectors)
    effort = Resampling(0, 100, 0, False)
    records = records_of("lipstick", debiased, effort, baseline=Baseline(baseline))
    assert [(record.name, record.words) for record in records] == [
        ("kmeans_alignment", "all"),
        ("svm_recovery", "all"),
        ("profession_neighbors", "all"),
        ("profession_neighbors", "tune"),
        ("profession_neighbors", "report"),
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
    effort = Resampling(0, 0, 0, False)
    measured = records_of(
        "lipstick",
        after,
        effort,
        baseline=Baseline(before),
        attributes=list(load_file(file).attributes.values()),
    )
    gender, age = measured[:5], measured[5:]
    assert [record.name for record in age] == [f"age {record.name}" for record in gender]
    assert all("he : she" in record.reason for record in gender)
    biased = biased_words(before, pair=("Old", "Young"), exclude=words[2:4])
    assert age[0].extra["candidates"] == len(biased) == 1598
    seeds = label_seeds("kmeans_alignment", effort)
    assert age[0].value == kmeans_alignment(after, biased, seeds=seeds).value > 0.97
    assert "occupations" in age[2].reason or "professions" in age[2].reason


# Published vectors -------------------------------------------------------------------------------


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


def test_published_numbers_before_and_after_hard_debiasing():
    baseline = bolukbasi()
    expected = reference_numbers()["lipstick_on_bolukbasi_published_and_measured"]
    effort = Resampling(0, 100, 0, False)
    records = {
        (record.name, record.words): record
        for record in records_of(
            "lipstick", hard_debiased(baseline), effort, baseline=Baseline(baseline)
        )
    }
    for name, key in (
        ("kmeans_alignment", "kmeans"),
        ("svm_recovery", "svm"),
        ("profession_neighbors", "profession_r"),
    ):
        record = records[name, "all"]
        assert record.value == pytest.approx(expected[f"{key}_after_hard"], abs=0.015)
        assert record.extra["baseline"] == pytest.approx(expected[f"{key}_before"], abs=0.002)
        if key in expected["published"]:
            before, after = expected["published"][key]
            assert record.extra["baseline"] == pytest.approx(before, abs=expected["tolerance"])
            assert record.value == pytest.approx(after, abs=expected["tolerance"])
    assert records["kmeans_alignment", "all"].n == 1000
    assert (records["svm_recovery", "all"].n, records["svm_recovery", "all"].extra["train"]) == (
        5000,
        1000,
    )
    assert records["profession_neighbors", "all"].n == 303
