"""Post-processing strategies: closed forms, what they promise, and what they leave alone."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.metrics import direct_bias
from debiaslab.metrics.lipstick import kmeans_alignment
from debiaslab.metrics.neighbor_bias import biased_words
from debiaslab.regularizers import (
    DebiasWords,
    PostProcess,
    covered_words,
    create,
    debias_words,
    get,
    search_space,
    strategy_names,
)
from debiaslab.regularizers.erasers import ridge_smoother
from debiaslab.regularizers.hard import soft_map
from debiaslab.regularizers.ran import mean_biased_neighbors, ran_optimum
from debiaslab.regularizers.subspace import bias_subspace, leaning_words
from debiaslab.vectors.embeddings import Embeddings, units
from tests.reference import google_news

Matrix = NDArray[np.float64]

DIM = 24
PAIRS = lexicons.load_pairs("gender_pairs")
TUNE = PAIRS.half("tune")
NAMES = ["double-hard", "half-sibling", "hard", "inlp", "leace", "multiclass-hard", "ran"]
NAMES += ["random-direction", "soft"]
# What the methods are run with here: the papers' sizes are for large vocabularies.
KNOBS: dict[str, dict[str, object]] = {"inlp": {"steps": 5}, "double-hard": {"candidates": 4}}


def strategy(name: str, **knobs: object) -> PostProcess:
    made = create(name, **{**KNOBS.get(name, {}), **knobs})
    assert isinstance(made, PostProcess)
    return made


def toy(seed: int = 0, extra: int = 300) -> Embeddings:
    """Vectors of unequal length with a gender axis that topics correlate with."""
    rng = np.random.default_rng(seed)
    words = [word for pair in PAIRS.pairs for word in pair]
    listed = sorted(lexicons.tune_words() | lexicons.report_words())
    words += [word for word in listed[:400] if word not in words]
    words += ["judaism", "christianity", "islam", "rabbi"]
    words = list(dict.fromkeys([*words, *(f"word{i}" for i in range(extra))]))
    vectors = rng.normal(size=(len(words), DIM)) + 0.3
    g = np.zeros(DIM)
    g[0] = 3.0
    for male, female in PAIRS.pairs:
        base = rng.normal(size=DIM)
        vectors[words.index(male)] = base + g + 0.3 * rng.normal(size=DIM)
        vectors[words.index(female)] = base - g + 0.3 * rng.normal(size=DIM)
    vectors[:, 1] += 0.7 * vectors[:, 0]
    vectors *= rng.uniform(0.5, 3, size=(len(words), 1))
    return Embeddings(words, vectors)


E = toy()
WORDS = debias_words(E.words)


def rows(embeddings: Embeddings, words: tuple[str, ...]) -> Matrix:
    return embeddings.vectors[[embeddings.index[word] for word in words]].astype(np.float64)


def applied(name: str, embeddings: Embeddings = E, words: DebiasWords = WORDS, **knobs: object):
    return strategy(name, **knobs).fit(embeddings, words, 0)(embeddings)


def moved(before: Embeddings, after: Embeddings) -> set[str]:
    changed = (before.vectors != after.vectors).any(axis=1)
    return {word for word, differs in zip(before.words, changed, strict=True) if differs}


def lengths(embeddings: Embeddings, words: tuple[str, ...]) -> Matrix:
    return np.linalg.norm(rows(embeddings, words), axis=1)


def test_every_strategy_of_finished_vectors_is_tested_here():
    posts = [name for name in strategy_names() if get(name).stage == "post"]
    own = {name for name in posts if get(name).__module__.startswith("debiaslab.")}
    assert own == {*NAMES, "equalize-only"}
    weighted = {name for name in NAMES if search_space(name)}
    assert weighted == {"soft", "half-sibling", "ran"}  # those whose paper has a weight
    for cover in ("tune", "vocabulary", "all"):
        assert debias_words(E.words, cover).neutral == tuple(covered_words(E.words, cover))
    assert WORDS.pairs == TUNE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cover", ["tune", "vocabulary", "all"])
def test_nothing_changes_but_what_is_covered(name, cover):
    words = debias_words(E.words, cover)
    after = applied(name, words=words)
    assert after.words == E.words
    allowed = set(words.neutral)
    if name in ("hard", "multiclass-hard", "double-hard"):  # they equalise
        allowed |= {word for pair in words.pairs for word in pair}
    if name == "double-hard":  # its first step knows no gender
        allowed |= set(E.words) & lexicons.gender_words()
    assert moved(E, after) <= allowed
    assert len(moved(E, after)) > 0.9 * len(words.neutral)
    if cover != "all":
        assert not moved(E, after) & lexicons.report_words()


@pytest.mark.parametrize("name", NAMES)
def test_no_method_looks_at_words_that_are_not_covered(name):
    """Other vectors of the report words give the same vectors of all other words."""
    words = debias_words(E.words, "vocabulary")
    unseen = [word for word in E.words if word in lexicons.report_words()]
    vectors = E.vectors.copy()
    vectors[[E.index[word] for word in unseen]] *= -2.0
    one, other = applied(name, words=words), applied(name, Embeddings(E.words, vectors), words)
    assert len(unseen) > 50
    assert rows(one, words.neutral) == pytest.approx(rows(other, words.neutral), abs=1e-6)


@pytest.mark.parametrize("name", ["equalize-only", *(n for n in NAMES if n != "random-direction")])
def test_turning_the_space_turns_the_result(name):
    Q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(DIM, DIM)))
    turned = Embeddings(E.words, E.vectors @ Q)
    expected = applied(name).vectors @ Q
    tolerance = 2e-3 if name == "inlp" else 2e-4  # its classifier stops at a tolerance
    assert applied(name, turned).vectors == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("name", ["equalize-only", *NAMES])
def test_the_same_seed_gives_the_same_vectors_and_a_word_of_zeros_does_no_harm(name):
    eraser = strategy(name).fit(E, WORDS, 3)
    assert np.array_equal(eraser(E).vectors, eraser(E).vectors)
    assert np.array_equal(strategy(name).fit(E, WORDS, 3)(E).vectors, eraser(E).vectors)
    vectors = E.vectors.copy()
    vectors[E.index[WORDS.neutral[5]]] = 0
    assert np.isfinite(applied(name, Embeddings(E.words, vectors)).vectors).all()


@pytest.mark.parametrize(
    "name", ["hard", "multiclass-hard", "double-hard", "ran", "random-direction", "soft"]
)
def test_neutral_words_keep_their_lengths(name):
    after = applied(name)
    assert lengths(after, WORDS.neutral) == pytest.approx(lengths(E, WORDS.neutral), rel=1e-5)


@pytest.mark.parametrize("name", ["equalize-only", *NAMES])
def test_what_cannot_be_worked_with_is_refused(name):
    vectors, same = E.vectors.copy(), E.vectors.copy()
    vectors[E.index["woman"]] = 0
    for male, female in WORDS.pairs:
        same[E.index[female]] = 2 * same[E.index[male]]
    pairs = (*WORDS.pairs, ("he", "shee"))
    refused = [
        (E, replace(WORDS, neutral=("word1", "nowhere")), "1 of the 2 words to change.*'nowhere'"),
        (E, replace(WORDS, neutral=()), "at least one word"),
    ]
    if name != "random-direction":
        refused += [
            (Embeddings(E.words, vectors), WORDS, "'woman', which defines the bias, is all zeros"),
            (
                E,
                replace(WORDS, pairs=pairs),
                "'shee', which defines the bias, is not in the vectors",
            ),
            (E, replace(WORDS, pairs=()), "no set of words was given"),
        ]
    if name == "hard":
        refused += [(Embeddings(E.words, same), WORDS, "do not differ")]
    if name in ("inlp", "leace", "double-hard"):
        few = replace(WORDS, neutral=WORDS.neutral[:10])
        refused += [(E, few, "10 covered words.*at least 16")]
    for embeddings, words, says in refused:
        with pytest.raises(UserError, match=says):
            applied(name, embeddings, words)


@pytest.mark.parametrize(
    ("name", "knobs", "said"),
    [
        ("hard", {"components": 40}, "40 components.*1 to 14 with 14 sets"),
        ("hard", {"components": 0}, "0 components"),
        ("random-direction", {"components": DIM}, f"1 to {DIM - 1}"),
        ("inlp", {"steps": DIM}, "leave nothing"),
        ("inlp", {"steps": 0}, "1 or more"),
        ("leace", {"side": 1}, "2 or more"),
        ("double-hard", {"candidates": 0}, "1 or more"),
        ("half-sibling", {"alpha": 0.0}, "above 0"),
        ("ran", {"repulsion": -1.0}, "0 or above"),
        ("ran", {"neighbors": 0}, "1 or more"),
        ("multiclass-hard", {"attribute": "religon"}, "did you mean 'religion'"),
        ("multiclass-hard", {"attribute": "ethnicity"}, "0 definitional sets"),
        ("soft", {"weight": -1.0}, "λ"),
    ],
)
def test_settings_that_make_no_sense(name, knobs, said):
    with pytest.raises(UserError, match=said):
        applied(name, **knobs)


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("name", ["hard", "multiclass-hard"])
def test_neutral_words_have_no_part_in_the_subspace(name, components):
    B = bias_subspace(E, WORDS.pairs, components)
    assert components * [1] == pytest.approx((B**2).sum(axis=1))
    after = applied(name, components=components)
    assert np.abs(after.rows(WORDS.neutral) @ B.T).max() < 1e-6
    assert np.abs(E.rows(WORDS.neutral) @ B.T).max() > 0.3


@pytest.mark.parametrize("name", ["hard", "double-hard"])
def test_equalised_pairs_are_equidistant_equally_long_and_keep_their_sides(name):
    (g,) = bias_subspace(E, WORDS.pairs)
    after = applied(name)
    neutral = rows(after, WORDS.neutral)
    for pair in WORDS.pairs:
        male, female = rows(after, pair)
        assert np.linalg.norm(male) == pytest.approx(np.linalg.norm(female), rel=1e-5)
        assert np.linalg.norm(male) == pytest.approx(lengths(E, pair).mean(), rel=1e-5)
        assert neutral @ male == pytest.approx(neutral @ female, abs=1e-4)
        assert np.linalg.norm(male - female) > 0.1  # they still differ, in gender
        assert after.cosine(*pair) < 1 - 1e-3
        if name == "hard":
            assert male @ g > 0 > female @ g
    vectors = E.vectors.copy()
    vectors[E.index["queen"]] = 3 * vectors[E.index["king"]]
    pairs = (*WORDS.pairs, ("king", "queen"))  # which do not differ and become one
    alike = applied(name, Embeddings(E.words, vectors), replace(WORDS, pairs=pairs))
    assert alike["king"] == pytest.approx(alike["queen"], rel=1e-5)


def test_an_attribute_of_several_classes():
    assert np.array_equal(applied("multiclass-hard").vectors, applied("hard").vectors)  # of two
    after = applied("multiclass-hard", attribute="religion")
    sets = (("judaism", "christianity", "islam"),)
    B = bias_subspace(E, sets, 2)
    neutral = tuple(moved(E, after) - set(sets[0]))  # all but words that mean a religion
    assert len(neutral) > 0.98 * len(WORDS.neutral)
    assert np.abs(after.rows(neutral) @ B.T).max() < 1e-6
    similarities = after.rows(neutral) @ after.rows(sets[0]).T
    assert np.abs(similarities - similarities[:, :1]).max() < 1e-6
    assert len(set(np.round(lengths(after, sets[0]), 4))) == 1
    assert "rabbi" not in moved(E, after)  # of the report half, and means a religion


@pytest.mark.parametrize("seed", [0, 1])
def test_the_control_removes_one_direction_and_it_is_not_gender(seed):
    assert strategy("random-direction").control
    after = strategy("random-direction").fit(E, WORDS, seed)(E)
    unit = after.rows(WORDS.neutral).astype(np.float64)
    assert np.linalg.matrix_rank(unit, tol=1e-4) == DIM - 1
    (g,) = bias_subspace(E, WORDS.pairs)
    assert np.abs(unit @ g).mean() > 0.5 * np.abs(E.rows(WORDS.neutral) @ g).mean()


def test_equalize_only_can_still_be_asked_for_by_its_former_name():
    former = create("cds+ruler", **{"ruler.pairs": "all"})
    assert former.name == "cds+ruler"
    assert former.knobs()["ruler.pairs"] == "all"
    assert "ruler" not in strategy_names()
    assert (applied("ruler").vectors == applied("equalize-only").vectors).all()


def test_equalize_only_changes_pairs_alone_and_bias_that_is_read_along_them():
    after = applied("equalize-only")
    assert moved(E, after) <= {word for pair in WORDS.pairs for word in pair}
    before, now = ([rows(v, each) for each in zip(*WORDS.pairs, strict=True)] for v in (E, after))
    apart = now[0] - now[1]
    e = apart[0] / np.linalg.norm(apart[0])
    assert apart @ e == pytest.approx(np.linalg.norm(apart, axis=1))  # one direction, one sign
    neutral = units(rows(E, WORDS.neutral))
    assert np.square(neutral @ e).mean() < np.square(neutral).mean()  # of any axis
    assert np.linalg.norm(units(before[0]) - units(before[1]), axis=1) == pytest.approx(
        np.linalg.norm(units(now[0]) - units(now[1]), axis=1), rel=0.35
    )
    bias = [direct_bias(each, WORDS.neutral, WORDS.pairs, bootstrap=0).value for each in (E, after)]
    assert bias[1] < 0.5 * bias[0]


def test_double_hard_takes_the_component_that_hides_the_labels_best():
    """A planted axis tells biased words apart after hard debiasing; it is the one to go."""
    rng = np.random.default_rng(4)
    vectors = 0.3 * rng.normal(size=E.vectors.shape)
    vectors[:, 0] = rng.normal(size=len(E))
    vectors[:, 5] = 2.0 * np.sign(vectors[:, 0])  # as frequency does in the paper
    for male, female in PAIRS.pairs:
        vectors[E.index[male]] = [2, *0.1 * rng.normal(size=DIM - 1)]
        vectors[E.index[female]] = [-2, *0.1 * rng.normal(size=DIM - 1)]
    planted = Embeddings(E.words, vectors)
    biased = biased_words(planted, top=10**6, pair=("man", "woman"))
    hard, double = applied("hard", planted), applied("double-hard", planted)
    assert kmeans_alignment(hard, biased, seeds=(0,)).value > 0.99
    assert kmeans_alignment(double, biased, seeds=(0,)).value < 0.7


def labelled(side: int = 2500) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    leaning = leaning_words(E, WORDS, side)
    return leaning.male + leaning.female, leaning.is_male


def test_the_labels_are_the_extremes_of_the_ranking():
    words, is_male = labelled(20)
    (g,) = bias_subspace(E, WORDS.pairs)
    cosines = E.rows(WORDS.neutral) @ g
    least_male = min(E.rows(words[:20]) @ g)
    assert (cosines > least_male + 1e-7).sum() == 19
    assert is_male.sum() == 20
    assert len(set(words)) == 40
    assert len(labelled()[0]) == 2 * (len(WORDS.neutral) // 8)


def test_leace_leaves_no_covariance_with_the_labels():
    words, is_male = labelled()
    z = is_male - 0.5

    def covariance(embeddings: Embeddings) -> float:
        X = rows(embeddings, words)
        return float(np.abs((X - X.mean(axis=0)).T @ z / len(z)).max())

    after = applied("leace")
    assert covariance(E) > 0.1
    assert covariance(after) < 1e-5
    X = rows(after, words)
    probe = np.linalg.lstsq(X - X.mean(axis=0), z, rcond=1e-5)[0]
    assert np.abs((X - X.mean(axis=0)) @ probe).max() < 1e-4  # 0 for every word: chance
    assert X.mean(axis=0) == pytest.approx(rows(E, words).mean(axis=0), abs=1e-5)
    assert strategy("leace").fit(E, WORDS)(after).vectors == pytest.approx(after.vectors, abs=1e-5)
    assert np.abs(after.vectors - E.vectors).max() > 0.1


@pytest.mark.parametrize("steps", [1, 6])
def test_inlp_removes_one_direction_a_step(steps):
    eraser = strategy("inlp", steps=steps).fit(E, WORDS)
    after = rows(eraser(E), WORDS.neutral)
    assert np.linalg.matrix_rank(rows(E, WORDS.neutral)) == DIM
    _, sizes, axes = np.linalg.svd(after, full_matrices=True)
    removed = axes[DIM - steps :]
    assert (after @ removed.T).std(axis=0) == pytest.approx(0, abs=1e-5)
    assert sizes[DIM - steps - 1] > 1.0
    assert rows(eraser(eraser(E)), WORDS.neutral) == pytest.approx(after, abs=1e-5)


def test_inlp_makes_the_labels_hard_to_tell():
    from sklearn.svm import LinearSVC

    words, is_male = labelled()
    accuracy = []
    for embeddings in (E, applied("inlp", steps=10)):
        X = embeddings.rows(words)
        accuracy.append(LinearSVC(dual=False).fit(X, is_male).score(X, is_male))
    assert accuracy[0] > 0.95
    assert accuracy[1] < 0.75


def objective(X: Matrix, W: Matrix, B: Matrix, weight: float) -> float:
    """The paper's two terms, as means over words, by the words themselves."""
    n = len(W)
    kept = np.linalg.norm(W @ X @ W.T - W @ W.T) ** 2 / n**2
    return float(kept + weight * np.linalg.norm(W @ X @ B.T) ** 2 / n)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.floats(1e-4, 1e3), st.integers(1, 3), st.integers(3, 40))
