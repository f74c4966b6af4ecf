"""The objective on hand-made scorecards, and its yardstick against fresh random words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from debiaslab import lexicons
from debiaslab.metrics import Record, Scorecard, evaluate, weat
from debiaslab.study import BaselineReference, Objective, Outcome, measure_reference
from debiaslab.vectors.embeddings import Embeddings
from tests.expecting import refuses

Values = Mapping[str, float | None]

TESTS = ("career-family", "math-arts")
OBJECTIVE = Objective(tests=TESTS)
NULLS = {
    **{"career-family/tune": 0.02, "career-family/report": 0.03},
    **{"math-arts/tune": 0.04, "math-arts/report": 0.05},
}
YARDSTICK = BaselineReference(nulls=NULLS, utility={"tune": 0.4, "report": 0.5})
# |s| / q: 3 and 0.25 on tune words, 0.5 and 2 on report words
STATISTICS: Values = {
    **{"career-family/tune": 0.06, "math-arts/tune": -0.01},
    **{"career-family/report": -0.015, "math-arts/report": 0.1},
}
# means: 0.3 on tune pairs, 0.6 on report pairs
SIMILARITIES: Values = {
    **{"WordSim-353/tune": 0.4, "SimLex-999/tune": 0.2},
    **{"WordSim-353/report": 0.7, "SimLex-999/report": 0.5},
}


def scorecard(
    statistics: Values = STATISTICS, similarities: Values = SIMILARITIES, d: float | None = 1.0
) -> Scorecard:
    records = []
    for key, statistic in statistics.items():
        name, half = key.split("/")
        records.append(Record("weat", name, half, value=d, extra={"statistic": statistic}))  # type: ignore[arg-type]
    for key, value in similarities.items():
        name, half = key.split("/")
        records.append(Record("similarity", name, half, value=value))  # type: ignore[arg-type]
    return Scorecard("made by hand", tuple(records))


def outcome(card: Scorecard | None = None, objective: Objective = OBJECTIVE) -> Outcome:
    return objective.outcome(card or scorecard(), YARDSTICK)


def test_the_score_is_the_formula_by_hand():
    """B = (3 + 0.25) / 2, R = 0.3 / 0.4, score = 1 · B + 5 · (1 − R)."""
    found = outcome()
    assert found.bias_tune == pytest.approx(1.625)
    assert found.bias_report == pytest.approx((0.5 + 2) / 2)
    assert found.retention_tune == pytest.approx(0.75)
    assert found.retention_report == pytest.approx(0.6 / 0.5)
    assert found.score == pytest.approx(1.625 + 5 * 0.25)
    for bias, retention in [(1, 0), (0, 1), (2.5, 0.5)]:  # the weights multiply their parts
        expected = bias * 1.625 + retention * 0.25
        weighed = outcome(objective=Objective(bias, retention, TESTS))
        assert weighed.score == pytest.approx(expected)
    same = outcome(scorecard(dict(NULLS)))  # a statistic as large as its null is one unit of bias
    assert same.bias_tune == same.bias_report == pytest.approx(1.0)


def test_bias_is_read_along_either_ruler_or_both():
    """B is 1.625 by the own ruler; anchored statistics of 0.8 and 10 times give 1.4 and 6.4."""
    anchored = {key: s * (0.8 if s > 0.05 else 10) for key, s in STATISTICS.items() if s}
    card = replace(scorecard(), anchored=scorecard(anchored, {}).records)
    expected = {"own": 1.625, "anchored": 0.8 * 1.5 + 10 * 0.125, "both": 2.45}
    for ruler, bias in expected.items():
        found = outcome(card, replace(OBJECTIVE, ruler=ruler))
        assert found.bias_tune == pytest.approx(bias)
        assert found.score == pytest.approx(bias + 5 * 0.25)
        assert found.retention_tune == outcome().retention_tune
    assert outcome(card) == outcome()
    read = OBJECTIVE.by_ruler(card, YARDSTICK)
    assert read["bias_tune_anchored"] == pytest.approx(2.45)
    assert read["bias_report_own"] == outcome().bias_report
    assert outcome(card, replace(OBJECTIVE, ruler="both")).bias_report == max(
        read["bias_report_own"] or 0, read["bias_report_anchored"] or 0
    )


def test_without_an_alignment_only_the_own_ruler_measures():
    lost = Record("alignment", "baseline", "all", None, reason="they do not fit")
    card = replace(scorecard(), anchored=(lost,))
    assert outcome(card) == outcome()
    for ruler in ("anchored", "both"):
        with refuses("baseline's gender words: they do not fit.*a smaller λ"):
            outcome(card, replace(OBJECTIVE, ruler=ruler))


def test_the_default_tests_are_those_with_extended_lists():
    assert Objective().tests == lexicons.OBJECTIVE_TESTS
    assert not any(lexicons.association_test(name).published for name in Objective().tests)


@pytest.mark.parametrize("seed", range(5))
def test_neither_signs_nor_effect_sizes_matter(seed):
    rng = np.random.default_rng(seed)
    statistics = {key: float(rng.normal(scale=0.05)) for key in STATISTICS}
    flipped = {key: float(rng.choice([-1, 1])) * s for key, s in statistics.items()}
    found = outcome(scorecard(statistics))
    assert outcome(scorecard(flipped)) == found
    for d in (-2.0, 0.0, 1e6, None):
        assert outcome(scorecard(statistics, d=d)) == found


def test_bias_is_proportional_to_the_statistic():
    """d would not see this: it is the same for every share."""
    for share in (0.0, 0.1, 0.5, 1.0, 3.0):
        shrunk = {key: share * s for key, s in STATISTICS.items() if s is not None}
        assert outcome(scorecard(shrunk)).bias_tune == pytest.approx(share * 1.625)


def test_only_tune_words_of_the_objectives_tests_are_scored():
    """Whatever happens on report words and pairs, and on ``all``, the score stays."""
    found = outcome()
    elsewhere = {key: 9.9 for key in STATISTICS if key.endswith("report")}
    elsewhere |= {f"{name}/all": 9.9 for name in TESTS}
    other = {key: 0.01 for key in SIMILARITIES if key.endswith("report")}
    other |= {"WordSim-353/all": 0.01, "SimLex-999/all": 0.01}
    moved = outcome(scorecard({**STATISTICS, **elsewhere}, {**SIMILARITIES, **other}))
    assert (moved.score, moved.bias_tune) == (found.score, found.bias_tune)
    assert moved.retention_tune == found.retention_tune
    assert moved.bias_report == pytest.approx((9.9 / 0.03 + 9.9 / 0.05) / 2)
    assert moved.retention_report == pytest.approx(0.01 / 0.5)
    assert outcome(scorecard({**STATISTICS, "occupations/tune": 5.0, "7/tune": 5.0})) == found


# Retention ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tune", "retention", "score"),
    [
        (0.6, 1.5, 1.625),  # gained: reported and not rewarded
        (0.4, 1.0, 1.625),
        (-0.2, -0.5, 1.625 + 5 * 1.5),  # below zero costs more than all of it
        (None, 0.0, 1.625 + 5),  # vectors that rank nothing have kept nothing
    ],
)
def test_retention_is_the_utility_by_the_baselines(tune, retention, score):
    found = outcome(scorecard(similarities={"WordSim-353/tune": tune, "SimLex-999/tune": tune}))
    assert (found.retention_tune, found.score) == pytest.approx((retention, score))


def test_utility_is_the_mean_of_the_sets_that_are_measured():
    one = scorecard(similarities={"WordSim-353/tune": 0.3, "SimLex-999/tune": None})
    assert outcome(one).retention_tune == pytest.approx(0.3 / 0.4)
    assert outcome(one).retention_report == 0.0  # measured in the baseline, nothing left here


@pytest.mark.parametrize("base", [{}, {"tune": 0.0}, {"tune": -0.1}, {"report": 0.5}])
def test_retention_of_nothing_is_refused_unless_it_has_no_weight(base):
    yardstick = BaselineReference(NULLS, base)
    with refuses(r"retention has no meaning; .*--retention-weight 0"):
        OBJECTIVE.outcome(scorecard(), yardstick)
    found = replace(OBJECTIVE, retention_weight=0.0).outcome(scorecard(), yardstick)
    assert found.retention_tune is None
    assert found.score == pytest.approx(1.625)


# What cannot be measured ----------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["career-family/tune", "math-arts/tune"])
@pytest.mark.parametrize("there", [True, False])
def test_a_tune_test_that_is_lost_means_collapse_not_success(lost, there):
    """Averaging over what is left would make the vectors that lost it look better."""
    statistics = {key: s for key, s in STATISTICS.items() if key != lost}
    card = scorecard({**statistics, lost: None} if there else statistics)
    for objective in (OBJECTIVE, replace(OBJECTIVE, bias_weight=0.0)):
        with refuses("collapsed"):
            outcome(card, objective)


def test_what_neither_these_vectors_nor_the_baseline_measured_stays_open():
    found = outcome(scorecard({**STATISTICS, "math-arts/report": None}))
    assert (found.bias_report, found.score) == (None, outcome().score)
    only = BaselineReference({"math-arts/tune": 0.04}, {"tune": 0.4})
    found = OBJECTIVE.outcome(scorecard(), only)
    assert found.bias_tune == pytest.approx(0.25)
    assert found.bias_report is found.retention_report is None


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["bias_weight", "retention_weight"])
def test_bad_weights_are_refused_by_the_name_of_their_flag(name, value):
    with refuses(rf"--{name.replace('_', '-')} (was|must be) .*(from|at least) 0"):
        Objective(**{name: value})  # type: ignore[arg-type]


def test_two_weights_of_zero_and_unknown_and_missing_tests_are_refused():
    with refuses("both 0"):
        Objective(bias_weight=0.0, retention_weight=0.0)
    with refuses("occupations.*did you mean 'math-arts'"):
        Objective(tests=("career-family", "maths-arts"))
    with refuses("no association test"):
        Objective(tests=())


# The vocabulary -------------------------------------------------------------------------------


def some_words(test: str, each: int, half: lexicons.Half = "tune") -> list[str]:
    return [word for words in lexicons.association_test(test).half(half) for word in words[:each]]


def test_one_test_with_four_tune_words_in_each_set_is_enough():
    Objective().check_vocabulary(frozenset(some_words("math-arts", 4)))
    for too_few in (
        frozenset(some_words("math-arts", 3)),
        frozenset(some_words("math-arts", 40, "report")),
        frozenset(some_words("7", 40)),  # not a test of the objective
        frozenset(some_words("math-arts", 40)) - frozenset(lexicons.load("male_words").words),
        frozenset[str](),
    ):
        with refuses("4 tune words in each set.*career-family"):
            Objective().check_vocabulary(too_few)


def test_the_vocabulary_check_reads_case_as_the_metrics_do():
    words = [word.capitalize() for word in some_words("math-arts", 4)]
    Objective(tests=("math-arts",)).check_vocabulary(frozenset(words))
    sets = lexicons.association_test("math-arts").half("tune")
    vectors = np.random.default_rng(0).normal(size=(len(words), 8))
    assert weat(Embeddings(words, vectors), *sets).statistic is not None


# The yardstick --------------------------------------------------------------------------------

FILLER = [f"word{i}" for i in range(3000)]
Baseline = tuple[Embeddings, Scorecard, BaselineReference]


def random_embeddings(seed: int = 0, words: list[str] | None = None) -> Embeddings:
    """Return vectors without any structure but a common direction, as trained ones have."""
    listed = [w for name in Objective().tests for w in some_words(name, 400, "all")]
    words = words or [*FILLER, *dict.fromkeys(listed)]
    vectors = np.random.default_rng(seed).normal(size=(len(words), 30))
    return Embeddings(words, vectors + 0.5)


def measured(embeddings: Embeddings) -> Scorecard:
    return evaluate(embeddings, quick=True, similarity=[], groups=["weat"])


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    embeddings = random_embeddings()
    card = measured(embeddings)
    return embeddings, card, measure_reference(Objective(), embeddings, card, seed=3)


@pytest.mark.parametrize("test", lexicons.OBJECTIVE_TESTS)
@pytest.mark.parametrize("half", ["tune", "report"])
def test_one_random_target_set_in_twenty_exceeds_the_yardstick(baseline, test, half):
    """4,000 fresh sets, statistic written out: 5 % ± 4 standard errors (0.35 % and 0.22 %)."""
    embeddings, _, yardstick = baseline
    sets = lexicons.association_test(test).half(half)
    contrast = embeddings.rows(sets.A).mean(0) - embeddings.rows(sets.B).mean(0)
    associations = embeddings.rows(FILLER) @ contrast
    rng = np.random.default_rng(99)
    n_x, n_y = len(sets.X), len(sets.Y)
    drawn = np.array(
        [associations[rng.choice(len(FILLER), n_x + n_y, replace=False)] for _ in range(4000)]
    )
    sizes = np.abs(drawn[:, :n_x].mean(1) - drawn[:, n_x:].mean(1))
    share = float((sizes > yardstick.nulls[f"{test}/{half}"]).mean())
    assert share == pytest.approx(0.05, abs=0.017)


def test_the_yardstick_holds_what_was_measured_and_is_reproducible(baseline):
    embeddings, card, yardstick = baseline
    expected = {f"{test}/{half}" for test in Objective().tests for half in ("tune", "report")}
    assert set(yardstick.nulls) == expected
    assert all(0 < null < 1 for null in yardstick.nulls.values())
    assert yardstick.utility == {}
    assert measure_reference(Objective(), embeddings, card, seed=3) == yardstick
    other = measure_reference(Objective(), embeddings, card, seed=4)
    assert other != yardstick
    assert other.nulls == pytest.approx(yardstick.nulls, rel=0.05)
    one = measure_reference(Objective(tests=("math-arts",)), embeddings, card, seed=3)
    assert set(one.nulls) == {"math-arts/tune", "math-arts/report"}


def test_a_baseline_read_with_its_own_yardstick_has_kept_everything(baseline):
    """Random vectors: B of a null distribution, E|s| / q95 = 0.8/1.96 if normal; here under 1.5."""
    embeddings, card, _ = baseline
    whole = Scorecard("", (*card.records, *scorecard({}).records))
    yardstick = measure_reference(Objective(), embeddings, whole, seed=3)
    assert yardstick.utility == pytest.approx({"tune": 0.3, "report": 0.6})  # means of each half
    found = Objective().outcome(whole, yardstick)
    assert found.retention_tune == found.retention_report == 1.0
    assert found.score == found.bias_tune
    assert 0 < found.bias_tune < 1.5


def test_the_yardstick_is_taken_for_as_many_words_as_the_vectors_have():
    """Fewer target words vary more; words are found as the metrics find them, whatever the case."""
    sets = lexicons.association_test("math-arts").half("tune")
    rest = [word for words in (sets.Y, sets.A, sets.B) for word in words]
    objective = Objective(tests=("math-arts",))

    def null(X: list[str]) -> float:
        embeddings = random_embeddings(1, [*FILLER, *rest, *X])
        card = measured(embeddings)
        return measure_reference(objective, embeddings, card, seed=0).nulls["math-arts/tune"]

    every, few = list(sets.X), list(sets.X[:4])
    expected = math.sqrt((1 / 4 + 1 / len(sets.Y)) / (1 / len(every) + 1 / len(sets.Y)))
    assert null(few) / null(every) == pytest.approx(expected, rel=0.05)
    assert null([word.upper() for word in every]) == pytest.approx(null(every), rel=0.05)


def test_vectors_without_any_tune_test_have_no_yardstick():
    embeddings = random_embeddings(0, [*FILLER, *some_words("math-arts", 40, "report")])
    card = measured(embeddings)
    assert card.statistic("math-arts", "report") is not None
    with refuses("4 tune words in each set"):
        measure_reference(Objective(), embeddings, card, seed=0)
