"""One run: one training, one scorecard, one MLflow run."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.leaderboard import export
from debiaslab.metrics import Baseline, Record, Scorecard, evaluate
from debiaslab.regularizers import bind_strategy, is_control
from debiaslab.regularizers.words import Cover, check_cover
from debiaslab.report import RunContent, association_sizes, html_page, run_drawings
from debiaslab.sgns import (
    Checkpoints,
    Report,
    Start,
    TrainingDivergedError,
    TrainResult,
    TrainSettings,
    train,
)
from debiaslab.study.description import run_name, run_note, strategy_label
from debiaslab.study.leftovers import CHECKPOINTS, owner_of
from debiaslab.study.objective import FORMULA, Objective, Outcome, Yardstick, measure_yardstick
from debiaslab.system.provenance import provenance
from debiaslab.system.redact import utf8
from debiaslab.tracking import NOTE_TAG, VECTORS, DatasetInfo, RunInfo, RunLog, Store
from debiaslab.tracking.names import (
    COMMIT_TAG,
    CORPUS,
    DIRTY_TAG,
    ENGINE_TAG,
    KIND_TAG,
    LAMBDA,
    LOG_LAMBDA,
    PROVENANCE,
    RESUMED_TAG,
    SCORECARD,
    SCORECARD_TABLE,
    SEED_TAG,
    STRATEGY_TAG,
    SUBMISSION,
    TRIAL_TAG,
    YARDSTICK,
)
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.regularizers import BoundStrategy, Strategy

UNCERTAINTY = "uncertainty"  # metrics of this group: intervals, p, n
_GLANCE = "at_a_glance"  # the UI's charts of a run begin with this group, and end with no group
# of a record, besides value, interval, p and n; methods and missing words are in the JSON
_EXTRAS = ("statistic_low", "statistic_high", "p_two_sided", "null95", "coverage")


class RunPlan(Protocol):
    """What a run needs to know of the study it belongs to."""

    @property
    def strategy(self) -> str:
        """Name of the strategy, or of several joined with ``+``."""

    @property
    def cover(self) -> Cover:
        """Which non-gender words it acts on."""

    @property
    def objective(self) -> Objective:
        """What runs are scored by."""

    def create(self, weight: float) -> Strategy:
        """Return the strategy with one λ."""

    def settings_for(self, seed: int) -> TrainSettings:
        """Return the training settings of one seed."""


class UnusableRunError(UserError):
    """A training that ran to its end, but whose vectors the objective cannot measure."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that ended well, as the sweep needs it."""

    run_id: str
    trial: int | None  # None: the baseline
    weight: float
    seed: int
    outcome: Outcome | None  # None: a control that the objective cannot measure
    yardstick: Yardstick  # of the baseline of this seed

    @property
    def measured(self) -> Outcome:
        """The outcome, which only a control may lack.

        Raises:
            UnusableRunError: The run is a control that the objective cannot measure.
        """
        if self.outcome is None:
            raise UnusableRunError("the objective cannot be measured on a control")
        return self.outcome


