"""Random-word nulls of the metrics: the metric itself on random words, drawn one set at a time."""

from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np
import pytest

from debiaslab import metrics
from debiaslab.lexicons import load_pairs
from debiaslab.lexicons.tables import SemBiasRow
from debiaslab.metrics import (
    NotMeasuredError,
    direct_bias,
    direct_bias_null,
    factual_association,
    indirect_bias_within,
    null_band,
    null_p,
    null_quantile,
    null_statistics,
    weat,
    weat_null,
)
from debiaslab.metrics.cases import Case, Resampling
from debiaslab.metrics.null import (
    NullCache,
    difference_of_means,
    mean,
    null_from,
    null_of,
    random_words,
    with_null,
)
from debiaslab.metrics.rnsb import rnsb
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.sembias import sembias
from debiaslab.vectors.embeddings import Embeddings

M, F = [f"m{i}" for i in range(5)], [f"f{i}" for i in range(5)]
GROUPS = {"m": M, "f": F}
PAIRS = list(zip(M, F, strict=True))
N = 8


def space(words=400, dim=12, seed=0):
    rng = np.random.default_rng(seed)
    names = [*M, *F, *(f"w{i}" for i in range(words))]
    lengths = rng.uniform(0.5, 2, (len(names), 1))
    return Embeddings(names, rng.normal(size=(len(names), dim)) * lengths)


VECTORS = space()
WORDS = random_words(VECTORS)
SHARES = [1.0, 5.0, 20.0, 30.0, 42.0, 80.0, 85.0, 99.0]
ALIKE = Embeddings(VECTORS.words, VECTORS.unit + 0.5)  # whose cosines have a mean above 0

WORD_METRICS = [
    ("direct_bias", (PAIRS,), {}),
    ("raw_direct_bias", (PAIRS,), {}),
    ("ripa", (PAIRS,), {}),
    ("ripa", (PAIRS,), {"unit": True, "relation": "mean"}),
    ("mac", (GROUPS,), {}),
    ("ect", (GROUPS,), {}),
    ("rnd", (GROUPS,), {}),
    ("rnd", (GROUPS,), {"distance": "cosine", "unit": False}),
    ("same", (GROUPS,), {}),
    ("sc_weat", (M, F), {}),
    ("bias_by_projection", (PAIRS,), {}),
]


def word_metric(name, against, knobs):
    measure = getattr(metrics, name)
    null = getattr(metrics, f"{name}_null", measure.null)  # older ones have names
    return (
        lambda w: measure(VECTORS, w, *against, bootstrap=0, **knobs).value,
        lambda: null(WORDS, *against, N, **knobs),
    )


def factual(vectors, words):
    women = dict(zip(words, SHARES, strict=False))
    return factual_association(vectors, women, PAIRS, permutations=0, bootstrap=0).pearson


