"""What shapes one training run."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from debiaslab.errors import UserError, nearest

Optimizer = Literal["sgd", "adamw", "sparse_adam"]
EngineName = Literal["fast", "reference"]
Layout = Literal["word2vec", "homework"]


@dataclass(frozen=True)
class TrainSettings:
    """Hyperparameters of SGNS (Mikolov et al. 2013), with the defaults of word2vec."""

    dim: int = 100  # d: length of a vector
    window: int = 5  # m: context words looked at on each side
    dynamic: bool = True  # True: the window of each token is drawn from 1…m (word2vec)
    negatives: int = 5  # k: noise words per positive pair
    epochs: int = 15
    subsample: float = 1e-3  # t: relative frequency above which tokens are dropped; 0 keeps all
    lr: float = 0.025  # learning rate at the start, per training pair
    lr_min: float = 1e-4  # final learning rate, as a fraction of lr (linear decay in between)
    optimizer: Optimizer = "sgd"
    batch_size: int = 1024  # positions per step (reference engine)
    layout: Layout = "word2vec"  # of a batch row (reference engine): sgns.model.Batch
    patience: int | None = None  # reports without a better running loss; None: never stop
    threads: int = 1
    seed: int = 1
    engine: EngineName | None = None  # None: fast on CPU, reference elsewhere
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, (low, high) in INTEGERS.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and low <= value <= high):
                raise UserError(
                    f"{_flag(name)} was {value!r}",
                    allowed=f"a whole number from {low:,} to {high:,}",
                    next_step=f"{_flag(name)} {min(max(_as_int(value, low), low), high)}",
                )
        for name, (lowest, highest) in REALS.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and lowest <= value <= highest):
                raise UserError(
                    f"{_flag(name)} was {value!r}",
                    allowed=f"a number from {lowest:g} to {highest:g}",
                    next_step=f"{_flag(name)} {getattr(TrainSettings, name):g}",
                )
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                known = [choice for choice in choices if choice is not None]
                raise UserError(
                    f"{_flag(name)} was {value!r}",
                    allowed=", ".join(known),
                    nearest=nearest(str(value), known),
                )
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
        return {name: value for name, value in asdict(self).items() if name != "seed"}


# the least and the largest value of each number
INTEGERS = {
    "dim": (1, 1024),
    "window": (1, 20),
    "negatives": (1, 20),
    "epochs": (1, 10_000),
    "batch_size": (1, 1_048_576),
    "patience": (1, 10_000),
    "threads": (1, max(os.cpu_count() or 1, 1)),
    "seed": (0, 2**31 - 1),
}
REALS = {"subsample": (0.0, 1.0), "lr": (1e-8, 10.0), "lr_min": (0.0, 1.0)}
_CHOICES: dict[str, tuple[str | None, ...]] = {
    "optimizer": get_args(Optimizer),
    "engine": (None, *get_args(EngineName)),
    "layout": get_args(Layout),
}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _as_int(value: object, otherwise: int) -> int:
    return int(value) if isinstance(value, (int, float)) and math.isfinite(value) else otherwise