def run_once(
    store: Store,
    parent: str,
    corpus: Corpus,
    plan: RunPlan,
    *,
    weight: float,
    seed: int,
    trial: int | None,
    baseline: FinishedRun | None,
    against: Baseline | None = None,
    checkpoint: Checkpoints | None = None,
    init: Embeddings | None = None,
    progress: bool = True,
) -> FinishedRun:
    """Train with one λ and seed, measure, and log everything to one MLflow run.

    Args:
        store: Where runs are logged.
        parent: MLflow run of the study.
        corpus: Encoded corpus.
        plan: The study.
        weight: λ; 0 for the baseline.
        seed: Seed of the training.
        trial: Number of the trial; None for the baseline and outside a search.
        baseline: The finished baseline of this seed; None when this run is it. A strategy that
            only acts after training is given its vectors instead of a training of its own.
        against: The baseline's vectors with what was measured of them, to add what needs them to
            the scorecard (lipstick tests, overlap of neighbours, retention by set).
        checkpoint: Where the training is saved and goes on from; removed when it will not be
            needed again.
        init: Vectors to start from; None: training starts anew.
        progress: Whether to draw a progress bar.

    Raises:
        TrainingDivergedError: The loss became NaN or infinite.
        UnusableRunError: The objective cannot be measured.
        UserError: Something outside failed, such as the store or the disk.

    Whatever is raised, the MLflow run is marked as failed, with the reason.
    """
    strategy = plan.create(weight)
    name = run_name(plan.strategy, strategy, seed=seed, trial=trial)
    settings = plan.settings_for(seed)
    bound = bound_strategy(corpus, strategy, plan.cover, settings)
    params = run_params(corpus, settings, strategy, bound, plan.cover)
    if init is not None:
        params["init"] = "vectors of the baseline"
    tags = _tags(plan.strategy, trial, weight, seed)
    if checkpoint is not None:
        checkpoint.owner.update(owner_of(parent, params))
    with (
        removed_at_the_end(checkpoint),
        store.start(
            name, parent=parent, params=params, tags=tags, dataset=dataset_info(corpus)
        ) as log,
    ):
        log_provenance(log)
        if bound is not None and bound.only_after and baseline is not None:
            result = _debiased(bound, _vectors(store, baseline, against))
        else:
            result = train_logged(
                log, corpus, settings, bound, init=init, checkpoint=checkpoint, progress=progress
            )
        scorecard = evaluate(
            result.embeddings, name=name, seed=seed, baseline=against, lipstick_nulls=False
        )
        log_results(log, corpus, result, scorecard)
        if baseline is None:
            yardstick = measure_yardstick(plan.objective, result.embeddings, scorecard, seed)
        else:
            yardstick = baseline.yardstick
        outcome = _outcome(plan, scorecard, yardstick, may_lack=is_control(strategy))
        _log_outcome(log, weight, outcome, result.words)
        label = None if weight == 0 else strategy_label(plan.strategy, strategy)
        log.tags({NOTE_TAG: run_note(label, seed, outcome)})
        log.json(asdict(yardstick), YARDSTICK)
        compared = None if baseline is None else _scorecard(store, baseline.run_id)
        content = RunContent(
            title=name,
            params=params,
            provenance=provenance(),
            scorecard=scorecard,
            formula=FORMULA,
            outcome=None if outcome is None else asdict(outcome),
            baseline=compared,
        )
        _log_report_page(log, content, result, yardstick)
    return FinishedRun(log.run_id, trial, weight, seed, outcome, yardstick)


def _vectors(store: Store, baseline: FinishedRun, against: Baseline | None) -> Embeddings:
    if against is not None:
        return against.embeddings
    return Embeddings.load(store.artifact(baseline.run_id, VECTORS))


def _log_outcome(log: RunLog, weight: float, outcome: Outcome | None, step: int) -> None:
    log.metrics({LAMBDA: weight}, step=step)
    if weight > 0:
        log.metrics({LOG_LAMBDA: math.log10(weight)}, step=step)
    if outcome is not None:
        values = asdict(outcome)
        log.metrics(values, step=step)
        measured = {key: value for key, value in values.items() if value is not None}
        # At step 0 the UI draws a bar, at any other one point of a line.
        log.metrics({f"{_GLANCE}/{key}": value for key, value in measured.items()})


def _debiased(bound: BoundStrategy, vectors: Embeddings) -> TrainResult:
    """Return what a strategy that acts after training makes of finished vectors."""
    started = time.perf_counter()
    return TrainResult(
        embeddings=bound.finish(vectors),
        history=(),
        engine="none",
        words=0,
        pairs=0,
        seconds=time.perf_counter() - started,
        stopped_early=False,
    )


def checkpoint_beside(root: Path) -> Checkpoints:
    """Return where a training of the store in ``root`` is saved, whatever study it belongs to."""
    return Checkpoints(root / CHECKPOINTS, shared=True)


@contextmanager
def removed_at_the_end(checkpoint: Checkpoints | None) -> Iterator[None]:
    """Remove the checkpoint of a run that has finished or never will; not of one interrupted."""
    try:
        yield
    except (TrainingDivergedError, UnusableRunError):
        if checkpoint is not None:
            checkpoint.remove()
        raise
    if checkpoint is not None:
        checkpoint.remove()


def _outcome(
    plan: RunPlan, scorecard: Scorecard, yardstick: Yardstick, *, may_lack: bool
) -> Outcome | None:
    """Return what the objective makes of a scorecard; a control may lack the words it needs."""
    try:
        return plan.objective.outcome(scorecard, yardstick)
    except UserError as error:
        if may_lack:
            return None
        raise UnusableRunError(str(error)) from error


