"""How long a study will take, from a short slice of its own training."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from debiaslab.metrics import evaluate
from debiaslab.sgns import TrainSettings, train
from debiaslab.sgns.fast import block_tokens
from debiaslab.study.plan import Plan
from debiaslab.study.run import bound_strategy

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.regularizers import BoundStrategy
    from debiaslab.vectors.embeddings import Embeddings

_SLICE = 300_000  # words: tenths of a second with the fast engine
_WARM = 5_000  # words


@dataclass(frozen=True)
class Estimate:
    """What was measured, and what it comes to."""

    words_per_second: float  # of the baseline
    strategy: float  # seconds that the strategy adds to one training, at λ = 1
    measuring: float  # seconds of the scorecards of one run
    words: int  # of one training
    baselines: int
    runs: int  # with the strategy

    @property
    def seconds(self) -> float:
        """Of the whole study, one training at a time; MLflow and figures are not counted."""
        base = self.words / self.words_per_second + self.measuring
        return self.baselines * base + self.runs * (base + self.strategy)

    @property
    def words_per_second_strategy(self) -> float:
        """With the strategy."""
        return self.words / (self.words / self.words_per_second + self.strategy)


def estimate(corpus: Corpus, plan: Plan, *, done: int = 0, done_baselines: int = 0) -> Estimate:
    """Train a slice of the corpus with and without the strategy, and measure its vectors once.

    Args:
        corpus: The encoded corpus.
        plan: The study.
        done: Runs of trials that need not be trained any more.
        done_baselines: The same of baselines.
    """
    seed = plan.seeds[0]
    settings = replace(plan.settings_for(seed), epochs=1, patience=None)
    part = _slice(corpus, _SLICE)
    bound = bound_strategy(corpus, plan.create(1.0), plan.cover, settings)
    for each in (None, bound):  # what is loaded and compiled once is no part of the speed
        _timed(_slice(corpus, _WARM), settings, each)
    plain, engine, vectors = _timed(part, settings, None)
    debiased, _, _ = _timed(part, settings, bound)
    if engine == "fast" and bound is not None and bound.penalty is not None:
        steps = plan.settings.epochs * _steps(corpus, plan.settings) / _steps(part, settings)
    else:
        steps = plan.settings.epochs * corpus.tokens / part.tokens
    evaluate(vectors, quick=True)
    started = time.perf_counter()
    evaluate(vectors, quick=True)
    quick = time.perf_counter() - started
    started = time.perf_counter()
    evaluate(vectors, seed=seed)
    whole = time.perf_counter() - started
    return Estimate(
        words_per_second=part.tokens / plain,
        strategy=max(0.0, debiased - plain) * steps,
        measuring=whole + plan.settings.epochs * quick,
        words=corpus.tokens * plan.settings.epochs,
        baselines=len(plan.seeds) - done_baselines,
        runs=max(0, plan.trials * len(plan.seeds) - done),
    )


def _timed(
    corpus: Corpus, settings: TrainSettings, bound: BoundStrategy | None
) -> tuple[float, str, Embeddings]:
    """Return the seconds of a training, the engine that ran, and the vectors."""
    penalty = None if bound is None else bound.penalty
    before = None if bound is None else bound.preprocessing
    started = time.perf_counter()
    result = train(corpus, settings, penalty, preprocessing=before, progress=False)
    vectors = result.embeddings if bound is None else bound.finish(result.embeddings)
    return time.perf_counter() - started, result.engine, vectors


def _steps(corpus: Corpus, settings: TrainSettings) -> int:
    """Return the penalty steps in one epoch of the fast engine: a short training has more."""
    length = len(corpus.ids)
    return -(-length // block_tokens(settings, length))


def _slice(corpus: Corpus, words: int) -> Corpus:
    """Return the first documents of a corpus, with its whole vocabulary."""
    if corpus.tokens <= words:
        return corpus
    ids = np.asarray(corpus.ids[: 2 * words])
    ends = np.flatnonzero(ids == -1)
    whole = ends[ends >= words]
    ids = ids[: (int(whole[0]) + 1 if len(whole) else words)]
    return replace(corpus, ids=ids, tokens=int((ids >= 0).sum()), documents=int((ids < 0).sum()))
