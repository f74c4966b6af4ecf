"""What metrics make of a planted bias: words with a dose, words like them without one.

A metric of words held against groups or pairs takes part by itself. By its definition it follows
the dose (it has a sign), the size of the dose, or nothing, where such an association cancels out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError
from debiaslab.metrics import registry
from debiaslab.metrics.association import sc_weat
from debiaslab.metrics.cases import Case, Groups, Pairs, gender_groups, gender_pairs
from debiaslab.metrics.neighbor_bias import (
    NeighborShares,
    biased_words,
    neighbor_bias,
    neighbor_shares,
)
from debiaslab.metrics.null import RandomWords, mean, null_band, null_from, random_words
from debiaslab.metrics.registry import ListMetric, list_metrics
from debiaslab.metrics.rnsb import SPLITS, rnsb, rnsb_null
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.vocabulary import FLOAT32_NOISE, find, unit_rows
from debiaslab.metrics.weat import WeatResult, weat, weat_null
from debiaslab.metrics.word_metric import WordMetric
from debiaslab.statistics.bootstrap import pearson_rows
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]
Follows = Literal["dose", "size", "less", "nothing"]

PLANTED, CONTROL = "planted", "control"
DRAWS = 2_000

_ORDER: tuple[Follows, ...] = ("dose", "size", "less", "nothing")
_RECORDS = {"bias_by_projection": "projection"}  # names of the control's records that differ


class Words(Protocol):
    """The words of a control: see ``study.planting.PlantedWords``."""

    @property
    def chosen(self) -> tuple[str, ...]:
        """The words a bias is planted in."""

    @property
    def control(self) -> tuple[str, ...]:
        """Words that no dose is given."""

    @property
    def other(self) -> tuple[str, ...]:
        """More of these."""

    @property
    def pool(self) -> tuple[str, ...]:
        """The words that random sets are drawn from."""


@dataclass(frozen=True)
class PlantedMetric:
    """A metric of the control.

    Attributes:
        metric: As in the records.
        label: For tables and figures.
        follows: What it should follow by its definition: the dose, the size of the dose (upward,
            or with ``"less"`` downward), or (when such an association cancels out) nothing.
        measure: Returns its record.
    """

    metric: str
    label: str
    follows: Follows
    measure: Callable[[PlantedSubject], Record]


def planted_metrics(*, apart: bool) -> tuple[PlantedMetric, ...]:
    """Return what is measured, by whether the chosen words are pulled to both sides.

    Words that are pulled to both sides have no common lean, so that metrics with a sign show
    nothing: what is measured of these is their size, where they have one.
    """
    own = _APART if apart else _TOGETHER
    found = [*_BOTH[:2], *own, *_BOTH[2:]]
    for metric in list_metrics():
        follows = _follows(metric, apart)
        if follows is not None:
            name = _RECORDS.get(metric.name, metric.name)
            sized = apart and _signed(metric) is not metric
            measured = metric if apart else _signed(metric)
            found.append(
                PlantedMetric(
                    f"{name}_size" if sized else name,
                    f"{metric.label}, size" if sized else metric.label,
                    follows,
                    _measure_of(measured, f"{name}_size" if sized else name),
                )
            )
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.follows)))


def measure_planted(
    embeddings: Embeddings, words: Words, *, apart: bool = False, seed: int = 0
) -> Scorecard:
    """Measure the chosen words and the control words with every metric that takes words.

    Metrics that have a sign are positive for male. WEAT compares the chosen words with the control
    words, and the control words with others without a dose; RNSB takes the two sets
    together. ``extra`` has ``null_median``, ``null_low`` and ``null_high``: the middle 95 % of what
    random words of the pool show in the same vectors, ``null_undefined`` how many of their sets
    were left out because the metric is undefined for them, ``null_zeros`` how many words of the
    pool were never drawn because their vector is all zeros; without a null, ``null_reason`` is why.

    Args:
        embeddings: The vectors.
        words: The words.
        apart: Whether every other chosen word was pulled to the other side. Measured is then what
            tells words of one list apart; WEAT compares its two halves.
        seed: Seed of the random words.
    """
    pool = random_words(embeddings, set(embeddings.words) - set(words.pool), len(embeddings.words))
    # The lean of their neighbours, in vectors that are their own baseline.
    listed = (*words.chosen, *words.pool)
    near = neighbor_shares(embeddings, embeddings, biased_words(embeddings), listed)
    subjects = (
        PlantedSubject(PLANTED, embeddings, words.chosen, words.control, pool, near, seed, apart),
        PlantedSubject(CONTROL, embeddings, words.control, words.other, pool, near, seed, apart),
    )
    measures = planted_metrics(apart=apart)
    return Scorecard(
        "planted", tuple(each.measure(subject) for subject in subjects for each in measures)
    )


@dataclass(frozen=True)
class PlantedSubject:
    """One set of words, and what it is held against.

    Attributes:
        name: ``planted`` or ``control``.
        embeddings: The vectors.
        words: The words.
        against: The second targets of WEAT, and the other half of what RNSB compares.
        pool: The words that random sets are drawn from.
        neighbors: The lean of the neighbours of all words, those of the pool among them.
        seed: Seed of the random sets.
        apart: Whether every other word has the opposite dose.
    """

    name: str
    embeddings: Embeddings
    words: Sequence[str]
    against: Sequence[str]
    pool: RandomWords
    neighbors: NeighborShares
    seed: int
    apart: bool = False

    @property
    def targets(self) -> tuple[Sequence[str], Sequence[str]]:
        """X and Y of WEAT."""
        return (self.words[::2], self.words[1::2]) if self.apart else (self.words, self.against)

    @cached_property
    def groups(self) -> dict[str, Sequence[str]]:
        """The male and the female words."""
        return gender_groups("all")

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs that give the gender direction."""
        return gender_pairs("all")

    @cached_property
    def lean(self) -> Array:
        """WEAT's ``s(w, male, female)`` of the words of the pool, shape ``(m,)``."""
        male, female = (
            unit_rows(self.embeddings, find(self.embeddings, words).rows)
            for words in self.groups.values()
        )
        return self.pool.cosines(male.mean(axis=0) - female.mean(axis=0))

    @cached_property
    def size(self) -> int:
        """How many of the words have a vector."""
        return len(find(self.embeddings, self.words).words)

    @cached_property
    def male_shares(self) -> dict[str, float]:
        """The share of male-leaning words among the neighbours of each word."""
        return dict(zip(self.neighbors.words, self.neighbors.shares, strict=True))

    @property
    def pool_shares(self) -> Array:
        """The same of the words of the pool."""
        names = (self.embeddings.words[row] for row in self.pool.rows)
        return np.array([self.male_shares[name] for name in names if name in self.male_shares])

    def mean_null(self, scores: Array) -> Array:
        """Return the mean score of random sets as large as the words."""
        return null_from(mean, scores, (self.size,), draws=DRAWS, seed=self.seed)

    def record(
        self,
        metric: str,
        value: float | None,
        result: Any,
        null: Callable[[Record], Array],
        inputs: Case | None = None,
    ) -> Record:
        """Return the record of a metric with what random words show, see ``measure_planted``."""
        names = ("median", "low", "high", "undefined", "zeros", "reason")
        record = Record(
            metric=metric,
            name=self.name,
            words="all",
            value=value,
            n=self.size,
            missing=result.missing,
            reason=result.reason,
            extra={f"null_{name}": None for name in names},
            inputs=inputs,
        )
        if value is None:
            return record
        try:
            band = null_band(null(record))
        except NotMeasuredError as problem:  # the value stands without a null
            return replace(record, extra={**record.extra, "null_reason": str(problem)})
        found = {
            "null_median": band.median,
            "null_low": band.low,
            "null_high": band.high,
            "null_undefined": band.undefined,
            "null_zeros": self.pool.zeros,
        }
        return replace(record, extra={**record.extra, **found})


