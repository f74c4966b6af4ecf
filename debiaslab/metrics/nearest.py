"""Nearest rows by cosine, block by block, and how much of a word's neighbourhood is still there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import Result, find, require_directions, unit_rows
from debiaslab.statistics.bootstrap import RESAMPLES, bootstrap_mean
from debiaslab.vectors.embeddings import Embeddings, units

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Measurement

CANDIDATES = 200_000
"""Only the first (most frequent) words are looked at, as in most published analogy results."""

Rows = NDArray[np.intp]
Matrix = NDArray[np.float32]

_BLOCK = 4096


@dataclass(frozen=True)
class Nearest:
    """The ``k`` nearest of some candidates for each of ``n`` queries, best first.

    Attributes:
        positions: Index into the candidates, shape ``(n, k)``; −1 where fewer than ``k`` are left.
        cosines: Products with the unit candidates, shape ``(n, k)``; −inf where there is none.
    """

    positions: Rows
    cosines: Matrix


def unit_block(embeddings: Embeddings, rows: slice | Rows) -> Matrix:
    """Return the float32 unit vectors of some rows, shape ``(n, d)``; all-zero rows stay zero.

    Lengths are taken in float64, and only for the rows asked for: for a search through a part of
    a million words, ``Embeddings.unit`` would be a second copy of everything.
    """
    return units(embeddings.vectors[rows]).astype(np.float32)


def nearest_rows(
    queries: Matrix, embeddings: Embeddings, candidates: Rows, k: int, own: Rows | None = None
) -> Nearest:
    """Find the ``k`` candidates with the largest product with each query.

    Args:
        queries: Shape ``(n, d)``; unit vectors for cosines.
        embeddings: Where the candidates are.
        candidates: Rows to look through, shape ``(m,)``; all-zero vectors are never found. Of
            equal cosines, those that stand first here are kept.
        k: How many, 1 or more.
        own: For each query a position in ``candidates`` that must not be found (the word itself).
    """
    best = Best(len(queries), min(k, len(candidates)))
    for start in range(0, len(candidates), _BLOCK):
        block = unit_block(embeddings, candidates[start : start + _BLOCK])
        cosines = queries @ block.T
        cosines[:, ~block.any(axis=1)] = -np.inf
        if own is not None:
            inside = np.flatnonzero((own >= start) & (own < start + len(block)))
            cosines[inside, own[inside] - start] = -np.inf
        best.add(cosines, start)
    return best.nearest(k)


class Best:
    """The best ``k`` of each of ``n`` rows so far, in falling order.

    Attributes:
        k: How many are kept.
        values: Shape ``(n, k)``; −inf where there is none yet.
        positions: Where they were found, shape ``(n, k)``.
    """

    def __init__(self, n: int, k: int) -> None:
        self.k = k
        self.values = np.full((n, k), -np.inf, np.float32)
        self.positions = np.full((n, k), -1, np.intp)

    def add(self, values: Matrix, start: int) -> None:
        """Merge a block, shape ``(n, block)``; only what beats the k-th best so far is sorted."""
        if start == 0 and values.shape[1] > self.k:
            least = np.partition(values, -self.k, axis=1)[:, -self.k, None]
            rows, columns = np.nonzero(values >= least)
        else:
            rows, columns = np.nonzero(values > self.values[:, -1:])
        if not len(rows):
            return
        n = len(self.values)
        every_row = np.r_[np.repeat(np.arange(n), self.k), rows]
        every_value = np.r_[self.values.ravel(), values[rows, columns]]
        every_position = np.r_[self.positions.ravel(), columns + start]
        order = np.lexsort((-every_value, every_row))  # stable: the earlier position wins a tie
        place = np.arange(len(order)) - np.searchsorted(every_row[order], every_row[order])
        kept = order[place < self.k]
        self.values = every_value[kept].reshape(n, self.k)
        self.positions = every_position[kept].reshape(n, self.k)

    def nearest(self, k: int) -> Nearest:
        """Return what is kept, filled up to ``k`` columns."""
        missing = k - self.k
        positions = np.where(np.isfinite(self.values), self.positions, -1)
        return Nearest(
            np.pad(positions, ((0, 0), (0, missing)), constant_values=-1),
            np.pad(self.values, ((0, 0), (0, missing)), constant_values=-np.inf),
        )


# Overlap with the baseline ------------------------------------------------------------------------

K = 10
SAMPLE = 1000

_BANDS = (1_000, 10_000, 100_000)  # last ranks of the frequency bands; the rest is the last band


@dataclass(frozen=True)
class BandOverlap(Result):
    """The overlap of the words of one frequency band of the baseline.

    Attributes:
        first: First rank of the band, counted from 1 over the common vocabulary.
        last: Its last rank.
    """

    first: int = 0
    last: int = 0


@dataclass(frozen=True)
class NeighborOverlap(Result):
    """Mean share of the ``k`` nearest neighbours in common, in [0, 1], over ``n`` words.

    Attributes:
        k: Neighbours of a word.
        candidates: Common words that can be a neighbour.
        bands: The same by frequency band, most frequent first.
    """

    k: int = K
    candidates: int = 0
    bands: tuple[BandOverlap, ...] = ()

    @property
    def chance(self) -> float | None:
        """The overlap of two spaces that have nothing in common, ``k / (candidates − 1)``."""
        return self.k / (self.candidates - 1) if self.candidates > self.k else None


def neighbor_overlap(
    embeddings: Embeddings,
    baseline: Embeddings,
    *,
    k: int = K,
    words: Iterable[str] | None = None,
    sample: int = SAMPLE,
    top: int = CANDIDATES,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> NeighborOverlap:
    """Measure the mean share of the ``k`` nearest neighbours that two spaces agree on.

    Neighbours are taken by cosine from the words that both have; a word is not its own neighbour,
    and an all-zero vector is nobody's. A word whose vector is all zeros in ``embeddings`` has lost
    all its neighbours; in the baseline it has none to lose and is not measured.

    Args:
        embeddings: The vectors to judge.
        baseline: What they are compared with; its order gives the frequency bands.
        k: Neighbours of a word.
        words: Words to measure; without it ``sample`` words are drawn, as many from each frequency
            band (ranks 1–1,000, –10,000, –100,000 and the rest), so that each band weighs alike.
        sample: How many words to draw.
        top: Only the first ``top`` common words are looked at, in the baseline's order.

    Returns:
        A result whose ``reason`` is set when the two share too few words to choose neighbours
        from, no word can be measured, or either space has collapsed.

    Raises:
        UserError: ``k`` or ``sample`` is less than 1.
    """
    for name, number in (("k", k), ("sample", sample)):
        if number < 1:
            raise UserError(f"{name} is {number}", allowed="1 or more")
    common = [w for w in baseline.words if w in embeddings.index][:top]
    ours = np.array([embeddings.index[w] for w in common], dtype=np.intp)
    theirs = np.array([baseline.index[w] for w in common], dtype=np.intp)
    rng = np.random.default_rng(seed)
    missing: tuple[str, ...] = ()
    if words is None:
        chosen = _sample(theirs, baseline, sample, rng)
    else:
        chosen, missing = _listed(words, theirs, baseline)
    empty = NeighborOverlap(k=k, candidates=len(common), missing=missing)
    try:
        shares = _shares((embeddings, ours), (baseline, theirs), chosen, k)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    return replace(
        empty,
        value=float(shares.mean()),
        interval=bootstrap_mean(shares, bootstrap, seed),
        n=len(shares),
        bands=tuple(_bands(shares, chosen, len(common), bootstrap, seed)),
    )


def _shares(
    here: tuple[Embeddings, Rows], before: tuple[Embeddings, Rows], chosen: Rows, k: int
) -> NDArray[np.float64]:
    """Return the share of neighbours in common of each chosen word, shape ``(n,)``."""
    ours = here[1]
    if len(ours) <= k + 1:
        raise NotMeasuredError(
            f"the two have {len(ours)} words in common, needs {k + 2} for {k} neighbours to be "
            "a choice"
        )
    if not len(chosen):
        raise NotMeasuredError("none of the words has a vector that is not all zeros in both")
    found: list[Rows] = []
    for name, (space, rows) in (("these vectors", here), ("the baseline", before)):
        units = unit_block(space, rows[chosen])
        alive = np.linalg.norm(units, axis=1) > 0
        if not alive.any():
            raise NotMeasuredError(f"the words of the sample are all zeros in {name}")
        if len(units) > 1:
            require_directions(f"the sample in {name}", unit_rows(space, rows[chosen][alive]))
        positions = nearest_rows(units, space, rows, k, own=chosen).positions
        found.append(np.where(alive[:, None], positions, -1))
    run, base = found
    same = (run[:, :, None] == base[:, None, :]) & (run[:, :, None] >= 0)
    shares: NDArray[np.float64] = same.any(axis=2).sum(axis=1) / k
    return shares


def _alive(positions: Rows, rows: Rows, space: Embeddings) -> Rows:
    return positions[space.vectors[rows[positions]].any(axis=1)]


def _sample(theirs: Rows, baseline: Embeddings, size: int, rng: np.random.Generator) -> Rows:
    """Draw positions in the common vocabulary without replacement, as many from each band."""
    edges = _edges(len(theirs))
    drawn: list[Rows] = []
    for i, (first, last) in enumerate(edges):
        left = size - sum(len(each) for each in drawn)  # small bands leave room to the next
        band = _alive(np.arange(first, last), theirs, baseline)
        drawn.append(rng.permutation(band)[: left // (len(edges) - i)])
    return np.sort(np.concatenate(drawn)) if drawn else np.empty(0, np.intp)


def _listed(
    words: Iterable[str], theirs: Rows, baseline: Embeddings
) -> tuple[Rows, tuple[str, ...]]:
    """Return the positions of the listed words in the common vocabulary, and what is not there."""
    position = {row: i for i, row in enumerate(theirs.tolist())}
    found = find(baseline, words)
    lost = tuple(w for w, row in zip(found.words, found.rows, strict=True) if row not in position)
    chosen = np.array([position[r] for r in found.rows if r in position], dtype=np.intp)
    return np.sort(_alive(chosen, theirs, baseline)), found.missing + lost


def _edges(size: int) -> list[tuple[int, int]]:
    """Return the half-open ranges of positions of the bands that are not empty."""
    ends = [*(end for end in _BANDS if end < size), size]
    return [(first, last) for first, last in zip([0, *ends], ends, strict=False) if first < last]


def _bands(
    shares: NDArray[np.float64], chosen: Rows, size: int, bootstrap: int, seed: int
) -> Iterable[BandOverlap]:
    for first, last in _edges(size):
        within = shares[(chosen >= first) & (chosen < last)]
        if len(within):
            yield BandOverlap(
                value=float(within.mean()),
                interval=bootstrap_mean(within, bootstrap, seed),
                n=len(within),
                first=first + 1,
                last=last,
            )


@record_metric(
    "neighbor_overlap",
    citation="this project: shared nearest neighbours, after Wendlandt et al. 2018, NAACL",
    family="overlap",
    better="higher",
    needs="a baseline",
)
def records(measurement: Measurement) -> Iterator[Record]:
    """Share of a word's nearest neighbours that it has in the baseline too.

    Over all frequency bands (``"all ranks"``), then band by band.
    """
    effort = measurement.effort
    result = neighbor_overlap(
        measurement.embeddings,
        measurement.required_baseline(),
        bootstrap=effort.bootstrap,
        seed=effort.seed_of("neighbor_overlap"),
    )
    extra = {"k": result.k, "candidates": result.candidates, "chance": result.chance}
    named = {f"ranks {band.first}-{band.last}": band for band in result.bands}
    for name, each in ({"all ranks": result} | named).items():
        yield Record.of(each, "neighbor_overlap", name, "all", extra)
