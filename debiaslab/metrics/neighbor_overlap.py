"""Nearest-neighbour overlap: how much of a word's neighbourhood in the baseline is still there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError
from debiaslab.metrics.nearest import CANDIDATES, Rows, nearest_rows, unit_block
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import find, require_directions, unit_rows
from debiaslab.statistics.bootstrap import NO_INTERVAL, RESAMPLES, Interval, bootstrap_mean
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Subject

K = 10
SAMPLE = 1000

_BANDS = (1_000, 10_000, 100_000)  # last ranks of the frequency bands; the rest is the last band


@dataclass(frozen=True)
class BandOverlap:
    """The overlap of the words of one frequency band of the baseline.

    Attributes:
        first: First rank of the band, counted from 1 over the common vocabulary.
        last: Its last rank.
        value: Mean share of neighbours in common, in [0, 1].
        interval: Bootstrap interval over the words.
        n: Words that were measured.
    """

    first: int
    last: int
    value: float
    interval: Interval
    n: int


@dataclass(frozen=True)
class NeighborOverlap:
    """Result of :func:`neighbor_overlap`.

    Attributes:
        value: Mean share of the ``k`` nearest neighbours in common, in [0, 1]; None when not
            measured.
        interval: Bootstrap interval over the words.
        n: Words whose neighbourhoods were compared.
        k: Neighbours of a word.
        candidates: Common words that can be a neighbour.
        bands: The same by frequency band, most frequent first.
        missing: Words of the given list that the two do not share.
        reason: Why there is no value.
    """

    value: float | None = None
    interval: Interval = NO_INTERVAL
    n: int = 0
    k: int = K
    candidates: int = 0
    bands: tuple[BandOverlap, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None

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
        baseline: What they are held against; its order gives the frequency bands.
        k: Neighbours of a word.
        words: Words to measure; without it ``sample`` words are drawn, as many from each frequency
            band (ranks 1–1,000, –10,000, –100,000 and the rest), so that each band weighs alike.
        sample: How many words to draw.
        top: Only the first ``top`` common words are looked at, in the baseline's order.
        bootstrap: Resamples of the words for the intervals; 0 for none.
        seed: Seed of sample and resamples.

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
        shares = _shares(embeddings, ours, baseline, theirs, chosen, k)
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
    embeddings: Embeddings,
    ours: Rows,
    baseline: Embeddings,
    theirs: Rows,
    chosen: Rows,
    k: int,
) -> NDArray[np.float64]:
    """Return the share of neighbours in common of each chosen word, shape ``(n,)``."""
    if len(ours) <= k + 1:
        raise NotMeasuredError(
            f"the two have {len(ours)} words in common, needs {k + 2} for {k} neighbours to be "
            "a choice"
        )
    if not len(chosen):
        raise NotMeasuredError("none of the words has a vector that is not all zeros in both")
    found: list[Rows] = []
    for name, space, rows in (
        ("these vectors", embeddings, ours),
        ("the baseline", baseline, theirs),
    ):
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
            interval = bootstrap_mean(within, bootstrap, seed)
            yield BandOverlap(first + 1, last, float(within.mean()), interval, len(within))


@record_metric(
    "neighbor_overlap",
    citation="this project: shared nearest neighbours, after Wendlandt et al. 2018, NAACL",
    family="overlap",
    better="higher",
    needs="a baseline",
)
def records(subject: Subject) -> Iterator[Record]:
    """Share of a word's nearest neighbours that it has in the baseline too.

    Over all frequency bands (``"all ranks"``), then band by band.
    """
    effort = subject.effort
    result = neighbor_overlap(
        subject.embeddings,
        subject.required_baseline(),
        bootstrap=effort.bootstrap,
        seed=effort.seed_of("neighbor_overlap"),
    )
    extra = {"k": result.k, "candidates": result.candidates, "chance": result.chance}
    yield Record(
        metric="neighbor_overlap",
        name="all ranks",
        words="all",
        value=result.value,
        low=result.interval[0],
        high=result.interval[1],
        n=result.n,
        missing=result.missing,
        reason=result.reason,
        extra=extra,
    )
    for band in result.bands:
        yield Record(
            metric="neighbor_overlap",
            name=f"ranks {band.first}-{band.last}",
            words="all",
            value=band.value,
            low=band.interval[0],
            high=band.interval[1],
            n=band.n,
            extra=extra,
        )
