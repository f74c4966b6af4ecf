"""What is asked with lists of gender only: SemBias, and whether occupations lean as people work.

SemBias: which pair is most like *he : she* (Zhao, Zhou, Li, Wang & Chang 2018, EMNLP). Factual
association: do occupations lean to women where women do the work? After the word-embedding factual
association test of Caliskan, Bryson & Narayanan (2017) and the plots of Garg et al. (2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.lexicons import Half
from debiaslab.lexicons.tables import (
    SemBiasRow,
    load_occupation_women,
    load_sembias,
    occupation_women_names,
)
from debiaslab.metrics.cases import HALVES, Case, Resampling, gender_pairs
from debiaslab.metrics.null import (
    BLOCK,
    DRAWS,
    NullCache,
    RandomWords,
    disjoint,
    require_defined,
    with_null,
)
from debiaslab.metrics.registry import DRAWS as RECORD_DRAWS
from debiaslab.metrics.registry import record_metric
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import (
    FLOAT32_NOISE,
    HE_SHE,
    MIN_WORDS,
    FoundPairs,
    Measured,
    Method,
    Pair,
    Result,
    find,
    find_pairs,
    gender_direction,
    pair_difference,
    require_directions,
    shortlist,
    unit_rows,
)
from debiaslab.metrics.word_metric import Look, Score, metric
from debiaslab.statistics.bootstrap import (
    MIN_POINTS,
    NO_INTERVAL,
    PERMUTATIONS,
    RESAMPLES,
    Interval,
    pearson_rows,
    pearson_test,
    percentile_interval,
    resample_counts,
    spearman,
    spearman_interval,
    tested,
)
from debiaslab.statistics.reliability import Number
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Measurement

Matrix = NDArray[np.float64]

SHARES = ("definition", "stereotype", "none")
_TIE = 1e-12  # cosines nearer than this are equal: pairs of the same words in two questions


@dataclass(frozen=True)
class SemBiasResult(Result):
    """Three shares of the rows, which add up to 1.

    Attributes:
        definition: Share of rows won by the definition pair; high is right. None when not measured.
        stereotype: Share won by the stereotype pair; 0 is unbiased.
        none: Share won by one of the two pairs that say nothing of gender.
        definition_interval: Bootstrap interval over definition pairs and stereotype pairs.
        stereotype_interval: Likewise.
        none_interval: Likewise.
        rows: Rows asked, of which ``n`` have vectors of all eight words.
    """

    definition: float | None = None
    stereotype: float | None = None
    none: float | None = None
    definition_interval: Interval = NO_INTERVAL
    stereotype_interval: Interval = NO_INTERVAL
    none_interval: Interval = NO_INTERVAL
    rows: int = 0

    @property
    def coverage(self) -> float:
        """Share of the rows that were measured, in [0, 1]."""
        return self.n / self.rows if self.rows else 0.0


def sembias(
    embeddings: Embeddings,
    rows: Sequence[SemBiasRow],
    *,
    pair: Pair = HE_SHE,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> SemBiasResult:
    """Ask in each row which of its four pairs (a, b) has the highest ``cos(a − b, he − she)``.

    Differences are of unit vectors, as everywhere in this package; on vectors of unit length this
    is the published measure, which takes the vectors as they are. A pair whose two words have the
    same vector has a cosine of 0, and a tie is shared out evenly.

    Args:
        rows: ``load_sembias().rows``, or one half of them, or the held-out subset.
        pair: The words in the place of *he* and *she*.
        bootstrap: Resamples for the intervals; 0 for none. The rows cross definition pairs with
            stereotype pairs and are not independent, so both kinds of pairs are drawn, each with
            replacement (the "pigeonhole" bootstrap, Owen 2007, Annals of Applied Statistics
            1:386–411).

    Returns:
        A result whose ``reason`` is set with fewer than 4 complete rows, when *he* or *she* is
        missing, or with all-zero or collapsed vectors.
    """
    known, missing = _complete(embeddings, rows)
    empty = SemBiasResult(n=len(known), rows=len(rows), missing=missing)
    if len(known) < MIN_WORDS:
        lost = f" (missing: {shortlist(missing)})" if missing else ""
        of = f"{len(known)} of {len(rows)} rows"
        reason = f"{of} have all their words in the vectors{lost}, needs {MIN_WORDS}"
        return replace(empty, reason=reason)
    try:
        towards = pair_difference(embeddings, pair)
        place, axes = pairs_and_axes(embeddings, known)
    except NotMeasuredError as problem:
        return replace(empty, reason=str(problem))
    cosines = axes @ (towards / np.linalg.norm(towards))
    won = won_by(cosines[place])
    found: dict[str, Any] = dict(zip(SHARES, won.mean(axis=0).tolist(), strict=True))
    ends = zip(SHARES, _intervals(known, won, bootstrap, seed), strict=True)
    found |= {f"{share}_interval": each for share, each in ends}
    return replace(empty, **found)


@record_metric(
    "sembias",
    citation="Zhao, Zhou, Li, Wang & Chang 2018, EMNLP",
    family="geometry",
    better={
        "definition": "higher",
        "stereotype": "lower",
        "held_out_definition": "higher",
        "held_out_stereotype": "lower",
    },
    needs="he and she",
    has_null=True,
    of_pair=lambda embeddings, baseline, half, pair: _of_pair(embeddings, half, pair),
)
def records(measurement: Measurement) -> Iterator[Record]:
    """Three shares of questions: which pair of four is most like he : she.

    Of the 440 rows, and of the 40 that were held out.
    """
    effort = measurement.effort
    for prefix, held_out in (("", False), ("held_out_", True)):
        for half in HALVES:
            rows = load_sembias().half(half, held_out=held_out)
            seed = effort.seed_of("sembias", prefix, half)
            result = sembias(measurement.embeddings, rows, bootstrap=effort.bootstrap, seed=seed)
            for place, share in enumerate(SHARES):
                low, high = getattr(result, f"{share}_interval")
                extra: dict[str, Any] = {"value": getattr(result, share), "low": low, "high": high}
                extra |= {"coverage": result.coverage, "rows": result.rows}
                extra["inputs"] = Case(prefix + share, half, rows)
                record = Record.of(result, "sembias", prefix + share, half, extra)
                null = partial(_share_null, place=place, first=prefix + SHARES[0])
                yield with_null(record, null, measurement.yardsticks, effort)


def _of_pair(embeddings: Embeddings, half: Half, pair: Pair) -> dict[str, Number]:
    """Return the three shares, and those of the held-out rows, with another pair than he : she."""
    numbers: dict[str, Number] = {}
    for prefix, held_out in (("", False), ("held_out_", True)):
        rows = load_sembias().half(half, held_out=held_out)
        result = sembias(embeddings, rows, pair=pair, bootstrap=0)
        numbers |= {prefix + each: (getattr(result, each), result.reason) for each in SHARES}
    return numbers


def _share_null(
    drawn: NullCache, record: Record, effort: Resampling, *, place: int, first: str
) -> Matrix:
    """Return the null of one share; all three are drawn at once, with the seed of the first."""
    assert record.inputs is not None
    rows: Any = record.inputs.words
    seed = effort.seed_of("null", "sembias", first, record.words)
    shares = drawn.once(
        ("sembias", first, record.words, seed),
        lambda: sembias_null(drawn.words, rows, draws=RECORD_DRAWS, seed=seed),
    )
    values: Matrix = shares[:, place]
    return values


def sembias_null(
    words: RandomWords, rows: Sequence[SemBiasRow], *, draws: int = DRAWS, seed: int = 0
) -> Matrix:
    """Return the three shares of SemBias with two random words in the place of *he* and *she*.

    Here the words of the questions stay and the gender words are random; shape ``(draws, 3)``.
    """
    complete, _ = _complete(words.embeddings, rows)
    if len(complete) < MIN_WORDS:
        raise NotMeasuredError(f"{len(complete)} of {len(rows)} rows are in the vectors")
    asked = (word for row in complete for word in words_of(row))
    left = words.excluding(np.arange(len(words.rows)), find(words.embeddings, asked).rows)
    if len(left) < 2:
        raise NotMeasuredError(f"a null needs 2 words, {len(left)} are left")
    drawn = left[disjoint(len(left), 2, draws, np.random.default_rng(seed))]
    differences = words.unit[drawn[:, 0]] - words.unit[drawn[:, 1]]
    lengths = np.linalg.norm(differences, axis=1)
    same = lengths <= FLOAT32_NOISE  # two words of one vector have no difference
    place, axes = pairs_and_axes(words.embeddings, complete)
    cosines = (differences / np.where(same, 1.0, lengths)[:, None]) @ axes.T
    step, shares = max(1, BLOCK // place.size), np.empty((draws, 3))
    for start in range(0, draws, step):
        # Rows stand beside each other: numpy is slow along an axis of four.
        asked_of = cosines[start : start + step, place.T].transpose(0, 2, 1)
        shares[start : start + step] = won_by(asked_of).mean(axis=1)
    shares[same] = np.nan
    require_defined(shares[:, 0])
    return shares


def _complete(
    embeddings: Embeddings, rows: Sequence[SemBiasRow]
) -> tuple[list[SemBiasRow], tuple[str, ...]]:
    """Return the rows whose eight words all have a vector, and the words that have none."""
    missing = find(embeddings, (word for row in rows for word in words_of(row))).missing
    return [row for row in rows if not set(missing) & {*words_of(row)}], missing


def pairs_and_axes(
    embeddings: Embeddings, rows: Sequence[SemBiasRow]
) -> tuple[NDArray[np.intp], Matrix]:
    """Return which pairs the rows ask about, shape ``(n, 4)``, and the pairs' unit differences.

    The second, shape ``(pairs, d)``, holds ``(a − b) / ‖a − b‖`` of unit vectors, zeros where the
    two words have the same vector.

    Raises:
        NotMeasuredError: All-zero or collapsed vectors.
    """
    pairs = list(dict.fromkeys(each for row in rows for each in _pairs(row)))
    sides = zip(*find_pairs(embeddings, pairs).rows, strict=True)
    first, second = (unit_rows(embeddings, side) for side in sides)
    require_directions("the pairs", np.concatenate([first, second]))
    differences = first - second
    norms = np.linalg.norm(differences, axis=1, keepdims=True)
    axes = np.zeros_like(differences)
    np.divide(differences, norms, out=axes, where=norms > FLOAT32_NOISE)
    number = {pair: i for i, pair in enumerate(pairs)}
    return np.array([[number[each] for each in _pairs(row)] for row in rows]), axes


def won_by(scores: Matrix) -> Matrix:
    """Return who won each row: definition, stereotype, none; a row adds to 1.

    Args:
        scores: Cosines of the four pairs of each row, shape ``(…, n, 4)``.

    Returns:
        Shape ``(…, n, 3)``.
    """
    best = scores >= scores.max(axis=-1, keepdims=True) - _TIE
    won = best / best.sum(axis=-1, keepdims=True)
    return np.moveaxis(np.stack([won[..., 0], won[..., 1], won[..., 2] + won[..., 3]]), 0, -1)


def _intervals(rows: Sequence[SemBiasRow], won: Matrix, draws: int, seed: int) -> list[Interval]:
    if not draws:
        return [NO_INTERVAL] * 3
    rng = np.random.default_rng(seed)
    weights = np.ones((draws, len(rows)))
    for side in ([row.definition for row in rows], [row.stereotype for row in rows]):
        number = {pair: i for i, pair in enumerate(dict.fromkeys(side))}
        counts = resample_counts(len(number), draws, rng)
        weights *= counts[:, [number[pair] for pair in side]]
    totals = weights.sum(axis=1, keepdims=True)
    shares = np.full((draws, 3), np.nan)
    np.divide(weights @ won, totals, out=shares, where=totals > 0)
    return [percentile_interval(column) for column in shares.T]


def _pairs(row: SemBiasRow) -> tuple[Pair, Pair, Pair, Pair]:
    return row.definition, row.stereotype, *row.none


def words_of(row: SemBiasRow) -> Iterable[str]:
    """Return the eight words of a row."""
    return (word for pair in _pairs(row) for word in pair)


# Factual association ----------------------------------------------------------------------------


def _women(half: Half) -> Iterable[Case]:
    """Yield each list of occupations with the share of women in them."""
    for name in occupation_women_names():
        women = load_occupation_women(name)
        yield Case(name, half, women.half(half), gender_pairs(half), note={"year": women.year})


def _pearson(scores: Matrix) -> Matrix:
    """Pearson's r of two numbers a word, ``(b, n, 2) → (b,)``; NaN where one does not vary."""
    x, y = np.moveaxis(scores, -1, 0)
    return np.where(x.std(axis=1) > FLOAT32_NOISE, pearson_rows(x, y), np.nan)


