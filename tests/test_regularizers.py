"""The penalties against numpy, their gradients, the registry, and which words a penalty may see."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from debiaslab import lexicons, metrics
from debiaslab.corpus import Corpus
from debiaslab.errors import UserError
from debiaslab.regularizers import (
    BoundPenalty,
    Cover,
    LogUniform,
    NoStrategy,
    PairwiseParity,
    Penalty,
    PenaltyWords,
    ProjectionPenalty,
    Strategy,
    Tying,
    bind,
    covered_words,
    create,
    get,
    register,
    registry,
    strategy_names,
)
from debiaslab.regularizers.penalty import unit_rows
from debiaslab.regularizers.projection import gender_direction
from debiaslab.settings.training import EngineName
from debiaslab.sgns import SGNS, Batch, TrainSettings, train
from debiaslab.sgns.engine import Intervention
from debiaslab.sgns.penalty_step import ROW_LIMIT, apply_penalty
from debiaslab.sgns.reference import ReferenceEngine
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import toy_corpus

Matrix = NDArray[np.float64]

PENALTIES: list[Penalty] = [
    PairwiseParity(),
    ProjectionPenalty(),
    ProjectionPenalty(direction="mean"),
    Tying(),
]
NEUTRAL, MALE, FEMALE = [0, 1, 2, 3], [4, 5, 6], [7, 8, 9]
TUNE_PAIRS = lexicons.load_pairs("gender_pairs").half("tune")
REPORT_PAIRS = lexicons.load_pairs("gender_pairs").half("report")


def name_of(penalty: Penalty) -> str:
    return f"{penalty.name}-{getattr(penalty, 'direction', '')}".rstrip("-")


pytestmark = pytest.mark.usefixtures("one_thread")
each_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=name_of)


def roles() -> PenaltyWords:
    return PenaltyWords(torch.tensor(NEUTRAL), torch.tensor(MALE), torch.tensor(FEMALE))


def matrix(seed: int = 0) -> Tensor:
    """Return 10 random rows of 6: 4 neutral words and 3 pairs."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(10, 6)))


def value_of(penalty: Penalty, W: Tensor) -> float:
    with torch.no_grad():
        return float(penalty(W, torch.zeros_like(W), roles()))


def gradient_of(penalty: Penalty, W: Tensor) -> Tensor:
    W = W.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(penalty(W, torch.zeros_like(W), roles()), W)
    return gradient


# The formulas ---------------------------------------------------------------------------------


def in_numpy(penalty: Penalty, W: Matrix) -> float:
    """Write each formula out, word by word."""
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    if isinstance(penalty, PairwiseParity):
        gaps = [
            abs(unit[w] @ unit[m] - unit[w] @ unit[f])
            for w in NEUTRAL
            for m, f in zip(MALE, FEMALE, strict=True)
        ]
        return float(np.mean(gaps))
    if isinstance(penalty, ProjectionPenalty):
        differences = unit[MALE] - unit[FEMALE]
        if penalty.direction == "mean":
            g = differences.mean(0) / np.linalg.norm(differences.mean(0))
        else:  # principal axis of the scatter of the pairs about their own centres
            g = np.linalg.eigh(differences.T @ differences)[1][:, -1]
        return float(np.mean([(unit[w] @ g) ** 2 for w in NEUTRAL]))
    cosines = [unit[m] @ unit[f] for m, f in zip(MALE, FEMALE, strict=True)]
    return float(np.mean([1 - max(cosine, 0.0) for cosine in cosines]))


@each_penalty
@pytest.mark.parametrize("seed", range(5))
def test_a_penalty_is_its_formula(penalty: Penalty, seed: int) -> None:
    W = matrix(seed)
    assert value_of(penalty, W) == pytest.approx(in_numpy(penalty, W.numpy()), rel=1e-12)


