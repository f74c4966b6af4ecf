"""The fixed yardstick of an association: what random words show in the *baseline* vectors."""

from __future__ import annotations

from dataclasses import replace

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import association_test, gender_words
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.measured import NotMeasuredError
from debiaslab.metrics.null import null_quantile
from debiaslab.metrics.scorecard import Record


def with_baseline_null(record: Record, baseline: Embeddings, effort: Effort) -> Record:
    """Return a WEAT record with ``null95_baseline`` in ``extra``.

    It is the 95 % quantile of ``|s|`` over random target sets of the record's sizes in
    ``baseline``, drawn with the seed of the record's own null: debiasing shrinks the null of the
    debiased space together with its associations, this one stays where it was. None when nothing
    is measured, without nulls (``effort.null``), or when the baseline has too few words.
    """
    return replace(
        record, extra={**record.extra, "null95_baseline": _quantile(record, baseline, effort)}
    )


def _quantile(record: Record, baseline: Embeddings, effort: Effort) -> float | None:
    if not effort.null or record.extra.get("statistic") is None:
        return None
    words = association_test(record.name).half(record.words)
    n_x, n_y = record.extra["sizes"][:2]
    try:
        return null_quantile(
            baseline,
            words.A,
            words.B,
            n_x,
            n_y,
            seed=effort.seed_of("null", record.name, record.words),
            exclude=gender_words(),
        )
    except NotMeasuredError:  # the statistic stands without this yardstick
        return None