def train_logged(
    log: RunLog,
    corpus: Corpus,
    settings: TrainSettings,
    bound: BoundStrategy | None,
    *,
    init: Embeddings | Start | None = None,
    on_report: Callable[[Report], None] | None = None,
    checkpoint: Checkpoints | None = None,
    progress: bool = True,
) -> TrainResult:
    """Train with a strategy, sending the running loss and a quick scorecard by epoch to a run.

    The vectors of the result have been through the strategy's post-processing; those measured by
    epoch have not. A training that goes on from its checkpoint logs what came before it as well.
    """
    by_epoch: dict[str, dict[str, float]] = {} if checkpoint is None else checkpoint.notes
    logged: set[str] = set()

    def report(step: Report) -> None:
        log.metrics(_loss_metrics(step), step=step.step)
        if on_report is not None:
            on_report(step)

    def epoch(number: int, vectors: Embeddings) -> None:
        by_epoch[str(number)] = measured_values(evaluate(vectors, quick=True))
        for done in sorted(by_epoch.keys() - logged, key=int):
            quick = {f"epoch/{key}": value for key, value in by_epoch[done].items()}
            log.metrics(quick, step=int(done))
            logged.add(done)

    result = train(
        corpus,
        settings,
        None if bound is None else bound.penalty,
        preprocessing=None if bound is None else bound.preprocessing,
        init=init,
        on_report=report,
        on_epoch=epoch,
        checkpoint=checkpoint,
        progress=progress,
    )
    return result if bound is None else replace(result, embeddings=bound.finish(result.embeddings))


def bound_strategy(
    corpus: Corpus, strategy: Strategy, cover: Cover, settings: TrainSettings
) -> BoundStrategy | None:
    """Look a strategy's words up in a corpus; None for the baseline (λ = 0 or no strategy).

    Raises:
        UserError: The vocabulary lacks words the strategy needs, a knob asks for more than there
            is, or the cover is unknown.
    """
    check_cover(cover)
    if strategy.weight == 0 or strategy.stage == "none":
        return None
    return bind_strategy(
        strategy, corpus.words, corpus.counts, cover=cover, seed=settings.seed, dim=settings.dim
    )


def find_finished(
    store: Store, runs: list[RunInfo], *, weight: float, seed: int
) -> FinishedRun | None:
    """Return the finished run of this λ and seed among the runs of a study, if there is one.

    A run whose files are gone is none.
    """
    for run in runs:
        wanted = finished_as(run) == (repr(weight), str(seed))
        if wanted and {YARDSTICK, VECTORS} <= set(store.artifacts(run.run_id)):
            return _read_back(store, run)
    return None


def finished_as(run: RunInfo) -> tuple[str, str] | None:
    """Return λ and seed of a run, as they were logged; None when it has not finished."""
    if run.status != "FINISHED":
        return None
    return run.params.get("weight", ""), run.params.get("seed", "")


def dataset_info(corpus: Corpus) -> DatasetInfo:
    """Return what MLflow shows of the corpus as a run's input."""
    profile, mwes = corpus.describe(), corpus.settings.mwes
    profile["sources"] = [utf8(source) for source in corpus.sources]
    profile["mwes"] = None if mwes is None else utf8(mwes)
    return DatasetInfo(
        name=corpus.name,
        digest=corpus.fingerprint,
        source=", ".join(corpus.sources),
        profile=profile,
    )


def _read_back(store: Store, run: RunInfo) -> FinishedRun:
    yardstick = json.loads(store.artifact(run.run_id, YARDSTICK).read_text(encoding="utf-8"))
    values = {key: run.metrics.get(key) for key in Outcome.__dataclass_fields__}
    trial = run.tags.get(TRIAL_TAG, "")
    return FinishedRun(
        run_id=run.run_id,
        trial=int(trial) if trial else None,
        weight=float(run.params["weight"]),
        seed=int(run.params["seed"]),
        outcome=Outcome(**values),  # type: ignore[arg-type]
        yardstick=Yardstick(**yardstick),
    )


def _tags(strategy: str, trial: int | None, weight: float, seed: int) -> dict[str, str]:
    kind = "baseline" if weight == 0 else "trial" if trial is not None else "cell"
    return {
        KIND_TAG: kind,
        TRIAL_TAG: "" if trial is None else str(trial),
        STRATEGY_TAG: strategy,
        SEED_TAG: str(seed),
    }


def run_params(
    corpus: Corpus,
    settings: TrainSettings,
    strategy: Strategy,
    bound: BoundStrategy | None,
    cover: str,
) -> dict[str, Any]:
    """Return everything that shaped a run, as MLflow shows it."""
    params: dict[str, Any] = {
        "strategy": strategy.name if bound is not None else "none",
        "stage": strategy.stage if bound is not None else "none",
        "weight": repr(strategy.weight if bound is not None else 0.0),
        "cover": cover,
        **asdict(settings),
        "engine": settings.engine or "auto",  # the tag debiaslab.engine names the one that ran
        "corpus": corpus.name,
        "corpus_fingerprint": corpus.fingerprint,
        "min_count": corpus.settings.min_count,
        "rare": corpus.settings.rare,
        "mwes": corpus.settings.mwes,
        "lowercase": corpus.settings.lowercase,
        "marks": corpus.settings.marks,
        "lexicon_versions": json.dumps(lexicons.versions(), sort_keys=True),
    }
    if bound is not None:
        params |= {f"knob.{k}": v for k, v in strategy.knobs().items()}
        params |= {f"coverage.{key}": value for key, value in asdict(bound.coverage).items()}
    return params


