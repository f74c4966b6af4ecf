"""The fast engine: kernel = plain Python = autograd, penalties between blocks, seeds, edges."""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.corpus import noise_distribution
from debiaslab.errors import UserError
from debiaslab.settings.training import TrainSettings
from debiaslab.sgns import kernel
from debiaslab.sgns.engine import Intervention
from debiaslab.sgns.fast import (
    CorpusBlock,
    FastEngine,
    _hot_rows,
    alias_table,
    block_tokens,
    corpus_blocks,
    fast_unavailable,
)
from debiaslab.sgns.model import SGNS
from debiaslab.sgns.penalty_step import MAX_SUBSTEPS, ROW_LIMIT, apply_penalty
from debiaslab.sgns.reference import ReferenceEngine
from debiaslab.sgns.sampling import BatchMaker
from tests import forking
from tests.kernel_oracle import Case, centres, sgns_loss, train_by_autograd
from tests.toys import TinyCorpus, topics

if (reason := fast_unavailable()) is not None:
    pytest.skip(reason, allow_module_level=True)

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass
class CosineToFirst:
    """R = mean squared cosine of rows 1…9 of W with row 0 (C, where asked, likewise)."""

    weight: float
    on_contexts: bool = False
    drawn: int = 0
    rows: Tensor = field(default_factory=lambda: torch.arange(10))

    def draw(self, generator: torch.Generator, sample: int) -> CosineToFirst:
        self.drawn += 1
        return self

    def __call__(self, W: Tensor, C: Tensor) -> Tensor:
        unit = F.normalize(C if self.on_contexts else W, dim=1)
        return (unit[1:] @ unit[0]).square().mean()


Function = Callable[[Tensor, Tensor], Tensor]


@dataclass
class Given:
    """Any function of the first ten rows."""

    function: Function
    rows: Tensor = field(default_factory=lambda: torch.arange(10))

    def __call__(self, W: Tensor, C: Tensor) -> Tensor:
        return self.function(W, C)


def case(
    dim: int, window: int, dynamic: bool, negatives: int, unk: int = -1, tokens: int = 1500
) -> Case:
    """Return one block, with copies of its own of everything that a run changes."""
    size = 200
    corpus = topics(tokens, size, seed=dim)
    model = SGNS(size, dim, seed=3)
    model.W.mul_(10)
    model.C.normal_(0, 0.1, generator=torch.Generator().manual_seed(4))
    noise = (corpus.counts + 1.0) ** 0.75
    if unk >= 0:
        noise[unk] = 0
    keep = np.full(size, 2**32 - 1, dtype=np.uint32)
    keep[:6] = 2**31  # the most frequent words lose half of their tokens
    draws = kernel.Draws(keep, alias_table(noise / noise.sum())[None], (2, 3), unk)
    keys = kernel.block_keys(seed=5, epoch=1, block=2)
    return Case(model, corpus.ids, draws, keys, window, dynamic, negatives)


CASES = [
    (100, 5, True, 5, -1),  # word2vec's defaults
    (50, 2, False, 2, -1),  # the homework's
    (1, 1, False, 1, -1),
    (17, 20, True, 20, -1, 500),
    (300, 3, True, 7, 4),  # more vectors than are written out in a straight line, and <UNK>
    (300, 5, True, 5, -1),  # the same in groups of four targets, with AVX-512
    (300, 5, True, 3, -1),  # the same in groups of four targets everywhere
    (1024, 1, False, 1, -1),  # the largest dimension
]


@pytest.mark.parametrize("sizes", CASES)
def test_kernel_equals_plain_python(sizes):
    dim, plain = sizes[0], case(*sizes)
    W, C = plain.model.W.double().numpy(), plain.model.C.double().numpy()
    before = W.copy()
    pairs = plain.run_plain(W, C)
    assert np.abs(W - before).max() > 0.1
    for hot in (0, 64, 200):  # copies that no other thread adds to change nothing
        block = case(*sizes)
        block.hot = hot
        trained, measured, _ = block.run_kernel()
        assert trained == pairs > 1000
        assert 0 < measured < pairs
        for got, expected in ((block.model.W, W), (block.model.C, C)):
            assert np.abs(got.numpy() - expected).max() <= 1e-5 * np.abs(expected).max()
        assert not block.model.target[:, dim:].any()  # the padding stays zero
        assert not block.model.context[:, dim:].any()


