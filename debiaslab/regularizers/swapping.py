"""Swapping the gender of words in an id stream, with the grammar of *him, his, her, hers*.

*he ↔ she*, *father ↔ mother* and the like have one counterpart each. Of the pronouns *him* becomes
*her* and *hers* becomes *his*, whatever is around them, but

- *her* becomes *him* before a word that follows an object ("told her that", "with her in") or at
  the end of a document, else *his*;
- *his* becomes *hers* before such a word if *of* or a form of *be* is before it ("a friend of his
  who"), else *her*.

The words that follow an object are a list: no tagger could keep up with training. Measured on
25,106 biographies that the list was not made from, by *him* and *his* themselves: 99.4 % of 168,455
*his* and 81.9 % of 24,078 *him* are told right, 97.2 % of both; of 60 sentences written for the
test, 33 of them with *him*, 53. Wrong are names and nouns after an object: "made her president".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.words import (
    AFTER_OBJECT,
    BEFORE_HERS,
    OTHER_GENDERED,
    PRONOUN_HER,
    PRONOUN_HIS,
    PRONOUNS,
    Pair,
    PairChoice,
    after_object,
    match_names,
    pronouns_chosen,
    spellings,
    swap_pairs,
)


@dataclass(frozen=True, eq=False)
class Swap:
    """Which words of a vocabulary have a counterpart of the other gender, and which."""

    flags: NDArray[np.uint8]  # (V + 1,) bits of `words`: of the document's end, of each word
    counterparts: NDArray[np.int32]  # (V, 2) the usual one; *him* for *her*, *hers* for *his*
    gender: NDArray[np.int8]  # (V,) 1 male, −1 female, 0 without a counterpart
    pairs: tuple[str, ...]  # "he/she", … found in the vocabulary
    pairs_missing: tuple[str, ...]
    name_pairs: tuple[str, ...]

    @classmethod
    def of(
        cls,
        vocabulary: Sequence[str],
        counts: NDArray[np.int64],
        *,
        pairs: PairChoice = "all",
        names: bool = False,
    ) -> Swap:
        """Look gender words up in a vocabulary.

        Args:
            vocabulary: Words by id.
            counts: Tokens of each, shape ``(V,)``.
            pairs: Which gender pairs: all, or only those without a report word.
            names: Whether first names have counterparts too.

        Raises:
            UserError: Nothing of the vocabulary has a counterpart.
        """
        index = {word: i for i, word in enumerate(vocabulary)}
        table = SwapTable(index)
        known = {"/".join(pair): table.add(pair) for pair in swap_pairs(pairs)}
        if pronouns_chosen(pairs):
            known["his/her"] = table.add_pronouns()
        matched = match_names(index, counts) if names else []
        for pair in matched:
            table.add(pair)
        if not table.gender.any():
            raise UserError(
                f"none of the {len(known)} gender pairs is in the vocabulary",
                allowed="a corpus with both words of at least one, such as he/she",
                next_step="a smaller --min-count, or a larger corpus",
            )
        return cls(
            flags=table.flags,
            counterparts=table.counterparts,
            gender=table.gender,
            pairs=tuple(pair for pair, found in known.items() if found),
            pairs_missing=tuple(pair for pair, found in known.items() if not found),
            name_pairs=tuple("/".join(pair) for pair in matched),
        )

    def documents(self, ids: NDArray[np.int32], start: int, key: int, probability: float) -> None:
        """Swap each document of a stretch with a probability, in its own memory.

        Args:
            ids: The stretch.
            start: Its place in the stream: a document's coin depends on its own place and the key.
            key: 64 bits.
            probability: From 0, none, to 1, all.
        """
        from debiaslab.regularizers.swap_kernel import swap_documents

        threshold = np.uint64(round(probability * 2**53))
        with np.errstate(over="ignore"):  # hashes wrap, which only uncompiled numbers warn about
            swap_documents(ids, start, np.uint64(key), threshold, self.flags, self.counterparts)

    def at(self, ids: NDArray[np.int32], places: NDArray[np.int64]) -> None:
        """Swap the words at these places, all with a counterpart, in the memory of ``ids``."""
        from debiaslab.regularizers.swap_kernel import swap_places

        swap_places(ids, places, self.flags, self.counterparts)

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how often each word is expected when all of a text is swapped, ``(V,)``.

        How often *her* stands for *him* is taken from how men are written about:
        him / (him + his); likewise for *his* and *hers*.
        """
        expected = np.zeros(len(counts))
        share = self._share_of_other(counts)
        np.add.at(expected, self.counterparts[:, 0], counts * (1 - share))
        np.add.at(expected, self.counterparts[:, 1], counts * share)
        return expected

    def _share_of_other(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of tokens of each word that become its other counterpart, ``(V,)``."""
        share = np.zeros(len(counts))
        for her in np.flatnonzero(self.flags[1:] & PRONOUN_HER):
            his, him = self.counterparts[her]
            share[her] = counts[him] / max(counts[him] + counts[his], 1)
        for his in np.flatnonzero(self.flags[1:] & PRONOUN_HIS):
            her, hers = self.counterparts[his]
            possessive = counts[her] * (1 - share[her])
            share[his] = counts[hers] / max(counts[hers] + possessive, 1)
        return share


# SplitMix64 stands here for arrays, in swap_kernel for compiled code and in sgns.kernel, which this
# room may not import. Compiled code has its own: numba's cache misses changes in other files.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_WORD = 0xFFFFFFFFFFFFFFFF
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def hashed_bits(key: int, counters: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return 64 random bits for each counter (SplitMix64: Steele, Lea and Flood 2014)."""
    x = np.uint64(key) + counters.astype(np.uint64) * _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


def hashed_random(key: int, counters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each counter, in steps of 2⁻⁵³."""
    return (hashed_bits(key, counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def derived_key(*parts: int) -> int:
    """Return 64 bits from seed, purpose, epoch and the like; their order counts."""
    key = 0
    for part in parts:
        x = (key + (part + 1) * int(_GOLDEN)) & _WORD
        x = ((x ^ (x >> 30)) * int(_FIRST)) & _WORD
        x = ((x ^ (x >> 27)) * int(_SECOND)) & _WORD
        key = x ^ (x >> 31)
    return key


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
        self.flags[0] = AFTER_OBJECT
        self._mark(after_object(), AFTER_OBJECT)
        self._mark(_BEFORE_HERS, BEFORE_HERS)

    def add(self, pair: Pair) -> bool:
        """Enter two words as each other's counterparts; tell whether both are in the vocabulary."""
        known = False
        for male, female in dict.fromkeys(spellings(*pair)):
            m, f = self._index.get(male), self._index.get(female)
            if m is not None and f is not None:
                self._put(m, 1, OTHER_GENDERED, f, f)
                self._put(f, -1, OTHER_GENDERED, m, m)
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
                self._put(him, 1, OTHER_GENDERED, female, female)
            if hers is not None:
                self._put(hers, -1, OTHER_GENDERED, male, male)
            if his is not None:
                self._put(his, 1, PRONOUN_HIS, female, female if hers is None else hers)
            if her is not None:
                self._put(her, -1, PRONOUN_HER, male, male if him is None else him)
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
