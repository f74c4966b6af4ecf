"""Whatever is registered as a penalty: both engines, λ = 0, and both ends of its range of λ.

A new penalty is tested by being registered. What each computes is tested elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from debiaslab.corpus import Corpus
from debiaslab.corpus.stream import read_ids
from debiaslab.regularizers import (
    BoundPenalty,
    Penalty,
    bind,
    create,
    get,
    search_space,
    strategy_names,
)
from debiaslab.settings.training import EngineName
from debiaslab.sgns import SGNS, TrainSettings, train
from debiaslab.sgns.engine import DrawnPenalty, Intervention
from debiaslab.sgns.fast import SAMPLE, FastEngine, fast_unavailable
from tests.toys import toy_corpus

if (reason := fast_unavailable()) is not None:
    pytest.skip(reason, allow_module_level=True)

from tests.kernel_oracle import Case, train_by_autograd

NAMES = [name for name in strategy_names() if issubclass(get(name), Penalty)]
KNOBS: dict[str, dict[str, Any]] = {"projection-fixed": {"warmup": 0}}  # R = 0 in a warm-up
SETTINGS = TrainSettings(dim=12, window=3, negatives=3, epochs=2, subsample=0.0, lr=0.05)
ONE_BLOCK = TrainSettings(dim=12, window=3, negatives=3, epochs=1, subsample=0.05, lr=0.5, seed=1)
MOVED = 1e-3  # of its length, the row that the penalty's step moves most

pytestmark = pytest.mark.usefixtures("one_thread")
each_penalty = pytest.mark.parametrize("name", NAMES)
each_engine = pytest.mark.parametrize("engine", ["fast", "reference"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return toy_corpus(tmp_path_factory.mktemp("toy"), documents=150)


def bound(name: str, weight: float, corpus: Corpus) -> BoundPenalty:
    """Return a penalty for one training."""
    penalty = bind(create(name, weight=weight, **KNOBS.get(name, {})), corpus.words)
    assert penalty is not None
    return penalty


@dataclass(frozen=True)
class Trained:
    """A block of text that autograd trained in double precision, without a penalty."""

    corpus: Corpus
    W: Tensor
    C: Tensor
    pairs: int

    def engine(self, penalty: BoundPenalty | None) -> tuple[SGNS, FastEngine]:
        model = SGNS(len(self.corpus.words), ONE_BLOCK.dim, ONE_BLOCK.seed)
        return model, FastEngine(model, self.corpus, ONE_BLOCK, Intervention(penalty))


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from debiaslab.sgns.kernel import block_keys

    corpus = toy_corpus(tmp_path_factory.mktemp("block"), documents=33)
    model = SGNS(len(corpus.words), ONE_BLOCK.dim, ONE_BLOCK.seed)
    engine = FastEngine(model, corpus, ONE_BLOCK, Intervention())
    (block,) = engine._blocks
    case = Case(
        model,
        read_ids(corpus.ids, 0, len(corpus.ids)),
        engine._draws,
        block_keys(ONE_BLOCK.seed, epoch=0, block=0),
        ONE_BLOCK.window,
        ONE_BLOCK.dynamic,
        ONE_BLOCK.negatives,
        (engine._rate(0, block, 0.0), engine._rate(0, block, 1.0)),
    )
    W, C = (matrix.double().clone().requires_grad_() for matrix in (model.W, model.C))
    pairs = train_by_autograd(case, W, C)
    return Trained(corpus, W.detach(), C.detach(), pairs)


def gradients(drawn: DrawnPenalty, W: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
    """Return ∂R/∂W and ∂R/∂C, each (V, d)."""
    leaves = [matrix.clone().requires_grad_() for matrix in (W, C)]
    R = drawn(*(leaf[drawn.rows] for leaf in leaves))
    dW, dC = torch.autograd.grad(R, leaves, allow_unused=True, materialize_grads=True)
    return dW, dC


def same(got: Tensor, expected: Tensor) -> bool:
    return bool((got.double() - expected).abs().max() <= 1e-5 * expected.abs().max())


def test_a_block_without_a_penalty_is_autograds(block):
    model, engine = block.engine(None)
    (report,) = engine.epoch(0)
    assert report.pairs == block.pairs > 1000
    assert same(model.W, block.W)
    assert same(model.C, block.C)


@each_penalty
def test_a_block_with_it_is_autograds_step_on_the_joint_loss(name, block):
    """−lr · P · λ · ∂R after the P pairs of the block; λ is so small that the path is straight."""
    penalty = bound(name, 1.0, block.corpus)
    model, engine = block.engine(penalty)
    drawn = bound(name, 1.0, block.corpus).draw(engine._generator(0, 0), SAMPLE)
    slopes = gradients(drawn, block.W, block.C)
    share = max(
        float((slope.norm(dim=1) / matrix.norm(dim=1).clamp_min(1e-12)).max())
        for slope, matrix in zip(slopes, (block.W, block.C), strict=True)
    )
    assert share > 0, "the penalty does nothing here"
    lr = ONE_BLOCK.lr * (1 + ONE_BLOCK.lr_min) / 2  # of the block's middle
    penalty.weight = MOVED / (share * lr * block.pairs)
    list(engine.epoch(0))
    strength = lr * block.pairs * penalty.weight
    for got, before, slope in zip((model.W, model.C), (block.W, block.C), slopes, strict=True):
        assert same(got, before - strength * slope)
        if float(slope.abs().max()):  # 100 times the tolerance: the step is seen
            assert not same(got, before)


@each_engine
@each_penalty
def test_it_trains_at_both_ends_of_its_range_and_lambda_zero_is_the_baseline(
    name, engine, corpus, baseline
):
    """No NaN, the same bytes again and, in the fast engine, no row that runs away."""
    space = search_space(name)["weight"]
    assert np.array_equal(trained(corpus, engine, bound(name, 0.0, corpus)), baseline[engine])
    for weight in (space.low, space.high):
        vectors, again = (trained(corpus, engine, bound(name, weight, corpus)) for _ in range(2))
        assert np.array_equal(vectors, again)
        assert np.isfinite(vectors).all()
        assert not np.array_equal(vectors, baseline[engine])
        if engine == "fast":
            longest = np.linalg.norm(baseline[engine], axis=1).max()
            assert np.linalg.norm(vectors, axis=1).max() < 2 * longest


@pytest.fixture(scope="module")
def baseline(corpus: Corpus) -> dict[str, np.ndarray]:
    return {"fast": trained(corpus, "fast", None), "reference": trained(corpus, "reference", None)}


def trained(corpus: Corpus, engine: EngineName, penalty: BoundPenalty | None) -> np.ndarray:
    settings = replace(SETTINGS, engine=engine)
    return train(corpus, settings, penalty, progress=False).embeddings.vectors
