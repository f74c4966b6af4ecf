"""SC-WEAT, SAME, RND, RNSB, MAC, ECT and RIPA on vectors whose values are known by hand."""

import json
import math

import numpy as np
import pytest

from debiaslab.errors import UserError
from debiaslab.lexicons import load
from debiaslab.metrics import association, ect, mac, ripa, rnd, same, sc_weat, word_metric
from debiaslab.metrics.association import coherence
from debiaslab.metrics.cases import HALVES, Resampling
from debiaslab.metrics.rnsb import PLEASANT, UNPLEASANT, divergence_from_uniform, fit_logistic, rnsb
from debiaslab.statistics.permutation import subset_masks
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import embeddings_of, lexicon_words, records_of

A, B = ["a1", "a2", "a3", "a4"], ["b1", "b2", "b3", "b4"]
GROUPS = {"east": A, "north": B}
EAST, NORTH, EASTWARD, NORTHWARD = (1.0, 0.0), (0.0, 1.0), (4.0, 3.0), (6.0, 8.0)
WORDS = {"e": EAST, "ew": EASTWARD, "nw": NORTHWARD, "n": NORTH}
BY_HAND = {**dict.fromkeys(A, EAST), **dict.fromkeys(B, NORTH), **WORDS}


def noise(*sizes, dim=12, seed=0):
    """Vectors of words a0, a1, …, b0, …: one letter for each size."""
    rng = np.random.default_rng(seed)
    words = [f"{'abcdefgh'[i]}{j}" for i, size in enumerate(sizes) for j in range(size)]
    return Embeddings(words, rng.normal(size=(len(words), dim)) + 0.3)


def letter(vectors, which):
    return [word for word in vectors.words if word[0] == which]


def test_sc_weat_by_hand():
    # "e": cosines 1 × 4 with A, 0 × 4 with B: s = 1, spread √(8 · ¼ / 7), d = √3.5. A holds the
    # four largest of eight: 1 of C(8, 4) = 70 relabellings, two-sided 2.
    # "ew": .8 and .6: s = .2, spread .1 √(8/7): the same d.
    result = sc_weat(embeddings_of(BY_HAND), list(WORDS), A, B)
    by_word = {each.word: each for each in result.words}
    assert list(by_word) == list(WORDS)
    for word, s in {"e": 1.0, "ew": 0.2, "nw": -0.2, "n": -1.0}.items():
        assert by_word[word].statistic == pytest.approx(s, abs=1e-6)
        assert by_word[word].effect_size == pytest.approx(math.copysign(math.sqrt(3.5), s))
        assert by_word[word].p == pytest.approx(1 / 70 if s > 0 else 1.0)
        assert by_word[word].p_two_sided == pytest.approx(2 / 70)
    assert (result.method, result.permutations, result.p_floor) == ("exact", 70, 1 / 70)
    assert result.value == pytest.approx(math.sqrt(3.5))
    assert result.signed == pytest.approx(0.0, abs=1e-6)
    assert result.statistic == pytest.approx(0.6, abs=1e-6)
    assert result.significant == 1.0
    population = sc_weat(embeddings_of(BY_HAND), list(WORDS), A, B, ddof=0)
    assert population.value == pytest.approx(2.0)


def test_sc_weat_p_is_the_permutation_test_of_each_word():
    from debiaslab.metrics import permutation_test

    vectors = noise(5, 6, 9)
    result = sc_weat(vectors, letter(vectors, "c"), letter(vectors, "a"), letter(vectors, "b"))
    unit = vectors.unit.astype(float)
    for word in result.words:
        cosines = unit[:11] @ unit[vectors.index[word.word]]
        test = permutation_test(cosines[:5], cosines[5:])
        assert (word.p, word.p_two_sided) == pytest.approx((test.p, test.p_two_sided), abs=1e-12)


