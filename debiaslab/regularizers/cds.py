"""Counterfactual data substitution: half of the documents are read with their gender swapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.coins import derived_key
from debiaslab.regularizers.pair_choice import PairChoice, check_pairs
from debiaslab.regularizers.preprocess import Preprocess, Rewriting
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.swapping import Swap

_PURPOSE = 0x636473  # "cds": keeps the coins apart from what else draws from the seed


@register("cds")
@dataclass(frozen=True)
class CounterfactualSubstitution(Preprocess):
    """Each document is read with its gender words swapped with probability 1/2.

    The coin of a document is tossed anew in every epoch, where the paper makes one text: over the
    epochs nearly every document is then read both ways, and a rare word of three documents is not
    left with the gender that their coins fell on. ``names`` also swaps first names, paired by
    frequency. ``pairs``: all gender pairs, report pairs too, as the papers do; or ``tune``.
    """

    probability: float = 0.5
    pairs: PairChoice = "all"
    names: bool = True

    citation = (
        "Hall Maudslay et al. 2019, It's All in the Name: Mitigating Gender Bias with Name-Based "
        "Counterfactual Data Substitution (EMNLP)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pairs(self.pairs)
        check_probability(self.probability)

    def bind(
        self, vocabulary: Sequence[str], counts: NDArray[np.int64], seed: int
    ) -> SwappedDocuments:
        """Look gender words up in a vocabulary.

        Raises:
            UserError: Nothing of the vocabulary has a counterpart.
        """
        swap = Swap.of(vocabulary, counts, pairs=self.pairs, names=self.names)
        return SwappedDocuments(swap, self.probability, seed)


def check_probability(probability: float) -> None:
    """Refuse what is no probability.

    Raises:
        UserError: It is not from 0 to 1.
    """
    if not 0 <= probability <= 1:
        raise UserError(
            f"the probability of a swap was {probability!r}",
            allowed="a number from 0 to 1",
            next_step="probability=0.5",
        )


class SwappedDocuments(Rewriting):
    """Swaps the gender words of each document with a probability.

    The coin depends on seed, epoch and the place of the document in the stream. A document that
    the reader cuts, because it is longer than two blocks, has a coin for each piece.
    """

    def __init__(self, swap: Swap, probability: float, seed: int) -> None:
        self.swap = swap
        self.pairs, self.pairs_missing = swap.pairs, swap.pairs_missing
        self._probability = probability
        self._seed = seed

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how often each word is expected in one pass, ``(V,)``."""
        p = self._probability
        return np.rint((1 - p) * counts + p * self.swap.counts(counts)).astype(np.int64)

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        """Swap some documents of a stretch, in its own memory."""
        key = derived_key(self._seed, _PURPOSE, epoch)
        self.swap.documents(ids, start, key, self._probability)
        return ids