def _loss_metrics(report: Report) -> dict[str, float]:
    return {
        "loss": report.loss,
        "penalty": report.penalty,
        "lr": report.lr,
        "words_per_second": report.words_per_second,
    }


def flat(scorecard: Scorecard) -> dict[str, float]:
    """Return the measured values of a scorecard under MLflow metric names, with their uncertainty.

    The UI makes a section of charts of what stands before the last ``/``: intervals, p and n, three
    in four of all numbers, are one section of their own.
    """
    metrics = measured_values(scorecard)
    for record in scorecard.records:
        if record.value is None:
            continue
        parts = {part: getattr(record, part) for part in ("low", "high", "p", "n")}
        parts |= {part: record.extra.get(part) for part in _EXTRAS}
        detail = f"{UNCERTAINTY}/{_key(record).replace('/', '.')}"
        metrics |= {f"{detail}.{part}": float(v) for part, v in parts.items() if v is not None}
    return metrics


def measured_values(scorecard: Scorecard) -> dict[str, float]:
    """Return the measured values of a scorecard, and the raw statistic of those that have one."""
    metrics: dict[str, float] = {}
    for record in scorecard.records:
        if record.value is None:
            continue
        metrics[_key(record)] = record.value
        if (statistic := record.extra.get("statistic")) is not None:
            metrics[f"{_key(record)}.statistic"] = float(statistic)
    return metrics


def _key(record: Record) -> str:
    return f"{record.metric}/{record.name}/{record.words}".replace(" ", "_")


def log_provenance(log: RunLog) -> None:
    """Log which code, versions and machine a run is made with, before it is made."""
    made_with = provenance()
    log.json(made_with, PROVENANCE)
    if (git := made_with["git"]) is not None:
        log.tags({COMMIT_TAG: git["commit"], DIRTY_TAG: git["dirty"]})


def log_results(log: RunLog, corpus: Corpus, result: TrainResult, scorecard: Scorecard) -> None:
    """Log what a finished training measured and made: scorecard, vectors, submission, source."""
    measured = {
        "seconds": result.seconds,
        "words_per_second_total": result.words_per_second,
        "stopped_early": float(result.stopped_early),
    }
    log.metrics({**flat(scorecard), **measured}, step=result.words)
    log.tags({ENGINE_TAG: result.engine})
    if result.resumed_at is not None:
        log.tags({RESUMED_TAG: f"{result.resumed_at} words"})
    log.json(scorecard.to_dict(), SCORECARD)
    log.text(scorecard.table(), SCORECARD_TABLE)
    log.json(_corpus_summary(corpus), CORPUS)
    with tempfile.TemporaryDirectory() as folder:
        vectors = result.embeddings.save(Path(folder) / Path(VECTORS).name)
        log.file(vectors, str(Path(VECTORS).parent))
        submission = Path(folder) / Path(SUBMISSION).name
        export.codalab(result.embeddings, export.default_pairs(), submission)
        log.file(submission, str(Path(SUBMISSION).parent))


def _log_report_page(
    log: RunLog, content: RunContent, result: TrainResult, yardstick: Yardstick
) -> None:
    loss = [(report.step, report.loss) for report in result.history]
    penalty = [(report.step, report.penalty) for report in result.history]
    shown = penalty if any(value for _, value in penalty) else []
    sizes = association_sizes(content.scorecard, content.baseline, yardstick.nulls)
    drawings = list(run_drawings(sizes, loss, shown))
    for each in drawings:
        log.binary(each.png, f"figures/{each.name}.png")
    log.text(html_page(replace(content, drawings=drawings).report()), "report.html")


def _scorecard(store: Store, run_id: str) -> Scorecard:
    return Scorecard.from_json(store.artifact(run_id, SCORECARD).read_text(encoding="utf-8"))


def _corpus_summary(corpus: Corpus) -> dict[str, Any]:
    return {
        **corpus.describe(),
        "fingerprint": corpus.fingerprint,
        "sources": list(corpus.sources),
        "settings": asdict(corpus.settings),
    }
