"""Rules that choose one trial of a sweep; each looks at tune words only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from debiaslab.errors import UserError, nearest
from debiaslab.results import TrialSummary
from debiaslab.statistics.paired import front_of


class SelectionRule(Protocol):
    """Chooses a trial among those of one strategy."""

    @property
    def name(self) -> str:
        """What a user calls it."""

    def choose(self, trials: Sequence[TrialSummary]) -> TrialSummary:
        """Return the chosen trial, never the baseline.

        Raises:
            UserError: No trial satisfies the rule.
        """


@dataclass(frozen=True)
class Composite:
    """The lowest mean score: bias plus weighted loss of utility (see the objective)."""

    name: str = "composite"

    def choose(self, trials: Sequence[TrialSummary]) -> TrialSummary:
        """Return the trial with the lowest mean score; of equals the smaller λ."""
        return min(_candidates(trials), key=lambda trial: (trial.score.mean, trial.weight))


@dataclass(frozen=True)
class LeastBias:
    """The least bias among the trials that keep enough utility: ``bias@0.98``."""

    min_retention: float = 0.98

    @property
    def name(self) -> str:
        """``bias@`` and the least retention."""
        return f"bias@{self.min_retention:g}"

    def choose(self, trials: Sequence[TrialSummary]) -> TrialSummary:
        """Return the trial with the lowest mean bias on tune words; of equals the smaller λ."""
        kept = [
            trial
            for trial in _candidates(trials)
            if trial.retention is not None and trial.retention.mean >= self.min_retention
        ]
        if not kept:
            raise UserError(
                f"no trial keeps {self.min_retention:g} of the baseline's similarity",
                next_step="more --trials, or another --select: composite, knee, bias@0.95",
            )
        return min(kept, key=lambda trial: (trial.bias_tune.mean, trial.weight))


@dataclass(frozen=True)
class Knee:
    """The point of the bias–retention front farthest from the line between its ends.

    Both axes are scaled to the range of the front (Satopää et al. 2011, Kneedle, for few points).
    """

    name: str = "knee"

    def choose(self, trials: Sequence[TrialSummary]) -> TrialSummary:
        """Return the knee; with fewer than three points on the front, the lowest score on it."""
        front = pareto_front(_candidates(trials))
        if len(front) < 3:
            return Composite().choose(front)
        x, y = (_scaled([_point(trial)[axis] for trial in front]) for axis in (0, 1))
        # the front rises from (0, 0) to (1, 1): distance from that diagonal is y − x
        gains = [kept - bias for bias, kept in zip(x, y, strict=True)]
        return front[max(range(len(front)), key=lambda i: gains[i])]


def rule(name: str) -> SelectionRule:
    """Return the rule called ``composite``, ``knee`` or ``bias@R`` with 0 < R ≤ 1.

    Raises:
        UserError: There is no such rule.
    """
    known = ("composite", "knee", "bias@0.98")
    if name == "composite":
        return Composite()
    if name == "knee":
        return Knee()
    kind, _, least = name.partition("@")
    try:
        retention = float(least)
    except ValueError:
        retention = math.nan
    if kind != "bias" or not 0 < retention <= 1:
        raise UserError(
            f"--select was {name!r}", allowed=", ".join(known), nearest=nearest(name, known)
        )
    return LeastBias(retention)


def pareto_front(trials: Sequence[TrialSummary]) -> list[TrialSummary]:
    """Return the trials that no other beats in both, by rising bias; of equals the smaller λ."""
    by_weight = sorted(trials, key=lambda each: each.weight)
    return [by_weight[i] for i in front_of([_point(each) for each in by_weight])]


def _point(trial: TrialSummary) -> tuple[float, float]:
    retention = trial.retention.mean if trial.retention is not None else 1.0
    return trial.bias_tune.mean, min(retention, 1.0)


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / ((high - low) or 1.0) for value in values]


def _candidates(trials: Sequence[TrialSummary]) -> list[TrialSummary]:
    found = [trial for trial in trials if trial.trial is not None]
    if not found:
        raise UserError("no trial has finished", next_step="more --trials, or another λ range")
    return found
