"""Walker's alias method: a draw from any distribution in constant time (Vose 1991)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FULL = 2**32


def alias_table(probabilities: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Build the table a draw looks into.

    A draw takes a word w uniformly, and keeps it if a uniform 32-bit number is below
    ``table[w, 0]``; otherwise the draw is the word ``table[w, 1]``. A word of probability 0 is
    never drawn; a full cell is its own alternative.

    Args:
        probabilities: Shape ``(V,)``, summing to 1.

    Returns:
        Shape ``(V, 2)``; the distribution is exact up to the 32 bits of each threshold.
    """
    share = probabilities * (len(probabilities) / probabilities.sum())  # 1 = a full cell
    cells = share.tolist()
    other = list(range(len(cells)))
    small = np.flatnonzero(share < 1).tolist()
    large = np.flatnonzero(share >= 1).tolist()
    while small and large:
        low, high = small.pop(), large[-1]
        other[low] = high
        cells[high] -= 1 - cells[low]
        if cells[high] < 1:
            small.append(large.pop())
    for left in small + large:  # full but for rounding
        cells[left] = 1.0
    table = np.empty((len(cells), 2), dtype=np.uint32)
    table[:, 0] = np.clip(np.array(cells) * _FULL, 0, _FULL - 1)
    table[:, 1] = other
    return table
