"""The penalty's half of the joint loss, where an engine takes it once per block of many pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.sgns.engine import DrawnPenalty

ROW_LIMIT = 0.1  # share of its length that a row may move in its first step
ROW_FLOOR = 1e-3  # shorter rows may move as if they were this long
ROW_MOST = 0.6  # share of its length that a trial step may move a row at most


class Reach:
    """How far each row of W and of C may move in its next step, as a share of its length.

    A row that has come to rest moves as far as training has moved it since: what it moved last
    says what it will need, for each row by itself.

    Args:
        rows: V, number of words.
    """

    def __init__(self, rows: int) -> None:
        self.limits = tuple(np.full(rows, ROW_LIMIT, np.float32) for _ in range(2))

    def state(self) -> dict[str, NDArray]:
        """Return the limits, for a checkpoint; none where no penalty is active."""
        return {} if not len(self.limits[0]) else dict(zip("WC", self.limits, strict=True))

    def restore(self, state: dict[str, NDArray]) -> None:
        """Go on from what ``state`` returned."""
        if state:
            self.limits = (state["W"], state["C"])


def apply_penalty(
    W: Tensor, C: Tensor, drawn: DrawnPenalty, strength: float, reach: Reach | None = None
) -> float:
    """Move the rows of a penalty down its gradient by ``strength``, in place, and return R.

    A block of P pairs at learning rate lr minimises the sum over its pairs of (SGNS loss + λ · R).
    Its R part, −lr · P · λ · ∂R, is far longer than one stable step of gradient descent when P is
    large. So each row takes a trial step, R is evaluated once more there, and the row goes on or
    back to where its gradient along the step vanishes (by the secant), but never beyond
    ``strength``.

    - A row turns by the part of its step at a right angle to it, and changes its length by the
      part along it alone. Cosines have gradients at right angles: straight steps would lengthen
      rows without end. The secant is taken of the angle, in which cosines are nearly linear.
    - The trial moves a row by at most its ``reach``, in shares of its length: cosines have
      gradients that grow as 1/norm, and a secant is good only as near as it has looked. What the
      row then moves sets its next reach: twice as much, or one and a half times where the gradient
      had turned. At the kink of an absolute value, where every trial turns, steps so become
      shorter; and rows that training moves far may follow (trust regions: Conn, Gould & Toint
      2000; limits of each weight from the sign of its gradient: Riedmiller & Braun 1993, Rprop).

    To first order in the step this is plain gradient descent. The gradient is autograd's, so every
    penalty is served alike; one with a closed proximal step needs no case of its own.

    Args:
        W: Target embeddings, shape ``(V, d)``, each row's numbers next to each other.
        C: Context embeddings, shape ``(V, d)``, alike.
        drawn: The penalty, on the rows it needs.
        strength: lr · pairs · λ, at least 0.
        reach: Of each row; written over. None: as at the start of a training.

    Returns:
        R(W, C) before the step.

    Raises:
        UserError: R or its gradient is NaN or infinite.
    """
    from debiaslab.sgns.kernel import arrive, try_step

    matrices = (W.detach(), C.detach())
    limits = (Reach(len(W)) if reach is None else reach).limits
    parts = [matrix.index_select(0, drawn.rows) for matrix in matrices]
    value, gradients = _evaluate(drawn, parts, range(len(parts)))
    moving = {i: gradient for i, gradient in enumerate(gradients) if gradient is not None}
    if not moving or strength <= 0:  # constant where these rows are
        return value
    ids, there = drawn.rows.numpy(), list(parts)
    floor, most = ROW_FLOOR, ROW_MOST
    for i, gradient in moving.items():
        there[i] = torch.empty_like(parts[i])  # a penalty may remember what it was called with
        rows = parts[i].numpy(), gradient.numpy(), ids, limits[i]
        try_step(*rows, strength, floor, there[i].numpy())
    _, after = _evaluate(drawn, there, list(moving))
    for (i, gradient), found in zip(moving.items(), after, strict=True):
        seen = torch.zeros_like(gradient) if found is None else found
        rows = parts[i].numpy(), gradient.numpy(), ids, limits[i]
        arrive(*rows, strength, floor, most, seen.numpy(), _whole_rows(matrices[i]))
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
        found = torch.autograd.grad(R, [leaves[i] for i in wanted], allow_unused=True)
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


def _whole_rows(matrix: Tensor) -> NDArray[np.floating]:
    """Return a matrix's memory with the padding of its rows, which compiled code reads faster."""
    stride = matrix.stride(0)
    whole: NDArray[np.floating] = matrix.as_strided((len(matrix), stride), (stride, 1)).numpy()
    return whole
