"""What a sweep found: rows, the best run, the pages of the parent run and the file to hand in."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, pvariance
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from debiaslab.errors import UserError
from debiaslab.leaderboard.export import codalab, default_pairs
from debiaslab.report import trials_table
from debiaslab.report.comparison import SAME_OF_NULL
from debiaslab.report.verdict import sweep_finding
from debiaslab.results import Spread, TrialRow, summarize, trial_rows
from debiaslab.results.study import read_study
from debiaslab.statistics.paired import front_of, hypervolume
from debiaslab.study.kept import publish, study_note
from debiaslab.study.objective import BaselineReference
from debiaslab.study.run import vectors_of
from debiaslab.tables import Table, html_document
from debiaslab.tracking import BEST_TAG, VECTORS, Store
from debiaslab.tracking.names import FRONT

if TYPE_CHECKING:
    from debiaslab.regularizers import Coverage
    from debiaslab.study.plan import Plan
    from debiaslab.study.run import Site
    from debiaslab.study.search import Search
    from debiaslab.study.sweeping import DrawnTrials


NOTHING_LEFT = (
    "nothing was left to train: everything requested is done (more --trials extend it); table,\n"
    "figures, report and submission were made again from the store\n"
)


@dataclass(frozen=True)
class Summary:
    """The outcome of a sweep.

    The best run is the first seed's run of the best trial: the trial is chosen by its mean over
    seeds, and no seed is chosen by its result.
    """

    name: str
    parent: str
    rows: tuple[TrialRow, ...]
    best: TrialRow
    submission: Path
    warnings: tuple[str, ...]
    words: str  # what was covered, tuned on and reported on
    finding: str  # what the best trial shows, in a sentence or two
    findings: tuple[str, ...] = ()  # of the search: front, importance, what was not tried
    trained: int | None = None  # runs that were trained for it; None: not counted

    @property
    def blocks(self) -> tuple[str, Table, str]:
        """The finding, the table, then the best run and the submission."""
        best = self.best
        said = "\n".join(
            [
                "",
                self.words,
                "",
                *self.findings,
                *(f"warning: {warning}" for warning in self.warnings),
                f"study       {self.name}",
                f"best        trial {best.trial}, λ = {best.weight:.4g} (run {best.run_id}, "
                f"seed {best.seed})",
                f"submission  {self.submission} and .zip",
            ]
        )
        return f"{self.finding}\n", trials_table(self.rows), said

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the finding and the table."""
        return html_document(self.blocks[:2])


def mark_best(store: Store, parent: str, rows: Sequence[TrialRow]) -> TrialRow | None:
    """Write into the study which run of its ``rows`` is the best so far, and return its row."""
    best = min((row for row in rows if row.best), key=lambda row: row.seed, default=None)
    if best is not None:
        writer = store.writer(parent)
        writer.tags({BEST_TAG: best.run_id})
        writer.flush()
    return best


def words_note(coverage: Coverage, yardstick: BaselineReference) -> str:
    """Say which words a study covered, tuned on and reported on."""
    report = "covered but never tuned on" if coverage.report_words_covered else "unseen"
    pairs = len(coverage.pairs) + len(coverage.pairs_missing)
    tests = {
        half: ", ".join(key.rpartition("/")[0] for key in yardstick.nulls if key.endswith(half))
        for half in ("tune", "report")
    }
    return (
        f"covered: {coverage.neutral:,} non-gender words (cover {coverage.cover}) and "
        f"{len(coverage.pairs)} of the {pairs} gender pairs of the tune half\n"
        f"tuned on: the tune words of {tests['tune']}\n"
        f"report words ({report}): of {tests['report'] or 'no test: too few are in this text'}"
    )


def summarise(site: Site, source: DrawnTrials, words: str, submissions: Path) -> Summary:
    """Log the table and the model of a finished sweep; write its CodaLab files to a folder.

    ``words`` says what was covered, tuned on and reported on.

    Raises:
        UserError: Every λ failed.
    """
    store, parent, name = site.store, site.parent, site.name
    plan, search = source.plan, source.search
    rows = trial_rows(store.runs(parent), plan.search.min_retention)
    best = mark_best(store, parent, rows)
    if best is None:
        reasons = {str(trial.user_attrs.get("reason")) for trial in search.finished}
        raise UserError(
            f"every λ of the study {name!r} failed: {'; '.join(sorted(reasons))}",
            next_step="another --study NAME with a smaller --lr",
        )
    if VECTORS not in store.artifacts(best.run_id):
        raise UserError(
            f"the files of the best run {best.run_id} are gone from the store",
            next_step="put the folder artifacts back beside mlflow.db, or another --study NAME",
        )
    found = findings(rows, search, plan)
    embeddings = vectors_of(store, best.run_id)
    submission = submissions / f"{name}.csv"
    codalab(embeddings, default_pairs(), submission.with_suffix(".zip"))
    fallback = codalab(embeddings, default_pairs(), submission).warning
    warnings = [*_warnings(rows, best, search, plan), *([fallback] if fallback else [])]
    _log_study(site, words, rows, found)
    publish(store, name, best.run_id, embeddings)
    place = store.experiment_id, parent
    finding = sweep_finding(rows, read_study(store, name).tuned)
    note = study_note(
        plan, site.corpus, place, rows=rows, finding=finding, words=words, warnings=warnings
    )
    store.describe(parent, note)
    given = rows, best, submission, tuple(warnings), words, finding, found.lines
    return Summary(name, parent, *given)


