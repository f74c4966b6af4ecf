"""The controls of a comparison: which it adds by itself, which it holds, and which it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from debiaslab import regularizers
from debiaslab.regularizers import (
    CounterfactualAugmentation,
    CounterfactualSubstitution,
    Penalty,
    PostProcess,
    SameGenderSwap,
)
from debiaslab.regularizers.composition import parts_named
from debiaslab.regularizers.words import gender_pairs
from debiaslab.results import Side
from debiaslab.study.cells import ComparisonPlan, Entry

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
class Held:
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
    single = [e for e in settled if len(parts_named(e.strategy)) == 1 and not _control(e)]
    penalties = [each for each in single if issubclass(_class(each), Penalty)]
    projection = next((e for e in penalties if e.strategy.startswith(_PROJECTIONS)), None)
    eraser = next((each for each in single if issubclass(_class(each), PostProcess)), None)
    text = next((each for each in single if issubclass(_class(each), _SWAPS)), None)
    wanted: list[Entry] = []
    if projection is not None:
        wanted.append(Entry(_RANDOM_PENALTY, projection.weight))
    if eraser is not None:
        wanted.append(Entry(_RANDOM_ERASER, None, _components(eraser)))
    if penalties:
        wanted.append(replace(penalties[0], weight=LIMIT))
    if text is not None:
        wanted.append(Entry(_SAME_GENDER, None, _swaps(text)))
    wanted.append(Entry(_BLIND))
    there = {entry.strategy for entry in settled if _control(entry)}
    return tuple(entry for entry in wanted if entry.strategy not in there)


def held(plan: ComparisonPlan, sides: Sequence[Side], refused: Mapping[str, str]) -> Iterator[Held]:
    """Say of each control that a comparison should hold what it is here, or what it lacks.

    Args:
        plan: The comparison.
        sides: Its strategies, the baseline first.
        refused: Strategies of controls that this corpus has no words for, with the reason.
    """
    seeds = ", ".join(map(str, plan.seeds))
    yield Held("λ = 0", f"the baseline of seed{'s' * (len(plan.seeds) > 1)} {seeds}")
    named = {side.strategy.partition("[")[0]: side for side in sides if _measured(side)}
    limit = [s for s in sides if s.weight is not None and s.weight >= LIMIT and _measured(s)]
    for name, side, strategy, reason in (
        ("random direction in the loss", named.get(_RANDOM_PENALTY), _RANDOM_PENALTY, "projection"),
        ("random direction erased", named.get(_RANDOM_ERASER), _RANDOM_ERASER, "erasing strategy"),
        ("λ → ∞", limit[0] if limit else None, "", "penalty"),
        ("swaps within a gender", named.get(_SAME_GENDER), _SAME_GENDER, "text strategy"),
        ("gender-blind floor", named.get(_BLIND), _BLIND, ""),
    ):
        why = refused.get(strategy) or (f"no {reason} by itself" if reason else "not trained")
        why = why if plan.controls else "not named, and --no-controls"
        yield Held(name, None if side is None else side.label, why)
    yield Held("unseen words", f"{_UNSEEN_WORDS[plan.cover]}; gap.png shows both halves")
    yield _unseen_pairs(plan)


def _unseen_pairs(plan: ComparisonPlan) -> Held:
    """Say which strategies were given the report pairs."""
    given = [entry.label for entry in plan.entries if "all" in _pairs_of(entry)]
    name, but = "unseen gender pairs", f", but for {', '.join(given)}" if given else ""
    if len(given) == len(plan.entries):
        return Held(name, None, "every strategy was given all pairs; try [pairs=tune]")
    count = len(gender_pairs("all")) - len(gender_pairs("tune"))
    return Held(name, f"the {count} report pairs{but}")


def _pairs_of(entry: Entry) -> set[str]:
    strategy = regularizers.create(entry.strategy, **dict(entry.knobs))
    return {getattr(part, "pairs", "") for part in regularizers.parts_of(strategy)}


def _measured(side: Side) -> bool:
    return any(card is not None for card in side.cards)


def _class(entry: Entry) -> type[regularizers.Strategy]:
    return regularizers.get(entry.strategy)


def _control(entry: Entry) -> bool:
    return regularizers.is_control(regularizers.create(entry.strategy, **dict(entry.knobs)))


def _components(eraser: Entry) -> tuple[tuple[str, str], ...]:
    """Return as many random directions as the strategy removes gender ones, where it says so."""
    strategy = regularizers.create(eraser.strategy, **dict(eraser.knobs))
    count = getattr(strategy, "components", 1) or 1
    return () if count == 1 else (("components", str(count)),)


def _swaps(text: Entry) -> tuple[tuple[str, str], ...]:
    """Return the knobs with which the control swaps as much as a text strategy does."""
    strategy = regularizers.create(text.strategy, **dict(text.knobs))
    own = strategy.knobs() | {"copies": isinstance(strategy, CounterfactualAugmentation)}
    default = SameGenderSwap().knobs()
    return tuple((knob, str(own[knob]).lower()) for knob in own if own[knob] != default[knob])