# Metrics of word lists, by themselves ---------------------------------------------------------


def _signed(metric: ListMetric) -> ListMetric:
    return metric.signed if isinstance(metric, WordMetric) else metric


def _follows(metric: ListMetric, apart: bool) -> Follows | None:
    """Return what a metric follows by its definition; None where it cannot be asked."""
    if not (metric.has_null and metric.planted):
        return None
    sign = metric.better == "near 0"
    if apart:
        known: dict[Any, Follows] = {"lower": "size", "higher": "less", "near null": "nothing"}
        return known.get(metric.better)
    if metric.planted != "as defined":
        return metric.planted
    if sign or _signed(metric) is not metric:
        return "dose"
    return "size" if metric.better == "lower" else "nothing"


def _measure_of(metric: ListMetric, name: str) -> Callable[[PlantedSubject], Record]:
    draws = DRAWS if metric.draws == registry.DRAWS else metric.draws

    def measure(subject: PlantedSubject) -> Record:
        case = Case(subject.name, "all", subject.words, _held(metric, subject))
        result = metric.measure(subject.embeddings, case)
        return subject.record(
            name,
            result.value,
            result,
            lambda record: metric.null_of(subject.pool, record, draws=draws, seed=subject.seed),
            case,
        )

    return measure


def _held(metric: ListMetric, subject: PlantedSubject) -> Groups | Pairs:
    """Return what words are held against, so that a positive number is male."""
    if not isinstance(metric, WordMetric) or metric.against in ("pairs", "direction"):
        return subject.pairs
    return dict(reversed(subject.groups.items())) if metric.positive else subject.groups


# Those that are asked in another way ----------------------------------------------------------


def _weat(subject: PlantedSubject) -> WeatResult:
    male, female = subject.groups.values()
    return weat(subject.embeddings, *subject.targets, male, female, permutations=0, bootstrap=0)


