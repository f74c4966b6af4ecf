"""The registry of strategies, which words a penalty may see, and the joint loss."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from debiaslab import lexicons
from debiaslab.corpus import Corpus
from debiaslab.errors import UserError
from debiaslab.regularizers import (
    BoundPenalty,
    Cover,
    LogUniform,
    NoStrategy,
    Penalty,
    PenaltyWords,
    ProjectionPenalty,
    Strategy,
    bind,
    covered_words,
    create,
    get,
    register,
    registry,
    strategy_names,
)
from debiaslab.sgns import SGNS, Batch, TrainSettings, train
from debiaslab.sgns.engine import Intervention
from debiaslab.sgns.penalty_step import ROW_LIMIT, apply_penalty
from debiaslab.sgns.reference import ReferenceEngine

Matrix = NDArray[np.float64]

PENALTIES = [create(name) for name in ("pairwise", "pairwise-squared", "projection", "tying")]
PENALTIES += [create("projection", direction="mean")]
TUNE_PAIRS = lexicons.load_pairs("gender_pairs").half("tune")
REPORT_PAIRS = lexicons.load_pairs("gender_pairs").half("report")


def name_of(penalty: Penalty) -> str:
    return f"{penalty.name}-{getattr(penalty, 'direction', '')}".rstrip("-")


pytestmark = pytest.mark.usefixtures("one_thread")
each_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=name_of)


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test register strategies that are gone after it."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def test_the_strategies_of_the_project_are_registered():
    assert {"none", "pairwise", "projection", "tying"} <= set(strategy_names())
    assert strategy_names() == sorted(strategy_names())
    assert get("projection") is ProjectionPenalty
    assert create("projection", weight=0.5, direction="mean") == ProjectionPenalty(0.5, "mean")
    for refused, says in (
        (
            lambda: create("projection", direktion="mean"),
            "no knob 'direktion'.*did you mean 'direction'",
        ),
        (lambda: create("projection", direction="pcs"), "did you mean 'pca'"),
        (lambda: get("projektion"), "pairwise.*did you mean 'projection'"),
    ):
        with pytest.raises(UserError, match=says):
            refused()


@pytest.mark.parametrize("name", strategy_names())
def test_every_strategy_has_a_citation_and_a_valid_search_space(name):
    strategy = get(name)
    assert strategy.name == name
    assert len(strategy.citation) > 20
    if name == "none" or issubclass(strategy, Penalty):
        assert bool(strategy.search_space) is (name != "none")
        assert strategy.stage == ("none" if name == "none" else "in")
    for knob, space in strategy.search_space.items():
        assert 0 < space.low < space.high < math.inf
        create(name, **{knob: space.low})  # a knob the strategy takes
    for weight in (-1e-9, -1.0, math.nan, math.inf, -math.inf):
        with pytest.raises(UserError, match=r"λ .* allowed: a number that is 0 or above"):
            create(name, weight=weight)


@pytest.mark.usefixtures("own_registry")
def test_register_adds_a_name_once():
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


def test_a_strategy_without_a_penalty_binds_to_nothing():
    assert bind(NoStrategy(weight=3.0), ["he", "she"]) is None
    assert bind(Strategy(), []) is None


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


def test_each_cover_holds_exactly_the_words_it_is_defined_by():
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
        assert len(covered_words(VOCABULARY, cover)) == len(words)  # each once


def test_case_does_not_make_another_word():
    """A corpus that is not lower-cased has She beside she, and Executive beside executive."""
    cased = [word.capitalize() for word in VOCABULARY if word.isalpha()]
    for cover in ("tune", "vocabulary", "all"):
        lower = covered_words([word for word in VOCABULARY if word.isalpha()], cover)
        assert covered_words(cased, cover) == [word.capitalize() for word in lower]


def test_words_are_on_the_device_of_the_rows():
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


def test_only_tune_pairs_are_used_and_gender_words_play_no_other_part():
    tune_words = {word for pair in TUNE_PAIRS for word in pair}
    report_words = {word for pair in REPORT_PAIRS for word in pair}
    assert {lexicons.half_of(word) for word in tune_words} == {"tune"}
    assert {lexicons.half_of(word) for word in report_words} == {"report"}
    for penalty in PENALTIES:
        bound = bind(penalty, VOCABULARY, "all")
        assert bound is not None
        assert seen_words(bound) & lexicons.gender_words() == tune_words


def test_a_penalty_without_neutral_words_draws_the_pairs_alone():
    bound = bind(create("tying"), VOCABULARY, "all")
    assert bound is not None
    assert seen_words(bound) == {word for pair in TUNE_PAIRS for word in pair}
    assert bound.coverage.neutral == 0
    assert not bound.coverage.report_words_covered
    pairs_only = tuple(word for pair in TUNE_PAIRS for word in pair)
    assert bind(create("tying"), pairs_only, "tune") is not None  # needs no word to cover


def test_the_coverage_record_says_what_was_covered_and_what_was_missing():
    lost = TUNE_PAIRS[0]
    vocabulary = tuple(word for word in VOCABULARY if word != lost[1])
    for cover, unseen in (("tune", True), ("vocabulary", True), ("all", False)):
        coverage = bound_with(cover, vocabulary).coverage
        assert coverage.cover == cover
        assert coverage.neutral == len(covered_words(vocabulary, cover))
        assert coverage.report_words_covered is not unseen
        assert coverage.pairs_missing == ("/".join(lost),)
        assert coverage.pairs == tuple("/".join(pair) for pair in TUNE_PAIRS[1:])
    assert lost[0] not in seen_words(bound_with("all", vocabulary), vocabulary)
    without = tuple(word for word in VOCABULARY if word not in lexicons.report_words())
    assert not bound_with("all", without).coverage.report_words_covered


def test_a_vocabulary_without_pairs_or_covered_words_is_refused():
    report_only = tuple(word for pair in REPORT_PAIRS for word in pair)
    with pytest.raises(UserError, match=f"none of the {len(TUNE_PAIRS)} "):
        bind(create("tying"), (*report_only, *FILLER))
    half_pairs = tuple(male for male, _ in TUNE_PAIRS)
    with pytest.raises(UserError, match=f"none of the {len(TUNE_PAIRS)} "):
        bind(ProjectionPenalty(), (*half_pairs, *FILLER))
    pairs_only = tuple(word for pair in TUNE_PAIRS for word in pair)
    with pytest.raises(UserError, match="cover 'tune' holds no word"):
        bind(ProjectionPenalty(), (*pairs_only, *FILLER), "tune")
    with pytest.raises(UserError, match="did you mean 'vocabulary'"):
        bind(NoStrategy(), VOCABULARY, "vocabullary")


def test_renumbering_changes_nothing():
    """R from the rows drawn is R from the whole matrix."""
    W = torch.from_numpy(np.random.default_rng(3).normal(size=(len(VOCABULARY), 8)))
    index = {word: i for i, word in enumerate(VOCABULARY)}
    words = PenaltyWords(
        torch.tensor([index[word] for word in covered_words(VOCABULARY, "all")]),
        torch.tensor([index[male] for male, _ in TUNE_PAIRS]),
        torch.tensor([index[female] for _, female in TUNE_PAIRS]),
    )
    for penalty in PENALTIES:
        drawn = bind(penalty, VOCABULARY).draw(torch.Generator(), 10**9)
        R = float(drawn(W[drawn.rows], W[drawn.rows]))
        assert pytest.approx(float(penalty(W, W, words)), rel=1e-12) == R


def drawn_neutral(bound: BoundPenalty, seed: int, sample: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    drawn = bound.draw(generator, sample)
    assert len(drawn.rows.unique()) == len(drawn.rows)
    return [i for i in drawn.rows.tolist() if VOCABULARY[i] not in lexicons.gender_words()]


def test_sampling_is_bounded_distinct_and_comes_from_the_generator_alone():
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
    before, small = generator.get_state(), bound_with("tune")
    small.draw(generator, len(covered_words(VOCABULARY, "tune")))  # a cover that is taken whole
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("penalty", [p for p in PENALTIES if p.name != "tying"], ids=name_of)
def test_the_sampled_penalty_is_unbiased(penalty):
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


def test_every_covered_word_is_drawn_equally_often():
    """2,000 draws of 50 from n words: each about 2,000 · 50 / n times (binomial, 5 deviations)."""
    bound, draws, sample = bound_with("tune"), 2000, 50
    generator = torch.Generator().manual_seed(1)
    counts = np.zeros(len(VOCABULARY))
    for _ in range(draws):
        counts[bound.draw(generator, sample).rows.numpy()] += 1
    covered = set(covered_words(VOCABULARY, "tune"))
    rows = [i for i, word in enumerate(VOCABULARY) if word in covered]
    share = sample / len(rows)
    spread = math.sqrt(draws * share * (1 - share))
    assert np.abs(counts[rows] - draws * share).max() < 5 * spread


def in_turn(bound: BoundPenalty, step: int, sample: int, draws: int) -> list[list[int]]:
    """Return the neutral words of the draws of one step."""
    found = bound.draws_in_turn(7, step, sample, draws)
    return [[i for i in each.rows.tolist() if VOCABULARY[i] not in GENDERED] for each in found]


GENDERED = lexicons.gender_words()


@pytest.mark.parametrize(("sample", "draws"), [(7, 1), (50, 4), (200, 3)])
def test_in_turn_every_word_is_drawn_once_before_any_is_drawn_again(sample, draws):
    """Over three cycles, in parts that differ by a word at most, each cycle in another order."""
    bound = bound_with("all")
    covered = sorted(drawn_neutral(bound, 0, 10**9))
    steps = range(3 + 3 * len(covered) // (sample * draws))
    parts = [part for step in steps for part in in_turn(bound, step, sample, draws)]
    ends = np.cumsum([len(part) for part in parts])
    whole = int(np.searchsorted(ends, len(covered))) + 1
    cycles = [parts[first : first + whole] for first in range(0, 3 * whole, whole)]
    for cycle in cycles:
        assert sorted(word for part in cycle for word in part) == covered
        assert max(map(len, cycle)) - min(map(len, cycle)) <= 1
    assert cycles[0] != cycles[1] != cycles[2]


def test_turns_depend_on_seed_and_step_alone_and_a_small_cover_is_one_draw():
    bound = bound_with("all")
    later = in_turn(bound, 5, 20, 4)
    in_turn(bound, 3, 20, 4)
    assert in_turn(bound, 5, 20, 4) == later != in_turn(bound, 4, 20, 4)
    first, *others = bound.draws_in_turn(7, 0, 10**6, 4)
    assert others == [first] * 3  # penalties know a draw by its words: these are the same


@pytest.mark.parametrize("penalty", PENALTIES, ids=name_of)
def test_rows_in_front_give_the_same_penalty_and_gradient_as_rows_anywhere(penalty):
    drawn = bind(penalty, VOCABULARY).draw(torch.Generator(), 10**9)
    words = replace(drawn._words, in_front=False)
    W, C = torch.from_numpy(np.random.default_rng(3).normal(size=(2, len(drawn.rows), 8)))
    found = []
    for each in (drawn._words, words):
        leaves = [matrix.clone().requires_grad_() for matrix in (W, C)]
        R = penalty.fresh()(*leaves, each)
        found.append(
            (R, *torch.autograd.grad(R, leaves, allow_unused=True, materialize_grads=True))
        )
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


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
def test_one_step_is_the_gradient_of_the_joint_loss(corpus, penalty, pairs):
    penalty = replace(penalty, weight=0.3)
    moved = one_step(corpus, penalty, pairs)
    expected = by_hand(corpus, penalty, pairs)
    without = one_step(corpus, None, pairs)
    assert np.abs(expected[0] - without[0].numpy()).max() > 1e-5  # the penalty does something
    for ours, theirs in zip(moved, expected, strict=True):
        assert ours.numpy() == pytest.approx(theirs, abs=1e-12)


@each_penalty
def test_the_penalty_step_per_pair_does_not_depend_on_the_batch_size(corpus, penalty):
    penalty = replace(penalty, weight=0.1)
    steps = {}
    for pairs in (1, 10, 30):
        joint, baseline = one_step(corpus, penalty, pairs)[0], one_step(corpus, None, pairs)[0]
        steps[pairs] = ((joint - baseline) / pairs).numpy()
    assert np.abs(steps[1]).max() > 1e-5
    assert steps[10] == pytest.approx(steps[1], abs=1e-13)
    assert steps[30] == pytest.approx(steps[1], abs=1e-13)


@each_penalty
def test_both_engines_take_the_same_small_penalty_step(corpus, penalty):
    """The fast engine's step of strength lr · pairs · λ is the reference engine's."""
    penalty = replace(penalty, weight=1e-4)
    reference = one_step(corpus, penalty, 10)[0] - one_step(corpus, None, 10)[0]
    model = some_model(corpus)
    before = model.W.clone()
    drawn = bind(penalty, corpus.words).draw(torch.Generator(), 10**9)
    apply_penalty(model.W, model.C, drawn, strength=LR * 10 * penalty.weight)
    assert float(reference.norm()) > 1e-7
    assert float((model.W - before - reference).norm()) < 1e-4 * float(reference.norm())


def test_lambda_means_the_same_for_two_batch_sizes_over_a_whole_training(corpus):
    """What is left of R: alike for batches of 64 and 256, much less for eight times the λ."""

    def left(weight: float, batch_size: int) -> float:
        penalty = bind(ProjectionPenalty(weight=weight), corpus.words)
        settings = replace(SETTINGS, batch_size=batch_size, epochs=4, lr=0.05)
        W = train(corpus, settings, penalty, progress=False).embeddings.vectors
        drawn = penalty.draw(torch.Generator(), 10**9)
        rows = torch.from_numpy(W.copy())[drawn.rows]
        return float(drawn(rows, rows))

    small, large, stronger = left(0.05, 64), left(0.05, 256), left(0.4, 64)
    assert large == pytest.approx(small, rel=0.2)
    assert stronger < 0.5 * small < 0.5 * left(0.0, 64)


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_a_strategy_of_a_user_trains_end_to_end(corpus, engine):
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


def test_the_strategies_of_tests_are_gone_after_them():
    assert not {"no-first-coordinate", "half-hearted"} & set(strategy_names())


@each_penalty
def test_no_row_is_thrown_further_than_the_limit(corpus, penalty):
    penalty = replace(penalty, weight=1e6)
    moved = one_step(corpus, penalty, 10)[0] - one_step(corpus, None, 10)[0]
    shares = moved.norm(dim=1) / some_model(corpus).W.norm(dim=1)
    assert float(shares.max()) == pytest.approx(ROW_LIMIT, rel=1e-3)
