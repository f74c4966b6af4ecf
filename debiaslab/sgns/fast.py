"""The fast engine: the compiled kernel over blocks of the corpus, on one thread or several."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from debiaslab.corpus import keep_probability
from debiaslab.corpus.stream import IdStream, read_ids
from debiaslab.errors import UserError
from debiaslab.settings.training import TrainSettings
from debiaslab.sgns.engine import Block, DrawnPenalty, Intervention, InTurn, State
from debiaslab.sgns.model import SGNS
from debiaslab.sgns.penalty_step import Reach, apply_penalty
from debiaslab.sgns.sampling import linear_decay, noise_by_stratum

_FULL = 2**32


def alias_table(probabilities: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Build the table a draw looks into.

    A draw takes a word w uniformly, and keeps it if a uniform 32-bit number is below
    ``table[w, 0]``; otherwise the draw is the word ``table[w, 1]``. A word of probability 0 is
    never drawn; a full cell is its own alternative.

    Args:
        probabilities: Shape ``(V,)``, summing to 1.

    Returns:
        Shape ``(V, 2)``; the distribution is exact up to the 32 bits of each threshold.
    """
    share = probabilities * (len(probabilities) / probabilities.sum())  # 1 = a full cell
    cells = share.tolist()
    other = list(range(len(cells)))
    small = np.flatnonzero(share < 1).tolist()
    large = np.flatnonzero(share >= 1).tolist()
    while small and large:
        low, high = small.pop(), large[-1]
        other[low] = high
        cells[high] -= 1 - cells[low]
        if cells[high] < 1:
            small.append(large.pop())
    for left in small + large:  # full but for rounding
        cells[left] = 1.0
    table = np.empty((len(cells), 2), dtype=np.uint32)
    table[:, 0] = np.clip(np.array(cells) * _FULL, 0, _FULL - 1)
    table[:, 1] = other
    return table


if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

# Words of a large cover that one penalty step acts on: so many, so many times, each time others.
# Pairs so take several steps for one of each neutral word. With half as many words, each is reached
# so seldom that λ saturates early (R at the end doubles).
SAMPLE = 2_048
DRAWS = 4
_FORMER_SAMPLE = 8_192  # which checkpoints without a penalty are known by
_BLOCK_SECONDS = 0.05  # a block's training time: long enough for a penalty to cost little beside it
_TRAINING_BLOCKS = 40  # a short training has at least so many blocks, and so penalty steps
_LEAST_TOKENS = 1_000  # of a block, even so
_HOT_BYTES = 1 << 20  # of a thread's copies of hot rows: they stay in its second-level cache
# Tokens kept by all threads together between two exchanges of hot rows: what the threads have
# changed is added up, so the more of them there are, the less each may change.
_EXCHANGE = 10_000
_NO_STRATA = np.empty(0, np.int8)
_THREADS_PER_STEP = 4  # with more threads a penalty step serves several blocks: it is serial


@lru_cache(maxsize=1)
def fast_unavailable() -> str | None:
    """Return why this machine cannot run the fast engine, or None if it can."""
    try:
        from numba.core import config

        from debiaslab.sgns.kernel import compile_kernel

        if getattr(config, "DISABLE_JIT", False):
            return "numba's compiler is switched off by NUMBA_DISABLE_JIT"
        compile_kernel(dim=1, stride=16, negatives=1)
    except Exception as error:  # whatever keeps a compiler from working
        return f"numba cannot compile: {type(error).__name__}: {error}"
    return None


@dataclass(frozen=True)
class CorpusBlock:
    """One block's place in the id stream."""

    number: int
    start: int
    stop: int
    words: int  # in-vocabulary tokens in it
    before: int  # in-vocabulary tokens before it


