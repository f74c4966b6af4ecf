"""What MLflow and Optuna add to a trial, on sqlite."""

from __future__ import annotations

from statistics import median

from experiments.benchmarks.measuring import Finished, alternate, in_fresh_process
from experiments.benchmarks.results import Row, conditions
from experiments.benchmarks.setup import Setup

KINDS = ("mlflow", "optuna")
WARM = 2  # trials that load code and fill caches
_TRIALS = 8


def overhead(setup: Setup) -> list[Row]:
    """Return milliseconds a trial of one seed spends in tracking and search, training aside."""

    def sweep(turn: int) -> Finished:
        return in_fresh_process(
            "ours_overhead",
            setup,
            1,
            text=[],
            cache=setup.cache,
            trials=WARM + 1 if setup.quick else _TRIALS,
            settings={"epochs": 1},
        )

    found = alternate("overhead", setup.repeats, sweep=sweep)
    trials = [trial for run in found["sweep"] for trial in run.said["trials"][WARM:]]
    wall, busy = (_milliseconds(trials, clock) for clock in (0, 1))
    return [
        Row(
            "overhead",
            "tracking and search on sqlite, ms a trial of one seed",
            150,
            better="≤",
            value=None if setup.quick else median(wall["together"]),
            by_cpu=median(busy["together"]),
            text="built-in",
            unit="ms",
            measurements=wall,
            conditions=conditions(found),
            note="figures, page, vectors and submission are not in it; two trials to warm up",
        )
    ]


def _milliseconds(trials: list[dict[str, list[float]]], clock: int) -> dict[str, list[float]]:
    """Return milliseconds of each trial by kind, by the wall (0) or the processor (1)."""
    kinds = {
        kind: [1000 * trial.get(kind, (0.0, 0.0))[clock] for trial in trials] for kind in KINDS
    }
    return {**kinds, "together": [sum(each) for each in zip(*kinds.values(), strict=True)]}
