"""Leaving out a pair, a word or a set; another pair for he/she; reliability and consistency."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.lexicons import attribute, load, load_file, load_pairs
from debiaslab.lexicons.tables import load_occupation_women, load_sembias
from debiaslab.metrics import (
    NotMeasuredError,
    bias_by_projection,
    direct_bias,
    ect,
    evaluate,
    gender_direction,
    mac,
    ripa,
    weat,
)
from debiaslab.metrics.lipstick import kmeans_alignment
from debiaslab.metrics.neighbor_bias import biased_words, neighbor_bias, neighbor_shares
from debiaslab.metrics.projection import indirect_bias_within
from debiaslab.metrics.reliability import (
    attribute_sensitivity,
    inter_rule,
    internal_consistency,
    leave_one_attribute_out,
    leave_one_pair_out,
    list_consistency,
    pair_scores,
    pair_sensitivity,
    retest_reliability,
    weat_sensitivity,
    word_scores,
)
from debiaslab.metrics.rnsb import PLEASANT, UNPLEASANT
from debiaslab.metrics.sembias import factual_association, sembias, words_of
from debiaslab.statistics import cronbach_alpha, icc2, icc3
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import lexicon_words

SIDES = {side: [f"{side}{i}" for i in range(6)] for side in "xyab"}
X, Y, A, B = SIDES.values()
PAIRS = list(zip(A, B, strict=True))
WOMEN = {word: float(i**2) for i, word in enumerate(X + Y)}

METRICS = {
    "direct bias": (partial(direct_bias, bootstrap=0), X + Y),
    "bias by projection": (partial(bias_by_projection, bootstrap=0), X + Y),
    "indirect bias": (partial(indirect_bias_within, bootstrap=0), X + Y),
    "RIPA": (partial(ripa, bootstrap=0), X + Y),
    "RIPA, normalised": (partial(ripa, unit=True, bootstrap=0), X + Y),
    "factual association": (partial(factual_association, permutations=0, bootstrap=0), WOMEN),
}
READS_PAIRS = [("indirect_bias", f"occupations_{gender}male") for gender in ("", "fe")]
READS_PAIRS += [("factual_association", name) for name in ("bls", "winobias", "census")]
READS_PAIRS += [("direct_bias", "occupations"), ("bias_by_projection", "occupations")]
READS_PAIRS += [("raw_direct_bias", "occupations")]
READS_PAIRS += [("ripa", "occupations"), ("ripa_normalised", "occupations")]


def space(seed=0, dim=15):
    words = [word for side in SIDES.values() for word in side]
    rows = np.random.default_rng(seed).normal(size=(len(words), dim))
    return Embeddings(words, rows + 0.5)  # words that are alike, for indirect bias


@pytest.fixture(scope="module")
def lexicon_space():
    """Random vectors of the words of the lexicons, and pairs that differ along one axis."""
    male, female = map(list, zip(*load_pairs("definitional_pairs").pairs, strict=True))
    lists = ["occupations", "occupations_male", "occupations_female"]
    words = lexicon_words(lists, ["definitional_pairs"])
    for name in ("bls", "winobias", "census"):
        words += load_occupation_women(name).half("all")
    words = list(dict.fromkeys(words))
    rows = np.random.default_rng(3).normal(size=(len(words), 20)) + 0.4
    rows[:, 0] += 3.0 * np.isin(words, male) - 3.0 * np.isin(words, female)
    return Embeddings(words, rows)


@pytest.mark.parametrize("name", METRICS)
def test_each_value_is_the_metric_without_that_pair(name):
    vectors, (metric, words) = space(), METRICS[name]
    result = leave_one_pair_out(vectors, words, PAIRS, metric)
    assert result.value == metric(vectors, words, PAIRS).value is not None
    assert [each.item for each in result.without] == [f"a{i}/b{i}" for i in range(6)]
    for place, each in enumerate(result.without):
        kept = [pair for i, pair in enumerate(PAIRS) if i != place]
        assert each.value == metric(vectors, words, kept).value
        assert each.influence == each.value - result.value
    values = [each.value for each in result.without]
    assert (result.low, result.high) == (min(values), max(values))
    assert len(set(values)) == 6
    most = max(result.without, key=lambda each: abs(each.influence))
    assert result.most_influential == most
    if name == "direct bias":
        assert leave_one_pair_out(vectors, words, PAIRS) == result  # when none is named
    # unknown and repeated pairs and the order make no difference
    mixed = [("absent", "b1"), *PAIRS[::-1], PAIRS[0], ("a2", "gone")]
    other = leave_one_pair_out(vectors, words, mixed, metric)
    assert {each.item for each in other.without} == {each.item for each in result.without}
    assert (other.missing, result.missing) == (("absent/b1", "a2/gone"), ())
    assert other.most_influential.item == most.item
    for number in ("value", "low", "high"):
        assert getattr(other, number) == pytest.approx(getattr(result, number))


def test_each_value_is_weat_without_that_word():
    vectors = space()
    result = leave_one_attribute_out(vectors, X, Y, A, B)
    assert [each.item for each in result.without] == A + B
    assert result.value == weat(vectors, X, Y, A, B, permutations=0, bootstrap=0).statistic
    without_b2 = weat(vectors, X, Y, A, B[:2] + B[3:], permutations=0, bootstrap=0)
    assert result.without[8].value == without_b2.statistic
    # s is linear in each attribute mean: leaving one out at a time gives s on average.
    assert np.mean([each.value for each in result.without]) == pytest.approx(result.value)


def test_the_pair_that_makes_the_bias_is_found():
    vectors = np.array(space().vectors)
    vectors[:12, 0] += 4  # the words lie along the first axis …
    vectors[12, 0] += 5
    vectors[18, 0] -= 5  # … which is the gender direction because of one pair
    result = leave_one_pair_out(Embeddings(space().words, vectors), X + Y, PAIRS)
    assert result.most_influential.item == "a0/b0"
    assert result.most_influential.influence < -0.1


def test_what_cannot_be_measured():
    vectors = space()
    lost = leave_one_pair_out(vectors, X[:3], PAIRS)
    assert (lost.value, lost.without) == (None, ())
    assert "needs 4" in lost.reason
    four = leave_one_attribute_out(vectors, X, Y, A[:4], B)  # 3 words of A are not measured
    assert [each.value is None for each in four.without] == [True] * 4 + [False] * 6
    assert ["needs 4" in (each.reason or "") for each in four.without] == [True] * 4 + [False] * 6
    assert four.most_influential.item in B
    assert four.reason is None
    for metric, words, pairs in (
        (*METRICS["direct bias"], PAIRS[:2]),  # a gender direction needs two pairs
        (*METRICS["factual association"], PAIRS[:2]),
        (*METRICS["RIPA"], PAIRS[:1]),  # RIPA needs one
    ):
        result = leave_one_pair_out(vectors, words, pairs, metric)
        assert result.value is not None
        assert (result.low, result.high, result.most_influential) == (None, None, None)
        assert [each.value for each in result.without] == [None] * len(pairs)
        assert result.reason.startswith("no value is left without one: ")
        assert "both words in the vectors" in result.reason


@pytest.mark.parametrize("half", ["all", "tune", "report"])
def test_every_number_of_the_scorecard_that_reads_the_pairs_is_there(lexicon_space, half):
    card = evaluate(lexicon_space, groups=["association", "geometry"], bootstrap=0)
    found = {(each.metric, each.name): each for each in pair_sensitivity(lexicon_space, half)}
    left_out = [key for key, each in found.items() if each.change == "left out"]
    assert sorted(left_out) == sorted(READS_PAIRS)
    pairs = ["/".join(pair) for pair in load_pairs("definitional_pairs").half(half)]
    for metric, name in READS_PAIRS:
        result = found[metric, name].result
        assert result.value == pytest.approx(card.value(metric, name, half), abs=1e-12)
        assert [each.item for each in result.without] == pairs
        assert result.low <= result.high


def test_no_other_number_of_the_scorecard_moves_with_a_pair(lexicon_space, monkeypatch):
    """With a pair less in the lexicon, what moves is what the sensitivity covers."""
    groups = ["weat", "association", "geometry", "lipstick", "similarity"]
    whole = evaluate(lexicon_space, groups=groups, quick=True)
    pairs = load_pairs("definitional_pairs")
    monkeypatch.setattr(type(pairs), "half", lambda self, half: self.pairs[1:])
    less = evaluate(lexicon_space, groups=groups, quick=True)
    moved = {
        (before.metric, before.name)
        for before, after in zip(whole.records, less.records, strict=True)
        if before.words == "all" and before.value != after.value
    }
    assert moved == set(READS_PAIRS)


DIM = 12
DEFINITIONAL = load_pairs("definitional_pairs")
SHARES = ("definition", "stereotype", "none")
HE_SHE = {
    *(("sembias", prefix + share) for prefix in ("", "held_out_") for share in SHARES),
    *(("lipstick", test) for test in ("kmeans_alignment", "svm_recovery", "profession_neighbors")),
}
AGE = {
    "citation": "a test",
    "attributes": {
        "age": {
            "classes": {
                "young": ["young", "youth", "teenager", "junior", "youthful", "boyish"],
                "old": ["old", "elderly", "senior", "aged", "elder"],
            },
            "definitional_sets": [
                *(["young", "old"], ["youth", "elder"], ["junior", "senior"], ["teen", "gone"]),
            ],
            "stereotypes": {
                "young": ["energetic", "reckless", "modern", "careless", "trendy"],
                "old": ["wise", "frail", "slow", "forgetful", "traditional"],
            },
        }
    },
}  # fmt: skip


def english(seed=0, noise=1.0):
    """Random vectors in which every definitional pair differs along one axis, and ``noise``."""
    rng = np.random.default_rng(seed)
    pairs = DEFINITIONAL.pairs
    words = [word for pair in pairs for word in pair]
    words += [word for row in load_sembias().rows for word in words_of(row)]
    words += ["".join(letters) for letters in rng.choice([*"abcdefg"], (900, 7))]
    words = list(dict.fromkeys([*words, *load("occupations").words]))
    rows = rng.normal(size=(len(words), DIM))
    for i in range(len(pairs)):
        rows[2 * i + 1] = rows[2 * i] + noise * rng.normal(size=DIM)
        rows[2 * i, 0], rows[2 * i + 1, 0] = 3.0, -3.0
    return Embeddings(words, rows)


@pytest.fixture(scope="module")
def vectors():
    return english()


def found(embeddings, half="all", baseline=None):
    return {
        (each.metric, each.name): each.result
        for each in pair_sensitivity(embeddings, half, baseline)
        if each.change == "in the place of he/she"
    }


def test_numbers_of_he_and_she_are_those_of_the_scorecard(vectors):
    debiased = english(noise=2.0)
    results = found(debiased, "report", vectors)
    assert set(results) == HE_SHE
    groups = ["geometry", "lipstick"]
    card = evaluate(debiased, baseline=vectors, groups=groups, bootstrap=0)
    others = ["/".join(pair) for pair in DEFINITIONAL.half("report") if pair != ("he", "she")]
    for (metric, name), result in results.items():
        half = "all" if name in ("kmeans_alignment", "svm_recovery") else "report"
        assert result.value == pytest.approx(card.value(metric, name, half), abs=1e-12), name
        assert [each.item for each in result.without] == others
        assert result.low <= min(each.value for each in result.without)
    assert others


def test_each_value_is_the_metric_with_that_pair(vectors):
    results = found(vectors)
    rows, professions = load_sembias().half("all"), load("occupations").words
    for place in (0, 4):
        pair = tuple(results["sembias", "none"].without[place].item.split("/"))
        assert pair in DEFINITIONAL.pairs
        shares = sembias(vectors, rows, pair=pair, bootstrap=0)
        for name in ("definition", "stereotype", "none"):
            assert results["sembias", name].without[place].value == getattr(shares, name)
        biased = biased_words(vectors, pair=pair)
        aligned = results["lipstick", "kmeans_alignment"].without[place].value
        assert aligned == pytest.approx(kmeans_alignment(vectors, biased).value, abs=0.02)  # seeds
        near = neighbor_shares(vectors, vectors, biased, professions, pair=pair)
        r = neighbor_bias(near, permutations=0, bootstrap=0).value
        assert results["lipstick", "profession_neighbors"].without[place].value == r
    values = [each.value for each in results["sembias", "none"].without]
    assert len(set(values)) > 1


def test_pairs_of_one_difference_give_one_value():
    for key, result in found(english(noise=0.0)).items():
        values = [each.value for each in result.without]
        assert values == pytest.approx([result.value] * 9), key
        assert (result.low, result.high) == pytest.approx((result.value, result.value)), key


def without(vectors, *words):
    kept = [i for i, word in enumerate(vectors.words) if word not in words]
    return Embeddings([vectors.words[i] for i in kept], vectors.vectors[kept])


def test_without_he_or_another_pair_there_is_a_reason(vectors):
    for result in found(without(vectors, "he")).values():
        assert result.value is None
        assert result.reason.startswith("the pair he : she has 1 of 2 words in the vectors")
    less = without(vectors, "woman", "john")
    assert all(result.missing for result in found(vectors, baseline=less).values())
    for result in found(less).values():
        assert result.missing == ("man/woman", "john/mary")
        assert len(result.without) == 7
    women = {pair[1] for pair in DEFINITIONAL.pairs} - {"she"}
    result = found(without(vectors, *women))["sembias", "none"]
    assert result.value is not None
    assert (result.without, result.low, result.reason) == ((), None, "no other pair gives a value")


@pytest.fixture(scope="module")
def age(tmp_path_factory):
    file = tmp_path_factory.mktemp("lexicon") / "age.json"
    file.write_text(json.dumps(AGE))
    return load_file(file).attributes["age"]


def space_of(subject, seed=0):
    """Random vectors of the words of an attribute but *gone*, of sentiment, and of occupations."""
    lists = [*subject.classes.values(), *subject.stereotypes.values()]
    words = [word for each in lists for word in each.cased]
    words += [word for each in (*subject.definitional_sets, *subject.targets) for word in each]
    words = dict.fromkeys([*words, *PLEASANT, *UNPLEASANT, *load("occupations").words])
    words.pop("gone", None)
    rows = np.random.default_rng(seed).normal(size=(len(words), DIM)) + 0.6
    return Embeddings(list(words), rows)


def sensitivity_of(embeddings, subject):
    found = attribute_sensitivity(embeddings, subject)
    return {(each.metric, each.name): each.result for each in found}


@pytest.mark.parametrize("name", ["age", "race", "religion", "ethnicity"])
@pytest.mark.parametrize("half", ["all", "tune"])
def test_every_number_of_an_attribute_is_that_of_the_scorecard(name, half, age):
    subject = age if name == "age" else attribute(name)
    vectors = space_of(subject)
    card = evaluate(vectors, attributes=[subject], groups=["weat", "attributes"], bootstrap=0)
    results = attribute_sensitivity(vectors, subject, half)
    records = [r for r in card.records if r.words == half and r.name.split()[0] == name]
    assert {(r.metric, r.name) for r in records} == {(r.metric, r.name) for r in results}
    assert len(results) == len(records)
    for each in results:
        value = card.value(each.metric, each.name, half)
        if each.number == "statistic":
            assert each.metric == "weat"
            value = card.statistic(each.name, half)
        assert each.result.value == pytest.approx(value, abs=1e-12)
        assert (each.result.value is None) == (not each.result.without)
        assert (each.result.low is None) == (each.result.reason is not None)
        if half == "all" and (name, each.name) != ("race", "race stereotypes"):  # two sets of three
            assert each.result.low < each.result.high


def test_metrics_of_an_attribute_are_without_each_pair_word_or_set(age):
    vectors, words = space_of(age), age.half("all")
    results = sensitivity_of(vectors, age)
    held = [*words.stereotypes["young"], *words.stereotypes["old"]]
    for metric in ("direct_bias", "bias_by_projection", "ripa", "ripa_normalised"):
        items = [each.item for each in results[metric, "age"].without]
        assert items == ["young/old", "youth/elder", "junior/senior"]
        assert results[metric, "age"].missing == ("teen/gone",)
    first = direct_bias(vectors, held, age.definitional_sets[1:], bootstrap=0)
    assert results["direct_bias", "age"].without[0].value == first.value
    assert len(results["indirect_bias", "age old"].without) == 3

    listed = [*words.classes["young"], *words.classes["old"]]
    old = [word for word in words.classes["old"] if word != "aged"]
    less = {"young": words.classes["young"], "old": old}
    for metric in ("same", "rnd_norm", "rnd_cosine", "mac", "ect", "sc_weat", "rnsb", "weat"):
        assert [each.item for each in results[metric, "age"].without] == listed
    place = listed.index("aged")
    assert results["ect", "age"].without[place].value == ect(vectors, held, less, bootstrap=0).value
    X, Y = words.stereotypes.values()
    s = weat(vectors, X, Y, *less.values(), permutations=0, bootstrap=0).statistic
    assert results["weat", "age"].without[place].value == s
    assert weat_sensitivity(vectors, age.test).result == results["weat", "age"]
    # MAC is a mean over the words of each class: leaving out one at a time gives it on average.
    for listed in words.classes.values():
        values = [each.value for each in results["mac", "age"].without if each.item in listed]
        assert np.mean(values) == pytest.approx(results["mac", "age"].value)

    religion = attribute("religion")
    vectors, words = space_of(religion), religion.half("all")
    results = sensitivity_of(vectors, religion)
    result = results["mac", "religion stereotypes"]
    assert [each.item for each in result.without] == ["/".join(each) for each in words.targets]
    left = [word for each in words.targets if each[0] != "torah" for word in each]
    assert result.without[3].value == mac(vectors, left, words.stereotypes, bootstrap=0).value
    assert "sc_weat" not in {metric for metric, _ in results}  # three classes have no direction


def test_the_lists_of_an_attribute_have_a_consistency(age):
    vectors = space_of(age)
    found = list_consistency(vectors, "all", [age, attribute("religion")])
    words, pairs = age.half("all"), list(age.definitional_sets)
    assert [name for name in found if " " in name] == ["age young", "age old"]  # two classes only
    assert found["age old"] == internal_consistency(vectors, words.stereotypes["old"], pairs)
    assert found["age old"].n_pairs == 3
    occupations = load("occupations").words
    own = internal_consistency(english(), occupations, DEFINITIONAL.pairs)
    assert list_consistency(english())["occupations"] == own
    assert own.words is not None


def test_what_is_not_left_without_one_says_why(tmp_path):
    classes = {"big": ["big", "large"], "small": ["small", "tiny"]}
    size = {"classes": classes, "definitional_sets": [["big", "small"], ["large", "tiny"]]}
    few = {"citation": "a test", "attributes": {"size": size}}
    (tmp_path / "size.json").write_text(json.dumps(few))
    size = load_file(tmp_path / "size.json").attributes["size"]
    results = {each.metric: each.result for each in attribute_sensitivity(space_of(size), size)}
    for metric, reason in (
        ("same", "needs 2"),
        ("direct_bias", "1 of 1 definitional pairs have both words"),
    ):
        assert results[metric].value is not None
        assert results[metric].reason.startswith("no value is left without one: ")
        assert reason in results[metric].reason
    assert "needs 4" in results["sc_weat"].reason
    assert results["rnsb"].reason is not None


# Shrout & Fleiss (1979), Psychological Bulletin 86:420–428, table 2: 6 targets, 4 judges.
SHROUT_FLEISS = [
    [9, 2, 5, 8],
    [6, 1, 3, 2],
    [8, 4, 6, 8],
    [7, 1, 2, 6],
    [10, 5, 6, 9],
    [6, 2, 4, 7],
]
MALE, FEMALE = [f"m{i}" for i in range(5)], [f"f{i}" for i in range(5)]
FIVE = list(zip(MALE, FEMALE, strict=True))
THIRTY = [f"w{i}" for i in range(30)]
tables = st.integers(0, 10_000).map(
    lambda seed: np.random.default_rng(seed).normal(size=(12, 4)) + np.arange(12)[:, None] / 6
)


def leaning(seed=0, dim=20, noise=0.0, words=THIRTY):
    """Words with planted gender: the m and f words lie on two sides of the first axis."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(len(THIRTY) + 10, dim))
    base[:5, 0] += 6
    base[5:10, 0] -= 6
    names = [*MALE, *FEMALE, *THIRTY]
    vectors = base + noise * np.random.default_rng(seed + 1).normal(size=base.shape)
    kept = [i for i, name in enumerate(names) if name in {*MALE, *FEMALE, *words}]
    return Embeddings([names[i] for i in kept], vectors[kept])


