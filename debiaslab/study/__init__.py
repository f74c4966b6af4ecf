"""Studies: the objective, one run, the sweep and its summary."""

from debiaslab.study.objective import (
    FORMULA,
    BaselineReference,
    Objective,
    Outcome,
    measure_reference,
)
from debiaslab.study.plan import Plan
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