def _bent_ruler(rows: Sequence[TrialRow], chosen: Sequence[TrialRow]) -> str | None:
    """Say when bias fell by half as much, or less, along the baseline's gender words."""
    base = [row for row in rows if row.trial is None]
    read = [(row.bias_own, row.bias_anchored) for row in (*base, *chosen)]
    known = [(own, along) for own, along in read if own is not None and along is not None]
    if len(known) < len(read):
        return None
    before, after = known[: len(base)], known[len(base) :]
    start, end = ([mean(column) for column in zip(*part, strict=True)] for part in (before, after))
    by_own, anchored = (a - b for a, b in zip(start, end, strict=True))
    if by_own <= SAME_OF_NULL or anchored > by_own / 2:
        return None
    return (
        f"bias on tune words fell from {start[0]:.2f} to {end[0]:.2f} by the gender words of the "
        f"same vectors, and to {end[1]:.2f} by the baseline's: more than half of that is gender "
        "words that moved; --ruler both in a new study looks for words that do"
    )


def _warnings(
    rows: Sequence[TrialRow], best: TrialRow, search: Search, plan: Plan
) -> Iterator[str]:
    """Yield what the reader should know: failures, no gain, too little retention."""
    for trial in search.finished:
        if trial.state == TrialState.FAIL:
            weight = trial.params.get("weight", math.nan)
            yield f"λ = {weight:.4g} failed: {trial.user_attrs.get('reason')}"
    baseline = mean(row.score for row in rows if row.trial is None)
    chosen = [row for row in rows if row.trial == best.trial]
    if plan.objective.ruler == "own" and (bent := _bent_ruler(rows, chosen)) is not None:
        yield bent
    tried, least = mean(row.score for row in chosen), search.settings.min_retention
    if tried >= baseline:
        yield f"no λ did better than the baseline (best score {tried:.3f}, baseline {baseline:.3f})"
    kept = mean(row.retention or 0.0 for row in chosen)
    if least is not None and kept < least:
        yield (
            f"no trial kept a retention of {least:g}: the one that kept most ({kept:.3f}) is "
            "called the best"
        )


def _log_study(site: Site, words: str, rows: Sequence[TrialRow], found: Findings) -> None:
    base = [row for row in rows if row.trial is None]
    chosen = [row for row in rows if row.best]
    better = mean(row.score for row in chosen) < mean(row.score for row in base)
    with site.store.resume(site.parent) as log:
        log.metrics(
            {
                "best_weight": chosen[0].weight,
                **_means("best", chosen),
                **_means("baseline", base),
                "better_than_baseline": float(better),
                "trials": float(len({row.trial for row in rows if row.trial is not None})),
                **found.metrics,
            }
        )
        log.history(found.series)
        if found.front:
            log.json(found.front, FRONT)
        words = "\n".join([words, *found.lines])
        trials = trials_table(rows)
        log.text(f"{trials.markdown()}\n\n```\n{words}\n```\n", "trials.md")
        log.text(f"{trials.plain()}\n\n{words}\n", "trials.txt")


def _means(prefix: str, rows: Sequence[TrialRow]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in ("score", "bias_tune", "bias_report", "retention", "retention_report"):
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        found[f"{prefix}_{name}"] = mean(values) if values else None
    return found


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
    """Return what is worth saying about a search; ``rows`` are the finished runs of its study."""
    lines: list[str] = []
    metrics: dict[str, float] = {}
    series: list[tuple[int, Mapping[str, float | None]]] = []
    front: tuple[Mapping[str, Any], ...] = ()
    if plan.search.pareto:
        means = {each.trial: each for each in summarize(rows)}
        base = means.pop(None)
        order = sorted(trial for trial in means if trial is not None)
        order = [trial for trial in order if means[trial].seeds == base.seeds]  # no seed failed
        values = [(means[i].bias_tune.mean, _mean(means[i].retention)) for i in order]
        front = tuple(
            {"trial": order[i], "bias": values[i][0], "retention": values[i][1]}
            for i in front_of(values)
        )
        volumes = [hypervolume(values[: i + 1], base.bias_tune.mean) for i in range(len(order))]
        for trial, volume in zip(order, volumes, strict=True):  # how it grew
            series.append((trial, {"hypervolume_by_trial": volume}))
        metrics |= {"hypervolume": volumes[-1] if volumes else 0.0, "front": float(len(front))}
        lines.append("Pareto front (no trial is better in both):")
        lines += [
            f"  trial {each['trial']}: bias {each['bias']:.3f}, retention {each['retention']:.3f}"
            for each in front
        ]
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
    return Findings(tuple(lines), metrics, tuple(series), front)


def _mean(spread: Spread | None) -> float:
    return 0.0 if spread is None else spread.mean


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