def test_sc_weat_monte_carlo_converges_and_has_a_floor(monkeypatch):
    vectors = noise(7, 8, 20)
    sets = [letter(vectors, which) for which in "cab"]
    exact = sc_weat(vectors, *sets)
    monkeypatch.setattr(
        association,
        "subset_masks",
        lambda n, size, **given: subset_masks(n, size, exact_limit=0, **given),
    )
    drawn = sc_weat(vectors, *sets, permutations=20_000)
    assert (exact.method, drawn.method) == ("exact", "monte_carlo")
    assert drawn.p_floor == 1 / 20_001
    for one, other in zip(exact.words, drawn.words, strict=True):
        assert other.p == pytest.approx(one.p, abs=5 * math.sqrt(0.25 / 20_000))
        assert other.p_two_sided == pytest.approx(one.p_two_sided, abs=0.02)


def test_sc_weat_words_without_association_are_significant_one_time_in_twenty():
    vectors = noise(20, 20, 600, dim=50)
    result = sc_weat(vectors, *(letter(vectors, which) for which in "cab"), permutations=2000)
    assert result.significant == pytest.approx(0.05, abs=0.045)


def test_masks_are_distinct_subsets_and_all_of_them():
    method, total, blocks = subset_masks(7, 3)
    masks = np.concatenate(list(blocks))
    assert (method, total) == ("exact", 35)
    assert len({row.tobytes() for row in masks}) == 35
    _, total, blocks = subset_masks(70, 30, draws=5000, seed=1)
    masks = np.concatenate(list(blocks))
    assert masks.shape == (5000, 70)
    assert (masks.sum(axis=1) == 30).all()
    assert masks.mean(axis=0) == pytest.approx(np.full(70, 30 / 70), abs=0.04)


def test_same_by_hand():
    result = same(embeddings_of(BY_HAND), list(WORDS), GROUPS)
    assert result.value == pytest.approx(0.6 / math.sqrt(2), abs=1e-6)
    (pair,) = result.pairs
    assert (pair.first, pair.second) == ("east", "north")
    assert pair.skew == pytest.approx(0.0, abs=1e-6)
    assert pair.stereotype == pytest.approx(math.sqrt((0.5 + 0.02) / 2), abs=1e-6)
    assert result.groups == (4, 4)


def three_axes():
    axes = np.eye(3)
    return embeddings_of(
        {f"{'abc'[i]}{j}": axes[i] * (1 + j) for i in range(3) for j in range(2)}
        | {"w1": axes[0], "w2": axes[0] * 2, "w3": axes[2], "w4": axes[2] * 3}
    )


def test_same_of_three_groups_by_hand():
    # Differences from the first: b2 = (−1, 1, 0)/√2; what is left of (−1, 0, 1) is (−½, −½, 1),
    # of length √1.5. Word (1, 0, 0): 1/√2 + ½. Word (0, 0, 1): 0 + 1.
    vectors = three_axes()
    groups = [["a0", "a1"], ["b0", "b1"], ["c0", "c1"]]
    result = same(vectors, ["w1", "w2", "w3", "w4"], groups)
    assert result.value == pytest.approx((math.sqrt(0.5) + 0.5 + 1) / 2, abs=1e-6)
    assert [(each.first, each.second) for each in result.pairs] == [
        ("set 1", "set 2"),
        ("set 1", "set 3"),
        ("set 2", "set 3"),
    ]
    # Projection on the plane: both words have √(2/3), and no group comes first.
    for order in (groups, groups[::-1]):
        other = same(vectors, ["w1", "w2", "w3", "w4"], order, method="subspace")
        assert other.value == pytest.approx(math.sqrt(2 / 3), abs=1e-6)


def test_same_has_one_value_for_two_groups_whatever_the_method():
    vectors = noise(5, 6, 9)
    groups = {"a": letter(vectors, "a"), "b": letter(vectors, "b")}
    one, other = (
        same(vectors, letter(vectors, "c"), groups, method=m) for m in ("published", "subspace")
    )
    assert one.value == pytest.approx(other.value)


def test_same_without_a_difference_is_not_measured():
    alike = {**BY_HAND, **dict.fromkeys(B, EAST)}
    result = same(embeddings_of(alike), list(WORDS), GROUPS)
    assert result.value is None
    assert result.reason == "the groups all have the same mean vector"


