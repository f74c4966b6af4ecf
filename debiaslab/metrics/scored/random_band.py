"""What random words show on a metric, added to its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import gender_words
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import SetMetric, mean, null_from, random_words
from debiaslab.metrics.null_band import null_band
from debiaslab.metrics.scorecard import Record

Array = NDArray[np.float64]

DRAWS = 1000
_NONE: dict[str, float | None] = dict.fromkeys(("null_median", "null_low", "null_high"))


@dataclass(frozen=True)
class RandomBand:
    """The random words of one set of vectors, made once for all its records."""

    embeddings: Embeddings
    effort: Effort

    def add(
        self, record: Record, score: Callable[[Array], Array], metric: SetMetric = mean
    ) -> Record:
        """Return the record with ``null_median``, ``null_low`` and ``null_high`` in ``extra``.

        Args:
            record: A record of ``n`` neutral words.
            score: What each word is to the metric: unit vectors, shape ``(m, d)``, to ``(m, …)``.
            metric: The metric of ``b`` sets of scores, ``(b, n, …) → (b,)``.

        Returns:
            The middle 95 % of the metric over sets of ``n`` random words; None where the record
            has no value, nulls are not wanted, or there are too few words to draw from.
        """
        return replace(record, extra={**record.extra, **self._band(record, score, metric)})

    def _band(
        self, record: Record, score: Callable[[Array], Array], metric: SetMetric
    ) -> dict[str, float | None]:
        if not self.effort.null or record.value is None:
            return _NONE
        seed = self.effort.seed_of("null", record.metric, record.name, record.words)
        try:
            values = null_from(metric, score(self._unit), (record.n,), draws=DRAWS, seed=seed)
        except NotMeasuredError:  # the value stands without a null
            return _NONE
        band = null_band(values)
        return {"null_median": band.median, "null_low": band.low, "null_high": band.high}

    @cached_property
    def _unit(self) -> Array:
        return random_words(self.embeddings, gender_words()).unit