def _correlations(look: Look) -> Mapping[str, Any]:
    (scores,) = look.sets
    x, y = scores.T
    return {
        "pearson": look.value(_pearson),
        "pearson_interval": look.interval(_pearson),
        "test": pearson_test(x, y, look.permutations, look.seed),
        "spearman": spearman(x, y),
        "spearman_interval": spearman_interval(x, y, look.bootstrap, look.seed),
    }


def _same(look: Look) -> str:
    if look.scores[:, 0].std() <= FLOAT32_NOISE:
        return "all occupations lean the same way: nothing to correlate"
    return "the share of women is the same in all occupations"


def _spearman(result: Measured, case: Case) -> Mapping[str, Any]:
    low, high = result.spearman_interval
    found = {"spearman": result.spearman, "spearman_low": low, "spearman_high": high}
    return {**found, **tested(result.test)}


@metric(
    "factual_association",
    title="factual association",
    citation="after Caliskan et al. 2017, Science 356, and Garg et al. 2018, PNAS 115",
    against="direction",
    better="near 0",
    family="geometry",
    needs="shares of women by occupation, definitional pairs",
    gender=_women,
    attribute=lambda attribute, half: (),  # there are no such shares
    of=("the list of occupations",),
    with_number=True,
    least=MIN_POINTS,
    value=_pearson,
    permutations=PERMUTATIONS,
    planted=None,
    all_missing=False,
    numbers={
        **dict.fromkeys(("pearson", "test", "spearman")),
        **dict.fromkeys(("pearson_interval", "spearman_interval"), NO_INTERVAL),
    },
    about=_correlations,
    extra=_spearman,
    undefined=_same,
)
def factual_association(
    embeddings: Embeddings, pairs: FoundPairs, *, method: Method = "pca"
) -> Score:
    """Correlation of ``cos(w, −g)`` of each occupation with the share of women in it.

    ``g`` points from female to male, so ``−g`` points to women. The words are a mapping of
    occupations to shares in any unit, see ``load_occupation_women``. On debiased vectors it gives
    what is left of the association. Exchanging the sides of all pairs negates it. A result has
    ``pearson`` (its value), ``spearman``, the ``…_interval`` of either over the occupations, and
    ``test``, a permutation test of Pearson's r.
    """
    direction = gender_direction(embeddings, pairs, method=method)
    return lambda rows: rows @ -direction


def factual_null(
    words: RandomWords, women: Sequence[float], pairs: Sequence[Pair], **more: Any
) -> Matrix:
    """Return Pearson's r of the given shares of women with random words in place of occupations."""
    return factual_association.null(words, pairs, numbers=women, **more)