def test_rnd_by_hand():
    vectors, words = embeddings_of({**BY_HAND, "e2": EAST, "ew2": EASTWARD}), ["e", "e2", "ew"]
    norm = rnd(vectors, [*words, "ew2"], GROUPS)
    assert norm.value == pytest.approx((-math.sqrt(2) + math.sqrt(0.4) - math.sqrt(0.8)) / 2)
    cosine = rnd(vectors, [*words, "ew2"], GROUPS, distance="cosine")
    assert cosine.value == pytest.approx(-0.6)
    # Raw: (4, 3) is √18 from (1, 0) and √20 from (0, 1).
    raw = rnd(vectors, [*words, "ew2"], GROUPS, unit=False)
    assert raw.value == pytest.approx((-math.sqrt(2) + math.sqrt(18) - math.sqrt(20)) / 2, rel=1e-6)


@pytest.mark.parametrize(("metric", "size"), [(rnd, np.abs), (ect, np.asarray)])
def test_of_three_groups_it_is_the_mean_over_pairs(metric, size):
    vectors = noise(4, 5, 6, 15)
    groups, words = {which: letter(vectors, which) for which in "abc"}, letter(vectors, "d")
    result = metric(vectors, words, groups)
    values = [
        metric(vectors, words, {one: groups[one], other: groups[other]}).value
        for one, other in ("ab", "ac", "bc")
    ]
    assert [each.value for each in result.pairs] == pytest.approx(values)
    assert result.value == pytest.approx(size(values).mean())
    assert result.interval[0] < result.value < result.interval[1]


def test_mac_by_hand():
    result = mac(embeddings_of(BY_HAND), list(WORDS), GROUPS)
    assert result.value == pytest.approx((1 + 0.6 + 0.6 + 1) / 8)
    assert dict(result.by_set) == pytest.approx({"east": 0.4, "north": 0.4})


def test_mac_takes_any_number_of_sets_and_every_set_weighs_alike():
    vectors = noise(2, 5, 9, 6)
    sets = [letter(vectors, which) for which in "abc"]
    unit = vectors.unit.astype(float)
    of = {which: [vectors.index[w] for w in letter(vectors, which)] for which in "abcd"}
    expected = np.mean([1 - (unit[of["d"]] @ unit[of[s]].T).mean() for s in "abc"])
    assert mac(vectors, letter(vectors, "d"), sets).value == pytest.approx(expected, abs=1e-6)
    in_two = {"one": letter(vectors, "d")[:3], "two": letter(vectors, "d")[3:]}
    assert mac(vectors, in_two, sets) == mac(vectors, letter(vectors, "d"), sets)


def test_ect_by_hand():
    result = ect(embeddings_of(BY_HAND), list(WORDS), GROUPS)
    assert result.value == pytest.approx(-1.0)
    # North turned to (3, 4)/5: cosines with it .6, .96, 1, .8. Ranks 4, 3, 2, 1 against
    # 1, 3, 4, 2: Σ d² = 9 + 0 + 4 + 1 = 14, ρ = 1 − 6 · 14 / 60 = −.4.
    turned = {**BY_HAND, **dict.fromkeys(B, (3.0, 4.0))}
    assert ect(embeddings_of(turned), list(WORDS), GROUPS).value == pytest.approx(-0.4)


def test_coherence_equals_scipy_with_and_without_ties():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    batch = np.stack([rng.normal(size=(30, 3)), rng.integers(0, 5, (30, 3)).astype(float)])
    for rho, columns in zip(coherence(batch), batch, strict=True):
        expected = [
            spearmanr(columns[:, i], columns[:, j]).statistic for i, j in ((0, 1), (0, 2), (1, 2))
        ]
        assert rho == pytest.approx(expected)