@pytest.mark.parametrize("sizes", [CASES[0], CASES[4]])
def test_kernel_equals_plain_python_with_strata(sizes):
    one, block = case(*sizes), case(*sizes)
    rng = np.random.default_rng(0)
    block.strata = rng.integers(0, 3, len(block.tokens)).astype(np.int8)
    noise = rng.dirichlet(np.ones(200), 2)
    noise[:, 4] = 0
    others = [alias_table(each / each.sum()) for each in noise]
    block.draws = block.draws._replace(noise=np.stack([block.draws.noise[0], *others]))
    W, C = block.model.W.double().numpy(), block.model.C.double().numpy()
    assert block.run_plain(W, C) == block.run_kernel()[0] == one.run_kernel()[0]
    for got, expected in ((block.model.W, W), (block.model.C, C)):
        assert np.abs(got.numpy() - expected).max() <= 1e-5 * np.abs(expected).max()
    assert np.abs(block.model.W.numpy() - one.model.W.numpy()).max() > 1e-3

    first = case(*sizes)  # all of stratum 0: as without strata, bit for bit
    first.draws, first.strata = block.draws, np.zeros(len(first.tokens), np.int8)
    first.run_kernel()
    assert np.array_equal(first.model.W.numpy(), one.model.W.numpy())


@pytest.mark.parametrize("sizes", CASES[:2])
def test_plain_python_and_kernel_equal_autograd(sizes):
    block = case(*sizes, tokens=300)
    W = block.model.W.double().clone().requires_grad_()
    C = block.model.C.double().clone().requires_grad_()
    plain = W.detach().numpy().copy(), C.detach().numpy().copy()
    train_by_autograd(block, W, C)
    block.run_plain(*plain)
    block.run_kernel()
    for expected, by_hand, compiled in zip(
        (W, C), plain, (block.model.W, block.model.C), strict=True
    ):
        exact = expected.detach().numpy()
        assert np.abs(by_hand - exact).max() <= 1e-12 * np.abs(exact).max()
        assert np.abs(compiled.numpy() - exact).max() <= 1e-5 * np.abs(exact).max()


def test_measured_loss_is_that_of_the_weights():
    block = case(100, 5, True, 5)
    block.lr = (0.0, 0.0)
    W, C = block.model.W.double(), block.model.C.double()
    _, measured, summed = block.run_kernel()
    chosen = list(centres(block))[:: kernel.MEASURED]
    assert measured == sum(len(targets) for _, _, targets, _ in chosen)
    expected = sum(float(sgns_loss(W, C, *centre)) for _, *centre in chosen)
    assert summed == pytest.approx(expected, rel=1e-5)


def test_unk_is_a_context_but_never_a_target_or_negative():
    unk = 4
    block = case(100, 5, True, 5, unk)
    W, C = block.model.W.clone(), block.model.C.clone()
    block.run_kernel()
    assert torch.equal(block.model.W[unk], W[unk])
    assert not torch.equal(block.model.C[unk], C[unk])
    block = case(100, 5, True, 5, unk)
    block.tokens = block.tokens[block.tokens != unk]
    block.run_kernel()
    assert torch.equal(block.model.C[unk], C[unk])


def test_hot_rows_add_up_what_threads_change():
    rng = np.random.default_rng(0)
    start, *changes = rng.normal(size=(4, 5, 16)).astype(np.float32)
    shared = start.copy()
    copies = [kernel._copy(shared) for _ in changes]
    last = [kernel._copy(shared) for _ in changes]
    assert all(copy.ctypes.data % 64 == 0 for copy in (*copies, *last))
    for copy, change in zip(copies, changes, strict=True):
        copy += change
    for i in range(len(changes)):
        kernel._share(shared, copies[i], last[i])
        assert np.allclose(shared, start + sum(changes[: i + 1]), atol=1e-5)
    for i in range(len(changes)):  # nothing new: nothing is added twice, and all copies agree
        kernel._share(shared, copies[i], last[i])
        assert np.allclose(shared, start + sum(changes), atol=1e-5)
        assert np.array_equal(copies[i], shared)


def test_only_several_threads_keep_copies():
    model = SGNS(100_000, 100, seed=1)
    assert [len(rows) for rows in _hot_rows(model, 1)] == [0, 0]
    for rows, matrix in zip(_hot_rows(model, 2), (model.target, model.context), strict=True):
        assert 4 * rows.nbytes == pytest.approx(1 << 20, rel=0.01)
        assert rows.ctypes.data == matrix.data_ptr()


