"""Measuring one set of vectors with every metric of the scorecard, by groups of metrics."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

from debiaslab.errors import NotMeasuredError, UserError, require_known
from debiaslab.lexicons import AssociationTest, Attribute, Half, association_tests
from debiaslab.metrics.anchored import align, anchored, attribute_words
from debiaslab.metrics.cases import HALVES, Resampling
from debiaslab.metrics.datasets import AnalogySet, SimilaritySet, default_similarity_sets
from debiaslab.metrics.neighbor_bias import BiasedWords, biased_words
from debiaslab.metrics.null import NullCache
from debiaslab.metrics.registry import RecordMetric, attribute_cases, metrics
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.statistics.bootstrap import RESAMPLES
from debiaslab.statistics.permutation import DRAWS
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from gensim.models import KeyedVectors
    from threadpoolctl import ThreadpoolController

_T = TypeVar("_T")


class Baseline:
    """A baseline for several calls of ``evaluate``: its nulls and lipstick tests are made once.

    Measuring ``baseline.embeddings`` with the ``Baseline`` itself gives the scorecard of the
    baseline alone.

    Args:
        embeddings: The vectors before debiasing.
    """

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = embeddings
        self._measured: dict[Hashable, Any] = {}

    @cached_property
    def yardstick(self) -> NullCache:
        """Its random words, the fixed yardstick of everything compared with it."""
        return NullCache.of(self.embeddings, "_baseline")

    @cached_property
    def biased(self) -> BiasedWords:
        """Its words in the order of their bias: the labels of the lipstick tests."""
        return biased_words(self.embeddings)

    def once(self, key: Hashable, measure: Callable[[], _T]) -> _T:
        """Return what ``measure`` returned when it was first called with this key."""
        if key not in self._measured:
            self._measured[key] = measure()
        found: _T = self._measured[key]
        return found


# Groups -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measurement:
    """What is measured, and with what."""

    embeddings: Embeddings
    effort: Resampling
    similarity: Sequence[SimilaritySet]
    analogies: Sequence[AnalogySet] | None = None
    attributes: Sequence[Attribute] = ()
    tests: Sequence[AssociationTest] = ()
    own: Baseline | None = None  # the vectors themselves, where others are compared with them
    baseline: Baseline | None = None
    lipstick_nulls: bool = True  # they take longer than the tests

    @cached_property
    def yardsticks(self) -> Sequence[NullCache]:
        """The random words here, and the baseline's; none without nulls."""
        if not self.effort.null:
            return ()
        own = NullCache.of(self.embeddings) if self.own is None else self.own.yardstick.named("")
        return (own,) if self.baseline is None else (own, self.baseline.yardstick)

    def required_baseline(self) -> Embeddings:
        """Return the vectors of the baseline; NotMeasuredError where there is none."""
        if self.baseline is None:
            raise NotMeasuredError("needs the vectors of a baseline to compare with")
        return self.baseline.embeddings


def measured_groups(
    groups: Sequence[str] | None, *, quick: bool = False, given: Sequence[str] = ()
) -> list[str]:
    """Return the groups to measure, in the order of the scorecard, each once.

    ``collapse`` is always among them: no number comes without the warning that makes it worthless.

    Args:
        groups: Names among ``GROUPS``; None for those that suit the rest.
        quick: Only what is cheap enough for every epoch.
        given: What else was handed in, among ``ADDED``: each adds its groups.

    Raises:
        UserError: A name is unknown, or there are none.
    """
    if groups is None:
        added = [name for what in given for name in ADDED[what]]
        groups = QUICK if quick else (*ALONE, *added)
    for name in groups:
        require_known(name, list(GROUPS), f"there is no group of metrics {name!r}")
    if not groups:
        raise UserError("no group of metrics was named", allowed=", ".join(GROUPS))
    groups = (*groups, "collapse")
    part_of_another = {"direct_bias"} if "geometry" in groups else set()
    return [name for name in GROUPS if name in groups and name not in part_of_another]


def group_records(name: str, measurement: Measurement) -> Iterator[Record]:
    """Yield the records of one group; one record with the reason when nothing can be measured."""
    try:
        yield from GROUPS[name](measurement)
    except NotMeasuredError as problem:
        yield Record(name, name, "all", None, reason=str(problem))


def _family(name: str) -> Callable[[Measurement], Iterator[Record]]:
    """Return what yields the records of the metrics of one family, in the registry's order."""

    def measured(measurement: Measurement) -> Iterator[Record]:
        known = [each for each in metrics().values() if each.family == name]
        # A function that serves several metrics yields the records of all.
        once = {each.function if isinstance(each, RecordMetric) else each: each for each in known}
        for each in once.values():
            yield from each.records(measurement)

    return measured


def _association(measurement: Measurement) -> Iterable[Record]:
    """Half by half."""
    return sorted(
        _family("association")(measurement), key=lambda record: HALVES.index(record.words)
    )


