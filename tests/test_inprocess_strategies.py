"""What each penalty computes: formulas, gradients, what they must not depend on, and any λ."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from debiaslab import lexicons, metrics
from debiaslab.errors import UserError
from debiaslab.regularizers import (
    Penalty,
    PenaltyWords,
    bind,
    bind_strategy,
    create,
    get,
    strategy_names,
)
from debiaslab.regularizers.matching import leaning_rows
from debiaslab.regularizers.penalty import unit_rows
from debiaslab.regularizers.projection import gender_direction, gender_subspace, random_direction
from debiaslab.sgns import TrainSettings, train
from debiaslab.sgns.penalty_step import apply_penalty
from debiaslab.vectors.embeddings import Embeddings

NEUTRAL, MALE, FEMALE = list(range(12)), [12, 13, 14], [15, 16, 17]
ROWS, DIM = 18, 6
NAMES = ["adversarial", "context-tying", "contextual-symmetry", "distribution", "gn", "pairwise"]
NAMES += ["pairwise-squared", "projection", "projection-fixed", "projection-running"]
NAMES += ["projection-subspace", "ran-training", "random-projection", "tying"]
# What the defaults of a small test would hide, and the variants of a penalty.
KNOBS = {
    "projection": [{}, {"direction": "mean"}],
    "projection-subspace": [{"k": 2}],
    "projection-fixed": [{"warmup": 0}],
    "contextual-symmetry": [{}, {"hold_pairs": False}],
    "gn": [{}, {"k": 2}],
    "ran-training": [{"threshold": 0.0}],
    "distribution": [{}, {"leaning": "target"}, {"whiten": True}],
    "adversarial": [{}, {"leaning": "target"}],
}
PENALTIES = [create(name, **knobs) for name in NAMES for knobs in KNOBS.get(name, [{}])]


def name_of(penalty: Penalty) -> str:
    knobs = ",".join(f"{k}={v}" for k, v in penalty.knobs().items())
    return f"{penalty.name}({knobs})"


pytestmark = pytest.mark.usefixtures("one_thread")
each_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=name_of)
COSINES = ("pairwise", "projection", "tying")  # penalties of directions of target vectors alone
each_of_cosines = pytest.mark.parametrize(
    "penalty", [penalty for penalty in PENALTIES if penalty.name in COSINES], ids=name_of
)


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


def gradients_of(penalty: Penalty, W: Tensor, C: Tensor) -> list[Tensor]:
    """Return ∂R/∂W and ∂R/∂C of a training that begins here."""
    W, C = W.clone().requires_grad_(), C.clone().requires_grad_()
    R = penalty.fresh()(W, C, roles())
    found = torch.autograd.grad(R, (W, C), allow_unused=True)
    return [torch.zeros_like(W) if each is None else each for each in found]


def slope(penalty: Penalty, which: int, step: Tensor, W: Tensor, C: Tensor) -> float:
    """Return the slope of R along a step of W (0) or C (1) by central differences, on one draw."""
    penalty, words, h, values = penalty.fresh(), roles(), 1e-6, []
    with torch.no_grad():
        penalty(W, C, words)
        for sign in (1, -1):
            moved = [W.clone(), C.clone()]
            moved[which] += sign * h * step
            values.append(float(penalty(*moved, words)))
    return (values[0] - values[1]) / (2 * h)


def test_every_penalty_is_tested_here():
    penalties = [name for name in strategy_names() if issubclass(get(name), Penalty)]
    assert [n for n in penalties if get(n).__module__.startswith("debiaslab.")] == NAMES


# Gradients --------------------------------------------------------------------------------------


@each_penalty
@pytest.mark.parametrize("seed", [1, 2])
def test_gradient_by_finite_differences(penalty, seed):
    """In double; rows that constants (g, B, v_g, held pairs) hang on are left out."""
    W, C = matrices(seed)
    held = "projection" in penalty.name and penalty.name != "random-projection"
    held = held or penalty.name in ("gn", "distribution", "ran-training", "contextual-symmetry")
    both = gradients_of(penalty, W, C)
    error, least = (1e-8, 1e-3) if penalty.name in COSINES else (1e-7, 1e-4)
    for which in (0, 1):
        if getattr(penalty, "whiten", False) and which == 0:
            continue  # Σ is held constant: see the test of its own
        for row in NEUTRAL if held else range(ROWS):
            for column in range(DIM):
                step = torch.zeros_like(W)
                step[row, column] = 1
                numeric = slope(penalty, which, step, W, C)
                assert both[which][row, column].item() == pytest.approx(numeric, abs=error)
    assert max(float(each.abs().max()) for each in both) > least


def test_the_whitened_distance_moves_the_means_with_the_covariance_held():
    W, C = matrices(3)
    dW, _ = gradients_of(create("distribution", whiten=True), W, C)
    unit = F.normalize(W, dim=1)
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


@pytest.mark.parametrize("which", [0, 1], ids="WC")
@pytest.mark.parametrize("k", [0, 1, 2], ids=["contextual-symmetry", "gn of 1", "gn of 2"])
def test_pairs_by_finite_differences_where_what_is_held_constant_has_no_say(which, k):
    """Across the rows, which leaves their mean length; neutral words outside w_a know no v_g."""
    W, C = matrices(1)
    step = torch.zeros_like(W)
    step[MALE + FEMALE] = matrices(8)[0][MALE + FEMALE]
    if k:
        penalty = create("gn", k=k)
        W[NEUTRAL, :-k] = 0
    else:
        penalty = create("contextual-symmetry", hold_pairs=False)
        unit = F.normalize((W, C)[which], dim=1)
        step -= (step * unit).sum(1, keepdim=True) * unit
    along = float((gradients_of(penalty, W, C)[which] * step).sum())
    assert (abs(along) > 1e-3) is (which == 0 or k == 0)  # gn reads no contexts
    assert along == pytest.approx(slope(penalty, which, step, W, C), abs=1e-7)


@pytest.mark.parametrize("penalty", PENALTIES, ids=name_of)
def test_which_words_a_penalty_moves(penalty):
    W, C = matrices()
    W[FEMALE] = W[MALE] + 0.5 * W[FEMALE]  # cosines above 0
    dW, dC = (gradient.norm(dim=1) > 0 for gradient in gradients_of(penalty, W, C))
    if penalty.name.startswith("projection"):
        assert penalty.name != "projection" or dW[NEUTRAL].all()
        assert not dW[MALE + FEMALE].any()
        assert not dC.any()
    elif penalty.name == "contextual-symmetry":
        for moved in (dW, dC):
            assert moved[NEUTRAL].all()
            assert bool(moved[MALE + FEMALE].all()) is not penalty.hold_pairs
    elif "tying" in penalty.name:
        moved, still = (dW, dC) if penalty.name == "tying" else (dC, dW)
        assert not still.any()
        assert not moved[NEUTRAL].any()
        assert moved[MALE + FEMALE].all()


# Values -----------------------------------------------------------------------------------------


def in_numpy(penalty: Penalty, W: np.ndarray, C: np.ndarray) -> float:
    """Write a formula out, word by word."""
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    pairs = list(zip(MALE, FEMALE, strict=True))
    if penalty.name.startswith("pairwise"):
        gaps = [unit[w] @ unit[m] - unit[w] @ unit[f] for w in NEUTRAL for m, f in pairs]
        return np.mean(np.square(gaps) if "squared" in penalty.name else np.abs(gaps))
    if penalty.name == "projection":
        differences = unit[MALE] - unit[FEMALE]
        if penalty.direction == "mean":
            g = differences.mean(0) / np.linalg.norm(differences.mean(0))
        else:  # principal axis of the scatter of the pairs about their own centres
            g = np.linalg.eigh(differences.T @ differences)[1][:, -1]
        return np.mean([(unit[w] @ g) ** 2 for w in NEUTRAL])
    if penalty.name == "tying":
        return np.mean([1 - max(unit[m] @ unit[f], 0.0) for m, f in pairs])

    def term(A: np.ndarray, B: np.ndarray) -> float:
        length = np.linalg.norm(B[MALE + FEMALE], axis=1).mean()
        scores = [
            (A[w] / np.linalg.norm(A[w])) @ (B[m] - B[f]) / length
            for w in NEUTRAL
            for m, f in pairs
        ]
        return np.mean(np.square(scores))

    return (term(W, W) + term(W, C) + term(C, W)) / 3  # contextual symmetry


FORMULAS = ("pairwise", "pairwise-squared", "projection", "tying", "contextual-symmetry")


@pytest.mark.parametrize("penalty", [p for p in PENALTIES if p.name in FORMULAS], ids=name_of)
def test_a_penalty_is_its_formula(penalty):
    for seed in range(5):
        W, C = matrices(seed)
        expected = in_numpy(penalty, W.numpy(), C.numpy())
        assert value_of(penalty, W, C) == pytest.approx(expected, rel=1e-12)


def test_values_by_hand():
    """In the plane; he = (1, 0), she = (0, 1), so g = (1, −1)/√2 and cos(he, she) = 0."""
    W = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [2.0, 2.0]], dtype=torch.float64)
    words = PenaltyWords(torch.tensor([2, 3]), torch.tensor([0]), torch.tensor([1]))
    # (3, 4)/5: |0.6 − 0.8| = 0.2, cos g = −0.2/√2, squared 0.02; (2, 2) is as near to he as to she
    assert float(create("pairwise")(W, W, words)) == pytest.approx((0.2 + 0.0) / 2)
    assert float(create("projection")(W, W, words)) == pytest.approx((0.02 + 0.0) / 2)
    assert float(create("projection", direction="mean")(W, W, words)) == pytest.approx(0.01)
    assert float(create("tying")(W, W, words)) == pytest.approx(1.0)


def test_the_principal_component_and_the_mean_are_different_directions():
    """One pair is flipped: the mean cancels, the component (blind to signs) does not."""
    differences = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.1, 0.0]])
    zero = torch.zeros_like(differences)
    pca = gender_direction(differences, zero, "pca")
    mean = gender_direction(differences, zero, "mean")
    assert pca.abs().tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-6)
    assert mean.tolist() == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    ("angle", "expected"), [(0.0, 0.0), (60.0, 0.5), (90.0, 1.0), (120.0, 1.0), (180.0, 1.0)]
)
def test_tying_counts_a_negative_cosine_as_zero(angle, expected):
    radians = math.radians(angle)
    W = torch.tensor([[2.0, 0.0], [math.cos(radians), math.sin(radians)]], dtype=torch.float64)
    words = PenaltyWords(torch.tensor([], dtype=torch.long), torch.tensor([0]), torch.tensor([1]))
    W.requires_grad_()
    R = create("tying")(W, W, words)
    assert R.item() == pytest.approx(expected, abs=1e-12)
    (gradient,) = torch.autograd.grad(R, W)
    if angle > 90:  # as the formula says: nothing pulls opposite words together
        assert torch.count_nonzero(gradient) == 0
    assert bool(gradient.isfinite().all())


@pytest.mark.parametrize("method", ["pca", "mean"])
def test_the_direction_is_the_one_that_direct_bias_measures(method):
    pairs = lexicons.load_pairs("definitional_pairs").pairs
    words = [word for pair in pairs for word in pair]
    for seed in range(3):
        vectors = np.random.default_rng(seed).normal(size=(len(words), 12)).astype(np.float32)
        measured = metrics.gender_direction(Embeddings(words, vectors), pairs, method=method)
        unit = F.normalize(torch.from_numpy(vectors).double(), dim=1)
        g = gender_direction(unit[0::2], unit[1::2], method).numpy()
        assert abs(float(g @ measured)) == pytest.approx(1.0, abs=1e-6)
        assert method == "pca" or float(g @ measured) > 0  # from female to male, as measured
    W, C = matrices()
    W[FEMALE] = W[MALE]  # pairs that do not differ have no direction and cost nothing
    penalty = create("projection", direction=method)
    assert value_of(penalty, W, C) == 0.0
    assert torch.count_nonzero(gradients_of(penalty, W, C)[0]) == 0


def test_the_subspace_of_one_dimension_is_the_projection_and_a_whole_one_holds_all():
    one, projection = create("projection-subspace", k=1), create("projection")
    for seed in range(5):
        W, C = matrices(seed)
        assert value_of(one, W, C) == pytest.approx(value_of(projection, W, C), rel=1e-12)
    B = gender_subspace(W[MALE], W[FEMALE], 3)
    assert torch.allclose(B @ B.T, torch.eye(3, dtype=B.dtype), atol=1e-12)
    differences = W[MALE] - W[FEMALE]
    assert torch.allclose(differences @ B.T @ B, differences, atol=1e-12)
    with pytest.raises(UserError, match="at most 3 with 3 gender pairs"):
        value_of(create("projection-subspace", k=4), W, C)
    with pytest.raises(UserError, match="fewer than the 6 of the vectors"):
        value_of(create("gn", k=6), W, C)


def test_gn_by_hand():
    """In two dimensions, the second reserved: he (0.8, 0.6), she (1, 0), a word (0.6, −0.8)."""
    W = torch.tensor([[0.6, -0.8], [0.8, 0.6], [1.0, 0.0]], dtype=torch.float64)
    words = PenaltyWords(*(torch.tensor([i]) for i in range(3)))
    J_D = ((0.5 - 0.6) ** 2 + (-0.5 - 0.0) ** 2) / 2
    J_E = 0.6**2  # v_g = (0.8 − 1) / |…| = −1
    assert float(create("gn")(W, W, words)) == pytest.approx(J_D + J_E + 0.8**2)


def test_repulsion_counts_neighbours_that_are_near_by_gender_only():
    """Two words that agree in gender alone repel each other; two that agree in all else do not."""
    words = PenaltyWords(torch.tensor([0, 1]), torch.tensor([2]), torch.tensor([3]))
    pair = [[1.0, 0, 0, 0], [-1.0, 0, 0, 0]]
    for rows, expected in (
        ([[1.0, 1, 0, 0], [1, 0, 1, 0]], (0.5 + math.sqrt(0.5)) / 2),  # cos(w, v), cos(w, g)
        ([[0.0, 1, 1, 0], [0, 1, 0, 1]], 0.0),
    ):
        W = torch.tensor([*rows, *pair], dtype=torch.float64)
        assert float(create("ran-training")(W, W, words)) == pytest.approx(expected)


def test_leaning_by_context_stays_when_target_vectors_of_neutral_words_move():
    W, C = matrices()
    moved = W.clone()
    moved[NEUTRAL] = matrices(9)[0][NEUTRAL]
    before, after = (leaning_rows(each, C, roles(), 0.25, "context") for each in (W, moved))
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    male, female = before
    assert len(male) == len(female) == 3
    assert not set(male.tolist()) & set(female.tolist())


def test_equal_means_leave_a_linear_probe_at_chance():
    """LEACE's theorem 3.1 for the penalty's own classes, and the probe of `adversarial`."""
    W, C = matrices()
    W = F.normalize(W, dim=1)
    male, female = leaning_rows(W, C, roles(), 0.25, "context")
    W[female] = W[male]
    assert value_of(create("distribution"), W, C) < 1e-24
    assert value_of(create("adversarial"), W, C) < 1e-12
    assert value_of(create("adversarial"), *matrices()) > 0.05


def unbiased(penalty: Penalty) -> tuple[Tensor, Tensor]:
    """Return vectors in which neutral words know no gender: it has the last coordinate alone."""
    W, C = matrices(4)
    for matrix in (W, C):
        matrix[:, -1] = 0
        matrix[FEMALE] = matrix[MALE]
        matrix[MALE, -1], matrix[FEMALE, -1] = 1.0, -1.0
    if penalty.name == "gn":
        k = penalty.k
        W[:, -k:] = 0
        rest = W[MALE + FEMALE].norm(dim=1, keepdim=True)
        W[MALE + FEMALE, -k:] = rest / math.sqrt(3 * k)  # β = 0.5 of the length, shared by k
        W[FEMALE, -k:] *= -1
    if "tying" in penalty.name:
        W[FEMALE], C[FEMALE] = W[MALE], C[MALE]
    if penalty.name == "random-projection":
        r = random_direction(DIM, 0)
        W = W - (W @ r)[:, None] * r
    if penalty.name in ("distribution", "adversarial"):
        W[NEUTRAL] = W[0].clone()
    return W, C


@each_penalty
def test_nothing_to_penalise_costs_nothing_and_moves_nothing(penalty):
    if penalty.name == "projection-subspace":
        penalty = replace(penalty, k=1)  # pairs differ in one direction only
    W, C = unbiased(penalty)
    assert value_of(penalty, W, C) == pytest.approx(0, abs=1e-12)
    if penalty.name != "pairwise":  # an absolute value has a slope of ±1 next to 0
        for gradient in gradients_of(penalty, W, C):
            assert float(gradient.abs().max()) < 1e-6


@each_penalty
def test_rotating_the_space_changes_nothing(penalty):
    """But for the two that name axes: reserved dimensions, and a direction drawn beforehand."""
    Q = torch.linalg.qr(matrices(7)[0][:DIM])[0]
    W, C = matrices()
    same = value_of(penalty, W @ Q, C @ Q) == pytest.approx(value_of(penalty, W, C), rel=1e-6)
    assert same is (penalty.name not in ("gn", "random-projection"))


@each_penalty
def test_only_directions_of_neutral_words_count_not_lengths(penalty):
    W, C = matrices()
    lengths = torch.from_numpy(np.random.default_rng(9).uniform(0.1, 10, size=(ROWS, 1)))
    lengths[MALE + FEMALE] = 3.0  # a pair's own lengths count where scores do
    R = value_of(penalty, W, C)
    assert value_of(penalty, W * lengths, C * lengths) == pytest.approx(R, rel=1e-9)
    for matrix, gradient in zip((W, C), gradients_of(penalty, W, C), strict=True):
        # so that no λ makes them longer or shorter
        assert (gradient * matrix)[NEUTRAL].sum(1).abs().max() < 1e-10


@each_of_cosines
def test_a_penalty_of_cosines_reads_directions_of_target_vectors_alone(penalty):
    """So its gradient has no radial part, grows as 1 / length and turns with the space."""
    lengths = torch.from_numpy(np.random.default_rng(9).uniform(0.01, 100, size=(ROWS, 1)))
    Q = torch.linalg.qr(matrices(7)[0][:DIM])[0]
    for seed in range(20):
        W, C = matrices(seed)
        R, gradient = value_of(penalty, W, C), gradients_of(penalty, W, C)[0]
        assert 0 <= R <= (2 if penalty.name == "pairwise" else 1)
        assert value_of(penalty, W, matrices(seed + 50)[1]) == R
        assert value_of(penalty, W * lengths, C) == pytest.approx(R, rel=1e-9)
        assert (gradient * W).sum(1).abs().max() < 1e-12
        assert torch.allclose(gradients_of(penalty, W * lengths, C)[0], gradient / lengths)
        assert value_of(penalty, W @ Q, C) == pytest.approx(R, rel=1e-9)
        assert torch.allclose(gradients_of(penalty, W @ Q, C)[0], gradient @ Q, atol=1e-9)


@each_penalty
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "zero", [[0], [12], [12, 15], MALE, MALE + FEMALE, list(range(ROWS))], ids=str
)
def test_zero_rows_give_no_nan(penalty, dtype, zero):
    W, C = (matrix.to(dtype) for matrix in matrices())
    for matrices_zeroed in ((W,), (W, C)):  # context embeddings all start at zero
        for matrix in matrices_zeroed:
            matrix[zero] = 0
        assert math.isfinite(value_of(penalty, W, C))
        for gradient in gradients_of(penalty, W, C):
            assert bool(gradient.isfinite().all())


@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 5), (3000, 100)])
def test_unit_rows_are_those_of_torch_and_so_are_their_gradients(n, d):
    generator = torch.Generator().manual_seed(n)
    W, gradient = (torch.randn(n, d, generator=generator) for _ in range(2))
    W[0] = 0
    W[n // 2] *= 1e-14  # shorter than what is divided by
    for pull in (gradient, torch.full((n, d), 1e30)):  # which overflows
        ours, theirs = (W.clone().requires_grad_() for _ in range(2))
        unit, wanted = unit_rows(ours), F.normalize(theirs, dim=1)
        assert torch.equal(unit, wanted)
        unit.backward(pull)
        wanted.backward(pull)
        assert torch.equal(ours.grad.isfinite(), theirs.grad.isfinite())
        shortest = W.norm(dim=1, keepdim=True).clamp_min(1e-12)
        assert not ours.grad.isnan().any()
        size = pull.norm(dim=1, keepdim=True) / shortest  # of the terms of a gradient
        error = ((ours.grad - theirs.grad) / size).nan_to_num()  # where both overflow: inf - inf
        assert error.abs().max() < 1e-6
        assert pull is not gradient or ours.grad.isfinite().all()
    W = torch.randn(6, 4, dtype=torch.double, generator=generator)
    assert torch.autograd.gradgradcheck(unit_rows, (W.requires_grad_(),))


# What a penalty remembers -----------------------------------------------------------------------


def test_the_fixed_direction_is_found_after_the_warm_up_and_stays():
    penalty = create("projection-fixed", warmup=2).fresh()
    values = [float(penalty(*matrices(seed), roles())) for seed in range(5)]
    assert values[:2] == [0.0, 0.0]
    unit = [F.normalize(matrices(seed)[0], dim=1) for seed in range(5)]
    g = gender_subspace(unit[2][MALE], unit[2][FEMALE], 1)[0]
    for seed in (2, 3, 4):
        expected = float((unit[seed][NEUTRAL] @ g).square().mean())
        assert values[seed] == pytest.approx(expected)


def test_the_running_direction_moves_once_for_a_draw_however_often_it_is_evaluated():
    penalty, words = create("projection-running", decay=0.5).fresh(), roles()
    first = float(penalty(*matrices(0), words))
    penalty(*matrices(1), words)  # further along the step of the same draw
    assert float(penalty(*matrices(0), words)) == first
    penalty(*matrices(1), roles())
    assert float(penalty(*matrices(0), words)) != first
    forgetful = value_of(create("projection-running", decay=0.0), *matrices(3))
    assert forgetful == pytest.approx(value_of(create("projection"), *matrices(3)))


@each_penalty
def test_no_training_remembers_another(penalty):
    used = penalty.fresh()
    for seed in range(3):
        used(*matrices(seed), roles())
        torch.manual_seed(seed)  # the global generator has no say
    assert value_of(used, *matrices(5)) == value_of(penalty, *matrices(5))
    assert used == penalty
    assert used.knobs() == penalty.knobs()
    if penalty.name == "random-projection":
        assert penalty.control
        assert value_of(create(penalty.name, seed=1), *matrices()) != value_of(penalty, *matrices())


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
def test_a_knob_that_makes_no_sense_is_refused(name, knobs, said):
    with pytest.raises(UserError, match=said):
        create(name, **knobs)


@pytest.mark.parametrize("name", NAMES)
def test_the_penalty_falls_under_its_own_steps_and_missing_pairs_are_named(name):
    """Twenty steps without any text, on rows of a whole vocabulary."""
    penalty = create(name, **({"warmup": 0} if name == "projection-fixed" else {}))
    words = [*lexicons.gender_words(), *(f"word{i}" for i in range(200))]
    bound = bind(penalty, sorted(words))
    generator = torch.Generator().manual_seed(0)
    W, C = (torch.randn(len(words), 20, generator=generator) for _ in range(2))
    values = [apply_penalty(W, C, bound.draw(generator, 10**9), strength=1000.0) for _ in range(20)]
    assert values[-1] < 0.5 * values[0]
    with pytest.raises(UserError, match="none of the 14 gender pairs"):
        bind(penalty, ["table", "chair", "he"])


def test_several_penalties_with_a_memory_share_a_training(corpus):
    strategy = create("projection-running+adversarial", weight=0.5)
    settings = TrainSettings(dim=12, window=3, negatives=3, epochs=2, subsample=0.0, lr=0.05)
    bound = (bind_strategy(strategy, corpus.words, corpus.counts) for _ in range(2))
    first, second = (train(corpus, settings, each.penalty, progress=False) for each in bound)
    assert np.array_equal(first.embeddings.vectors, second.embeddings.vectors)