def _weat_statistic(subject: PlantedSubject) -> Record:
    """WEAT's s of the words against others; with ``apart``, of their two halves."""
    result = _weat(subject)
    male, female = subject.groups.values()

    def null(record: Record) -> Array:
        sizes = result.n[:2]
        return weat_null(subject.pool, male, female, sizes, draws=DRAWS, seed=subject.seed)

    return subject.record("weat_statistic", result.statistic, result, null)


def _weat_d(subject: PlantedSubject) -> Record:
    """WEAT's d of the same sets."""
    result = _weat(subject)

    def null(record: Record) -> Array:
        sizes = result.n[:2]
        return null_from(_effect_size, subject.lean, sizes, draws=DRAWS, seed=subject.seed)

    return subject.record("weat_d", result.effect_size, result, null)


def _effect_size(x: Array, y: Array) -> Array:
    """Return WEAT's d of random target sets from their associations, ``(b, n) → (b,)``."""
    spreads = np.concatenate([x, y], axis=1).std(axis=1, ddof=1)
    sizes = np.full(len(x), np.nan)
    np.divide(mean(x) - mean(y), spreads, out=sizes, where=spreads > FLOAT32_NOISE)
    return sizes


def _association(subject: PlantedSubject) -> Record:
    """Mean of ``s(w)``, in cosine units."""
    male, female = subject.groups.values()
    result = sc_weat(subject.embeddings, subject.words, male, female, permutations=0, bootstrap=0)
    found = [word.statistic for word in result.words]
    value = float(np.mean(found)) if found else None
    return subject.record(
        "association", value, result, lambda record: subject.mean_null(subject.lean)
    )


def _classifier(subject: PlantedSubject) -> Record:
    """RNSB of a classifier that learnt male against female words in place of sentiment.

    How unequally it treats the words with the dose and those without: with the words alone a
    dose that they share would cancel out.
    """
    words = subject.words if subject.apart else (*subject.words, *subject.against)
    male, female = subject.groups.values()
    seed = subject.seed
    result = rnsb(subject.embeddings, words, female, male, repeats=SPLITS, seed=seed)

    def null(record: Record) -> Array:
        given = (subject.pool, result.n, female, male)
        return rnsb_null(*given, repeats=SPLITS, draws=DRAWS, seed=seed)

    return subject.record("rnsb", result.value, result, null)


def _factual(subject: PlantedSubject) -> Record:
    """Hold the words' bias against the planted "shares of women", 0 % and 100 % in turn."""
    first, second = subject.targets
    women = {**dict.fromkeys(first, 0.0), **dict.fromkeys(second, 100.0)}
    case = Case(subject.name, "all", women, subject.pairs)
    metric = registry.get("factual_association")
    assert isinstance(metric, ListMetric)
    result = metric.measure(subject.embeddings, case)
    return subject.record(
        metric.name,
        result.value,
        result,
        lambda record: metric.null_of(subject.pool, record, draws=DRAWS, seed=subject.seed),
        case,
    )


def _neighbors(subject: PlantedSubject) -> Record:
    """Mean share of male-leaning words among the neighbours, as in the third lipstick test."""
    shares = [subject.male_shares[word] for word in subject.words if word in subject.male_shares]
    value = float(np.mean(shares)) if shares else None
    return subject.record(
        "neighbors",
        value,
        subject.neighbors,
        lambda record: subject.mean_null(subject.pool_shares),
    )


def _neighbors_r(subject: PlantedSubject) -> Record:
    """Pearson's r of that share with the side a word was pulled to: the third lipstick test.

    Its labels are the sides that were planted, in place of the bias before debiasing.
    """
    sides = {
        word: side
        for side, words in zip((1.0, -1.0), subject.targets, strict=True)
        for word in words
        if word in subject.male_shares
    }
    shares = tuple(subject.male_shares[word] for word in sides)
    measured = replace(
        subject.neighbors, words=tuple(sides), bias=tuple(sides.values()), shares=shares
    )
    result = neighbor_bias(measured, permutations=0, bootstrap=0)

    def null(record: Record) -> Array:
        labels = np.array(measured.bias)
        return null_from(
            lambda drawn: pearson_rows(drawn, labels),
            subject.pool_shares,
            (result.n,),
            draws=DRAWS,
            seed=subject.seed,
        )

    return subject.record("neighbors_r", result.value, result, null)


_BOTH = (
    PlantedMetric("weat_statistic", "WEAT s", "dose", _weat_statistic),
    PlantedMetric("weat_d", "WEAT d", "dose", _weat_d),
    PlantedMetric("rnsb", "RNSB", "size", _classifier),
)
_TOGETHER = (
    PlantedMetric("association", "mean association", "dose", _association),
    PlantedMetric("neighbors", "male neighbours", "dose", _neighbors),
)
_APART = (
    PlantedMetric("factual_association", "factual association r", "dose", _factual),
    PlantedMetric("neighbors_r", "male neighbours r", "dose", _neighbors_r),
)
