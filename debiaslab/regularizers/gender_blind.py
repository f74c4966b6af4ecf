"""The gender-blind control: a text without gender, to see what a metric shows on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.name_pairs import names_in
from debiaslab.regularizers.preprocess import Preprocess, Rewriting
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.swap_words import gender_terms, spellings, swap_pairs


@register("gender-blind")
@dataclass(frozen=True)
class GenderBlind(Preprocess):
    """Control: every gender word and first name is read as one and the same word.

    No strategy, but the floor to read the others against: what a metric shows where the text has no
    gender at all. The words that were merged are not trained (all but the most frequent one), so
    metrics that look at gender words themselves mean nothing here; the lipstick tests, which
    look at other words only, do.
    """

    control: ClassVar[bool] = True
    citation = "Control of this project (2026): gender words and first names merged before training"

    def bind(self, vocabulary: Sequence[str], counts: NDArray[np.int64], seed: int) -> MergedWords:
        """Look gender words and first names up in a vocabulary; the seed does not count.

        Raises:
            UserError: Fewer than two of them are in the vocabulary.
        """
        index = {word: i for i, word in enumerate(vocabulary)}
        terms = {each for word in gender_terms() for (each,) in spellings(word) if each in index}
        merged = sorted(index[word] for word in {*terms, *names_in(index)})
        if len(merged) < 2:
            raise UserError(
                f"{len(merged)} gender words and first names are in the vocabulary",
                allowed="a corpus with at least two, such as he and she",
                next_step="a smaller --min-count, or a larger corpus",
            )
        known = frozenset(vocabulary)
        pairs = [(pair, known.issuperset(pair)) for pair in swap_pairs()]
        return MergedWords(
            np.array(merged),
            counts,
            tuple("/".join(pair) for pair, found in pairs if found),
            tuple("/".join(pair) for pair, found in pairs if not found),
        )


class MergedWords(Rewriting):
    """Reads several words as the most frequent one of them.

    Args:
        words: Their ids.
        counts: Tokens of each word of the vocabulary, shape ``(V,)``.
        pairs: Gender pairs among them.
        missing: Gender pairs that the vocabulary lacks.
    """

    def __init__(
        self,
        words: NDArray[np.int64],
        counts: NDArray[np.int64],
        pairs: tuple[str, ...],
        missing: tuple[str, ...],
    ) -> None:
        self.words = words
        self.stand_in = int(words[np.argmax(counts[words])])
        self.pairs, self.pairs_missing = pairs, missing
        self._table = np.arange(len(counts), dtype=np.int32)
        self._table[words] = self.stand_in

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how often each word is read in one pass, ``(V,)``."""
        found = counts.copy()
        found[self.words] = 0
        found[self.stand_in] = counts[self.words].sum()
        return found

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        """Merge the words of a stretch, in its own memory."""
        from debiaslab.regularizers.swap_kernel import merge_words

        merge_words(ids, self._table)
        return ids
