"""One training outside any study: logged, measured, saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.metrics import Scorecard, evaluate
from debiaslab.regularizers.words import check_cover
from debiaslab.sgns import Checkpoints, Report, Start, TrainResult, TrainSettings
from debiaslab.study.cell import bound_strategy, strategy_label
from debiaslab.study.run import (
    OpenRun,
    dataset_info,
    log_provenance,
    log_results,
    removed_at_the_end,
    run_params,
    train_logged,
)
from debiaslab.system.outputs import check_output_folder
from debiaslab.tracking import Store
from debiaslab.tracking.names import KIND_TAG, SINGLE_KIND, STRATEGY_TAG

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.vectors.embeddings import Embeddings


@dataclass(frozen=True)
class SingleTraining:
    """What is trained; made before the corpus is read, so that a slip costs no time.

    Raises:
        UserError: The strategy, λ, a knob or the cover is unknown, or the vectors to continue from
            have another dimension.
    """

    settings: TrainSettings = field(default_factory=TrainSettings)
    strategy: str = "none"
    weight: float = 1.0  # λ
    cover: regularizers.Cover = "all"  # non-gender words the penalty acts on
    knobs: tuple[tuple[str, str], ...] = ()  # of the strategy besides λ, as (name, value)
    init: Start | None = None  # vectors to continue from

    def __post_init__(self) -> None:
        self.create()
        check_cover(self.cover)
        if self.init is not None:
            self.init.check(self.settings.dim)

    def create(self) -> regularizers.Strategy:
        """Return the strategy."""
        return regularizers.create(self.strategy, weight=self.weight, **dict(self.knobs))


@dataclass(frozen=True)
class SingleRun:
    """What a single training made."""

    run_id: str
    training: TrainResult
    scorecard: Scorecard

    @property
    def text(self) -> str:
        """The scorecard and how the training went, for the terminal."""
        training = self.training
        notes = ", stopped early" if training.stopped_early else ""
        if training.resumed_at is not None:
            notes += f", gone on from the checkpoint at {training.resumed_at:,} words"
        loss = training.history[-1].loss if training.history else float("nan")
        start = "" if training.continued is None else f"{training.continued}\n"
        return (
            f"{self.scorecard.table()}\n{start}"
            f"trained {training.words:,} words in {training.seconds:.1f} s "
            f"({training.words_per_second:,.0f} words/s, {training.engine} engine{notes}), "
            f"loss {loss:.4f}, run {self.run_id}"
        )


def train_single(
    corpus: Corpus,
    training: SingleTraining,
    *,
    out: str | Path,
    root: str | Path = "mlruns",
    tensorboard: str | Path | None = None,
    checkpoint: Checkpoints | None = None,
    progress: bool = True,
) -> SingleRun:
    """Train once, log to MLflow, measure, and save the vectors to ``out``.

    Args:
        corpus: Encoded corpus.
        training: What is trained.
        out: File for the vectors; its ending chooses the format.
        root: Folder of the local store.
        tensorboard: Folder for TensorBoard events of the running loss; None: none are written.
        checkpoint: Where the training is saved and goes on from; removed when the run has ended
            well. None: it is not saved.
        progress: Whether to draw a progress bar.

    Raises:
        UserError: The training diverged, the corpus lacks the strategy's words, or ``out`` could
            not be written; in the last case the finished run keeps the vectors.
    """
    settings, chosen = training.settings, training.create()
    bound = bound_strategy(corpus, chosen, training.cover, settings)
    name = "baseline" if bound is None else strategy_label(training.strategy, chosen)
    params = run_params(corpus, settings, chosen, bound, training.cover)
    if training.init is not None:
        params["init"] = "vectors of a file"
    store = Store.open(root)
    with (
        removed_at_the_end(checkpoint),
        store.start(
            f"{name} · {corpus.name} · seed {settings.seed}",
            parent=None,
            params=params,
            tags={KIND_TAG: SINGLE_KIND, STRATEGY_TAG: training.strategy},
            dataset=dataset_info(corpus),
        ) as log,
        _tensorboard(tensorboard) as on_report,
    ):
        log_provenance(log)
        result = train_logged(
            OpenRun(log, bound, params, checkpoint),
            corpus,
            settings,
            init=training.init,
            on_report=on_report,
            progress=progress,
        )
        unsaved = _save(result.embeddings, out)  # first of all: measuring can wait
        scorecard = evaluate(result.embeddings, name=str(out), seed=settings.seed)
        log_results(log, corpus, result, scorecard)
    if unsaved is not None:
        reason = str(unsaved).partition(";")[0]
        raise UserError(
            f"{reason}; the training is not lost: run {log.run_id} keeps the vectors",
            next_step=f"python -m debiaslab export --run {log.run_id} --out {Path(out).name} "
            "in a folder with space",
        ) from unsaved
    return SingleRun(log.run_id, result, scorecard)


def _save(embeddings: Embeddings, out: str | Path) -> UserError | None:
    """Save the vectors; return rather than raise what kept them from being saved."""
    try:
        embeddings.save(out)
    except UserError as error:
        return error
    return None


@contextmanager
def _tensorboard(folder: str | Path | None) -> Iterator[Callable[[Report], None] | None]:
    if folder is None:
        yield None
        return
    check_output_folder(folder)
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:

        def write(report: Report) -> None:
            for name in ("loss", "penalty", "lr", "words_per_second"):
                writer.add_scalar(name, getattr(report, name), report.step)

        yield write