def test_ects_interval_does_not_depend_on_how_many_resamples_are_ranked_at_a_time(monkeypatch):
    vectors = noise(4, 4, 4, 15)
    groups = {which: letter(vectors, which) for which in "abc"}
    intervals = []
    for at_once in (50, 7, 1000):
        monkeypatch.setattr(word_metric, "_AT_ONCE", at_once)
        intervals.append(ect(vectors, letter(vectors, "d"), groups).interval)
    assert intervals[0] == intervals[1] == intervals[2]


def test_ripa_by_hand():
    vectors = embeddings_of(
        {"man": (3.0, 1.0), "woman": (1.0, 1.0), "w1": (3.0, 4.0), "w2": (-3.0, 4.0)}
        | {"w3": (0.0, 2.0), "w4": (6.0, 8.0)}
    )
    words = ["w1", "w2", "w3", "w4"]
    raw = ripa(vectors, words, [("man", "woman")])
    assert dict(raw.words) == pytest.approx({"w1": 3.0, "w2": -3.0, "w3": 0.0, "w4": 6.0})
    assert (raw.value, raw.signed) == pytest.approx((3.0, 1.5))
    assert ripa(vectors, words, [("woman", "man")]).signed == pytest.approx(-1.5)
    # Of unit vectors (.949, .316) and (.707, .707), b is the unit difference (.527, −.850).
    unit = ripa(vectors, words, [("man", "woman")], unit=True)
    b = np.array([3, 1]) / math.sqrt(10) - np.array([1, 1]) / math.sqrt(2)
    assert dict(unit.words)["w1"] == pytest.approx(float(np.array([0.6, 0.8]) @ b) / np.hypot(*b))


def test_ripa_drops_a_pair_with_a_missing_word_whole():
    vectors = noise(8, 6)
    pairs = [("a0", "a1"), ("gone", "a3"), ("a4", "a5"), ("a6", "away")]
    for relation in ("pca", "mean"):
        some = ripa(vectors, letter(vectors, "b"), pairs, relation=relation)
        kept = ripa(vectors, letter(vectors, "b"), [pairs[0], pairs[2]], relation=relation)
        assert (some.pairs, some.missing) == (2, ("gone", "away"))
        assert (some.value, some.words) == (kept.value, kept.words)
    none = ripa(vectors, letter(vectors, "b"), [("gone", "a3")])
    assert none.reason == "0 of 1 pairs have both words in the vectors"


def test_ripa_mean_averages_over_the_pairs():
    vectors = noise(4, 5)
    pairs = [("a0", "a1"), ("a2", "a3")]
    both = ripa(vectors, letter(vectors, "b"), pairs, relation="mean")
    each = [dict(ripa(vectors, letter(vectors, "b"), [pair]).words) for pair in pairs]
    for word, value in both.words:
        assert value == pytest.approx((each[0][word] + each[1][word]) / 2)


def test_divergence_by_hand():
    # Shares ¼, ¼, ½ of three: ½ ln ¾ + ½ ln 1.5.
    value = divergence_from_uniform(np.array([0.2, 0.2, 0.4]))
    assert value == pytest.approx(0.5 * math.log(0.75) + 0.5 * math.log(1.5))
    assert divergence_from_uniform(np.full(5, 0.3)) == pytest.approx(0.0, abs=1e-12)
    assert divergence_from_uniform(np.array([[1.0, 0.0], [0.5, 0.5]])) == pytest.approx(
        [math.log(2), 0.0]
    )


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_the_classifier_is_that_of_scikit_learn(scale):
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = scale * (rng.normal(size=(40, 6)) + np.repeat([[0.0], [0.7]], 20, axis=0))
    y = np.repeat([-1.0, 1.0], 20)
    weights, intercept = fit_logistic(X, y, C=0.5)
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=100_000).fit(X, y)
    assert weights == pytest.approx(theirs.coef_[0], rel=1e-3, abs=1e-4)
    assert intercept == pytest.approx(theirs.intercept_[0], rel=1e-3, abs=1e-3)