def test_the_published_table():
    assert icc2(SHROUT_FLEISS) == pytest.approx(0.29, abs=0.005)
    assert icc3(SHROUT_FLEISS) == pytest.approx(0.71, abs=0.005)
    # α is ICC(3, k), which they give as .91.
    assert cronbach_alpha(SHROUT_FLEISS) == pytest.approx(0.91, abs=0.005)


@settings(deadline=None, max_examples=30)
@given(tables, st.integers(0, 100))
def test_order_and_scale_do_not_matter_and_a_shift_of_a_seed_only_to_agreement(table, seed):
    rng = np.random.default_rng(seed)
    moved = 3 * table[rng.permutation(12)][:, rng.permutation(4)] + 7
    for measure in (icc2, icc3, cronbach_alpha):
        assert measure(moved) == pytest.approx(measure(table))
    shifted = table + rng.normal(size=4) * 5
    assert icc3(shifted) == pytest.approx(icc3(table))
    assert cronbach_alpha(shifted) == pytest.approx(cronbach_alpha(table))
    k, icc = 4, icc3(table)  # Spearman–Brown: α is the consistency of the mean of k
    assert cronbach_alpha(table) == pytest.approx(k * icc / (1 + (k - 1) * icc))


def test_identical_items_are_one_and_noise_is_about_zero():
    rng = np.random.default_rng(0)
    same = np.repeat(rng.normal(size=(50, 1)), 6, axis=1)
    noise = rng.normal(size=(2000, 6))
    for measure in (icc2, icc3, cronbach_alpha):
        assert measure(same) == pytest.approx(1)
        assert measure(noise) == pytest.approx(0, abs=0.08)
    half = same.repeat(40, axis=0) + rng.normal(size=(2000, 6)) * same.std()
    assert icc2(half) == pytest.approx(0.5, abs=0.05)


