"""The registry of metrics, and what follows of a metric of word lists: records, nulls, cases.

``word_metric.metric`` makes one decorated function a metric; what does not fit registers a function
of word lists (``list_metric``), or one that yields records itself (``record_metric``). Another
package adds its own by an entry point of the group ``debiaslab.metrics`` that names the module
with its decorator.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import require_known
from debiaslab.lexicons import Attribute, Half
from debiaslab.metrics.cases import HALVES, Case, Resampling
from debiaslab.metrics.null import NullCache, RandomWords, with_null
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import Pair
from debiaslab.statistics.reliability import Number
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.metrics.evaluation import Measurement

Array = NDArray[np.float64]
Better = Literal["higher", "lower", "near 0", "near null"]

ENTRY_POINTS = "debiaslab.metrics"
FILES = (
    *("weat", "association", "projection", "rnsb", "sembias"),
    *("similarity", "analogies", "nearest", "lipstick", "collapse"),
)
"""The files of this folder that register metrics, in the order of the scorecard."""

GROUPS_OF_WORDS = "groups of words"
"""What a metric needs that is defined for any number of groups."""

DRAWS = 1_000
"""Random sets of a record's null."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Metric:
    """What every metric says of itself.

    Attributes:
        name: As in the scorecard's records.
        citation: Where it was published.
        family: The group of the scorecard that it is in.
        better: What is better, by the name of a record where names point different ways; None where
            neither is: numbers are shown and not ranked. ``"near null"``: near the median of
            random words, the baseline's where it is known.
        needs: What it needs, in words.
        has_null: Whether random words are measured in the place of its words.
        key: Which number of a record is compared: its ``value``, or an extra such as ``statistic``.
        doc: What it says of itself.
        title: Its name in tables and figures; its name where nothing is said.
    """

    name: str
    citation: str
    family: str
    better: Better | Mapping[str, Better] | None
    needs: str
    has_null: bool = False
    key: str = "value"
    doc: str = ""
    title: str = ""

    @property
    def summary(self) -> str:
        """What it measures: the first paragraph of what it says of itself, in one line."""
        return self.doc.split("\n\n")[0].replace("\n", " ")

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its settings by name, and their values; none where it has none of its own."""
        return {}

    @property
    def label(self) -> str:
        """Its name in tables and figures."""
        return self.title or self.name

    @property
    def module(self) -> str:
        """Where it is defined."""
        own: Callable[..., Any] = getattr(self, "fit", None) or self.function  # type: ignore[attr-defined]
        return own.__module__

    def records(self, measurement: Measurement) -> Iterator[Record]:
        """Yield its records on what is measured."""
        raise NotImplementedError

    def better_of(self, name: str) -> Better | None:
        """Return what is better on the record of this name."""
        return self.better.get(name) if isinstance(self.better, Mapping) else self.better


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordMetric(Metric):
    """A metric that yields its records itself.

    Attributes:
        function: Yields them.
        of_pair: Where *he* and *she* define the metric: its numbers by name with another pair in
            their place, from the vectors, those before debiasing, a half of its words, the pair.
    """

    function: Callable[[Measurement], Iterator[Record]]
    of_pair: Callable[[Embeddings, Embeddings, Half, Pair], Mapping[str, Number]] | None = None

    def records(self, measurement: Measurement) -> Iterator[Record]:
        """Yield what the function yields."""
        return self.function(measurement)


Measure = Callable[..., Any]
"""``measure(embeddings, words, against, *, bootstrap, seed)`` → what has the fields of Measured."""

DrawNull = Callable[..., Array]
"""``draw(random_words, case, record, *, draws, seed)`` → values of random sets, ``(draws,)``."""

OfHalf = Callable[[Half], Iterable[Case]]
OfAttribute = Callable[[Attribute, Half], Iterable[Case]]
Extra = Callable[[Any, Case], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class ListMetric(Metric):
    """A metric of word lists: all that is made of it is made of its cases.

    Attributes:
        function: The metric.
        draw: What random words show in the place of a case's words; None for no null.
        gender: The cases of the lists that ship, by half.
        attribute: The cases of an attribute of a lexicon file.
        extra: What the record says besides, of a result and its case; what has the name of a field
            of the record (its p, say) is that field.
        beside: The same of vectors, case and random words, where nulls are wanted; not for
            attributes.
        permutations: Most permutations of its test; 0 where it has none.
        draws: Random sets of the null of a record of gender.
        planted: What it follows of a planted bias, see ``planted.PlantedMetric``, where its
            definition does not tell; None where it is not asked by itself.
    """

    function: Measure
    draw: DrawNull | None = None
    gender: OfHalf
    attribute: OfAttribute = lambda attribute, half: ()
    extra: Extra = lambda result, case: {}
    beside: Callable[[Embeddings, Case, RandomWords], Mapping[str, Any]] | None = None
    permutations: int = 0
    draws: int = DRAWS
    planted: Literal["as defined", "size"] | None = "as defined"

    def cases(self) -> list[Case]:
        """Return the cases of gender: name by name, and of each all, tune and report words."""
        found = [case for half in HALVES for case in self.gender(half)]
        names = list(dict.fromkeys(case.name for case in found))
        return sorted(found, key=lambda case: names.index(case.name))

    def measure(
        self,
        embeddings: Embeddings,
        case: Case,
        *,
        bootstrap: int = 0,
        permutations: int = 0,
        seed: int = 0,
    ) -> Any:
        """Return the result of one case; no interval and no test unless asked for."""
        given = [case.words, case.against] if case.against else [case.words]
        tests = {"permutations": min(permutations, self.permutations)} if self.permutations else {}
        options = {"bootstrap": bootstrap, "seed": seed, **tests, **case.knobs}
        return self.function(embeddings, *given, **options)

    def null_of(self, drawn: RandomWords, record: Record, *, draws: int, seed: int) -> Array:
        """Return what random words show in the place of a record's words, shape ``(draws,)``."""
        assert self.draw is not None
        assert record.inputs is not None
        return self.draw(drawn, record.inputs, record, draws=draws, seed=seed)

    def records(self, measurement: Measurement) -> Iterator[Record]:
        """Yield the records of gender."""
        vectors, effort = measurement.embeddings, measurement.effort
        for case in self.cases():
            yield self.record(vectors, case, effort, measurement.yardsticks)

    def record(
        self,
        embeddings: Embeddings,
        case: Case,
        effort: Resampling,
        yardsticks: Sequence[NullCache] = (),
    ) -> Record:
        """Return the record of one case, with what random words show in each yardstick."""
        own = case.attribute is not None
        result = self.measure(
            embeddings,
            case,
            bootstrap=effort.bootstrap,
            permutations=0 if own else effort.permutations,
            seed=effort.seed_of(self.name, case.name, case.half),
        )
        extra = {**self.extra(result, case), **case.note}
        if self.beside is not None and yardsticks and not own:
            extra |= self.beside(embeddings, case, yardsticks[0].words)
        extra["inputs"] = case
        record = Record.of(result, self.name, case.name, case.half, extra)
        return self.with_null(record, yardsticks, effort) if self.has_null else record

    def with_null(
        self, record: Record, yardsticks: Sequence[NullCache], effort: Resampling
    ) -> Record:
        """Return the record with what random words show in its place, see ``null.with_null``."""
        return with_null(record, self._null, yardsticks, effort)

    def null_seed(self, record: Record, effort: Resampling) -> int:
        """Return the seed of a record's null."""
        return effort.seed_of("null", record.metric, record.name, record.words)

    def _null(self, yardstick: NullCache, record: Record, effort: Resampling) -> Array:
        own = record.inputs is not None and record.inputs.attribute is not None
        draws, seed = DRAWS if own else self.draws, self.null_seed(record, effort)
        return self.null_of(yardstick.words, record, draws=draws, seed=seed)


