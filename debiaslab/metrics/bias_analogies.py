"""Bias analogies, man : X :: woman : ?, with and without the words that are asked with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.nearest import CANDIDATES, Nearest, nearest_rows
from debiaslab.metrics.vocabulary import find, require_directions, row_of, unit_rows

Scored = tuple[str, float]


@dataclass(frozen=True)
class BiasAnalogy:
    """The answers to one question, each with its cosine to the question's vector, best first.

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
    n: int = 10,
    top: int = CANDIDATES,
) -> BiasAnalogies:
    """Answer ``pair[0] : X :: pair[1] : ?`` by 3CosAdd for each X of ``words``.

    Args:
        embeddings: The vectors, the most frequent words first.
        words: Such as occupations; repeated words count once.
        pair: What is exchanged.
        n: Answers to a question.
        top: Only the first ``top`` words can be an answer.

    Returns:
        A result whose ``reason`` is set when a word of the pair or all of ``words`` have no
        vector, one of them is all zeros, or the vectors all point the same way. Source: Bolukbasi
        et al. 2016 (restricted); Nissim, van Noord & van der Goot 2020 (unrestricted).

    Raises:
        UserError: ``n`` is less than 1.
    """
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
    queries = units[2:] - units[0] + units[1]
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    queries /= np.where(lengths > 0, lengths, 1.0)
    nearest = nearest_rows(queries.astype(np.float32), embeddings, np.arange(candidates), n + 3)
    answers = tuple(
        _answer(embeddings, word, {first, second, row}, nearest, i, n)
        for i, (word, row) in enumerate(zip(found.words, found.rows, strict=True))
    )
    same = [a.unrestricted[0][0] == a.word for a in answers if a.unrestricted]
    return replace(empty, answers=answers, unchanged=sum(same) / len(answers))


def _answer(
    embeddings: Embeddings, word: str, inputs: set[int], nearest: Nearest, i: int, n: int
) -> BiasAnalogy:
    pairs = zip(nearest.positions[i].tolist(), nearest.cosines[i].tolist(), strict=True)
    best = [(row, max(-1.0, min(1.0, cosine))) for row, cosine in pairs if row >= 0]
    named = [(row, (embeddings.words[row], cosine)) for row, cosine in best]
    return BiasAnalogy(
        word,
        tuple(each for row, each in named if row not in inputs)[:n],
        tuple(each for _, each in named)[:n],
    )
