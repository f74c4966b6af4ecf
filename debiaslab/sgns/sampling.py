"""From the id stream to training batches, in vectorised numpy: subsampling, windows, negatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from debiaslab.corpus import noise_distribution
from debiaslab.corpus.stream import IdStream, read_ids
from debiaslab.settings.training import TrainSettings
from debiaslab.sgns.engine import Intervention, NoiseStrata
from debiaslab.sgns.model import Batch

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

Ids = NDArray[np.int64]
Rewrite = Callable[[NDArray[np.int32], int], NDArray[np.int32]]  # ids, their place → other ids
CHUNK_TOKENS = 500_000  # read at once: bounds memory, and how far positions are shuffled
_REDRAWS = 20  # for negatives of a homework row, which must miss several words at once


def linear_decay(settings: TrainSettings) -> Callable[[float], float]:
    """Return the learning rate as a function of the fraction of all training words seen."""
    lr, floor = settings.lr, settings.lr_min
    return lambda seen: lr * (1 - (1 - floor) * min(max(seen, 0.0), 1.0))


@dataclass
class Place:
    """How far the batches of one epoch have come; moved along as they are made."""

    start: int = 0  # of the chunk in the stream
    drawn: dict[str, Any] = field(default_factory=dict)  # state of the generator before the chunk
    done: int = 0  # positions of the chunk that are behind


def chunks(
    ids: IdStream, size: int = CHUNK_TOKENS, start: int = 0
) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield ``(start, piece)`` of at most ``size`` ids, cut at a document's end if possible."""
    while start < len(ids):
        piece = read_ids(ids, start, start + size)
        if start + size < len(ids):
            ends = np.flatnonzero(piece < 0)
            if len(ends):
                piece = piece[: ends[-1] + 1]
        length = len(piece)  # whoever gets the piece may overwrite it
        yield start, piece
        start += length


