"""Correcting p-values for how many were looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from debiaslab.errors import UserError
from debiaslab.lexicons import Half
from debiaslab.metrics.scorecard import Record, Scorecard

Sided = Literal["two", "one"]


@dataclass(frozen=True)
class CorrectedP:
    """The p-value of one record, and what it is worth among its family.

    Attributes:
        metric: As in the record.
        name: As in the record.
        words: As in the record; one half is one family.
        p: The record's own p-value.
        holm: Adjusted for the family-wise error rate (Holm 1979): under 0.05 means that with
            95 % certainty not one of the family's findings so marked is false.
        benjamini_hochberg: Adjusted for the false discovery rate (Benjamini & Hochberg 1995):
            of the findings under 0.05, about 5 % are expected to be false.
        family: Number of p-values corrected together.
    """

    metric: str
    name: str
    words: Half
    p: float
    holm: float
    benjamini_hochberg: float
    family: int


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's (1979) step-down adjusted p-values, in the order given, shape ``(n,)``.

    ``max over j ≤ i of min(1, (n − j + 1) p_(j))``; holds whatever the dependence of the tests.

    Raises:
        UserError: A value is not in [0, 1].
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    return _in_place(order, np.minimum(1.0, np.maximum.accumulate(steps)))


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Return Benjamini & Hochberg's (1995) step-up adjusted p-values, in the order given.

    ``min over j ≥ i of min(1, n p_(j) / j)``; holds for independent and for positively dependent
    tests (Benjamini & Yekutieli 2001), such as tests that share words.

    Raises:
        UserError: A value is not in [0, 1].
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    steps = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _in_place(order, np.minimum(1.0, np.minimum.accumulate(steps[::-1])[::-1]))


def corrected(card: Scorecard, *, sided: Sided = "two") -> tuple[CorrectedP, ...]:
    """Return the corrected p-value of every record that has one, in the scorecard's order.

    The p is the permutation p of the record: two-sided where the record has one
    (``p_two_sided``), because a scorecard looks for bias either way; ``sided="one"`` takes the
    one-sided ``p``, for who has stated the direction beforehand. The family is every p of one
    half: all, tune and report words are three looks at overlapping words, and a reader quotes
    one of them.

    Raises:
        UserError: ``sided`` is neither two nor one.
    """
    if sided not in ("two", "one"):
        raise UserError(f"sided was {sided!r}", allowed="two, one")
    tested = [(record, p) for record in card.records if (p := _p(record, sided)) is not None]
    found: dict[int, CorrectedP] = {}
    for half in dict.fromkeys(record.words for record, _ in tested):
        places = [i for i, (record, _) in enumerate(tested) if record.words == half]
        raw = [tested[i][1] for i in places]
        for i, p, by_holm, by_bh in zip(
            places, raw, holm(raw), benjamini_hochberg(raw), strict=True
        ):
            record = tested[i][0]
            found[i] = CorrectedP(
                record.metric, record.name, half, p, float(by_holm), float(by_bh), len(raw)
            )
    return tuple(found[i] for i in range(len(tested)))


def _p(record: Record, sided: Sided) -> float | None:
    two_sided = record.extra.get("p_two_sided")
    return record.p if sided == "one" or two_sided is None else float(two_sided)


def _checked(p: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise UserError("these are not p-values", allowed="a list of numbers between 0 and 1")
    return values


def _in_place(order: NDArray[np.intp], adjusted: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.empty(len(order))
    values[order] = adjusted
    return values