CASES = {
    f"{name} {knobs}": word_metric(name, against, knobs) for name, against, knobs in WORD_METRICS
}
CASES |= {
    "weat": (
        lambda w: weat(VECTORS, w[:4], w[4:], M, F, permutations=0, bootstrap=0).statistic,
        lambda: weat_null(WORDS, M, F, (4, 4)),
    ),
    "indirect bias": (
        lambda w: indirect_bias_within(ALIKE, w, PAIRS, bootstrap=0).value,
        lambda: metrics.indirect_bias_null(random_words(ALIKE), PAIRS, N, draws=4000),
    ),
    "factual": (
        lambda w: factual(VECTORS, w),
        lambda: metrics.factual_null(WORDS, SHARES, PAIRS),
    ),
    "rnsb": (
        lambda w: rnsb(VECTORS, w, M, F, repeats=3, seed=5).value,
        lambda: metrics.rnsb_null(WORDS, N, M, F, repeats=3, seed=5, draws=4000),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_null_is_the_metric_of_random_words(name):
    measure, null = CASES[name]
    rng = np.random.default_rng(1)
    slow = [measure([f"w{i}" for i in rng.choice(400, N, replace=False)]) for _ in range(600)]
    fast = null()
    # 600 against thousands: quartiles agree within 4 standard errors of a sample quantile.
    spread = np.std(fast)
    for q in (0.25, 0.5, 0.75):
        assert np.quantile(slow, q) == pytest.approx(np.quantile(fast, q), abs=0.28 * spread)
    assert np.std(slow) == pytest.approx(spread, rel=0.2)


def test_every_possible_set_gives_the_metric_exactly_and_as_often():
    # 10 words, of which 8 are drawn: 45 sets, each of which is one value of the metric.
    vectors = space(10)
    drawn = direct_bias_null(random_words(vectors), PAIRS, 8, draws=9000)
    possible = np.array(
        [
            direct_bias(vectors, [f"w{i}" for i in chosen], PAIRS, bootstrap=0).value
            for chosen in combinations(range(10), 8)
        ]
    )
    nearest = np.abs(drawn[:, None] - possible).argmin(axis=1)
    assert np.abs(drawn - possible[nearest]).max() < 1e-12
    assert np.bincount(nearest, minlength=45) == pytest.approx(200, abs=70)


def test_the_general_null_takes_any_function_of_rows():
    contrast = VECTORS.unit[:5].astype(float).mean(0) - VECTORS.unit[5:10].astype(float).mean(0)

    def statistic(x, y):
        return (x @ contrast).mean(axis=1) - (y @ contrast).mean(axis=1)

    general = null_of(statistic, VECTORS, (4, 4), exclude=M + F, draws=2000, seed=3)
    fast = weat_null(random_words(VECTORS, M + F), M, F, (4, 4), draws=2000, seed=3)
    assert general == pytest.approx(fast, abs=1e-6)
    assert fast == pytest.approx(null_statistics(VECTORS, M, F, 4, 4, draws=2000, seed=3))


def test_sets_of_one_draw_are_disjoint_and_uniform():
    scores = np.arange(30.0)
    seen = []

    def collect(x, y):
        drawn = np.concatenate([x, y], axis=1)
        assert all(len(set(row)) == 12 for row in drawn)
        seen.append(drawn)
        return mean(x)

    null_from(collect, scores, (5, 7), draws=6000)
    counts = np.bincount(np.concatenate(seen).astype(int).ravel(), minlength=30)
    assert counts == pytest.approx(6000 * 12 / 30, rel=0.1)


def test_long_word_lists_cost_no_more_than_their_words():
    values = null_from(mean, np.random.default_rng(0).normal(size=9500), (303,), draws=10_000)
    assert values.std() == pytest.approx(np.sqrt((1 - 303 / 9500) / 303), rel=0.03)


def sembias_rows():
    return [
        SemBiasRow(
            (f"a{i}", f"b{i}"), (f"c{i}", f"d{i}"), ((f"g{i}", f"h{i}"), (f"a{i}", f"h{i}")), False
        )
        for i in range(8)
    ]


def test_a_pair_of_random_words_in_the_place_of_he_and_she():
    names = [*M, *F, *(f"{kind}{i}" for kind in "abcdgh" for i in range(9))]
    names += [f"w{i}" for i in range(300)]
    vectors = Embeddings(names, np.random.default_rng(0).normal(size=(len(names), 30)))
    rows = sembias_rows()
    null = metrics.sembias_null(random_words(vectors), rows, draws=2000, seed=1)
    assert null.sum(axis=1) == pytest.approx(np.ones(2000))
    slow = [
        sembias(vectors, rows, pair=(f"w{i}", f"w{i + 1}"), bootstrap=0) for i in range(0, 300, 2)
    ]
    expected = np.mean([[each.definition, each.stereotype, each.none] for each in slow], axis=0)
    assert null.mean(axis=0) == pytest.approx(expected, abs=0.05)
    with pytest.raises(NotMeasuredError, match="0 of 8 rows"):
        metrics.sembias_null(WORDS, rows)


def test_an_unbiased_space_lies_within_its_null():
    covered = 0
    for seed in range(60):
        vectors = space(300, seed=seed)
        chosen = [f"w{i}" for i in np.random.default_rng(seed).choice(300, N, replace=False)]
        band = null_band(direct_bias_null(random_words(vectors), PAIRS, N, draws=1000))
        covered += band.holds(direct_bias(vectors, chosen, PAIRS, bootstrap=0).value)
    assert covered >= 51  # 95 % of 60 is 57; 51 is 3.6 standard deviations below


def test_a_planted_bias_lies_outside_and_has_a_small_p():
    vectors = np.array(VECTORS.vectors)
    vectors[10:18] += 5 * metrics.gender_direction(VECTORS, PAIRS)
    planted = Embeddings(VECTORS.words, vectors)
    words, planted_words = random_words(planted), [f"w{i}" for i in range(N)]
    null = direct_bias_null(words, PAIRS, N)
    value = direct_bias(planted, planted_words, PAIRS, bootstrap=0).value
    assert not null_band(null).holds(value)
    assert null_p(null, value) < 0.01


def test_p_counts_the_value_itself_and_never_exceeds_one():
    null = np.arange(1.0, 100.0)  # 1 … 99
    assert null_p(null, 1000) == pytest.approx(2 / 100)
    assert null_p(null, -5) == pytest.approx(2 / 100)
    assert null_p(null, 50) == 1.0
    assert null_p(null, 98) == pytest.approx(2 * 3 / 100)
    band = null_band(null)
    assert (band.median, band.draws) == (50, 99)
    assert band.holds(50)
    assert not band.holds(99)


def test_fixed_words_are_never_drawn():
    # Only four words are left besides the groups, so a null of five cannot be drawn.
    few = random_words(space(4))
    nulls = [
        lambda name=name, against=against, knobs=knobs: getattr(metrics, name).null(
            few, *against, 5, **knobs
        )
        for name, against, knobs in WORD_METRICS
    ]
    nulls += [
        lambda: metrics.rnsb_null(few, 5, M, F, repeats=2),
        lambda: weat_null(few, M, F, (3, 2)),
        lambda: null_quantile(space(4), M, F, 3, 2),
    ]
    for null in nulls:
        with pytest.raises(NotMeasuredError, match="4 are left"):
            null()


def test_what_has_no_null_says_why():
    with pytest.raises(NotMeasuredError, match=r"undefined for 50 of 50 .* needs 50% of them"):
        null_from(lambda x: np.full(len(x), np.nan), np.arange(9.0), (3,), draws=50)
    with pytest.raises(NotMeasuredError, match="without words"):
        null_from(difference_of_means, np.arange(9.0), (3, 0))
    with pytest.raises(NotMeasuredError, match="0 of 1 pairs"):
        metrics.ripa_null(WORDS, [("absent", "gone")], N)
    with pytest.raises(NotMeasuredError, match="A has 0 of 1 words in the vectors"):
        weat_null(WORDS, ["absent"], F, (4, 4))


def undefined_above(limit):
    """A mean that is undefined for sets whose mean is above the limit."""
    return lambda x: np.where(mean(x) > limit, np.nan, mean(x))


def test_sets_for_which_the_metric_is_undefined_are_left_out_and_counted():
    scores = np.random.default_rng(0).normal(size=200)
    whole = null_from(mean, scores, (5,), draws=1000)
    limit = float(np.quantile(whole, 0.7))
    some = null_from(undefined_above(limit), scores, (5,), draws=1000)
    assert some.shape == (1000,)  # one value a draw, the same draws
    assert (np.isnan(some) == (whole > limit)).all()
    band, defined = null_band(some), whole[whole <= limit]
    assert (band.draws, band.undefined) == (1000, 300)
    assert (band.low, band.high) == tuple(np.quantile(defined, [0.025, 0.975]))
    assert band == replace(null_band(defined), draws=1000, undefined=300)
    assert null_p(some, limit) == pytest.approx(null_p(defined, limit))
    assert null_p(some, 5.0) == pytest.approx(2 / 701)


def test_a_null_needs_half_of_its_sets():
    scores = np.random.default_rng(0).normal(size=200)
    whole = np.sort(null_from(mean, scores, (5,), draws=1000))
    half, fewer = ((whole[i] + whole[i - 1]) / 2 for i in (500, 499))
    assert null_band(null_from(undefined_above(half), scores, (5,), draws=1000)).undefined == 500
    with pytest.raises(NotMeasuredError, match=r"undefined for 501 of 1,000 .* needs 50% of them"):
        null_from(undefined_above(fewer), scores, (5,), draws=1000)


def test_nulls_are_undefined_where_their_metrics_are():
    # 3 in 10 words share one vector: sets of such words only rank nothing, and lean all the same.
    rows = np.array(space(60).vectors)
    rows[10:52] = rows[10]
    twins = random_words(Embeddings(space(60).words, rows))
    words = [f"w{i}" for i in range(4)]
    assert metrics.ect(twins.embeddings, words, GROUPS, bootstrap=0).value is None
    assert factual(twins.embeddings, words) is None
    for null in (
        metrics.ect_null(twins, GROUPS, 4),
        metrics.factual_null(twins, SHARES[:4], PAIRS),
    ):
        undefined = np.isnan(null).mean()
        assert undefined == pytest.approx(comb(42, 4) / comb(60, 4), abs=0.02)
        assert null_band(null).undefined == undefined * len(null)


def test_words_with_all_zero_vectors_are_never_drawn_and_counted():
    rows = np.array(VECTORS.vectors)
    rows[[0, 12, 13, 200, 399]] = 0  # m0 is left out anyway, w389 is not among the first 390
    vectors = Embeddings(VECTORS.words, rows)
    words = random_words(vectors, M + F, top=390)
    assert words.zeros == 3
    assert len(words.rows) == 390 - len(M + F) - 3
    assert not set(words.rows.tolist()) & {12, 13, 200}
    record = Record("x", "x", "all", 0.1, n=4)
    null = with_null(
        record,
        lambda *_: np.arange(9.0),
        [NullCache(words, "_baseline")],
        Resampling(0, 0, 0, True),
    )
    assert null.extra["null_zeros_baseline"] == 3


def test_sc_weat_of_random_words_counts_words_without_spread_as_the_metric_does():
    rows = np.zeros((60, 12))
    rows[:, :6] = np.random.default_rng(1).normal(size=(60, 6))
    rows[30:, :6] = 0  # half of the other words have nothing to do with the groups
    rows[30:, 6:] = np.random.default_rng(2).normal(size=(30, 6))
    vectors = Embeddings([*M, *F, *(f"w{i}" for i in range(50))], rows)
    null = metrics.sc_weat_null(random_words(vectors), M, F, 4, draws=20_000)
    undefined = np.isnan(null)
    assert undefined.mean() == pytest.approx(comb(30, 4) / comb(50, 4), abs=0.01)
    rng, by_metric = np.random.default_rng(3), []
    for _ in range(300):
        drawn = [f"w{i}" for i in rng.permutation(50)[:4]]
        value = metrics.sc_weat(vectors, drawn, M, F, permutations=0, bootstrap=0).value
        by_metric += [] if value is None else [value]
    error = np.std(by_metric) / np.sqrt(len(by_metric))
    assert np.nanmean(null) == pytest.approx(np.mean(by_metric), abs=3 * error)


def test_sets_with_a_word_on_the_direction_have_no_indirect_bias():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 12)) + 2
    rows[5:10] = rows[:5]
    rows[:5, 0], rows[5:10, 0] = 1.0, -1.0  # the pairs differ along the first axis only
    rows[10] = np.eye(12)[0]
    vectors = Embeddings([*M, *F, *(f"w{i}" for i in range(40))], rows)
    null = metrics.indirect_bias_null(random_words(vectors), PAIRS, 4, draws=4000)
    assert np.isnan(null).mean() == pytest.approx(4 / 40, abs=0.02)
    assert indirect_bias_within(vectors, ["w0", "w1", "w2", "w3"], PAIRS, bootstrap=0).value is None


