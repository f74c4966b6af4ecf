"""A metric is one decorated function: what one word is to it, and what many words make.

The function (``fit``) looks up what words are measured against and returns what a word is to the
metric; ``value`` is what the words of one list (or of two target sets) make, their mean where
nothing else is said. Value, interval, null of random words and per-word figures follow from these
two, and through ``ListMetric`` all the rest.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, require_known
from debiaslab.metrics import cases
from debiaslab.metrics.cases import Case
from debiaslab.metrics.null import DRAWS, RandomWords, mean, null_from
from debiaslab.metrics.registry import (
    GROUPS_OF_WORDS,
    Better,
    ListMetric,
    Measure,
    OfAttribute,
    OfHalf,
    added,
    doc_of,
)
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.vocabulary import (
    MIN_WORDS,
    Found,
    FoundPairs,
    FoundSets,
    Measured,
    find,
    find_pairs,
    find_sets,
    in_order,
    require_directions,
    row_of,
    rows_of,
    union,
    unit_rows,
)
from debiaslab.statistics.bootstrap import (
    NO_INTERVAL,
    RESAMPLES,
    Interval,
    percentile_interval,
    resample,
)
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]
Score = Callable[[Array], Array]
"""From vectors, shape ``(n, d)``, to what each word is to the metric, ``(n,)`` or ``(n, k)``."""

Value = Callable[..., Array]
"""From the scores of the words of ``b`` lists, ``(b, n)`` or ``(b, n, k)``, to ``(b,)``; of a
metric of two target sets, from those of either."""

Against = Literal["groups", "two groups", "pairs", "direction"]

_AT_ONCE = 50  # resamples at a time: ranking takes ten copies of what is ranked
_FACTS: Mapping[Against, tuple[str, OfHalf, OfAttribute]] = {
    "groups": (GROUPS_OF_WORDS, cases.against_groups, cases.attribute_against_groups),
    "two groups": ("two groups of words", cases.against_groups, cases.attribute_against_two),
    "pairs": ("pairs of words", cases.against_pairs, cases.attribute_against_pairs),
    "direction": ("definitional pairs", cases.against_pairs, cases.attribute_against_pairs),
}
"""What a metric needs, its cases of gender and those of an attribute, by what it is against."""


@dataclass(frozen=True)
class Look:
    """What a metric of words sees when it says more than its value."""

    embeddings: Embeddings
    held: Any  # what the words are measured against, as looked up
    # vectors of the words to which the metric is defined, as it sees them, ``(n, d)``, set by
    # set, in the order of the vocabulary, of the list where each has a number
    rows: Array
    sets: Sequence[Array]  # what each word is to it, one array for each set of words
    places: Mapping[str, int]  # each word and its place in ``rows``, in the order of the list
    knobs: Mapping[str, Any]  # the settings in force
    bootstrap: int  # resamples for intervals; 0 for none
    permutations: int  # permutations of its test; 0 for none
    seed: int  # seed of both
    _intervals: dict[Value, Interval] = field(default_factory=dict, repr=False)

    @property
    def scores(self) -> Array:
        """What each word is to the metric, in the order of ``rows``."""
        return np.concatenate(self.sets)

    def value(self, value: Value) -> float:
        """Return what ``value`` makes of all words; NaN where it is undefined."""
        return float(value(*(each[None] for each in self.sets))[0]) if len(self.rows) else np.nan

    def interval(self, value: Value) -> Interval:
        """Return the bootstrap interval over the words, those of each set drawn by themselves.

        The words of one list are sorted by what each alone makes: no order has an influence.
        """
        if not self.bootstrap:
            return NO_INTERVAL
        if value not in self._intervals:
            self._intervals[value] = self._interval(value)
        return self._intervals[value]

    def _interval(self, value: Value) -> Interval:
        rng, sets = np.random.default_rng(self.seed), self.sets
        if len(sets) == 1:
            sets = [sets[0][np.argsort(value(sets[0][:, None]), kind="stable")]]
        picks = [resample(len(each), self.bootstrap, rng) for each in sets]
        parts = (slice(i, i + _AT_ONCE) for i in range(0, self.bootstrap, _AT_ONCE))
        drawn = [value(*(s[p[part]] for s, p in zip(sets, picks, strict=True))) for part in parts]
        return percentile_interval(np.concatenate(drawn))


@dataclass(frozen=True, kw_only=True, eq=False)
class WordMetric(ListMetric):
    """A metric that is what each word is to it, and what many words make.

    Attributes:
        fit: Looks up what words are measured against and returns what a word is to the metric.
        value: What many words make.
        against: What words are measured against.
        of: What the lists of words are called: one list, or two target sets.
        with_number: Whether each word comes with a number (a mapping of words), which is then the
            second of its scores.
        unit: Whether words are scaled to length 1.
        least: Words that it needs.
        own: Settings of ``fit`` that are not its defaults.
        numbers: What a result says besides, where it is not measured.
        about: The same where it is; a ``reason`` among it says what has no value all the same.
        undefined: The reason where words have no value.
        all_missing: Whether the result lists words of pairs that are missing, too.
        positive: To which of two groups a positive number leans: the first (0) or the second (1).
    """

    function: Measure = field(init=False, default=None)  # type: ignore[assignment]
    fit: Callable[..., Score]
    value: Value = mean
    against: Against
    of: tuple[str, ...] = ("the word list",)
    with_number: bool = False
    unit: bool = True
    least: int = MIN_WORDS
    own: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    about: Callable[[Look], Mapping[str, Any]] | None = None
    undefined: str | Callable[[Look], str] = "the metric is undefined for these words"
    all_missing: bool = True
    positive: Literal[0, 1] = 0

    def __call__(
        self,
        embeddings: Embeddings,
        words: Any,
        *against: Any,
        bootstrap: int = RESAMPLES,
        permutations: int | None = None,
        seed: int = 0,
        **knobs: Any,
    ) -> Measured:
        """Return the metric of a list of words.

        Args:
            words: The words to measure, one list or several (which count as one), or two target
                sets by name; repeated words count once. For some metrics words with their numbers.
            against: The groups or the pairs they are measured against; two groups one by one.
            bootstrap: Resamples of the words for the interval; 0 for none.
            permutations: Permutations of the test of a metric that has one; 0 for none.
            seed: Seed of both.
            knobs: Settings of the metric, see its docstring.

        Returns:
            A result whose ``reason`` is set with too few words or pairs, a word in two groups,
            all-zero vectors, or words whose vectors all point the same way.

        Raises:
            UserError: Unknown settings, or fewer than two groups.
        """
        knobs = self._knobs(knobs)
        held = self._look_up(embeddings, self._groups(against))
        lists = words.values() if len(self.of) > 1 else [self._listed(words)]
        found = FoundSets(self.of, tuple(find(embeddings, each) for each in lists))
        lost = held.missing if self.all_missing else ()
        empty = Measured(
            n=sum(found.sizes.values()),
            missing=tuple(dict.fromkeys(found.missing + lost)),
            numbers={**self.numbers, **_sizes(found, held)},
        )
        try:
            rows, sets = self._scores(embeddings, found, held, knobs)
        except NotMeasuredError as problem:
            return replace(empty, reason=str(problem))
        if self.with_number:
            sets = [np.column_stack([sets[0], _numbers(embeddings, found, words)])]
        kept = [np.isfinite(each.reshape(len(each), -1)).all(axis=1) for each in sets]
        whole = np.concatenate(kept)
        look = Look(
            embeddings=embeddings,
            held=held,
            rows=rows[whole],
            sets=[each[defined] for each, defined in zip(sets, kept, strict=True)],
            places=self._places(found, whole),
            knobs=knobs,
            bootstrap=bootstrap,
            permutations=self.permutations if permutations is None else permutations,
            seed=seed,
        )
        value = look.value(self.value)
        if not np.isfinite(value):
            reason = self.undefined if isinstance(self.undefined, str) else self.undefined(look)
            return replace(empty, reason=reason)
        about, scores = dict(self.about(look) if self.about else {}), look.scores
        return replace(
            empty,
            value=value,
            interval=look.interval(self.value),
            reason=about.pop("reason", None),
            scores={word: scores[place].tolist() for word, place in look.places.items()},
            numbers={**empty.numbers, **about},
        )

    def null(
        self,
        drawn: RandomWords,
        *against: Any,
        n: int | Sequence[int] | None = None,
        numbers: Sequence[float] = (),
        draws: int = DRAWS,
        seed: int = 0,
        **knobs: Any,
    ) -> Array:
        """Return the metric of random words, shape ``(draws,)``; NaN where it is undefined.

        Args:
            drawn: The words to draw from; those measured against are never drawn.
            against: As in the metric, and then the words of a set where ``n`` is not named.
            n: Words of a set, or of each of two.
            numbers: The numbers of the words of a metric of words with a number, in place of ``n``.

        Raises:
            NotMeasuredError: The metric has a reason not to be measured, there are too few words
                to draw, or most sets have no value.
        """
        if n is None and not len(numbers):
            *against, n = against  # type: ignore[assignment]
        knobs = self._knobs(knobs)
        groups = self._groups(against)
        held = self._look_up(drawn.embeddings, groups)
        if isinstance(held, FoundSets):
            held.require(1 if len(self.of) > 1 else 2)
        score = self.fit(drawn.embeddings, held, **knobs)
        scores = drawn.scores(score, unit=knobs.get("unit", self.unit))
        left = drawn.excluding(scores, find(drawn.embeddings, union(groups)).rows)
        value, sizes = self.value, (n,) if isinstance(n, int) else n
        if len(numbers):
            value, sizes = partial(_with_numbers, self.value, np.asarray(numbers)), (len(numbers),)
        assert sizes is not None
        return null_from(value, left, sizes, draws=draws, seed=seed)

    @property
    def signed(self) -> WordMetric:
        """The metric with the mean score as its value, where its own is the mean of sizes."""
        return replace(self, value=mean) if self.value in (mean_size, mean_defined_size) else self

    def measure(
        self,
        embeddings: Embeddings,
        case: Case,
        *,
        bootstrap: int = 0,
        permutations: int = 0,
        seed: int = 0,
    ) -> Measured:
        """Return the result of one case; no interval and no test unless asked for."""
        return WordMetric.__call__(
            self,
            embeddings,
            case.words,
            case.against,
            bootstrap=bootstrap,
            permutations=min(permutations, self.permutations),
            seed=seed,
            **case.knobs,
        )

    def null_of(self, drawn: RandomWords, record: Record, *, draws: int, seed: int) -> Array:
        """Return what random words show in the place of a record's words, shape ``(draws,)``."""
        case = record.inputs
        assert case is not None
        more: dict[str, Any] = {"n": record.n}
        if len(self.of) > 1:
            more = {"n": tuple(record.extra["sizes"][: len(self.of)])}
        elif self.with_number:
            assert isinstance(case.words, Mapping)
            lost = set(record.missing)
            more = {"numbers": [number for word, number in case.words.items() if word not in lost]}
        return self.null(drawn, case.against, draws=draws, seed=seed, **more, **case.knobs)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Its settings by name, and their values."""
        found = inspect.signature(self.fit).parameters.values()
        known = {each.name: each.default for each in found if each.kind == each.KEYWORD_ONLY}
        return {**known, **({"unit": self.unit} if "unit" in known else {}), **self.own}

    def _knobs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known = self.settings
        for name in given:
            require_known(name, known, f"{self.name} has no setting {name!r}")
        return {**known, **given}

    def _groups(self, against: Sequence[Any]) -> Any:
        if self.against == "two groups":
            (groups,) = against if len(against) == 1 else (dict(zip("AB", against, strict=True)),)
            return dict(zip("AB", groups.values(), strict=True))
        (held,) = against
        return held

    def _look_up(self, embeddings: Embeddings, against: Any) -> FoundSets | FoundPairs:
        if self.against in ("pairs", "direction"):
            return find_pairs(embeddings, against)
        return find_sets(embeddings, against)

    def _require(self, embeddings: Embeddings, held: FoundSets | FoundPairs) -> None:
        """Raise NotMeasuredError where there is too little to hold words against."""
        if isinstance(held, FoundPairs):
            if not held.rows and self.against == "pairs":
                of = f"0 of {len(held.pairs)} pairs"
                raise NotMeasuredError(f"{of} have both words in the vectors")
        elif self.against == "two groups":
            held.require(MIN_WORDS)
            if len(self.of) == 1:
                require_directions(" and ".join(held.names), np.concatenate(held.unit(embeddings)))
        else:
            held.require()

    def _scores(
        self, embeddings: Embeddings, found: FoundSets, held: Any, knobs: Mapping[str, Any]
    ) -> tuple[Array, list[Array]]:
        """Return the vectors of the words, in the order of the vocabulary, and their scores.

        Sums and seeded draws over them are then the same whatever the order of the list.
        """
        found.require(self.least)
        self._require(embeddings, held)
        # What is wrong with a direction is said before what is wrong with the words.
        score = self.fit(embeddings, held, **knobs) if self.against == "direction" else None
        order = [self._rows(each) for each in found.found]
        sets = [unit_rows(embeddings, rows) for rows in order]
        if sum(map(len, sets)) > 1:
            require_directions(" and ".join(found.names), np.concatenate(sets))
        if score is None:
            score = self.fit(embeddings, held, **knobs)
        if not knobs.get("unit", self.unit):
            sets = [rows_of(embeddings, rows, unit=False) for rows in order]
        return np.concatenate(sets), [score(rows) for rows in sets]

    def _listed(self, words: Any) -> list[str]:
        return list(words) if self.with_number else union(words)

    def _rows(self, found: Found) -> list[int]:
        return list(found.rows) if self.with_number else in_order(found)

    def _places(self, found: FoundSets, kept: NDArray[np.bool_]) -> dict[str, int]:
        """Return the place of each kept word among those kept, in the order of the list."""
        rows = [row for each in found.found for row in self._rows(each)]
        place, left = {row: i for i, row in enumerate(rows)}, np.cumsum(kept) - 1
        named = [named for each in found.found for named in zip(each.words, each.rows, strict=True)]
        return {word: int(left[place[row]]) for word, row in named if kept[place[row]]}

    def variant(
        self, name: str, *, title: str = "", unit: bool | None = None, **own: Any
    ) -> WordMetric:
        """Register and return the same metric with other settings under another name."""
        unit = self.unit if unit is None else unit
        return added(replace(self, name=name, title=title, unit=unit, own={**self.own, **own}))


def mean_size(scores: Array) -> Array:
    """Mean size of the scores of each set, ``(b, n) → (b,)``."""
    return mean(np.abs(scores))


def mean_defined_size(scores: Array) -> Array:
    """Mean size of the scores of each set that are numbers; NaN where none is."""
    defined = np.isfinite(scores)
    counts = defined.sum(axis=1)
    means = np.full(len(scores), np.nan)
    sums = np.abs(np.where(defined, scores, 0.0)).sum(axis=1)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _sizes(found: FoundSets, held: FoundSets | FoundPairs) -> dict[str, Any]:
    if isinstance(held, FoundPairs):
        return {"pairs": len(held.rows)}
    sizes = tuple(held.sizes.values())
    more = {"sizes": (*found.sizes.values(), *sizes)} if len(found.names) > 1 else {}
    return {"groups": sizes, **more}


def _numbers(embeddings: Embeddings, found: FoundSets, given: Mapping[str, float]) -> Array:
    """Return the number of each word, in the order of the list; the first spelling counts."""
    by_row = {row_of(embeddings, word): number for word, number in reversed(list(given.items()))}
    return np.array([by_row[row] for row in found.found[0].rows], dtype=np.float64)


def _with_numbers(value: Value, numbers: Array, scores: Array) -> Array:
    return value(np.stack(np.broadcast_arrays(scores, numbers), axis=-1))


def metric(
    name: str,
    *,
    citation: str,
    against: Against,
    better: Better,
    family: str = "association",
    kind: type[WordMetric] = WordMetric,
    **more: Any,
) -> Callable[[Callable[..., Score]], WordMetric]:
    """Return a decorator that makes a function a metric, registered under ``name``.

    The function takes vectors and what words are measured against (``FoundSets`` of groups,
    ``FoundPairs``), and its settings by keyword; it returns what a word is to the metric, from
    vectors of shape ``(n, d)``.

    Args:
        name: As in the scorecard's records.
        family: The group of the scorecard.
        kind: The class of the metric.
        more: Other fields of ``WordMetric``.

    Raises:
        ValueError: The name is taken, or there is no such family.
    """
    needs, gender, attribute = _FACTS[against]
    facts: dict[str, Any] = {
        **{"citation": citation, "against": against, "better": better, "family": family},
        **{"needs": needs, "gender": gender, "attribute": attribute, "has_null": True},
    }

    def add(fit: Callable[..., Score]) -> WordMetric:
        return added(kind(name=name, fit=fit, **{"doc": doc_of(fit), **facts, **more}))

    return add
