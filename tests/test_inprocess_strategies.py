"""The other penalties: formulas, gradients, what they must not depend on, and any λ."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from debiaslab import lexicons
from debiaslab.corpus import Corpus
from debiaslab.errors import UserError
from debiaslab.regularizers import (
    Adversarial,
    ContextTying,
    ContextualSymmetry,
    DistributionMatching,
    FixedProjection,
    GenderNeutral,
    Penalty,
    PenaltyWords,
    ProjectionPenalty,
    RandomProjection,
    RepulsionNeutralisation,
    RunningProjection,
    SquaredPairwiseParity,
    SubspaceProjection,
    bind,
    create,
    get,
    search_space,
    strategy_names,
)
from debiaslab.regularizers.matching import leaning_rows
from debiaslab.regularizers.projection import gender_subspace
from debiaslab.sgns import TrainSettings, train
from debiaslab.sgns.penalty_step import apply_penalty
from tests.toys import toy_corpus

NEUTRAL, MALE, FEMALE = list(range(12)), [12, 13, 14], [15, 16, 17]
ROWS, DIM = 18, 6
PENALTIES: list[Penalty] = [
    SquaredPairwiseParity(),
    SubspaceProjection(k=2),
    FixedProjection(warmup=0),
    RunningProjection(),
    ContextualSymmetry(),
    ContextualSymmetry(hold_pairs=False),
    ContextTying(),
    GenderNeutral(),
    GenderNeutral(k=2),
    RepulsionNeutralisation(threshold=0.0),
    DistributionMatching(),
    DistributionMatching(leaning="target"),
    DistributionMatching(whiten=True),
    Adversarial(),
    Adversarial(leaning="target"),
    RandomProjection(),
]
NAMES = sorted({penalty.name for penalty in PENALTIES})
# Rows that a constant in the gradient hangs on (g, B, v_g, held pairs): only the others' gradients
# are those of the value itself.
HOLDS_PAIRS = (
    SubspaceProjection,
    FixedProjection,
    RunningProjection,
    RepulsionNeutralisation,
)


def name_of(penalty: Penalty) -> str:
    knobs = ",".join(f"{k}={v}" for k, v in penalty.knobs().items())
    return f"{penalty.name}({knobs})"


pytestmark = pytest.mark.usefixtures("one_thread")
each_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=name_of)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return toy_corpus(tmp_path_factory.mktemp("toy"), documents=150)


def roles() -> PenaltyWords:
    return PenaltyWords(torch.tensor(NEUTRAL), torch.tensor(MALE), torch.tensor(FEMALE))


def matrices(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return W and C: random rows, 12 neutral words and 3 pairs."""
    W, C = np.random.default_rng(seed).normal(size=(2, ROWS, DIM))
    return torch.from_numpy(W), torch.from_numpy(C)


def value_of(penalty: Penalty, W: Tensor, C: Tensor) -> float:
    """Return R for a training that begins here."""
    with torch.no_grad():
        return float(penalty.fresh()(W, C, roles()))


def gradients_of(
    penalty: Penalty, W: Tensor, C: Tensor, words: PenaltyWords
) -> tuple[Tensor, Tensor]:
    W, C = W.clone().requires_grad_(), C.clone().requires_grad_()
    found = torch.autograd.grad(penalty(W, C, words), (W, C), allow_unused=True)
    dW, dC = (torch.zeros_like(W) if each is None else each for each in found)
    return dW, dC


# Gradients ------------------------------------------------------------------------------------


@each_penalty
@pytest.mark.parametrize("seed", [1, 2])
def test_gradient_by_finite_differences(penalty: Penalty, seed: int) -> None:
    """Central differences in double, on one draw; rows that constants hang on are left out."""
    W, C = matrices(seed)
    words, step = roles(), 1e-6
    penalty = penalty.fresh()
    held = isinstance(penalty, HOLDS_PAIRS) or getattr(penalty, "hold_pairs", False)
    rows = NEUTRAL if held or penalty.name in ("gn", "distribution") else list(range(ROWS))
    both = torch.stack(gradients_of(penalty, W, C, words))
    for which, row in [(which, row) for which in (0, 1) for row in rows]:
        if isinstance(penalty, DistributionMatching) and penalty.whiten and which == 0:
            continue  # Σ is held constant: see the test of its own
        if isinstance(penalty, ContextualSymmetry) and row not in NEUTRAL:
            continue  # so is the mean length of the pairs' rows
        for column in range(DIM):
            values = []
            for sign in (1, -1):
                moved = [W.clone(), C.clone()]
                moved[which][row, column] += sign * step
                with torch.no_grad():
                    values.append(float(penalty(moved[0], moved[1], words)))
            numeric = (values[0] - values[1]) / (2 * step)
            assert both[which, row, column].item() == pytest.approx(numeric, abs=1e-7)
    assert both.abs().max() > 1e-4


