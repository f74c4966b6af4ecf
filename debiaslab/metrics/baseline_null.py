"""The fixed yardstick of an association: what random words show in the *baseline* vectors.

Debiasing shrinks the null of the debiased vectors together with their associations; the
baseline's stays where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from debiaslab.lexicons import association_test
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import QUANTILE, RandomWords
from debiaslab.metrics.null_metrics import weat_null
from debiaslab.metrics.scorecard import Record


def with_weat_nulls(
    records: Iterable[Record], drawn: RandomWords, effort: Effort
) -> Iterator[Record]:
    """Yield WEAT records with ``null95_baseline`` in ``extra``.

    It is the 95 % quantile of ``|s|`` over random target sets of the record's sizes in
    the baseline, whose neutral words are ``drawn`` from with the seed of the record's own null.
    None when nothing is measured, or the baseline has too few words. The other metrics have theirs
    from ``nulls.with_null``.
    """
    for record in records:
        extra = {**record.extra, "null95_baseline": _quantile(record, drawn, effort)}
        yield replace(record, extra=extra)


def _quantile(record: Record, drawn: RandomWords, effort: Effort) -> float | None:
    if record.extra.get("statistic") is None:
        return None
    words = association_test(record.name).half(record.words)
    seed = effort.seed_of("null", record.name, record.words)
    try:
        statistics = weat_null(drawn, words.A, words.B, record.extra["sizes"][:2], seed=seed)
    except NotMeasuredError:  # the statistic stands without this yardstick
        return None
    return float(np.quantile(np.abs(statistics), QUANTILE))
