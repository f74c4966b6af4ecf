"""The scorecard: one flat list of records for every metric, to and from JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from debiaslab.errors import UserError
from debiaslab.lexicons import Half
from debiaslab.metrics.cases import Case
from debiaslab.metrics.vocabulary import Result, shortlist

SCHEMA = 1

Ruler = Literal["own", "anchored"]
"""Whose attribute words a metric reads along: those of the same vectors, or the baseline's."""


@dataclass(frozen=True)
class Record:
    """One measured (or not measured) number.

    Attributes:
        metric: The name of a metric, such as ``"weat"``.
        name: What was measured with it: a test, a word list, a similarity set, a check.
        words: Which half of the lexicons.
        value: The number; None when not measured. For ``weat`` it is the effect size ``d``, and
            ``extra["statistic"]`` is the number to compare across spaces.
        low: Lower end of the 95 % interval of ``value``.
        high: Upper end.
        p: One-sided p-value, where the metric has a test.
        method: How ``p`` was computed: ``"exact"`` or ``"monte_carlo"``.
        n: Words or pairs that were measured.
        missing: Words that have no vector.
        reason: Why ``value`` is None; None when it is not.
        extra: Further values of this metric, kept as keys of the record in JSON.
        inputs: The words it is of and what they were compared with; not in JSON.
    """

    metric: str
    name: str
    words: Half
    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    method: str | None = None
    n: int = 0
    missing: tuple[str, ...] = ()
    reason: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    inputs: Case | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a record cannot hold {self.value}: the metric has to say why")

    @classmethod
    def of(
        cls, result: Result, metric: str, name: str, words: Half, extra: Mapping[str, Any]
    ) -> Record:
        """Return the record of a result; ``extra`` may name fields too, which then replace it."""
        found: dict[str, Any] = {
            **{"value": result.value, "low": result.interval[0], "high": result.interval[1]},
            **{"n": result.n, "missing": result.missing, "reason": result.reason},
            **{key: value for key, value in extra.items() if key in (*_OWN, "inputs")},
        }
        rest = {key: value for key, value in extra.items() if key not in (*_OWN, "inputs")}
        return cls(metric, name, words, **found, extra=rest)

    @property
    def label(self) -> str:
        """The record in one phrase."""
        return f"{self.metric} {self.name} {self.words}"

    def number(self, key: str) -> float | None:
        """Return its value, or one of ``extra`` by its name; None when it was not measured."""
        return self.value if key == "value" else self.extra.get(key)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as one flat JSON object, ``extra`` last."""
        own = {name: getattr(self, name) for name in _OWN}
        return {**own, "missing": list(self.missing), **self.extra}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Record:
        """Return the record of a flat JSON object; unknown keys become ``extra``."""
        own = {name: document[name] for name in _OWN if name in document}
        own["missing"] = tuple(own.get("missing", ()))
        extra = {key: value for key, value in document.items() if key not in _OWN}
        return cls(**own, extra=extra)


_OWN = tuple(each.name for each in fields(Record) if each.name not in ("extra", "inputs"))


@dataclass(frozen=True)
class Scorecard:
    """All records of one set of vectors.

    Attributes:
        vectors: What they are called.
        records: What was measured, each along attribute words of the same vectors.
        anchored: The same of metrics that use attribute words, read along those of a baseline, see
            ``anchored``; the first record is the alignment. Empty where there is no baseline.
    """

    vectors: str
    records: tuple[Record, ...]
    anchored: tuple[Record, ...] = ()

    def reading(self, ruler: Ruler) -> Scorecard:
        """Return the scorecard of one ruler alone."""
        return Scorecard(self.vectors, self.anchored) if ruler == "anchored" else self

    def record(self, metric: str, name: str, words: Half) -> Record | None:
        """Return the record of this metric, name and half, or None when there is none."""
        wanted = (metric, name, words)
        return next((r for r in self.records if (r.metric, r.name, r.words) == wanted), None)

    def value(self, metric: str, name: str, words: Half) -> float | None:
        """Return the value of a record; None when there is no such record or it has no value."""
        record = self.record(metric, name, words)
        return None if record is None else record.value

    def statistic(self, name: str, words: Half) -> float | None:
        """Return the WEAT statistic ``s`` of a test: what to compare across spaces."""
        record = self.record("weat", name, words)
        return None if record is None else record.extra.get("statistic")

    @property
    def collapsed(self) -> bool:
        """Whether the vectors have collapsed, so that small numbers of bias are worth nothing."""
        return any(record.extra.get("collapsed") for record in self.records)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What looks wrong with the vectors as a whole, such as a collapse."""
        found = (record.extra.get("warning") for record in self.records)
        return tuple(dict.fromkeys(warning for warning in found if warning))

    def table(self) -> str:
        """Return the scorecard as plain text, as ``evaluate`` prints it."""
        from debiaslab.metrics.tables import plain, scorecard_blocks

        return plain(scorecard_blocks(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object (schema 1): ``schema``, ``vectors`` and the flat ``records``.

        Besides these ``anchored``, flat records too, where there are any.
        """
        records = [record.to_dict() for record in self.records]
        along = [record.to_dict() for record in self.anchored]
        found = {"schema": SCHEMA, "vectors": self.vectors, "records": records}
        return {**found, "anchored": along} if along else found

    def to_json(self) -> str:
        """Return the JSON text of :meth:`to_dict`; NaN and infinity are refused."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Scorecard:
        """Return the scorecard that ``to_json`` wrote.

        Raises:
            UserError: The text is not JSON, not a scorecard, or of another schema.
        """
        try:
            document = json.loads(text, parse_constant=_refuse)
            if document["schema"] != SCHEMA:
                raise UserError(
                    f"this scorecard has schema {document['schema']!r}", allowed=f"schema {SCHEMA}"
                )
            records, along = (
                tuple(map(Record.from_dict, each))
                for each in (document["records"], document.get("anchored", ()))
            )
            return cls(document["vectors"], records, along)
        except (ValueError, KeyError, TypeError) as problem:
            raise UserError(
                f"this is not a scorecard ({problem})",
                allowed=f'JSON with "schema": {SCHEMA}, "vectors" and "records"',
                next_step="debiaslab evaluate FILE --json OUT",
            ) from None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")


# Remarks on nulls -------------------------------------------------------------------------------

_WHERE = (("", "here"), ("_baseline", "in the baseline"))


def null_remarks(records: Sequence[Record]) -> list[str]:
    """Return a line for each null that is missing or without some of its random sets or words.

    Records of which the same is to be said share a line; without anything to say there is none.
    """
    found: dict[str, list[str]] = {}
    lines = []
    for suffix, where in _WHERE:
        for record in records:
            if (problem := _problem(record, suffix)) is not None:
                found.setdefault(f"{where}: {problem}", []).append(record.label)
        # Every null in one set of vectors is without the same words.
        zeros = max((record.extra.get(f"null_zeros{suffix}") or 0 for record in records), default=0)
        if zeros:
            said = "1 frequent word is" if zeros == 1 else f"{zeros:,} frequent words are"
            lines.append(f"{where}: {said} never drawn: all-zero vectors")
    return [*(f"{shortlist(tuple(names))}, {each}" for each, names in found.items()), *lines]


def _problem(record: Record, suffix: str) -> str | None:
    reason: str | None = record.extra.get(f"null_reason{suffix}")
    undefined = record.extra.get(f"null_undefined{suffix}")
    if reason is None and undefined:
        draws = record.extra[f"null_draws{suffix}"]
        return f"{undefined:,} of {draws:,} sets are left out, for it is undefined for them"
    return None if reason is None else f"not measured: {reason}"