def test_the_whitened_distance_moves_the_means_with_the_covariance_held() -> None:
    W, C = matrices(3)
    dW, _ = gradients_of(DistributionMatching(whiten=True), W, C, roles())
    unit = torch.nn.functional.normalize(W, dim=1)
    male, female = leaning_rows(W, C, roles(), 0.25, "context")
    x = unit[NEUTRAL] - unit[NEUTRAL].mean(0)
    sigma = x.T @ x / len(NEUTRAL)
    sigma = sigma + 1e-2 * sigma.diagonal().mean() * torch.eye(DIM, dtype=sigma.dtype)
    pull = 2 * torch.linalg.solve(sigma, unit[male].mean(0) - unit[female].mean(0)) / len(male)
    for rows, sign in ((male, 1), (female, -1)):
        for row in rows.tolist():
            across = pull - (pull @ unit[row]) * unit[row]
            expected = sign * across / W[row].norm()
            assert dW[row].numpy() == pytest.approx(expected.numpy(), abs=1e-9)


def along(penalty: Penalty, which: int, step: Tensor, W: Tensor, C: Tensor) -> tuple[float, float]:
    """Return the slope of R along a step of W (0) or C (1): by autograd and by differences."""
    words, h = roles(), 1e-6
    values = []
    for sign in (1, -1):
        moved = [W.clone(), C.clone()]
        moved[which] += sign * h * step
        with torch.no_grad():
            values.append(float(penalty(moved[0], moved[1], words)))
    gradient = gradients_of(penalty, W, C, words)[which]
    return float((gradient * step).sum()), (values[0] - values[1]) / (2 * h)


@pytest.mark.parametrize("which", [0, 1], ids="WC")
def test_pairs_of_contextual_symmetry_by_finite_differences(which: int) -> None:
    """Across the rows: along them the mean length changes, which is held constant."""
    W, C = matrices(1)
    step = torch.zeros_like(W)
    step[MALE + FEMALE] = matrices(8)[0][MALE + FEMALE]
    unit = torch.nn.functional.normalize((W, C)[which], dim=1)
    step -= (step * unit).sum(1, keepdim=True) * unit
    slope, numeric = along(ContextualSymmetry(hold_pairs=False), which, step, W, C)
    assert abs(slope) > 1e-3
    assert slope == pytest.approx(numeric, abs=1e-7)


@pytest.mark.parametrize("k", [1, 2])
def test_pairs_of_gn_by_finite_differences(k: int) -> None:
    """With neutral words outside w_a, so that v_g, which is held constant, has no say."""
    W, C = matrices(1)
    W[NEUTRAL, :-k] = 0
    step = torch.zeros_like(W)
    step[MALE + FEMALE] = matrices(8)[0][MALE + FEMALE]
    slope, numeric = along(GenderNeutral(k=k), 0, step, W, C)
    assert abs(slope) > 1e-3
    assert slope == pytest.approx(numeric, abs=1e-7)


@pytest.mark.parametrize("hold", [True, False])
def test_contextual_symmetry_moves_the_pairs_only_when_they_are_not_held(hold: bool) -> None:
    dW, dC = gradients_of(ContextualSymmetry(hold_pairs=hold), *matrices(), roles())
    for gradient in (dW, dC):
        assert (gradient[NEUTRAL].norm(dim=1) > 0).all()
        assert bool((gradient[MALE + FEMALE].norm(dim=1) > 0).all()) is not hold


@pytest.mark.parametrize("penalty", PENALTIES[1:4], ids=name_of)
def test_projections_move_neutral_words_and_never_the_pairs(penalty: Penalty) -> None:
    dW, dC = gradients_of(penalty.fresh(), *matrices(), roles())
    assert torch.count_nonzero(dW[MALE + FEMALE]) == torch.count_nonzero(dC) == 0


def test_context_tying_moves_the_contexts_of_the_pairs_only() -> None:
    dW, dC = gradients_of(ContextTying(), *matrices(), roles())
    assert torch.count_nonzero(dW) == torch.count_nonzero(dC[NEUTRAL]) == 0
    assert (dC[MALE + FEMALE].norm(dim=1) > 0).all()


# Values ---------------------------------------------------------------------------------------


