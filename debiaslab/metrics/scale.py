"""Where a scale-free number and its raw statistic disagree."""

from __future__ import annotations

LARGE_D = 0.8
"""An effect size that is called large (Cohen 1988)."""


def is_scale_artefact(d: float | None, s: float | None, null95: float | None) -> bool:
    """Whether ``d`` is large while ``|s|`` is no larger than what 95 % of random words show."""
    if d is None or s is None or null95 is None:
        return False
    return abs(d) >= LARGE_D and abs(s) <= null95