def test_random_words_of_one_vector_make_no_axis_for_sembias():
    names = [*(f"{kind}{i}" for kind in "abcdgh" for i in range(9)), *(f"w{i}" for i in range(20))]
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(names), 30))
    vectors[-5:] = vectors[-1]
    words = random_words(Embeddings(names, vectors), [f"{kind}8" for kind in "abcdgh"])
    null = metrics.sembias_null(words, sembias_rows(), draws=2000)
    undefined = np.isnan(null)
    assert (undefined.all(axis=1) == undefined.any(axis=1)).all()
    assert undefined.mean() == pytest.approx(10 / 190, abs=0.02)  # C(5, 2) of C(20, 2) pairs
    assert null[~undefined.any(axis=1)].sum(axis=1) == pytest.approx(1)


def test_a_record_says_how_many_sets_its_null_is_without():
    effort = Resampling(0, 0, 0, null=True)
    record = Record("mac", "x", "all", 0.5, n=4)
    some = np.where(np.arange(100.0) < 10, np.nan, np.arange(100.0))
    extra = with_null(record, lambda *_: some, [NullCache(WORDS)], effort).extra
    assert (extra["null_draws"], extra["null_undefined"], extra["null_reason"]) == (100, 10, None)
    assert extra["null_median"] == np.median(np.arange(10.0, 100.0))
    assert extra["null_p"] == null_p(np.arange(10.0, 100.0), 0.5)

    def most(*_):
        raise NotMeasuredError("undefined for most")

    extra = with_null(record, most, [NullCache(WORDS)], effort).extra
    assert extra.pop("null_reason") == "undefined for most"
    assert set(extra.values()) == {None}


