"""The hook of the reader: what is done to the id stream while training reads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from debiaslab.corpus.stream import read_ids
from debiaslab.sgns import SGNS, TrainSettings
from debiaslab.sgns.fast import FastEngine
from debiaslab.sgns.reference import ReferenceEngine
from tests.toys import TinyCorpus, topics

ENGINES = [FastEngine, ReferenceEngine]


@dataclass
class Mapped:
    """Every word becomes ``table[word]``."""

    table: NDArray[np.int32]

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.zeros_like(counts)
        np.add.at(found, self.table, counts)
        return found

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        return np.where(ids < 0, ids, self.table[ids])


class Twice:
    """Every stretch is followed by a copy of it."""

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        return 2 * counts

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        return np.concatenate([ids, ids])


class Remembering(Mapped):
    """Remembers what it was called with."""

    def __init__(self, size: int) -> None:
        super().__init__(np.arange(size, dtype=np.int32))
        self.calls: list[tuple[int, int, int]] = []

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        self.calls.append((epoch, start, len(ids)))
        return super().rewrite(ids, start, epoch)


def run(engine: type, corpus: TinyCorpus, before: object = None, epochs: int = 2) -> tuple:
    settings = TrainSettings(dim=20, window=2, epochs=epochs, threads=1, seed=3)
    model = SGNS(corpus.size, settings.dim, settings.seed)
    trainer = engine(model, corpus, settings, None, before)
    blocks = [block for number in range(epochs) for block in trainer.epoch(number)]
    return model.W.clone(), model.C.clone(), blocks


@pytest.mark.parametrize("engine", ENGINES)
def test_a_swap_trains_as_on_the_swapped_corpus_and_none_as_on_the_corpus(engine):
    corpus = topics(4_000)
    same = np.arange(corpus.size, dtype=np.int32)
    for table in (same, same[::-1].copy()):
        text = TinyCorpus(np.where(corpus.ids < 0, corpus.ids, table[corpus.ids]), corpus.size)
        for hooked, plain in zip(
            run(engine, corpus, Mapped(table))[:2], run(engine, text)[:2], strict=True
        ):
            assert torch.equal(hooked, plain)


@pytest.mark.parametrize("engine", ENGINES)
def test_merged_words_are_never_trained(engine):
    corpus = topics(4_000)
    table = np.arange(corpus.size, dtype=np.int32)
    table[[3, 5, 8]] = 0  # as a gender-blind corpus writes all its gender words alike
    W, C, _ = run(engine, corpus, Mapped(table))
    before = SGNS(corpus.size, 20, 3)
    assert torch.equal(W[[3, 5, 8]], before.W[[3, 5, 8]])
    assert torch.equal(C[[3, 5, 8]], before.C[[3, 5, 8]])
    assert not torch.equal(W[[0]], before.W[[0]])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_longer_stream_trains_more_pairs_of_as_many_corpus_words(engine):
    corpus = topics(4_000)
    once, twice = run(engine, corpus)[2], run(engine, corpus, Twice())[2]
    assert sum(b.words for b in once) == pytest.approx(sum(b.words for b in twice))
    assert sum(b.pairs for b in twice) == pytest.approx(2 * sum(b.pairs for b in once), rel=0.05)
    assert once[-1].lr == pytest.approx(twice[-1].lr)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_epoch_reads_the_whole_stream_once(engine):
    corpus = topics(4_000)
    before = Remembering(corpus.size)
    run(engine, corpus, before)
    for epoch in (0, 1):
        spans = sorted((start, length) for number, start, length in before.calls if number == epoch)
        assert spans[0][0] == 0
        assert [start for start, _ in spans[1:]] == [start + n for start, n in spans[:-1]]
        assert sum(length for _, length in spans) == len(corpus.ids)


def test_reading_a_mapped_stream_copies_it_and_leaves_it_readable(tmp_path):
    ids = np.arange(300_000, dtype=np.int32)
    ids.tofile(tmp_path / "ids.i32")
    mapped = np.memmap(tmp_path / "ids.i32", dtype="<i4", mode="r")
    for stream, start, stop in ((mapped, 1_000, 200_000), (mapped[777:], 5, 9_000), (ids, 1, 3)):
        expected = np.arange(start, stop) + (
            777 if stream.base is not None and len(stream) < 3e5 else 0
        )
        block = read_ids(stream, start, stop)
        assert np.array_equal(block, expected)
        block[:] = -5
    assert np.array_equal(read_ids(mapped, 299_990, 400_000), np.arange(299_990, 300_000))
    assert np.array_equal(mapped, ids)
