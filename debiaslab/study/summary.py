"""What a sweep found: rows, the best run, the pages of the parent run and the file to hand in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from debiaslab.errors import UserError
from debiaslab.leaderboard.export import codalab, default_pairs
from debiaslab.report import (
    TrialRow,
    trials_table,
)
from debiaslab.results import trial_rows
from debiaslab.study.description import publish, renew_report, study_note
from debiaslab.study.findings import Findings, findings
from debiaslab.study.objective import FORMULA, BaselineReference
from debiaslab.tables import Table
from debiaslab.tracking import BEST_TAG, KIND_TAG, VECTORS, RunInfo, Store
from debiaslab.tracking.names import BASELINE_KIND, FRONT, TRIAL_TAG
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.regularizers import Coverage
    from debiaslab.study.run import Site
    from debiaslab.study.search import Search
    from debiaslab.study.trials import DrawnTrials


NOTHING_LEFT = (
    "nothing was left to train: all that was asked for is done (more --trials go on); table,\n"
    "figures, report and submission were made anew from the store\n"
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
    findings: tuple[str, ...] = ()  # of the search: front, importance, what was not tried
    trained: int | None = None  # runs that were trained for it; None: not counted

    @property
    def blocks(self) -> tuple[Table, str]:
        """The table, then the best run and the submission."""
        best = self.best
        said = "\n".join(
            [
                "",
                self.words,
                "",
                FORMULA,
                "",
                *self.findings,
                *(f"warning: {warning}" for warning in self.warnings),
                f"study       {self.name}",
                f"best        trial {best.trial}, λ = {best.weight:.4g} (run {best.run_id}, "
                f"seed {best.seed})",
                f"submission  {self.submission} and .zip",
            ]
        )
        return trials_table(self.rows), said


def mark_best(store: Store, parent: str, min_retention: float | None = None) -> TrialRow | None:
    """Write into the study which run is the best so far, and return its row."""
    return _mark(store, parent, store.runs(parent), min_retention)


def mark_if_best(store: Store, parent: str, trial: int, min_retention: float | None) -> None:
    """Write into the study that a trial is the best so far, if it is: the others are not read."""
    marked = store.run(parent).tags.get(BEST_TAG)
    if marked is None:
        mark_best(store, parent, min_retention)
        return
    runs = store.runs(parent, tags={KIND_TAG: BASELINE_KIND})
    for number in {store.run(marked).tags.get(TRIAL_TAG, ""), str(trial)} - {""}:
        runs += store.runs(parent, tags={TRIAL_TAG: number})
    _mark(store, parent, runs, min_retention)


def _mark(
    store: Store, parent: str, runs: Sequence[RunInfo], min_retention: float | None
) -> TrialRow | None:
    rows = trial_rows(runs, min_retention)
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
    """Log the table, figures, report and model of a finished sweep; write the submission.

    Args:
        site: The study.
        source: Its search, with its plan.
        words: What was covered, tuned on and reported on.
        submissions: Folder for the CodaLab files.

    Raises:
        UserError: Every λ failed.
    """
    store, parent, name = site.store, site.parent, site.name
    plan, search = source.plan, source.search
    rows = trial_rows(store.runs(parent), plan.search.min_retention)
    best = mark_best(store, parent, plan.search.min_retention)
    if best is None:
        reasons = {str(trial.user_attrs.get("reason")) for trial in search.finished}
        raise UserError(
            f"every λ of the study {name!r} failed: {'; '.join(sorted(reasons))}",
            next_step="another --study NAME with a smaller --lr",
        )
    found = findings(rows, search, plan)
    warnings = (*_warnings(rows, best, search), *_unkept(rows, best, plan.search.min_retention))
    if VECTORS not in store.artifacts(best.run_id):
        raise UserError(
            f"the files of the best run {best.run_id} are gone from the store",
            next_step="put the folder artifacts back beside mlflow.db, or another --study NAME",
        )
    embeddings = Embeddings.load(store.artifact(best.run_id, VECTORS))
    submission = submissions / f"{name}.csv"
    fallback = _submit(embeddings, submission)
    warnings = (*warnings, *([fallback] if fallback else []))
    _log_study(store, parent, words, rows, best, found)
    renew_report(store, name, parent)
    publish(store, name, best.run_id, embeddings)
    place = store.experiment_id, parent
    note = study_note(plan, site.corpus, place, rows=rows, words=words, warnings=warnings)
    store.describe(parent, note)
    return Summary(name, parent, rows, best, submission, warnings, words, found.lines)


def _warnings(rows: Sequence[TrialRow], best: TrialRow, search: Search) -> tuple[str, ...]:
    found = [
        f"λ = {trial.params.get('weight', float('nan')):.4g} failed: "
        f"{trial.user_attrs.get('reason')}"
        for trial in search.finished
        if trial.state == TrialState.FAIL
    ]
    baseline = mean(row.score for row in rows if row.trial is None)
    tried = mean(row.score for row in rows if row.trial == best.trial)
    if tried >= baseline:
        found.append(
            f"no λ did better than the baseline (best score {tried:.3f}, baseline {baseline:.3f})"
        )
    return tuple(found)


def _unkept(
    rows: Sequence[TrialRow], best: TrialRow, min_retention: float | None
) -> tuple[str, ...]:
    """Say when no trial kept the retention that was asked for."""
    if min_retention is None:
        return ()
    kept = mean(row.retention or 0.0 for row in rows if row.trial == best.trial)
    if kept >= min_retention:
        return ()
    return (
        f"no trial kept a retention of {min_retention:g}: the one that kept most ({kept:.3f}) is "
        "called the best",
    )


def _submit(embeddings: Embeddings, path: Path) -> str | None:
    """Write the CSV and the zip; return what is to be said of missing words."""
    codalab(embeddings, default_pairs(), path.with_suffix(".zip"))
    return codalab(embeddings, default_pairs(), path).warning


def _log_study(
    store: Store,
    parent: str,
    words: str,
    rows: Sequence[TrialRow],
    best: TrialRow,
    found: Findings,
) -> None:
    log = store.resume(parent)
    with log:
        base = [row for row in rows if row.trial is None]
        chosen = [row for row in rows if row.trial == best.trial]
        log.metrics(
            {
                "best_weight": best.weight,
                **_means("best", chosen),
                **_means("baseline", base),
                "better_than_baseline": float(
                    mean(row.score for row in chosen) < mean(row.score for row in base)
                ),
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
    def over(name: str) -> float | None:
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        return mean(values) if values else None

    return {
        f"{prefix}_{name}": over(name)
        for name in ("score", "bias_tune", "bias_report", "retention", "retention_report")
    }
