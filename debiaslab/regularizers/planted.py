"""The planted-bias control: a text in which chosen words have the gender one wants.

A metric that measures association must follow the dose, and be at its null where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, require_known
from debiaslab.regularizers.swapping import Swap, derived_key, hashed_random
from debiaslab.regularizers.text import Rewriting

Base = Literal["corpus", "balanced"]
_PURPOSE = 0x706C616E  # "plan": keeps its draws apart from what else draws from the seed
_PIECE = 1_000_000  # ids counted at once


class IdStream(Protocol):
    """Ids in order: an array, or shards of it."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, place: slice, /) -> NDArray[np.int32]:
        """Return some of them."""
        ...


class Text(Protocol):
    """What is read of a corpus: words and counts by id, and ids with −1 after each document."""

    @property
    def words(self) -> Sequence[str]:
        """Words by id."""
        ...

    @property
    def counts(self) -> NDArray[np.int64]:
        """Tokens of each, ``(V,)``."""
        ...

    @property
    def ids(self) -> IdStream:
        """The stream."""
        ...


@dataclass(frozen=True)
class Planted:
    """Gender words near chosen words are turned to one gender.

    Near: at most ``window`` words away in the same document, counted before subsampling, which
    lets the windows of training reach further; gender words elsewhere stay. Words are turned one
    by one, each by its own coin.

    - ``base="corpus"``: with probability |dose| a gender word becomes male (dose > 0) or female
      (dose < 0). 0 leaves the text as it is; 1 leaves only male words near the chosen ones.
    - ``base="balanced"``: a gender word becomes male with probability (1 + dose) / 2, else
      female. 0 removes the association that the text had.

    A second set of words may have a dose of its own; gender words near both sets stay.
    With words to be ``like``, gender words near both, or near one of these and no chosen word, get
    ``like_dose``: a chosen word with that dose is then one of them.

    Attributes:
        words: The chosen words; those that the text lacks are left out.
        dose: From −1 (female) to 1 (male).
        base: What dose 0 means.
        window: k, in words on each side.
        others: The second set.
        others_dose: Its dose.
        like: Words that are not chosen and not left alone either.
        like_dose: Their dose.

    Raises:
        UserError: The dose, the base or the window cannot be used.
    """

    words: tuple[str, ...]
    dose: float
    base: Base = "corpus"
    window: int = 5
    others: tuple[str, ...] = ()
    others_dose: float = 0.0
    like: tuple[str, ...] = ()
    like_dose: float = 0.0

    def __post_init__(self) -> None:
        for dose in (self.dose, self.others_dose, self.like_dose):
            if not (math.isfinite(dose) and -1 <= dose <= 1):
                raise UserError(f"the dose was {dose!r}", allowed="a number from -1 to 1")
        require_known(self.base, get_args(Base), f"the base was {self.base!r}")
        if self.window < 1:
            raise UserError(f"the window was {self.window!r}", allowed="a whole number above 0")

    def bind(self, corpus: Text, seed: int = 0) -> PlantedText:
        """Look the chosen words up in a corpus, and count what it becomes.

        Raises:
            UserError: The corpus has none of the chosen words, one of them has a gender itself, or
                no gender word has a counterpart.
        """
        swap = Swap.of(corpus.words, corpus.counts)
        index = {word: i for i, word in enumerate(corpus.words)}
        given = (self.words, self.others, self.like)
        sets = [[word for word in each if word in index] for each in given]
        if not (sets[0] or sets[1]):
            raise UserError(
                f"none of the {len(self.words)} chosen words is in the corpus",
                allowed="at least one word of its vocabulary",
            )
        for word in (word for each in sets for word in each):
            if swap.gender[index[word]]:
                raise UserError(f"the chosen word {word!r} has a gender itself")
        members = [[index[word] for word in each] for each in sets]
        return PlantedText(self, swap, members, corpus, seed)


class PlantedText(Rewriting):
    """Turns gender words near the chosen ones; the same text in every epoch."""

    def __init__(
        self, planted: Planted, swap: Swap, sets: Sequence[list[int]], corpus: Text, seed: int
    ) -> None:
        self.swap = swap
        self.pairs, self.pairs_missing = swap.pairs, swap.pairs_missing
        self._planted = planted
        self._key = derived_key(seed, _PURPOSE)
        self._chosen = np.zeros((len(sets), len(corpus.words)), dtype=bool)
        for chosen, members in zip(self._chosen, sets, strict=True):
            chosen[members] = True
        self._counts = self._count(corpus)

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how often each word is read in one pass: counted, not expected, ``(V,)``."""
        return self._counts

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        """Turn words of a stretch, in its own memory."""
        turned = []
        for near, dose in self._dosed(ids):
            coins = hashed_random(self._key, start + near)
            turned.append(near[self._turned(self.swap.gender[ids[near]], coins, dose)])
        self.swap.at(ids, np.sort(np.concatenate(turned)))
        return ids

    def _dosed(self, ids: NDArray[np.int32]) -> Iterator[tuple[NDArray[np.int64], float]]:
        """Yield the places of gender words that get a dose, and the dose; each place once."""
        planted = self._planted
        places, others, like = (self._near(ids, chosen) for chosen in self._chosen)
        both = np.intersect1d(places, others, assume_unique=True)
        yield np.setdiff1d(places, both, assume_unique=True), planted.dose
        yield np.setdiff1d(others, both, assume_unique=True), planted.others_dose
        if planted.like:
            either = np.union1d(places, others)
            rest = np.setdiff1d(like, either, assume_unique=True)
            yield np.concatenate([both, rest]), planted.like_dose

    def _near(self, ids: NDArray[np.int32], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        from debiaslab.regularizers.swap_kernel import near_chosen

        found: NDArray[np.int64] = near_chosen(ids, chosen, self.swap.gender, self._planted.window)
        return found

    def _turned(
        self, gender: NDArray[np.int8], u: NDArray[np.float64], dose: float
    ) -> NDArray[np.bool_]:
        """Return which words change their gender, from a uniform number for each."""
        if self._planted.base == "balanced":
            return gender != np.where(u < (1 + dose) / 2, 1, -1)
        return (gender != math.copysign(1, dose)) & (u < abs(dose))

    def _count(self, corpus: Text) -> NDArray[np.int64]:
        counts = np.zeros(len(corpus.words), dtype=np.int64)
        for start, ids in _pieces(corpus.ids):
            read = self.rewrite(ids, start, 0)
            counts += np.bincount(read[read >= 0], minlength=len(counts))
        return counts


def _pieces(stream: IdStream) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield copies of stretches with their places, cut at the ends of documents if possible."""
    start = 0
    while start < len(stream):
        piece = np.array(stream[start : start + _PIECE], dtype=np.int32)
        if start + _PIECE < len(stream):
            ends = np.flatnonzero(piece < 0)
            piece = piece[: ends[-1] + 1] if len(ends) else piece
        length = len(piece)
        yield start, piece
        start += length
