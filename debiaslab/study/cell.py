"""A cell of a study: one training, and how a run that was logged is known to be of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from debiaslab import regularizers
from debiaslab.regularizers import Cover, bind_strategy
from debiaslab.regularizers.words import check_cover
from debiaslab.sgns import TrainSettings
from debiaslab.study.objective import Objective
from debiaslab.tracking.names import (
    BASELINE_KIND,
    CELL_KIND,
    CELL_TAG,
    KIND_TAG,
    PLANTED_KIND,
    SEED_TAG,
    STRATEGY_TAG,
    TRIAL_KIND,
    TRIAL_TAG,
)

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.regularizers import BoundStrategy, Strategy
    from debiaslab.sgns import TrainResult
    from debiaslab.tracking import RunLog

Knobs = tuple[tuple[str, str], ...]  # of a strategy besides λ: (name, value)

_NAMES = ("strategy", "weight", "seed", "cover")  # params that differ between cells of a study
_PREFIXES = ("knob.", "planted.")
_LEFT_OUT = ("planted.words",)  # they follow from the seed, and MLflow cuts a long list


class Treatment(Protocol):
    """What is done to the text of a cell before anything else."""

    @property
    def label(self) -> str:
        """What a run with it is called."""

    @property
    def params(self) -> Mapping[str, object]:
        """What MLflow shows of it; keys begin with ``planted.``."""

    def bind(self, corpus: Corpus, seed: int) -> BoundStrategy:
        """Return what a training is given.

        Raises:
            UserError: The corpus lacks words it needs.
        """

    def describe(self, log: RunLog) -> None:
        """Keep with a run what its treatment is."""

    def measure(self, log: RunLog, result: TrainResult, seed: int) -> None:
        """Keep with a run what only its treatment measures."""


@dataclass(frozen=True)
class Cell:
    """Text treatment × strategy with knobs × λ × seed × trainer settings."""

    # its name, or several joined with ``+``; ``none`` with a treatment alone
    strategy: str = "none"
    weight: float = 1.0  # λ; 0 is the baseline
    knobs: Knobs = ()  # settings of the strategy besides λ
    cover: Cover = "all"  # which non-gender words it acts on
    settings: TrainSettings = field(default_factory=TrainSettings)  # of the training, with its seed
    objective: Objective = field(default_factory=Objective)  # what the run is scored by
    trial: int | None = None  # number of the trial of a search; None outside one
    treatment: Treatment | None = None  # what is done to the text; None: nothing

    @property
    def seed(self) -> int:
        """Seed of the training."""
        return self.settings.seed

    @cached_property
    def made(self) -> Strategy:
        """The strategy with its λ and knobs."""
        return regularizers.create(self.strategy, weight=self.weight, **dict(self.knobs))

    @property
    def label(self) -> str:
        """Strategy and λ, or the treatment, as messages name it: ``projection@0.31``."""
        if self.treatment is not None:
            return self.treatment.label
        return f"{with_knobs(self.strategy, self.knobs)}@{self.weight:.4g}"

    @property
    def kind(self) -> str:
        """What its run is, in a tag: ``baseline``, ``trial``, ``cell`` or ``planted``."""
        if self.treatment is not None:
            return PLANTED_KIND
        if self.weight == 0:
            return BASELINE_KIND
        return CELL_KIND if self.trial is None else TRIAL_KIND

    @property
    def name(self) -> str:
        """What its run is called."""
        if self.treatment is not None:
            return f"{self.treatment.label} · seed {self.seed}"
        return run_name(self.strategy, self.made, seed=self.seed, trial=self.trial)

    @property
    def params(self) -> dict[str, object]:
        """What tells it from the other cells of its study, as it is logged."""
        if acts(self.made):
            name, weight = self.made.name, self.made.weight
            own = {f"knob.{knob}": value for knob, value in self.made.knobs().items()}
        else:
            name, weight, own = "none", 0.0, {}
        treated = {} if self.treatment is None else dict(self.treatment.params)
        named = {"strategy": name, "weight": repr(weight), "seed": self.seed, "cover": self.cover}
        return {**named, **own, **treated}

    @property
    def tags(self) -> dict[str, str]:
        """The tags of its run."""
        tags = {KIND_TAG: self.kind, SEED_TAG: str(self.seed), CELL_TAG: self.digest}
        if self.treatment is None:
            tags[TRIAL_TAG] = "" if self.trial is None else str(self.trial)
            tags[STRATEGY_TAG] = self.strategy
        return tags

    @cached_property
    def digest(self) -> str:
        """What a finished run of it is found by."""
        return digest_of(self.params)

    def bind(self, corpus: Corpus) -> BoundStrategy | None:
        """Look the words of strategy and treatment up in a corpus; None for the baseline.

        Raises:
            UserError: The vocabulary lacks words, or a knob asks for more than there is.
        """
        if self.treatment is not None:
            return self.treatment.bind(corpus, self.seed)
        return bound_strategy(corpus, self.made, self.cover, self.settings)


def with_knobs(strategy: str, knobs: Knobs) -> str:
    """Return such as ``projection[pairs=all;direction=mean]``."""
    told = ";".join(f"{name}={value}" for name, value in knobs)
    return f"{strategy}[{told}]" if told else strategy


def acts(strategy: Strategy) -> bool:
    """Whether a strategy does anything; the baseline does not."""
    return strategy.weight != 0 and strategy.stage != "none"


def bound_strategy(
    corpus: Corpus, strategy: Strategy, cover: Cover, settings: TrainSettings
) -> BoundStrategy | None:
    """Look a strategy's words up in a corpus; None for the baseline (λ = 0 or no strategy).

    Raises:
        UserError: The vocabulary lacks words the strategy needs, a knob asks for more than there
            is, or the cover is unknown.
    """
    check_cover(cover)
    if not acts(strategy):
        return None
    return bind_strategy(
        strategy, corpus.words, corpus.counts, cover=cover, seed=settings.seed, dim=settings.dim
    )


def digest_of(params: Mapping[str, object]) -> str:
    """Return the digest of a cell from the params of its run, logged now or by an older version.

    Numbers count by their value: 0.1, ``"0.1"`` and ``"1e-1"`` are one. What all cells of a study
    share (text, trainer settings) is not in it: a study refuses others.
    """
    fields = {key: _by_value(value) for key, value in params.items() if tells_cells_apart(key)}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


def tells_cells_apart(key: str) -> bool:
    """Whether a param of a run may differ between the cells of one study."""
    return (key in _NAMES or key.startswith(_PREFIXES)) and key not in _LEFT_OUT


def _by_value(value: Any) -> str:
    try:
        number = float(str(value))
    except ValueError:
        return str(value)
    return number.hex() if math.isfinite(number) else str(value)


def run_name(named: str, strategy: Strategy, *, seed: int, trial: int | None = None) -> str:
    """Return such as ``projection λ=0.31 seed=2 · trial 4`` or ``cds[names=False] seed=1``.

    Args:
        named: The strategy as the study names it.
        strategy: The same with its λ and knobs.
        seed: Seed of the training.
        trial: Number of the trial; None in a comparison.
    """
    if strategy.weight == 0:
        return f"baseline seed={seed}"
    name = f"{strategy_label(named, strategy)} seed={seed}"
    return name if trial is None else f"{name} · trial {trial}"


def strategy_label(named: str, strategy: Strategy) -> str:
    """Return such as ``projection λ=0.31`` or ``cds[names=False]``.

    Knobs are named where they are not the default's; λ is not where a strategy has none, or where
    its parts have one each (``projection@0.5+pairwise@10``).
    """
    usual = regularizers.create(named).knobs()
    own = [(knob, str(value)) for knob, value in strategy.knobs().items() if value != usual[knob]]
    label = with_knobs(named, tuple(own))
    if strategy.weight == 1 and not _has_weight(named):
        return label
    return f"{label} λ={strategy.weight:.3g}"


def _has_weight(named: str) -> bool:
    return "@" not in named and bool(regularizers.search_space(named))
