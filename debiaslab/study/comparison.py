"""What is compared: strategies, each with its λ, over the same seeds, and their controls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from debiaslab import regularizers
from debiaslab.errors import UserError
from debiaslab.regularizers import (
    CounterfactualAugmentation,
    CounterfactualSubstitution,
    Cover,
    Penalty,
    PostProcess,
    SameGenderSwap,
)
from debiaslab.regularizers.composition import SEPARATOR, check_weighs, parts_named, weight_of
from debiaslab.regularizers.words import check_cover, gender_pairs
from debiaslab.results import StrategyResult
from debiaslab.sgns import TrainSettings
from debiaslab.study.cell import Cell, Knobs, with_knobs
from debiaslab.study.objective import Objective
from debiaslab.study.selection import Composite, SelectionRule

_FORM = re.compile(r"(?P<name>[^\[\]@]+)(\[(?P<knobs>[^\[\]]*)\])?(@(?P<weight>.*))?")


@dataclass(frozen=True)
class Entry:
    """One strategy of a comparison.

    Attributes:
        strategy: Its name, or several joined with ``+``.
        weight: λ; None when it is tuned, or has none.
        knobs: Its settings besides λ, as (name, value).
    """

    strategy: str
    weight: float | None = None
    knobs: Knobs = ()

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Read ``projection``, ``projection@0.5`` or ``projection[pairs=all;direction=mean]@0.5``.

        Of several joined with ``+``, knobs and λ at the end alone are for all of them
        (``cds+hard[pairs=all]``); elsewhere each part has its own
        (``projection@0.5+pairwise[pairs=tune]@10``).

        Raises:
            UserError: The strategy or a knob is unknown, or λ is not a number above 0.
        """
        parts = [_Part.parse(part, text) for part in parts_named(text)]
        knobs = _knobs(parts)
        name, weight = SEPARATOR.join(part.name for part in parts), None
        own = [part for part in parts if part.weight is not None]
        if own == parts[-1:]:
            weight = weight_of(own[0].weight or "", text)
            if len(parts) == 1:
                check_weighs(regularizers.get(name), text)
        elif own:
            name, weight = SEPARATOR.join(part.weighted for part in parts), 1.0
        regularizers.create(name, **dict(knobs))
        return cls(name, weight, knobs)

    @property
    def label(self) -> str:
        """The strategy with its knobs, as tables name it."""
        return with_knobs(self.strategy, self.knobs)

    @property
    def tuned(self) -> bool:
        """Whether λ is to be searched."""
        return self.weight is None and bool(regularizers.search_space(self.strategy))


@dataclass(frozen=True)
class _Part:
    """One part of what an entry is written as."""

    name: str
    knobs: Knobs
    weight: str | None

    @property
    def weighted(self) -> str:
        """The name with its λ."""
        return self.name if self.weight is None else f"{self.name}@{self.weight}"

    @classmethod
    def parse(cls, text: str, whole: str) -> _Part:
        found = _FORM.fullmatch(text)
        if found is None:
            raise UserError(
                f"the strategy {whole!r} cannot be read",
                allowed="NAME, NAME@λ or NAME[knob=value;knob=value]@λ",
            )
        knobs = [each.partition("=") for each in (found["knobs"] or "").split(";") if each.strip()]
        stripped = tuple((knob.strip(), value.strip()) for knob, _, value in knobs)
        return cls(found["name"].strip(), stripped, found["weight"])


def _knobs(parts: Sequence[_Part]) -> Knobs:
    """Return the knobs of a strategy: those at the end alone are for every part that has them."""
    if not any(part.knobs for part in parts[:-1]):
        return parts[-1].knobs
    return tuple((f"{part.name}.{knob}", value) for part in parts for knob, value in part.knobs)


@dataclass(frozen=True)
class ComparisonPlan:
    """What is compared, on which seeds, and how λ is chosen where it is searched."""

    entries: tuple[Entry, ...]
    seeds: tuple[int, ...] = (1, 2, 3)
    cover: Cover = "all"
    settings: TrainSettings = field(default_factory=TrainSettings)
    objective: Objective = field(default_factory=Objective)
    trials: int = 8  # λs tried for each strategy that has one and is not given it
    tuning_seeds: tuple[int, ...] = (101, 102)  # λ is chosen on other seeds than are reported
    rule: SelectionRule = field(default_factory=Composite)
    name: str | None = None
    controls: bool = True  # whether it adds the controls that it does not hold

    def __post_init__(self) -> None:
        if not self.entries:
            raise UserError(
                "no strategy was named", next_step="--strategies projection,pairwise,tying"
            )
        names = [entry.label for entry in self.entries]
        for entry in self.entries:
            if names.count(entry.label) > 1:
                raise UserError(
                    f"strategy {entry.label!r} is named twice", allowed="each strategy once"
                )
            if regularizers.create(entry.strategy).stage == "none":
                raise UserError(
                    f"{entry.strategy!r} is the baseline, which every comparison holds already",
                    allowed="strategies that do something",
                )
        check_cover(self.cover)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise UserError("a comparison needs one seed or more, each named once")
        if set(self.seeds) & set(self.tuning_seeds):
            raise UserError(
                "λ would be tuned on seeds that are reported",
                allowed="--tuning-seeds that are not among the --seeds",
            )
        for seed in (*self.seeds, *self.tuning_seeds):
            replace(self.settings, seed=seed)  # refuses what is no seed
        if self.trials < 1:
            raise UserError(f"--trials was {self.trials}", allowed="1 or more")

    def cell(self, entry: Entry, weight: float, seed: int) -> Cell:
        """Return one training of a strategy; λ = 0 is the baseline."""
        settings = replace(self.settings, seed=seed)
        return Cell(entry.strategy, weight, entry.knobs, self.cover, settings, self.objective)


