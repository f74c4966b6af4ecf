"""Words numbered as they are met, before anybody knows how frequent they are."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.tokens import DOCUMENT_END

END = 0  # the provisional id of a document's end

Number = TypeVar("Number", bound=np.generic)


class WordIds(dict[str, int]):
    """A dict that numbers an unknown word when it is looked up; ``words[i]`` is word ``i``."""

    def __init__(self) -> None:
        super().__init__({DOCUMENT_END: END})
        self.words = [DOCUMENT_END]

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self.words)
        self.words.append(word)
        return number


def grown(array: NDArray[Number], size: int, fill: int) -> NDArray[Number]:
    """Return ``array`` with room for ``size`` numbers or more, doubling so that growth is cheap."""
    if size <= len(array):
        return array
    larger = np.full(max(size, 2 * len(array), 1024), fill, array.dtype)
    larger[: len(array)] = array
    return larger
