"""The penalty's half of the joint loss, where an engine takes it once per block of many pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.linalg import vector_norm  # Tensor.norm and F.normalize spend as long again in Python

from debiaslab.errors import UserError
from debiaslab.sgns.engine import DrawnPenalty

ROW_LIMIT = 0.1  # share of its norm at the start that a row may move in one sub-step
ROW_FLOOR = 1e-3  # shorter rows may move as if they were this long
MAX_SUBSTEPS = 6
_BLOCK_FLOATS = 1 << 17  # of a matrix, moved at a time: what is made of them stays in the cache


def apply_penalty(W: Tensor, C: Tensor, drawn: DrawnPenalty, strength: float) -> float:
    """Move the rows of a penalty down its gradient by ``strength``, in place, and return R.

    A block of P pairs at learning rate lr minimises the sum over its pairs of (SGNS loss + λ · R).
    Its R part, −lr · P · λ · ∂R, is far longer than one stable step of gradient descent when P is
    large, so it is taken as what it stands for: a path down the gradient (dW/dτ = −∂R from τ = 0
    to ``strength``), walked in up to ``MAX_SUBSTEPS`` straight sub-steps.

    - No row moves by more than ``ROW_LIMIT`` of its norm in one sub-step: cosines have gradients
      that grow as 1/norm, and rows are short at first. The number of sub-steps is the least that
      keeps every row inside the limit, or the maximum; rows beyond it are shortened.
    - The path never climbs, but a straight step may overshoot: a row whose gradient has turned
      against its step is set back to where the gradient along the step vanishes (by the secant),
      and its limit shrinks with it, at least by half. This keeps any strength stable, also at the
      kinks of absolute values; it costs the one evaluation after the last sub-step.
    - A straight step lengthens a row it meets at a right angle, which the path does not: under
      cosines, whose gradients all are at right angles, norms would grow without bound. The length
      of a row therefore changes only by the part of its step that points along the row.

    To first order in the step this is plain gradient descent. The gradient is autograd's, so every
    penalty is served alike; one with a closed proximal step needs no case of its own.

    Args:
        W: Target embeddings, shape ``(V, d)``.
        C: Context embeddings, shape ``(V, d)``.
        drawn: The penalty, on the rows it needs.
        strength: lr · pairs · λ, at least 0.

    Returns:
        R(W, C) before the step.

    Raises:
        UserError: R or its gradient is NaN or infinite.
    """
    matrices = (W.detach(), C.detach())
    parts = [matrix[drawn.rows] for matrix in matrices]
    value, gradients = _evaluate(drawn, parts, range(len(parts)))
    walks = {
        i: _Walk.begin(part, gradient)
        for i, (part, gradient) in enumerate(zip(parts, gradients, strict=True))
        if gradient is not None
    }
    if not walks:  # constant where these rows are
        return value
    del gradients
    steps = max(walk.substeps(strength) for walk in walks.values())
    for _ in range(steps):
        _advance(drawn, parts, walks, strength / steps)
    for i, walk in walks.items():
        # added, not assigned: other threads may be training the same rows
        matrices[i].index_add_(0, drawn.rows, walk.moved())
    return value


def _advance(
    drawn: DrawnPenalty, parts: list[Tensor], walks: dict[int, _Walk], strength: float
) -> None:
    """Take one sub-step; ``parts``, rows of W and of C, are then where the walks are.

    What the penalty has been called with is not written over: it may remember it.
    """
    for i, walk in walks.items():
        parts[i] = walk.ahead(strength)
    _, gradients = _evaluate(drawn, parts, list(walks))
    for (i, walk), gradient in zip(walks.items(), gradients, strict=True):
        parts[i] = walk.arrive(parts[i], gradient, strength)


@dataclass
class _Walk:
    """The path of the rows of W, or of C; all tensors ``(n, d)``, unless said otherwise.

    With a large cover these are what a training takes most memory for, next to its matrices. So
    what lasts is kept once and written over, and what does not is made of some rows at a time.
    """

    start: Tensor
    rows: Tensor  # where they are; at first the same tensor
    gradient: Tensor  # there
    longest: Tensor  # (n, 1) that a row may move in one sub-step

    @classmethod
    def begin(cls, rows: Tensor, gradient: Tensor) -> _Walk:
        """Stand at the start of a path; the gradient, whose memory may be anybody's, is copied."""
        longest = ROW_LIMIT * _lengths(rows).clamp_min(ROW_FLOOR)
        return cls(rows, rows, gradient.clone(memory_format=torch.contiguous_format), longest)

    def substeps(self, strength: float) -> int:
        """Return the least number of equal sub-steps inside the row limit, at most the maximum."""
        lengths = strength * _lengths(self.gradient) / self.longest
        return max(1, math.ceil(min(float(lengths.max()), MAX_SUBSTEPS)))

    def ahead(self, strength: float) -> Tensor:
        """Return where a whole straight sub-step would lead."""
        whole = torch.empty_like(self.rows)
        for some in self._blocks():
            torch.add(self.rows[some], self._step(some, strength), out=whole[some])
        return whole

    def arrive(self, whole: Tensor, ahead: Tensor | None, strength: float) -> Tensor:
        """Go as far as each row may, and interpolate the gradient there, along rows and across.

        Args:
            whole: Where a whole sub-step leads.
            ahead: The gradient there; None counts as zero.
            strength: Of the sub-step.

        Returns:
            The rows there.
        """
        if self.rows is self.start:
            self.rows = self.start.clone()
        for some in self._blocks():
            rows, gradient = self.rows[some], self.gradient[some]
            there = torch.zeros_like(gradient) if ahead is None else ahead[some]
            step = self._step(some, strength)
            share = _share_before_turning(step, gradient, there)
            before, after = _dot(_unit(rows), gradient), _dot(_unit(whole[some]), there)
            along = before + share * (after - before)
            arrived = _along_path(rows, step.mul_(share))
            direction = _unit(arrived)
            gradient.copy_((there - gradient).mul_(share).add_(gradient))
            gradient.add_((along - _dot(gradient, direction)) * direction)
            rows.copy_(arrived)
            self.longest[some] *= torch.where(share < 1, share.clamp_max(0.5), 1.0)
        return self.rows

    def moved(self) -> Tensor:
        """Return how far the rows have come; written over theirs, the path is at its end."""
        return self.rows.sub_(self.start)

    def _step(self, some: slice, strength: float) -> Tensor:
        return _limited(self.gradient[some] * -strength, self.longest[some])

    def _blocks(self) -> list[slice]:
        n, d = self.rows.shape
        size = max(_BLOCK_FLOATS // max(d, 1), 1)
        return [slice(first, first + size) for first in range(0, n, size)]


def _evaluate(
    drawn: DrawnPenalty, parts: Sequence[Tensor], wanted: Sequence[int]
) -> tuple[float, list[Tensor | None]]:
    """Return R and its gradients by the wanted ones of (W, C); None: R does not depend on it."""
    leaves = [part.detach() for part in parts]
    for i in wanted:
        leaves[i].requires_grad_()
    with torch.enable_grad():
        R = drawn(*leaves)
    value = float(R.detach())
    gradients: list[Tensor | None] = [None] * len(wanted)
    if R.requires_grad:
        found = torch.autograd.grad(R, [leaves[i] for i in wanted], allow_unused=True)
        # a penalty's own backward may return a leaf, or what it is a view of
        gradients = [None if each is None else each.detach().contiguous() for each in found]
    if not (math.isfinite(value) and all(g is None or _finite(g) for g in gradients)):
        raise UserError(
            f"the penalty is {value} or its gradient is not finite",
            next_step="a penalty that is defined for zero rows, or a smaller --lr",
        )
    return value, gradients


def _finite(values: Tensor) -> bool:
    """Whether all values are numbers; their sum says it sooner, unless it overflows."""
    return math.isfinite(float(values.sum())) or bool(values.isfinite().all())


def _lengths(rows: Tensor) -> Tensor:
    return vector_norm(rows, dim=1, keepdim=True)


def _unit(rows: Tensor) -> Tensor:
    return rows / _lengths(rows).clamp_min(1e-12)


def _limited(step: Tensor, longest: Tensor) -> Tensor:
    return step.mul_((longest / _lengths(step).clamp_min(1e-30)).clamp_max(1.0))


def _along_path(position: Tensor, step: Tensor) -> Tensor:
    """Return ``position + step`` with squared row norms of |w|² + 2 w·step, without the |step|²."""
    moved = position + step
    squared = position.square().sum(dim=1, keepdim=True)
    wanted = squared + 2 * _dot(position, step)
    ratio = wanted / moved.square().sum(dim=1, keepdim=True).clamp_min(1e-30)
    return moved.mul_(torch.where(squared > ROW_FLOOR**2, ratio.sqrt(), 1.0))


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the dot product of each row with its like, ``(n, 1)``."""
    return (a * b).sum(dim=1, keepdim=True)


def _share_before_turning(step: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Return, for each row, the share of its step at which its gradient along the step is zero."""
    falling = -_dot(before, step)  # at least 0: steps go downhill
    rising = _dot(after, step)
    return torch.where(rising > 0, falling / (falling + rising).clamp_min(1e-30), 1.0)