def test_records_get_the_null_of_other_vectors():
    effort = Resampling(seed=0, bootstrap=0, permutations=0, null=True)
    pairs = load_pairs("definitional_pairs").pairs
    case = Case("occupations", "all", (), pairs)
    record = Record("direct_bias", "occupations", "all", 0.5, n=4, inputs=case)
    names = [*dict.fromkeys(w for p in pairs for w in p), *(f"w{i}" for i in range(300))]
    vectors = Embeddings(names, np.random.default_rng(0).normal(size=(len(names), 20)))
    null = metrics.get("direct_bias")._null
    extra = with_null(record, null, [NullCache.of(vectors, "_baseline")], effort).extra
    names = ("median", "low", "high", "p", "draws", "undefined", "zeros", "reason")
    assert set(extra) == {f"null_{name}_baseline" for name in names}
    assert extra["null_draws_baseline"] == 1000
    assert (extra["null_undefined_baseline"], extra["null_zeros_baseline"]) == (0, 0)
    assert extra["null_reason_baseline"] is None
    assert extra["null_low_baseline"] < extra["null_median_baseline"] < extra["null_high_baseline"]
    lost = with_null(record, null, [NullCache.of(space(3))], effort).extra
    assert "definitional pairs have both words" in lost.pop("null_reason")
    assert set(lost.values()) == {None}
    unmeasured = with_null(replace(record, value=None), null, [NullCache.of(vectors)], effort)
    assert set(unmeasured.extra.values()) == {None}
    assert with_null(record, null, [], effort) == record