# Registering ----------------------------------------------------------------------------------

_REGISTRY: dict[str, Metric] = {}
_M = TypeVar("_M", bound=Metric)
_F = TypeVar("_F", bound=Callable[..., Any])


def list_metric(name: str, **more: Any) -> Callable[[_F], _F]:
    """Return a decorator that registers a function of word lists, see ``ListMetric``."""

    def add(function: _F) -> _F:
        found = {"doc": doc_of(function), "has_null": "draw" in more, **more}
        added(ListMetric(name=name, function=function, **found))
        return function

    return add


def record_metric(name: str, **more: Any) -> Callable[[_F], _F]:
    """Return a decorator that registers a function that yields records, see ``RecordMetric``."""

    def add(function: _F) -> _F:
        added(RecordMetric(name=name, function=function, **{"doc": doc_of(function), **more}))
        return function

    return add


def metrics() -> dict[str, Metric]:
    """Return every metric by its name, in the order of the scorecard; other packages' last."""
    package = __name__.rpartition(".")[0]
    files = [f"{package}.{name}" for name in FILES]
    for file in files:
        import_module(file)
    _load_entry_points()

    def place(known: Metric) -> int:
        return files.index(known.module) if known.module in files else len(files)

    return {each.name: each for each in sorted(_REGISTRY.values(), key=place)}