def test_values_by_hand() -> None:
    """In the plane; he = (1, 0), she = (0, 1), so g = (1, −1)/√2 and cos(he, she) = 0."""
    W = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [2.0, 2.0]], dtype=torch.float64)
    words = PenaltyWords(torch.tensor([2, 3]), torch.tensor([0]), torch.tensor([1]))
    # (3, 4)/5: |0.6 − 0.8| = 0.2, cos g = −0.2/√2, squared 0.02; (2, 2) is as near to he as to she
    assert float(PairwiseParity()(W, W, words)) == pytest.approx((0.2 + 0.0) / 2)
    assert float(ProjectionPenalty()(W, W, words)) == pytest.approx((0.02 + 0.0) / 2)
    assert float(ProjectionPenalty(direction="mean")(W, W, words)) == pytest.approx(0.01)
    assert float(Tying()(W, W, words)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("angle", "expected"), [(0.0, 0.0), (60.0, 0.5), (90.0, 1.0), (120.0, 1.0), (180.0, 1.0)]
)
def test_tying_counts_a_negative_cosine_as_zero(angle: float, expected: float) -> None:
    radians = math.radians(angle)
    W = torch.tensor([[2.0, 0.0], [math.cos(radians), math.sin(radians)]], dtype=torch.float64)
    words = PenaltyWords(torch.tensor([], dtype=torch.long), torch.tensor([0]), torch.tensor([1]))
    W.requires_grad_()
    R = Tying()(W, W, words)
    assert R.item() == pytest.approx(expected, abs=1e-12)
    (gradient,) = torch.autograd.grad(R, W)
    if angle > 90:  # as the formula says: nothing pulls opposite words together
        assert torch.count_nonzero(gradient) == 0
    assert bool(gradient.isfinite().all())


def test_the_principal_component_and_the_mean_are_different_directions() -> None:
    """One pair is flipped: the mean cancels, the component (blind to signs) does not."""
    differences = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.1, 0.0]])
    zero = torch.zeros_like(differences)
    pca = gender_direction(differences, zero, "pca")
    mean = gender_direction(differences, zero, "mean")
    assert pca.abs().tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-6)
    assert mean.tolist() == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("method", ["pca", "mean"])
@pytest.mark.parametrize("seed", range(3))
def test_the_direction_is_the_one_that_direct_bias_measures(method: str, seed: int) -> None:
    pairs = lexicons.load_pairs("definitional_pairs").pairs
    words = [word for pair in pairs for word in pair]
    vectors = np.random.default_rng(seed).normal(size=(len(words), 12)).astype(np.float32)
    measured = metrics.gender_direction(Embeddings(words, vectors), pairs, method=method)  # type: ignore[arg-type]
    unit = torch.nn.functional.normalize(torch.from_numpy(vectors).double(), dim=1)
    g = gender_direction(unit[0::2], unit[1::2], method).numpy()  # type: ignore[arg-type]
    assert abs(float(g @ measured)) == pytest.approx(1.0, abs=1e-6)
    if method == "mean":
        assert float(g @ measured) > 0  # from female to male, as it is measured


@pytest.mark.parametrize("method", ["pca", "mean"])
def test_pairs_that_do_not_differ_have_no_direction_and_cost_nothing(method: str) -> None:
    W = matrix()
    W[FEMALE] = W[MALE]
    penalty = ProjectionPenalty(direction=method)  # type: ignore[arg-type]
    assert value_of(penalty, W) == 0.0
    assert torch.count_nonzero(gradient_of(penalty, W)) == 0


@each_penalty
def test_only_directions_count_not_lengths(penalty: Penalty) -> None:
    W = matrix()
    lengths = torch.from_numpy(np.random.default_rng(9).uniform(0.01, 100, size=(10, 1)))
    assert value_of(penalty, W * lengths) == pytest.approx(value_of(penalty, W), rel=1e-9)
    # hence a gradient without a radial part, that grows as 1 / length
    gradient = gradient_of(penalty, W)
    assert (gradient * W).sum(1).abs().max() < 1e-12
    assert torch.allclose(gradient_of(penalty, W * lengths), gradient / lengths)


@each_penalty
def test_rotating_the_space_changes_nothing(penalty: Penalty) -> None:
    Q = torch.linalg.qr(matrix(7)[:6])[0]
    for seed in range(3):
        W = matrix(seed)
        assert value_of(penalty, W @ Q) == pytest.approx(value_of(penalty, W), rel=1e-9)
        assert torch.allclose(gradient_of(penalty, W @ Q), gradient_of(penalty, W) @ Q, atol=1e-9)


