"""Analogy questions: 3CosAdd and 3CosMul, with and without the question's own words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError, require_known
from debiaslab.lexicons import Half
from debiaslab.metrics.cases import HALVES
from debiaslab.metrics.datasets import AnalogySet, Question, default_analogy_sets, in_half
from debiaslab.metrics.nearest import CANDIDATES, Best, Nearest, Rows, nearest_rows, unit_block
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import (
    MIN_WORDS,
    Result,
    find,
    require_directions,
    row_of,
    shortlist,
    unit_rows,
)
from debiaslab.statistics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample_counts,
)
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.embeddings import units as unit_length

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Measurement

SCORES = 1_000_000_000
"""Questions × candidates that are scored (about 2 s); of more questions a sample is asked."""

Way = Literal["cosadd", "cosmul", "cosadd_unrestricted", "cosmul_unrestricted"]
WAYS: tuple[Way, ...] = get_args(Way)

EPSILON = 0.001
"""ε of 3CosMul (Levy & Goldberg 2014, eq. 5); their cosines are shifted to [0, 1] first."""

_COLUMNS = 1024  # candidates at a time, and questions at a time: their scores stay in cache
_CHUNK = 256
_BLOCK = 4096  # candidates at a time of bias analogies
_TINY = 1e-12  # a cosine of −1 would have the logarithm of 0
Matrix = NDArray[np.float32]
Right = NDArray[np.bool_]
Tally = NDArray[np.float64]


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers, in [0, 1], and its bootstrap interval over the pairs of words."""

    value: float
    interval: Interval = NO_INTERVAL


@dataclass(frozen=True)
class PartAccuracy:
    """Accuracy on one part of a set.

    Attributes:
        name: ``"total"``, ``"semantic"``, ``"syntactic"`` or the name of a section.
        n: Questions asked.
        accuracy: By way of answering: 3CosAdd, 3CosMul, each with the question's own words excluded
            (the usual number) and not excluded (``_unrestricted``).
    """

    name: str
    n: int
    accuracy: dict[Way, Accuracy]


@dataclass(frozen=True)
class Analogies(Result):
    """3CosAdd accuracy on all questions asked, inputs excluded.

    Attributes:
        covered: Questions with all four words among the candidates; more than ``n`` when only a
            sample was asked.
        questions: Questions in the set.
        candidates: How many of the first words could be an answer.
        parts: Total, semantic and syntactic, then the sections; those with no question left out.
    """

    covered: int = 0
    questions: int = 0
    candidates: int = 0
    parts: tuple[PartAccuracy, ...] = ()

    @property
    def coverage(self) -> float:
        """Share of the questions that could be asked, in [0, 1]."""
        return self.covered / self.questions if self.questions else 0.0

    def part(self, name: str) -> PartAccuracy | None:
        """Return a part by its name, or None when none of its questions was asked."""
        return next((part for part in self.parts if part.name == name), None)