def test_a_null_is_drawn_once():
    drawn = []

    def null(*_):
        drawn.append(1)
        return np.arange(5.0)

    effort, yardstick = Resampling(0, 0, 0, null=True), NullCache(WORDS)
    record = Record("direct_bias", "occupations", "all", 0.5, n=4)
    with_null(record, null, [yardstick, yardstick.named("_baseline")], effort)
    with_null(replace(record, value=0.2), null, [yardstick], effort)
    assert len(drawn) == 1
    with_null(replace(record, n=5), null, [yardstick], effort)
    assert len(drawn) == 2


def test_the_yardstick_is_seeded_grows_with_the_quantile_and_shrinks_with_the_sets():
    one, again, other, median, larger = (
        null_quantile(space(300), M, F, n, n, q=q, seed=seed)
        for n, q, seed in ((8, 0.95, 1), (8, 0.95, 1), (8, 0.95, 2), (8, 0.5, 1), (32, 0.95, 1))
    )
    assert one == again != other
    assert median < one
    assert larger < one
    with pytest.raises(NotMeasuredError, match="A has 0 of 1 words in the vectors"):
        null_quantile(space(30), ["absent"], F, 1, 1)
    with pytest.raises(NotMeasuredError, match="needs 16 words, 10 are left"):
        null_quantile(space(10), M, F, 8, 8)