def test_squared_parity_is_its_formula() -> None:
    W, C = matrices()
    u = (W / W.norm(dim=1, keepdim=True)).numpy()
    gaps = [
        (u[w] @ u[m] - u[w] @ u[f]) ** 2 for w in NEUTRAL for m, f in zip(MALE, FEMALE, strict=True)
    ]
    assert value_of(SquaredPairwiseParity(), W, C) == pytest.approx(float(np.mean(gaps)))


def test_contextual_symmetry_is_its_formula() -> None:
    W, C = matrices()

    def term(A: Tensor, B: Tensor) -> float:
        length = float(B[MALE + FEMALE].norm(dim=1).mean())
        scores = [
            float((A[w] / A[w].norm()) @ (B[m] - B[f])) / length
            for w in NEUTRAL
            for m, f in zip(MALE, FEMALE, strict=True)
        ]
        return float(np.mean(np.square(scores)))

    expected = (term(W, W) + term(W, C) + term(C, W)) / 3
    assert value_of(ContextualSymmetry(), W, C) == pytest.approx(expected)


def test_one_dimension_of_the_subspace_is_the_projection() -> None:
    for seed in range(5):
        W, C = matrices(seed)
        assert value_of(SubspaceProjection(k=1), W, C) == pytest.approx(
            value_of(ProjectionPenalty(), W, C), rel=1e-12
        )


def test_the_subspace_holds_the_pairs_differences_when_it_is_as_large() -> None:
    W, _ = matrices()
    B = gender_subspace(W[MALE], W[FEMALE], 3)
    assert torch.allclose(B @ B.T, torch.eye(3, dtype=B.dtype), atol=1e-12)
    differences = W[MALE] - W[FEMALE]
    assert torch.allclose(differences @ B.T @ B, differences, atol=1e-12)


def test_gn_by_hand() -> None:
    """In two dimensions, the second reserved: he (0.8, 0.6), she (1, 0), a word (0.6, −0.8)."""
    W = torch.tensor([[0.6, -0.8], [0.8, 0.6], [1.0, 0.0]], dtype=torch.float64)
    words = PenaltyWords(*(torch.tensor([i]) for i in range(3)))
    J_D = ((0.5 - 0.6) ** 2 + (-0.5 - 0.0) ** 2) / 2
    J_E = 0.6**2  # v_g = (0.8 − 1) / |…| = −1
    assert float(GenderNeutral()(W, W, words)) == pytest.approx(J_D + J_E + 0.8**2)


def test_repulsion_counts_neighbours_that_are_near_by_gender_only() -> None:
    """Two words that agree in gender alone repel each other; two that agree in all else do not."""
    he, she = torch.eye(4, dtype=torch.float64)[0], -torch.eye(4, dtype=torch.float64)[0]
    by_gender = torch.tensor([[1.0, 1, 0, 0], [1, 0, 1, 0]], dtype=torch.float64)
    by_meaning = torch.tensor([[0.0, 1, 1, 0], [0, 1, 0, 1]], dtype=torch.float64)
    words = PenaltyWords(torch.tensor([0, 1]), torch.tensor([2]), torch.tensor([3]))

    def R(rows: Tensor) -> float:
        W = torch.cat([rows, he[None], she[None]])
        return float(RepulsionNeutralisation()(W, W, words))

    assert R(by_gender) == pytest.approx((0.5 + math.sqrt(0.5)) / 2)  # cos(w, v), cos(w, g)
    assert R(by_meaning) == 0.0


def test_leaning_by_context_stays_when_target_vectors_of_neutral_words_move() -> None:
    W, C = matrices()
    moved = W.clone()
    moved[NEUTRAL] = matrices(9)[0][NEUTRAL]
    before, after = (leaning_rows(each, C, roles(), 0.25, "context") for each in (W, moved))
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    male, female = before
    assert len(male) == len(female) == 3
    assert not set(male.tolist()) & set(female.tolist())


def test_equal_means_leave_a_linear_probe_at_chance() -> None:
    """LEACE's theorem 3.1 for the penalty's own classes, and the probe of `adversarial`."""
    W, C = matrices()
    W = torch.nn.functional.normalize(W, dim=1)
    male, female = leaning_rows(W, C, roles(), 0.25, "context")
    W[female] = W[male]
    assert value_of(DistributionMatching(), W, C) < 1e-24
    assert value_of(Adversarial(), W, C) < 1e-12
    assert value_of(Adversarial(), *matrices()) > 0.05


