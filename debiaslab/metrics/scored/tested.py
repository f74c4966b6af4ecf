"""What a record says of a permutation test besides its p."""

from __future__ import annotations

from typing import Any

from debiaslab.metrics.correlation import CorrelationTest


def tested(test: CorrelationTest | None) -> tuple[dict[str, Any], str | None]:
    """Return the extras of a record with a test of correlation, and its method."""
    if test is None:
        return {"p_two_sided": None, "permutations": 0, "p_floor": None}, None
    extra = {
        "p_two_sided": test.p_two_sided,
        "permutations": test.permutations,
        "p_floor": test.floor,
    }
    return extra, "monte_carlo"
