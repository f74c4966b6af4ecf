"""Which way a metric points: the number that is compared across files, and what is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from debiaslab.metrics.scorecard import Record

Better = Literal["higher", "lower", "near 0", "near null"]

_CENTRES = ("null_median_baseline", "null_median")


@dataclass(frozen=True)
class Direction:
    """How the records of a metric are compared.

    Attributes:
        better: What is better; None when neither is: the numbers are shown and not ranked.
            ``"near null"``: near the median of random words, the baseline's where it is known.
        key: Which number of the record: its ``value``, or an extra such as ``statistic``.
    """

    better: Better | None
    key: str = "value"

    def number(self, record: Record) -> float | None:
        """Return the number of ``record`` that is compared; None when it was not measured."""
        return record.value if self.key == "value" else record.extra.get(self.key)

    def badness(self, number: float, record: Record) -> float | None:
        """Return what is smaller for the better of two numbers; None when neither is.

        Args:
            number: A number of the metric.
            record: The record it belongs to, which knows its null.
        """
        if self.better is None:
            return None
        return {
            "higher": -number,
            "lower": number,
            "near 0": abs(number),
            "near null": abs(number - _centre(record)),
        }[self.better]


UNKNOWN = Direction(None)

# By metric, or by metric and name where its names point different ways.
_DIRECTIONS: dict[str | tuple[str, str], Direction] = {
    # The statistic, never d: d keeps its size when every association has vanished.
    "weat": Direction("near 0", "statistic"),
    "sc_weat": Direction("lower"),
    "same": Direction("lower"),
    "rnd_norm": Direction("near 0"),
    "rnd_cosine": Direction("near 0"),
    "mac": Direction("near null"),
    "ect": Direction("higher"),
    "ripa": Direction("lower"),
    "ripa_normalised": Direction("lower"),
    "rnsb": Direction("lower"),
    "direct_bias": Direction("lower"),
    "bias_by_projection": Direction("near 0"),
    "indirect_bias": Direction("near 0"),
    "factual_association": Direction("near 0"),
    ("sembias", "definition"): Direction("higher"),
    ("sembias", "stereotype"): Direction("lower"),
    ("sembias", "held_out_definition"): Direction("higher"),
    ("sembias", "held_out_stereotype"): Direction("lower"),
    "lipstick": Direction("lower"),
    "similarity": Direction("higher"),
    "analogies_3cosadd": Direction("higher"),
    "analogies_3cosmul": Direction("higher"),
    "retention": Direction("higher"),
    "neighbor_overlap": Direction("higher"),
    ("collapse", "mean_cosine"): Direction("near 0"),
    ("collapse", "effective_rank"): Direction("higher"),
    ("collapse", "zero_vectors"): Direction("lower"),
}


def _centre(record: Record) -> float:
    """Return what no bias looks like; 1, the distance of unrelated words, where no null says it."""
    found = (record.extra.get(name) for name in _CENTRES)
    return next((float(each) for each in found if each is not None), 1.0)


def direction_of(record: Record) -> Direction:
    """Return how the record's metric is compared; ``UNKNOWN`` for one that is not ranked."""
    named = _DIRECTIONS.get((record.metric, record.name))
    return named or _DIRECTIONS.get(record.metric, UNKNOWN)