LIMIT = 1e6
"""λ → ∞: what a penalty does when nothing but its step limit holds it."""

_RANDOM_PENALTY, _RANDOM_ERASER, _BLIND = "random-projection", "random-direction", "gender-blind"
_SAME_GENDER = "same-gender-swap"
_SWAPS = (CounterfactualSubstitution, CounterfactualAugmentation)
_PROJECTIONS = "projection"  # how the names of penalties begin that project on a direction
_UNSEEN_WORDS = {
    "tune": "report words, and all but the tune words, are untouched by penalties and erasers",
    "vocabulary": "report words are untouched by penalties and erasers",
    "all": "report words are covered and never tuned on; --cover vocabulary leaves them untouched",
}


@dataclass(frozen=True)
class ControlStatus:
    """One control: what holds it, or what is missing.

    Attributes:
        name: Of the control.
        by: What of the comparison is this control; None when it is missing.
        lacking: Why it is missing, and how to have it.
    """

    name: str
    by: str | None
    lacking: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.by or f'missing ({self.lacking})'}"


def with_controls(settled: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the controls that entries with a settled λ ask for and do not hold themselves.

    A random direction of the same strength as the first projection, one for the first erasing
    strategy, the first penalty at λ → ∞, the swaps of the first text strategy within a gender, and
    the text without gender.
    """
    single = [e for e in settled if len(parts_named(e.strategy)) == 1 and not _is_control(e)]

    def first(kind: type | tuple[type, ...], begins: str = "") -> Entry | None:
        found = (e for e in single if issubclass(regularizers.get(e.strategy), kind))
        return next((e for e in found if e.strategy.startswith(begins)), None)

    wanted: list[Entry] = []
    if projection := first(Penalty, _PROJECTIONS):
        wanted.append(Entry(_RANDOM_PENALTY, projection.weight))
    if eraser := first(PostProcess):  # as many random directions as it removes gender ones
        count = getattr(_made(eraser), "components", 1) or 1
        wanted.append(
            Entry(_RANDOM_ERASER, None, () if count == 1 else (("components", str(count)),))
        )
    if penalty := first(Penalty):
        wanted.append(replace(penalty, weight=LIMIT))
    if text := first(_SWAPS):  # the control swaps as much
        strategy, usual = _made(text), SameGenderSwap().knobs()
        own = strategy.knobs() | {"copies": isinstance(strategy, CounterfactualAugmentation)}
        knobs = tuple((k, str(own[k]).lower()) for k in own if own[k] != usual[k])
        wanted.append(Entry(_SAME_GENDER, None, knobs))
    wanted.append(Entry(_BLIND))
    there = {entry.strategy for entry in settled if _is_control(entry)}
    return tuple(entry for entry in wanted if entry.strategy not in there)


def control_status(
    plan: ComparisonPlan, sides: Sequence[StrategyResult], refused: Mapping[str, str]
) -> Iterator[ControlStatus]:
    """Say of each control that a comparison should hold what it is here, or what it lacks.

    Args:
        plan: The comparison.
        sides: Its strategies, the baseline first.
        refused: Strategies of controls that this corpus has no words for, with the reason.
    """
    seeds = ", ".join(map(str, plan.seeds))
    yield ControlStatus("λ = 0", f"the baseline of seed{'s' * (len(plan.seeds) > 1)} {seeds}")
    measured = [side for side in sides if any(card is not None for card in side.cards)]
    named = {side.strategy.partition("[")[0]: side for side in measured}
    limit = next((s for s in measured if s.weight is not None and s.weight >= LIMIT), None)
    for name, side, strategy, reason in (
        ("random direction in the loss", named.get(_RANDOM_PENALTY), _RANDOM_PENALTY, "projection"),
        ("random direction erased", named.get(_RANDOM_ERASER), _RANDOM_ERASER, "erasing strategy"),
        ("λ → ∞", limit, "", "penalty"),
        ("swaps within a gender", named.get(_SAME_GENDER), _SAME_GENDER, "text strategy"),
        ("gender-blind floor", named.get(_BLIND), _BLIND, ""),
    ):
        why = refused.get(strategy) or (f"no {reason} by itself" if reason else "not trained")
        why = why if plan.controls else "not named, and --no-controls"
        yield ControlStatus(name, None if side is None else side.label, why)
    yield ControlStatus("unseen words", f"{_UNSEEN_WORDS[plan.cover]}; gap.png shows both halves")
    given = [entry.label for entry in plan.entries if _is_given_all_pairs(entry)]
    name, but = "unseen gender pairs", f", but for {', '.join(given)}" if given else ""
    if len(given) == len(plan.entries):
        yield ControlStatus(name, None, "every strategy was given all pairs; try [pairs=tune]")
        return
    count = len(gender_pairs("all")) - len(gender_pairs("tune"))
    yield ControlStatus(name, f"the {count} report pairs{but}")


def _is_given_all_pairs(entry: Entry) -> bool:
    return any(getattr(part, "pairs", "") == "all" for part in regularizers.parts_of(_made(entry)))


def _is_control(entry: Entry) -> bool:
    return regularizers.is_control(_made(entry))


def _made(entry: Entry) -> regularizers.Strategy:
    return regularizers.create(entry.strategy, **dict(entry.knobs))
