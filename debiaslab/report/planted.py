"""The planted-bias control in numbers: how each metric follows the dose, over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from debiaslab.metrics import Scorecard
from debiaslab.metrics.planted import PlantedMetric, planted_metrics
from debiaslab.metrics.scorecard import Record
from debiaslab.statistics.t_interval import half_width

_LEAST_DOSES = 3  # two are always in order


@dataclass(frozen=True)
class Dosed:
    """The runs of one dose.

    Attributes:
        dose: From −1 (female) to 1 (male).
        size: How far that is from dose 0, as a change of the share of male words.
        cards: Scorecard of each seed; None where the run failed.
        runs: MLflow run of each seed, or None.
    """

    dose: float
    size: float
    cards: tuple[Scorecard | None, ...]
    runs: tuple[str | None, ...]


@dataclass(frozen=True)
class PlantedStudy:
    """All runs of a control.

    Attributes:
        corpus: Name of the text.
        base: What dose 0 is: text, balanced or corpus.
        words: The words a bias was planted in, of each seed.
        control: Words like them that no dose was given, of each seed.
        male_share: Share of the male ones among the text's gender words.
        shared: Share of the gender words near control words that are near chosen words as well,
            mean over seeds.
        pool: How many words the random ones were drawn from.
        doses: By rising dose.
        apart: Whether every other chosen word has the opposite dose.
    """

    corpus: str
    base: str
    words: tuple[tuple[str, ...], ...]
    control: tuple[tuple[str, ...], ...]
    male_share: float
    shared: float
    pool: int
    doses: tuple[Dosed, ...]
    apart: bool = False

    @property
    def seeds(self) -> int:
        """Trainings of each dose."""
        return len(self.doses[0].cards)


@dataclass(frozen=True)
class Point:
    """One metric of one set of words at one dose, over the seeds that measured it.

    Attributes:
        dose: The dose.
        values: Of each seed; None where it was not measured.
        mean: None when no seed measured it.
        half_width: Half of the 95 % t interval; None with fewer than two seeds.
        null_median: Middle of what random words show, mean over seeds.
        null_low: Lower end of the middle 95 % of it.
        null_high: Upper end.
        inside: Seeds whose value lies in the middle 95 % of their own random words.
        undefined: Random sets left out, as the metric is undefined for them, mean over seeds.
    """

    dose: float
    values: tuple[float | None, ...]
    mean: float | None
    half_width: float | None
    null_median: float | None
    null_low: float | None
    null_high: float | None
    inside: int
    undefined: float = 0.0

    @property
    def n(self) -> int:
        """Seeds that measured it."""
        return sum(value is not None for value in self.values)

    @property
    def excess(self) -> float | None:
        """How far the mean is from the middle of random words; None when either is missing."""
        if self.mean is None or self.null_median is None:
            return None
        return self.mean - self.null_median


@dataclass(frozen=True)
class Followed:
    """One metric over the doses.

    Attributes:
        metric: Which.
        planted: The chosen words, by rising dose.
        control: The control words.
        rho: Spearman correlation of the metric with the dose (its size for metrics without sign)
            for the chosen words, within each seed, mean over seeds; None with fewer than 3 doses
            or without spread.
        control_rho: The same for the control words.
        response: Change of the chosen words' mean from the lowest to the highest dose, less that
            of random words: the planted text changes the vectors of gender words for all.
        control_response: The same for the control words.
    """

    metric: PlantedMetric
    planted: tuple[Point, ...]
    control: tuple[Point, ...]
    rho: float | None
    control_rho: float | None
    response: float | None
    control_response: float | None

    @property
    def leak(self) -> float | None:
        """The control words' response as a share of the chosen words'."""
        if self.response is None or self.control_response is None or self.response == 0:
            return None
        return self.control_response / self.response

    @property
    def at_zero(self) -> Point | None:
        """The chosen words at dose 0; None when it is not among the doses."""
        return next((point for point in self.planted if point.dose == 0), None)


def followed(study: PlantedStudy) -> tuple[Followed, ...]:
    """Return how each metric follows the dose."""
    return tuple(_followed(study, metric) for metric in planted_metrics(apart=study.apart))


def _followed(study: PlantedStudy, metric: PlantedMetric) -> Followed:
    planted, control = (
        tuple(_point(dosed, metric.metric, name) for dosed in study.doses)
        for name in ("planted", "control")
    )
    by_size = metric.follows in ("size", "less")
    scale = [each.size if by_size else each.dose for each in study.doses]
    return Followed(
        metric=metric,
        planted=planted,
        control=control,
        rho=_rho(planted, scale),
        control_rho=_rho(control, scale),
        response=_response(planted),
        control_response=_response(control),
    )


def _point(dosed: Dosed, metric: str, name: str) -> Point:
    found = [None if card is None else card.record(metric, name, "all") for card in dosed.cards]
    records = [record for record in found if record is not None and record.value is not None]
    values = [record.value for record in records if record.value is not None]
    return Point(
        dose=dosed.dose,
        values=tuple(None if record is None else record.value for record in found),
        mean=mean(values) if values else None,
        half_width=half_width(values),
        null_median=_mean_of(records, "null_median"),
        null_low=_mean_of(records, "null_low"),
        null_high=_mean_of(records, "null_high"),
        inside=sum(map(_inside, records)),
        undefined=_mean_of(records, "null_undefined") or 0.0,
    )


def _inside(record: Record) -> bool:
    low, high = record.extra.get("null_low"), record.extra.get("null_high")
    if record.value is None or low is None or high is None:
        return False
    return bool(low <= record.value <= high)


def _mean_of(records: Sequence[Record], key: str) -> float | None:
    values = [value for record in records if (value := record.extra.get(key)) is not None]
    return mean(values) if values else None


def _rho(points: Sequence[Point], scale: Sequence[float]) -> float | None:
    """Return the mean over seeds of Spearman's ρ over the doses of one seed."""
    found = [
        rho
        for values in zip(*(point.values for point in points), strict=True)
        if (rho := _seed_rho(values, scale)) is not None
    ]
    return mean(found) if found else None


def _seed_rho(values: Sequence[float | None], scale: Sequence[float]) -> float | None:
    import numpy as np

    from debiaslab.metrics.bootstrap import spearman

    runs = [(at, value) for at, value in zip(scale, values, strict=True) if value is not None]
    if len(runs) < _LEAST_DOSES:
        return None
    rho = spearman(np.array([at for at, _ in runs]), np.array([value for _, value in runs]))
    return rho if math.isfinite(rho) else None


def _response(points: Sequence[Point]) -> float | None:
    first, last = points[0].excess, points[-1].excess
    return None if first is None or last is None else last - first
