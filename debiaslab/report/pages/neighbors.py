"""The nearest neighbours of the most frequent words, before and after, packed for a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from debiaslab.vectors.embeddings import Embeddings

SEARCHED = 5_000  # words that have an entry
CANDIDATES = 20_000  # words that can be a neighbour; their numbers fit in 16 bits
SHOWN = 8  # neighbours of a word
EXAMPLES = ("nurse", "doctor", "engineer", "teacher", "family", "science", "art", "university")
_BLOCK = 512


@dataclass(frozen=True)
class NeighborIndex:
    """Neighbours by cosine, in two sets of vectors with the same words.

    Attributes:
        words: The candidates, by falling frequency; the first ``len(before)`` have an entry.
        before: Numbers of the neighbours in ``words``, nearest first, shape ``(searched, n)``.
        before_cosines: Their cosines.
        after: The same, after.
        after_cosines: The same, after.
    """

    words: tuple[str, ...]
    before: NDArray[np.uint16]
    before_cosines: NDArray[np.float32]
    after: NDArray[np.uint16]
    after_cosines: NDArray[np.float32]

    @property
    def searched(self) -> int:
        """How many words have an entry."""
        return len(self.before)

    @property
    def shown(self) -> int:
        """How many neighbours an entry has."""
        return int(self.before.shape[1])

    def of(self, word: str) -> tuple[list[tuple[str, float]], list[tuple[str, float]]] | None:
        """Return the neighbours of a word before and after; None when it has no entry."""
        if word not in self.words[: self.searched]:
            return None
        row = self.words.index(word)
        before = zip(self.before[row], self.before_cosines[row], strict=True)
        after = zip(self.after[row], self.after_cosines[row], strict=True)
        return (
            [(self.words[int(i)], float(c)) for i, c in before],
            [(self.words[int(i)], float(c)) for i, c in after],
        )

    def examples(self) -> list[str]:
        """Return words that a page shows without being asked, or the most frequent ones."""
        known = set(self.words[: self.searched])
        found = [word for word in EXAMPLES if word in known]
        return found or list(self.words[: min(4, self.searched)])

    def packed(self) -> dict[str, object]:
        """Return it as JSON values: numbers as base64 of little-endian 16 and of 8 bits."""
        return {
            "words": list(self.words),
            "searched": self.searched,
            "shown": self.shown,
            "before": _base64(self.before.astype("<u2")),
            "after": _base64(self.after.astype("<u2")),
            "beforeCosines": _base64(_byte(self.before_cosines)),
            "afterCosines": _base64(_byte(self.after_cosines)),
        }


def neighbor_index(before: Embeddings, after: Embeddings) -> NeighborIndex | None:
    """Return the neighbours of the first 5,000 words that both have, among their first 20,000.

    Two words are the least that have neighbours; None when there are fewer.
    """
    words = [word for word in before.words if word in after.index][:CANDIDATES]
    if len(words) < 2:
        return None
    near = [_nearest(vectors, words) for vectors in (before, after)]
    return NeighborIndex(tuple(words), *near[0], *near[1])


def _nearest(
    vectors: Embeddings, words: list[str]
) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    unit = vectors.rows(words)
    searched, n = min(SEARCHED, len(words)), min(SHOWN, len(words) - 1)
    numbers = np.empty((searched, n), dtype=np.uint16)
    cosines = np.empty((searched, n), dtype=np.float32)
    for start in range(0, searched, _BLOCK):
        stop = min(start + _BLOCK, searched)
        block = unit[start:stop] @ unit.T
        block[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        top = np.argpartition(-block, n - 1, axis=1)[:, :n]
        values = np.take_along_axis(block, top, axis=1)
        order = np.lexsort((top, -values), axis=1)
        numbers[start:stop] = np.take_along_axis(top, order, axis=1)
        cosines[start:stop] = np.take_along_axis(values, order, axis=1)
    return numbers, cosines


def _byte(cosines: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round cosines in [−1, 1] to 201 steps of a hundredth: what the page shows."""
    steps = np.rint((np.clip(cosines, -1, 1) + 1) * 100)
    return steps.astype(np.uint8)


def _base64(array: NDArray[np.generic]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
