"""One block of the fast engine, everything fixed: by the kernel, in plain Python, by autograd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.sgns import kernel
from debiaslab.sgns.model import SGNS


@dataclass
class Case:
    """One block, everything fixed."""

    model: SGNS
    tokens: NDArray[np.int32]
    draws: kernel.Draws
    keys: kernel.Keys
    window: int
    dynamic: bool
    negatives: int
    lr: tuple[float, float] = (0.05, 0.03)
    hot: int = 0  # rows that the block keeps copies of
    strata: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))

    def run_kernel(self) -> tuple[int, int, float]:
        train = kernel.compile_kernel(self.model.dim, self.model.target.stride(0), self.negatives)
        matrices = (self.model.target, self.model.context)
        memory = [each.data_ptr() for each in matrices]
        keys = tuple(np.uint64(key) for key in self.keys)
        windows = (self.window, self.dynamic, self.lr, self.draws.unk, self.draws.spare)
        hot = tuple(each.detach()[: self.hot].numpy() for each in matrices)
        draws = (self.draws.keep, self.draws.noise)
        text = (self.tokens.copy(), self.strata.copy())
        return train(*text, *memory, *draws, keys, *windows, hot, 100)

    def run_plain(self, W: NDArray[np.float64], C: NDArray[np.float64]) -> int:
        windows = (self.window, self.dynamic, self.negatives, self.lr)
        text = (self.tokens, self.strata)
        return kernel.train_plain(W, C, *text, self.draws, self.keys, *windows)


def centres(block: Case) -> Iterator[tuple[float, int, list[int], list[int]]]:
    """Yield place in the block (0 to 1), context word, targets and negatives of each centre."""
    draws, keys = block.draws, block.keys
    noise = (kernel.draw_noise(keys.noise, n, draws.noise[0]) for n in range(10**9))
    kept = [
        int(w)
        for p, w in enumerate(block.tokens)
        if w < 0 or kernel.random_bits(keys.keep, p) >> 32 <= int(draws.keep[w])
    ]
    for i, c in enumerate(kept):
        reach = block.window
        if block.dynamic:
            reach -= (kernel.random_bits(keys.reach, i) >> 32) * block.window >> 32
        targets = list(kernel.around(kept, i, reach)) if c >= 0 else []
        if targets:
            negatives = [kernel.other_than(c, noise, draws.spare) for _ in range(block.negatives)]
            yield i / len(kept), c, targets, negatives


def sgns_loss(W: Tensor, C: Tensor, c: int, targets: list[int], negatives: list[int]) -> Tensor:
    h = W[targets]
    return -F.logsigmoid(h @ C[c]).sum() - F.logsigmoid(-h @ C[negatives].T).sum()


def train_by_autograd(block: Case, W: Tensor, C: Tensor) -> int:
    """The same block with the loss written out and torch's gradients."""
    pairs, size = 0, kernel.group_size(block.negatives)
    for place, c, targets, negatives in centres(block):
        lr = block.lr[0] + (block.lr[1] - block.lr[0]) * place
        for first in range(0, len(targets), size):
            loss = sgns_loss(W, C, c, targets[first : first + size], negatives)
            gradients = torch.autograd.grad(loss, [W, C])
            with torch.no_grad():
                W -= lr * gradients[0]
                C -= lr * gradients[1]
        pairs += len(targets)
    return pairs