def test_rnsb_without_a_holdout_is_the_divergence_of_one_classifier():
    from sklearn.linear_model import LogisticRegression

    vectors = noise(10, 12, 7, dim=30)
    good, bad, people = (letter(vectors, which) for which in "abc")
    result = rnsb(vectors, people, good, bad, holdout=0)
    rows = vectors.vectors.astype(float)
    theirs = LogisticRegression(tol=1e-10).fit(rows[:22], [0] * 10 + [1] * 12)
    p = theirs.predict_proba(rows[22:])[:, 1]
    assert [each[1] for each in result.probabilities] == pytest.approx(p, abs=1e-5)
    assert result.value == pytest.approx(float(divergence_from_uniform(p)), abs=1e-6)
    assert (result.interval, result.accuracy, result.splits) == ((None, None), None, 1)


def test_rnsb_is_seeded_has_an_interval_and_changes_no_default():
    vectors = noise(10, 12, 7, dim=30)
    good, bad, people = (letter(vectors, which) for which in "abc")
    before = rnsb.__defaults__, dict(rnsb.__kwdefaults__)
    first, again, other = (
        rnsb(vectors, people, good, bad, repeats=20, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first.value != other.value
    assert first.interval[0] < first.value < first.interval[1]
    assert 0 <= first.accuracy <= 1
    assert (rnsb.__defaults__, dict(rnsb.__kwdefaults__)) == before


def test_rnsb_takes_any_number_of_groups_and_weat_words_by_default():
    rng = np.random.default_rng(0)
    words = [*PLEASANT, *UNPLEASANT, *"abcdef"]
    centre = np.r_[np.full(25, -1.0), np.full(25, 1.0), [-1, -1, 0, 0, 1, 1]]
    vectors = Embeddings(words, rng.normal(size=(56, 8)) * 0.1 + centre[:, None] * np.ones(8))
    result = rnsb(vectors, {"one": ["a", "b"], "two": ["c", "d"], "three": ["e", "f"]})
    probabilities = dict(result.probabilities)
    assert result.accuracy == 1.0
    assert max(probabilities["a"], probabilities["b"]) < 0.2
    assert min(probabilities["e"], probabilities["f"]) > 0.8
    assert result.value > 0.2
    assert result.sizes == (25, 25)


METRICS = {
    "sc_weat": lambda v, w, a, b: sc_weat(v, w, a, b),
    "same": lambda v, w, a, b: same(v, w, {"a": a, "b": b}),
    "rnd": lambda v, w, a, b: rnd(v, w, {"a": a, "b": b}),
    "mac": lambda v, w, a, b: mac(v, w, {"a": a, "b": b}),
    "ect": lambda v, w, a, b: ect(v, w, {"a": a, "b": b}),
    "ripa": lambda v, w, a, b: ripa(v, w, list(zip(a, b, strict=False))),
    "rnsb": lambda v, w, a, b: rnsb(v, w, a, b, repeats=3),
}


@pytest.fixture
def sets():
    vectors = noise(6, 6, 8)
    return vectors, letter(vectors, "c"), letter(vectors, "a"), letter(vectors, "b")


@pytest.mark.parametrize("metric", METRICS)
def test_missing_words_are_named_and_the_rest_is_measured(metric, sets):
    vectors, words, a, b = sets
    result = METRICS[metric](vectors, [*words, "absent", "absent"], a, b)
    assert result.value is not None
    assert (result.n, result.missing, result.reason) == (8, ("absent",), None)
    none = METRICS[metric](vectors, ["gone"], a, b)
    assert (none.value, none.interval) == (None, (None, None))
    assert none.reason.startswith("the word list has 0 of 1 words")


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "ripa"])
def test_one_word_attribute_sets_and_words_on_both_sides_are_not_measured(metric, sets):
    vectors, words, a, b = sets
    few = METRICS[metric](vectors, words, a[:1], b)
    assert " has 1 of 1 words in the vectors, needs " in few.reason
    assert "on both sides" in METRICS[metric](vectors, words, a, [*b, a[0]]).reason


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["zero", "one point"])
def test_zero_and_collapsed_vectors_are_not_measured(metric, kind, sets):
    vectors, words, a, b = sets
    rows = np.zeros((20, 12)) if kind == "zero" else np.outer(np.arange(1, 21), np.ones(12))
    result = METRICS[metric](Embeddings(vectors.words, rows), words, a, b)
    assert result.value is None
    assert result.reason


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda v, w, a, b: same(v, w, [a, b], method="subspac"), "unknown"),
        (lambda v, w, a, b: rnd(v, w, [a, b], distance="cosin"), "unknown"),
        (lambda v, w, a, b: ripa(v, w, [("a0", "b0")], relation="pc"), "unknown"),
        (lambda v, w, a, b: mac(v, w, a), "one list of words"),
        (lambda v, w, a, b: ect(v, w, {"a": a}), "1 word sets"),
        (lambda v, w, a, b: rnsb(v, w, ["a0"], ["b0"], holdout=0.9), "holdout"),
    ],
)
def test_what_makes_no_sense_is_refused(call, says, sets):
    with pytest.raises(UserError, match=says):
        call(*sets)


