"""Strategies that act on the noise distribution: what a pair is compared with, by stratum of text.

SGNS learns ``W[w] · C[c] ≈ log p(c | w) − log q(c) − log k`` (Levy & Goldberg 2014, with q the
noise distribution). Where the negatives of a pair are drawn from the noise of the *stratum* its
place is in, the optimum is ``log p(c | w) − log Σ_s p(s | w) q_s(c) − log k``: an association that
only says "both stand in texts about men" is expected by the noise, and is not learnt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.regularizers.registry import LogUniform, Space, Stage, Strategy, register
from debiaslab.regularizers.swapping import derived_key, hashed_random
from debiaslab.regularizers.words import (
    PairChoice,
    check_pairs,
    pronouns_chosen,
    spellings,
    swap_pairs,
)

Pieces = Callable[[], Iterable[tuple[int, NDArray[np.int32]]]]  # (place, ids) of a whole text

_PRONOUNS = (("his", "her"), ("him", "hers"))  # no pairs to swap, but words of a gender
_POWER = 0.75  # of counts, as in the noise distribution of the whole text
_PURPOSE = 0x737472  # "str": keeps what is drawn apart from what else draws from the seed


@register("stratified-noise")
@dataclass(frozen=True)
class StratifiedNoise(Strategy):
    """Negatives come from the noise of texts like the pair's own: about men, or about women.

    A document is cut into equal stretches of about ``stretch`` tokens. A stretch with more male
    than female words (those that ``cds`` swaps, without names; of the tune half) is of the male
    stratum, one with more female words of the female one; one with none of them is as its document
    is. Any other keeps the noise distribution q of the whole text. Stratum s has the noise ``q_s(c)
    ∝ q(c) · (n_s(c) / q(c))^λ``, where n_s is its own noise distribution, of counts with
    ``smoothing`` tokens of the whole text added. λ = 0 is the baseline; λ = 1 is the noise of the
    stratum itself; λ = 4/3 undoes its power 0.75; a greater λ corrects too much. It reaches every
    word and reads no list of neutral words. Windows are not cut where a stretch ends: a pair is of
    the stratum of its context word's place.
    """

    stretch: int = 40
    smoothing: float = 20.0
    # "tune": report pairs tell no stratum; "all": they do
    pairs: PairChoice = field(default="tune", kw_only=True)

    stage: ClassVar[Stage] = "in"
    citation = (
        "this package; nearest are counterfactual substitution (Hall Maudslay et al. 2019, EMNLP) "
        "and covariate-specific embeddings (Tian et al. 2018, arXiv:1803.04988)"
    )
    search_space: ClassVar[Mapping[str, Space]] = {"weight": LogUniform(0.25, 4.0)}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pairs(self.pairs)
        if self.stretch < 1:
            raise UserError(f"stretch must be at least 1, got {self.stretch}")
        if not 0 < self.smoothing < np.inf:
            raise UserError(f"smoothing must be above 0 and finite, got {self.smoothing}")

    def bind(self, vocabulary: Sequence[str], seed: int) -> Strata:
        """Look the words that tell a stratum up in a vocabulary.

        Raises:
            UserError: The vocabulary has no gender pair.
        """
        wanted = [*swap_pairs(self.pairs), *(_PRONOUNS if pronouns_chosen(self.pairs) else ())]
        index = {word: i for i, word in enumerate(vocabulary)}
        classes = np.zeros(len(vocabulary) + 1, np.int8)
        known: dict[str, bool] = {}
        for pair in wanted:
            written = [
                (stratum, index[word])
                for words in spellings(*pair)
                for stratum, word in enumerate(words, start=1)
                if word in index
            ]
            known["/".join(pair)] = {stratum for stratum, _ in written} == {1, 2}
            for stratum, i in written:
                classes[i] = stratum
        if not any(known.values()):
            raise UserError(
                f"none of the {len(wanted)} gender pairs is in the vocabulary",
                allowed="a corpus with at least one, such as " + "/".join(wanted[0]),
                next_step="a smaller --min-count, or a larger corpus",
            )
        found = tuple(pair for pair, both in known.items() if both)
        missing = tuple(pair for pair, both in known.items() if not both)
        return Strata(self, classes, found, missing, self._shuffle_key(seed))

    def _shuffle_key(self, seed: int) -> int | None:
        return None


@register("shuffled-strata")
@dataclass(frozen=True)
class ShuffledStrata(StratifiedNoise):
    """Control: ``stratified-noise`` with the strata dealt out at random over the stretches.

    As many stretches are of each stratum, and nothing tells which: what ``stratified-noise`` does
    beyond this control is due to what its strata say.
    """

    control: ClassVar[bool] = True
    citation = "control, no method: 'stratified-noise' with the strata of stretches shuffled"

    def _shuffle_key(self, seed: int) -> int | None:
        return derived_key(seed, _PURPOSE)


class Strata:
    """Strata of a text by the words of some classes, and the noise of each.

    Stratum 0 is that of stretches in which no class has the most words; stratum i is class i's.

    Args:
        strategy: Exponent λ, length of a stretch, smoothing.
        classes: Class of each word from 1, 0 for all others and, last, for a document's end (−1):
            shape ``(V + 1,)``.
        pairs: The pairs that tell a stratum, as "he/she".
        pairs_missing: Those that the vocabulary lacks.
        shuffle_key: Deals the strata out at random; None: they are what the words say.
    """

    def __init__(
        self,
        strategy: StratifiedNoise,
        classes: NDArray[np.int8],
        pairs: tuple[str, ...],
        pairs_missing: tuple[str, ...],
        shuffle_key: int | None,
    ) -> None:
        self._strategy = strategy
        self._classes = classes
        self._size = int(classes.max()) + 1
        self._shuffle_key = shuffle_key
        self._shares = np.full(self._size, 1 / self._size)  # of stretches, a stratum
        self.pairs, self.pairs_missing = pairs, pairs_missing

    @property
    def identity(self) -> str:
        """The strategy with its knobs, and a digest of the words that tell a stratum."""
        digest = hashlib.sha256(self._classes.tobytes()).hexdigest()
        return f"{self._strategy!r} on {digest}, shuffled by {self._shuffle_key}"

    def distributions(self, pieces: Pieces, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise of each stratum, ``(S, V)``; a stratum without a token has ``noise``."""
        if self._shuffle_key is not None:
            found = np.zeros(self._size)
            for _, ids in pieces():
                told = self._told(ids, _stretches(ids, self._strategy.stretch))
                found += np.bincount(told, minlength=self._size)
            self._shares = found / found.sum()
        counts = np.zeros((self._size, len(noise)))
        for start, ids in pieces():
            place = self.strata(ids, start).astype(np.int64) * len(noise) + ids
            counts += np.bincount(place[ids >= 0], minlength=counts.size).reshape(counts.shape)
        rate = counts.sum(axis=0) / counts.sum()
        own = (counts + self._strategy.smoothing * rate) ** _POWER
        own[:, noise == 0] = 0
        own /= own.sum(axis=1, keepdims=True)
        ratio = np.divide(own, noise, out=np.zeros_like(own), where=noise > 0)
        result = noise * ratio**self._strategy.weight
        result[0] = noise
        shares: NDArray[np.float64] = result / result.sum(axis=1, keepdims=True)
        return shares

    def strata(self, ids: NDArray[np.int32], start: int) -> NDArray[np.int8]:
        """Return the stratum of each token, ``(n,)``."""
        stretches = _stretches(ids, self._strategy.stretch)
        if self._shuffle_key is None:
            told = self._told(ids, stretches)
        else:
            told = self._dealt(start + stretches.first)
        return np.repeat(told.astype(np.int8), stretches.sizes)

    def _told(self, ids: NDArray[np.int32], stretches: _Stretches) -> NDArray[np.int64]:
        """Return the stratum of each stretch by its words, or by its document's if it has none."""
        classes = self._classes[ids]
        telling = np.flatnonzero(classes)
        stretch = np.searchsorted(stretches.first, telling, side="right") - 1
        place = stretch * self._size + classes[telling]
        shape = len(stretches.first), self._size
        counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
        whole = np.zeros_like(counts)
        np.add.at(whole, stretches.document, counts)
        silent = counts.sum(axis=1) == 0
        counts[silent] = whole[stretches.document[silent]]
        most = counts.max(axis=1, keepdims=True)
        alone = (counts == most).sum(axis=1) == 1
        return np.where(alone & (most[:, 0] > 0), counts.argmax(axis=1), 0)

    def _dealt(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a random stratum for each stretch, by its place in the stream."""
        assert self._shuffle_key is not None
        drawn = hashed_random(self._shuffle_key, places)
        dealt: NDArray[np.int64] = np.searchsorted(np.cumsum(self._shares), drawn, side="right")
        return np.minimum(dealt, self._size - 1)


class _Stretches(NamedTuple):
    """Documents cut into equal stretches; a document's end is in its last one."""

    first: NDArray[np.int64]  # where each begins
    sizes: NDArray[np.int64]  # of each, in tokens
    document: NDArray[np.int64]  # of each


def _stretches(ids: NDArray[np.int32], length: int) -> _Stretches:
    """Cut documents into equal stretches of about ``length`` tokens."""
    bounds = np.concatenate([[0], np.flatnonzero(ids < 0) + 1, [len(ids)]])
    sizes = np.diff(bounds)  # the last document is cut off, or empty
    pieces = np.where(sizes > 0, np.maximum(np.rint(sizes / length).astype(np.int64), 1), 0)
    document = np.repeat(np.arange(len(sizes)), pieces)
    number = np.arange(len(document)) - (np.cumsum(pieces) - pieces)[document]
    within = -(-number * sizes[document] // pieces[document])
    first = bounds[document] + within
    return _Stretches(first, np.diff(np.append(first, len(ids))), document)
