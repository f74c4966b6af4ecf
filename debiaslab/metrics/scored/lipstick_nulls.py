"""What two random words in the place of *he* and *she* show on the lipstick tests' records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from debiaslab.lexicons import Half, load
from debiaslab.metrics.baseline import Baseline
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.lipstick_null import (
    Array,
    RandomAxes,
    label_null,
    neighbor_null,
    random_axes,
)
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.neighbor_bias import NeighborShares, neighbor_shares_along
from debiaslab.metrics.scorecard import Record
from debiaslab.metrics.scored.lipstick import LABEL_TESTS, OCCUPATIONS, test_of
from debiaslab.metrics.scored.nulls import null_numbers
from debiaslab.vectors.embeddings import Embeddings


def with_lipstick_nulls(
    records: Iterable[Record], embeddings: Embeddings, baseline: Baseline, effort: Effort
) -> Iterator[Record]:
    """Yield the records with the null of 20 random axes in ``extra``, named as in ``with_null``.

    The axes are of the baseline's vectors, as *he* − *she* is, and serve an attribute's pair too.
    The suffix ``_baseline`` is of the same labels in these, there where ``embeddings`` are others.
    """
    seed = effort.seed_of("null", "lipstick")
    zeros = baseline.yardstick.words.zeros
    nulls = {"": _Nulls(embeddings, baseline, seed)}
    if embeddings is not baseline.embeddings:
        nulls["_baseline"] = _Nulls(baseline.embeddings, baseline, seed)
    for record in records:
        extra = dict(record.extra)
        for suffix, null in nulls.items():
            values = "" if record.value is None else null.of(test_of(record), record.words)
            numbers = null_numbers(values, record.value, zeros)
            extra |= {f"{name}{suffix}": number for name, number in numbers.items()}
        yield replace(record, extra=extra)


@dataclass(frozen=True)
class _Nulls:
    embeddings: Embeddings
    baseline: Baseline
    seed: int

    def of(self, name: str, half: Half) -> Array | str:
        """Return one value an axis, or why there are none."""
        if self.embeddings is not self.baseline.embeddings:
            return self._drawn(name, half)
        return self.baseline.once(
            ("lipstick null", name, half, self.seed), lambda: self._drawn(name, half)
        )

    def _drawn(self, name: str, half: Half) -> Array | str:
        try:
            if name in LABEL_TESTS:
                return label_null(LABEL_TESTS[name], self.embeddings, self._axes, self.seed)
            return neighbor_null(self._shares, load(OCCUPATIONS).half(half))
        except NotMeasuredError as problem:  # the value stands without a null
            return str(problem)

    @property
    def _axes(self) -> RandomAxes:
        words = self.baseline.yardstick.words
        return self.baseline.once(
            ("random axes", self.seed), lambda: random_axes(words, seed=self.seed)
        )

    @cached_property
    def _shares(self) -> tuple[NeighborShares, ...]:
        return neighbor_shares_along(
            self.embeddings,
            self.baseline.embeddings,
            self.baseline.biased,
            load(OCCUPATIONS).words,
            self._axes.pairs,
        )
