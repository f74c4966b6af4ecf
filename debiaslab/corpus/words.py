"""Arrays by word, which grow while nobody knows yet how many words there are."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def grown(array: NDArray[Number], size: int, fill: int) -> NDArray[Number]:
    """Return ``array`` with room for ``size`` numbers or more, doubling so that growth is cheap."""
    if size <= len(array):
        return array
    larger = np.full(max(size, 2 * len(array), 1024), fill, array.dtype)
    larger[: len(array)] = array
    return larger