def test_the_same_vectors_retest_perfectly_and_noise_lowers_it():
    same = retest_reliability([leaning(), leaning(), leaning()], THIRTY, FIVE)
    assert (same.kind, same.n, same.measurements, same.reason) == ("ICC(2,1)", 30, 3, None)
    assert same.icc == pytest.approx(1)
    assert same.rank_correlation == pytest.approx(1)
    for rule in ("projection", "association", "ripa"):
        little, much = (
            retest_reliability([leaning(s, noise=size) for s in range(3)], THIRTY, FIVE, rule)
            for size in (0.3, 5)
        )
        assert 0.7 < little.icc < 1
        assert little.interval[0] < little.icc < little.interval[1]
        assert much.icc < little.icc
        assert much.rank_correlation < little.rank_correlation


def test_retest_takes_the_words_all_seeds_have():
    vectors = [leaning(0), leaning(1, noise=0.3, words=THIRTY[2:])]
    result = retest_reliability(vectors, [*THIRTY, "absent", THIRTY[5]], FIVE)
    assert (result.n, result.missing) == (28, ("w0", "w1", "absent"))
    one = retest_reliability([leaning()], THIRTY, FIVE)
    assert (one.icc, one.measurements) == (None, 1)
    assert "2 seeds" in one.reason
    assert "needs 4 words" in retest_reliability(vectors, THIRTY[2:5], FIVE).reason
    assert "pairs" in retest_reliability(vectors, THIRTY, [("absent", "gone")]).reason