@pytest.fixture(scope="module")
def lexicon_vectors():
    lists = ("occupations", "male_words", "female_words", "career", "family", "math", "arts")
    words = [*lexicon_words([*lists, "male_terms", "female_terms"], ["definitional_pairs"])]
    words = list(
        dict.fromkeys([*words, *PLEASANT, *UNPLEASANT, *(f"filler{i}" for i in range(400))])
    )
    return Embeddings(words, np.random.default_rng(0).normal(size=(len(words), 40)))


def test_records_of_every_metric_on_every_half(lexicon_vectors):
    effort = Resampling(0, 200, 1000, null=True)
    records = records_of("association", lexicon_vectors, effort)
    metrics = ("sc_weat", "same", "rnd_norm", "rnd_cosine", "mac", "ect", "ripa")
    expected = [(m, "occupations") for m in (*metrics, "ripa_normalised")] + [("rnsb", "gender")]
    assert [(r.metric, r.name, r.words) for r in records] == [
        (*each, half) for half in HALVES for each in expected
    ]
    for record in records:
        assert record.low <= record.value <= record.high
        json.dumps(record.to_dict(), allow_nan=False)
    assert records == records_of("association", lexicon_vectors, effort)
    for record in records:
        if record.metric == "rnsb":  # its words are those of gender
            assert record.extra["null_low"] < record.extra["null_high"]
            continue
        # these vectors are noise: their words are random words
        span = record.extra["null_high"] - record.extra["null_low"]
        assert record.extra["null_low"] - span < record.value < record.extra["null_high"] + span


def test_a_large_d_with_a_random_s_is_warned_about(lexicon_vectors):
    """Occupations and fillers vary much along gender; math and arts hardly, but in order."""
    rng = np.random.default_rng(1)
    vectors = np.array(lexicon_vectors.vectors, dtype=float)
    words = lexicon_vectors.words
    vectors[:, 0] = 3 * rng.normal(size=len(words))
    for name, value in (("male_terms", 9.0), ("female_terms", -9.0), ("math", 0.2), ("arts", -0.2)):
        for word in load(name).words:
            vectors[lexicon_vectors.index[word]] = rng.normal(size=40) * 0.01
            vectors[lexicon_vectors.index[word], 0] = value
            vectors[lexicon_vectors.index[word], 1] = 5.0
    effort = Resampling(0, 0, 1000, null=True)
    planted = Embeddings(words, vectors)
    records = {
        (r.name, r.words): r for r in records_of("weat", planted, effort) if r.value is not None
    }
    record = records["7", "all"]
    assert record.value > 1.5
    assert abs(record.extra["statistic"]) < record.extra["null95"]
    assert "compare s" in record.extra["warning_scale"]
    assert record.extra["p_floor"] == 1 / 12_870
    quiet = records_of("weat", lexicon_vectors, Resampling(0, 0, 0, null=False))
    assert all(each.extra["warning_scale"] is None for each in quiet)