@each_penalty
def test_where_gender_words_alone_know_gender_nothing_is_penalised(penalty: Penalty) -> None:
    """Pairs differ in the last coordinate, which neutral words lack; tied ones not at all."""
    W = matrix()
    W[:, -1] = 0
    W[FEMALE] = W[MALE]
    if not isinstance(penalty, Tying):
        W[MALE, -1], W[FEMALE, -1] = 1.0, -1.0
    assert value_of(penalty, W) == pytest.approx(0, abs=1e-12)


@each_penalty
def test_a_penalty_stays_in_its_range_and_reads_no_context_embeddings(penalty: Penalty) -> None:
    for seed in range(20):
        W = matrix(seed)
        value = value_of(penalty, W)
        assert 0 <= value <= (2 if isinstance(penalty, PairwiseParity) else 1)
        assert float(penalty(W, matrix(seed + 50), roles())) == value


@each_penalty
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("zero", [[0], [4], [4, 7], [4, 5, 6, 7, 8, 9], list(range(10))], ids=str)
def test_zero_rows_give_no_nan(penalty: Penalty, dtype: torch.dtype, zero: list[int]) -> None:
    W = matrix().to(dtype)
    W[zero] = 0
    assert math.isfinite(value_of(penalty, W))
    assert bool(gradient_of(penalty, W).isfinite().all())


@each_penalty
def test_gradient_by_finite_differences(penalty: Penalty) -> None:
    """Central differences in double; where g is held constant only the neutral rows may move."""
    W, step = matrix(1), 1e-6
    rows = NEUTRAL if isinstance(penalty, ProjectionPenalty) else NEUTRAL + MALE + FEMALE
    gradient = gradient_of(penalty, W)
    expected = torch.zeros_like(W)
    for row in rows:
        for column in range(W.shape[1]):
            ahead, behind = W.clone(), W.clone()
            ahead[row, column] += step
            behind[row, column] -= step
            rise = value_of(penalty, ahead) - value_of(penalty, behind)
            expected[row, column] = rise / (2 * step)
    assert gradient.numpy() == pytest.approx(expected.numpy(), abs=1e-8)
    assert gradient.abs().max() > 1e-3


@pytest.mark.parametrize("method", ["pca", "mean"])
def test_projection_moves_neutral_words_and_never_the_pairs(method: str) -> None:
    gradient = gradient_of(ProjectionPenalty(direction=method), matrix())  # type: ignore[arg-type]
    assert torch.count_nonzero(gradient[MALE + FEMALE]) == 0
    assert (gradient[NEUTRAL].norm(dim=1) > 0).all()


def test_tying_moves_pairs_only() -> None:
    W = matrix()
    W[FEMALE] = W[MALE] + 0.5 * W[FEMALE]  # cosines above 0
    gradient = gradient_of(Tying(), W)
    assert torch.count_nonzero(gradient[NEUTRAL]) == 0
    assert (gradient[MALE + FEMALE].norm(dim=1) > 0).all()


# The registry ---------------------------------------------------------------------------------


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test register strategies that are gone after it."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def test_the_strategies_of_the_project_are_registered() -> None:
    assert {"none", "pairwise", "projection", "tying"} <= set(strategy_names())
    assert strategy_names() == sorted(strategy_names())
    assert get("projection") is ProjectionPenalty
    assert create("projection", weight=0.5, direction="mean") == ProjectionPenalty(0.5, "mean")
    with pytest.raises(UserError, match=r"no knob 'direktion'.*did you mean 'direction'"):
        create("projection", direktion="mean")


@pytest.mark.parametrize("name", ["none", "pairwise", "projection", "tying"])
def test_every_strategy_has_a_citation_and_a_valid_search_space(name: str) -> None:
    strategy = get(name)
    assert strategy.name == name
    assert len(strategy.citation) > 20
    assert strategy.stage == ("none" if name == "none" else "in")
    assert bool(strategy.search_space) == (name != "none")
    for space in strategy.search_space.values():
        assert 0 < space.low < space.high < math.inf
    for knob in strategy.search_space:
        create(name, **{knob: strategy.search_space[knob].low})  # a knob the strategy takes