def list_metrics() -> list[ListMetric]:
    """Return the metrics of word lists."""
    return [each for each in metrics().values() if isinstance(each, ListMetric)]


def attribute_cases(attribute: Attribute, half: Half) -> Iterator[tuple[ListMetric, Case]]:
    """Yield what is measured of an attribute: what any number of classes has, then the rest."""
    for metric in sorted(list_metrics(), key=lambda each: each.needs != GROUPS_OF_WORDS):
        for case in metric.attribute(attribute, half):
            yield metric, case


def get(name: str) -> Metric:
    """Return the metric called ``name``; raise a `UserError` if there is none."""
    known = metrics()
    require_known(name, list(known), f"there is no metric {name!r}")
    return known[name]


def added(metric: _M) -> _M:
    """Register a metric and return it.

    Raises:
        ValueError: The name is taken.
    """
    if metric.name in _REGISTRY:
        raise ValueError(f"a metric named {metric.name!r} is registered already")
    _REGISTRY[metric.name] = metric
    return metric


def doc_of(function: Callable[..., Any]) -> str:
    """Return a function's docstring, without its indentation."""
    return inspect.getdoc(function) or ""


@cache
def _load_entry_points() -> None:
    """Import the modules of other packages that register metrics; once a process."""
    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as error:  # whatever another package does must not take ours down
            warnings.warn(
                f"the metrics of {point.value!r} cannot be loaded "
                f"({type(error).__name__}: {error})",
                stacklevel=3,
            )


# Which way a metric points --------------------------------------------------------------------

_CENTRES = ("null_median_baseline", "null_median")


@dataclass(frozen=True)
class Direction:
    """How the records of a metric are compared.

    Attributes:
        better: What is better, see ``Metric``.
        key: Which number of the record: its ``value``, or an extra such as ``statistic``.
    """

    better: Better | None
    key: str = "value"

    def number(self, record: Record) -> float | None:
        """Return the number of ``record`` that is compared; None when it was not measured."""
        return record.number(self.key)

    def badness(self, number: float, record: Record) -> float | None:
        """Return what is smaller for the better of two numbers; None when neither is.

        Args:
            number: A number of the metric.
            record: The record it belongs to, which knows its null.
        """
        if self.better is None:
            return None
        return {
            "higher": -number,
            "lower": number,
            "near 0": abs(number),
            "near null": abs(number - _centre(record)),
        }[self.better]


def direction_of(record: Record) -> Direction:
    """Return how the record's metric is compared; one that nobody knows is not ranked."""
    found = metrics().get(record.metric)
    return Direction(None) if found is None else Direction(found.better_of(record.name), found.key)


def _centre(record: Record) -> float:
    """Return what no bias looks like; 1, the distance of unrelated words, where no null says it."""
    found = (record.extra.get(name) for name in _CENTRES)
    return next((float(each) for each in found if each is not None), 1.0)