def _direct_bias(measurement: Measurement) -> Iterator[Record]:
    """Scale-free and raw."""
    for name in ("direct_bias", "raw_direct_bias"):
        yield from metrics()[name].records(measurement)


def _attributes(measurement: Measurement) -> Iterator[Record]:
    """What generalises beyond gender, for each attribute and half, named after it."""
    if not measurement.attributes:
        raise NotMeasuredError("needs an attribute, such as religion, from a lexicon file")
    for attribute in measurement.attributes:
        for half in HALVES:
            for metric, case in attribute_cases(attribute, half):
                yield metric.record(
                    measurement.embeddings, case, measurement.effort, measurement.yardsticks
                )


GROUPS: dict[str, Callable[[Measurement], Iterable[Record]]] = {
    "weat": _family("weat"),
    "association": _association,
    "direct_bias": _direct_bias,
    "geometry": _family("geometry"),
    "attributes": _attributes,
    "similarity": _family("similarity"),
    "analogies": _family("analogies"),
    "retention": _family("retention"),
    "overlap": _family("overlap"),
    "lipstick": _family("lipstick"),
    "collapse": _family("collapse"),
}
"""Every group in the order of the scorecard, and how its records are made."""

QUICK = ("weat", "direct_bias", "similarity", "collapse")
ALONE = ("weat", "association", "geometry", "similarity", "collapse")
ADDED = {
    "baseline": ("retention", "overlap", "lipstick"),
    "analogies": ("analogies",),
    "attributes": ("attributes",),
}
NEED_BASELINE = ("retention", "overlap")
ALONG_ATTRIBUTES = ("weat", "association", "geometry", "direct_bias", "attributes")
"""Groups that read words along attribute words: what an anchored reading is of."""


_ALIGNMENT: tuple[str, str, Half] = ("alignment", "baseline", "all")

# Evaluating -------------------------------------------------------------------------------------

_SILENCE = 2.0  # seconds before a progress bar appears
_LARGE_PRODUCTS = ("analogies", "overlap")


def evaluate(
    embeddings: Embeddings | KeyedVectors,
    *,
    name: str = "",
    seed: int = 0,
    bootstrap: int = RESAMPLES,
    quick: bool = False,
    similarity: Sequence[SimilaritySet] | None = None,
    baseline: Embeddings | KeyedVectors | Baseline | None = None,
    groups: Sequence[str] | None = None,
    analogies: Sequence[AnalogySet] | None = None,
    attributes: Sequence[Attribute] = (),
    tests: Sequence[AssociationTest] = (),
    lipstick_nulls: bool = True,
    anchor: Embeddings | None = None,
    progress: bool = False,
) -> Scorecard:
    """Measure bias, utility and collapse on all, tune and report words.

    Args:
        embeddings: The vectors, gensim's or ours, the most frequent words first (the null draws
            from the first 10,000). Where they cannot stand so, a record ``order`` warns of it.
        name: What to call the vectors in the scorecard.
        quick: Values only, of what is cheap: no intervals, no p-values, no nulls.
        similarity: Similarity sets; WordSim-353 and SimLex-999 when None.
        baseline: The vectors before debiasing: adds retention, overlap, the lipstick tests, and the
            baseline's nulls as the fixed yardstick (``null95_baseline`` of each ``weat`` record). A
            ``Baseline`` of them serves several calls faster; with the ``Baseline`` of
            ``embeddings`` themselves nothing is added.
        groups: Which groups to measure, see ``groups.GROUPS``; None for those that suit the rest.
            ``collapse`` is always measured.
        analogies: Sets of analogy questions, which adds their group. None: no analogies, which is
            what a study of hundreds of runs wants; Google's, when the group is named.
        attributes: Attributes besides gender, of a lexicon file, which adds their group; two
            classes that both have stereotypes are among the association tests as well.
        tests: Association tests besides those that ship, of a lexicon file.
        lipstick_nulls: Whether the lipstick tests, too, are compared with random words. That takes
            seconds (a classifier for each of 20 axes), which a study does without.
        anchor: Vectors along whose attribute words bias is read as well; those of ``baseline``
            where nothing is said, and none without one.
        progress: Whether to draw a progress bar on stderr when it takes more than two seconds.

    Returns:
        Records in a fixed order, group by group: ``weat`` (value ``d``; extra ``statistic``, its
        interval, ``p_two_sided``, ``null95``, set sizes), the other association metrics, geometry
        (``direct_bias`` first), ``similarity`` and the rest, ``collapse`` last. What cannot be
        measured is there with a reason. ``anchored`` has those of ``ALONG_ATTRIBUTES`` once more,
        values only, read along the anchor, with the baseline's nulls.

    Raises:
        UserError: A group is unknown; two association tests have one name; or ``similarity`` is
            None and gensim, which carries the sets, is not installed; or ``embeddings`` or
            ``baseline`` are no vectors.
    """
    embeddings = _as_embeddings(embeddings)
    sets = default_similarity_sets() if similarity is None else similarity
    itself = isinstance(baseline, Baseline) and baseline.embeddings is embeddings
    held = baseline
    if held is not None and not isinstance(held, Baseline):
        held = Baseline(_as_embeddings(held))
    own, before = (held, None) if itself else (None, held)
    handed_in = {"baseline": before, "analogies": analogies, "attributes": attributes or None}
    given = [what for what, there in handed_in.items() if there is not None]
    chosen = measured_groups(groups, quick=quick, given=given)
    effort = Resampling(seed, 0 if quick else bootstrap, 0 if quick else DRAWS, null=not quick)
    own_tests = _own_tests(tests, attributes)
    measurement = Measurement(
        embeddings, effort, sets, analogies, attributes, own_tests, own, before, lipstick_nulls
    )
    records: list[Record] = []
    with tqdm(chosen, desc=name, unit="group", delay=_SILENCE, disable=not progress) as bar:
        for group in bar:
            bar.set_postfix_str(group, refresh=False)
            with _blas_threads(group):
                records += group_records(group, measurement)
    if anchor is None and before is not None:
        anchor = before.embeddings
    along = [group for group in chosen if group in ALONG_ATTRIBUTES]
    found = anchored_records(measurement, anchor, along) if anchor is not None and along else ()
    return Scorecard(name, (*records, *_order(embeddings)), with_nulls_of(found, records))


