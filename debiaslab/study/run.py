"""One run: one cell trained, one scorecard, one MLflow run, and what is logged of it."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.leaderboard import export
from debiaslab.metrics import Baseline, Record, Scorecard, evaluate
from debiaslab.metrics.evaluation import with_nulls_of
from debiaslab.regularizers import is_control, train_inputs
from debiaslab.sgns import (
    Checkpoints,
    Report,
    Start,
    TrainingDivergedError,
    TrainResult,
    TrainSettings,
    train,
)
from debiaslab.study.cell import Cell, digest_of, strategy_label, tells_cells_apart
from debiaslab.study.kept import run_note
from debiaslab.study.objective import BaselineReference, Outcome, measure_reference
from debiaslab.system.provenance import provenance, utf8
from debiaslab.tracking import NOTE_TAG, VECTORS, DatasetInfo, RunInfo, RunLog, Store
from debiaslab.tracking.names import (
    CELL_TAG,
    COMMIT_TAG,
    CORPUS,
    DIRTY_TAG,
    ENGINE_TAG,
    LAMBDA,
    LOG_LAMBDA,
    PROVENANCE,
    RESUMED_TAG,
    SCORECARD,
    SCORECARD_TABLE,
    SESSION_TAG,
    SUBMISSION,
    TRIAL_TAG,
    YARDSTICK,
)
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.regularizers import BoundStrategy

CHECKPOINTS = "checkpoints"  # folder beside the store, of trainings that were interrupted
STUDY = "study"  # key of a checkpoint's owner: the run of its study
LOSS_METRICS = ("loss", "penalty", "lr", "words_per_second")  # of a training's reports
UNCERTAINTY = "uncertainty"  # metrics of this group: intervals, p, n
ANCHORED = "read_anchored"  # of this one: read along the baseline's attribute words
_GLANCE = "at_a_glance"  # the UI's charts of a run begin with this group, and end with no group
# of a record, besides value, interval, p and n; methods and missing words are in the JSON
_EXTRAS = ("statistic_low", "statistic_high", "p_two_sided", "null95", "coverage")


class UnusableRunError(UserError):
    """A training that ran to its end, but whose vectors the objective cannot measure."""


@dataclass(frozen=True)
class Site:
    """Where the cells of a study are trained and logged.

    Attributes:
        store: The tracking store.
        root: Folder of the local store, of the search and of checkpoints.
        corpus: Encoded corpus.
        name: Name of the study; outside one, of the corpus.
        parent: MLflow run of the study; empty outside one.
        session: Which command it is: what failed under it is not tried again under it.
        progress: Whether trainings draw bars of their own.
    """

    store: Store
    root: Path
    corpus: Corpus
    name: str
    parent: str
    session: str = ""
    progress: bool = False


@dataclass(frozen=True)
class FinishedRun:
    """A run that ended well, as other runs of its study need it."""

    run_id: str
    trial: int | None  # None: the baseline
    weight: float
    seed: int
    outcome: Outcome | None  # None: a control that the objective cannot measure
    reference: BaselineReference  # of the baseline of this seed

    @property
    def measured(self) -> Outcome:
        """The outcome, which only a control may lack.

        Raises:
            UnusableRunError: The run is a control that the objective cannot measure.
        """
        if self.outcome is None:
            raise UnusableRunError("the objective cannot be measured on a control")
        return self.outcome


@dataclass(frozen=True)
class OpenRun:
    """A run while it is trained and measured; ``bound`` is None for the baseline."""

    log: RunLog
    bound: BoundStrategy | None
    params: dict[str, Any]
    checkpoint: Checkpoints | None


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


@contextmanager
def open_run(
    site: Site, cell: Cell, *, init: str | None = None, checkpoint: Checkpoints | None = None
) -> Iterator[OpenRun]:
    """Open the run of a cell; at the end it is closed, and its checkpoint removed.

    Whatever is raised, the run is marked as failed, with the reason. A checkpoint stays only where
    the training was cut short from outside.

    Args:
        site: Where the cell is trained.
        cell: What is trained.
        init: The vectors it starts from; None: training starts anew.
        checkpoint: Where the training is saved; None: beside the store, outside a study nowhere.
    """
    bound = cell.bind(site.corpus)
    params = _params(site.corpus, cell, bound)
    if init is not None:
        params["init"] = init
    if checkpoint is None and site.parent:
        checkpoint = Checkpoints(site.root / CHECKPOINTS, shared=True)
        checkpoint.owner.update(owner_of(site.parent, params))
    tags = {**cell.tags, **({SESSION_TAG: site.session} if site.session else {})}
    with (
        removed_at_the_end(checkpoint),
        site.store.start(
            cell.name if site.parent else f"{cell.name} · {site.name} · seed {cell.seed}",
            parent=site.parent or None,
            params=params,
            tags=tags,
            dataset=dataset_info(site.corpus),
        ) as log,
    ):
        log_provenance(log)
        yield OpenRun(log, bound, params, checkpoint)


def owner_of(study: str, params: Mapping[str, object]) -> dict[str, str]:
    """Return what is saved with a checkpoint: its study's run, and which training of it it is."""
    own = {k: str(v) for k, v in params.items() if k == "init" or tells_cells_apart(k)}
    return {STUDY: study, **own}