def test_the_soft_map_is_the_minimum(seed, weight, k, n):
    """No symmetric change of X = TᵀT makes the objective smaller, in the span of the words."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n, 8))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    B = np.linalg.qr(rng.normal(size=(8, k)))[0].T
    T = soft_map(W.T @ W / n, B, weight)
    X = T.T @ T
    least = objective(X, W, B, weight)
    assert least <= objective(np.eye(8), W, B, weight) + 1e-12
    span = np.linalg.pinv(W) @ W  # fewer words than dimensions: T is the identity elsewhere
    for _ in range(10):
        change = span @ rng.normal(size=(8, 8)) @ span * 10.0 ** rng.uniform(-4, -1)
        assert objective(X + change + change.T, W, B, weight) >= least - 1e-10


def test_soft_debiasing_between_its_two_ends():
    (g,) = bias_subspace(E, WORDS.pairs)
    none, strong = applied("soft", weight=0.0), applied("soft", weight=1e12)
    assert none.vectors == pytest.approx(E.vectors, abs=1e-6)
    assert np.abs(strong.rows(WORDS.neutral) @ g).max() < 1e-4
    parts = [
        np.abs(applied("soft", weight=weight).rows(WORDS.neutral) @ g).mean()
        for weight in (0.0, 0.01, 0.1, 1.0, 10.0)
    ]
    assert parts == sorted(parts, reverse=True)
    neutralised = applied("hard").rows(WORDS.neutral)
    assert strong.rows(WORDS.neutral) == pytest.approx(neutralised, abs=0.2)


def test_half_sibling_regression_is_the_ridge_residual():
    from sklearn.linear_model import Ridge

    gender = tuple(word for pair in WORDS.pairs for word in pair)
    V = rows(E, gender).T
    N = rows(E, WORDS.neutral).T
    left = N - Ridge(alpha=60.0, fit_intercept=False).fit(V, N).predict(V)
    assert pytest.approx(left, abs=1e-4) == rows(applied("half-sibling"), WORDS.neutral).T
    weights = np.linalg.inv(V.T @ V + 15 * np.eye(V.shape[1])) @ V.T @ N
    stronger = applied("half-sibling", weight=4.0)
    assert pytest.approx(N - V @ weights, abs=1e-4) == rows(stronger, WORDS.neutral).T
    assert moved(E, applied("half-sibling", weight=0.0)) == set()
    assert np.abs(ridge_smoother(V[:, :5], 1.0, 1e9) @ V[:, :5] - V[:, :5]).max() < 1e-4


@pytest.mark.parametrize("weights", [(0.125, 0.75, 0.125), (1.0, 0.2, 0.5), (0.0, 1.0, 0.0)])
def test_no_other_direction_is_better_than_the_ran_optimum(weights):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(40, 10))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    m = 0.5 * w + 0.1 * rng.normal(size=w.shape)
    m[:5] = 0
    g = np.eye(10)[0]

    def value(u: Matrix) -> Matrix:
        return (
            weights[0] * np.abs((u * m).sum(axis=1))
            + weights[1] * (1 - (u * w).sum(axis=1)) / 2
            + weights[2] * np.abs(u @ g)
        )

    u = ran_optimum(w, m, g, weights)
    assert np.linalg.norm(u, axis=1) == pytest.approx(1)
    for scale in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(50):
            other = u + scale * rng.normal(size=u.shape)
            other /= np.linalg.norm(other, axis=1, keepdims=True)
            assert (value(other) >= value(u) - 1e-6).all()
    if weights == (0.125, 0.75, 0.125):
        assert (np.abs(u @ g) <= np.abs(w @ g) + 1e-9).all()
        leaning = np.abs(w @ g) < 0.2  # beyond 1/3, attraction wins over neutralisation
        assert np.abs(u @ g)[leaning].max() < 1e-4
        assert ((u * m).sum(axis=1)[5:] < (w * m).sum(axis=1)[5:]).all()  # and repelled
    if weights == (0.0, 1.0, 0.0):
        assert u == pytest.approx(w, abs=1e-12)


def test_ran_repels_from_neighbours_that_are_near_by_gender_only():
    g = np.eye(6, dtype=np.float32)[0]
    by_gender = np.array([[0.6, 0.8, 0, 0, 0, 0], [0.6, 0, 0.8, 0, 0, 0]])
    by_meaning = np.array([[0, 0, 0, 0.6, 0.8, 0], [0, 0, 0, 0.8, 0.6, 0]])
    unit = np.concatenate([by_gender, by_meaning]).astype(np.float32)
    means = mean_biased_neighbors(unit, g, 100, 0.05)
    assert means == pytest.approx(np.concatenate([by_gender[::-1], np.zeros((2, 6))]), abs=1e-6)
    assert applied("ran", weight=0.0).vectors == pytest.approx(E.vectors, abs=1e-5)
    (g,) = bias_subspace(E, WORDS.pairs)
    assert np.abs(applied("ran").rows(WORDS.neutral) @ g).mean() < 0.02


# Cosines by wefe 1.0.1 (numpy 1.26) on its 13,013 test vectors: HardDebias().fit(model, pairs,
# equalize_pairs=pairs).transform(model, target=TARGETS), and HalfSiblingRegression().fit(model,
# words of the pairs, alpha=60).transform(model, target=TARGETS); before: (0.017123, 0.274963, …).
WEFE_PAIRS = tuple(
    zip(
        ["man", "boy", "he", "father", "son", "guy", "male", "his", "himself"],
        ["woman", "girl", "she", "mother", "daughter", "gal", "female", "her", "herself"],
        strict=True,
    )
)
TARGETS = ("executive", "salary", "office", "business", "career", "home", "family", "marriage")
TARGETS += ("math", "poetry")


WEFE = """
executive career .021022 .009925 | office home .274971 .252701 | family marriage .283622 .1993
salary business .099749 | math poetry .293293 | he she .608279 | man woman .759782
male female .766044 | he career .268914 .233379 | she career .268914 .130847
mother family .587244 .452162 | father family .587244
"""


@pytest.mark.parametrize("name", ["hard", "half-sibling"])
def test_cosines_are_those_of_wefe(name):
    rows = [each.split() for each in re.split(r"[|\n]", WEFE.strip())]
    column = 2 if name == "hard" else 3
    expected = {tuple(row[:2]): float(row[column]) for row in rows if len(row) > column}
    after = applied(name, google_news(), DebiasWords(WEFE_PAIRS, TARGETS))
    cosines = {pair: after.cosine(*pair) for pair in expected}
    assert cosines == pytest.approx(expected, abs=2e-6)
