"""The groups of the scorecard by name, and which are measured when none is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from debiaslab.errors import UserError, nearest
from debiaslab.lexicons import AssociationTest, Attribute
from debiaslab.metrics.analogy_sets import AnalogySet
from debiaslab.metrics.baseline import Baseline
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.registry import RecordMetric, list_metrics, metrics
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.similarity_sets import SimilaritySet
from debiaslab.metrics.yardstick import Yardstick
from debiaslab.vectors.embeddings import Embeddings


@dataclass(frozen=True)
class Subject:
    """What is measured, and with what."""

    embeddings: Embeddings
    effort: Effort
    similarity: Sequence[SimilaritySet]
    analogies: Sequence[AnalogySet] | None = None
    attributes: Sequence[Attribute] = ()
    tests: Sequence[AssociationTest] = ()
    own: Baseline | None = None  # the vectors themselves, where others are held against them
    baseline: Baseline | None = None
    lipstick_nulls: bool = True  # they take longer than the tests

    @cached_property
    def yardsticks(self) -> Sequence[Yardstick]:
        """The random words here, and the baseline's; none without nulls."""
        if not self.effort.null:
            return ()
        own = Yardstick.of(self.embeddings) if self.own is None else self.own.yardstick.named("")
        return (own,) if self.baseline is None else (own, self.baseline.yardstick)

    def required_baseline(self) -> Embeddings:
        """Return the vectors of the baseline.

        Raises:
            NotMeasuredError: There is none.
        """
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
        if name not in GROUPS:
            raise UserError(
                f"there is no group of metrics {name!r}",
                allowed=", ".join(GROUPS),
                nearest=nearest(name, GROUPS),
            )
    if not groups:
        raise UserError("no group of metrics was named", allowed=", ".join(GROUPS))
    groups = (*groups, "collapse")
    part_of_another = {"direct_bias"} if "geometry" in groups else set()
    return [name for name in GROUPS if name in groups and name not in part_of_another]


def group_records(name: str, subject: Subject) -> Iterator[Record]:
    """Yield the records of one group; one record with the reason when nothing can be measured."""
    try:
        yield from GROUPS[name](subject)
    except NotMeasuredError as problem:
        yield Record(name, name, "all", None, reason=str(problem))


def _family(name: str) -> Callable[[Subject], Iterator[Record]]:
    """Return what yields the records of the metrics of one family, in the registry's order."""

    def measured(subject: Subject) -> Iterator[Record]:
        known = [each for each in metrics().values() if each.family == name]
        # A function that serves several metrics yields the records of all.
        once = {each.function if isinstance(each, RecordMetric) else each: each for each in known}
        for each in once.values():
            yield from each.records(subject)

    return measured


def _association(subject: Subject) -> Iterable[Record]:
    """Half by half."""
    return sorted(_family("association")(subject), key=lambda record: HALVES.index(record.words))


def _direct_bias(subject: Subject) -> Iterable[Record]:
    return metrics()["direct_bias"].records(subject)


def _attributes(subject: Subject) -> Iterator[Record]:
    """What generalises beyond gender, for each attribute and half, named after it."""
    if not subject.attributes:
        raise NotMeasuredError("needs an attribute, such as religion, from a lexicon file")
    for attribute in subject.attributes:
        for half in HALVES:
            for metric in list_metrics():
                for case in metric.attribute(attribute, half):
                    yield metric.record(
                        subject.embeddings, case, subject.effort, subject.yardsticks
                    )


GROUPS: dict[str, Callable[[Subject], Iterable[Record]]] = {
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