def unbiased(penalty: Penalty) -> tuple[Tensor, Tensor]:
    """Return vectors in which neutral words know no gender: it has the last coordinate alone."""
    W, C = matrices(4)
    for matrix in (W, C):
        matrix[:, -1] = 0
        matrix[FEMALE] = matrix[MALE]
        matrix[MALE, -1], matrix[FEMALE, -1] = 1.0, -1.0
    if isinstance(penalty, GenderNeutral):
        k = penalty.k
        W[:, -k:] = 0
        rest = W[MALE + FEMALE].norm(dim=1, keepdim=True)
        W[MALE + FEMALE, -k:] = rest / math.sqrt(3 * k)  # β = 0.5 of the length, shared by k
        W[FEMALE, -k:] *= -1
    if isinstance(penalty, ContextTying):
        C[FEMALE] = C[MALE]
    if isinstance(penalty, RandomProjection):
        from debiaslab.regularizers.projection import random_direction

        r = random_direction(DIM, 0)
        W = W - (W @ r)[:, None] * r
    if isinstance(penalty, DistributionMatching | Adversarial):
        W[NEUTRAL] = W[0].clone()
    return W, C


@each_penalty
def test_nothing_to_penalise_costs_nothing_and_moves_nothing(penalty: Penalty) -> None:
    if isinstance(penalty, SubspaceProjection):
        penalty = replace(penalty, k=1)  # pairs differ in one direction only
    W, C = unbiased(penalty)
    assert value_of(penalty, W, C) == pytest.approx(0, abs=1e-12)
    for gradient in gradients_of(penalty.fresh(), W, C, roles()):
        assert float(gradient.abs().max()) < 1e-6


@each_penalty
def test_rotating_the_space_changes_nothing(penalty: Penalty) -> None:
    """But for the two that name axes: reserved dimensions, and a direction drawn beforehand."""
    Q = torch.linalg.qr(matrices(7)[0][:DIM])[0]
    W, C = matrices()
    same = value_of(penalty, W @ Q, C @ Q) == pytest.approx(value_of(penalty, W, C), rel=1e-6)
    assert same is (penalty.name not in ("gn", "random-projection"))


@each_penalty
def test_only_directions_of_neutral_words_count_not_lengths(penalty: Penalty) -> None:
    W, C = matrices()
    lengths = torch.from_numpy(np.random.default_rng(9).uniform(0.1, 10, size=(ROWS, 1)))
    lengths[MALE + FEMALE] = 3.0  # a pair's own lengths count where scores do
    R = value_of(penalty, W, C)
    assert value_of(penalty, W * lengths, C * lengths) == pytest.approx(R, rel=1e-9)
    dW, dC = gradients_of(penalty.fresh(), W, C, roles())
    for matrix, gradient in ((W, dW), (C, dC)):  # so that no λ makes them longer or shorter
        assert (gradient * matrix)[NEUTRAL].sum(1).abs().max() < 1e-10


@each_penalty
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("zero", [[0], MALE, MALE + FEMALE, list(range(ROWS))], ids=str)
def test_zero_rows_give_no_nan(penalty: Penalty, dtype: torch.dtype, zero: list[int]) -> None:
    W, C = (matrix.to(dtype) for matrix in matrices())
    for matrices_zeroed in ((W,), (W, C)):  # context embeddings all start at zero
        for matrix in matrices_zeroed:
            matrix[zero] = 0
        assert math.isfinite(value_of(penalty, W, C))
        for gradient in gradients_of(penalty.fresh(), W, C, roles()):
            assert bool(gradient.isfinite().all())


# State ----------------------------------------------------------------------------------------


def test_the_fixed_direction_is_found_after_the_warm_up_and_stays() -> None:
    penalty = FixedProjection(warmup=2).fresh()
    values = [float(penalty(*matrices(seed), roles())) for seed in range(5)]
    assert values[:2] == [0.0, 0.0]
    unit = [torch.nn.functional.normalize(matrices(seed)[0], dim=1) for seed in range(5)]
    g = gender_subspace(unit[2][MALE], unit[2][FEMALE], 1)[0]
    for seed in (2, 3, 4):
        expected = float((unit[seed][NEUTRAL] @ g).square().mean())
        assert values[seed] == pytest.approx(expected)


def test_the_running_direction_moves_once_for_a_draw_however_often_it_is_evaluated() -> None:
    penalty, words = RunningProjection(decay=0.5).fresh(), roles()
    first = float(penalty(*matrices(0), words))
    penalty(*matrices(1), words)  # further along the step of the same draw
    assert float(penalty(*matrices(0), words)) == first
    penalty(*matrices(1), roles())
    assert float(penalty(*matrices(0), words)) != first
    assert value_of(RunningProjection(decay=0.0), *matrices(3)) == pytest.approx(
        value_of(ProjectionPenalty(), *matrices(3))
    )


