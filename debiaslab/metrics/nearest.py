"""Nearest rows by cosine, block by block, and the answers to analogies that they give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError, nearest
from debiaslab.metrics.vocabulary import find, require_directions, row_of, unit_rows
from debiaslab.vectors.embeddings import Embeddings

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
    block = embeddings.vectors[rows].astype(np.float64)
    norms = np.linalg.norm(block, axis=1, keepdims=True)
    unit: Matrix = (block / np.where(norms > 0, norms, 1.0)).astype(np.float32)
    return unit


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


# Answers to analogy questions -------------------------------------------------------------------

Way = Literal["cosadd", "cosmul", "cosadd_unrestricted", "cosmul_unrestricted"]
WAYS: tuple[Way, ...] = get_args(Way)

EPSILON = 0.001
"""ε of 3CosMul (Levy & Goldberg 2014, eq. 5); their cosines are shifted to [0, 1] first."""

_COLUMNS = 1024  # candidates at a time, and questions at a time: their scores stay in cache
_CHUNK = 256
_TINY = 1e-12  # a cosine of −1 would have the logarithm of 0


def best_answers(embeddings: Embeddings, questions: Rows, candidates: int) -> dict[Way, Rows]:
    """Return the row of the best answer to each question, shape ``(n,)``, by each way.

    3CosAdd takes ``argmax over v of cos(v, b) − cos(v, a) + cos(v, c)`` (Mikolov et al. 2013),
    3CosMul ``argmax of cos(v, b) · cos(v, c) / (cos(v, a) + ε)``. The restricted answers are never
    one of ``a``, ``b``, ``c``; the unrestricted ones may be (Nissim, van Noord & van der Goot
    2020). Of equal scores the first row wins; −1 where there is no candidate.

    The cosines of the questions' words with a block of candidates are one matrix product; a
    question's scores are then sums of three of its rows, for 3CosMul of logarithms.

    Args:
        embeddings: The vectors.
        questions: Rows of ``a``, ``b`` and ``c``, shape ``(n, 3)``.
        candidates: Only the first ``candidates`` rows can be an answer, all-zero ones never.
    """
    words, places = np.unique(questions, return_inverse=True)
    places = places.reshape(-1, 3)
    units = unit_block(embeddings, words)
    answers = {way: _Running(len(questions)) for way in WAYS}
    for start in range(0, candidates, _COLUMNS):
        block = unit_block(embeddings, slice(start, min(start + _COLUMNS, candidates)))
        dead = ~block.any(axis=1)
        cosines = units @ block.T
        shifted = np.maximum((cosines + 1) / 2, np.float32(_TINY))
        for method, plus, minus in (
            ("cosadd", cosines.copy(), cosines),
            ("cosmul", np.log(shifted), np.log(shifted + np.float32(EPSILON))),
        ):
            plus[:, dead] = -np.inf
            _answer_block(
                plus,
                minus,
                places,
                questions - start,
                restricted=answers[method],  # type: ignore[index]
                unrestricted=answers[f"{method}_unrestricted"],  # type: ignore[index]
                start=start,
            )
    return {way: running.rows for way, running in answers.items()}


class _Running:
    """The best row so far of each question."""

    def __init__(self, n: int) -> None:
        self.rows: Rows = np.full(n, -1, np.intp)
        self._scores = np.full(n, -np.inf, np.float32)

    def update(self, chunk: slice, scores: NDArray[np.float32], rows: Rows) -> None:
        better = scores > self._scores[chunk]
        self._scores[chunk][better] = scores[better]
        self.rows[chunk][better] = rows[better]


def _answer_block(
    plus: Matrix,
    minus: Matrix,
    places: Rows,
    inputs: Rows,
    *,
    restricted: _Running,
    unrestricted: _Running,
    start: int,
) -> None:
    """Score one block of candidates; ``inputs`` are columns of the block where they lie within."""
    for first in range(0, len(places), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        a, b, c = places[chunk].T
        scores = plus[b]
        scores += plus[c]
        scores -= minus[a]
        best = scores.argmax(axis=1)
        values = scores[np.arange(len(best)), best]
        unrestricted.update(chunk, values, best + start)
        inside = (inputs[chunk] >= 0) & (inputs[chunk] < plus.shape[1])
        question, which = np.nonzero(inside)
        if len(question):  # only these are looked at again, without their own words
            scores[question, inputs[chunk][question, which]] = -np.inf
            again = np.unique(question)
            best[again] = scores[again].argmax(axis=1)
            values[again] = scores[again, best[again]]
        restricted.update(chunk, values, best + start)


# Bias analogies ---------------------------------------------------------------------------------

Units = NDArray[np.float64]
Scored = tuple[str, float]
Method = Literal["cosadd", "cosmul"]

_BLOCK = 4096  # candidates at a time
_TINY = 1e-12  # a cosine of −1 would have the logarithm of 0


@dataclass(frozen=True)
class BiasAnalogy:
    """The answers to one question, best first.

    With each goes, by 3CosAdd, its cosine to the question's vector, and by 3CosMul the product.

    Attributes:
        word: X.
        restricted: Answers that are none of the three words of the question.
        unrestricted: Answers of any kind: often X itself, which the restricted form hides.
    """

    word: str
    restricted: tuple[Scored, ...]
    unrestricted: tuple[Scored, ...]


@dataclass(frozen=True)
class BiasAnalogies:
    """Result of :func:`bias_analogies`.

    Attributes:
        answers: One for each word that has a vector.
        unchanged: Share of the words that are their own first unrestricted answer, in [0, 1]; None
            when not measured. Near 1, the restricted answers say little about bias (Nissim et al.).
        candidates: How many of the first words could be an answer.
        missing: Words that have no vector.
        reason: Why there are no answers.
    """

    answers: tuple[BiasAnalogy, ...] = ()
    unchanged: float | None = None
    candidates: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None


def bias_analogies(
    embeddings: Embeddings,
    words: Iterable[str],
    *,
    pair: tuple[str, str] = ("man", "woman"),
    method: Method = "cosadd",
    n: int = 10,
    top: int = CANDIDATES,
) -> BiasAnalogies:
    """Answer ``pair[0] : X :: pair[1] : ?`` for each X of ``words``.

    Args:
        embeddings: The vectors, the most frequent words first.
        words: Such as occupations; repeated words count once.
        pair: What is exchanged.
        method: ``"cosadd"``: the largest ``cos(v, X − pair[0] + pair[1])`` of unit vectors
            (3CosAdd). ``"cosmul"``: the largest ``cos(v, X) · cos(v, pair[1]) / (cos(v, pair[0]) +
            0.001)`` with cosines shifted to [0, 1] (3CosMul, Levy & Goldberg 2014).
        n: Answers to a question.
        top: Only the first ``top`` words can be an answer.

    Returns:
        A result whose ``reason`` is set when a word of the pair or all of ``words`` have no
        vector, one of them is all zeros, or the vectors all point the same way. Source: Bolukbasi
        et al. 2016 (restricted); Nissim, van Noord & van der Goot 2020 (unrestricted).

    Raises:
        UserError: ``n`` is less than 1, or ``method`` unknown.
    """
    if method not in get_args(Method):
        known = get_args(Method)
        raise UserError(
            f"unknown method {method!r} for analogies",
            allowed=", ".join(known),
            nearest=nearest(method, known),
        )
    if n < 1:
        raise UserError(f"{n} answers were asked for", allowed="1 or more")
    found = find(embeddings, words)
    ends = [row_of(embeddings, word) for word in pair]
    lost = tuple(word for word, row in zip(pair, ends, strict=True) if row is None)
    candidates = min(top, len(embeddings))
    empty = BiasAnalogies(candidates=candidates, missing=found.missing + lost)
    first, second = ends
    try:
        if first is None or second is None or not found.rows:
            raise NotMeasuredError(f"{lost[0] if lost else 'every word'} has no vector")
        units = unit_rows(embeddings, (first, second, *found.rows))
        require_directions("the questions", units)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    best = (_by_sum if method == "cosadd" else _by_product)(embeddings, units, candidates, n + 3)
    answers = tuple(
        _answer(embeddings, word, {first, second, row}, best, i, n)
        for i, (word, row) in enumerate(zip(found.words, found.rows, strict=True))
    )
    same = [a.unrestricted[0][0] == a.word for a in answers if a.unrestricted]
    return replace(empty, answers=answers, unchanged=sum(same) / len(answers))


def _by_sum(embeddings: Embeddings, units: Units, candidates: int, k: int) -> Nearest:
    """Return the best of 3CosAdd; ``units`` are the pair's two rows, then those of the words."""
    queries = units[2:] - units[0] + units[1]
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    queries /= np.where(lengths > 0, lengths, 1.0)
    found = nearest_rows(queries.astype(np.float32), embeddings, np.arange(candidates), k)
    return replace(found, cosines=found.cosines.clip(max=1.0))


def _by_product(embeddings: Embeddings, units: Units, candidates: int, k: int) -> Nearest:
    """Return the best of 3CosMul, with the products in the place of cosines."""
    asked = units.astype(np.float32)
    best = Best(len(asked) - 2, min(k, candidates))
    for start in range(0, candidates, _BLOCK):
        block = unit_block(embeddings, slice(start, min(start + _BLOCK, candidates)))
        shifted = np.maximum((asked @ block.T + 1) / 2, np.float32(_TINY))
        products = shifted[2:] * (shifted[1] / (shifted[0] + np.float32(EPSILON)))
        products[:, ~block.any(axis=1)] = -np.inf
        best.add(products, start)
    return best.nearest(k)


def _answer(
    embeddings: Embeddings, word: str, inputs: set[int], best: Nearest, i: int, n: int
) -> BiasAnalogy:
    pairs = zip(best.positions[i].tolist(), best.cosines[i].tolist(), strict=True)
    named = [(row, (embeddings.words[row], score)) for row, score in pairs if row >= 0]
    return BiasAnalogy(
        word,
        tuple(each for row, each in named if row not in inputs)[:n],
        tuple(each for _, each in named)[:n],
    )
