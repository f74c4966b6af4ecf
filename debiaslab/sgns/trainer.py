"""Training, top to bottom: choose an engine, run its blocks, watch the loss, hand over vectors."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from debiaslab.embeddings import Embeddings
from debiaslab.errors import UserError
from debiaslab.sgns.engine import Block, Engine, PenaltyTerm, Preprocessing
from debiaslab.sgns.fast import FastEngine, fast_unavailable
from debiaslab.sgns.model import SGNS
from debiaslab.sgns.reference import ReferenceEngine
from debiaslab.sgns.settings import TrainSettings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

REPORTS = 100  # reports of the running loss over a whole training
_PLATEAU = 1e-4  # relative fall of the running loss that counts as better


class TrainingDivergedError(UserError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class Report:
    """The running loss over one hundredth of the training."""

    step: int  # in-vocabulary words trained so far, counted before subsampling
    loss: float  # mean SGNS loss per positive pair since the last report, nats
    penalty: float  # R(W, C), mean over the blocks since the last report
    lr: float
    words_per_second: float


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
    init: Embeddings | None = None,
    on_report: Callable[[Report], None] | None = None,
    on_epoch: Callable[[int, Embeddings], None] | None = None,
    progress: bool = True,
) -> TrainResult:
    """Train SGNS on a corpus with ``L = mean over pairs of the SGNS loss + λ · R(W, C)``.

    Args:
        corpus: Encoded corpus.
        settings: Hyperparameters.
        penalty: λ and R(W, C); None or λ = 0 trains the baseline, bit for bit.
        preprocessing: Rewrites the id stream while it is read; None trains on the corpus as it is.
        init: Vectors to continue from; words they lack start as in a new training.
        on_report: Called with each report of the running loss.
        on_epoch: Called after each epoch with its number (from 1) and the vectors so far.
        progress: Whether to draw a progress bar.

    Raises:
        TrainingDivergedError: The loss became NaN or infinite.
        UserError: The vectors to continue from have another dimension, the corpus is no longer
            than a window, or a whole epoch gave no training pair.
    """
    settings = settings or TrainSettings()
    _refuse_short(corpus, settings)
    model = SGNS(len(corpus.words), settings.dim, settings.seed)
    if init is not None:
        _start_from(model, corpus, init)
    model.to(settings.device)
    engine = _engine(model, corpus, settings, penalty, preprocessing)
    watch = _Watch(corpus, settings, on_report)
    started = time.perf_counter()
    total = corpus.tokens * settings.epochs
    bar = tqdm(total=total, unit="word", unit_scale=True, leave=False, disable=not progress)
    # the fast engine's own threads keep the cores busy: more for torch would only take them away
    with bar, _torch_threads(1 if engine.name == "fast" else settings.threads):
        for number in range(settings.epochs):
            bar.set_description(f"epoch {number + 1}/{settings.epochs}")
            for block in engine.epoch(number):
                watch.see(block, epoch=number + 1)
                bar.update(block.words)
                bar.set_postfix(loss=f"{block.loss:.4f}", refresh=False)
                if watch.stop:
                    break
            if watch.pairs == 0:
                raise UserError(
                    f"an epoch over {corpus.tokens:,} words gave no training pair",
                    allowed="documents of two words or more that subsampling leaves",
                    next_step="--subsample 0, or a text with more than one word a line",
                )
            if on_epoch is not None:
                on_epoch(number + 1, _embeddings(model, corpus))
            if watch.stop:
                break
    return TrainResult(
        embeddings=_embeddings(model, corpus),
        history=tuple(watch.history),
        engine=engine.name,
        words=watch.words,
        pairs=watch.pairs,
        seconds=time.perf_counter() - started,
        stopped_early=watch.stop,
    )


@dataclass
class _Watch:
    """Sums blocks into reports, refuses NaN, and tells when the running loss has levelled off."""

    corpus: Corpus
    settings: TrainSettings
    on_report: Callable[[Report], None] | None
    history: list[Report] = field(default_factory=list)
    words: int = 0
    pairs: int = 0
    stop: bool = False

    def __post_init__(self) -> None:
        self._blocks: list[Block] = []
        self._since = time.perf_counter()
        self._best = math.inf
        self._waited = 0

    def see(self, block: Block, epoch: int) -> None:
        if not (math.isfinite(block.loss) and math.isfinite(block.penalty)):
            raise TrainingDivergedError(
                f"the loss became {block.loss} (penalty {block.penalty}) in epoch {epoch} "
                f"after {self.words:,} words",
                next_step=f"a smaller --lr (now {self.settings.lr:g}), --weight or --batch-size",
            )
        self.words += block.words
        self.pairs += block.pairs
        self._blocks.append(block)
        total = self.corpus.tokens * self.settings.epochs
        if sum(b.words for b in self._blocks) >= total / REPORTS:
            self._report()

    def _report(self) -> None:
        blocks, now = self._blocks, time.perf_counter()
        pairs = max(sum(b.pairs for b in blocks), 1)
        report = Report(
            step=self.words,
            loss=sum(b.loss * b.pairs for b in blocks) / pairs,
            penalty=sum(b.penalty for b in blocks) / len(blocks),
            lr=blocks[-1].lr,
            words_per_second=sum(b.words for b in blocks) / max(now - self._since, 1e-9),
        )
        self._blocks, self._since = [], now
        self.history.append(report)
        if self.on_report is not None:
            self.on_report(report)
        self._check_plateau(report.loss)

    def _check_plateau(self, loss: float) -> None:
        if loss < self._best * (1 - _PLATEAU):
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        self.stop = self.settings.patience is not None and self._waited >= self.settings.patience


def _engine(
    model: SGNS,
    corpus: Corpus,
    settings: TrainSettings,
    penalty: PenaltyTerm | None,
    preprocessing: Preprocessing | None,
) -> Engine:
    wanted = settings.engine or ("fast" if settings.fast_can else "reference")
    if wanted == "fast":
        reason = fast_unavailable()
        if reason is None:
            return FastEngine(model, corpus, settings, penalty, preprocessing)
        warnings.warn(
            f"the fast engine is not available here ({reason}): training with the reference engine",
            stacklevel=3,
        )
    return ReferenceEngine(model, corpus, settings, penalty, preprocessing)


def _refuse_short(corpus: Corpus, settings: TrainSettings) -> None:
    if corpus.tokens <= settings.window:
        raise UserError(
            f"the corpus has {corpus.tokens} words of its vocabulary, no more than a window of "
            f"{settings.window}",
            allowed="a text longer than the window",
            next_step=f"a longer text, or --window {max(corpus.tokens - 1, 1)}",
        )


def _start_from(model: SGNS, corpus: Corpus, init: Embeddings) -> None:
    if init.dim != model.dim:
        raise UserError(
            f"the vectors to continue from have dimension {init.dim}, this training {model.dim}",
            next_step=f"--dim {init.dim}",
        )
    found, _ = init.split(corpus.words)
    if not found:
        raise UserError("the vectors to continue from share no word with the corpus vocabulary")
    rows = torch.tensor([corpus.index[word] for word in found])
    model.W[rows] = torch.from_numpy(init.vectors[[init.index[word] for word in found]])


def _embeddings(model: SGNS, corpus: Corpus) -> Embeddings:
    """Return the target embeddings; ``<UNK>`` (always last) is no word and stays out."""
    size = len(corpus.words) if corpus.unk is None else corpus.unk
    vectors = model.W.cpu().numpy()[:size]
    if not np.isfinite(vectors).all():
        raise TrainingDivergedError(
            "a vector holds NaN or infinity after training", next_step="a smaller --lr or --weight"
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
