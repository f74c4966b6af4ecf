"""What the search itself has to say: the front, which knobs matter, whether to go on."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import mean, pvariance
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from debiaslab.results import TrialRow
from debiaslab.statistics.paired import front_of, hypervolume

if TYPE_CHECKING:
    from debiaslab.study.plan import Plan
    from debiaslab.study.search import Search

_LEAST_FOR_IMPORTANCE = 4
_LEAST_FOR_STOPPING = 6  # complete trials before the model of the score is asked
_SEED = 630


@dataclass(frozen=True)
class Findings:
    """Sentences for people, numbers for the parent run."""

    lines: tuple[str, ...]
    metrics: Mapping[str, float]
    series: tuple[tuple[int, Mapping[str, float | None]], ...]  # by trial
    front: tuple[Mapping[str, Any], ...]  # Pareto mode: the trials that none beats in both


@dataclass(frozen=True)
class Stopping:
    """What the stopping rule compares, in units of the score (Makarova et al. 2022).

    Attributes:
        gain: Upper bound on what further trials can gain, from a Gaussian process on the scores.
        noise: What the seeds leave uncertain in the best score: √((1/k + 1/(k−1)) · variance).
    """

    gain: float
    noise: float

    @property
    def enough(self) -> bool:
        """Whether a gain would be lost in the noise."""
        return self.gain < self.noise


def findings(rows: Sequence[TrialRow], search: Search, plan: Plan) -> Findings:
    """Return what is worth saying about a search.

    Args:
        rows: Finished runs of the study.
        search: The search.
        plan: The study's plan.
    """
    lines: list[str] = []
    metrics: dict[str, float] = {}
    series: tuple[tuple[int, Mapping[str, float | None]], ...] = ()
    front: tuple[Mapping[str, Any], ...] = ()
    if plan.search.pareto:
        points = mean_points(rows)
        base = points.pop(None)
        trials = list(points)
        front = tuple(
            {"trial": trials[i], "bias": points[trials[i]][0], "retention": points[trials[i]][1]}
            for i in front_of(list(points.values()))
        )
        series = _growth(points, base)
        metrics["hypervolume"] = hypervolume(list(points.values()), base[0])
        metrics["front"] = float(len(front))
        lines += ["Pareto front (no trial is better in both):", *map(_front_line, front)]
        lines.append(
            f"hypervolume {metrics['hypervolume']:.4f} (1: no bias, nothing lost; 0: no trial is "
            "below the baseline's bias)"
        )
    for objective, shares in importance(search).items():
        metrics |= {f"importance/{objective}/{knob}": share for knob, share in shares.items()}
        told = ", ".join(f"{knob} {share:.2f}" for knob, share in shares.items())
        lines.append(f"importance for the {objective}: {told}")
    stopping = stopping_rule(search)
    if stopping is not None:
        metrics |= {"stopping/gain": stopping.gain, "stopping/noise": stopping.noise}
        verdict = "more trials gain nothing" if stopping.enough else "more trials may gain"
        lines.append(
            f"stopping rule: further trials gain at most {stopping.gain:.3f}, the seeds leave "
            f"{stopping.noise:.3f} uncertain: {verdict}"
        )
    lines += _drawn(search)
    pruned = [trial for trial in search.finished if trial.state == TrialState.PRUNED]
    if pruned:
        saved = sum(len(plan.seeds) - len(trial.intermediate_values) for trial in pruned)
        metrics |= {"pruned": float(len(pruned)), "pruned_runs": float(saved)}
        lines.append(f"pruned: {len(pruned)} trials, {saved} runs not trained")
    if len(search.finished) < plan.trials:
        lines.append(
            f"ended after {len(search.finished)} of {plan.trials} trials: "
            + ("the time was up" if not (stopping and stopping.enough) else "the stopping rule")
        )
    return Findings(tuple(lines), metrics, series, front)


def mean_points(rows: Sequence[TrialRow]) -> dict[int | None, tuple[float, float]]:
    """Return mean bias and retention (tune) of each trial that has every seed; None: baseline."""
    seeds = {row.seed for row in rows if row.trial is None}
    groups: dict[int | None, list[TrialRow]] = {}
    for row in rows:
        groups.setdefault(row.trial, []).append(row)
    return {
        trial: (mean(row.bias_tune for row in group), mean(row.retention or 0.0 for row in group))
        for trial, group in groups.items()
        if {row.seed for row in group} >= seeds
    }


def importance(search: Search) -> dict[str, dict[str, float]]:
    """Return, by objective, the share of each searched knob; empty with one knob or few trials."""
    complete = [t for t in search.finished if t.state == TrialState.COMPLETE]
    knobs = {knob for trial in complete for knob in trial.params}
    if len(complete) < _LEAST_FOR_IMPORTANCE or len(knobs) < 2:
        return {}
    shares = {}
    for i, objective in enumerate(search.settings.objectives):
        values = {trial.values[i] for trial in complete}
        if len(values) < 2:  # nothing differs, so nothing is important
            continue

        sign = -1 if search.study.directions[i].name == "MAXIMIZE" else 1

        def value(trial: FrozenTrial, i: int = i, sign: int = sign) -> float:
            return sign * float(trial.values[i])  # PED-ANOVA asks what makes it small

        with _quiet():
            shares[objective] = optuna.importance.get_param_importances(search.study, target=value)
    return shares


def has_converged(search: Search) -> bool:
    """Whether the stopping rule says that further trials gain nothing."""
    stopping = stopping_rule(search)
    return stopping is not None and stopping.enough


def stopping_rule(search: Search) -> Stopping | None:
    """Return what the stopping rule compares; None with few trials, one seed or a constraint."""
    if search.settings.pareto or search.settings.min_retention is not None:
        return None
    complete = [t for t in search.finished if t.state == TrialState.COMPLETE]
    if len(complete) < _LEAST_FOR_STOPPING:
        return None
    best = min(complete, key=lambda trial: (trial.value or 0.0, trial.number))
    k = len(best.intermediate_values)
    if k < 2:
        return None
    noise = math.sqrt((1 / k + 1 / (k - 1)) * pvariance(list(best.intermediate_values.values())))
    with _quiet():
        from optuna.terminator import RegretBoundEvaluator

        evaluator = RegretBoundEvaluator(seed=_SEED)
        gain = evaluator.evaluate(complete, optuna.study.StudyDirection.MINIMIZE)
    return Stopping(float(gain), noise)


def _growth(
    points: Mapping[int | None, tuple[float, float]], base: tuple[float, float]
) -> tuple[tuple[int, Mapping[str, float | None]], ...]:
    """Return the hypervolume after each trial."""
    order = sorted(trial for trial in points if trial is not None)
    volumes = [
        hypervolume([points[trial] for trial in order[: i + 1]], base[0]) for i in range(len(order))
    ]
    return tuple(
        (trial, {"hypervolume_by_trial": volume})
        for trial, volume in zip(order, volumes, strict=True)
    )


def _front_line(point: Mapping[str, Any]) -> str:
    return f"  trial {point['trial']}: bias {point['bias']:.3f}, retention {point['retention']:.3f}"


def _drawn(search: Search) -> Iterator[str]:
    """Name the knobs of each trial, where more than λ was drawn."""
    trials = [(number, trial.params) for number, trial in enumerate(search.finished)]
    if any(set(params) - {"weight"} for _, params in trials):
        yield "drawn:"
        for number, params in trials:
            told = ", ".join(
                f"{knob}={value:.4g}" if isinstance(value, float) else f"{knob}={value}"
                for knob, value in params.items()
            )
            yield f"  trial {number}: {told}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves that a part of Optuna is experimental or will move."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("ignore", "PedAnova", UserWarning)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