def test_shuffled_words_and_seeds_retest_alike():
    vectors = [leaning(s, noise=0.5) for s in range(4)]
    result = retest_reliability(vectors, THIRTY, FIVE, bootstrap=0)
    other = retest_reliability(vectors[::-1], THIRTY[::-1], FIVE[::-1], bootstrap=0)
    assert other.icc == pytest.approx(result.icc)
    assert other.rank_correlation == pytest.approx(result.rank_correlation)


def test_rules_agree_on_planted_gender():
    result = inter_rule(leaning(), THIRTY, FIVE)
    assert (result.kind, result.measurements) == ("ICC(3,1)", 3)
    assert result.icc > 0.8
    assert "needs 4 words and 2 rules" in inter_rule(leaning(), THIRTY, FIVE, ["ripa"]).reason


def test_word_scores_are_those_of_the_metrics():
    vectors = leaning()
    unit = vectors.unit.astype(float)
    g = gender_direction(vectors, FIVE)
    assert word_scores(vectors, THIRTY, FIVE) == pytest.approx(unit[10:] @ g, abs=1e-6)
    ripa = word_scores(vectors, THIRTY, FIVE, "ripa")
    assert ripa == pytest.approx(vectors.vectors[10:] @ g, abs=1e-5)
    association = word_scores(vectors, THIRTY, FIVE, "association")
    by_pair = pair_scores(vectors, THIRTY, FIVE, "association")
    assert by_pair.shape == (30, 5)
    assert by_pair.mean(axis=1) == pytest.approx(association)
    assert by_pair[3, 2] == pytest.approx(
        vectors.cosine("w3", "m2") - vectors.cosine("w3", "f2"), abs=1e-6
    )
    axis = unit[1] - unit[6]
    axis /= np.linalg.norm(axis)
    assert pair_scores(vectors, THIRTY, FIVE)[:, 1] == pytest.approx(unit[10:] @ axis, abs=1e-6)
    raw = pair_scores(vectors, THIRTY, FIVE, "ripa")[:, 1]
    assert raw == pytest.approx(vectors.vectors[10:] @ axis, abs=1e-5)


