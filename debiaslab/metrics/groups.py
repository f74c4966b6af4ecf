"""The groups of the scorecard by name, and which are measured when none is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError, nearest
from debiaslab.metrics.baseline_null import with_baseline_null
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.scored import collapse, direct_bias, similarity, weat
from debiaslab.metrics.similarity_sets import SimilaritySet


@dataclass(frozen=True)
class Subject:
    """What is measured, and with what."""

    embeddings: Embeddings
    effort: Effort
    similarity: Sequence[SimilaritySet]
    baseline: Embeddings | None

    def required_baseline(self) -> Embeddings:
        """Return the baseline.

        Raises:
            NotMeasuredError: There is none.
        """
        if self.baseline is None:
            raise NotMeasuredError("needs the vectors of a baseline to compare with")
        return self.baseline


def measured_groups(groups: Sequence[str] | None, *, quick: bool, baseline: bool) -> list[str]:
    """Return the groups to measure, in the order of the scorecard, each once.

    Args:
        groups: Names among ``GROUPS``; None for those that suit the rest.
        quick: Only what is cheap enough for every epoch.
        baseline: Whether there is one: it adds what compares with it.

    Raises:
        UserError: A name is unknown, or there are none.
    """
    if groups is None:
        chosen = QUICK if quick else ALONE + (WITH_BASELINE if baseline else ())
        return [name for name in GROUPS if name in chosen]
    for name in groups:
        if name not in GROUPS:
            raise UserError(
                f"there is no group of metrics {name!r}",
                allowed=", ".join(GROUPS),
                nearest=nearest(name, GROUPS),
            )
    if not groups:
        raise UserError("no group of metrics was named", allowed=", ".join(GROUPS))
    return [name for name in GROUPS if name in groups]


def group_records(name: str, subject: Subject) -> Iterator[Record]:
    """Yield the records of one group; one record with the reason when nothing can be measured."""
    try:
        yield from GROUPS[name](subject)
    except NotMeasuredError as problem:
        yield Record(name, name, "all", None, reason=str(problem))


def _weat(subject: Subject) -> Iterator[Record]:
    for record in weat.records(subject.embeddings, subject.effort):
        if subject.baseline is None:
            yield record
        else:
            yield with_baseline_null(record, subject.baseline, subject.effort)


def _direct_bias(subject: Subject) -> Iterator[Record]:
    return direct_bias.records(subject.embeddings, subject.effort)


def _similarity(subject: Subject) -> Iterator[Record]:
    return similarity.records(subject.embeddings, subject.similarity, subject.effort)


def _collapse(subject: Subject) -> Iterator[Record]:
    return collapse.records(subject.embeddings, subject.effort)


GROUPS: dict[str, Callable[[Subject], Iterator[Record]]] = {
    "weat": _weat,
    "direct_bias": _direct_bias,
    "similarity": _similarity,
    "collapse": _collapse,
}
"""Every group in the order of the scorecard, and how its records are made."""

QUICK = ("weat", "direct_bias", "similarity", "collapse")
ALONE = ("weat", "direct_bias", "similarity", "collapse")
WITH_BASELINE = ()
