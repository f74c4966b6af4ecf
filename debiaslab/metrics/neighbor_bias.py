"""Words in the order of their lean to *he* or *she*; do neighbours tell a profession's gender?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import load
from debiaslab.metrics.nearest import unit_block
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    HE_SHE,
    Pair,
    Result,
    pair_difference,
    require_directions,
    row_of,
    unit_rows,
)
from debiaslab.statistics.bootstrap import (
    MIN_POINTS,
    PERMUTATIONS,
    RESAMPLES,
    CorrelationTest,
    pearson,
    pearson_interval,
    pearson_test,
)
from debiaslab.vectors.embeddings import Embeddings

TOP = 50_000
"""Only this many first (most frequent) words of the vectors are looked at."""

LONGEST = 19
"""A candidate has at most this many letters."""

_ROWS = 1 << 13
Rows = NDArray[np.intp]
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BiasedWords:
    """Candidate words from the most male to the most female, by the vectors that rank them.

    Attributes:
        words: The candidates. Words of equal bias stand in alphabetical order, so that the order
            of the vocabulary has no influence.
        bias: ``cos(w, he) − cos(w, she)`` of each, falling; read-only.
        reason: Why there is no ranking; None when there is.
    """

    words: tuple[str, ...] = ()
    bias: Vector = field(default_factory=lambda: _frozen(np.zeros(0)))
    reason: str | None = None

    def __len__(self) -> int:
        return len(self.words)

    def within(self, embeddings: Embeddings) -> BiasedWords:
        """Return the ranking of the words that have a vector here which is not all zeros."""
        rows = np.array([embeddings.index.get(word, -1) for word in self.words], dtype=np.intp)
        kept = rows >= 0
        kept[kept] = _nonzero(embeddings, rows[kept])
        if kept.all():
            return self
        words = tuple(word for word, keep in zip(self.words, kept, strict=True) if keep)
        return BiasedWords(words, _frozen(self.bias[kept]), self.reason)

    def require(self) -> None:
        """Raise NotMeasuredError when there is no ranking."""
        if self.reason is not None:
            raise NotMeasuredError(self.reason)


def biased_words(
    baseline: Embeddings,
    *,
    exclude: Iterable[str] | None = None,
    pair: Pair = HE_SHE,
    top: int = TOP,
) -> BiasedWords:
    """Rank words by ``cos(w, he) − cos(w, she)`` (Gonen & Goldberg 2019, NAACL, section 3).

    Args:
        baseline: The vectors that say which words are biased: those before debiasing.
        exclude: Lower-case words that mean a gender. When None, the gender-specific words of
            Bolukbasi et al. (2016), as published. These do not hold first names: in cased vectors
            the capital keeps names out, in lower-cased ones they are among the extremes, unless
            ``lexicons.first_names()`` are excluded too (which takes words such as *will* away).
        pair: The words in the place of *he* and *she*; exchanging them reverses the ranking.
        top: Only the first ``top`` words are looked at, as only frequent words have neighbours
            worth the name; it also keeps the cost of large vocabularies down.

    Returns:
        The candidates: lower-case alphabetic words of at most 19 letters, less ``exclude`` and
        words whose vector is all zeros. A ``reason`` says when one of the pair has no vector.
    """
    try:
        difference = pair_difference(baseline, pair)
    except NotMeasuredError as problem:
        return BiasedWords(reason=str(problem))
    left_out = frozenset(load("gender_specific").words if exclude is None else exclude)
    rows = np.array(
        [row for row, word in enumerate(baseline.words[:top]) if _is_candidate(word, left_out)],
        dtype=np.intp,
    )
    rows = rows[_nonzero(baseline, rows)]
    bias = bias_of(baseline, rows, difference)
    words = np.array([baseline.words[row] for row in rows])
    order = np.lexsort((words, -bias))
    return BiasedWords(tuple(words[order].tolist()), _frozen(bias[order]))


def bias_of(embeddings: Embeddings, rows: Rows, difference: NDArray[np.float64]) -> Vector:
    """Return ``w · difference / ‖w‖`` of rows that are not all zeros."""
    parts = [embeddings.vectors[part].astype(np.float64) for part in _parts(rows)]
    leans = [block @ difference / np.linalg.norm(block, axis=1) for block in parts]
    return np.concatenate([np.empty(0), *leans])


def _parts(rows: Rows) -> Iterator[Rows]:
    """Yield the rows block by block: no float64 copy of many vectors is ever held."""
    return (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))


def _is_candidate(word: str, left_out: frozenset[str]) -> bool:
    return len(word) <= LONGEST and word.isalpha() and word == word.lower() and word not in left_out


def _nonzero(embeddings: Embeddings, rows: Rows) -> NDArray[np.bool_]:
    alive = [embeddings.vectors[part].any(axis=1) for part in _parts(rows)]
    return np.concatenate([np.empty(0, dtype=np.bool_), *alive])


def _frozen(values: Vector) -> Vector:
    values.flags.writeable = False
    return values


# Neighbours -------------------------------------------------------------------------------------

NEIGHBORS = 100
SHARE = 10  # at most this fraction (1/10) of the candidates are neighbours
LEAST_NEIGHBORS = 10

_BLOCK = 64  # professions at a time: 64 × 50,000 cosines are 13 MB


@dataclass(frozen=True)
class NeighborShares:
    """Result of :func:`neighbor_shares`: one entry a profession.

    Attributes:
        words: Professions with a vector in both sets, as the baseline spells them.
        bias: ``cos(w, he) − cos(w, she)`` in the baseline.
        shares: Share of the neighbours that lean to *he* in the baseline, in [0, 1].
        neighbors: Neighbours looked at.
        candidates: Words that could be one.
        missing: Professions without a vector in either set.
        reason: Why nothing was measured.
    """

    words: tuple[str, ...] = ()
    bias: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    neighbors: int = 0
    candidates: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class NeighborBias(Result):
    """Pearson's r of a profession's bias in the baseline with the lean of its neighbours.

    Attributes:
        test: Permutation test of r; None when not wanted.
        neighbors: Neighbours looked at.
        candidates: Words that could be one.
    """

    test: CorrelationTest | None = None
    neighbors: int = 0
    candidates: int = 0


def neighbor_shares(
    embeddings: Embeddings,
    baseline: Embeddings,
    biased: BiasedWords,
    professions: Sequence[str],
    *,
    neighbors: int = NEIGHBORS,
    pair: Pair = HE_SHE,
) -> NeighborShares:
    """Return each profession's bias in the baseline and the lean of its neighbours here.

    Args:
        embeddings: The vectors in which neighbours are sought, debiased or not.
        baseline: The vectors that ``biased`` was made of; they say what leans which way.
        biased: ``biased_words(baseline)``: its words are the candidates, so neighbours are
            lower-case alphabetic words that do not mean a gender. A word is not its own neighbour.
        professions: Words; repeated words count once.
        neighbors: How many; fewer in a small vocabulary, at most 1/10 of the candidates.
        pair: The pair that ``biased`` was made with.

    Returns:
        A result whose ``reason`` is set when there is no ranking, fewer than 100 candidates or 8
        professions, or all-zero or collapsed vectors.
    """
    asked = _Asked(embeddings, baseline, biased.within(embeddings), neighbors)
    (found,) = asked.shares(professions, {pair: asked.candidates.bias})
    return found


def neighbor_shares_along(
    embeddings: Embeddings,
    baseline: Embeddings,
    biased: BiasedWords,
    professions: Sequence[str],
    pairs: Sequence[Pair],
    *,
    neighbors: int = NEIGHBORS,
) -> tuple[NeighborShares, ...]:
    """Return :func:`neighbor_shares` of several other pairs, each once.

    The candidates are those of ``biased``, whatever pair it was made with, so the neighbours are
    sought once. Words lean to the first word of a pair where they are nearer to it in the baseline.
    """
    asked = _Asked(embeddings, baseline, biased.within(embeddings), neighbors)
    return asked.shares(professions, dict.fromkeys(pairs))


@dataclass(frozen=True)
class _Asked:
    """In which vectors neighbours are sought among which candidates, and how many."""

    embeddings: Embeddings
    baseline: Embeddings
    candidates: BiasedWords
    neighbors: int

    def shares(
        self, professions: Sequence[str], leans: Mapping[Pair, Vector | None]
    ) -> tuple[NeighborShares, ...]:
        """Return the shares of each pair, along which the candidates lean as given, if known."""
        rows, missing = _rows_in_both(self.embeddings, self.baseline, professions)
        known, k = len(self.candidates), min(self.neighbors, len(self.candidates) // SHARE)
        empty = NeighborShares(candidates=known, missing=missing)
        try:
            self.candidates.require()
            if len(rows) < MIN_POINTS:
                raise NotMeasuredError(_too_few(len(rows)))
            if k < LEAST_NEIGHBORS:
                raise NotMeasuredError(
                    f"the neighbours among {known} candidate words are {k} (at most "
                    f"1/{SHARE} of them), needs {LEAST_NEIGHBORS}"
                )
            before = unit_rows(self.baseline, rows.keys())
            differences = [pair_difference(self.baseline, pair) for pair in leans]
            unit = unit_rows(self.embeddings, rows.values())
            require_directions("the professions", unit)
        except NotMeasuredError as problem:
            return tuple(replace(empty, reason=str(problem)) for _ in leans)
        names = [self.embeddings.words[row] for row in rows.values()]
        given = zip(leans.values(), differences, strict=True)
        male = np.stack([(self._lean(d) if lean is None else lean) > 0 for lean, d in given])
        shares = self._male_shares(names, unit.astype(np.float32), k, male)
        words = tuple(self.baseline.words[row] for row in rows)
        return tuple(
            replace(
                empty,
                words=words,
                bias=tuple((before @ difference).tolist()),
                shares=tuple(each.tolist()),
                neighbors=k,
            )
            for difference, each in zip(differences, shares, strict=True)
        )

    def _lean(self, difference: Vector) -> Vector:
        rows = [self.baseline.index[word] for word in self.candidates.words]
        return bias_of(self.baseline, np.array(rows, dtype=np.intp), difference)

    def _male_shares(
        self, words: Sequence[str], unit: NDArray[np.float32], k: int, male: NDArray[np.bool_]
    ) -> Vector:
        """Return the share of male ones among the ``k`` nearest candidates, shape ``(pairs, n)``.

        ``male`` says of each pair which candidates lean to its first word, ``(pairs, candidates)``.
        """
        place = {word: i for i, word in enumerate(self.candidates.words)}
        rows = np.array([self.embeddings.index[word] for word in place], dtype=np.intp)
        pool = np.concatenate([unit_block(self.embeddings, part) for part in _parts(rows)])
        shares = np.empty((len(male), len(words)))
        for start in range(0, len(words), _BLOCK):
            cosines = unit[start : start + _BLOCK] @ pool.T
            for row, word in enumerate(words[start : start + _BLOCK]):
                if word in place:
                    cosines[row, place[word]] = -np.inf
            nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
            shares[:, start : start + _BLOCK] = male[:, nearest].mean(axis=2)
        return shares


def neighbor_bias(
    measured: NeighborShares,
    words: Sequence[str] | None = None,
    *,
    permutations: int = PERMUTATIONS,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> NeighborBias:
    """Correlate bias and neighbours over professions: all, or those among ``words``.

    Args:
        measured: What :func:`neighbor_shares` returned.
        words: The professions to take, such as one half of them; all when None.

    Returns:
        A result whose ``reason`` is set when nothing was measured, fewer than 8 professions are
        left, or the bias or the share is the same for all of them.
    """
    wanted = None if words is None else {word.lower() for word in words}
    kept = [i for i, word in enumerate(measured.words) if wanted is None or word.lower() in wanted]
    missing = tuple(w for w in measured.missing if wanted is None or w.lower() in wanted)
    empty = NeighborBias(
        n=len(kept),
        neighbors=measured.neighbors,
        candidates=measured.candidates,
        missing=missing,
        reason=measured.reason,
    )
    if measured.reason is not None:
        return empty
    if len(kept) < MIN_POINTS:
        return replace(empty, reason=_too_few(len(kept)))
    bias, shares = np.array(measured.bias)[kept], np.array(measured.shares)[kept]
    if np.ptp(shares) == 0:
        return replace(
            empty, reason="all professions have the same share of male-leaning neighbours"
        )
    if bias.std() <= FLOAT32_NOISE:
        return replace(empty, reason="all professions lean the same way: nothing to correlate")
    return replace(
        empty,
        value=pearson(bias, shares),
        interval=pearson_interval(bias, shares, bootstrap, seed),
        test=pearson_test(bias, shares, permutations, seed),
    )


def _rows_in_both(
    embeddings: Embeddings, baseline: Embeddings, professions: Sequence[str]
) -> tuple[dict[int, int], tuple[str, ...]]:
    """Return the row here of each row of the baseline, and the words that one of the two lacks."""
    rows: dict[int, int] = {}
    missing: dict[str, None] = {}
    for word in professions:
        before, here = row_of(baseline, word), row_of(embeddings, word)
        if before is None or here is None:
            missing[word] = None
        else:
            rows.setdefault(before, here)
    return rows, tuple(missing)


def _too_few(n: int) -> str:
    return f"{n} professions are in the vectors, needs {MIN_POINTS}"
