"""What is logged of one training: settings, loss by step, scorecard, vectors, pages."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.leaderboard import export
from debiaslab.metrics import Record, Scorecard, evaluate
from debiaslab.regularizers import train_inputs
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
from debiaslab.study.objective import BaselineReference, Outcome
from debiaslab.system.provenance import provenance
from debiaslab.system.redact import utf8
from debiaslab.tracking import VECTORS, DatasetInfo, RunLog, Store
from debiaslab.tracking.names import (
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
    SUBMISSION,
)
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.regularizers import BoundStrategy, Strategy


UNCERTAINTY = "uncertainty"  # metrics of this group: intervals, p, n


_GLANCE = "at_a_glance"  # the UI's charts of a run begin with this group, and end with no group


# of a record, besides value, interval, p and n; methods and missing words are in the JSON
_EXTRAS = ("statistic_low", "statistic_high", "p_two_sided", "null95", "coverage")


class UnusableRunError(UserError):
    """A training that ran to its end, but whose vectors the objective cannot measure."""


def log_outcome(log: RunLog, weight: float, outcome: Outcome | None, step: int) -> None:
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


@dataclass(frozen=True)
class OpenRun:
    """A run while it is trained and measured; ``bound`` is None for the baseline."""

    log: RunLog
    bound: BoundStrategy | None
    params: dict[str, Any]
    checkpoint: Checkpoints | None


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
    epoch have not. A training that goes on from its checkpoint logs what came before it as well.
    """
    log, bound, checkpoint = run.log, run.bound, run.checkpoint
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
        **train_inputs(bound),
        init=init,
        on_report=report,
        on_epoch=epoch,
        checkpoint=checkpoint,
        progress=progress,
    )
    return result if bound is None else replace(result, embeddings=bound.finish(result.embeddings))


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


def log_report_page(
    log: RunLog, content: RunContent, result: TrainResult, reference: BaselineReference
) -> None:
    """Log the page of a run with its figures."""
    loss = [(report.step, report.loss) for report in result.history]
    penalty = [(report.step, report.penalty) for report in result.history]
    shown = penalty if any(value for _, value in penalty) else []
    sizes = association_sizes(content.scorecard, content.baseline, reference.nulls)
    drawings = list(run_drawings(sizes, loss, shown))
    for each in drawings:
        log.binary(each.png, f"figures/{each.name}.png")
    log.text(html_page(replace(content, drawings=drawings).report()), "report.html")


def read_scorecard(store: Store, run_id: str) -> Scorecard:
    """Return the scorecard of a run."""
    return Scorecard.from_json(store.artifact(run_id, SCORECARD).read_text(encoding="utf-8"))


def _corpus_summary(corpus: Corpus) -> dict[str, Any]:
    return {
        **corpus.describe(),
        "fingerprint": corpus.fingerprint,
        "sources": list(corpus.sources),
        "settings": asdict(corpus.settings),
    }
