"""The bias metrics that take words, on words with a planted bias and on words without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import load, load_pairs
from debiaslab.metrics import Record, Scorecard
from debiaslab.metrics.bias_by_projection import bias_by_projection
from debiaslab.metrics.direct_bias import direct_bias, gender_direction
from debiaslab.metrics.ect import ect
from debiaslab.metrics.factual import factual_association
from debiaslab.metrics.mac import mac
from debiaslab.metrics.measured import FLOAT32_NOISE, NotMeasuredError
from debiaslab.metrics.null import RandomWords, mean, null_from, random_words
from debiaslab.metrics.null_band import null_band
from debiaslab.metrics.null_metrics import (
    direct_bias_null,
    ect_null,
    factual_null,
    mac_null,
    rnd_null,
    same_null,
    weat_null,
)
from debiaslab.metrics.ripa import relation_vector, ripa, ripa_scores
from debiaslab.metrics.rnd import Distance, rnd
from debiaslab.metrics.same import same
from debiaslab.metrics.sc_weat import ScWeat, sc_weat, single_category
from debiaslab.metrics.scorecard import finite
from debiaslab.metrics.vocabulary import find, unit_rows
from debiaslab.metrics.weat import WeatResult, weat
from debiaslab.study.planted_words import PlantedWords

Array = NDArray[np.float64]

PLANTED, CONTROL = "planted", "control"
DRAWS = 2_000
PAIRS = "definitional_pairs"


class Result(Protocol):
    """What every result of a metric has."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Words without a vector."""

    @property
    def reason(self) -> str | None:
        """Why there is no value."""


def measure_planted(
    embeddings: Embeddings, words: PlantedWords, *, apart: bool = False, seed: int = 0
) -> Scorecard:
    """Measure the chosen words and the control words with every metric that takes words.

    Metrics that have a sign are positive for male. WEAT compares the chosen words with the control
    words, and for the control words two sets of words that are left alone. ``extra`` has
    ``null_median``, ``null_low`` and ``null_high``: the middle 95 % of what random words of the
    pool show in the same vectors; None where they cannot be drawn.

    Args:
        embeddings: The vectors.
        words: The words, see ``planted_words``.
        apart: Whether every other chosen word was pulled to the other side. Measured is then what
            tells words of one list apart; WEAT compares its two halves.
        seed: Seed of the random words.
    """
    pool = random_words(embeddings, set(embeddings.words) - set(words.pool), len(embeddings.words))
    subjects = (
        _Subject(PLANTED, embeddings, words.chosen, words.control, pool, seed, apart),
        _Subject(CONTROL, embeddings, words.control, words.other, pool, seed, apart),
    )
    metrics = _METRICS_APART if apart else _METRICS
    return Scorecard(
        "planted", tuple(metric(subject) for subject in subjects for metric in metrics)
    )


@dataclass(frozen=True)
class _Subject:
    name: str
    embeddings: Embeddings
    words: Sequence[str]
    against: Sequence[str]  # the second targets of WEAT
    pool: RandomWords
    seed: int
    apart: bool = False

    @property
    def targets(self) -> tuple[Sequence[str], Sequence[str]]:
        """X and Y of WEAT."""
        return (self.words[::2], self.words[1::2]) if self.apart else (self.words, self.against)

    @cached_property
    def groups(self) -> dict[str, Sequence[str]]:
        return {side: load(f"{side}_words").words for side in ("male", "female")}

    @cached_property
    def reversed_groups(self) -> dict[str, Sequence[str]]:
        """The female words first: RND is positive when words are nearer to the second group."""
        return dict(reversed(self.groups.items()))

    @cached_property
    def unit(self) -> tuple[Array, Array]:
        """Unit vectors of the male and the female words."""
        male, female = (
            unit_rows(self.embeddings, find(self.embeddings, words).rows)
            for words in self.groups.values()
        )
        return male, female

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        return load_pairs(PAIRS).pairs

    def mean_null(self, scores: Array) -> Array:
        return null_from(mean, scores, (self.size,), draws=DRAWS, seed=self.seed)

    @cached_property
    def size(self) -> int:
        return len(find(self.embeddings, self.words).words)

    def record(
        self, metric: str, value: float | None, result: Result, null: Callable[[], Array]
    ) -> Record:
        extra: dict[str, float | None] = dict.fromkeys(("null_median", "null_low", "null_high"))
        if value is not None:
            try:
                band = null_band(null())
                extra = {
                    "null_median": band.median,
                    "null_low": band.low,
                    "null_high": band.high,
                }
            except NotMeasuredError:  # the value stands without a null
                pass
        return Record(
            metric=metric,
            name=self.name,
            words="all",
            value=finite(value),
            n=self.size,
            missing=result.missing,
            reason=result.reason,
            extra=extra,
        )


def _weat_result(subject: _Subject) -> WeatResult:
    male, female = subject.groups.values()
    return weat(
        *(subject.embeddings, *subject.targets, male, female),
        permutations=0,
        bootstrap=0,
    )


def _weat_statistic(subject: _Subject) -> Record:
    result = _weat_result(subject)
    male, female = subject.groups.values()

    def null() -> Array:
        sizes = result.n[:2]
        return weat_null(subject.pool, male, female, sizes, draws=DRAWS, seed=subject.seed)

    return subject.record("weat_statistic", result.statistic, result, null)


def _weat_d(subject: _Subject) -> Record:
    result = _weat_result(subject)

    def null() -> Array:
        male, female = subject.unit
        scores = subject.pool.cosines(male.mean(axis=0) - female.mean(axis=0))
        return null_from(_effect_size, scores, result.n[:2], draws=DRAWS, seed=subject.seed)

    return subject.record("weat_d", result.effect_size, result, null)


