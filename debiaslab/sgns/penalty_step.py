"""The penalty's half of the joint loss, where an engine takes it once per block of many pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.linalg import vector_norm  # Tensor.norm and F.normalize spend as long again in Python

from debiaslab.errors import UserError
from debiaslab.sgns.engine import DrawnPenalty

ROW_LIMIT = 0.1  # share of its norm at the start that a row may move in one sub-step
ROW_FLOOR = 1e-3  # shorter rows may move as if they were this long
MAX_SUBSTEPS = 6


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
    used = [i for i, gradient in enumerate(gradients) if gradient is not None]
    if not used:  # constant where these rows are
        return value
    start = _put(parts, used, torch.stack([parts[i] for i in used]))
    here = _Place(start, _stacked([gradients[i] for i in used], start), _unit(start))
    del gradients
    longest = ROW_LIMIT * _lengths(start).clamp_min(ROW_FLOOR)
    steps = _substeps(here.gradient, strength, longest)
    for _ in range(steps):
        here, share = _substep(drawn, parts, used, here, strength / steps, longest)
        longest = longest * torch.where(share < 1, share.clamp_max(0.5), 1.0)
    for i, moved in zip(used, here.rows - start, strict=True):
        # added, not assigned: other threads may be training the same rows
        matrices[i].index_add_(0, drawn.rows, moved)
    return value


class _Place(NamedTuple):
    """A point of the path; every tensor ``(1 or 2, n, d)``: of W, of C, or of both."""

    rows: Tensor
    gradient: Tensor
    direction: Tensor  # the rows, of length 1


def _substep(
    drawn: DrawnPenalty,
    parts: list[Tensor],
    used: Sequence[int],
    here: _Place,
    strength: float,
    longest: Tensor,
) -> tuple[_Place, Tensor]:
    """Return where a straight sub-step leads, and the share of it that each row was let go.

    The gradient there is interpolated between the two ends of the step, along rows and across them
    separately. Tensors are written over, or let go of, as soon as they can be: with a large cover
    they are what a training takes most memory for, next to its matrices.
    """
    step = _limited(here.gradient * -strength, longest)
    whole = _put(parts, used, here.rows + step)
    ahead = _stacked(_evaluate(drawn, parts, used)[1], whole)
    share = _share_before_turning(step, here.gradient, ahead)
    before, after = _dot(here.direction, here.gradient), _dot(_unit(whole), ahead)
    along = before + share * (after - before)
    gradient = ahead.sub_(here.gradient).mul_(share).add_(here.gradient)
    del whole
    rows = _put(parts, used, _along_path(here.rows, step.mul_(share)))
    direction = _unit(rows)
    gradient.add_((along - _dot(gradient, direction)) * direction)
    return _Place(rows, gradient, direction), share


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
        gradients = list(torch.autograd.grad(R, [leaves[i] for i in wanted], allow_unused=True))
    if not (math.isfinite(value) and all(g is None or _finite(g) for g in gradients)):
        raise UserError(
            f"the penalty is {value} or its gradient is not finite",
            next_step="a penalty that is defined for zero rows, or a smaller --lr",
        )
    return value, gradients


def _put(parts: list[Tensor], used: Sequence[int], rows: Tensor) -> Tensor:
    """Put rows, ``(1 or 2, n, d)``, in the place of those of W and C that are used; return them."""
    for i, part in zip(used, rows, strict=True):
        parts[i] = part
    return rows


def _finite(values: Tensor) -> bool:
    """Whether all values are numbers; their sum says it sooner, unless it overflows."""
    return math.isfinite(float(values.sum())) or bool(values.isfinite().all())


def _lengths(rows: Tensor) -> Tensor:
    return vector_norm(rows, dim=2, keepdim=True)


def _unit(rows: Tensor) -> Tensor:
    return rows / _lengths(rows).clamp_min(1e-12)


def _stacked(gradients: Sequence[Tensor | None], rows: Tensor) -> Tensor:
    """Return the gradients at rows of shape ``(1 or 2, n, d)``; None counts as zero."""
    zero = torch.zeros_like(rows[0])
    return torch.stack([zero if gradient is None else gradient for gradient in gradients])


def _substeps(gradient: Tensor, strength: float, longest: Tensor) -> int:
    """Return the least number of equal sub-steps inside the row limit, at most the maximum."""
    lengths = strength * _lengths(gradient) / longest
    return max(1, math.ceil(min(float(lengths.max()), MAX_SUBSTEPS)))


def _limited(step: Tensor, longest: Tensor) -> Tensor:
    return step.mul_((longest / _lengths(step).clamp_min(1e-30)).clamp_max(1.0))


def _along_path(position: Tensor, step: Tensor) -> Tensor:
    """Return ``position + step`` with squared row norms of |w|² + 2 w·step, without the |step|²."""
    moved = position + step
    squared = position.square().sum(dim=2, keepdim=True)
    wanted = squared + 2 * _dot(position, step)
    ratio = wanted / moved.square().sum(dim=2, keepdim=True).clamp_min(1e-30)
    return moved.mul_(torch.where(squared > ROW_FLOOR**2, ratio.sqrt(), 1.0))


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the dot product of each row with its like, ``(1 or 2, n, 1)``."""
    return (a * b).sum(dim=2, keepdim=True)


def _share_before_turning(step: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Return, for each row, the share of its step at which its gradient along the step is zero."""
    falling = -_dot(before, step)  # at least 0: steps go downhill
    rising = _dot(after, step)
    return torch.where(rising > 0, falling / (falling + rising).clamp_min(1e-30), 1.0)
