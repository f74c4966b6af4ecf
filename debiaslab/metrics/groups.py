"""The groups of the scorecard by name, and which are measured when none is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from debiaslab.errors import UserError, nearest
from debiaslab.lexicons import AssociationTest, Attribute, association_tests
from debiaslab.metrics.analogy_sets import AnalogySet, default_analogy_sets
from debiaslab.metrics.baseline import Baseline
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.scored import (
    analogies,
    association,
    attributes,
    collapse,
    direct_bias,
    geometry,
    lipstick,
    overlap,
    retention,
    similarity,
    weat,
)
from debiaslab.metrics.scored.lipstick_nulls import with_lipstick_nulls
from debiaslab.metrics.scored.nulls import with_nulls
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


def _weat(subject: Subject) -> Iterable[Record]:
    tests = (*association_tests(), *subject.tests)
    return weat.records(subject.embeddings, subject.effort, subject.yardsticks, tests)


def _association(subject: Subject) -> Iterable[Record]:
    records = association.records(subject.embeddings, subject.effort)
    return with_nulls(records, subject.yardsticks, subject.effort)


def _direct_bias(subject: Subject) -> Iterable[Record]:
    records = direct_bias.records(subject.embeddings, subject.effort)
    return with_nulls(records, subject.yardsticks, subject.effort)


def _geometry(subject: Subject) -> Iterator[Record]:
    yield from _direct_bias(subject)
    records = geometry.records(subject.embeddings, subject.effort)
    yield from with_nulls(records, subject.yardsticks, subject.effort)


def _attributes(subject: Subject) -> Iterable[Record]:
    if not subject.attributes:
        raise NotMeasuredError("needs an attribute, such as religion, from a lexicon file")
    return attributes.records(
        subject.embeddings, subject.attributes, subject.effort, subject.yardsticks
    )


def _similarity(subject: Subject) -> Iterable[Record]:
    return similarity.records(subject.embeddings, subject.similarity, subject.effort)


def _analogies(subject: Subject) -> Iterable[Record]:
    sets = default_analogy_sets() if subject.analogies is None else subject.analogies
    if not sets:
        raise NotMeasuredError("needs a set of analogy questions: Google's comes with gensim")
    return analogies.records(subject.embeddings, sets, subject.effort)


def _retention(subject: Subject) -> Iterable[Record]:
    baseline = subject.required_baseline()
    return retention.records(subject.embeddings, baseline, subject.similarity, subject.effort)


def _overlap(subject: Subject) -> Iterable[Record]:
    return overlap.records(subject.embeddings, subject.required_baseline(), subject.effort)


def _lipstick(subject: Subject) -> Iterable[Record]:
    """Without a baseline the vectors are their own: what the tests show before debiasing."""
    baseline = subject.baseline or subject.own or Baseline(subject.embeddings)
    records = lipstick.records(subject.embeddings, baseline, subject.effort, subject.attributes)
    if not (subject.effort.null and subject.lipstick_nulls):
        return records
    return with_lipstick_nulls(records, subject.embeddings, baseline, subject.effort)


def _collapse(subject: Subject) -> Iterable[Record]:
    return collapse.records(subject.embeddings, subject.effort)


GROUPS: dict[str, Callable[[Subject], Iterable[Record]]] = {
    "weat": _weat,
    "association": _association,
    "direct_bias": _direct_bias,
    "geometry": _geometry,
    "attributes": _attributes,
    "similarity": _similarity,
    "analogies": _analogies,
    "retention": _retention,
    "overlap": _overlap,
    "lipstick": _lipstick,
    "collapse": _collapse,
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
