"""Measuring two things at a time gives what one after the other gives."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from debiaslab.lexicons import association_tests
from debiaslab.metrics import evaluate
from debiaslab.metrics.weat import parallel_map
from debiaslab.vectors.embeddings import Embeddings


def test_results_are_in_the_order_given_and_two_run_together() -> None:
    met = threading.Barrier(2, timeout=30)  # each waits for another: one thread alone would stop

    def measure(number: int) -> int:
        met.wait()
        return number * number

    assert parallel_map(measure, range(6)) == [0, 1, 4, 9, 16, 25]


def test_what_one_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        parallel_map(lambda number: 1 // number, [1, 0])


def test_a_scorecard_is_the_same_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    words = sorted({w for test in association_tests() for side in test.half("all") for w in side})
    words += [f"word{i}" for i in range(200)]
    rng = np.random.default_rng(0)
    vectors = Embeddings(words, rng.normal(size=(len(words), 20)))
    together = evaluate(vectors, groups=["weat"], bootstrap=100).to_json()
    monkeypatch.setattr(sys.modules["debiaslab.metrics.weat"], "THREADS", 1)
    assert evaluate(vectors, groups=["weat"], bootstrap=100).to_json() == together
