"""The two sides of a comparison: one setting, as debiaslab and as gensim want to hear it."""

from __future__ import annotations

import os
from typing import Any

from experiments.benchmarks.setup import Setting

SUBSAMPLE, MIN_COUNT, LR, LR_MIN = 1e-3, 5, 0.025, 1e-4


def ours(setting: Setting, *, threads: int, epochs: int, seed: int) -> dict[str, Any]:
    """Return the arguments of ``TrainSettings``."""
    return {
        "dim": setting.dim,
        "window": setting.window,
        "dynamic": setting.dynamic,
        "negatives": setting.negatives,
        "epochs": epochs,
        "subsample": SUBSAMPLE,
        "lr": LR,
        "lr_min": LR_MIN,
        "threads": threads,
        "seed": seed,
        "engine": "fast",
    }


def gensim(setting: Setting, *, threads: int, epochs: int, seed: int) -> dict[str, Any]:
    """Return the arguments of ``gensim.models.Word2Vec`` that mean the same."""
    return {
        "sg": 1,
        "hs": 0,
        "vector_size": setting.dim,
        "window": setting.window,
        "shrink_windows": setting.dynamic,
        "negative": setting.negatives,
        "epochs": epochs,
        "sample": SUBSAMPLE,
        "min_count": MIN_COUNT,
        "alpha": LR,
        "min_alpha": LR * LR_MIN,
        "workers": threads,
        "seed": seed,
        "compute_loss": False,
    }


def all_threads() -> int:
    """Return the threads of the rows on whole machines: two, as in the bar, where there are."""
    return min(2, os.cpu_count() or 1)
