"""The penalty's half of the joint loss, where an engine takes it once per block of many pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.sgns.engine import DrawnPenalty

ROW_LIMIT = 0.1  # share of its own norm that a row may move in one sub-step
ROW_FLOOR = 1e-3  # shorter rows may move as if they were this long
MAX_SUBSTEPS = 4


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
      against its step is set back to where the gradient along the step vanishes (by the secant).
      This keeps any strength stable; it costs the one evaluation after each sub-step.

    A step that needs neither is plain gradient descent. The gradient is autograd's, so every
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
    start = torch.stack([parts[i] for i in used])
    position, gradient = start, _stacked(gradients)
    steps = _substeps(position, gradient, strength)
    for _ in range(steps):
        step = _limited(position, gradient * (-strength / steps))
        for i, part in zip(used, position + step, strict=True):
            parts[i] = part
        ahead = _stacked(_evaluate(drawn, parts, used)[1])
        share = _share_before_turning(step, gradient, ahead)
        position = position + share * step
        gradient = gradient + share * (ahead - gradient)
    for i, moved in zip(used, position - start, strict=True):
        # added, not assigned: other threads may be training the same rows
        matrices[i].index_add_(0, drawn.rows, moved)
    return value


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
    if not (math.isfinite(value) and all(g is None or bool(g.isfinite().all()) for g in gradients)):
        raise UserError(
            f"the penalty is {value} or its gradient is not finite",
            next_step="a penalty that is defined for zero rows, or a smaller --lr",
        )
    return value, gradients


def _stacked(gradients: list[Tensor | None]) -> Tensor:
    """Return the gradients that exist, shape ``(1 or 2, n, d)``."""
    return torch.stack([gradient for gradient in gradients if gradient is not None])


def _longest(position: Tensor) -> Tensor:
    return ROW_LIMIT * position.norm(dim=2, keepdim=True).clamp_min(ROW_FLOOR)


def _substeps(position: Tensor, gradient: Tensor, strength: float) -> int:
    """Return the least number of equal sub-steps inside the row limit, at most the maximum."""
    lengths = strength * gradient.norm(dim=2, keepdim=True) / _longest(position)
    return max(1, math.ceil(min(float(lengths.max()), MAX_SUBSTEPS)))


def _limited(position: Tensor, step: Tensor) -> Tensor:
    length = step.norm(dim=2, keepdim=True)
    return step * (_longest(position) / length.clamp_min(1e-30)).clamp_max(1.0)


def _share_before_turning(step: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Return, for each row, the share of its step at which its gradient along the step is zero."""
    falling = -(before * step).sum(dim=2, keepdim=True)  # at least 0: steps go downhill
    rising = (after * step).sum(dim=2, keepdim=True)
    return torch.where(rising > 0, falling / (falling + rising).clamp_min(1e-30), 1.0)
