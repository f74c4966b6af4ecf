"""One run: one cell trained, one scorecard, one MLflow run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.metrics import Baseline, Scorecard, evaluate
from debiaslab.regularizers import is_control
from debiaslab.report import RunContent
from debiaslab.sgns import Checkpoints, TrainResult
from debiaslab.study.cell import Cell, digest_of, strategy_label
from debiaslab.study.description import run_note
from debiaslab.study.leftovers import CHECKPOINTS, owner_of
from debiaslab.study.objective import FORMULA, BaselineReference, Outcome, measure_reference
from debiaslab.study.run_log import (
    OpenRun,
    UnusableRunError,
    dataset_info,
    log_outcome,
    log_provenance,
    log_report_page,
    log_results,
    read_scorecard,
    removed_at_the_end,
    run_params,
    train_logged,
)
from debiaslab.system.provenance import provenance
from debiaslab.tracking import NOTE_TAG, VECTORS, RunInfo, Store
from debiaslab.tracking.names import CELL_TAG, SESSION_TAG, TRIAL_TAG, YARDSTICK
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.regularizers import BoundStrategy


@dataclass(frozen=True)
class Site:
    """Where the cells of a study are trained and logged.

    Attributes:
        store: The tracking store.
        root: Folder of the local store, of the search and of checkpoints.
        corpus: Encoded corpus.
        name: Name of the study.
        parent: MLflow run of the study.
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


@contextmanager
def open_run(site: Site, cell: Cell, init: Embeddings | None = None) -> Iterator[OpenRun]:
    """Open the run of a cell; at the end it is closed, and its checkpoint removed.

    Whatever is raised, the run is marked as failed, with the reason. A checkpoint stays only where
    the training was cut short from outside.
    """
    bound = cell.bind(site.corpus)
    treatment = {} if cell.treatment is None else cell.treatment.params
    acting = None if cell.treatment is not None else bound
    params = run_params(site.corpus, cell.settings, cell.made, acting, cell.cover)
    params |= treatment
    if init is not None:
        params["init"] = "vectors of the baseline"
    checkpoint = Checkpoints(site.root / CHECKPOINTS, shared=True)
    checkpoint.owner.update(owner_of(site.parent, params))
    tags = {**cell.tags, **({SESSION_TAG: site.session} if site.session else {})}
    with (
        removed_at_the_end(checkpoint),
        site.store.start(
            cell.name,
            parent=site.parent,
            params=params,
            tags=tags,
            dataset=dataset_info(site.corpus),
        ) as log,
    ):
        log_provenance(log)
        yield OpenRun(log, bound, params, checkpoint)


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
    with open_run(site, cell, init) as run:
        if run.bound is not None and run.bound.only_after and baseline is not None:
            result = _debiased(run.bound, _vectors(site.store, baseline, against))
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
        )
        log_results(run.log, site.corpus, result, scorecard)
        if baseline is None:
            reference = measure_reference(cell.objective, result.embeddings, scorecard, cell.seed)
        else:
            reference = baseline.reference
        outcome = _outcome(cell, scorecard, reference)
        log_outcome(run.log, cell.weight, outcome, result.words)
        label = None if cell.weight == 0 else strategy_label(cell.strategy, cell.made)
        run.log.tags({NOTE_TAG: run_note(label, cell.seed, outcome)})
        run.log.json(asdict(reference), YARDSTICK)
        compared = None if baseline is None else read_scorecard(site.store, baseline.run_id)
        content = RunContent(
            title=cell.name,
            params=run.params,
            provenance=provenance(),
            scorecard=scorecard,
            formula=FORMULA,
            outcome=None if outcome is None else asdict(outcome),
            baseline=compared,
        )
        log_report_page(run.log, content, result, reference)
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


def _vectors(store: Store, baseline: FinishedRun, against: Baseline | None) -> Embeddings:
    if against is not None:
        return against.embeddings
    return Embeddings.load(store.artifact(baseline.run_id, VECTORS))


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


def find_finished(store: Store, runs: Sequence[RunInfo], cell: Cell) -> FinishedRun | None:
    """Return the finished run of a cell among the runs of a study, if there is one.

    A run whose files are gone is none.
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
