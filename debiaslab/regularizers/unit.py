"""Rows of length 1, inside autograd."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
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
        ctx.save_for_backward(rows)
        return rows / _lengths(rows).clamp_min(_SHORTEST)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        result = torch.empty_like(rows)
        size = max(_BLOCK_FLOATS // max(rows.shape[1], 1), 1)
        for first in range(0, len(rows), size):
            some = slice(first, first + size)
            result[some] = _gradient(rows[some], gradient[some])
        return result


def _lengths(rows: Tensor) -> Tensor:
    return vector_norm(rows, dim=1, keepdim=True)


def _gradient(rows: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient by ``w`` of ``w / |w|``: that of the division, and through ``|w|``."""
    lengths = _lengths(rows)
    divisor = lengths.clamp_min(_SHORTEST)
    by_divisor = (-gradient * ((rows / divisor) / divisor)).sum(dim=1, keepdim=True)
    by_length = by_divisor.masked_fill(lengths < _SHORTEST, 0)
    along = (rows / lengths).masked_fill(lengths == 0, 0)
    return gradient / divisor + by_length * along
