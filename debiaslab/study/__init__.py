"""Studies: the objective, one run, the sweep and its summary."""

from debiaslab.study.objective import FORMULA, Objective, Outcome, Yardstick, measure_yardstick
from debiaslab.study.plan import Plan
from debiaslab.study.summary import Summary
from debiaslab.study.sweeping import sweep

__all__ = [
    "FORMULA",
    "Objective",
    "Outcome",
    "Plan",
    "Summary",
    "Yardstick",
    "measure_yardstick",
    "sweep",
]
