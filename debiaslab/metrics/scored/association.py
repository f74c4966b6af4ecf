"""Scorecard records of the other association metrics, on occupations and gender words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from debiaslab.lexicons import Half, load, load_pairs
from debiaslab.metrics.ect import Ect, ect
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.mac import Mac, mac
from debiaslab.metrics.ripa import Ripa, ripa
from debiaslab.metrics.rnd import Distance, Rnd, rnd
from debiaslab.metrics.rnsb import Rnsb, rnsb
from debiaslab.metrics.same import Same, same
from debiaslab.metrics.sc_weat import DRAWS, ScWeat, sc_weat
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.vectors.embeddings import Embeddings

OCCUPATIONS = "occupations"
GENDER = "gender"
DEFINITIONAL_PAIRS = "definitional_pairs"

SPLITS = 20
OVER_SPLITS = "2.5 % and 97.5 % over splits"
"""What the interval of RNSB is."""

Result = ScWeat | Same | Rnd | Mac | Ect | Ripa | Rnsb


def records(embeddings: Embeddings, effort: Effort) -> Iterator[Record]:
    """Yield SC-WEAT, SAME, RND, MAC, ECT, RIPA and RNSB on all, tune and report words.

    Occupations are held against male and female words (RIPA: definitional pairs); RNSB compares
    male and female words by sentiment. All lists of a record are of its half, but for the sentiment
    words of RNSB: half of them would not train a classifier. What random words show in the place of
    the occupations comes from ``nulls.with_nulls``.
    """
    for half in HALVES:
        subject = _Subject(embeddings, effort, half)
        for measure in _MEASURES:
            yield measure(subject)


@dataclass(frozen=True)
class _Subject:
    embeddings: Embeddings
    effort: Effort
    half: Half

    @cached_property
    def occupations(self) -> Sequence[str]:
        return load(OCCUPATIONS).half(self.half)

    @cached_property
    def groups(self) -> dict[str, Sequence[str]]:
        return {side: load(f"{side}_words").half(self.half) for side in ("male", "female")}

    def seed(self, metric: str) -> int:
        return self.effort.seed_of(metric, OCCUPATIONS, self.half)

    def record(self, metric: str, name: str, result: Result, **extra: Any) -> Record:
        low, high = result.interval
        return Record(
            metric=metric,
            name=name,
            words=self.half,
            value=finite(result.value),
            low=low,
            high=high,
            n=result.n,
            missing=result.missing,
            reason=result.reason,
            extra=extra,
        )


def _sc_weat(subject: _Subject) -> Record:
    male, female = subject.groups.values()
    result = sc_weat(
        subject.embeddings,
        subject.occupations,
        male,
        female,
        permutations=min(subject.effort.permutations, DRAWS),
        bootstrap=subject.effort.bootstrap,
        seed=subject.seed("sc_weat"),
    )
    record = subject.record(
        "sc_weat",
        OCCUPATIONS,
        result,
        statistic=finite(result.statistic),
        signed=finite(result.signed),
        significant=finite(result.significant),
        permutations=result.permutations,
        p_floor=result.p_floor,
        sizes=list(result.sizes),
    )
    return replace(record, method=result.method)


def _same(subject: _Subject) -> Record:
    result = same(
        subject.embeddings,
        subject.occupations,
        subject.groups,
        bootstrap=subject.effort.bootstrap,
        seed=subject.seed("same"),
    )
    pair = result.pairs[0] if result.pairs else None
    return subject.record(
        "same",
        OCCUPATIONS,
        result,
        skew=None if pair is None else finite(pair.skew),
        stereotype=None if pair is None else finite(pair.stereotype),
    )


def _rnd(subject: _Subject, distance: Distance) -> Record:
    metric = f"rnd_{distance}"
    result = rnd(
        subject.embeddings,
        subject.occupations,
        subject.groups,
        distance=distance,
        bootstrap=subject.effort.bootstrap,
        seed=subject.seed(metric),
    )
    return subject.record(metric, OCCUPATIONS, result)


def _rnd_norm(subject: _Subject) -> Record:
    return _rnd(subject, "norm")


def _rnd_cosine(subject: _Subject) -> Record:
    return _rnd(subject, "cosine")


def _mac(subject: _Subject) -> Record:
    result = mac(
        subject.embeddings,
        subject.occupations,
        subject.groups,
        bootstrap=subject.effort.bootstrap,
        seed=subject.seed("mac"),
    )
    return subject.record("mac", OCCUPATIONS, result)


def _ect(subject: _Subject) -> Record:
    result = ect(
        subject.embeddings,
        subject.occupations,
        subject.groups,
        bootstrap=subject.effort.bootstrap,
        seed=subject.seed("ect"),
    )
    return subject.record("ect", OCCUPATIONS, result)


def _ripa_of(subject: _Subject, metric: str, *, unit: bool) -> Record:
    pairs = load_pairs(DEFINITIONAL_PAIRS).half(subject.half)
    result = ripa(
        subject.embeddings,
        subject.occupations,
        pairs,
        unit=unit,
        bootstrap=subject.effort.bootstrap,
        seed=subject.seed(metric),
    )
    return subject.record(
        metric, OCCUPATIONS, result, signed=finite(result.signed), pairs=result.pairs
    )


def _ripa(subject: _Subject) -> Record:
    return _ripa_of(subject, "ripa", unit=False)


def _ripa_normalised(subject: _Subject) -> Record:
    return _ripa_of(subject, "ripa_normalised", unit=True)


def _rnsb(subject: _Subject) -> Record:
    result = rnsb(
        subject.embeddings,
        subject.groups,
        repeats=SPLITS,
        seed=subject.effort.seed_of("rnsb", GENDER, subject.half),
    )
    return subject.record(
        "rnsb",
        GENDER,
        result,
        interval=OVER_SPLITS if result.splits > 1 else None,
        accuracy=finite(result.accuracy),
        splits=result.splits,
        sizes=list(result.sizes),
    )


_MEASURES: tuple[Callable[[_Subject], Record], ...] = (
    _sc_weat,
    _same,
    _rnd_norm,
    _rnd_cosine,
    _mac,
    _ect,
    _ripa,
    _ripa_normalised,
    _rnsb,
)
