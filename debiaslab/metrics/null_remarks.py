"""What a reader of nulls should know: sets and words that were left out, nulls that are missing."""

from __future__ import annotations

from collections.abc import Sequence

from debiaslab.metrics.measured import shortlist
from debiaslab.metrics.scorecard import Record

_WHERE = (("", "here"), ("_baseline", "in the baseline"))


def null_remarks(records: Sequence[Record]) -> list[str]:
    """Return a line for each null that is missing or without some of its random sets or words.

    Records of which the same is to be said share a line; without anything to say there is none.
    """
    return [*_of_sets(records), *_of_words(records)]


def _of_sets(records: Sequence[Record]) -> list[str]:
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for suffix, where in _WHERE:
            said = _problem(record, suffix)
            if said is not None:
                name = f"{record.metric} {record.name} {record.words}"
                found.setdefault(f"{where}: {said}", {})[name] = None
    return [f"{shortlist(tuple(names))}, {problem}" for problem, names in found.items()]


def _problem(record: Record, suffix: str) -> str | None:
    reason: str | None = record.extra.get(f"null_reason{suffix}")
    undefined = record.extra.get(f"null_undefined{suffix}")
    if reason is None and undefined:
        draws = record.extra[f"null_draws{suffix}"]
        return f"{undefined:,} of {draws:,} sets are left out, for it is undefined for them"
    return None if reason is None else f"not measured: {reason}"


def _of_words(records: Sequence[Record]) -> list[str]:
    """Return a line for each set of vectors: every null in it is without the same words."""
    lines = []
    for suffix, where in _WHERE:
        zeros = max((record.extra.get(f"null_zeros{suffix}") or 0 for record in records), default=0)
        if zeros:
            said = "1 frequent word is" if zeros == 1 else f"{zeros:,} frequent words are"
            lines.append(f"{where}: {said} never drawn: all-zero vectors")
    return lines