@dataclass(frozen=True)
class Answers:
    """Which questions of a set were asked, and answered rightly: made once, read for each half."""

    analogies: AnalogySet
    candidates: int  # how many of the first words could be an answer
    covered: tuple[tuple[Question, ...], ...] = ()  # questions that could be asked, by section
    asked: tuple[tuple[Question, ...], ...] = ()  # those that were
    # one array a section by way of answering, shape ``(questions asked,)``
    right: dict[Way, tuple[Right, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # words that are not among the candidates
    reason: str | None = None  # why nothing was asked


def analogies(
    embeddings: Embeddings,
    questions: AnalogySet,
    *,
    half: Half = "all",
    top: int = CANDIDATES,
    scores: int = SCORES,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Analogies:
    """Return the accuracy on the questions whose four words are all among the candidates.

    A word is looked up as given, then in other cases; an answer is right when it is the very word
    that was looked up. Sections weigh by their number of questions.

    Args:
        questions: The set; see ``load_analogies``.
        half: Which questions; see ``AnalogySet.half``.
        top: Only the first ``top`` words can be an answer or in a question.
        scores: At most about this many questions × candidates are scored, in a seeded sample of
            the questions where there are more.
        bootstrap: Resamples for the intervals; 0 for none. The word *pairs* are drawn with
            replacement within each section, and a question counts as often as its two pairs
            together: questions that share a pair are not independent (vertex bootstrap, Snijders &
            Borgatti 1999), so intervals over questions would be far too narrow.

    Returns:
        A result whose ``reason`` is set with fewer than 4 questions left, an all-zero vector among
        their words, or words that all have the same direction.
    """
    answers = answer(embeddings, questions, top=top, scores=scores, seed=seed)
    return accuracy(answers, half, bootstrap=bootstrap, seed=seed)


def answer(
    embeddings: Embeddings,
    questions: AnalogySet,
    *,
    top: int = CANDIDATES,
    scores: int = SCORES,
    seed: int = 0,
) -> Answers:
    """Ask the questions once; :func:`accuracy` then reads each half from the answers."""
    candidates = min(top, len(embeddings))
    words = dict.fromkeys(w for s in questions.sections for q in s.questions for w in q)
    rows = {w: row for w in words if (row := row_of(embeddings, w)) is not None}
    rows = {w: row for w, row in rows.items() if row < candidates}
    missing = tuple(w for w in words if w not in rows)
    covered = [
        tuple(q for q in s.questions if all(w in rows for w in q)) for s in questions.sections
    ]
    empty = Answers(questions, candidates, tuple(covered), missing=missing)
    total = sum(map(len, covered))
    try:
        if total < MIN_WORDS:
            raise NotMeasuredError(_too_few(total, len(questions), candidates, missing))
        used = sorted({rows[w] for each in covered for q in each for w in q})
        require_directions("the questions", unit_rows(embeddings, used))
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    asked = _sampled(covered, max(scores // candidates, MIN_WORDS), seed)
    table = np.array([[rows[w] for w in q] for each in asked for q in each], dtype=np.intp)
    best = best_answers(embeddings, table[:, :3], candidates)
    ends = np.cumsum([len(each) for each in asked])[:-1]
    right = {way: tuple(np.split(best[way] == table[:, 3], ends)) for way in WAYS}
    return replace(empty, asked=tuple(asked), right=right)


def accuracy(
    answers: Answers, half: Half = "all", *, bootstrap: int = RESAMPLES, seed: int = 0
) -> Analogies:
    """Return the accuracy on one half of the questions; see :func:`analogies`."""
    covered = sum(in_half(q, half) for each in answers.covered for q in each)
    empty = Analogies(
        covered=covered,
        questions=len(answers.analogies.half(half)),
        candidates=answers.candidates,
        missing=answers.missing,
        reason=answers.reason,
    )
    if answers.reason:
        return empty
    sections = answers.analogies.sections
    tallies = [_tally(answers, i, half, bootstrap, seed) for i in range(len(sections))]
    groups: dict[str, list[Tally]] = {"total": tallies, "semantic": [], "syntactic": []}
    for section, tally in zip(sections, tallies, strict=True):
        if section.kind is not None:
            groups[section.kind].append(tally)
    named = [*groups.items(), *((s.name, [t]) for s, t in zip(sections, tallies, strict=True))]
    parts = [_part(name, np.sum(group, axis=0)) for name, group in named if _asked(group)]
    asked = _asked(tallies)
    if asked < MIN_WORDS:
        reason = _too_few(asked, empty.questions, answers.candidates, answers.missing)
        return replace(empty, reason=reason)
    total = parts[0].accuracy["cosadd"]
    return replace(empty, value=total.value, interval=total.interval, n=asked, parts=tuple(parts))


def _tally(answers: Answers, i: int, half: Half, draws: int, seed: int) -> Tally:
    """Return the right answers of one section by way, and its questions: ``(1 + draws, 5)``.

    First of the questions as they are, then of each resample of their pairs: a question is in it
    as often as its two pairs together.
    """
    kept = [j for j, question in enumerate(answers.asked[i]) if in_half(question, half)]
    right = [answers.right[way][i][kept] for way in WAYS]
    table = np.stack([*right, np.ones(len(kept))], axis=1).astype(np.float32)
    weights = np.ones((1, len(kept)), np.float32)
    if draws and kept:
        number: dict[tuple[str, str], int] = {}
        asked = [answers.asked[i][j] for j in kept]
        first, second = (
            [number.setdefault((q[k], q[k + 1]), len(number)) for q in asked] for k in (0, 2)
        )
        counts = resample_counts(len(number), draws, np.random.default_rng(seed + i))
        counts = counts.astype(np.float32)
        weights = np.concatenate([weights, counts[:, first] * counts[:, second]])
    sums = np.zeros((1 + draws, len(WAYS) + 1))
    sums[: len(weights)] = weights @ table
    return sums


def _asked(tallies: Sequence[Tally]) -> int:
    return int(sum(tally[0, -1] for tally in tallies))


def _part(name: str, tally: Tally) -> PartAccuracy:
    right, n = tally[:, :-1], tally[:, -1:]
    shares = np.full_like(right, np.nan)
    np.divide(right, n, out=shares, where=n > 0)
    found = {
        way: Accuracy(float(shares[0, i]), percentile_interval(shares[1:, i]))
        for i, way in enumerate(WAYS)
    }
    return PartAccuracy(name, int(n[0, 0]), found)


def _sampled(
    covered: list[tuple[Question, ...]], most: int, seed: int
) -> list[tuple[Question, ...]]:
    """Draw at most ``most`` questions without replacement, in their order, from all sections."""
    total = sum(map(len, covered))
    if total <= most:
        return covered
    drawn = np.zeros(total, dtype=bool)
    drawn[np.random.default_rng(seed).permutation(total)[:most]] = True
    flags = iter(drawn.tolist())
    return [tuple(q for q in each if next(flags)) for each in covered]


def _too_few(found: int, questions: int, candidates: int, missing: tuple[str, ...]) -> str:
    lost = f" (missing: {shortlist(missing)})" if missing else ""
    return (
        f"{found} of {questions:,} questions have all four words among the first {candidates:,} of "
        f"the vectors{lost}, needs {MIN_WORDS}"
    )


_METRICS: dict[str, tuple[Way, Way]] = {
    "analogies_3cosadd": ("cosadd", "cosadd_unrestricted"),
    "analogies_3cosmul": ("cosmul", "cosmul_unrestricted"),
}
_PARTS = ("total", "semantic", "syntactic")


@record_metric(
    "analogies_3cosmul",
    citation="Levy & Goldberg 2014, CoNLL",
    family="analogies",
    better="higher",
    needs="analogy questions",
)
@record_metric(
    "analogies_3cosadd",
    citation="Mikolov, Yih & Zweig 2013, NAACL",
    family="analogies",
    better="higher",
    needs="analogy questions",
)
def records(measurement: Measurement) -> Iterator[Record]:
    """Share of analogy questions answered rightly, by 3CosAdd and by 3CosMul.

    A set whose sections are semantic and syntactic gives a record for each as well, named
    ``"Google semantic"``; the sections are in ``extra`` of the record of the whole.
    """
    embeddings, effort = measurement.embeddings, measurement.effort
    sets = default_analogy_sets() if measurement.analogies is None else measurement.analogies
    if not sets:
        raise NotMeasuredError("needs a set of analogy questions: Google's comes with gensim")
    for analogies in sets:
        seed = effort.seed_of("analogies", analogies.name)
        answers = answer(embeddings, analogies, seed=seed)
        for half in HALVES:
            result = accuracy(
                answers,
                half,
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("analogies", analogies.name, half),
            )
            kinds = {section.kind for section in analogies.sections}
            for name in [part for part in _PARTS if part == "total" or part in kinds]:
                for metric in _METRICS:
                    yield _record(metric, analogies.name, name, half, result)


def _record(metric: str, set_name: str, part_name: str, half: Half, result: Analogies) -> Record:
    name = set_name if part_name == "total" else f"{set_name} {part_name}"
    part = result.part(part_name)
    extra: dict[str, Any] = {
        "coverage": result.coverage,
        "questions": result.questions,
        "candidates": result.candidates,
    }
    if part is None:
        reason = result.reason or f"no {part_name} question could be asked"
        return Record(metric, name, half, None, missing=result.missing, reason=reason, extra=extra)
    restricted, unrestricted = (part.accuracy[way] for way in _METRICS[metric])
    if part_name == "total":
        extra["sections"] = _sections(result, _METRICS[metric][0])
    low, high = unrestricted.interval
    extra |= {
        "unrestricted": unrestricted.value,
        "unrestricted_low": low,
        "unrestricted_high": high,
    }
    found = replace(result, value=restricted.value, interval=restricted.interval, n=part.n)
    return Record.of(found, metric, name, half, extra)


def _sections(result: Analogies, way: Way) -> dict[str, dict[str, float | int]]:
    sections: list[PartAccuracy] = [part for part in result.parts if part.name not in _PARTS]
    return {part.name: {"value": part.accuracy[way].value, "n": part.n} for part in sections}


# The best answers ---------------------------------------------------------------------------------


def best_answers(embeddings: Embeddings, questions: Rows, candidates: int) -> dict[Way, Rows]:
    """Return the row of the best answer to each question, shape ``(n,)``, by each way.

    3CosAdd takes ``argmax over v of cos(v, b) − cos(v, a) + cos(v, c)`` (Mikolov et al. 2013),
    3CosMul ``argmax of cos(v, b) · cos(v, c) / (cos(v, a) + ε)``. The restricted answers are never
    one of ``a``, ``b``, ``c``; the unrestricted ones may be (Nissim, van Noord & van der Goot
    2020). Of equal scores the first row wins; −1 where there is no candidate.

    The cosines of the questions' words with a block of candidates are one matrix product; a
    question's scores are then sums of three of its rows, for 3CosMul of logarithms.

    Args:
        questions: Rows of ``a``, ``b`` and ``c``, shape ``(n, 3)``.
        candidates: Only the first ``candidates`` rows can be an answer, all-zero ones never.
    """
    words, places = np.unique(questions, return_inverse=True)
    places = places.reshape(-1, 3)
    units = unit_block(embeddings, words)
    best = {way: _BestRow(len(questions)) for way in WAYS}
    for start in range(0, candidates, _COLUMNS):
        block = unit_block(embeddings, slice(start, min(start + _COLUMNS, candidates)))
        cosines = units @ block.T
        shifted = np.maximum((cosines + 1) / 2, np.float32(_TINY))
        added = cosines.copy(), cosines
        multiplied = np.log(shifted), np.log(shifted + np.float32(EPSILON))
        for (plus, minus), ways in ((added, WAYS[::2]), (multiplied, WAYS[1::2])):
            plus[:, ~block.any(axis=1)] = -np.inf
            for first in range(0, len(places), _CHUNK):
                chunk = slice(first, first + _CHUNK)
                a, b, c = places[chunk].T
                scores = plus[b]
                scores += plus[c]
                scores -= minus[a]
                found = _best_columns(scores, questions[chunk] - start)
                for way, (columns, values) in zip(ways, found, strict=True):
                    best[way].update(chunk, values, columns + start)
    return {way: each.rows for way, each in best.items()}


def _best_columns(scores: Matrix, inputs: Rows) -> Iterator[tuple[Rows, Matrix]]:
    """Yield the best column of each question and its score: without its own words, then with.

    ``inputs`` are the columns of its words, outside of the block where they are not in it.
    """
    rows = np.arange(len(scores))
    best = scores.argmax(axis=1)
    values = scores[rows, best]
    question, which = np.nonzero((inputs >= 0) & (inputs < scores.shape[1]))
    restricted, left = best.copy(), values.copy()
    if len(question):  # only these are looked at again, without their own words
        scores[question, inputs[question, which]] = -np.inf
        again = np.unique(question)
        restricted[again] = scores[again].argmax(axis=1)
        left[again] = scores[again, restricted[again]]
    yield restricted, left
    yield best, values


class _BestRow:
    """The best row so far of each question."""

    def __init__(self, n: int) -> None:
        self.rows: Rows = np.full(n, -1, np.intp)
        self._scores = np.full(n, -np.inf, np.float32)

    def update(self, chunk: slice, scores: Matrix, rows: Rows) -> None:
        """Take what is better than the best so far."""
        better = scores > self._scores[chunk]
        self._scores[chunk][better] = scores[better]
        self.rows[chunk][better] = rows[better]


# Bias analogies ---------------------------------------------------------------------------------

Units = NDArray[np.float64]
Scored = tuple[str, float]
Method = Literal["cosadd", "cosmul"]


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
    require_known(method, get_args(Method), f"unknown method {method!r} for analogies")
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
    queries = unit_length(units[2:] - units[0] + units[1])
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
