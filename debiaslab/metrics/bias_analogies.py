"""Bias analogies, man : X :: woman : ?, with and without the words that are asked with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, nearest
from debiaslab.metrics.analogy_answers import EPSILON
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.nearest import CANDIDATES, Best, Nearest, nearest_rows, unit_block
from debiaslab.metrics.vocabulary import find, require_directions, row_of, unit_rows
from debiaslab.vectors.embeddings import Embeddings

Matrix = NDArray[np.float64]
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


def _by_sum(embeddings: Embeddings, units: Matrix, candidates: int, k: int) -> Nearest:
    """Return the best of 3CosAdd; ``units`` are the pair's two rows, then those of the words."""
    queries = units[2:] - units[0] + units[1]
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    queries /= np.where(lengths > 0, lengths, 1.0)
    found = nearest_rows(queries.astype(np.float32), embeddings, np.arange(candidates), k)
    return replace(found, cosines=found.cosines.clip(max=1.0))


def _by_product(embeddings: Embeddings, units: Matrix, candidates: int, k: int) -> Nearest:
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
