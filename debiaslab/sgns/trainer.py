"""Training, top to bottom: choose an engine, run its blocks, watch the loss, return vectors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.settings.training import TrainSettings
from debiaslab.sgns.checkpoint import Checkpoints, Slot, identity_of
from debiaslab.sgns.engine import (
    Engine,
    Intervention,
    NoiseStrata,
    PenaltyTerm,
    Preprocessing,
)
from debiaslab.sgns.fast import FastEngine, fast_unavailable
from debiaslab.sgns.model import SGNS
from debiaslab.sgns.progress import LossMonitor, Progress, Report, TrainingDivergedError
from debiaslab.sgns.reference import ReferenceEngine
from debiaslab.sgns.start import Continued, Start
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.table import first_not_finite

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus


@dataclass(frozen=True)
class TrainResult:
    """What a training leaves behind."""

    embeddings: Embeddings
    history: tuple[Report, ...]
    engine: str
    words: int  # in-vocabulary words trained, counted before subsampling
    pairs: int  # positive pairs trained
    seconds: float
    stopped_early: bool
    resumed_at: int | None = None  # words behind at the checkpoint it went on from, if it did
    continued: Continued | None = None  # from which vectors, if from any

    @property
    def words_per_second(self) -> float:
        """Training speed over the whole run."""
        return self.words / max(self.seconds, 1e-9)


def train(
    corpus: Corpus,
    settings: TrainSettings | None = None,
    penalty: PenaltyTerm | None = None,
    *,
    preprocessing: Preprocessing | None = None,
    strata: NoiseStrata | None = None,
    init: Embeddings | Start | None = None,
    on_report: Callable[[Report], None] | None = None,
    on_epoch: Callable[[int, Embeddings], None] | None = None,
    checkpoint: Checkpoints | None = None,
    progress: bool = True,
) -> TrainResult:
    """Train SGNS on a corpus with ``L = mean over pairs of the SGNS loss + λ · R(W, C)``.

    Args:
        corpus: Encoded corpus.
        settings: Hyperparameters.
        penalty: λ and R(W, C); None or λ = 0 trains the baseline, bit for bit.
        preprocessing: Rewrites the id stream while it is read; None trains on the corpus as it is.
        strata: Strata of the text with noise of their own; None draws all negatives from one noise.
        init: Vectors to continue from; words they lack start as in a new training. A ``Start``
            has context vectors too, or keeps the words that the text lacks.
        on_report: Called with each report of the running loss; when the training goes on from a
            checkpoint, with those made before it first.
        on_epoch: Called after each epoch with its number (from 1) and a copy of the vectors so far.
        checkpoint: Where the training is saved from time to time, and goes on from when it was
            interrupted: with one thread to the same vectors, bit for bit. None: it is not saved.
            What is left there at the end is the caller's to remove.
        progress: Whether to draw a progress bar.

    Raises:
        TrainingDivergedError: The loss became NaN or infinite.
        UserError: The vectors to continue from have another dimension, the corpus is no longer
            than a window, or a whole epoch gave no training pair.
    """
    settings = settings or TrainSettings()
    _refuse_short(corpus, settings)
    model = SGNS(len(corpus.words), settings.dim, settings.seed)
    start = Start(init) if isinstance(init, Embeddings) else init
    continued = None if start is None else start.put_into(model, corpus)
    model.to(settings.device)
    intervention = Intervention(penalty, preprocessing, strata)
    engine = _engine(model, corpus, settings, intervention)
    monitor = LossMonitor(corpus, settings, on_report)

    def identity() -> dict[str, Any]:
        return identity_of(corpus, settings, engine, intervention, start)

    with _slot(checkpoint, identity) as slot:
        run = Progress(model, engine, monitor, penalty, slot)
        resumed_at = run.resume()
        _epochs(run, corpus, settings, on_epoch, progress=progress)
    trained = _trained(model, corpus)
    return TrainResult(
        embeddings=trained if start is None else start.added_to(trained),
        history=tuple(monitor.history),
        engine=engine.name,
        words=monitor.words,
        pairs=monitor.pairs,
        seconds=monitor.seconds,
        stopped_early=monitor.stop,
        resumed_at=resumed_at,
        continued=continued,
    )


def _epochs(
    run: Progress,
    corpus: Corpus,
    settings: TrainSettings,
    on_epoch: Callable[[int, Embeddings], None] | None,
    *,
    progress: bool,
) -> None:
    """Train from where the run stands to its end."""
    monitor, total = run.monitor, corpus.tokens * settings.epochs
    bar = tqdm(
        total=total,
        initial=monitor.words,
        unit="word",
        unit_scale=True,
        leave=False,
        disable=not progress,
    )
    with bar, _torch_threads(run.engine.torch_threads):
        for number in range(run.epoch, settings.epochs):
            bar.set_description(f"epoch {number + 1}/{settings.epochs}")
            for block in run.blocks(number):
                bar.update(block.words)
                bar.set_postfix(loss=f"{block.loss:.4f}", refresh=False)
            if monitor.pairs == 0:
                raise UserError(
                    f"an epoch over {corpus.tokens:,} words gave no training pair",
                    allowed="documents of two words or more that subsampling leaves",
                    next_step="--subsample 0, or a text with more than one word a line",
                )
            if on_epoch is not None:
                on_epoch(number + 1, _trained(run.model, corpus))
            if monitor.stop:
                break


@contextmanager
def _slot(
    checkpoint: Checkpoints | None, identity: Callable[[], dict[str, Any]]
) -> Iterator[Slot | None]:
    """Yield the place of the training's checkpoint; one that diverges takes it along."""
    if checkpoint is None:
        yield None
        return
    with checkpoint.opened(identity()) as slot:
        try:
            yield slot
        except TrainingDivergedError:  # going on from there, it would diverge again
            checkpoint.remove()
            raise


def _engine(
    model: SGNS, corpus: Corpus, settings: TrainSettings, intervention: Intervention
) -> Engine:
    wanted = settings.engine or ("fast" if settings.fast_can else "reference")
    if wanted == "fast":
        reason = fast_unavailable()
        if reason is None:
            return FastEngine(model, corpus, settings, intervention)
        warnings.warn(
            f"the fast engine is not available here ({reason}): training with the reference engine",
            stacklevel=3,
        )
    return ReferenceEngine(model, corpus, settings, intervention)


def _refuse_short(corpus: Corpus, settings: TrainSettings) -> None:
    if corpus.tokens <= settings.window:
        raise UserError(
            f"the corpus has {corpus.tokens} words of its vocabulary, no more than a window of "
            f"{settings.window}",
            allowed="a text longer than the window",
            next_step=f"a longer text, or --window {max(corpus.tokens - 1, 1)}",
        )


def _trained(model: SGNS, corpus: Corpus) -> Embeddings:
    """Return a copy of the target embeddings; ``<UNK>`` (always last) is no word."""
    size = len(corpus.words) if corpus.unk is None else corpus.unk
    vectors = model.W.cpu().numpy()[:size]
    if first_not_finite(vectors) is not None:
        raise TrainingDivergedError(
            "a vector holds NaN or infinity after training",
            next_step="a smaller --lr or a smaller λ",
        )
    return Embeddings(corpus.words[:size], vectors)


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
