"""What metrics make of a planted bias: words with a dose, words like them without one.

A metric of words measured against groups or pairs takes part. By its definition it follows
the dose (it has a sign), the size of the dose, or nothing, where such an association cancels out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from debiaslab.metrics import registry
from debiaslab.metrics.cases import Case, Groups, Pairs, Resampling, gender_groups, gender_pairs
from debiaslab.metrics.neighbor_bias import (
    NeighborShares,
    biased_words,
    neighbor_bias,
    neighbor_shares,
)
from debiaslab.metrics.null import NullCache, RandomWords, mean, null_from, random_words, with_null
from debiaslab.metrics.registry import ListMetric, list_metrics
from debiaslab.metrics.rnsb import SPLITS, rnsb, rnsb_null
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.sembias import factual_association
from debiaslab.metrics.vocabulary import Result, find
from debiaslab.metrics.weat import effect_size, weat
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
    """A metric of the control."""

    metric: str  # as in the records
    label: str  # for tables and figures
    # what it should follow by its definition: the dose, the size of the dose (upward, or with
    # ``"less"`` downward), or (when such an association cancels out) nothing
    follows: Follows
    measure: Callable[[PlantedSubject], Record]  # returns its record


def planted_metrics(*, apart: bool) -> tuple[PlantedMetric, ...]:
    """Return what is measured, by whether the chosen words are pulled to both sides.

    Words that are pulled to both sides have no common lean, so that metrics with a sign show
    nothing: what is measured of these is their size, where they have one.
    """
    found = [*_BOTH[:2], *(_APART if apart else _TOGETHER), *_BOTH[2:]]
    for metric in list_metrics():
        follows = _follows(metric, apart)
        if follows is not None:
            signed = _signed(metric)
            sized = "_size" if apart and signed is not metric else ""
            name = _RECORDS.get(metric.name, metric.name) + sized
            label = f"{metric.label}, size" if sized else metric.label
            measure = _measure_of(metric if apart else signed, name)
            found.append(PlantedMetric(name, label, follows, measure))
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.follows)))


def measure_planted(
    embeddings: Embeddings, words: Words, *, apart: bool = False, seed: int = 0
) -> Scorecard:
    """Measure the chosen words and the control words with every metric that takes words.

    Metrics that have a sign are positive for male. WEAT compares the chosen words with the control
    words, and the control words with others without a dose; RNSB takes the two sets together.
    ``extra`` has what random words of the pool show in the same vectors, see ``null.with_null``.

    Args:
        apart: Whether every other chosen word was pulled to the other side. Measured is then what
            tells words of one list apart; WEAT compares its two halves.
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
    """One set of words, and what it is measured against."""

    name: str  # ``planted`` or ``control``
    embeddings: Embeddings
    words: Sequence[str]
    against: Sequence[str]  # the second targets of WEAT, and the other half of what RNSB compares
    pool: RandomWords  # the words that random sets are drawn from
    # the lean of the neighbours of all words, those of the pool among them
    neighbors: NeighborShares
    seed: int  # seed of the random sets
    apart: bool = False  # whether every other word has the opposite dose

    @property
    def targets(self) -> dict[str, Sequence[str]]:
        """X and Y of WEAT: the words against others, with ``apart`` their two halves."""
        both = (self.words[::2], self.words[1::2]) if self.apart else (self.words, self.against)
        return dict(zip("XY", both, strict=True))

    @property
    def women(self) -> dict[str, float]:
        """The planted "shares of women" of the targets, 0 % and 100 %."""
        first, second = self.targets.values()
        return {**dict.fromkeys(first, 0.0), **dict.fromkeys(second, 100.0)}

    @cached_property
    def groups(self) -> dict[str, Sequence[str]]:
        """The male and the female words."""
        return gender_groups("all")

    @cached_property
    def male_shares(self) -> dict[str, float]:
        """The share of male-leaning words among the neighbours of each word."""
        return dict(zip(self.neighbors.words, self.neighbors.shares, strict=True))

    @property
    def pool_shares(self) -> Array:
        """The same of the words of the pool."""
        names = (self.embeddings.words[row] for row in self.pool.rows)
        return np.array([self.male_shares[name] for name in names if name in self.male_shares])

    def record(
        self,
        metric: str,
        result: Result,
        null: Callable[[Record], Array],
        case: Case | None = None,
        **extra: Any,
    ) -> Record:
        """Return the record of a metric with what random words show, see ``measure_planted``."""
        own = {"n": len(find(self.embeddings, self.words).words), "low": None, "high": None}
        record = Record.of(result, metric, self.name, "all", {**own, **extra, "inputs": case})
        effort, yardstick = Resampling(self.seed, 0, 0, null=True), NullCache(self.pool)
        return with_null(record, lambda *_: null(record), [yardstick], effort)


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