def subsample(
    piece: NDArray[np.int32], keep: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which ids stay: each token with probability keep[w], and the ends of documents."""
    kept: NDArray[np.bool_] = (piece < 0) | (rng.random(len(piece)) < keep[np.maximum(piece, 0)])
    return kept


def noise_by_stratum(corpus: Corpus, intervention: Intervention) -> NDArray[np.float64]:
    """Return the noise distribution of each stratum, ``(S, V)``; S = 1 without strata.

    Where pre-processing draws, a stratum's counts are those of the first epoch.
    """
    noise = noise_distribution(intervention.counts(corpus.counts), unk=corpus.unk)
    if intervention.strata is None:
        return noise[None]

    def pieces() -> Iterator[tuple[int, NDArray[np.int32]]]:
        for start, piece in chunks(corpus.ids):
            yield start, intervention.rewrite(piece, start, 0)

    return intervention.strata.distributions(pieces, noise)


class NoiseSampler:
    """Draws negatives exactly from the noise distribution with given words left out.

    Args:
        noise: Probability of each word, shape ``(V,)``, summing to 1.
    """

    def __init__(self, noise: NDArray[np.float64]) -> None:
        self._cumulative = np.cumsum(noise)
        self._cumulative[-1] = 1.0
        self._noise = noise

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Ids:
        """Draw word ids of the given shape."""
        return self._invert(rng.random(shape))

    def draw_other_than(self, words: Ids, k: int, rng: np.random.Generator) -> Ids:
        """Draw ``(n, k)`` ids, none in row i equal to ``words[i]``.

        The mass of the word is cut out of the unit interval before the draw, so nothing has to be
        drawn again. When no other word has any mass, the word itself comes back.
        """
        own = self._noise[words][:, None]
        below = (self._cumulative[words] - self._noise[words])[:, None]
        u = rng.random((len(words), k)) * (1 - own)
        drawn = self._invert(np.where(u >= below, u + own, u))
        clash = drawn == words[:, None]  # rounding at the edge of the cut
        drawn[clash] = self._neighbour(drawn[clash])
        return drawn

    def _neighbour(self, words: Ids) -> Ids:
        size = len(self._noise)
        above = np.minimum(words + 1, size - 1)
        usable = (above != words) & (self._noise[above] > 0)
        return np.where(usable, above, np.maximum(words - 1, 0))

    def _invert(self, u: NDArray[np.float64]) -> Ids:
        found = np.searchsorted(self._cumulative, u, side="right")
        return np.minimum(found, len(self._cumulative) - 1)


class _Places(NamedTuple):
    """Some positions of the text."""

    word: Ids  # (n,) that stands there
    around: Ids  # (n, 2m) the words of the widest window
    real: NDArray[np.bool_]  # (n, 2m) which of them are in the window
    stratum: NDArray[np.int8]  # (n,)

    def where(self, real: NDArray[np.bool_]) -> _Places:
        """Return those with any real word around them, of which ``real`` tells anew."""
        used = np.flatnonzero(real.any(axis=1))
        return _Places(self.word[used], self.around[used], real[used], self.stratum[used])


class BatchMaker:
    """Makes the batches of one epoch; the layout is that of the settings.

    Args:
        settings: Window, negatives, batch size, layout.
        keep: Probability of keeping a token of each word, shape ``(V,)``.
        noise: Noise distribution of each stratum, shape ``(S, V)``.
        unk: Id of ``<UNK>``, which may be a context word but never a target or a negative.
        strata: Tells the stratum of each token; None: all are of the first.
    """

    def __init__(
        self,
        settings: TrainSettings,
        keep: NDArray[np.float64],
        noise: NDArray[np.float64],
        unk: int | None = None,
        strata: NoiseStrata | None = None,
    ) -> None:
        self._settings = settings
        self._keep = keep
        self._negatives = [NoiseSampler(each) for each in noise]
        self._strata = strata
        self._unk = -2 if unk is None else unk
        m = settings.window
        self._offsets = np.concatenate([np.arange(-m, 0), np.arange(1, m + 1)])

    def batches(
        self,
        ids: IdStream,
        rng: np.random.Generator,
        rewrite: Rewrite | None = None,
        place: Place | None = None,
    ) -> Iterator[tuple[Batch, float]]:
        """Yield ``(batch, words)``: words is the share of corpus tokens the batch stands for.

        Args:
            ids: The stream.
            rng: Makes all draws.
            rewrite: What pre-processing does to a chunk.
            place: Where to begin, with ``rng`` as it was there; it is kept up to date.
        """
        place = Place() if place is None else place
        make = self._homework if self._settings.layout == "homework" else self._word2vec
        for start, read in chunks(ids, start=place.start):
            now = dict(rng.bit_generator.state)
            within = place.done > 0 and start == place.start
            if within:  # the chunk is subsampled and shuffled as it was
                rng.bit_generator.state = place.drawn
            else:
                place.start, place.drawn, place.done = start, now, 0
            words = int((read >= 0).sum())
            piece = read if rewrite is None else rewrite(read, start)
            stays = subsample(piece, self._keep, rng)
            kept = piece[stays]
            stratum = None if self._strata is None else self._strata.strata(piece, start)[stays]
            document = np.cumsum(kept < 0, dtype=np.int64)
            positions = np.flatnonzero(kept >= 0)
            rng.shuffle(positions)  # a document's own words do not pile up in one batch
            if within:
                rng.bit_generator.state = now
            size = self._settings.batch_size
            for first in range(place.done, len(positions), size):
                at = positions[first : first + size]
                own = np.zeros(len(at), np.int8) if stratum is None else stratum[at]
                around, real = self._window(kept, document, at, rng)
                batch = make(_Places(kept[at].astype(np.int64), around, real, own), rng)
                place.done = first + len(at)
                if batch is not None:
                    yield batch, words * len(at) / len(positions)

    def _window(
        self, kept: NDArray[np.int32], document: Ids, at: Ids, rng: np.random.Generator
    ) -> tuple[Ids, NDArray[np.bool_]]:
        """Return the words around each position, ``(n, 2m)``, and which of them are real."""
        around = at[:, None] + self._offsets
        inside = (around >= 0) & (around < len(kept))
        around = np.clip(around, 0, len(kept) - 1)
        words = kept[around].astype(np.int64)
        real = inside & (words >= 0) & (document[around] == document[at][:, None])
        if self._settings.dynamic:
            reach = rng.integers(1, self._settings.window + 1, size=(len(at), 1))
            real &= np.abs(self._offsets) <= reach
        return np.maximum(words, 0), real

    def _word2vec(self, places: _Places, rng: np.random.Generator) -> Batch | None:
        context, targets, real, stratum = places.where(places.real & (places.around != self._unk))
        if not len(context):
            return None
        k = self._settings.negatives

        def draw(negatives: NoiseSampler, rows: NDArray[np.bool_]) -> Ids:
            return negatives.draw_other_than(context[rows], k, rng)

        outputs = np.concatenate([context[:, None], self._drawn(stratum, draw)], axis=1)
        labels = np.zeros(outputs.shape, dtype=np.float32)
        labels[:, 0] = 1.0
        return _batch(targets, real, outputs, labels)

    def _homework(self, places: _Places, rng: np.random.Generator) -> Batch | None:
        target, window, real, stratum = places.where(
            places.real & (places.word != self._unk)[:, None]
        )
        if not len(target):
            return None
        slots = window.shape[1]
        contexts = np.where(real, window, -1)

        def draw(negatives: NoiseSampler, rows: NDArray[np.bool_]) -> Ids:
            shape = (int(rows.sum()), slots * (1 + self._settings.negatives))
            drawn = negatives.draw(rng, shape)
            for _ in range(_REDRAWS):
                clash = (drawn[:, :, None] == contexts[rows][:, None, :]).any(axis=2)
                if not clash.any():
                    break
                drawn[clash] = negatives.draw(rng, (int(clash.sum()),))
            return drawn

        outputs = self._drawn(stratum, draw)
        outputs[:, :slots] = np.where(real, window, outputs[:, :slots])
        labels = np.zeros(outputs.shape, dtype=np.float32)
        labels[:, :slots] = real
        return _batch(target[:, None], np.ones((len(target), 1), dtype=bool), outputs, labels)

    def _drawn(
        self, stratum: NDArray[np.int8], draw: Callable[[NoiseSampler, NDArray[np.bool_]], Ids]
    ) -> Ids:
        """Return the rows that ``draw`` makes, each from the noise of its stratum."""
        found: Ids | None = None
        for s in np.unique(stratum):
            rows = stratum == s
            drawn = draw(self._negatives[s], rows)
            if found is None:
                found = np.empty((len(stratum), drawn.shape[1]), np.int64)
            found[rows] = drawn
        assert found is not None, "a batch has a row"
        return found


def _batch(
    targets: Ids, real: NDArray[np.bool_], outputs: Ids, labels: NDArray[np.float32]
) -> Batch:
    return Batch(
        targets=torch.from_numpy(targets),
        mask=torch.from_numpy(real.astype(np.float32)),
        outputs=torch.from_numpy(outputs),
        labels=torch.from_numpy(labels),
    )
