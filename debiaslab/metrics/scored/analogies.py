"""Scorecard records of analogy questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from debiaslab.lexicons import Half
from debiaslab.metrics.analogies import Analogies, PartAccuracy, accuracy, answer
from debiaslab.metrics.analogy_answers import Way
from debiaslab.metrics.analogy_sets import AnalogySet
from debiaslab.metrics.effort import HALVES, Effort
from debiaslab.metrics.scorecard import Record, finite
from debiaslab.vectors.embeddings import Embeddings

_METRICS: dict[str, tuple[Way, Way]] = {
    "analogies_3cosadd": ("cosadd", "cosadd_unrestricted"),
    "analogies_3cosmul": ("cosmul", "cosmul_unrestricted"),
}
_PARTS = ("total", "semantic", "syntactic")


def records(embeddings: Embeddings, sets: Sequence[AnalogySet], effort: Effort) -> Iterator[Record]:
    """Yield the accuracy by 3CosAdd and by 3CosMul of each set, on all, tune and report questions.

    A set whose sections are semantic and syntactic gives a record for each as well, named
    ``"Google semantic"``; the sections are in ``extra`` of the record of the whole.
    """
    for analogies in sets:
        seed = effort.seed_of("analogies", analogies.name)
        answers = answer(embeddings, analogies, seed=seed)
        for half in HALVES:
            result = accuracy(
                answers,
                half,
                bootstrap=effort.bootstrap,
                seed=effort.seed_of("analogies", analogies.name, half),
            )
            kinds = {section.kind for section in analogies.sections}
            for name in [part for part in _PARTS if part == "total" or part in kinds]:
                for metric in _METRICS:
                    yield _record(metric, analogies.name, name, half, result)


def _record(metric: str, set_name: str, part_name: str, half: Half, result: Analogies) -> Record:
    name = set_name if part_name == "total" else f"{set_name} {part_name}"
    part = result.part(part_name)
    extra: dict[str, Any] = {
        "coverage": result.coverage,
        "questions": result.questions,
        "candidates": result.candidates,
    }
    if part is None:
        reason = result.reason or f"no {part_name} question could be asked"
        return Record(metric, name, half, None, missing=result.missing, reason=reason, extra=extra)
    restricted, unrestricted = (part.accuracy[way] for way in _METRICS[metric])
    if part_name == "total":
        extra["sections"] = _sections(result, _METRICS[metric][0])
    return Record(
        metric=metric,
        name=name,
        words=half,
        value=finite(restricted.value),
        low=restricted.interval[0],
        high=restricted.interval[1],
        n=part.n,
        missing=result.missing,
        extra={
            **extra,
            "unrestricted": finite(unrestricted.value),
            "unrestricted_low": unrestricted.interval[0],
            "unrestricted_high": unrestricted.interval[1],
        },
    )


def _sections(result: Analogies, way: Way) -> dict[str, dict[str, float | int]]:
    sections: list[PartAccuracy] = [part for part in result.parts if part.name not in _PARTS]
    return {part.name: {"value": part.accuracy[way].value, "n": part.n} for part in sections}
