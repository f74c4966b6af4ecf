"""The words of the compiled loops: arrays that grow, seen from Python."""

from __future__ import annotations

import numpy as np

from debiaslab.corpus import kernel
from debiaslab.corpus.words import grown


class WordTable:
    """Words numbered from 0 on; the loops of ``kernel`` add to ``arrays``."""

    def __init__(self) -> None:
        self.arrays = kernel.Words(
            places=np.zeros(2, np.uint64),
            starts=np.zeros(1, np.int64),
            letters=np.zeros(0, np.uint8),
            size=np.zeros(1, np.int64),
        )

    def __len__(self) -> int:
        return int(self.arrays.size[0])

    def between(self, first: int, end: int) -> list[str]:
        """Return the words from number ``first`` to before ``end``, also while others are added."""
        arrays = self.arrays
        begin, stop = arrays.starts[first], arrays.starts[end]
        return arrays.letters[begin:stop].tobytes().decode().split(" ")[:-1]

    def make_room(self, words: int, letters: int) -> None:
        """Make room for so many new words, whose UTF-8 has so many bytes in all."""
        arrays, most = self.arrays, len(self) + words
        arrays = arrays._replace(
            starts=grown(arrays.starts, most + 1, 0),
            letters=grown(arrays.letters, int(arrays.starts[len(self)]) + letters + words, 0),
        )
        if len(arrays.places) < 2 * most:
            places = np.full(1 << (2 * most - 1).bit_length(), 0, np.uint64)
            arrays = arrays._replace(places=places)
            kernel.refill(tuple(arrays))
        self.arrays = arrays
