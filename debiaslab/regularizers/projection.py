"""Projection penalties: neutral words should be orthogonal to gender directions."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.errors import UserError, require_known
from debiaslab.regularizers.penalty import Penalty, PenaltyWords, unit_rows
from debiaslab.regularizers.registry import LogUniform, register

Direction = Literal["pca", "mean"]
_BOLUKBASI = (
    "Bolukbasi et al. 2016, Man is to Computer Programmer as Woman is to Homemaker? (NeurIPS), "
)


@dataclass(frozen=True)
class Projection(Penalty):
    """Mean over neutral words w of Σ cos(w, bᵢ)², b₁ … b_k directions that a subclass finds.

    The directions are held constant in the gradient: the penalty moves the neutral words, not what
    gender means.
    """

    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    @abstractmethod
    def directions(self, unit: Tensor, words: PenaltyWords) -> Tensor | None:
        """Return one direction ``(d,)``, or k orthonormal ones as columns ``(d, k)``.

        None: there is none yet, and R is 0.

        Args:
            unit: Target embeddings, each of length 1, ``(r, d)``.
            words: Which rows play which role; the same object on the path of one step.
        """

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the mean squared length of unit rows along the directions, in [0, 1]."""
        unit = unit_rows(W)
        found = self.directions(unit, words)
        if found is None:
            return W.new_zeros(())
        squares = (words.split(unit)[0] @ found).square()
        return (squares.sum(1) if found.ndim == 2 else squares).mean()


