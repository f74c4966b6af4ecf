"""The scorecard: its records, JSON, text, seeds, and vectors that must not look good."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from debiaslab.errors import UserError
from debiaslab.lexicons import association_tests, attribute, load, load_file
from debiaslab.metrics import (
    Baseline,
    NotMeasuredError,
    Record,
    Scorecard,
    SimilaritySet,
    evaluate,
    get,
    indirect_bias_within,
    null_band,
    registry,
    ripa,
    rnd,
    rnsb_null,
    sc_weat,
    weat,
)
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.datasets import load_analogies
from debiaslab.metrics.null import NullCache
from debiaslab.metrics.registry import direction_of, metrics
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import judged_words, lexicon_words

HALVES = ("all", "tune", "report")


ANY_CLASSES = {"same", "rnd_norm", "rnd_cosine", "mac", "ect", "rnsb"}
TWO_CLASSES = ANY_CLASSES | {"sc_weat"}
ALONG_PAIRS = {
    "direct_bias",
    "raw_direct_bias",
    "bias_by_projection",
    "ripa",
    "ripa_normalised",
    "indirect_bias",
}


@pytest.fixture(scope="module")
def vectors():
    words = list(dict.fromkeys([*lexicon_words(), *judged_words()]))
    return Embeddings(words, np.random.default_rng(0).normal(size=(len(words), 40)))


@pytest.fixture(scope="module")
def card(vectors):
    return evaluate(vectors, name="noise", bootstrap=200)


def test_every_group_on_every_half_in_a_fixed_order(card):
    keys = [(r.metric, r.name, r.words) for r in card.records]
    assert len(set(keys)) == len(keys)
    tests = [("weat", test.name, half) for test in association_tests() for half in HALVES]
    assert keys[: len(tests)] == tests
    metrics = list(dict.fromkeys(metric for metric, _, _ in keys))
    order = ["weat", "sc_weat", "direct_bias", "factual_association", "similarity", "collapse"]
    assert [metric for metric in metrics if metric in order] == order
    for name in ("occupations", "WordSim-353", "SimLex-999"):
        assert {half for _, found, half in keys if found == name} == set(HALVES)
    checks = ("mean_cosine", "effective_rank", "norm_spread", "zero_vectors")
    assert keys[-4:] == [("collapse", check, "all") for check in checks]
    assert card.record("weat", "11", "all") is card.value("weat", "11", "all") is None
    assert card.statistic("11", "all") is None


def test_every_record_has_a_value_or_a_reason_and_every_bias_metric_a_null(card):
    # indirect bias: random words of noise are not alike, so β is undefined for some sets of them
    for record in card.records:
        assert (record.value is None) == (record.reason is not None)
        own = record.metric in ("indirect_bias", "weat")
        if metrics()[record.metric].has_null and record.value and not own:
            assert record.extra["null_low"] <= record.extra["null_high"], record
            assert 0 < record.extra["null_p"] <= 1
    tested = {record.metric for record in card.records if record.p is not None}
    assert tested == {"weat", "factual_association"}


def test_every_metric_is_ranked_or_said_not_to_be(card):
    unranked = {(r.metric, r.name) for r in card.records if direction_of(r).better is None}
    neither = {("sembias", "none"), ("sembias", "held_out_none")}
    assert unranked == {("collapse", "norm_spread"), *neither}


def test_the_null_of_a_half_is_of_the_classifier_that_the_half_has(vectors, card):
    """RNSB learns from all sentiment words in every half: half of them would not train it."""
    for half in HALVES:
        record = card.record("rnsb", "gender", half)
        seed = Resampling(0, 0, 0, True).seed_of("null", "rnsb", "gender", half)
        words = NullCache.of(vectors).words
        band = null_band(rnsb_null(words, record.n, repeats=20, draws=1000, seed=seed))
        assert record.extra["null_low"] == pytest.approx(band.low)
        assert record.extra["null_high"] == pytest.approx(band.high)


def test_mac_is_best_near_what_random_words_show():
    direction = direction_of(Record("mac", "occupations", "all", 0.9))
    here = Record("mac", "occupations", "all", 0.9, extra={"null_median": 0.93})
    fixed = Record("mac", "x", "all", 0.9, extra={"null_median": 0.5, "null_median_baseline": 0.8})
    bare = Record("mac", "occupations", "all", 0.9)
    badness = [direction.badness(0.9, record) for record in (here, fixed, bare)]
    assert badness == pytest.approx([0.03, 0.1, 0.1])


def test_weat_records_hold_statistic_null_and_both_ps(card):
    for record in card.records:
        if record.metric != "weat" or record.value is None:
            continue
        extra = record.extra
        assert record.low < record.value < record.high or record.n <= 16
        assert extra["statistic_low"] <= extra["statistic"] <= extra["statistic_high"]
        assert extra["null95"] > 0
        assert 0 < record.p <= 1
        assert 0 < extra["p_two_sided"] <= 1
        assert record.method in ("exact", "monte_carlo")
        assert sum(extra["sizes"][:2]) == record.n
    assert card.record("weat", "7", "all").method == "exact"
    assert card.record("weat", "7", "all").extra["permutations"] == 12_870
    assert card.statistic("7", "all") == card.record("weat", "7", "all").extra["statistic"]


def test_noise_looks_like_noise(card):
    tested = [r for r in card.records if r.metric == "weat" and r.value is not None]
    beyond = [abs(record.extra["statistic"]) > record.extra["null95"] for record in tested]
    assert sum(beyond) <= len(tested) / 4  # dependent tests at 5 %
    assert abs(card.value("similarity", "SimLex-999", "all")) < 0.15
    # The mean of |cos| of random directions in 40 dimensions is about √(2 / 40π) = .126.
    assert card.value("direct_bias", "occupations", "all") == pytest.approx(0.126, abs=0.02)
    assert card.warnings == ()


def test_json_round_trip_and_flat_records(vectors, card):
    text = card.to_json()
    assert Scorecard.from_json(text) == card
    document = json.loads(text)
    assert (document["schema"], document["vectors"]) == (1, "noise")
    keys = ["metric", "name", "words", "value", "low", "high", "p", "method", "n", "missing"]
    assert list(document["records"][0])[:11] == [*keys, "reason"]
    assert "statistic" in document["records"][0]
    assert evaluate(vectors, name="noise", bootstrap=200).to_json() == text
    assert evaluate(vectors, name="noise", bootstrap=200, seed=1).to_json() != text
    with pytest.raises(ValueError, match="a record cannot hold nan"):
        Record("weat", "7", "all", float("nan"))
    broken = Scorecard("x", (Record("weat", "7", "all", 1.0, low=float("nan")),))
    with pytest.raises(ValueError, match="Out of range"):
        broken.to_json()


def test_quick_has_the_same_values_and_no_uncertainty(vectors, card):
    quick = evaluate(vectors, quick=True)
    metrics = list(dict.fromkeys(record.metric for record in quick.records))
    assert metrics == ["weat", "direct_bias", "raw_direct_bias", "similarity", "collapse"]
    for fast in quick.records:
        full = card.record(fast.metric, fast.name, fast.words)
        assert fast.value == full.value
        assert fast.extra.get("statistic") == full.extra.get("statistic")
        assert (fast.low, fast.high, fast.p, fast.method) == (None,) * 4


@pytest.fixture(scope="module")
def debiased(vectors):
    noise = np.random.default_rng(1).normal(size=vectors.vectors.shape)
    return Embeddings(vectors.words, vectors.vectors + 0.5 * noise)


def metrics_of(card):
    return {record.metric for record in card.records}


def test_a_baseline_adds_what_compares_with_it(vectors, debiased, card):
    compared = evaluate(debiased, baseline=vectors, bootstrap=200)
    assert metrics_of(compared) - metrics_of(card) == {"retention", "neighbor_overlap", "lipstick"}
    for record in compared.records:
        own = card.record(record.metric, record.name, record.words)
        if record.metric == "weat" and record.value is not None:
            # The yardstick of the baseline is the null that its own scorecard shows.
            assert record.extra["null95_baseline"] == pytest.approx(own.extra["null95"])
        if record.metric == "direct_bias":
            for key in ("null_low", "null_high"):
                assert record.extra[f"{key}_baseline"] == pytest.approx(own.extra[key])
    assert Scorecard.from_json(compared.to_json()).to_json() == compared.to_json()


def test_only_the_groups_named_each_once_and_one_without_its_baseline_says_so(vectors):
    card = evaluate(vectors, groups=["collapse", "overlap", "overlap"])
    assert [record.metric for record in card.records[:2]] == ["overlap", "collapse"]
    assert card.records[0].value is None
    assert card.records[0].reason == "needs the vectors of a baseline to compare with"
    assert "overlap overlap, all words: needs the vectors" in card.table()
    both = evaluate(vectors, groups=["geometry", "direct_bias"], quick=True)
    keys = [(r.metric, r.name, r.words) for r in both.records]
    assert len(set(keys)) == len(keys)
    assert "direct_bias" in metrics_of(both)
    alone = metrics_of(evaluate(vectors, groups=["direct_bias"]))
    assert alone == {"direct_bias", "raw_direct_bias", "collapse"}


def test_a_baseline_of_many_gives_the_same_cards(vectors, debiased):
    one = Baseline(vectors)
    groups = ["weat", "association", "lipstick"]
    alone = evaluate(vectors, baseline=one, groups=groups, bootstrap=0)
    assert alone == evaluate(vectors, groups=groups, bootstrap=0)
    assert metrics_of(evaluate(vectors, baseline=one, quick=True)) == {
        *("weat", "direct_bias", "raw_direct_bias", "similarity", "collapse")
    }
    again = evaluate(debiased, baseline=one, groups=groups, bootstrap=0)
    assert again == evaluate(debiased, baseline=vectors, groups=groups, bootstrap=0)


def test_vectors_of_gensim_are_measured_as_they_are(vectors, debiased):
    keyed, before = debiased.to_keyed_vectors(), vectors.to_keyed_vectors()
    groups = ["direct_bias", "retention"]
    card = evaluate(keyed, baseline=before, groups=groups, bootstrap=0)
    assert card == evaluate(debiased, baseline=vectors, groups=groups, bootstrap=0)
    for given, baseline in ((vectors.vectors, None), (vectors, np.eye(3)), ("a.kv", None)):
        with pytest.raises(UserError, match=r"is not a set of vectors.*KeyedVectors"):
            evaluate(given, baseline=baseline)


LEFT = ["man", "boy", "father", "son", "brother", "king"]
RIGHT = ["woman", "girl", "mother", "daughter", "sister", "queen"]


def own_lexicon(folder):
    """Return the file of a user: a test of association, and an attribute with stereotypes."""
    test = {"X": "math", "Y": "arts", "A": LEFT, "B": RIGHT}
    classes = {"left": LEFT, "right": RIGHT}
    sides = {"classes": classes, "stereotypes": {"left": "math", "right": "arts"}}
    bare = {"where": "here", "classes": classes}
    document = {
        "citation": "made up",
        "tests": {"mine": test},
        "attributes": {"sides": sides, "bare": bare},
    }
    (folder / "mine.json").write_text(json.dumps(document))
    return load_file(folder / "mine.json")


def test_association_tests_of_a_user(vectors, tmp_path):
    file = own_lexicon(tmp_path)
    assert file.tests["mine"].A.name == "mine_A"
    given = {"tests": tuple(file.tests.values()), "attributes": tuple(file.attributes.values())}
    card = evaluate(vectors, groups=["weat"], baseline=vectors, bootstrap=0, **given)
    mine, sides = (card.record("weat", name, "all") for name in ("mine", "sides"))
    expected = weat(vectors, load("math").words, load("arts").words, LEFT, RIGHT)
    assert mine.extra["statistic"] == pytest.approx(expected.statistic)
    assert sides.value == pytest.approx(expected.effect_size)
    assert mine.extra["null95_baseline"] == mine.extra["null95"] > 0
    with pytest.raises(UserError, match="two association tests are called 'mine'"):
        evaluate(vectors, tests=[*file.tests.values(), *file.tests.values()])


def test_an_unknown_group_names_the_nearest(vectors):
    with pytest.raises(UserError, match="did you mean 'lipstick'"):
        evaluate(vectors, groups=["lipstik"])
    with pytest.raises(UserError, match="no group of metrics was named"):
        evaluate(vectors, groups=[])


@pytest.mark.parametrize("error", [KeyError("x"), NotMeasuredError("nothing to hold it against")])
def test_what_cannot_be_measured_loses_no_other_record_and_a_bug_is_not_hidden(
    vectors, monkeypatch, error
):
    def lost(*_):
        raise error
        yield

    broken = replace(get("similarity"), function=lost)
    monkeypatch.setitem(registry._REGISTRY, "similarity", broken)
    if isinstance(error, KeyError):
        with pytest.raises(KeyError):
            evaluate(vectors, groups=["similarity"])
        return
    card = evaluate(vectors, quick=True)
    assert card.record("similarity", "similarity", "all").reason == str(error)
    assert card.value("weat", "7", "all") is not None


def test_analogies_and_attributes_add_their_groups(vectors, tmp_path):
    questions = tmp_path / "mine.txt"
    questions.write_text(": family\nman woman boy girl\nfather mother son daughter\n")
    attributes = (own_lexicon(tmp_path).attributes["bare"],)
    card = evaluate(
        vectors, analogies=[load_analogies(questions)], attributes=attributes, bootstrap=0
    )
    assert card.record("analogies_3cosadd", "mine", "all") is not None
    record = card.record("same", "bare", "all")
    assert record.extra["null_low"] < record.value < record.extra["null_high"]
    assert {r.metric for r in card.records if r.name == "bare"} == TWO_CLASSES
    assert "attributes" not in metrics_of(evaluate(vectors, quick=True, attributes=attributes))


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        *((name, ANY_CLASSES) for name in ("race", "religion", "ethnicity")),
        ("christianity_islam", TWO_CLASSES),
        ("gender", TWO_CLASSES | ALONG_PAIRS),
    ],
)
def test_every_metric_that_generalises_takes_the_attributes_that_ship(name, metrics):
    """Each on vectors that are noise around a common mean, with what random words show."""
    given, whole = attribute(name), attribute(name).half("all")
    lists = [*given.classes.values(), *given.stereotypes.values(), load("occupations")]
    lists += map(load, ("pleasant_5", "unpleasant_5a"))
    words = list(dict.fromkeys([word for each in lists for word in each.words]))
    words += [f"w{i}" for i in range(200)]
    vectors = Embeddings(words, np.random.default_rng(4).normal(size=(len(words), 20)) + 0.8)
    card = evaluate(vectors, groups=["attributes"], attributes=[given], bootstrap=50)
    records = [r for r in card.records if r.words == "all" and r.metric != "collapse"]
    assert {record.metric for record in records} == metrics
    for record in records:
        assert record.reason is None, record
        assert record.low <= record.high
        assert record.extra["null_low"] < record.extra["null_high"]
    held = [w for each in whole.stereotypes.values() for w in each]
    neutral, classes = held or load("occupations").words, whole.classes
    pairs = [tuple(each) for each in given.definitional_sets]
    expected = {("rnd_norm", name): lambda: rnd(vectors, neutral, classes)}
    if given.binary:
        expected["sc_weat", name] = lambda: sc_weat(vectors, neutral, *classes.values())
    if "ripa" in metrics:
        nurses = whole.stereotypes["female"]
        expected["ripa", name] = lambda: ripa(vectors, neutral, pairs)
        shared = ("indirect_bias", f"{name} female")
        expected[shared] = lambda: indirect_bias_within(vectors, nurses, pairs)
    for key, measure in expected.items():
        assert card.value(*key, "all") == measure().value


def test_own_similarity_sets_replace_the_default(vectors):
    mine = SimilaritySet("mine", load_pairs_of(vectors))
    card = evaluate(vectors, quick=True, similarity=[mine])
    assert card.value("similarity", "mine", "all") == pytest.approx(1.0)
    assert card.record("similarity", "SimLex-999", "all") is None


def load_pairs_of(vectors):
    words = vectors.words[:40]
    pairs = zip(words[::2], words[1::2], strict=True)
    return tuple((a, b, vectors.cosine(a, b)) for a, b in pairs)


def test_table_shows_s_d_p_side_by_side_and_the_caution(card):
    table = card.table()
    head = next(line for line in table.splitlines() if line.startswith("WEAT"))
    assert [head.split().index(name) for name in ("s", "null95", "d", "p")] == [3, 7, 8, 12]
    assert "d is scale-free" in table
    assert "compare s, against null95" in table
    assert f"{card.statistic('7', 'tune'):+.4f}" in table
    lost = table.partition("Not measured:")[2]
    assert "career-family" not in lost


def test_a_small_vocabulary_says_why_and_still_gives_a_scorecard():
    small = Embeddings(["he", "she", "cat", "dog"], np.random.default_rng(0).normal(size=(4, 3)))
    card = evaluate(small)
    weat = card.record("weat", "7", "all")
    assert (weat.value, weat.low, weat.p) == (None, None, None)
    assert weat.extra["statistic"] is None
    assert weat.reason.startswith("X has 0 of 8 words in the vectors (missing: math, algebra")
    assert card.value("direct_bias", "occupations", "tune") is None
    assert card.value("similarity", "SimLex-999", "all") is None
    assert "Not measured:\n  weat 6, all words: X has 0 of 8" in card.table()
    assert Scorecard.from_json(card.to_json()) == card


@pytest.mark.parametrize("kind", ["zero", "one point"])
def test_zero_and_collapsed_vectors_never_look_good(vectors, kind):
    point = np.ones((1, 40)) if kind == "one point" else np.zeros((1, 40))
    card = evaluate(Embeddings(vectors.words, point.repeat(len(vectors), axis=0)))
    for record in card.records:
        if record.metric != "collapse":
            assert record.value is None
            assert record.reason
            assert record.extra.get("statistic") is None
    assert len(card.warnings) == 1
    assert f"WARNING: {card.warnings[0]}" in card.table()
    assert Scorecard.from_json(card.to_json()) == card


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        '{"schema": 2, "vectors": "", "records": []}',
        '{"schema": 1, "vectors": ""}',
        '{"schema": 1, "vectors": "", "records": [{"metric": "weat"}]}',
        '{"schema": 1, "vectors": "", "records": [{"metric": "m", "value": NaN}]}',
    ],
)
def test_what_is_not_a_scorecard_is_refused(text):
    with pytest.raises(UserError, match="schema"):
        Scorecard.from_json(text)


def test_metrics_need_no_heavy_imports():
    heavy = "scipy, gensim, torch, pandas, sklearn, mlflow"
    code = (
        "import sys, numpy as np; from debiaslab.vectors.embeddings import Embeddings; "
        "from debiaslab.metrics import evaluate; "
        "evaluate(Embeddings(list('abcdefgh'), np.random.default_rng(0).normal(size=(8, 4)))); "
        f"print([m for m in '{heavy}'.split(', ') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