def test_no_training_remembers_another() -> None:
    for penalty in (FixedProjection(warmup=0), RunningProjection(), Adversarial()):
        used = penalty.fresh()
        for seed in range(3):
            used(*matrices(seed), roles())
        assert value_of(used, *matrices(5)) == value_of(penalty, *matrices(5))
        assert used == penalty
        assert used.knobs() == penalty.knobs()


def test_the_random_direction_comes_from_its_seed_alone() -> None:
    W, C = matrices()
    torch.manual_seed(1)
    first = value_of(RandomProjection(), W, C)
    torch.manual_seed(2)
    assert value_of(RandomProjection(), W, C) == first
    assert value_of(RandomProjection(seed=1), W, C) != first
    assert RandomProjection.control


# Registry and words ---------------------------------------------------------------------------


def test_every_penalty_is_tested_here_or_in_test_regularizers() -> None:
    penalties = [name for name in strategy_names() if issubclass(get(name), Penalty)]
    own = {name for name in penalties if get(name).__module__.startswith("debiaslab.")}
    assert own == {*NAMES, "pairwise", "projection", "tying"}


@pytest.mark.parametrize("name", NAMES)
def test_each_is_registered_with_a_citation_and_a_search_space(name: str) -> None:
    strategy = get(name)
    assert strategy.stage == "in"
    assert len(strategy.citation) > 20
    space = search_space(name)["weight"]
    assert 0 < space.low < space.high


@pytest.mark.parametrize(
    ("name", "knobs", "said"),
    [
        ("projection-subspace", {"k": 0}, "0 dimensions"),
        ("projection-fixed", {"warmup": -1}, "warmup was -1"),
        ("projection-running", {"decay": 1.0}, "decay was 1"),
        ("gn", {"k": 0}, "0 dimensions"),
        ("gn", {"beta": 1.0}, "beta was 1"),
        ("ran-training", {"neighbors": 0}, "neighbors was 0"),
        ("ran-training", {"threshold": 1.0}, "threshold was 1"),
        ("distribution", {"share": 0.0}, "share was 0"),
        ("distribution", {"leaning": "contexts"}, "did you mean 'context'"),
        ("adversarial", {"share": 0.6}, "share was 0.6"),
    ],
)
def test_a_knob_that_makes_no_sense_is_refused(
    name: str, knobs: dict[str, object], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        create(name, **knobs)


def test_a_space_that_is_too_small_is_refused() -> None:
    with pytest.raises(UserError, match="at most 3 with 3 gender pairs"):
        value_of(SubspaceProjection(k=4), *matrices())
    with pytest.raises(UserError, match="fewer than the 6 of the vectors"):
        value_of(GenderNeutral(k=6), *matrices())


@pytest.mark.parametrize("name", NAMES)
def test_missing_pairs_are_named(name: str) -> None:
    with pytest.raises(UserError, match="none of the 14 gender pairs"):
        bind(create(name), ["table", "chair", "he"])


# Trainings ------------------------------------------------------------------------------------

SETTINGS = TrainSettings(dim=12, window=3, negatives=3, epochs=2, subsample=0.0, lr=0.05)


def defaults() -> list[Penalty]:
    return [create(name) for name in NAMES]  # type: ignore[misc]


@pytest.mark.parametrize("penalty", defaults(), ids=name_of)
def test_the_penalty_falls_under_its_own_steps(penalty: Penalty) -> None:
    """Twenty steps without any text, on rows of a whole vocabulary."""
    words = [*lexicons.gender_words(), *(f"word{i}" for i in range(200))]
    if isinstance(penalty, FixedProjection):
        penalty = replace(penalty, warmup=0)
    bound = bind(penalty, sorted(words))
    assert bound is not None
    generator = torch.Generator().manual_seed(0)
    W, C = (torch.randn(len(words), 20, generator=generator) for _ in range(2))
    values = [apply_penalty(W, C, bound.draw(generator, 10**9), strength=1000.0) for _ in range(20)]
    assert values[-1] < 0.5 * values[0]


def test_several_penalties_with_a_memory_share_a_training(corpus: Corpus, tmp_path: Path) -> None:
    strategy = create("projection-running+adversarial", weight=0.5)
    from debiaslab.regularizers import bind_strategy

    def vectors() -> np.ndarray:
        bound = bind_strategy(strategy, corpus.words, corpus.counts)
        return train(corpus, SETTINGS, bound.penalty, progress=False).embeddings.vectors

    assert np.array_equal(vectors(), vectors())
