"""SGNS as a homework writes it: Dataset, DataLoader, two nn.Embedding, AdamW; for some seconds.

Kept as fast as that style allows: negatives come from a shuffled table (not ``multinomial`` over
the vocabulary for each item), and subsampling was done before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from debiaslab.corpus import Corpus, keep_probability, noise_distribution

_TABLE = 2**22


class Windows(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """A target, its 2m context words, and 2mk negatives for each position."""

    def __init__(self, ids: Tensor, table: Tensor, window: int, negatives: int) -> None:
        self._ids, self._table = ids, table
        self._window, self._negatives = window, 2 * window * negatives

    def __len__(self) -> int:
        return len(self._ids) - 2 * self._window

    def __getitem__(self, item: int) -> tuple[Tensor, Tensor, Tensor]:
        at, m = item + self._window, self._window
        context = torch.cat([self._ids[at - m : at], self._ids[at + 1 : at + m + 1]])
        drawn = torch.randint(len(self._table), (self._negatives,))
        return self._ids[at], context, self._table[drawn]


def main(
    text: list[str], cache: str, settings: dict[str, Any], batch: int, seconds: float
) -> dict[str, float]:
    """Train for some seconds; return words (before subsampling) and the seconds they took."""
    torch.set_num_threads(settings["threads"])
    torch.manual_seed(settings["seed"])
    corpus = Corpus.build(text, cache=cache, progress=False)
    ids = _subsampled(corpus, settings["subsample"], settings["seed"])
    loader = DataLoader(
        Windows(ids, _noise_table(corpus), settings["window"], settings["negatives"]),
        batch_size=batch,
    )
    target = nn.Embedding(len(corpus), settings["dim"])
    context = nn.Embedding(len(corpus), settings["dim"])
    optimizer = torch.optim.AdamW([*target.parameters(), *context.parameters()], lr=1e-3)
    started, cpu = time.perf_counter(), time.process_time()
    positions = 0
    for targets, positives, negatives in loader:
        h = target(targets).unsqueeze(2)
        right = F.logsigmoid(torch.bmm(context(positives), h)).sum()
        wrong = F.logsigmoid(-torch.bmm(context(negatives), h)).sum()
        loss = -(right + wrong) / len(targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        positions += len(targets)
        if time.perf_counter() - started > seconds:
            break
    return {
        "words": positions * corpus.tokens / len(ids),
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "types": len(corpus),
    }


def _subsampled(corpus: Corpus, threshold: float, seed: int) -> Tensor:
    ids = corpus.ids[corpus.ids >= 0]
    kept = np.random.default_rng(seed).random(len(ids)) < keep_probability(
        corpus.counts, threshold
    ).take(ids)
    return torch.from_numpy(ids[kept].astype(np.int64))


def _noise_table(corpus: Corpus) -> Tensor:
    share = np.round(noise_distribution(corpus.counts) * _TABLE).astype(np.int64)
    return torch.from_numpy(np.repeat(np.arange(len(corpus)), np.maximum(share, 1)))


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