def test_windows_reach_across_a_long_document():
    block = case(50, 4, False, 2)
    block.tokens = np.tile(np.arange(10, 110, dtype=np.int32), 300)  # words that are all kept
    n, m = len(block.tokens), 4
    assert block.run_kernel()[0] == 2 * m * n - m * (m + 1)


def untouched(*shape: int, dtype: type = np.float32) -> NDArray[np.generic]:
    """Return zeros of which the system gives only the pages that are written."""
    no_reserve = 0x4000  # of Linux; mmap has no name for it before Python 3.13
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve
    try:
        memory = mmap.mmap(-1, math.prod(shape) * np.dtype(dtype).itemsize, flags=flags)
    except OSError as error:
        pytest.skip(f"no address space for it here: {error}")
    return np.frombuffer(memory, dtype).reshape(shape)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is reserved when it is asked for")
def test_a_vocabulary_of_2_to_the_31_words():
    """Every token is one of the last 50 words, 137 GB behind the first."""
    size, dim, negatives = 2**31 - 1, 16, 2
    tokens = topics(1500, 50).ids
    tokens = np.where(tokens < 0, -1, tokens + (size - 50)).astype(np.int32)
    keep = untouched(size, dtype=np.uint32)
    keep[-50:] = 2**32 - 1
    noise = untouched(1, size, 2, dtype=np.uint32)  # so that every draw is word 0
    keys = kernel.block_keys(seed=1, epoch=0, block=0)
    W, C = (untouched(size, dim) for _ in range(2))
    plain_W, plain_C = (untouched(size, dim, dtype=np.float64) for _ in range(2))
    start = np.random.default_rng(0).normal(0, 0.3, (2, 50, dim))
    for matrix, rows in zip((W, C, plain_W, plain_C), (*start, *start), strict=True):
        matrix[-50:] = rows
    train = kernel.compile_kernel(dim, dim, negatives)
    strata = np.empty(0, np.int8)
    words = (tokens.copy(), strata, W.ctypes.data, C.ctypes.data, keep, noise)
    key = tuple(np.uint64(key) for key in keys)
    pairs, _, _ = train(*words, key, 3, True, (0.02, 0.01), -1, (0, 1), (W[:0], C[:0]), 1)
    draws = kernel.Draws(keep, noise, (0, 1), -1)
    text = (tokens, strata, draws, keys)
    plain = kernel.train_plain(plain_W, plain_C, *text, 3, True, negatives, (0.02, 0.01))
    assert pairs == plain > 1000
    for got, expected in ((W, plain_W), (C, plain_C)):
        for rows in (got[-50:] - expected[-50:], got[:1] - expected[:1]):
            # wider than elsewhere: one row takes the rounding of thousands of negatives
            assert np.abs(rows).max() <= 1e-4 * np.abs(expected[-50:]).max()
    assert np.abs(W[-50:] - start[0]).max() > 0.1
    assert np.abs(C[0]).max() > 0


def test_random_bits_are_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [kernel.random_bits(1234567, n) for n in (1, 2, 3)] == published


def test_alias_table_holds_the_distribution():
    noise = np.array([1000.0, 300.0, 0.0, 5.0, 5.0, 1.0]) ** 0.75
    noise /= noise.sum()
    table = alias_table(noise)
    accepted = table[:, 0] / 2**32
    implied = np.bincount(table[:, 1], 1 - accepted, minlength=6) + accepted
    np.testing.assert_allclose(implied / 6, noise, atol=1e-9)
    assert table[2, 0] == 0
    assert 2 not in table[:, 1][table[:, 0] < 2**32 - 1]
    few = alias_table(np.array([0.999, 0.001]))
    drawn = (kernel.draw_noise(7, n, few) for n in range(10**9))
    assert {kernel.other_than(0, drawn, (0, 1)) for _ in range(200)} == {1}


def test_noise_words_follow_the_distribution():
    noise = np.arange(1.0, 21.0)
    noise /= noise.sum()
    table = alias_table(noise)
    key = kernel.block_keys(1, 0, 0).noise
    drawn = np.bincount([kernel.draw_noise(key, n, table) for n in range(20_000)], minlength=20)
    chi_square = ((drawn - 20_000 * noise) ** 2 / (20_000 * noise)).sum()
    assert chi_square < 43.8  # 99.9 % of chi² with 19 degrees of freedom


def test_blocks_draw_from_different_keys():
    blocks = [(s, e, b) for s in (1, 2) for e in (0, 1) for b in (0, 1)]
    keys = [key for each in blocks for key in kernel.block_keys(*each)]
    assert len(set(keys)) == len(keys)