def train_cell(
    site: Site,
    cell: Cell,
    *,
    baseline: FinishedRun | None,
    against: Baseline | None = None,
    init: Embeddings | None = None,
) -> FinishedRun:
    """Train a cell, measure, and log everything to one MLflow run.

    Args:
        site: The study.
        cell: What is trained.
        baseline: The finished baseline of this seed; None when this run is it. A strategy that
            only acts after training is given its vectors instead of a training of its own.
        against: The baseline's vectors with what was measured of them, to add what needs them to
            the scorecard (lipstick tests, overlap of neighbours, retention by set).
        init: Vectors to start from; None: training starts anew.

    Raises:
        TrainingDivergedError: The loss became NaN or infinite.
        UnusableRunError: The objective cannot be measured.
        UserError: Something outside failed, such as the store or the disk.
    """
    start = None if init is None else "vectors of the baseline"
    with open_run(site, cell, init=start) as run:
        own = None if against is None else against.embeddings
        if own is None and baseline is not None:
            own = vectors_of(site.store, baseline.run_id)
        if run.bound is not None and run.bound.only_after and own is not None:
            result = _debiased(run.bound, own)
        else:
            result = train_logged(
                run, site.corpus, cell.settings, init=init, progress=site.progress
            )
        scorecard = evaluate(
            result.embeddings,
            name=cell.name,
            seed=cell.seed,
            baseline=against,
            lipstick_nulls=False,
            anchor=own,
        )
        if baseline is not None and against is None:
            before = site.store.artifact(baseline.run_id, SCORECARD).read_text(encoding="utf-8")
            nulls = Scorecard.from_json(before).records
            scorecard = replace(scorecard, anchored=with_nulls_of(scorecard.anchored, nulls, ""))
        log_results(run.log, site.corpus, result, scorecard)
        if baseline is None:
            reference = measure_reference(cell.objective, result.embeddings, scorecard, cell.seed)
        else:
            reference = baseline.reference
        read = scorecard if baseline is not None else replace(scorecard, anchored=scorecard.records)
        outcome = _outcome(cell, read, reference)
        run.log.metrics(cell.objective.by_ruler(read, reference), step=result.words)
        _log_outcome(run.log, cell.weight, outcome, result.words)
        label = None if cell.weight == 0 else strategy_label(cell.strategy, cell.made)
        run.log.tags({NOTE_TAG: run_note(run.log.run_id, label, cell.seed, outcome)})
        run.log.json(asdict(reference), YARDSTICK)
    return FinishedRun(run.log.run_id, cell.trial, cell.weight, cell.seed, outcome, reference)


