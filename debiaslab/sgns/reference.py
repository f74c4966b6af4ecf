"""The reference engine: plain PyTorch autograd over batches, on any device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.corpus import keep_probability
from debiaslab.settings.training import TrainSettings
from debiaslab.sgns.engine import Block, Intervention, State
from debiaslab.sgns.model import SGNS, Batch
from debiaslab.sgns.penalty_step import ROW_FLOOR, ROW_LIMIT
from debiaslab.sgns.sampling import (
    CHUNK_TOKENS,
    BatchMaker,
    Place,
    linear_decay,
    noise_by_stratum,
)

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

_BLOCKS_PER_EPOCH = 20
SAMPLE = 512  # words of a large cover that the penalty of one step acts on


class ReferenceEngine:
    """Minimises the joint loss by autograd.

    One step of SGD uses the learning rate times the pairs of the batch on the *mean* loss: the
    update of word2vec, whose learning rate is per pair. AdamW and SparseAdam take it as it is.
    Steps are straight, so at a very large λ a penalty of cosines lengthens the rows it turns
    (built-in text, pairwise at λ = 10: the pair rows reach 13 times their length); the fast
    engine walks along the path instead (``penalty_step``).
    """

    name = "reference"

    def __init__(
        self,
        model: SGNS,
        corpus: Corpus,
        settings: TrainSettings,
        intervention: Intervention,
    ) -> None:
        self.torch_threads = settings.threads
        self._model = model
        self._corpus = corpus
        self._settings = settings
        self._penalty = intervention.active_penalty
        self._device = torch.device(settings.device)
        self._sparse = settings.optimizer != "adamw"
        self._lr = linear_decay(settings)
        self._optimizer = _optimizer(model, settings)
        self._intervention = intervention
        self._batches = BatchMaker(
            settings,
            keep_probability(intervention.counts(corpus.counts), settings.subsample),
            noise_by_stratum(corpus, intervention),
            corpus.unk,
            intervention.strata,
        )
        self._pass = _Pass.begin(settings.seed, 0, corpus.tokens)

    @property
    def identity(self) -> dict[str, Any]:
        """How the stream is cut, and how many words a penalty step acts on."""
        return {"blocks": _BLOCKS_PER_EPOCH, "chunk": CHUNK_TOKENS, "sample": SAMPLE}

    def epoch(self, number: int, first: int = 0) -> Iterator[Block]:
        """Train one pass over the corpus, yielding a report for each twentieth of it."""
        settings, corpus = self._settings, self._corpus
        if not first:
            self._pass = _Pass.begin(settings.seed, number, corpus.tokens)
        here = self._pass
        tally = _Tally(here.seen)

        def rewrite(ids: NDArray[np.int32], start: int) -> NDArray[np.int32]:
            return self._intervention.rewrite(ids, start, number)

        for batch, words in self._batches.batches(corpus.ids, here.rng, rewrite, here.place):
            here.seen += words
            lr = self._lr(here.seen / (settings.epochs * corpus.tokens))
            pairs, loss, penalty = self._step(_to(batch, self._device), lr, here.draws)
            tally.add(words, pairs, loss, penalty)
            if tally.words >= corpus.tokens / _BLOCKS_PER_EPOCH:
                yield tally.block(here.seen, lr)
                tally = _Tally(here.seen)
        if tally.pairs:
            yield tally.block(here.seen, lr)

    def settle(self) -> bool:
        """Whether nothing is trained beyond the last block reported: always."""
        return True

    def state(self) -> State:
        """Return place, generators and what the optimizer remembers."""
        kept = _optimizer_state(self._optimizer)
        here = self._pass
        values = {
            "place": asdict(here.place),
            "seen": here.seen,
            "rng": here.rng.bit_generator.state,
            "optimizer": kept.values,
        }
        return State(values, {**kept.arrays, "draws": here.draws.get_state().numpy()})

    def restore(self, state: State) -> None:
        """Go on from what ``state`` returned."""
        values, here = state.values, self._pass
        here.place, here.seen = Place(**values["place"]), values["seen"]
        here.rng.bit_generator.state = values["rng"]
        here.draws.set_state(torch.from_numpy(state.arrays["draws"]))
        _restore_optimizer(self._optimizer, State(values["optimizer"], state.arrays))

    def _step(self, batch: Batch, lr: float, draws: torch.Generator) -> tuple[int, float, float]:
        pairs = batch.pairs
        step = lr * pairs if self._settings.optimizer == "sgd" else lr
        for group in self._optimizer.param_groups:
            group["lr"] = step
        loss = self._model.loss(batch, self._sparse)
        if self._penalty is None:
            joint, value = loss, 0.0
        else:
            R = self._penalty_value(draws, step)
            joint, value = loss + self._penalty.weight * R, R.item()
        self._optimizer.zero_grad(set_to_none=True)
        joint.backward()
        self._optimizer.step()
        return pairs, loss.item(), value

    def _penalty_value(self, draws: torch.Generator, step: float) -> Tensor:
        """Return R(W, C) on the rows drawn for this step."""
        assert self._penalty is not None
        drawn = self._penalty.draw(draws, SAMPLE)
        W, C = self._model.rows(drawn.rows.to(self._device), self._sparse)
        if self._settings.optimizer == "sgd":  # the Adams bound their own steps
            for taken in (W, C):
                taken.register_hook(_row_limit(taken.detach(), step))
        return drawn(W, C)


def _row_limit(rows: Tensor, step: float) -> Callable[[Tensor], Tensor]:
    """Return a gradient hook that keeps the penalty's step of each row within the row limit.

    A penalty of cosines has gradients that grow as 1/|row|: without a limit the first steps, when
    rows are short, would throw them far away at a large λ.
    """
    longest = ROW_LIMIT * rows.norm(dim=1, keepdim=True).clamp_min(ROW_FLOOR) / step

    def shorten(gradient: Tensor) -> Tensor:
        length = gradient.norm(dim=1, keepdim=True)
        return gradient * (longest / length.clamp_min(1e-30)).clamp_max(1.0)

    return shorten


@dataclass
class _Pass:
    """How far an epoch has come, and what draws."""

    rng: np.random.Generator  # subsampling, windows, negatives
    draws: torch.Generator  # words of the penalty's steps
    seen: float  # words of the whole training that are behind
    place: Place = field(default_factory=Place)

    @classmethod
    def begin(cls, seed: int, epoch: int, tokens: int) -> _Pass:
        rng = np.random.default_rng([seed, epoch])
        draws = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        return cls(rng, draws, float(epoch * tokens))


class _Tally:
    """Sums over the batches of one block, which begins when ``seen`` words are behind."""

    def __init__(self, seen: float) -> None:
        self._begin = seen
        self.words = 0.0
        self.pairs = 0
        self._loss = 0.0
        self._penalty = 0.0
        self._batches = 0

    def add(self, words: float, pairs: int, loss: float, penalty: float) -> None:
        self.words += words
        self.pairs += pairs
        self._loss += loss * pairs
        self._penalty += penalty
        self._batches += 1

    def block(self, seen: float, lr: float) -> Block:
        return Block(
            words=round(seen) - round(self._begin),  # so that blocks add up to whole epochs
            pairs=self.pairs,
            loss=self._loss / self.pairs,
            penalty=self._penalty / self._batches,
            lr=lr,
        )


def _optimizer(model: SGNS, settings: TrainSettings) -> torch.optim.Optimizer:
    parameters = list(model.parameters())
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=settings.lr)
    if settings.optimizer == "sparse_adam":
        return torch.optim.SparseAdam(parameters, lr=settings.lr)
    return torch.optim.SGD(parameters, lr=settings.lr)


def _optimizer_state(optimizer: torch.optim.Optimizer) -> State:
    """Return what is kept for each parameter: numbers as values, matrices as arrays."""
    found = State()
    for parameter, kept in optimizer.state_dict()["state"].items():
        for name, value in kept.items():
            if isinstance(value, Tensor):
                found.arrays[f"{parameter}.{name}"] = value.cpu().numpy()
            elif value is not None:
                found.values[f"{parameter}.{name}"] = value
    return found


def _restore_optimizer(optimizer: torch.optim.Optimizer, state: State) -> None:
    kept: dict[int, dict[str, Any]] = {}
    arrays = {key: torch.from_numpy(a) for key, a in state.arrays.items() if key != "draws"}
    for key, value in {**state.values, **arrays}.items():
        parameter, _, name = key.partition(".")
        kept.setdefault(int(parameter), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": kept, "param_groups": groups})


def _to(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    return Batch(
        targets=batch.targets.to(device),
        mask=batch.mask.to(device),
        outputs=batch.outputs.to(device),
        labels=batch.labels.to(device),
    )