def _measure_of(
    metric: ListMetric,
    name: str,
    words: Callable[[PlantedSubject], Any] = lambda subject: subject.words,
) -> Callable[[PlantedSubject], Record]:
    """Return what measures a metric of word lists, and draws its null from the same metric."""
    draws = DRAWS if metric.draws >= registry.DRAWS else metric.draws

    def measure(subject: PlantedSubject) -> Record:
        case = Case(subject.name, "all", words(subject), _held(metric, subject))
        result = metric.measure(subject.embeddings, case)

        def null(record: Record) -> Array:
            return metric.null_of(subject.pool, record, draws=draws, seed=subject.seed)

        sizes = getattr(result, "numbers", {}).get("sizes")
        more = {} if sizes is None else {"sizes": list(sizes)}
        return subject.record(name, result, null, case, **more)

    return measure


def _held(metric: ListMetric, subject: PlantedSubject) -> Groups | Pairs:
    """Return what words are measured against, so that a positive number is male."""
    if not isinstance(metric, WordMetric) or metric.against in ("pairs", "direction"):
        return gender_pairs("all")
    return dict(reversed(subject.groups.items())) if metric.positive else subject.groups


# Those that are asked in another way ----------------------------------------------------------


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

    return subject.record("rnsb", result, null)


def _neighbors(subject: PlantedSubject) -> Record:
    """Mean share of male-leaning words among the neighbours, as in the third lipstick test."""
    near = subject.neighbors
    shares = [subject.male_shares[word] for word in subject.words if word in subject.male_shares]
    value = float(np.mean(shares)) if shares else None
    result = Result(value, missing=near.missing, reason=near.reason)

    def null(record: Record) -> Array:
        pool = subject.pool_shares
        return null_from(mean, pool, (record.n,), draws=DRAWS, seed=subject.seed)

    return subject.record("neighbors", result, null)


def _neighbors_r(subject: PlantedSubject) -> Record:
    """Pearson's r of that share with the side a word was pulled to: the third lipstick test.

    Its labels are the sides that were planted, in place of the bias before debiasing.
    """
    sides = {
        word: side
        for side, words in zip((1.0, -1.0), subject.targets.values(), strict=True)
        for word in words
        if word in subject.male_shares
    }
    shares = tuple(subject.male_shares[word] for word in sides)
    measured = replace(
        subject.neighbors, words=tuple(sides), bias=tuple(sides.values()), shares=shares
    )
    result = neighbor_bias(measured, permutations=0, bootstrap=0)
    labels = np.array(measured.bias)

    def null(record: Record) -> Array:
        return null_from(
            lambda drawn: pearson_rows(drawn, labels),
            subject.pool_shares,
            (result.n,),
            draws=DRAWS,
            seed=subject.seed,
        )

    return subject.record("neighbors_r", result, null)


_WEAT_D = replace(
    weat, value=effect_size, undefined="all targets have the same association: no spread for d"
)
_ASSOCIATION = replace(weat, of=("the word list",), least=1, value=mean, about=None)

_BOTH = (
    PlantedMetric(
        *("weat_statistic", "WEAT s", "dose"),
        _measure_of(weat, "weat_statistic", lambda subject: subject.targets),
    ),
    PlantedMetric(
        *("weat_d", "WEAT d", "dose"),
        _measure_of(_WEAT_D, "weat_d", lambda subject: subject.targets),
    ),
    PlantedMetric("rnsb", "RNSB", "size", _classifier),
)
_TOGETHER = (
    PlantedMetric(
        *("association", "mean association", "dose"), _measure_of(_ASSOCIATION, "association")
    ),
    PlantedMetric("neighbors", "male neighbours", "dose", _neighbors),
)
_APART = (
    PlantedMetric(
        *("factual_association", "factual association r", "dose"),
        _measure_of(factual_association, "factual_association", lambda subject: subject.women),
    ),
    PlantedMetric("neighbors_r", "male neighbours r", "dose", _neighbors_r),
)
