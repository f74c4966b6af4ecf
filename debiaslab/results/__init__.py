"""Reading finished studies back from the tracking store, as plain rows, scorecards and vectors.

The only way by which reports and notebooks come to a study. Nothing is trained or measured here.

Examples:
    >>> import debiaslab
    >>> study = debiaslab.open_study("quickstart")                       # doctest: +SKIP
    >>> study.frame()[["strategy", "weight", "seed", "bias_report"]]     # doctest: +SKIP
    >>> study.best.embeddings().neighbors("nurse")                       # doctest: +SKIP
"""

from debiaslab.results.runs import (
    Dosed,
    HeldOut,
    KeptStrategy,
    PlantedStudy,
    RunResults,
    StrategyResult,
    log_sides,
    read_side,
    read_sides,
)
from debiaslab.results.study import (
    Spread,
    StudyResults,
    TrialRow,
    TrialSummary,
    open_study,
    read_study,
    summarize,
    trial_rows,
)

__all__ = [
    "Dosed",
    "HeldOut",
    "KeptStrategy",
    "PlantedStudy",
    "RunResults",
    "Spread",
    "StrategyResult",
    "StudyResults",
    "TrialRow",
    "TrialSummary",
    "log_sides",
    "open_study",
    "read_side",
    "read_sides",
    "read_study",
    "summarize",
    "trial_rows",
]