A, B = ["a1", "a2"], ["b1", "b2"]


def yardstick(targets, dim=10, seed=0):
    rng = np.random.default_rng(seed)
    words = [*A, *B, *(f"w{i}" for i in range(targets))]
    return Embeddings(words, rng.normal(size=(len(words), dim)))


def associations(vectors):
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    return unit[4:] @ (unit[:2].mean(axis=0) - unit[2:4].mean(axis=0))


def test_draws_are_disjoint_and_without_replacement():
    vectors = yardstick(5)
    g = associations(vectors)
    possible = [g[list(c)].mean() - np.delete(g, c).mean() for c in combinations(range(5), 2)]
    drawn = null_statistics(vectors, A, B, 2, 3, draws=20_000)
    nearest = np.abs(drawn[:, None] - np.array(possible)).argmin(axis=1)
    assert np.abs(drawn - np.array(possible)[nearest]).max() < 1e-6
    assert np.bincount(nearest, minlength=10) == pytest.approx(2000, abs=250)


def test_quantile_agrees_with_one_draw_at_a_time():
    vectors = yardstick(300)
    g, rng = associations(vectors), np.random.default_rng(9)
    slow = []
    for _ in range(10_000):
        chosen = g[rng.choice(len(g), 16, replace=False)]
        slow.append(abs(chosen[:8].mean() - chosen[8:].mean()))
    assert null_quantile(vectors, A, B, 8, 8) == pytest.approx(np.quantile(slow, 0.95), rel=0.04)


def test_one_statistic_in_twenty_of_random_sets_is_above_it():
    vectors = yardstick(2000, dim=30)
    rng = np.random.default_rng(3)
    attributes = [*A, "w0", "w1"], [*B, "w2", "w3"]
    bound = null_quantile(vectors, *attributes, 5, 5)
    above = 0
    for _ in range(400):
        words = [f"w{i}" for i in rng.choice(np.arange(4, 2000), 10, replace=False)]
        result = weat(vectors, words[:5], words[5:], *attributes, permutations=0, bootstrap=0)
        above += abs(result.statistic) > bound
    assert above == pytest.approx(400 * 0.05, abs=18)  # 4 standard deviations


def test_excluded_zero_and_attribute_words_and_those_past_the_top_are_not_drawn():
    vectors = np.array(yardstick(40).vectors)
    vectors[4:6] = 0  # w0, w1
    vectors = Embeddings(yardstick(40).words, vectors)
    # Left of the first 10 rows: not the 4 attributes, not the 2 zeros, not w2: w3, w4, w5.
    drawn = null_statistics(vectors, A, B, 1, 1, exclude=["w2", "unknown"], top=10, draws=500)
    unit = vectors.unit.astype(float)
    g = unit[7:10] @ (unit[:2].mean(axis=0) - unit[2:4].mean(axis=0))
    possible = np.subtract.outer(g, g)[~np.eye(3, dtype=bool)]
    assert np.abs(drawn[:, None] - possible).min(axis=1).max() < 1e-6
