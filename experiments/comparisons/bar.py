"""The aims of the project, line by line, for every strategy of a comparison.

All on report words and report pairs, in means over the seeds; a strategy's numbers are held against
the baseline of the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from debiaslab.metrics import Record, SimilaritySet, similarity_retention
from debiaslab.results import StrategyResult
from debiaslab.statistics.paired import half_width
from debiaslab.tracking import VECTORS, Store
from debiaslab.vectors.embeddings import Embeddings

WEAT = ("6b", "7", "8")
LIPSTICK = (
    ("kmeans_alignment", "all"),
    ("svm_recovery", "all"),
    ("profession_neighbors", "report"),
)
LINES = ("|s|", "direct bias", "lipstick", "women", "retention", "overlap")
_MOST_S, _MOST_BIAS, _LEAST_KEPT, _LESS_OVERLAP = 0.05, 0.01, 0.98, 0.05


@dataclass(frozen=True)
class Seeds:
    """A number by seed; seeds that lack it are left out."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Over the seeds."""
        return mean(self.values) if self.values else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % t interval of the mean."""
        half = half_width(self.values)
        return None if half is None else (mean(self.values) - half, mean(self.values) + half)


@dataclass(frozen=True)
class Standing:
    """What a strategy reaches.

    Attributes:
        label: The strategy.
        control: Whether it is a control.
        s: |s| of each test over the baseline's.
        direct_bias: Of occupations, on report pairs.
        lipstick: The three tests, as in ``LIPSTICK``.
        women: Signed r of residual bias with the share of women in an occupation.
        women_p: Its two-sided permutation p.
        kept: Retention of each similarity set, in the order they were given.
        overlap: Of nearest neighbours with the baseline.
    """

    label: str
    control: bool
    s: tuple[Seeds, ...]
    direct_bias: Seeds
    lipstick: tuple[Seeds, ...]
    women: Seeds
    women_p: Seeds
    kept: tuple[Seeds, ...]
    overlap: Seeds


def standings(
    store: Store, sides: Sequence[StrategyResult], sets: Sequence[SimilaritySet]
) -> list[Standing]:
    """Measure every side of a comparison; ``sides[0]`` is the baseline.

    Args:
        store: Where the vectors are.
        sides: As ``read_sides`` returns them.
        sets: Similarity sets for retention; their report halves are used.
    """
    reader = _Vectors(store, sides[0])
    return [_standing(sides[0], side, reader, sets) for side in sides]


def met(standing: Standing, baseline: Standing, floor: Standing | None) -> dict[str, bool | None]:
    """Return which of ``LINES`` a strategy meets; None: not measured."""
    women, least = standing.women.interval, _least(baseline.overlap)
    overlap, direct = standing.overlap.mean, standing.direct_bias.mean
    return {
        "|s|": _every(standing.s, lambda each: each <= _MOST_S),
        "direct bias": None if direct is None else direct <= _MOST_BIAS,
        "lipstick": _under(standing, floor),
        "women": None
        if women is None
        else women[0] <= 0 <= women[1] and all(p >= 0.05 for p in standing.women_p.values),
        "retention": _every(standing.kept, lambda each: each >= _LEAST_KEPT),
        "overlap": None if overlap is None or least is None else overlap >= least,
    }


def _standing(
    baseline: StrategyResult, side: StrategyResult, vectors: _Vectors, sets: Sequence[SimilaritySet]
) -> Standing:
    seeds = range(len(side.cards))
    kept = [list(vectors.kept(side, i, sets)) for i in seeds]
    return Standing(
        label=side.label,
        control=side.control,
        s=tuple(_ratios(baseline, side, test) for test in WEAT),
        direct_bias=_values(side, "direct_bias", "occupations"),
        lipstick=tuple(_values(side, "lipstick", name, half) for name, half in LIPSTICK),
        women=_values(side, "factual_association", "bls"),
        women_p=_present(
            [
                None if r is None else r.extra.get("p_two_sided")
                for r in _records(side, "factual_association", "bls")
            ]
        ),
        kept=tuple(_present([by_set[j] for by_set in kept if by_set]) for j in range(len(sets))),
        overlap=_values(side, "neighbor_overlap", "all ranks", "all"),
    )


class _Vectors:
    """The vectors of runs, the baselines' held in memory."""

    def __init__(self, store: Store, baseline: StrategyResult) -> None:
        self._store = store
        self._baselines = [self._load(run) for run in baseline.runs]

    def kept(
        self, side: StrategyResult, i: int, sets: Sequence[SimilaritySet]
    ) -> Iterator[float | None]:
        run, baseline = self._load(side.runs[i]), self._baselines[i]
        if run is not None and baseline is not None:
            for each in sets:
                yield similarity_retention(run, baseline, each.half("report"), bootstrap=0).value

    def _load(self, run: str | None) -> Embeddings | None:
        return None if run is None else Embeddings.load(self._store.artifact(run, VECTORS))


def _records(
    side: StrategyResult, metric: str, name: str, half: str = "report"
) -> list[Record | None]:
    return [
        None if card is None else card.record(metric, name, half)  # type: ignore[arg-type]
        for card in side.cards
    ]


def _values(side: StrategyResult, metric: str, name: str, half: str = "report") -> Seeds:
    found = _records(side, metric, name, half)
    return _present([None if record is None else record.value for record in found])


def _ratios(baseline: StrategyResult, side: StrategyResult, test: str) -> Seeds:
    both = zip(_records(baseline, "weat", test), _records(side, "weat", test), strict=True)
    sizes = [(_size(before), _size(after)) for before, after in both]
    return _present([a / b if a is not None and b else None for b, a in sizes])


def _size(record: Record | None) -> float | None:
    statistic = None if record is None else record.extra.get("statistic")
    return None if statistic is None else abs(statistic)


def _present(values: Sequence[float | None]) -> Seeds:
    return Seeds(tuple(value for value in values if value is not None))


def _every(numbers: Sequence[Seeds], check: Callable[[float], bool]) -> bool | None:
    """Return whether all means pass; None when one is missing."""
    means = [each.mean for each in numbers]
    known = [each for each in means if each is not None]
    return all(map(check, known)) if known and len(known) == len(means) else None


def _least(between_seeds: Seeds) -> float | None:
    return None if between_seeds.mean is None else between_seeds.mean - _LESS_OVERLAP


def _under(standing: Standing, floor: Standing | None) -> bool | None:
    """Return whether no lipstick number is above the interval of the gender-blind floor."""
    if floor is None:
        return None
    both = [(a.mean, b.interval) for a, b in zip(standing.lipstick, floor.lipstick, strict=True)]
    known = [(a, b[1]) for a, b in both if a is not None and b is not None]
    return all(a <= high for a, high in known) if len(known) == len(both) else None
