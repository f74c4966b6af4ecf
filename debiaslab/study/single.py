"""One training outside any study: logged, measured, saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab import regularizers
from debiaslab.metrics import Scorecard, evaluate
from debiaslab.sgns import Report, TrainResult, TrainSettings
from debiaslab.study.run import dataset_info, log_results, run_params, train_logged
from debiaslab.tracking import Store

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.embeddings import Embeddings


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
        early = ", stopped early" if training.stopped_early else ""
        loss = training.history[-1].loss if training.history else float("nan")
        return (
            f"{self.scorecard.table()}\n"
            f"trained {training.words:,} words in {training.seconds:.1f} s "
            f"({training.words_per_second:,.0f} words/s, {training.engine} engine{early}), "
            f"loss {loss:.4f}, run {self.run_id}"
        )


def train_single(
    corpus: Corpus,
    settings: TrainSettings,
    *,
    strategy: str,
    weight: float,
    cover: regularizers.Cover,
    knobs: Sequence[tuple[str, str]] = (),
    out: str | Path,
    init: Embeddings | None = None,
    root: str | Path = "mlruns",
    tensorboard: str | Path | None = None,
    progress: bool = True,
) -> SingleRun:
    """Train once, log to MLflow, measure, and save the vectors to ``out``.

    Args:
        corpus: Encoded corpus.
        settings: Hyperparameters.
        strategy: Name of a registered strategy.
        weight: λ.
        cover: Non-gender words the penalty acts on.
        knobs: Knobs of the strategy besides λ, as (name, value).
        out: File for the vectors; its ending chooses the format.
        init: Vectors to continue from.
        root: Folder of the local store.
        tensorboard: Folder for TensorBoard events of the running loss; None: none are written.
        progress: Whether to draw a progress bar.
    """
    chosen = regularizers.create(strategy, weight=weight, **dict(knobs))
    penalty = regularizers.bind(chosen, corpus.words, cover) if weight > 0 else None
    name = f"{strategy} λ={weight:.4g}" if penalty is not None else "baseline"
    store = Store.open(root)
    params = run_params(corpus, settings, chosen, penalty, cover)
    tags = {"debiaslab.kind": "single", "debiaslab.strategy": strategy}
    with (
        store.start(
            f"{name} · seed {settings.seed}",
            parent=None,
            params=params,
            tags=tags,
            dataset=dataset_info(corpus),
        ) as log,
        _tensorboard(tensorboard) as on_report,
    ):
        result = train_logged(
            log, corpus, settings, penalty, init=init, on_report=on_report, progress=progress
        )
        result.embeddings.save(out)  # first of all: measuring can wait, training was long
        scorecard = evaluate(result.embeddings, name=str(out), seed=settings.seed)
        log_results(log, corpus, result, scorecard)
    return SingleRun(log.run_id, result, scorecard)


@contextmanager
def _tensorboard(folder: str | Path | None) -> Iterator[Callable[[Report], None] | None]:
    if folder is None:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:

        def write(report: Report) -> None:
            for name in ("loss", "penalty", "lr", "words_per_second"):
                writer.add_scalar(name, getattr(report, name), report.step)

        yield write
