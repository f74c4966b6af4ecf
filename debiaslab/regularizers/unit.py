"""Rows of length 1, inside autograd."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.linalg import vector_norm

_SHORTEST = 1e-12  # shorter rows are divided by this, as torch does it
_BLOCK_FLOATS = 1 << 17  # whose gradient is made at a time: what that takes stays in the cache


def unit_rows(rows: Tensor) -> Tensor:
    """Return rows ``(n, d)`` scaled to length 1; a zero row stays zero.

    The same numbers as ``torch.nn.functional.normalize(rows, dim=1)``, and the same gradients. But
    autograd makes five matrices on its way to them, which with a large cover are most of what a
    penalty takes; this makes one.
    """
    return cast(Tensor, _UnitRows.apply(rows))


class _UnitRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        lengths = vector_norm(rows, dim=1, keepdim=True)
        ctx.save_for_backward(rows, lengths)
        return rows / lengths.clamp_min(_SHORTEST)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rows, lengths = ctx.saved_tensors
        result = torch.empty_like(rows)
        size = max(_BLOCK_FLOATS // max(rows.shape[1], 1), 1)
        for first in range(0, len(rows), size):
            some = slice(first, first + size)
            result[some] = _gradient(rows[some], lengths[some], gradient[some])
        return result


def _gradient(rows: Tensor, lengths: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient by ``w`` of ``w / |w|``: that of the division, and through ``|w|``."""
    divisor = lengths.clamp_min(_SHORTEST)
    by_divisor = (-gradient * ((rows / divisor) / divisor)).sum(dim=1, keepdim=True)
    by_length = by_divisor * (lengths >= _SHORTEST)
    along = (rows / lengths).masked_fill_(lengths == 0, 0)
    return gradient / divisor + by_length * along
