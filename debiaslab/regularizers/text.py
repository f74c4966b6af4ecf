"""Pre-processing strategies: they change the id stream while training reads it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.registry import Stage, Strategy, register
from debiaslab.regularizers.swapping import Swap, derived_key
from debiaslab.regularizers.words import (
    OTHER_GENDERED,
    PairChoice,
    check_pairs,
    gender_terms,
    names_in,
    spellings,
    swap_pairs,
)


class Rewriting(ABC):
    """A pre-processing strategy bound to a vocabulary: what the trainer's reader calls.

    It is called from several threads at once and in no order: it must depend on its arguments
    alone, and draw what it draws from (seed, epoch, place), never from a state.
    """

    pairs: tuple[str, ...] = ()  # "he/she", … that it works with, found in the vocabulary
    pairs_missing: tuple[str, ...] = ()

    @abstractmethod
    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how often each word is expected in one pass of the rewritten stream, ``(V,)``."""

    @abstractmethod
    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        """Return what is trained on instead of ``ids``, which may be overwritten.

        The result may have another length. Each document ends with −1.

        Args:
            ids: A stretch of the stream, whole documents unless one is very long.
            start: Its place in the stream.
            epoch: Number of the pass, from 0.
        """


@dataclass(frozen=True)
class Preprocess(Strategy):
    """Something done to the text before its words are learnt from."""

    stage: ClassVar[Stage] = "pre"

    @abstractmethod
    def bind(self, vocabulary: Sequence[str], counts: NDArray[np.int64], seed: int) -> Rewriting:
        """Look the strategy's words up in a vocabulary.

        Args:
            vocabulary: Words by id.
            counts: Tokens of each, shape ``(V,)``.
            seed: Seed of everything that is drawn.

        Raises:
            UserError: The vocabulary lacks the words the strategy needs.
        """


_PURPOSE = 0x636473  # "cds": keeps the coins apart from what else draws from the seed


@register("cds")
@dataclass(frozen=True)
class CounterfactualSubstitution(Preprocess):
    """Each document is read with its gender words swapped with probability 1/2.

    The coin of a document is tossed again in every epoch, where the paper makes one text: over the
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
    """Raise a `UserError` unless a probability is from 0 to 1."""
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
    flags = np.where(np.append(False, moved), OTHER_GENDERED, 0).astype(np.uint8)
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