def anchored_records(
    measurement: Measurement, anchor: Embeddings, groups: Sequence[str]
) -> tuple[Record, ...]:
    """Return what is measured along the attribute words of other vectors, values only.

    The first record is the alignment: its ``value`` is the mean cosine of ``n`` words with
    themselves, or its ``reason`` says why there is no other.
    """
    held = attribute_words(measurement.attributes)
    own = measurement.embeddings
    try:
        fitted = align(own, anchor, without=held)
    except UserError as problem:
        return (Record(*_ALIGNMENT, None, reason=str(problem)),)
    found = replace(
        measurement,
        embeddings=anchored(own, anchor, held, alignment=fitted),
        effort=replace(measurement.effort, bootstrap=0, permutations=0, null=False),
    )
    with _blas_threads(""):
        records = [each for group in groups for each in group_records(group, found)]
    return (Record(*_ALIGNMENT, fitted.fit, n=fitted.words), *records)


def with_nulls_of(
    along: Sequence[Record], records: Sequence[Record], suffix: str = "_baseline"
) -> tuple[Record, ...]:
    """Return anchored records with the random words of the baseline, which others hold already.

    Args:
        along: Anchored records.
        records: Records of the same lists, read along their own attribute words.
        suffix: Which of their nulls are the baseline's: all, where they are of the baseline itself.
    """
    known = {(record.metric, record.name, record.words): record for record in records}

    def completed(record: Record) -> Record:
        own = known.get((record.metric, record.name, record.words))
        if own is None or record.value is None or own.n != record.n:
            return record
        nulls = {
            f"{key.removesuffix('_baseline')}_baseline": number
            for key, number in own.extra.items()
            if key.startswith("null") and key.endswith(suffix) and "null_p" not in key
        }
        return replace(record, extra={**record.extra, **nulls})

    return tuple(map(completed, along))


def _order(embeddings: Embeddings) -> Iterator[Record]:
    """Yield one record, with a warning, where the words cannot stand by falling frequency."""
    if (problem := embeddings.order_warning()) is not None:
        reason = "the most frequent words are not the first ones"
        yield Record("order", "frequency", "all", None, reason=reason, extra={"warning": problem})


@contextmanager
def _blas_threads(group: str) -> Iterator[None]:
    """Multiply small matrices in one thread: beside other work two would wait for each other.

    Measured with another process on both cores: a fifth of the processor time.
    """
    with _libraries(len(sys.modules)).limit(
        limits=None if group in _LARGE_PRODUCTS else 1, user_api="blas"
    ):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Return the libraries for products; looked for again when more ``modules`` are imported."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _as_embeddings(vectors: Embeddings | KeyedVectors) -> Embeddings:
    if isinstance(vectors, Embeddings):
        return vectors
    if hasattr(vectors, "index_to_key"):
        return Embeddings.from_keyed_vectors(vectors)
    raise UserError(
        f"a {type(vectors).__name__} is not a set of vectors",
        allowed="debiaslab.Embeddings or gensim's KeyedVectors",
        next_step="debiaslab.Embeddings.load(FILE)",
    )


def _own_tests(
    tests: Sequence[AssociationTest], attributes: Sequence[Attribute]
) -> tuple[AssociationTest, ...]:
    """Return the tests of the user and of the attributes, whose names nothing else has."""
    found = (*tests, *(each.test for each in attributes if each.test is not None))
    known = {each.name for each in association_tests()}
    for test in found:
        if test.name in known:
            raise UserError(
                f"two association tests are called {test.name!r}",
                next_step="another name for the one in the lexicon file",
            )
        known.add(test.name)
    return found