class FastEngine:
    """Minimises the joint loss with SGD on every pair, in the model's own memory.

    The corpus is cut at document ends into blocks (``block_tokens``); a document longer than two
    blocks is cut inside, and windows stop there. After a block the penalty takes its step for the
    pairs of the block (``penalty_step.apply_penalty``). Threads train different blocks at once
    without locks (Hogwild: Recht et al. 2011) and exchange the rows of the most frequent words now
    and then (``kernel``), and the penalty steps while they do; with one
    thread the same seed gives the same bytes on one type of CPU.

    Args:
        model: Trained in place; on the CPU, as ``SGNS`` lays it out.
        intervention: Penalty, pre-processing and strata of the noise.

    Raises:
        UserError: Fewer than two words can be drawn as negatives.
    """

    name = "fast"
    torch_threads = 1  # its own threads keep the cores busy: more for torch would take them away

    def __init__(
        self,
        model: SGNS,
        corpus: Corpus,
        settings: TrainSettings,
        intervention: Intervention,
    ) -> None:
        from debiaslab.sgns.kernel import Draws, compile_kernel

        self._model = model
        self._corpus = corpus
        self._settings = settings
        self._penalty = intervention.active_penalty
        self._lr = linear_decay(settings)
        stride = _row_stride(model)
        self._kernel = compile_kernel(settings.dim, stride, settings.negatives)
        self._hot = _hot_rows(model, settings.threads)
        self._intervention = intervention
        counts = intervention.counts(corpus.counts)
        noise = noise_by_stratum(corpus, intervention)
        self._draws = Draws(
            keep=_thresholds(keep_probability(counts, settings.subsample)),
            noise=np.stack([alias_table(each) for each in noise]),
            spare=_two_likeliest(noise[0]),
            unk=-1 if corpus.unk is None else corpus.unk,
        )
        self._blocks = corpus_blocks(corpus.ids, block_tokens(settings, len(corpus.ids)))
        self._unpaid = 0.0  # lr · pairs of blocks whose penalty step is still to come
        self._R = 0.0
        self._reach = Reach(0 if self._penalty is None else len(model.W))
        self._waiting: deque[tuple[CorpusBlock, Future[_Trained]]] = deque()
        self._ahead = settings.threads  # blocks in training besides the one reported next

    @property
    def identity(self) -> dict[str, Any]:
        """How the stream is cut, and how many words a penalty step acts on."""
        if self._penalty is None:
            return {"blocks": len(self._blocks), "sample": _FORMER_SAMPLE}
        return {"blocks": len(self._blocks), "sample": SAMPLE, "draws": DRAWS}

    def epoch(self, number: int, first: int = 0) -> Iterator[Block]:
        """Train one pass over the corpus, yielding a report per block, in order."""
        if self._settings.threads == 1:
            for block in self._blocks[first:]:
                yield self._finish(number, block, self._train(number, block))
            return
        waiting = self._waiting
        with ThreadPoolExecutor(self._settings.threads) as pool:
            try:
                for block in self._blocks[first:]:
                    waiting.append((block, pool.submit(self._train, number, block)))
                    while len(waiting) > self._ahead:
                        yield self._finish_next(number)
                while waiting:
                    yield self._finish_next(number)
            finally:  # the reader may stop early
                pool.shutdown(cancel_futures=True)
                waiting.clear()

    def settle(self) -> bool:
        """Whether no thread is training; if one is, no block is begun until this is asked again."""
        settled = not self._waiting
        self._ahead = self._settings.threads if settled else 0
        return settled

    def state(self) -> State:
        """Return what the penalty's next step makes up for; draws depend on the block alone."""
        return State({"unpaid": self._unpaid, "R": self._R}, self._reach.state())

    def restore(self, state: State) -> None:
        """Go on from what ``state`` returned."""
        self._unpaid, self._R = state.values["unpaid"], state.values["R"]
        self._reach.restore(state.arrays)

    def _finish_next(self, epoch: int) -> Block:
        block, trained = self._waiting.popleft()
        return self._finish(epoch, block, trained.result())

    def _train(self, epoch: int, block: CorpusBlock) -> _Trained:
        from debiaslab.sgns.kernel import block_keys

        settings, draws = self._settings, self._draws
        tokens = read_ids(self._corpus.ids, block.start, block.stop)
        tokens = self._intervention.rewrite(tokens, block.start, epoch)
        strata = self._intervention.strata
        own = _NO_STRATA if strata is None else strata.strata(tokens, block.start)
        keys = block_keys(settings.seed, epoch, block.number)
        pairs, measured, loss = self._kernel(
            tokens,
            own,
            self._model.target.data_ptr(),
            self._model.context.data_ptr(),
            draws.keep,
            draws.noise,
            tuple(np.uint64(key) for key in keys),
            settings.window,
            settings.dynamic,
            (self._rate(epoch, block, 0.0), self._rate(epoch, block, 1.0)),
            draws.unk,
            draws.spare,
            self._hot,
            _EXCHANGE // settings.threads,
        )
        return _Trained(pairs, loss / measured if measured else 0.0)

    def _finish(self, epoch: int, block: CorpusBlock, trained: _Trained) -> Block:
        """Take the penalty's step for the blocks trained since the last one, and report."""
        if self._penalty is not None:
            self._unpaid += self._rate(epoch, block, 0.5) * trained.pairs
            together = -(-self._settings.threads // _THREADS_PER_STEP)
            last = block is self._blocks[-1]
            if last or block.number % together == together - 1:
                steps = -(-len(self._blocks) // together)
                self._R = self._step(epoch, block, epoch * steps + block.number // together)
                self._unpaid = 0.0
        return Block(
            words=block.words,
            pairs=trained.pairs,
            loss=trained.loss,
            penalty=self._R,
            lr=self._rate(epoch, block, 1.0),
        )

    def _step(self, epoch: int, block: CorpusBlock, number: int) -> float:
        """Take a penalty step in equal parts, each on words of its own, and return the mean R."""
        penalty, settings = self._penalty, self._settings
        assert penalty is not None
        draws: Sequence[DrawnPenalty]
        if isinstance(penalty, InTurn):
            draws = penalty.draws_in_turn(settings.seed, number, SAMPLE, DRAWS)
        else:
            generator = self._generator(epoch, block.number)
            draws = [penalty.draw(generator, SAMPLE) for _ in range(DRAWS)]
        W, C, strength = self._model.W, self._model.C, self._unpaid * penalty.weight / DRAWS
        return sum(apply_penalty(W, C, drawn, strength, self._reach) for drawn in draws) / DRAWS

    def _rate(self, epoch: int, block: CorpusBlock, share: float) -> float:
        """Return the learning rate when ``share`` of a block is done."""
        tokens = self._corpus.tokens
        done = epoch * tokens + block.before + share * block.words
        return self._lr(done / (self._settings.epochs * max(tokens, 1)))

    def _generator(self, epoch: int, block: int) -> torch.Generator:
        from debiaslab.sgns.kernel import block_keys

        seed = block_keys(self._settings.seed, epoch, block).penalty
        return torch.Generator().manual_seed(seed >> 1)  # torch takes 63 bits


@dataclass(frozen=True)
class _Trained:
    pairs: int
    loss: float


def block_tokens(settings: TrainSettings, tokens: int) -> int:
    """Return the length of a block that trains for about ``_BLOCK_SECONDS`` on one thread.

    It follows from the settings, not from a clock, so that a seed gives the same training again.
    The model of the time was fitted on a CPU with AVX-512; elsewhere blocks take longer, which
    only lowers the share of the penalty.
    """
    targets = settings.window + 1 if settings.dynamic else 2 * settings.window
    products = settings.dim * (settings.negatives + 1)
    nanoseconds = 18 + targets * (2.5 + 0.04 * products)  # per token
    blocks = max(
        round(tokens * nanoseconds * 1e-9 / _BLOCK_SECONDS),
        min(
            max(-(-_TRAINING_BLOCKS // settings.epochs), 2 * settings.threads),
            tokens // _LEAST_TOKENS,
        ),
        1,
    )
    return -(-tokens // blocks)


def corpus_blocks(ids: IdStream, length: int) -> tuple[CorpusBlock, ...]:
    """Cut the id stream into blocks of about ``length``, at document ends where one is near."""
    found: list[CorpusBlock] = []
    start = before = 0
    while start < len(ids):
        near = read_ids(ids, start, start + 2 * length)
        ends = np.flatnonzero(near[length:] < 0)
        stop = min(start + length + (int(ends[0]) + 1 if len(ends) else 0), len(ids))
        words = int(np.count_nonzero(near[: stop - start] >= 0))
        found.append(CorpusBlock(len(found), start, stop, words, before))
        start, before = stop, before + words
    return tuple(found)


def _row_stride(model: SGNS) -> int:
    for weight in (model.target, model.context):
        aligned = weight.data_ptr() % 64 == 0 and weight.stride(0) % 16 == 0
        if weight.device.type != "cpu" or weight.dtype != torch.float32 or not aligned:
            raise ValueError("the fast engine needs the weights as SGNS made them, on the CPU")
    return model.target.stride(0)


def _hot_rows(model: SGNS, threads: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the rows of W and C that threads keep copies of; one thread keeps none."""
    row_bytes = 4 * _row_stride(model)
    rows = _HOT_BYTES // (4 * row_bytes) if threads > 1 else 0  # own and last, of W and of C
    target, context = (each.detach()[:rows].numpy() for each in (model.target, model.context))
    return target, context


def _thresholds(keep: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return t such that a uniform 32-bit number is at most t with the given probability."""
    return np.ceil(keep * 2.0**32 - 1).clip(0, 2**32 - 1).astype(np.uint32)


def _two_likeliest(noise: NDArray[np.float64]) -> tuple[int, int]:
    if np.count_nonzero(noise) < 2:
        raise UserError(
            f"the vocabulary has {len(noise)} word(s), too few to draw a negative",
            allowed="at least 2 words besides <UNK>",
            next_step="a longer corpus, or a smaller --min-count",
        )
    second, first = np.argsort(noise, kind="stable")[-2:]
    return int(first), int(second)
