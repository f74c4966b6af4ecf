"""Answering analogy questions: the best candidate of each, for four ways of answering at once."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics.nearest import Matrix, Rows, unit_block
from debiaslab.vectors.embeddings import Embeddings

Way = Literal["cosadd", "cosmul", "cosadd_unrestricted", "cosmul_unrestricted"]
WAYS: tuple[Way, ...] = get_args(Way)

EPSILON = 0.001
"""ε of 3CosMul (Levy & Goldberg 2014, eq. 5); their cosines are shifted to [0, 1] first."""

_BLOCK = 1024  # candidates at a time, and questions at a time: their scores stay in cache
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
    for start in range(0, candidates, _BLOCK):
        block = unit_block(embeddings, slice(start, min(start + _BLOCK, candidates)))
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
