"""What the trainer asks of an engine and what an engine asks of a penalty: nothing more crosses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class State:
    """What something needs to go on from one moment."""

    values: dict[str, Any] = field(default_factory=dict)  # JSON values; floats keep every bit
    arrays: dict[str, NDArray] = field(default_factory=dict)

    def part(self, name: str) -> State:
        """Return what was put in under ``name``."""
        prefix = f"{name}/"
        arrays = {k.removeprefix(prefix): v for k, v in self.arrays.items() if k.startswith(prefix)}
        return State(self.values[name], arrays)


def together(**parts: State) -> State:
    """Return several states as one, from which ``State.part`` takes each again."""
    return State(
        {name: part.values for name, part in parts.items()},
        {f"{name}/{k}": array for name, part in parts.items() for k, array in part.arrays.items()},
    )


@dataclass(frozen=True)
class Block:
    """What an engine reports after training on one stretch of the corpus."""

    words: int  # in-vocabulary tokens consumed, counted before subsampling
    pairs: int  # positive (target, context) pairs trained
    loss: float  # mean SGNS loss per positive pair: −log σ(W·C) − Σ log σ(−W·Cn), natural log
    penalty: float  # R(W, C) at this block, 0.0 without a penalty
    lr: float  # learning rate per pair at the end of the block


class DrawnPenalty(Protocol):
    """A penalty on the rows it needs for one step.

    ``rows`` are distinct word ids; calling it with ``W[rows]`` and ``C[rows]`` (each ``(n, d)``)
    gives the scalar R(W, C), an unbiased estimate where the words were sampled.
    """

    rows: Tensor

    def __call__(self, W: Tensor, C: Tensor) -> Tensor:
        """Return R(W, C) from the rows drawn."""
        ...


class PenaltyTerm(Protocol):
    """λ · R(W, C), the second half of the joint loss.

    One that remembers something from draw to draw is also ``Resumable``.
    """

    weight: float  # λ, per training pair

    def draw(self, generator: torch.Generator, sample: int) -> DrawnPenalty:
        """Choose the words of one step: at most ``sample`` of those covered, by the generator."""
        ...


@runtime_checkable
class InTurn(Protocol):
    """What a penalty offers whose words are to be visited in turn instead of by chance."""

    def draws_in_turn(
        self, seed: int, step: int, sample: int, draws: int
    ) -> Sequence[DrawnPenalty]:
        """Choose the words of one step ``draws`` times; the same again for the same arguments."""
        ...


class Resumable(Protocol):
    """What a penalty offers so that a training with it can resume from a checkpoint."""

    identity: str  # says everything that shapes it: another text is another penalty

    def state(self) -> dict[str, NDArray] | None:
        """Return what it remembers between two steps; None: it cannot be saved."""
        ...

    def restore(self, state: dict[str, NDArray]) -> None:
        """Go on from what ``state`` returned."""
        ...


class Preprocessing(Protocol):
    """What is done to the id stream while training reads it, such as swapping gender words.

    Both methods are called with the vocabulary's own ids and give ids of the same vocabulary.
    """

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how often each word is expected in one pass of the rewritten stream, ``(V,)``.

        Subsampling and the noise distribution are made from these; ``counts`` are the corpus's.
        """
        ...

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        """Return what is trained on instead of ``ids``, which may be overwritten.

        The result may have another length. Documents end with −1, and are whole unless one is
        longer than two blocks. Must depend on its arguments alone (a drawn choice on ``start`` and
        ``epoch``): several threads call it at once, in no order.

        Args:
            ids: A stretch of the stream.
            start: Its place in the stream.
            epoch: Number of the pass, from 0.
        """
        ...


Pieces = Callable[[], Iterable[tuple[int, NDArray[np.int32]]]]  # (place, ids) from the beginning


class NoiseStrata(Protocol):
    """Strata of the text, each with a noise distribution of its own.

    The negatives of a pair are drawn from the distribution of the stratum that its context word's
    place is in.
    """

    @property
    def identity(self) -> str:
        """Everything that shapes it, in words."""
        ...

    def distributions(self, pieces: Pieces, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise distribution of each stratum, ``(S, V)``, S ≤ 128; rows sum to 1.

        Args:
            pieces: Gives the text as it is trained on.
            noise: The noise distribution of the whole text, ``(V,)``.
        """
        ...

    def strata(self, ids: NDArray[np.int32], start: int) -> NDArray[np.int8]:
        """Return the stratum of each token of a stretch, ``(n,)``; several threads call it at once.

        Args:
            ids: A stretch of the stream as it is trained on.
            start: Its place in the stream.
        """
        ...


@dataclass(frozen=True)
class Intervention:
    """What is done about bias in one training; None where nothing is."""

    penalty: PenaltyTerm | None = None
    preprocessing: Preprocessing | None = None
    strata: NoiseStrata | None = None

    @property
    def active_penalty(self) -> PenaltyTerm | None:
        """The penalty, unless its λ is 0: that trains the baseline, bit for bit."""
        return self.penalty if self.penalty is not None and self.penalty.weight > 0 else None

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how often each word is expected in one pass of what is trained on, ``(V,)``."""
        return counts if self.preprocessing is None else self.preprocessing.counts(counts)

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        """Return what is trained on instead of ``ids``."""
        before = self.preprocessing
        return ids if before is None else before.rewrite(ids, start, epoch)


class Engine(Protocol):
    """Trains the model's own weights in place, block by block."""

    name: str
    torch_threads: int  # for what torch computes, while the engine trains

    @property
    def identity(self) -> dict[str, Any]:
        """What else than the settings shapes its vectors, as JSON values."""
        ...

    def epoch(self, number: int, first: int = 0) -> Iterator[Block]:
        """Train pass ``number`` (from 0) over the corpus, yielding a report per block.

        ``first`` blocks of it were trained already; the state after them was restored.
        """
        ...

    def settle(self) -> bool:
        """Whether nothing is being trained beyond the last block reported.

        If not, this asks for it: a few blocks later it will be so, and then training goes on.
        """
        ...

    def state(self) -> State:
        """Return what it needs, besides W, C and the penalty, to go on from a settled block."""
        ...

    def restore(self, state: State) -> None:
        """Go on from what ``state`` returned."""
        ...


LearningRate = Callable[[float], float]  # fraction of all training words seen, 0…1 → lr
