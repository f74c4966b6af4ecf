"""The tables of a swap, filled from word pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from debiaslab.regularizers import swap_flags
from debiaslab.regularizers.swap_words import PRONOUNS, Pair, after_object, spellings

_BEFORE_HERS = ("of", "is", "was", "are", "were", "be", "been", "being")


class SwapTable:
    """Counterparts and flags of each word, while they are entered.

    Args:
        index: Id of each word.

    Attributes:
        flags: ``(V + 1,)``, of the document's end and then of each word.
        counterparts: ``(V, 2)``, of each word the usual one and the other one.
        gender: ``(V,)``, 1 male, −1 female, 0 neither.
    """

    def __init__(self, index: Mapping[str, int]) -> None:
        self._index = index
        self.flags: NDArray[np.uint8] = np.zeros(len(index) + 1, np.uint8)
        self.gender: NDArray[np.int8] = np.zeros(len(index), np.int8)
        ids = np.arange(len(index), dtype=np.int32)
        self.counterparts: NDArray[np.int32] = np.stack([ids, ids], axis=1)
        self.flags[0] = swap_flags.AFTER_OBJECT
        self._mark(after_object(), swap_flags.AFTER_OBJECT)
        self._mark(_BEFORE_HERS, swap_flags.BEFORE_HERS)

    def add(self, pair: Pair) -> bool:
        """Enter two words as each other's counterparts; tell whether both are in the vocabulary."""
        known = False
        for male, female in dict.fromkeys(spellings(*pair)):
            m, f = self._index.get(male), self._index.get(female)
            if m is not None and f is not None:
                self._put(m, 1, swap_flags.OTHER_GENDERED, f, f)
                self._put(f, -1, swap_flags.OTHER_GENDERED, m, m)
                known = True
        return known

    def add_pronouns(self) -> bool:
        """Enter *him, his, her, hers*; where one is missing the other of its gender is taken."""
        known = False
        for written in spellings(*PRONOUNS):
            him, his, her, hers = (self._index.get(word) for word in written)
            male, female = _first(his, him), _first(her, hers)
            if male is None or female is None:
                continue
            known = True
            if him is not None:
                self._put(him, 1, swap_flags.OTHER_GENDERED, female, female)
            if hers is not None:
                self._put(hers, -1, swap_flags.OTHER_GENDERED, male, male)
            if his is not None:
                self._put(his, 1, swap_flags.PRONOUN_HIS, female, female if hers is None else hers)
            if her is not None:
                self._put(her, -1, swap_flags.PRONOUN_HER, male, male if him is None else him)
        return known

    def _put(self, word: int, gender: int, flag: int, usual: int, other: int) -> None:
        self.flags[word + 1] |= flag
        self.gender[word] = gender
        self.counterparts[word] = usual, other

    def _mark(self, words: Iterable[str], flag: int) -> None:
        for word in words:
            for (written,) in dict.fromkeys(spellings(word)):
                if written in self._index:
                    self.flags[self._index[written] + 1] |= flag


def _first(*ids: int | None) -> int | None:
    return next((i for i in ids if i is not None), None)
