"""What shapes one training: how text becomes ids, and the hyperparameters of SGNS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from debiaslab.errors import UserError
from debiaslab.settings.options import File, Flag, Real, Text, Whole, option, settings

Rare = Literal["drop", "unk"]
Marks = Literal["auto", "keep", "cut"]


@settings
class CorpusSettings:
    """How text becomes ids.

    Attributes:
        mwes: File of multi-word expressions, one phrase a line.
        lowercase: Whether the text is lower-cased.
        min_count: A type seen less often is rare.
        rare: ``drop``: rare tokens vanish; ``unk``: they become ``<UNK>``.
        marks: What combining marks do (vowel signs of Devanagari, points of Hebrew, dots below).
            ``keep``: they belong to their word, as joiners inside it do, and the text is in normal
            form C. ``cut``: they end a word and the text is as it is, exactly as the pattern
            ``\\w+`` finds words. ``auto``: normal form C, and keep, unless fewer than one word in
            1,000 holds a mark: the tokens of English text, a foreign name in it or not, are those
            of ``cut``.

    Raises:
        UserError: ``min_count`` is not a whole number from 1, or ``rare`` or ``marks`` is unknown.
    """

    mwes: File | None = option(
        "multi-word expressions, one phrase a line", default=None, metavar="FILE"
    )
    lowercase: Flag = option(
        "whether the text is lower-cased",
        default=True,
        flag=None,
        off=("--keep-case", "do not lower-case the text"),
    )
    min_count: Whole = option("rarer words are left out", default=5, ge=1)
    rare: Rare = option("rare words: drop them, or unk for the token <UNK>", default="drop")
    marks: Marks = option(
        "combining marks: keep them in words, cut words at them as \\w+ does, or auto: keep "
        "unless fewer than one word in 1,000 has any",
        default="auto",
    )

    @classmethod
    def from_record(cls, recorded: Mapping[str, Any]) -> CorpusSettings:
        """Return settings as a run or study recorded them; before there was a choice, marks cut."""
        return cls(**{"marks": "cut", **recorded})


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