def settings(**changes: object) -> TrainSettings:
    chosen: dict[str, object] = {"dim": 20, "epochs": 3, "subsample": 0.0, **changes}
    return TrainSettings(**chosen)


def trained(
    corpus: TinyCorpus, chosen: TrainSettings, penalty: CosineToFirst | None = None
) -> tuple[SGNS, list[float]]:
    model = SGNS(corpus.size, chosen.dim, chosen.seed)
    engine = FastEngine(model, corpus, chosen, Intervention(penalty))
    losses = []
    for epoch in range(chosen.epochs):
        blocks = list(engine.epoch(epoch))
        assert sum(block.words for block in blocks) == corpus.tokens
        losses.append(sum(b.loss * b.pairs for b in blocks) / sum(b.pairs for b in blocks))
    assert torch.isfinite(model.W).all()
    assert torch.isfinite(model.C).all()
    return model, losses


def test_it_learns_which_words_share_documents():
    model, losses = trained(topics(), settings())
    assert losses[-1] < losses[0] < 6 * math.log(2) + 0.01
    unit = F.normalize(model.W[:20], dim=1)
    cosines = unit @ unit.T
    assert cosines[::2, ::2].mean() > cosines[::2, 1::2].mean() + 0.2


def test_a_block_with_a_penalty_minimises_the_joint_loss():
    corpus, chosen = topics(900), settings(epochs=1)
    kernel_only, with_penalty = SGNS(60, 20, 1), SGNS(60, 20, 1)
    penalty = CosineToFirst(1e-4)
    (block,) = FastEngine(kernel_only, corpus, chosen, Intervention()).epoch(0)
    list(FastEngine(with_penalty, corpus, chosen, Intervention(penalty)).epoch(0))
    W = kernel_only.W[:10].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(penalty(W, W), W)
    lr = chosen.lr * (1 + chosen.lr_min) / 2  # of the block's middle
    step = -lr * block.pairs * penalty.weight * gradient
    expected = kernel_only.W[:10] + step
    assert (with_penalty.W[:10] - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert (expected - kernel_only.W[:10]).abs().max() > 1e-4 * expected.abs().max()
    assert torch.equal(with_penalty.W[10:], kernel_only.W[10:])


def test_any_lambda_trains_and_a_large_one_wins():
    corpus = topics()
    base, _ = trained(corpus, settings())
    C = torch.zeros(10, 20)  # which this penalty does not read
    for weight in (0.0, 1e-5, 1e-2, 1.0, 10.0, 1e3):
        penalty = CosineToFirst(weight)
        model, losses = trained(corpus, settings(), penalty)
        assert losses[-1] < losses[0] + 0.1
        R, without = float(penalty(model.W[:10], C)), float(penalty(base.W[:10], C))
        assert R / without < (1.01 if weight < 1e-3 else 0.9 if weight < 1 else 0.05)
        if weight == 0:
            assert penalty.drawn == 0
            assert torch.equal(model.W, base.W)
            assert torch.equal(model.C, base.C)


def test_threads_train_every_word_to_the_same_loss():
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one CPU only")
    corpus = topics(120_000)  # in a shorter one a thread that the system puts off counts for more
    _, one = trained(corpus, settings())
    for penalty in (None, CosineToFirst(0.01)):
        _, two = trained(corpus, settings(threads=2), penalty)
        assert two[-1] == pytest.approx(one[-1], rel=0.03)


def test_a_reader_may_stop_in_the_middle_of_an_epoch():
    corpus = topics(60_000)
    threads = min(2, os.cpu_count() or 1)
    engine = FastEngine(SGNS(60, 20), corpus, settings(threads=threads), Intervention())
    blocks = engine.epoch(0)
    next(blocks)
    blocks.close()


def test_learning_rate_falls_to_its_minimum():
    corpus, chosen = topics(), settings(lr=0.05, lr_min=0.01)
    engine = FastEngine(SGNS(60, 20), corpus, chosen, Intervention())
    rates = [block.lr for epoch in range(3) for block in engine.epoch(epoch)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.05 * 0.01)


def test_the_loss_curves_of_the_two_engines_agree():
    """After each epoch, on the same batches: running losses are taken at other moments."""
    corpus, chosen = topics(40_000), settings(epochs=4, batch_size=16)
    models = SGNS(60, 20, 1), SGNS(60, 20, 1)
    engines = [
        kind(model, corpus, chosen, Intervention())
        for kind, model in zip((FastEngine, ReferenceEngine), models, strict=True)
    ]
    noise = noise_distribution(corpus.counts)
    maker = BatchMaker(settings(batch_size=2048), np.ones(60), noise[None])
    batches = [batch for batch, _ in maker.batches(corpus.ids, np.random.default_rng(0))]

    def losses() -> list[float]:
        with torch.no_grad():
            return [float(np.mean([float(m.loss(batch)) for batch in batches])) for m in models]

    curves = [losses()]
    for epoch in range(chosen.epochs):
        for engine in engines:
            for _ in engine.epoch(epoch):
                pass
        curves.append(losses())
    fast, reference = zip(*curves, strict=True)
    assert fast == pytest.approx(reference, rel=0.02)
    assert fast[-1] == pytest.approx(reference[-1], rel=0.01)
    assert fast[-1] < 0.6 * fast[0]


@pytest.mark.parametrize(
    ("ids", "size"),
    [
        ([0, 1, -1], 2),  # the one negative that is not the context word
        ([0] * 50 + [1, -1], 2),
        ([0, -1, 1, -1], 2),  # no pair at all
        ([-1, -1, 0, -1, 1], 3),  # empty documents, a word that never occurs, no last end
    ],
)
def test_tiny_corpora_neither_hang_nor_crash(ids, size):
    corpus = TinyCorpus(np.array(ids, dtype=np.int32), size)
    pair = CosineToFirst(1.0, rows=torch.tensor([0, 1]))
    engine = FastEngine(SGNS(size, 20), corpus, settings(), Intervention(pair))
    blocks = [block for epoch in range(3) for block in engine.epoch(epoch)]
    assert all(math.isfinite(block.loss) for block in blocks)


def test_one_word_cannot_be_trained():
    corpus = TinyCorpus(np.array([0, 0, 0, -1], dtype=np.int32), 1)
    with pytest.raises(UserError, match="too few to draw a negative"):
        FastEngine(SGNS(1, 20), corpus, settings(), Intervention())


def test_blocks_cover_the_stream_and_end_with_documents():
    ids = topics(10_000).ids
    found = corpus_blocks(ids, 777)
    assert [s.number for s in found] == list(range(len(found)))
    assert [s.start for s in found] == [0, *(s.stop for s in found[:-1])]
    assert found[-1].stop == len(ids)
    assert all(ids[s.stop - 1] == -1 for s in found)
    assert sum(s.words for s in found) == found[-1].before + found[-1].words == 10_000
    endless = np.zeros(1000, dtype=np.int32)
    assert corpus_blocks(endless, 400)[0] == CorpusBlock(0, 0, 400, 400, 0)


def test_blocks_are_shorter_for_slower_settings_and_suit_threads():
    slow = TrainSettings(dim=1024, negatives=20, window=20)
    assert block_tokens(slow, 10**7) < block_tokens(TrainSettings(), 10**7) < 10**6
    assert block_tokens(TrainSettings(), 100) == 100


RUN = """
import hashlib, sys
from numba.core import config
config.CACHE_DIR = sys.argv[1]  # so that the kernel is compiled there
from tests.test_fast_engine import settings, topics, trained
model, _ = trained(topics(), settings())
print(hashlib.sha256(model.W.numpy().tobytes()).hexdigest())
"""


def test_bytes_are_the_same_across_processes_and_what_cannot_compile_says_why(tmp_path):
    here = hashlib.sha256(trained(topics(), settings())[0].W.numpy().tobytes()).hexdigest()
    there = forking.run(["-c", RUN, tmp_path])
    assert there.stdout.strip() == here, there.stderr
    assert list(tmp_path.rglob("*.nbc"))
    code = "from debiaslab.sgns.fast import fast_unavailable; print(fast_unavailable())"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    said = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert "NUMBA_DISABLE_JIT" in said


def weights(scale: float = 0.01, size: int = 30) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(scale * torch.randn(size, 40, generator=generator) for _ in range(2))


@pytest.mark.parametrize("on_contexts", [False, True])
def test_small_step_is_the_gradient_of_the_joint_loss(on_contexts):
    W, C = (matrix.double() for matrix in weights(1.0))
    penalty = CosineToFirst(1.0, on_contexts)
    leaves = [W.clone().requires_grad_(), C.clone().requires_grad_()]
    R = penalty(leaves[0][:10], leaves[1][:10])
    gradients = torch.autograd.grad(R, leaves, allow_unused=True, materialize_grads=True)
    before = W.clone(), C.clone()
    assert apply_penalty(W, C, penalty, 1e-3) == pytest.approx(R.item())
    for now, old, gradient in zip((W, C), before, gradients, strict=True):
        torch.testing.assert_close(now - old, -1e-3 * gradient, rtol=1e-3, atol=1e-9)


def test_no_row_moves_beyond_the_limit_and_others_not_at_all():
    W, C = weights()
    before = W.clone(), C.clone()
    apply_penalty(W, C, CosineToFirst(1.0), 1e6)
    moved = (W - before[0]).norm(dim=1) / before[0].norm(dim=1)
    assert float(moved.max()) <= ROW_LIMIT * MAX_SUBSTEPS * 1.001
    assert torch.equal(W[10:], before[0][10:])
    assert torch.equal(C, before[1])
    W, C = torch.zeros(30, 40), torch.zeros(30, 40)  # zero rows are left by at most the floor
    apply_penalty(W, C, CosineToFirst(1.0), 1e9)
    assert torch.isfinite(W).all()
    assert float(W.norm(dim=1).max()) < 1e-3


@pytest.mark.parametrize("strength", [1e-3, 1e-1, 1e1, 1e3, 1e9])
def test_any_strength_goes_downhill_and_comes_to_rest(strength):
    W, C = weights()
    penalty = CosineToFirst(1.0)
    values = [apply_penalty(W, C, penalty, strength) for _ in range(20)]
    assert all(after <= max(before, 1e-4) for before, after in pairwise(values))
    if strength >= 10:
        assert values[-1] < 1e-4


def test_cosines_do_not_lengthen_rows():
    W, C = weights()
    W[1:10] = 3 * W[0] + W[1:10]  # far to go
    before = W.norm(dim=1)
    R = [apply_penalty(W, C, CosineToFirst(1.0), 1e6) for _ in range(10)]
    assert R[-1] < 0.01 * R[0]
    torch.testing.assert_close(W.norm(dim=1), before, rtol=0.02, atol=0)


def test_a_penalty_that_is_not_finite_is_refused_and_one_without_a_gradient_moves_nothing():
    with pytest.raises(UserError, match="not finite"):
        apply_penalty(*weights(), Given(lambda W, C: (W * math.nan).sum()), 1.0)
    W, C = weights()
    before = W.clone()
    assert apply_penalty(W, C, Given(lambda W, C: torch.tensor(2.0)), 1.0) == 2.0
    assert torch.equal(W, before)


class Product(torch.autograd.Function):
    """Σ w · c, whose gradients are what it was called with."""

    @staticmethod
    def forward(ctx: Any, W: Tensor, C: Tensor) -> Tensor:
        ctx.save_for_backward(W, C)
        return (W * C).sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        W, C = ctx.saved_tensors
        return C, W


class Remembering:
    """Σ |w − w'|² to the rows of the call before, kept as they were given or as a copy."""

    def __init__(self, copies: bool) -> None:
        self.copies = copies
        self.before: Tensor | None = None

    def __call__(self, W: Tensor, C: Tensor) -> Tensor:
        R = (W.square() if self.before is None else (W - self.before).square() + 0.1 * W).sum()
        self.before = W.detach().clone() if self.copies else W.detach()
        return R


class Layout(torch.autograd.Function):
    """Its argument, with a gradient whose columns or whose rows are next to each other."""

    @staticmethod
    def forward(ctx: Any, W: Tensor, by_column: bool) -> Tensor:
        ctx.by_column = by_column
        return W.view_as(W)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return (gradient.T.contiguous().T if ctx.by_column else gradient.contiguous()), None


ALIKE: dict[str, Callable[[], tuple[Function, Function]]] = {
    "gives its inputs": lambda: (Product.apply, lambda W, C: (W * C).sum()),
    "remembers them": lambda: (Remembering(copies=False), Remembering(copies=True)),
    "by column": lambda: (
        lambda W, C: (Layout.apply(W, True) @ C.T).square().mean(),
        lambda W, C: (Layout.apply(W, False) @ C.T).square().mean(),
    ),
}


@pytest.mark.parametrize("strength", [0.01, 1.0, 1e3])
@pytest.mark.parametrize("pair", ALIKE)
def test_a_penalty_may_give_back_or_keep_what_it_was_called_with(pair, strength):
    found = []
    for function in ALIKE[pair]():
        W, C = weights(1.0)
        values = [apply_penalty(W, C, Given(function), strength) for _ in range(3)]
        found.append((W, C, values))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][2] == found[1][2]
    assert not torch.equal(found[0][0], weights(1.0)[0])
