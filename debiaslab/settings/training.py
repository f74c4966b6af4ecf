"""What shapes one training run."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any, Literal

from debiaslab.errors import UserError
from debiaslab.settings.options import Flag, Real, Text, Whole, option, settings

Optimizer = Literal["sgd", "adamw", "sparse_adam"]
EngineName = Literal["fast", "reference"]
Layout = Literal["word2vec", "homework"]
LARGEST_SEED = 2**31 - 1

_CORES = max(os.cpu_count() or 1, 1)


@settings
class Hyperparameters:
    """Hyperparameters of SGNS (Mikolov et al. 2013), with the defaults of word2vec.

    Raises:
        UserError: A value is out of its range, or the fast engine has not what is asked for.
    """

    dim: Whole = option("length of a vector", default=100, ge=1, le=1024)
    window: Whole = option("context words on each side", default=5, ge=1, le=20)
    dynamic: Flag = option(
        "draw each window from 1 to --window, as word2vec does",
        default=True,
        off=("--fixed", "always use the whole window"),
    )
    negatives: Whole = option("noise words per positive pair", default=5, ge=1, le=20)
    epochs: Whole = option("passes over the corpus", default=15, ge=1, le=10_000)
    subsample: Real = option("threshold for frequent words; 0: off", default=1e-3, ge=0, le=1)
    lr: Real = option("learning rate at the start", default=0.025, ge=1e-8, le=10)
    lr_min: Real = option(
        "final learning rate, as a fraction of lr (linear decay)",
        default=1e-4,
        ge=0,
        le=1,
        flag=None,
    )
    optimizer: Optimizer = option("sgd (linear decay), adamw or sparse_adam", default="sgd")
    batch_size: Whole = option(
        "positions per step (reference engine)", default=1024, ge=1, le=1_048_576
    )
    layout: Layout = option(
        "batch rows of the reference engine: word2vec or homework", default="word2vec"
    )
    patience: Whole | None = option(
        "stop after this many reports (hundredths of the training) without a better loss",
        default=None,
        ge=1,
        le=10_000,
    )
    threads: Whole = option("1 is bit-reproducible; more is faster", default=1, ge=1, le=_CORES)
    engine: EngineName | None = option(
        "fast or reference; none: fast where it can run", default=None
    )
    device: Text = option("device of the reference engine", default="cpu")

    def __post_init__(self) -> None:
        if self.engine == "fast" and not self.fast_can:
            raise UserError(
                f"the fast engine was asked for with optimizer {self.optimizer}, layout "
                f"{self.layout} and device {self.device}",
                allowed="sgd, word2vec and cpu with --engine fast",
                next_step="--engine reference",
            )

    @property
    def fast_can(self) -> bool:
        """Whether the fast engine has what these settings ask for."""
        return (self.optimizer, self.layout, self.device) == ("sgd", "word2vec", "cpu")

    def shared(self) -> dict[str, Any]:
        """Return all but the seed, by name: what the runs of a study have in common."""
        return {each.name: getattr(self, each.name) for each in fields(Hyperparameters)}


@settings
class TrainSettings(Hyperparameters):
    """Hyperparameters of SGNS, with the defaults of word2vec, and the seed of one training."""

    seed: Whole = option("seed of every random draw", default=1, ge=0, le=LARGEST_SEED)