def test_internal_consistency_of_planted_gender_and_of_a_stray_pair():
    result = internal_consistency(leaning(), THIRTY, FIVE)
    assert (result.n, result.n_pairs, result.reason) == (30, 5, None)
    assert result.pairs > 0.7
    table = pair_scores(leaning(), THIRTY, FIVE, "association")
    assert result.pairs == pytest.approx(cronbach_alpha(table))
    assert result.words == pytest.approx(cronbach_alpha(table.T))
    stray = [*FIVE, ("w28", "w29")]
    with_stray = internal_consistency(leaning(), THIRTY[:28], stray)
    assert with_stray.pairs_without[-1][0] == "w28/w29"
    assert with_stray.pairs_without[-1][1] == max(a for _, a in with_stray.pairs_without)
    assert len(with_stray.words_without) == 28


def test_what_has_no_reliability_says_why():
    few = internal_consistency(leaning(), [*THIRTY[:3], "absent"], FIVE)
    assert (few.words, few.missing) == (None, ("absent",))
    assert few.reason == "3 words and 5 pairs in the vectors: needs 4 and 2"
    for table in ([[1.0, 2.0]], [[1.0], [2.0]], [[1.0, 1.0], [1.0, 1.0]]):
        with pytest.raises(NotMeasuredError):
            icc2(table)
        with pytest.raises(NotMeasuredError):
            cronbach_alpha(table)
    for bad in ([1.0, 2.0], [[1.0, float("nan")], [1.0, 2.0]]):
        with pytest.raises(UserError, match="finite"):
            icc2(bad)
        with pytest.raises(UserError, match="finite"):
            cronbach_alpha(bad)
    with pytest.raises(UserError, match="did you mean 'projection'"):
        word_scores(leaning(), THIRTY, FIVE, "projecton")
    with pytest.raises(NotMeasuredError, match="without a vector: absent"):
        word_scores(leaning(), ["absent"], FIVE)