def train_treated(site: Site, cell: Cell) -> str:
    """Train a cell whose text was treated, log everything to one MLflow run; return its id.

    Besides the usual scorecard it has what its treatment measures. It is not scored.

    Raises:
        TrainingDivergedError: The loss became NaN or infinite.
        UserError: Something outside failed, such as the store or the disk.
    """
    assert cell.treatment is not None
    with open_run(site, cell) as run:
        cell.treatment.describe(run.log)
        result = train_logged(run, site.corpus, cell.settings, progress=site.progress)
        scorecard = evaluate(result.embeddings, name=cell.name, seed=cell.seed)
        log_results(run.log, site.corpus, result, scorecard)
        cell.treatment.measure(run.log, result, cell.seed)
    return run.log.run_id


def train_logged(
    run: OpenRun,
    corpus: Corpus,
    settings: TrainSettings,
    *,
    init: Embeddings | Start | None = None,
    on_report: Callable[[Report], None] | None = None,
    progress: bool = True,
) -> TrainResult:
    """Train with a strategy, sending the running loss and a quick scorecard by epoch to a run.

    The vectors of the result have been through the strategy's post-processing; those measured by
    epoch have not. A training that is resumed at its checkpoint logs what came before it as well.
    """
    log, checkpoint = run.log, run.checkpoint
    by_epoch: dict[str, dict[str, float]] = {} if checkpoint is None else checkpoint.notes
    logged: set[str] = set()

    def report(step: Report) -> None:
        log.metrics({name: getattr(step, name) for name in LOSS_METRICS}, step=step.step)
        if on_report is not None:
            on_report(step)

    def epoch(number: int, vectors: Embeddings) -> None:
        by_epoch[str(number)] = measured_values(evaluate(vectors, quick=True))
        for done in sorted(by_epoch.keys() - logged, key=int):
            quick = {f"epoch/{key}": value for key, value in by_epoch[done].items()}
            log.metrics(quick, step=int(done))
            logged.add(done)

    return train_bound(
        corpus,
        settings,
        run.bound,
        init=init,
        on_report=report,
        on_epoch=epoch,
        checkpoint=checkpoint,
        progress=progress,
    )


def train_bound(
    corpus: Corpus, settings: TrainSettings, bound: BoundStrategy | None, **how: Any
) -> TrainResult:
    """Train with a strategy (None: the baseline), and post-process the vectors as it does.

    ``how`` is what else ``sgns.train`` takes by name.
    """
    result = train(corpus, settings, **train_inputs(bound), **how)
    return result if bound is None else replace(result, embeddings=bound.finish(result.embeddings))


def vectors_of(store: Store, run_id: str) -> Embeddings:
    """Return the vectors that a finished run has kept."""
    return Embeddings.load(store.artifact(run_id, VECTORS))


def find_finished(store: Store, runs: Sequence[RunInfo], cell: Cell) -> FinishedRun | None:
    """Return the finished run of a cell among the runs of a study, if there is one.

    A run whose files are gone does not count.
    """
    for run in runs:
        wanted = run.status == "FINISHED" and run_digest(run) == cell.digest
        if wanted and {YARDSTICK, VECTORS} <= set(store.artifacts(run.run_id)):
            return _read_back(store, run)
    return None


def run_digest(run: RunInfo) -> str:
    """Return the digest of the cell that a run is of; of older runs it is made of what they say."""
    return run.tags.get(CELL_TAG) or digest_of(run.params)


def _read_back(store: Store, run: RunInfo) -> FinishedRun:
    reference = json.loads(store.artifact(run.run_id, YARDSTICK).read_text(encoding="utf-8"))
    values = {key: run.metrics.get(key) for key in Outcome.__dataclass_fields__}
    trial = run.tags.get(TRIAL_TAG, "")
    return FinishedRun(
        run_id=run.run_id,
        trial=int(trial) if trial else None,
        weight=float(run.params["weight"]),
        seed=int(run.params["seed"]),
        outcome=Outcome(**values),  # type: ignore[arg-type]
        reference=BaselineReference(**reference),
    )


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


