"""The control of text strategies: the same words of the same documents change, and no gender."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers import swap_flags
from debiaslab.regularizers.cda import SwappedCopies
from debiaslab.regularizers.cds import SwappedDocuments, check_probability
from debiaslab.regularizers.pair_choice import PairChoice, check_pairs
from debiaslab.regularizers.preprocess import Preprocess, Rewriting
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.swapping import Swap


@register("same-gender-swap")
@dataclass(frozen=True)
class SameGenderSwap(Preprocess):
    """Control: as ``cds``, but each word is swapped with one of its own gender.

    The words that ``cds`` swaps are swapped in the documents in which it does, by the coins of the
    same seed, but within a gender: *he* and *his*, as the two most frequent words of men, become
    each other, so do the next two, and likewise words of women and the first names of either. An
    odd one stays. The text loses as much, and who is a man or a woman remains. With ``copies`` each
    document is read twice, as it is and swapped, as ``cda`` reads it (whose ``names`` is false).
    """

    probability: float = 0.5
    pairs: PairChoice = "all"
    names: bool = True
    copies: bool = False

    control: ClassVar[bool] = True
    citation = "control, no method: the words that 'cds' or 'cda' swaps, swapped within a gender"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pairs(self.pairs)
        check_probability(self.probability)

    def bind(self, vocabulary: Sequence[str], counts: NDArray[np.int64], seed: int) -> Rewriting:
        """Look gender words up in a vocabulary.

        Raises:
            UserError: No gender has two words in it.
        """
        both = Swap.of(vocabulary, counts, pairs=self.pairs, names=self.names)
        swap = within_gender(both, vocabulary, counts)
        return (
            SwappedCopies(swap) if self.copies else SwappedDocuments(swap, self.probability, seed)
        )


def within_gender(swap: Swap, vocabulary: Sequence[str], counts: NDArray[np.int64]) -> Swap:
    """Return a swap in which each word's counterpart has its gender and nearly its frequency.

    Raises:
        UserError: No gender has two words.
    """
    ids = np.arange(len(vocabulary), dtype=np.int32)
    counterparts = np.stack([ids, ids], axis=1)
    for first, second in _neighbours(swap, vocabulary, counts):
        counterparts[first], counterparts[second] = second, first
    moved = counterparts[:, 0] != ids
    if not moved.any():
        raise UserError(
            "no gender has two words in the vocabulary that could be swapped",
            allowed="a corpus with at least two, such as he and his",
            next_step="a smaller --min-count, or a larger corpus",
        )
    flags = np.where(np.append(False, moved), swap_flags.OTHER_GENDERED, 0).astype(np.uint8)
    gender = np.where(moved, swap.gender, 0).astype(np.int8)
    return replace(swap, flags=flags, counterparts=counterparts, gender=gender)


def _neighbours(
    swap: Swap, vocabulary: Sequence[str], counts: NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    """Yield the two most frequent words of a gender, the next two, …; names among themselves."""
    names = {name for pair in swap.name_pairs for name in pair.split("/")}
    named = np.array([word in names for word in vocabulary])
    for gender in (1, -1):
        for kind in (named, ~named):
            ids = np.flatnonzero((swap.gender == gender) & kind)
            ids = ids[np.argsort(-counts[ids], kind="stable")]
            yield from zip(ids[0::2].tolist(), ids[1::2].tolist(), strict=False)
