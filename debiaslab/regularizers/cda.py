"""Counterfactual data augmentation: every document is read as it is and with its gender swapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from debiaslab.regularizers.pair_choice import PairChoice, check_pairs
from debiaslab.regularizers.preprocess import Preprocess, Rewriting
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.swapping import Swap


@register("cda")
@dataclass(frozen=True)
class CounterfactualAugmentation(Preprocess):
    """Each document is read twice, as it is and with its gender words swapped.

    An epoch trains on twice the text, documents without a gender word too, and takes twice as
    long. ``names`` also swaps first names, paired by frequency as in CDS. ``pairs``: all gender
    pairs, report pairs too, as the papers do; or ``tune``.
    """

    pairs: PairChoice = "all"
    names: bool = False

    citation = (
        "Lu et al. 2018, Gender Bias in Neural Natural Language Processing (arXiv:1807.11714); "
        "Zhao et al. 2018, Gender Bias in Coreference Resolution (NAACL)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pairs(self.pairs)

    def bind(
        self, vocabulary: Sequence[str], counts: NDArray[np.int64], seed: int
    ) -> SwappedCopies:
        """Look gender words up in a vocabulary; nothing is drawn, so the seed does not count.

        Raises:
            UserError: Nothing of the vocabulary has a counterpart.
        """
        return SwappedCopies(Swap.of(vocabulary, counts, pairs=self.pairs, names=self.names))


class SwappedCopies(Rewriting):
    """Puts a swapped copy behind each stretch."""

    def __init__(self, swap: Swap) -> None:
        self.swap = swap
        self.pairs, self.pairs_missing = swap.pairs, swap.pairs_missing

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how often each word is expected in one pass, ``(V,)``."""
        return np.rint(counts + self.swap.counts(counts)).astype(np.int64)

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        """Return a stretch and its swapped copy, with a document's end between them."""
        n = len(ids)
        apart = int(n > 0 and ids[-1] >= 0)  # the stretch is a piece of a very long document
        both = np.empty(2 * n + apart, dtype=np.int32)
        both[:n] = both[n + apart :] = ids
        both[n : n + apart] = -1
        self.swap.documents(both[n + apart :], start, key=0, probability=1.0)
        return both