def _outcome(cell: Cell, scorecard: Scorecard, reference: BaselineReference) -> Outcome | None:
    """Return what the objective makes of a scorecard; a control may lack the words it needs."""
    try:
        return cell.objective.outcome(scorecard, reference)
    except UserError as error:
        if is_control(cell.made):
            return None
        raise UnusableRunError(str(error)) from error


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


def _params(corpus: Corpus, cell: Cell, bound: BoundStrategy | None) -> dict[str, Any]:
    """Return everything that shaped a run, as MLflow shows it."""
    acting = bound if cell.treatment is None else None
    strategy, settings, own = cell.made, cell.settings, corpus.settings
    params: dict[str, Any] = {
        "strategy": strategy.name if acting is not None else "none",
        "stage": strategy.stage if acting is not None else "none",
        "weight": repr(strategy.weight if acting is not None else 0.0),
        "cover": cell.cover,
        **asdict(settings),
        "engine": settings.engine or "auto",  # the tag debiaslab.engine names the one that ran
        "corpus": corpus.name,
        "corpus_fingerprint": corpus.fingerprint,
        **{key: getattr(own, key) for key in ("min_count", "rare", "mwes", "lowercase", "marks")},
        "lexicon_versions": json.dumps(lexicons.versions(), sort_keys=True),
    }
    if acting is not None:
        params |= {f"knob.{k}": v for k, v in strategy.knobs().items()}
        params |= {f"coverage.{key}": value for key, value in asdict(acting.coverage).items()}
    return params if cell.treatment is None else {**params, **cell.treatment.params}


def flat(scorecard: Scorecard) -> dict[str, float]:
    """Return the measured values of a scorecard under MLflow metric names, with their uncertainty.

    The UI makes a section of charts of what stands before the last ``/``: intervals, p and n, three
    in four of all numbers, are one section of their own, and anchored readings another.
    """
    metrics = measured_values(scorecard)
    for record in scorecard.records:
        if record.value is None:
            continue
        parts = {part: getattr(record, part) for part in ("low", "high", "p", "n")}
        parts |= {part: record.extra.get(part) for part in _EXTRAS}
        detail = f"{UNCERTAINTY}/{_key(record).replace('/', '.')}"
        metrics |= {f"{detail}.{part}": float(v) for part, v in parts.items() if v is not None}
    along = measured_values(scorecard.reading("anchored"))
    return metrics | {f"{ANCHORED}/{key.replace('/', '.')}": v for key, v in along.items()}


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
    text = {
        **corpus.describe(),
        "fingerprint": corpus.fingerprint,
        "sources": list(corpus.sources),
        "settings": asdict(corpus.settings),
    }
    log.json(text, CORPUS)
    with tempfile.TemporaryDirectory() as folder:
        vectors = result.embeddings.save(Path(folder) / Path(VECTORS).name)
        log.file(vectors, str(Path(VECTORS).parent))
        submission = Path(folder) / Path(SUBMISSION).name
        export.codalab(result.embeddings, export.default_pairs(), submission)
        log.file(submission, str(Path(SUBMISSION).parent))


def _log_outcome(log: RunLog, weight: float, outcome: Outcome | None, step: int) -> None:
    """Log λ and what the objective makes of a run, at the word where training ended."""
    log.metrics({LAMBDA: weight}, step=step)
    if weight > 0:
        log.metrics({LOG_LAMBDA: math.log10(weight)}, step=step)
    if outcome is not None:
        values = asdict(outcome)
        log.metrics(values, step=step)
        measured = {key: value for key, value in values.items() if value is not None}
        # At step 0 the UI draws a bar, at any other one point of a line.
        log.metrics({f"{_GLANCE}/{key}": value for key, value in measured.items()})
