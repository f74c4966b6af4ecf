"""Training, top to bottom: choose an engine, run its blocks, watch the loss, return vectors."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from numpy.typing import NDArray
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.settings.training import TrainSettings
from debiaslab.sgns.checkpoint import Checkpoints, Slot, identity_of
from debiaslab.sgns.engine import (
    Block,
    Engine,
    Intervention,
    NoiseStrata,
    PenaltyTerm,
    Preprocessing,
    Resumable,
    State,
    together,
)
from debiaslab.sgns.fast import FastEngine, fast_unavailable
from debiaslab.sgns.model import SGNS, Continued, Start
from debiaslab.sgns.reference import ReferenceEngine
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.table import first_not_finite

if TYPE_CHECKING:
    import pandas as pd

    from debiaslab.corpus import Corpus


REPORTS = 100  # reports of the running loss over a whole training
_EXPLODED = 10  # times the loss of vectors of zeros: no training that learns anything is there
_PLATEAU = 1e-4  # relative fall of the running loss that counts as better


class TrainingDivergedError(UserError):
    """The loss became NaN or infinite, or rose far above that of vectors of zeros."""


@dataclass(frozen=True)
class Report:
    """The running loss over one hundredth of the training."""

    step: int  # in-vocabulary words trained so far, counted before subsampling
    loss: float  # mean SGNS loss per positive pair since the last report, nats
    penalty: float  # R(W, C), mean over the blocks since the last report
    lr: float
    words_per_second: float


@dataclass
class LossMonitor:
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
        self._started = self._since = time.perf_counter()
        self._best = math.inf
        self._waited = 0

    @property
    def seconds(self) -> float:
        """How long the training has taken, the time before a checkpoint included."""
        return time.perf_counter() - self._started

    def update(self, block: Block, epoch: int) -> None:
        """Take in a block.

        Raises:
            TrainingDivergedError: Its loss or its penalty is NaN or infinite, or its loss is more
                than ten times (1 + k) ln 2, that of vectors of zeros with k negatives.
        """
        zeros = (1 + self.settings.negatives) * math.log(2)
        finite = math.isfinite(block.loss) and math.isfinite(block.penalty)
        if not finite or block.loss > _EXPLODED * zeros:
            raise TrainingDivergedError(
                f"the loss became {block.loss:.6g} (penalty {block.penalty:.6g}; vectors of zeros "
                f"have the loss {zeros:.3g}) in epoch {epoch} after {self.words:,} words",
                next_step=f"a smaller --lr (now {self.settings.lr:g}), λ or --batch-size",
            )
        self.words += block.words
        self.pairs += block.pairs
        self._blocks.append(block)
        total = self.corpus.tokens * self.settings.epochs
        if sum(b.words for b in self._blocks) >= total / REPORTS:
            self._report()

    def state(self) -> dict[str, Any]:
        """Return everything it has seen, as JSON values."""
        now = time.perf_counter()
        return {
            "history": [astuple(report) for report in self.history],
            "words": self.words,
            "pairs": self.pairs,
            "blocks": [asdict(block) for block in self._blocks],
            "best": self._best,
            "waited": self._waited,
            "seconds": now - self._started,
            "since": now - self._since,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned; the reports made before are reported again."""
        now = time.perf_counter()
        self.words, self.pairs = state["words"], state["pairs"]
        self._blocks = [Block(**block) for block in state["blocks"]]
        self._best, self._waited = state["best"], state["waited"]
        self._started, self._since = now - state["seconds"], now - state["since"]
        for report in state["history"]:
            self._add(Report(*report))

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
        self._add(report)
        self._check_plateau(report.loss)

    def _add(self, report: Report) -> None:
        self.history.append(report)
        if self.on_report is not None:
            self.on_report(report)

    def _check_plateau(self, loss: float) -> None:
        if loss < self._best * (1 - _PLATEAU):
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        self.stop = self.settings.patience is not None and self._waited >= self.settings.patience


@dataclass
class Progress:
    """What changes while a training runs, and how far it is."""

    model: SGNS
    engine: Engine
    monitor: LossMonitor
    penalty: PenaltyTerm | None
    slot: Slot | None  # where it is saved; None: it is not
    epoch: int = 0  # the one under way
    done: int = 0  # its blocks that are behind

    def blocks(self, epoch: int) -> Iterator[Block]:
        """Train an epoch, or what is left of it, and save where it is time to."""
        for block in self.engine.epoch(epoch, self.done):
            self.done += 1
            self.monitor.update(block, epoch=epoch + 1)
            yield block
            if self.monitor.stop:
                break
            if self.slot is not None and self.slot.due() and self.engine.settle():
                self._save(self.slot)
        self.epoch, self.done = epoch + 1, 0

    def resume(self) -> int | None:
        """Go on from the checkpoint; return how many words are behind, None when there is none."""
        saved = None if self.slot is None else self.slot.find()
        if saved is None:
            return None
        model, values = saved.part("model"), saved.part("progress").values
        with torch.no_grad():
            self.model.W.copy_(torch.from_numpy(model.arrays["W"]))
            self.model.C.copy_(torch.from_numpy(model.arrays["C"]))
        self.engine.restore(saved.part("engine"))
        if self.penalty is not None and (remembered := saved.part("penalty").arrays):
            cast(Resumable, self.penalty).restore(remembered)
        self.epoch, self.done = values["epoch"], values["done"]
        self.monitor.restore(values["watch"])
        return self.monitor.words

    def _save(self, slot: Slot) -> None:
        remembered = _remembered(self.penalty)
        if remembered is None:
            warnings.warn(
                "the penalty cannot say what it remembers: no checkpoints are written",
                stacklevel=3,
            )
            self.slot = None
            return
        values: dict[str, Any] = {
            "epoch": self.epoch,
            "done": self.done,
            "watch": self.monitor.state(),
        }
        matrices = {"W": self.model.W.cpu().numpy(), "C": self.model.C.cpu().numpy()}
        slot.save(
            together(
                model=State(arrays=matrices),
                engine=self.engine.state(),
                penalty=State(arrays=remembered),
                progress=State(values),
            )
        )


def _remembered(penalty: PenaltyTerm | None) -> dict[str, NDArray] | None:
    """Return a penalty's state; empty where it has none, None where it cannot say."""
    if not hasattr(penalty, "state"):
        return {}
    return cast(Resumable, penalty).state()


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        loss = f", loss {self.history[-1].loss:.4f}" if self.history else ""
        return (
            f"TrainResult({self.embeddings!r}, {self.words:,} words in {self.seconds:.1f} s "
            f"by the {self.engine} engine{loss})"
        )

    def frame(self) -> pd.DataFrame:
        """Return the course of the training, one row a report."""
        import pandas as pd

        return pd.DataFrame([vars(report) for report in self.history])

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
        penalty: λ and R(W, C); None or λ = 0 trains the baseline, bit for bit.
        preprocessing: Rewrites the id stream while it is read; None trains on the corpus as it is.
        strata: Strata of the text with noise of their own; None draws all negatives from one noise.
        init: Vectors to continue from; words they lack start as in a new training. A ``Start``
            has context vectors too, or keeps the words that the text lacks.
        on_report: Called with each report of the running loss; when the training resumes from a
            checkpoint, with those made before it first.
        on_epoch: Called after each epoch with its number (from 1) and a copy of the vectors so far.
        checkpoint: Where the training is saved from time to time, and resumed when it was
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