def _sc_weat_result(subject: _Subject) -> ScWeat:
    male, female = subject.groups.values()
    return sc_weat(subject.embeddings, subject.words, male, female, permutations=0, bootstrap=0)


def _association(subject: _Subject) -> Record:
    result = _sc_weat_result(subject)
    found = [word.statistic for word in result.words]

    def null() -> Array:
        male, female = subject.unit
        return subject.mean_null(subject.pool.cosines(male.mean(axis=0) - female.mean(axis=0)))

    return subject.record("association", float(np.mean(found)) if found else None, result, null)


def _sc_weat(subject: _Subject) -> Record:
    result = _sc_weat_result(subject)
    return subject.record(
        "sc_weat",
        result.signed,
        result,
        lambda: subject.mean_null(single_category(subject.pool.unit, *subject.unit)[1]),
    )


def _projection(subject: _Subject) -> Record:
    result = bias_by_projection(subject.embeddings, subject.words, subject.pairs, bootstrap=0)

    def null() -> Array:
        direction = gender_direction(subject.embeddings, subject.pairs)
        return subject.mean_null(subject.pool.cosines(direction))

    return subject.record("projection", result.value, result, null)


def _ripa(subject: _Subject) -> Record:
    result = ripa(subject.embeddings, subject.words, subject.pairs, bootstrap=0)

    def null() -> Array:
        index, vectors = subject.embeddings.index, subject.embeddings.vectors
        known = [pair for pair in subject.pairs if set(pair) <= index.keys()]
        male, female = ([index[word] for word in side] for side in zip(*known, strict=True))
        differences = vectors[male].astype(np.float64) - vectors[female].astype(np.float64)
        return subject.mean_null(ripa_scores(subject.pool.raw, relation_vector(differences)))

    return subject.record("ripa", result.signed, result, null)


def _rnd(subject: _Subject, distance: Distance) -> Record:
    groups = subject.reversed_groups
    result = rnd(subject.embeddings, subject.words, groups, distance=distance, bootstrap=0)
    return subject.record(
        f"rnd_{distance}",
        result.value,
        result,
        lambda: rnd_null(
            subject.pool, groups, subject.size, distance=distance, draws=DRAWS, seed=subject.seed
        ),
    )


def _rnd_norm(subject: _Subject) -> Record:
    return _rnd(subject, "norm")


def _rnd_cosine(subject: _Subject) -> Record:
    return _rnd(subject, "cosine")


def _direct_bias(subject: _Subject) -> Record:
    result = direct_bias(subject.embeddings, subject.words, subject.pairs, bootstrap=0)
    return subject.record(
        "direct_bias",
        result.value,
        result,
        lambda: direct_bias_null(
            subject.pool, subject.pairs, subject.size, draws=DRAWS, seed=subject.seed
        ),
    )


def _same(subject: _Subject) -> Record:
    result = same(subject.embeddings, subject.words, subject.groups, bootstrap=0)
    return subject.record(
        "same",
        result.value,
        result,
        lambda: same_null(
            subject.pool, subject.groups, subject.size, draws=DRAWS, seed=subject.seed
        ),
    )


def _ect(subject: _Subject) -> Record:
    result = ect(subject.embeddings, subject.words, subject.groups, bootstrap=0)
    return subject.record(
        "ect",
        result.value,
        result,
        lambda: ect_null(
            subject.pool, subject.groups, subject.size, draws=DRAWS, seed=subject.seed
        ),
    )


def _mac(subject: _Subject) -> Record:
    result = mac(subject.embeddings, subject.words, subject.groups, bootstrap=0)
    return subject.record(
        "mac",
        result.value,
        result,
        lambda: mac_null(
            subject.pool, subject.groups, subject.size, draws=DRAWS, seed=subject.seed
        ),
    )


def _sc_weat_size(subject: _Subject) -> Record:
    result = _sc_weat_result(subject)
    return subject.record(
        "sc_weat_size",
        result.value,
        result,
        lambda: subject.mean_null(np.abs(single_category(subject.pool.unit, *subject.unit)[1])),
    )


def _factual(subject: _Subject) -> Record:
    """Hold the words' bias against the planted "shares of women", 0 % and 100 % in turn."""
    first, second = subject.targets
    women = {**dict.fromkeys(first, 0.0), **dict.fromkeys(second, 100.0)}
    result = factual_association(
        subject.embeddings, women, subject.pairs, permutations=0, bootstrap=0
    )
    shares = [share for word, share in women.items() if word not in result.missing]
    return subject.record(
        "factual_association",
        result.pearson,
        result,
        lambda: factual_null(subject.pool, shares, subject.pairs, draws=DRAWS, seed=subject.seed),
    )


_METRICS: tuple[Callable[[_Subject], Record], ...] = (
    _weat_statistic,
    _weat_d,
    _association,
    _sc_weat,
    _projection,
    _ripa,
    _rnd_norm,
    _rnd_cosine,
    _direct_bias,
    _same,
    _ect,
    _mac,
)
_METRICS_APART: tuple[Callable[[_Subject], Record], ...] = (
    _weat_statistic,
    _weat_d,
    _factual,
    _sc_weat_size,
    _direct_bias,
    _same,
    _ect,
    _mac,
)


def _effect_size(x: Array, y: Array) -> Array:
    """Return WEAT's d of random target sets from their associations, ``(b, n) → (b,)``."""
    spreads = np.concatenate([x, y], axis=1).std(axis=1, ddof=1)
    sizes = np.full(len(x), np.nan)
    np.divide(mean(x) - mean(y), spreads, out=sizes, where=spreads > FLOAT32_NOISE)
    return sizes