@pytest.mark.parametrize("weight", [-1e-9, -1.0, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["none", "pairwise", "projection", "tying"])
def test_a_weight_that_is_no_weight_is_refused(name: str, weight: float) -> None:
    with pytest.raises(UserError, match=r"λ .* allowed: a number that is 0 or above"):
        create(name, weight=weight)


def test_unknown_names_get_the_nearest_match() -> None:
    with pytest.raises(UserError, match="did you mean 'projection'") as refused:
        get("projektion")
    assert "pairwise" in str(refused.value)  # what is allowed
    with pytest.raises(UserError, match="did you mean 'pca'"):
        ProjectionPenalty(direction="pcs")  # type: ignore[arg-type]


@pytest.mark.usefixtures("own_registry")
def test_register_adds_a_name_once() -> None:
    @register("half-hearted")
    class HalfHearted(Strategy):
        citation = "nobody"

    assert get("half-hearted") is HalfHearted
    assert HalfHearted.name == "half-hearted"
    assert "half-hearted" in strategy_names()
    with pytest.raises(ValueError, match="half-hearted"):
        register("half-hearted")(HalfHearted)
    with pytest.raises(ValueError, match="projection"):
        register("projection")(HalfHearted)
    assert get("projection") is ProjectionPenalty
    assert HalfHearted.name == "half-hearted"


def test_a_strategy_without_a_penalty_binds_to_nothing() -> None:
    assert bind(NoStrategy(weight=3.0), ["he", "she"]) is None
    assert bind(Strategy(), []) is None


# Which words a penalty sees -------------------------------------------------------------------


def listed_words() -> set[str]:
    """Words of every list that does not name people."""
    lists = [lexicons.load(name) for name in lexicons.names()]
    return {word for each in lists if not each.people for word in each.words}


FILLER = ("zyzzyva", "quokka", "1984", "$3.50", "new_york")
VOCABULARY = (*sorted(listed_words() | lexicons.gender_words()), *FILLER, "<UNK>")


def seen_words(bound: BoundPenalty, vocabulary: tuple[str, ...] = VOCABULARY) -> set[str]:
    drawn = bound.draw(torch.Generator().manual_seed(0), 10**9)
    return {vocabulary[row] for row in drawn.rows.tolist()}


def bound_with(cover: Cover, vocabulary: tuple[str, ...] = VOCABULARY) -> BoundPenalty:
    bound = bind(ProjectionPenalty(), vocabulary, cover)
    assert bound is not None
    return bound


def test_each_cover_holds_exactly_the_words_it_is_defined_by() -> None:
    """Recomputed from the lists and the hash of the split, not from the sets the code uses."""
    neutral = listed_words() - lexicons.gender_words()
    tune = {word for word in neutral if lexicons.half_of(word) == "tune"}
    report = neutral - tune
    pair_words = {word for pair in TUNE_PAIRS for word in pair}
    assert len(tune) > 100
    assert len(report) > 100
    expected: dict[Cover, set[str]] = {
        "tune": tune,
        "vocabulary": tune | set(FILLER),
        "all": tune | report | set(FILLER),
    }
    for cover, words in expected.items():
        assert set(covered_words(VOCABULARY, cover)) == words
        assert seen_words(bound_with(cover)) == words | pair_words


def test_covers_are_nested_and_hold_what_they_promise() -> None:
    tune, vocabulary, everything = (
        covered_words(VOCABULARY, cover) for cover in ("tune", "vocabulary", "all")
    )
    assert set(tune) < set(vocabulary) < set(everything)
    assert not set(vocabulary) & lexicons.report_words()
    assert not set(everything) & lexicons.gender_words()
    assert "<UNK>" not in everything
    assert len(everything) == len(set(everything))


def test_case_does_not_make_another_word() -> None:
    """A corpus that is not lower-cased has She beside she, and Executive beside executive."""
    cased = [word.capitalize() for word in VOCABULARY if word.isalpha()]
    for cover in ("tune", "vocabulary", "all"):
        lower = covered_words([word for word in VOCABULARY if word.isalpha()], cover)
        assert covered_words(cased, cover) == [word.capitalize() for word in lower]


def test_words_are_on_the_device_of_the_rows() -> None:
    """As one object for a draw: penalties with a memory know the draw by it."""
    seen = []

    @dataclass(frozen=True)
    class Seeing(Penalty):
        def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
            seen.append(words)
            return W.sum()

    bound = BoundPenalty(Seeing(), ["he", "she", "nurse"], "all", [("he", "she")])
    drawn = bound.draw(torch.Generator(), 10)
    rows = torch.zeros(len(drawn.rows), 2)
    for device in ("cpu", "meta", "meta"):  # a device that computes nothing, but is another one
        drawn(rows.to(device), rows.to(device))
    for words, device in zip(seen, ("cpu", "meta", "meta"), strict=True):
        assert {each.device.type for each in (words.neutral, words.male, words.female)} == {device}
    assert seen[1] is seen[2]


def test_only_tune_pairs_are_used_and_gender_words_play_no_other_part() -> None:
    tune_words = {word for pair in TUNE_PAIRS for word in pair}
    report_words = {word for pair in REPORT_PAIRS for word in pair}
    assert {lexicons.half_of(word) for word in tune_words} == {"tune"}
    assert {lexicons.half_of(word) for word in report_words} == {"report"}
    for penalty in PENALTIES:
        bound = bind(penalty, VOCABULARY, "all")
        assert bound is not None
        assert seen_words(bound) & lexicons.gender_words() == tune_words


def test_a_penalty_without_neutral_words_draws_the_pairs_alone() -> None:
    bound = bind(Tying(), VOCABULARY, "all")
    assert bound is not None
    assert seen_words(bound) == {word for pair in TUNE_PAIRS for word in pair}
    assert bound.coverage.neutral == 0
    assert not bound.coverage.report_words_covered
    pairs_only = tuple(word for pair in TUNE_PAIRS for word in pair)
    assert bind(Tying(), pairs_only, "tune") is not None  # needs no word to cover


def test_the_coverage_record_says_what_was_covered_and_what_was_missing() -> None:
    lost = TUNE_PAIRS[0]
    vocabulary = tuple(word for word in VOCABULARY if word != lost[1])
    for cover, unseen in (("tune", True), ("vocabulary", True), ("all", False)):
        coverage = bound_with(cover, vocabulary).coverage  # type: ignore[arg-type]
        assert coverage.cover == cover
        assert coverage.neutral == len(covered_words(vocabulary, cover))
        assert coverage.report_words_covered is not unseen
        assert coverage.pairs_missing == ("/".join(lost),)
        assert coverage.pairs == tuple("/".join(pair) for pair in TUNE_PAIRS[1:])
    assert lost[0] not in seen_words(bound_with("all", vocabulary), vocabulary)


def test_report_words_that_the_vocabulary_lacks_are_not_said_to_be_covered() -> None:
    vocabulary = tuple(word for word in VOCABULARY if word not in lexicons.report_words())
    assert not bound_with("all", vocabulary).coverage.report_words_covered


def test_a_vocabulary_without_pairs_or_covered_words_is_refused() -> None:
    report_only = tuple(word for pair in REPORT_PAIRS for word in pair)
    with pytest.raises(UserError, match=f"none of the {len(TUNE_PAIRS)} "):
        bind(Tying(), (*report_only, *FILLER))
    half_pairs = tuple(male for male, _ in TUNE_PAIRS)
    with pytest.raises(UserError, match=f"none of the {len(TUNE_PAIRS)} "):
        bind(ProjectionPenalty(), (*half_pairs, *FILLER))
    pairs_only = tuple(word for pair in TUNE_PAIRS for word in pair)
    with pytest.raises(UserError, match="cover 'tune' holds no word"):
        bind(ProjectionPenalty(), (*pairs_only, *FILLER), "tune")
    with pytest.raises(UserError, match="did you mean 'vocabulary'"):
        bind(NoStrategy(), VOCABULARY, "vocabullary")  # type: ignore[arg-type]


def test_renumbering_changes_nothing() -> None:
    """R from the rows drawn is R from the whole matrix."""
    W = torch.from_numpy(np.random.default_rng(3).normal(size=(len(VOCABULARY), 8)))
    index = {word: i for i, word in enumerate(VOCABULARY)}
    words = PenaltyWords(
        torch.tensor([index[word] for word in covered_words(VOCABULARY, "all")]),
        torch.tensor([index[male] for male, _ in TUNE_PAIRS]),
        torch.tensor([index[female] for _, female in TUNE_PAIRS]),
    )
    for penalty in PENALTIES:
        bound = bind(penalty, VOCABULARY)
        assert bound is not None
        drawn = bound.draw(torch.Generator(), 10**9)
        assert float(drawn(W[drawn.rows], W[drawn.rows])) == pytest.approx(
            float(penalty(W, W, words)), rel=1e-12
        )


def drawn_neutral(bound: BoundPenalty, seed: int, sample: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    drawn = bound.draw(generator, sample)
    assert len(drawn.rows.unique()) == len(drawn.rows)
    return [i for i in drawn.rows.tolist() if VOCABULARY[i] not in lexicons.gender_words()]


def test_sampling_is_bounded_distinct_and_comes_from_the_generator_alone() -> None:
    bound = bound_with("all")
    covered = set(covered_words(VOCABULARY, "all"))
    for sample in (1, 7, 100):
        rows = drawn_neutral(bound, 4, sample)
        assert len(rows) == len(set(rows)) == sample
        assert {VOCABULARY[i] for i in rows} <= covered
        torch.manual_seed(sample)  # the global generator has no say
        assert drawn_neutral(bound, 4, sample) == rows
        assert drawn_neutral(bound, 5, sample) != rows
    generator = torch.Generator().manual_seed(4)
    first, second = (bound.draw(generator, 100).rows for _ in range(2))
    assert not torch.equal(first, second)  # each step has words of its own


def test_a_small_cover_is_taken_whole_and_uses_up_no_randomness() -> None:
    bound = bound_with("tune")
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert seen_words(bound) >= set(covered_words(VOCABULARY, "tune"))
    bound.draw(generator, len(covered_words(VOCABULARY, "tune")))
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("penalty", PENALTIES[:3], ids=name_of)
def test_the_sampled_penalty_is_unbiased(penalty: Penalty) -> None:
    """Mean of 400 samples of 30 words within 4 standard errors of R over all words."""
    bound = bind(penalty, VOCABULARY)
    assert bound is not None
    W = torch.from_numpy(np.random.default_rng(5).normal(size=(len(VOCABULARY), 8)))
    generator = torch.Generator().manual_seed(7)

    def sampled(sample: int) -> float:
        drawn = bound.draw(generator, sample)
        return float(drawn(W[drawn.rows], W[drawn.rows]))

    full = sampled(10**9)
    values = np.array([sampled(30) for _ in range(400)])
    error = values.std(ddof=1) / math.sqrt(len(values))
    assert 0 < error < 0.05 * full  # a bias of a fifth would show
    assert abs(values.mean() - full) < 4 * error


def test_every_covered_word_is_drawn_equally_often() -> None:
    """2,000 draws of 50 from n words: each about 2,000 · 50 / n times (binomial, 5 deviations)."""
    bound, draws, sample = bound_with("tune"), 2000, 50
    generator = torch.Generator().manual_seed(1)
    counts = np.zeros(len(VOCABULARY))
    for _ in range(draws):
        counts[bound.draw(generator, sample).rows.numpy()] += 1
    rows = [i for i, w in enumerate(VOCABULARY) if w in covered_words(VOCABULARY, "tune")]
    share = sample / len(rows)
    spread = math.sqrt(draws * share * (1 - share))
    assert np.abs(counts[rows] - draws * share).max() < 5 * spread


# The joint loss -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return toy_corpus(tmp_path_factory.mktemp("toy"))


SETTINGS = TrainSettings(
    dim=8, window=3, negatives=3, epochs=2, subsample=0.0, batch_size=256, engine="reference"
)
LR = 0.05


def some_model(corpus: Corpus) -> SGNS:
    """Return a model in double, so that a step can be compared to the last digits."""
    model = SGNS(len(corpus.words), SETTINGS.dim, seed=1).double()
    model.W.normal_(generator=torch.Generator().manual_seed(1))
    model.C.normal_(generator=torch.Generator().manual_seed(2))
    return model


def some_batch(pairs: int) -> Batch:
    """Return rows of one target and four outputs, among the ten most frequent words."""
    ids = torch.arange(pairs).unsqueeze(1)
    return Batch(
        targets=ids % 5,
        mask=torch.ones(pairs, 1),
        outputs=torch.cat([(ids + k) % 5 + 5 for k in range(4)], dim=1),
        labels=torch.tensor([[1.0, 0.0, 0.0, 0.0]]).expand(pairs, 4),
    )


def one_step(corpus: Corpus, penalty: Penalty | None, pairs: int) -> tuple[Tensor, Tensor]:
    """Return how far one SGD step of the reference engine moves W and C."""
    model = some_model(corpus)
    W, C = model.W.clone(), model.C.clone()
    bound = None if penalty is None else bind(penalty, corpus.words)
    engine = ReferenceEngine(model, corpus, SETTINGS, Intervention(bound))
    engine._step(some_batch(pairs), LR, torch.Generator().manual_seed(0))
    return model.W - W, model.C - C


def by_hand(corpus: Corpus, penalty: Penalty, pairs: int) -> tuple[Matrix, Matrix]:
    """Return −lr · pairs · ∂(mean SGNS loss + λ R), the joint loss written as one expression."""
    model, batch = some_model(corpus), some_batch(pairs)
    W, C = (matrix.clone().requires_grad_() for matrix in (model.W, model.C))
    scores = torch.einsum("nd,nod->no", W[batch.targets[:, 0]], C[batch.outputs])
    sgns = torch.nn.functional.softplus((1 - 2 * batch.labels) * scores).sum(1).mean()
    index = corpus.index
    words = PenaltyWords(
        torch.tensor([index[word] for word in covered_words(corpus.words, "all")]),
        torch.tensor([index[m] for m, f in TUNE_PAIRS if m in index and f in index]),
        torch.tensor([index[f] for m, f in TUNE_PAIRS if m in index and f in index]),
    )
    joint = sgns + penalty.weight * penalty(W, C, words)
    gradients = torch.autograd.grad(joint, (W, C))
    W_step, C_step = (-LR * pairs * gradient.numpy() for gradient in gradients)
    return W_step, C_step


@pytest.mark.parametrize("pairs", [1, 40])
@each_penalty
def test_one_step_is_the_gradient_of_the_joint_loss(
    corpus: Corpus, penalty: Penalty, pairs: int
) -> None:
    penalty = replace(penalty, weight=0.3)
    moved = one_step(corpus, penalty, pairs)
    expected = by_hand(corpus, penalty, pairs)
    without = one_step(corpus, None, pairs)
    assert np.abs(expected[0] - without[0].numpy()).max() > 1e-5  # the penalty does something
    for ours, theirs in zip(moved, expected, strict=True):
        assert ours.numpy() == pytest.approx(theirs, abs=1e-12)


@each_penalty
def test_the_penalty_step_per_pair_does_not_depend_on_the_batch_size(
    corpus: Corpus, penalty: Penalty
) -> None:
    penalty = replace(penalty, weight=0.1)
    steps = {}
    for pairs in (1, 10, 30):
        joint, baseline = one_step(corpus, penalty, pairs)[0], one_step(corpus, None, pairs)[0]
        steps[pairs] = ((joint - baseline) / pairs).numpy()
    assert np.abs(steps[1]).max() > 1e-5
    assert steps[10] == pytest.approx(steps[1], abs=1e-13)
    assert steps[30] == pytest.approx(steps[1], abs=1e-13)


@each_penalty
def test_both_engines_take_the_same_small_penalty_step(corpus: Corpus, penalty: Penalty) -> None:
    """The fast engine's step of strength lr · pairs · λ is the reference engine's."""
    weight = 1e-4
    penalty = replace(penalty, weight=weight)
    reference = one_step(corpus, penalty, 10)[0] - one_step(corpus, None, 10)[0]
    model = some_model(corpus)
    before = model.W.clone()
    bound = bind(penalty, corpus.words)
    assert bound is not None
    drawn = bound.draw(torch.Generator(), 10**9)
    apply_penalty(model.W, model.C, drawn, strength=LR * 10 * weight)
    assert float(reference.norm()) > 1e-7
    assert float((model.W - before - reference).norm()) < 1e-4 * float(reference.norm())


@each_penalty
def test_no_row_is_thrown_further_than_the_limit(corpus: Corpus, penalty: Penalty) -> None:
    penalty = replace(penalty, weight=1e6)
    moved = one_step(corpus, penalty, 10)[0] - one_step(corpus, None, 10)[0]
    shares = moved.norm(dim=1) / some_model(corpus).W.norm(dim=1)
    assert float(shares.max()) == pytest.approx(ROW_LIMIT, rel=1e-3)


def test_lambda_means_the_same_for_two_batch_sizes_over_a_whole_training(corpus: Corpus) -> None:
    """What is left of R: alike for batches of 64 and 256, much less for eight times the λ."""

    def left(weight: float, batch_size: int) -> float:
        penalty = bind(ProjectionPenalty(weight=weight), corpus.words)
        settings = replace(SETTINGS, batch_size=batch_size, epochs=4, lr=0.05)
        W = train(corpus, settings, penalty, progress=False).embeddings.vectors
        assert penalty is not None
        drawn = penalty.draw(torch.Generator(), 10**9)
        rows = torch.from_numpy(W.copy())[drawn.rows]
        return float(drawn(rows, rows))

    small, large, stronger = left(0.05, 64), left(0.05, 256), left(0.4, 64)
    assert large == pytest.approx(small, rel=0.2)
    assert stronger < 0.5 * small < 0.5 * left(0.0, 64)


# A strategy of one's own ----------------------------------------------------------------------


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_a_strategy_of_a_user_trains_end_to_end(corpus: Corpus, engine: EngineName) -> None:
    """One class and one decorator: neutral words are asked to have no first coordinate."""

    @register("no-first-coordinate")
    @dataclass(frozen=True)
    class NoFirstCoordinate(Penalty):
        citation = "this test"
        search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e1)}

        def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
            return torch.nn.functional.normalize(W, dim=1)[words.neutral, 0].square().mean()

    def first_coordinate(weight: float) -> float:
        penalty = bind(create("no-first-coordinate", weight=weight), corpus.words)
        settings = replace(SETTINGS, engine=engine, epochs=3)
        E = train(corpus, settings, penalty, progress=False).embeddings
        return float(np.mean(E.rows(covered_words(corpus.words, "all"))[:, 0] ** 2))

    assert "no-first-coordinate" in strategy_names()
    assert first_coordinate(10.0) < 0.05 * first_coordinate(0.0)


