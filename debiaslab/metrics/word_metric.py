"""A metric is one decorated function: what one word is to it, and what many words make.

The function (``fit``) looks up what words are held against and returns what a word is to the
metric; ``value`` is what many words make, their mean where nothing else is said. Value, interval,
null of random words and per-word figures follow from these two, and through ``ListMetric`` all the
rest.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import NotMeasuredError, UserError, nearest
from debiaslab.metrics import cases
from debiaslab.metrics.cases import Case
from debiaslab.metrics.gender_direction import FoundPairs, find_pairs
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
    FoundSets,
    Measured,
    find,
    find_sets,
    in_order,
    require_directions,
    require_enough,
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

Value = Callable[[Array], Array]
"""From the scores of the words of ``b`` sets, ``(b, n)`` or ``(b, n, k)``, to ``(b,)``."""

Against = Literal["groups", "two groups", "pairs", "direction"]

_AT_ONCE = 50  # resamples at a time: ranking takes ten copies of what is ranked
_NEEDS: Mapping[Against, str] = {
    "groups": GROUPS_OF_WORDS,
    "two groups": "two groups of words",
    "pairs": "pairs of words",
    "direction": "definitional pairs",
}
_CASES: Mapping[Against, tuple[OfHalf, OfAttribute]] = {
    "groups": (cases.occupations_against_groups, cases.attribute_against_groups),
    "two groups": (cases.occupations_against_groups, cases.attribute_against_two),
    "pairs": (cases.occupations_against_pairs, cases.attribute_against_pairs),
    "direction": (cases.occupations_against_pairs, cases.attribute_against_pairs),
}


@dataclass(frozen=True)
class Look:
    """What a metric of words sees when it says more than its value.

    Attributes:
        embeddings: The vectors.
        held: What the words are held against, as looked up.
        rows: Vectors of the words to which the metric is defined, as it sees them, ``(n, d)``,
            in the order of the vocabulary.
        scores: What each is to it.
        places: Each word and its place there, in the order of the list.
        knobs: The settings in force.
        permutations: Permutations of its test; 0 for none.
        seed: Seed of these.
    """

    embeddings: Embeddings
    held: Any
    rows: Array
    scores: Array
    places: Mapping[str, int]
    knobs: Mapping[str, Any]
    permutations: int
    seed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class WordMetric(ListMetric):
    """A metric that is what each word is to it, and what many words make.

    Attributes:
        fit: Looks up what words are held against and returns what a word is to the metric.
        value: What many words make.
        against: What words are held against.
        unit: Whether words are scaled to length 1.
        least: Words that it needs.
        own: Settings of ``fit`` that are not its defaults.
        numbers: What a result says besides, where it is not measured.
        about: The same where it is.
        undefined: The reason where words have no value.
        all_missing: Whether the result lists words of pairs that are missing, too.
        positive: To which of two groups a positive number leans: the first (0) or the second (1).
    """

    function: Measure = field(init=False, default=None)  # type: ignore[assignment]
    fit: Callable[..., Score]
    value: Value = mean
    against: Against
    unit: bool = True
    least: int = MIN_WORDS
    own: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    about: Callable[[Look], Mapping[str, Any]] | None = None
    undefined: str = "the metric is undefined for these words"
    all_missing: bool = True
    positive: Literal[0, 1] = 0

    def __call__(
        self,
        embeddings: Embeddings,
        words: Sequence[str] | cases.Groups,
        *against: Any,
        bootstrap: int = RESAMPLES,
        permutations: int | None = None,
        seed: int = 0,
        **knobs: Any,
    ) -> Measured:
        """Return the metric of a list of words.

        Args:
            embeddings: The vectors.
            words: The words to measure, one list or several (which count as one); repeated words
                count once.
            against: The groups or the pairs they are held against; two groups one by one.
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
        found = find(embeddings, union(words))
        lost = held.missing if self.all_missing else ()
        empty = Measured(
            n=len(found.words),
            missing=tuple(dict.fromkeys(found.missing + lost)),
            numbers={**self.numbers, **_sizes(held)},
        )
        try:
            rows, scores = self._scores(embeddings, found, held, knobs)
        except NotMeasuredError as problem:
            return replace(empty, reason=str(problem))
        kept = np.asarray(np.isfinite(scores.reshape(len(scores), -1)).all(axis=1))
        value = float(self.value(scores[kept][None])[0]) if kept.any() else np.nan
        if not np.isfinite(value):
            return replace(empty, reason=self.undefined)
        tested = self.permutations if permutations is None else permutations
        look = Look(
            embeddings, held, rows[kept], scores[kept], _places(found, kept), knobs, tested, seed
        )
        return replace(
            empty,
            value=value,
            interval=self._interval(look.scores, bootstrap, seed),
            scores={word: look.scores[place].tolist() for word, place in look.places.items()},
            numbers={**empty.numbers, **(self.about(look) if self.about else {})},
        )

    def null(
        self,
        drawn: RandomWords,
        *against: Any,
        n: int | None = None,
        draws: int = DRAWS,
        seed: int = 0,
        **knobs: Any,
    ) -> Array:
        """Return the metric of random words, shape ``(draws,)``; NaN where it is undefined.

        Args:
            drawn: The words to draw from; those held against are never drawn.
            against: As in the metric, and then the words of a set where ``n`` is not named.
            n: Words of a set.
            draws: Sets drawn.
            seed: Seed of the draws.
            knobs: As in the metric.

        Raises:
            NotMeasuredError: The metric has a reason not to be measured, there are too few words
                to draw, or most sets have no value.
        """
        if n is None:
            *against, n = against  # type: ignore[assignment]
        knobs = self._knobs(knobs)
        groups = self._groups(against)
        held = self._look_up(drawn.embeddings, groups)
        if isinstance(held, FoundSets):
            held.require()
        score = self.fit(drawn.embeddings, held, **knobs)
        scores = drawn.scores(score, unit=knobs.get("unit", self.unit))
        left = drawn.excluding(scores, find(drawn.embeddings, union(groups)).rows)
        return null_from(self.value, left, (n,), draws=draws, seed=seed)

    @property
    def module(self) -> str:
        """Where it is defined."""
        return self.fit.__module__

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
        return self(
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
        return self.null(drawn, case.against, n=record.n, draws=draws, seed=seed, **case.knobs)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its settings by name, and their values."""
        found = inspect.signature(self.fit).parameters.values()
        known = {each.name: each.default for each in found if each.kind == each.KEYWORD_ONLY}
        return {**known, **({"unit": self.unit} if "unit" in known else {}), **self.own}

    def _knobs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known = self.settings
        for name in given:
            if name not in known:
                raise UserError(
                    f"{self.name} has no setting {name!r}",
                    allowed=", ".join(known) or "none",
                    nearest=nearest(name, known),
                )
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
            require_directions(" and ".join(held.names), np.concatenate(held.unit(embeddings)))
        else:
            held.require()

    def _scores(
        self, embeddings: Embeddings, found: Found, held: Any, knobs: Mapping[str, Any]
    ) -> tuple[Array, Array]:
        """Return the vectors of the words, in the order of the vocabulary, and their scores.

        Sums and seeded draws made over them are then the same whatever the order of the list.
        """
        require_enough("the word list", found, self.least)
        self._require(embeddings, held)
        # What is wrong with a direction is said before what is wrong with the words.
        score = self.fit(embeddings, held, **knobs) if self.against == "direction" else None
        rows = unit_rows(embeddings, in_order(found))
        if len(rows) > 1:
            require_directions("the word list", rows)
        if score is None:
            score = self.fit(embeddings, held, **knobs)
        if not knobs.get("unit", self.unit):
            rows = embeddings.vectors[in_order(found)].astype(np.float64)
        return rows, score(rows)

    def _interval(self, scores: Array, draws: int, seed: int) -> Interval:
        """Resample the words, sorted by what each alone makes: no order has an influence."""
        if not draws:
            return NO_INTERVAL
        ordered = scores[np.argsort(self.value(scores[:, None]), kind="stable")]
        picks = resample(len(ordered), draws, np.random.default_rng(seed))
        parts = [ordered[picks[i : i + _AT_ONCE]] for i in range(0, draws, _AT_ONCE)]
        return percentile_interval(np.concatenate([self.value(part) for part in parts]))

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


def _sizes(held: FoundSets | FoundPairs) -> dict[str, Any]:
    if isinstance(held, FoundPairs):
        return {"pairs": len(held.rows)}
    return {"groups": tuple(held.sizes.values())}


def _places(found: Found, kept: NDArray[np.bool_]) -> dict[str, int]:
    """Return the place of each kept word among those kept, in the order of the list."""
    order = np.argsort(np.argsort(found.rows))
    places = np.cumsum(kept) - 1
    return {
        word: int(places[place])
        for word, place in zip(found.words, order.tolist(), strict=True)
        if kept[place]
    }


def metric(
    name: str,
    *,
    citation: str,
    against: Against,
    better: Better,
    family: str = "association",
    **more: Any,
) -> Callable[[Callable[..., Score]], WordMetric]:
    """Return a decorator that makes a function a metric, registered under ``name``.

    The function takes vectors and what words are held against (``FoundSets`` of groups,
    ``FoundPairs``), and its settings by keyword; it returns what a word is to the metric, from
    vectors of shape ``(n, d)``.

    Args:
        name: As in the scorecard's records.
        citation: Where it was published.
        against: What words are held against.
        better: What is better.
        family: The group of the scorecard.
        more: Other fields of ``WordMetric``.

    Raises:
        ValueError: The name is taken, or there is no such family.
    """

    def add(fit: Callable[..., Score]) -> WordMetric:
        gender, attribute = _CASES[against]
        found = {"gender": gender, "attribute": attribute, "doc": doc_of(fit), **more}
        return added(
            WordMetric(
                name=name,
                citation=citation,
                against=against,
                better=better,
                family=family,
                needs=_NEEDS[against],
                has_null=True,
                fit=fit,
                **found,
            )
        )

    return add
