"""Studies: the objective, one run, the sweep and its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from debiaslab.study.objective import (
    FORMULA,
    BaselineReference,
    Objective,
    Outcome,
    measure_reference,
)
from debiaslab.study.plan import Plan

if TYPE_CHECKING:
    from debiaslab.study.summary import Summary
    from debiaslab.study.sweeping import sweep

__all__ = [
    "FORMULA",
    "BaselineReference",
    "Objective",
    "Outcome",
    "Plan",
    "Summary",
    "measure_reference",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """Import what searches, with Optuna, when it is first used: a single training does not."""
    if name in ("Summary", "sweep"):
        from debiaslab.study import sweeping

        return getattr(sweeping, name)
    raise AttributeError(f"module 'debiaslab.study' has no attribute {name!r}")