@register("projection")
@dataclass(frozen=True)
class ProjectionPenalty(Projection):
    """Mean over neutral words w of cos(w, g)², g the gender direction of the moment.

    g is recomputed at every step from the pairs, on unit vectors, and held constant in the
    gradient: the penalty moves the neutral words, not what gender means.
    """

    direction: Direction = "pca"

    citation = (
        f"{_BOLUKBASI}direct bias with c = 2 and its principal-component direction, as a penalty"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_known(self.direction, ("pca", "mean"), f"the direction was {self.direction!r}")

    def directions(self, unit: Tensor, words: PenaltyWords) -> Tensor:
        """Return the gender direction of the moment."""
        return gender_direction(unit[words.male], unit[words.female], self.direction)


@register("projection-subspace")
@dataclass(frozen=True)
class SubspaceProjection(Projection):
    """Mean over neutral words w of Σ cos(w, bᵢ)², b₁ … b_k an orthonormal gender subspace B.

    B is recomputed at every step and held constant in the gradient, as in ``projection``, which it
    is for k = 1.

    Raises:
        UserError: k is below 1.
    """

    k: int = 4

    citation = f"{_BOLUKBASI}gender subspace B of §5.1 and §6, as a penalty"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 1:
            raise UserError(
                f"the gender subspace was to have {self.k} dimensions",
                allowed="1 up to the number of gender pairs",
            )

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse more dimensions than the pairs can span."""
        most = min(pairs, dim)
        if self.k > most:
            raise UserError(
                f"the gender subspace was to have {self.k} dimensions",
                allowed=f"at most {most} with {pairs} gender pairs in the vocabulary "
                f"and vectors of {dim}",
                next_step=f"--knob k={most}",
            )

    def directions(self, unit: Tensor, words: PenaltyWords) -> Tensor:
        """Return the gender subspace of the moment."""
        self.check_size(len(words.male), unit.shape[1])
        return gender_subspace(unit[words.male], unit[words.female], self.k).T


class DirectionMemory:
    """A direction kept over the draws of one training.

    An engine may evaluate a penalty several times on one draw, along the path of a step. The
    direction is to stand still on that path, so a draw counts once, recognised by its words.
    """

    def __init__(self) -> None:
        self.draws = 0
        self.direction: Tensor | None = None
        self._step: object = None

    def is_new(self, words: PenaltyWords) -> bool:
        """Return whether this step has not been met yet, and count it."""
        if words.step is self._step:
            return False
        self._step = words.step
        self.draws += 1
        return True


@dataclass(frozen=True)
class RememberedProjection(Projection):
    """A projection whose direction at a step depends on the steps before."""

    @cached_property
    def _memory(self) -> DirectionMemory:
        return DirectionMemory()

    def fresh(self) -> RememberedProjection:
        """Return the penalty without a direction."""
        return replace(self)

    def state(self) -> dict[str, NDArray]:
        """Return the direction and the number of draws, for a checkpoint."""
        direction = self._memory.direction
        found = {} if direction is None else {"direction": direction.cpu().numpy()}
        return {"draws": np.array(self._memory.draws), **found}

    def restore(self, state: dict[str, NDArray]) -> None:
        """Continue from what ``state`` returned."""
        self._memory.draws = int(state["draws"])
        if "direction" in state:
            self._memory.direction = torch.from_numpy(state["direction"])

    def directions(self, unit: Tensor, words: PenaltyWords) -> Tensor | None:
        """Return the direction of this draw, which the first call with its words updates."""
        memory = self._memory
        if memory.is_new(words):
            memory.direction = self.updated(memory, unit[words.male], unit[words.female])
        return None if memory.direction is None else memory.direction.to(unit)

    @abstractmethod
    def updated(self, memory: DirectionMemory, male: Tensor, female: Tensor) -> Tensor | None:
        """Return the direction of a new draw, ``(d,)``, from its pairs' unit rows ``(p, d)``."""


@register("projection-fixed")
@dataclass(frozen=True)
class FixedProjection(RememberedProjection):
    """Mean over neutral words w of cos(w, g)², g the gender direction after ``warmup`` steps.

    R is 0 before, so that g is found in vectors that have learnt something; warmup = 0 takes it
    from the first step, which is right for a training that continues from given vectors. The fast
    engine takes at least 40 steps in a training, the reference engine one for each batch.
    Gender words are free to leave g afterwards, and then neutral words may follow them.
    """

    warmup: int = 30

    citation = f"{_BOLUKBASI}direct bias with c = 2 and a direction found once, as a penalty"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.warmup < 0:
            raise UserError(f"warmup was {self.warmup}", allowed="0 steps or more")

    def updated(self, memory: DirectionMemory, male: Tensor, female: Tensor) -> Tensor | None:
        """Return the gender direction at the first step after the warm-up, and from then on."""
        if memory.draws == self.warmup + 1:
            return gender_direction(male, female, "pca")
        return memory.direction


@register("projection-running")
@dataclass(frozen=True)
class RunningProjection(RememberedProjection):
    """Mean over neutral words w of cos(w, ḡ)², ḡ ← normalised (decay · ḡ + (1 − decay) · g).

    g is the gender direction of the moment (principal component, turned to the side of ḡ), found
    once for each step. Averaging quiets the early steps, when g turns quickly; decay = 0 is
    ``projection``.
    """

    decay: float = 0.8

    citation = (
        f"{_BOLUKBASI}direct bias with c = 2 and an exponential moving average of the direction, "
        "as a penalty"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.decay < 1:
            raise UserError(f"decay was {self.decay}", allowed="a number from 0 to below 1")

    @torch.no_grad()
    def updated(self, memory: DirectionMemory, male: Tensor, female: Tensor) -> Tensor:
        """Return the average of the directions so far and the one of the moment."""
        g = gender_direction(male, female, "pca")
        if memory.direction is None:
            return g
        before = memory.direction.to(g)
        side = -1.0 if float(before @ g) < 0 else 1.0  # a principal component has no sign
        return F.normalize(self.decay * before + (1 - self.decay) * side * g, dim=0)


@register("random-projection")
@dataclass(frozen=True)
class RandomProjection(Projection):
    """Mean over neutral words w of cos(w, r)², r a random direction drawn once from ``seed``.

    What ``projection`` does beyond this control is due to gender, not to losing a dimension. With
    ``seed`` other directions are drawn; it does not follow the seed of the training.
    """

    seed: int = 0

    control: ClassVar[bool] = True
    citation = (
        "This project's control for Bolukbasi et al. 2016 (NeurIPS): projection on a random "
        "direction of the same strength"
    )

    def directions(self, unit: Tensor, words: PenaltyWords) -> Tensor:
        """Return the random direction."""
        return random_direction(unit.shape[1], self.seed).to(unit)


def random_direction(d: int, seed: int) -> Tensor:
    """Return a direction drawn uniformly from the unit sphere, ``(d,)``, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(d, generator=generator, dtype=torch.float64), dim=0)


@torch.no_grad()
def gender_direction(male: Tensor, female: Tensor, method: Direction) -> Tensor:
    """Return the unit gender direction, ``(d,)``, from aligned pairs of vectors ``(p, d)``.

    ``pca``: first principal component of the pairs, each centred on its own mean (Bolukbasi et al.
    2016, §5), which is the first right singular vector of the differences. ``mean``: mean
    difference. Pairs that do not differ at all have no direction: zero.
    """
    if method == "mean":
        return F.normalize((male - female).mean(0), dim=0)
    return gender_subspace(male, female, 1)[0]


@torch.no_grad()
def gender_subspace(male: Tensor, female: Tensor, k: int) -> Tensor:
    """Return the first k principal axes of aligned pairs ``(p, d)``, each about its own mean.

    Shape ``(k, d)``, orthonormal; axes along which no pair differs are zero.
    """
    differences = (male - female).double()  # of which the products are few: quicker than an SVD
    squares, mixtures = torch.linalg.eigh(differences @ differences.T)
    sizes = squares.flip(0)[:k].clamp_min(0).sqrt()
    real = sizes > torch.finfo(male.dtype).eps * max(male.shape) * sizes[0]
    axes = mixtures.T.flip(0)[:k] @ differences / torch.where(real, sizes, torch.inf)[:, None]
    return axes.to(male.dtype)


@register("gn")
@dataclass(frozen=True)
class GenderNeutral(Penalty):
    """J_D + J_E of GN-GloVe on unit rows w = [w_a; w_g], w_g the last k dimensions.

    - J_D (their L2 form): mean over pairs (m, f) of (‖β₁e − m_g‖² + ‖β₂e − f_g‖²) / 2, with
      β₁ = β, β₂ = −β and e = (1, …, 1)/√k: gender words hold ±β of their length in w_g.
    - J_E: mean over neutral words of (v_gᵀ w_a)², v_g the unit mean difference of the pairs in the
      other dimensions, held constant in the gradient (theirs is recomputed every epoch).

    GN-GloVe drops w_g from neutral words when vectors are used. Nothing can be dropped by a
    penalty, so the mean of ‖w_g‖² over neutral words is added. The only strategy that depends on
    the axes of the space: it is not rotation invariant, and is not meant to be.

    Raises:
        UserError: k is below 1, or β outside (0, 1).
    """

    k: int = 1
    beta: float = 0.5

    citation = "Zhao et al. 2018, Learning Gender-Neutral Word Embeddings (EMNLP), eq. 1-4"
    search_space: ClassVar[dict[str, LogUniform]] = {"weight": LogUniform(1e-3, 1e2)}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_reserving(self.k, self.beta)

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse to reserve all dimensions."""
        check_reserved(self.k, dim)

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return J_D + J_E + mean ‖w_g‖²; 0 when gender is in the reserved dimensions alone."""
        check_reserved(self.k, W.shape[1])
        unit = unit_rows(W)
        neutral, male, female = words.split(unit)
        e = unit.new_full((self.k,), self.k**-0.5)
        apart = (self.beta * e - male[:, -self.k :]).square().sum(1)
        apart = apart + (-self.beta * e - female[:, -self.k :]).square().sum(1)
        v_g = (male - female).mean(0).detach()
        v_g[-self.k :] = 0
        J_D = apart.mean() / 2
        J_E = (neutral @ F.normalize(v_g, dim=0)).square().mean()
        return J_D + J_E + neutral[:, -self.k :].square().sum(1).mean()


def check_reserving(k: int, beta: float) -> None:
    """Raise a `UserError` unless k is at least 1 and β between 0 and 1."""
    if k < 1:
        raise UserError(f"{k} dimensions were to be reserved", allowed="1 or more")
    if not 0 < beta < 1:
        raise UserError(f"beta was {beta}", allowed="a number between 0 and 1")


def check_reserved(k: int, dim: int) -> None:
    """Raise a `UserError` unless k is below the dimension."""
    if k >= dim:
        raise UserError(
            f"{k} dimensions were to be reserved",
            allowed=f"fewer than the {dim} of the vectors",
            next_step=f"--knob k={max(1, dim // 100)}",
        )