def test_the_strategies_of_tests_are_gone_after_them() -> None:
    assert not {"no-first-coordinate", "half-hearted"} & set(strategy_names())


@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 5), (3000, 100)])
def test_unit_rows_are_those_of_torch_and_so_are_their_gradients(n: int, d: int) -> None:
    generator = torch.Generator().manual_seed(n)
    W, gradient = (torch.randn(n, d, generator=generator) for _ in range(2))
    W[0] = 0
    W[n // 2] *= 1e-14  # shorter than what is divided by
    ours, theirs = (W.clone().requires_grad_() for _ in range(2))
    unit, wanted = unit_rows(ours), F.normalize(theirs, dim=1)
    assert torch.equal(unit, wanted)
    unit.backward(gradient)
    wanted.backward(gradient)
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.equal(ours.grad, theirs.grad)
    assert torch.isfinite(ours.grad).all()


def test_unit_rows_have_torchs_gradient_where_it_overflows_and_a_second_derivative() -> None:
    short = [torch.full((1, 3), 1e-14, requires_grad=True) for _ in range(2)]
    for rows, unit in zip(short, (unit_rows, lambda W: F.normalize(W, dim=1)), strict=True):
        unit(rows).backward(torch.full((1, 3), 1e30))
    assert short[0].grad is not None
    assert short[1].grad is not None
    assert torch.equal(short[0].grad, short[1].grad)
    assert not short[0].grad.isnan().any()

    W = torch.randn(6, 4, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradgradcheck(unit_rows, (W.requires_grad_(),))
