"""Strategies by name and knobs: one, or several as one, such as ``cds+projection``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields, replace
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from debiaslab.errors import UserError, unknown
from debiaslab.regularizers.noise import StratifiedNoise
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, Space, Strategy, get

SEPARATOR = "+"
_ORDER = ("pre", "in", "post")
_ALONE = {"pre": "rewrite the same text", "post": "erase from the same words"}


@dataclass(frozen=True)
class Composition(Strategy):
    """Strategies that act one after the other: before, during and after training.

    The order in which they are named does not count across stages; penalties of one training are
    added. λ of a part is ``weight`` times its factor (1 where none is given). At most one strategy
    may rewrite the text and at most one may change the finished vectors: a second would act on the
    same words, and what is then left of the first would depend on their order.

    Raises:
        UserError: The parts make no sense together.
    """

    parts: tuple[Strategy, ...] = ()
    factors: tuple[float, ...] = ()  # of λ, a part; (): all 1

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [part.name for part in self.parts]
        for name in names:
            if names.count(name) > 1:
                raise UserError(f"{SEPARATOR.join(names)} names {name!r} twice")
        for part in self.parts:
            if part.stage == "none":
                raise UserError(
                    f"{SEPARATOR.join(names)} holds {part.name!r}, which does nothing",
                    next_step=SEPARATOR.join(n for n in names if n != part.name),
                )
        for stage, what in _ALONE.items():
            same = [part.name for part in self.parts if part.stage == stage]
            if len(same) > 1:
                raise UserError(
                    f"{' and '.join(same)} both {what}",
                    allowed="one pre-processing and one post-processing strategy at most",
                    next_step=f"one of {', '.join(same)}",
                )
        noises = [part.name for part in self.parts if isinstance(part, StratifiedNoise)]
        if len(noises) > 1:
            raise UserError(
                f"{' and '.join(noises)} both choose the noise",
                allowed="one of them",
                next_step=noises[0],
            )
        choices = {part.name: part.pairs for part in self.parts if isinstance(part, Penalty)}
        if len(set(choices.values())) > 1:
            raise UserError(
                "the penalties of one training were given different gender pairs ("
                + ", ".join(f"{name}: {choice}" for name, choice in choices.items())
                + ")",
                next_step="--knob pairs=tune, or pairs=all, for all of them",
            )
        factors = self.factors or (1.0,) * len(self.parts)
        together = zip(self.parts, factors, strict=True)
        by_stage = sorted(together, key=lambda each: _ORDER.index(each[0].stage))
        ordered = [replace(part, weight=self.weight * factor) for part, factor in by_stage]
        object.__setattr__(self, "parts", tuple(ordered))
        object.__setattr__(self, "factors", tuple(factor for _, factor in by_stage))
        object.__setattr__(self, "name", SEPARATOR.join(part.name for part in ordered))
        stages = dict.fromkeys(part.stage for part in ordered)
        object.__setattr__(self, "stage", SEPARATOR.join(stages))
        object.__setattr__(self, "citation", "; ".join(part.citation for part in ordered))
        object.__setattr__(self, "search_space", common_space(ordered))

    def knobs(self) -> dict[str, Any]:
        """Return the settings of the parts besides λ, as ``part.knob``, and factors that are not 1.

        A factor is ``part.weight``.
        """
        own = {f"{p.name}.{knob}": value for p in self.parts for knob, value in p.knobs().items()}
        together = zip(self.parts, self.factors, strict=True)
        return own | {f"{part.name}.weight": factor for part, factor in together if factor != 1}


@dataclass(frozen=True)
class SumOfPenalties(Penalty):
    """R = Σ aᵢ Rᵢ, the penalties of one training with their factors; λ weighs the sum."""

    parts: tuple[Penalty, ...] = ()
    factors: tuple[float, ...] = ()  # aᵢ

    def __call__(self, W: Tensor, C: Tensor, words: PenaltyWords) -> Tensor:
        """Return the sum of the penalties."""
        together = zip(self.parts, self.factors, strict=True)
        values = [factor * part(W, C, words) for part, factor in together]
        return sum(values[1:], start=values[0])

    def fresh(self) -> SumOfPenalties:
        """Return the sum with parts that have their own state."""
        return replace(self, parts=tuple(part.fresh() for part in self.parts))

    def state(self) -> dict[str, NDArray] | None:
        """Return the states of the parts, as ``part/name``; None when one cannot say."""
        states = [part.state() for part in self.parts]
        if any(state is None for state in states):
            return None
        return {
            f"{part.name}/{key}": array
            for part, state in zip(self.parts, states, strict=True)
            for key, array in (state or {}).items()
        }

    def restore(self, state: dict[str, NDArray]) -> None:
        """Give each part its own state back."""
        for part in self.parts:
            prefix = f"{part.name}/"
            own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            if own:
                part.restore(own)

    @property
    def acts_on_neutral(self) -> bool:
        """Whether any part needs neutral words."""
        return any(part.acts_on_neutral for part in self.parts)


def penalty_of(strategy: Strategy) -> Penalty | None:
    """Return the penalty a strategy adds to the loss; None when it adds none."""
    if isinstance(strategy, Penalty):
        return strategy
    if not isinstance(strategy, Composition):
        return None
    together = zip(strategy.parts, strategy.factors, strict=True)
    found = [(part, factor) for part, factor in together if isinstance(part, Penalty)]
    if len(found) < 2:
        return found[0][0] if found else None
    penalties, factors = zip(*found, strict=True)
    return SumOfPenalties(strategy.weight, penalties, factors, pairs=penalties[0].pairs)


def parts_of(strategy: Strategy) -> tuple[Strategy, ...]:
    """Return the parts of a composition, and any other strategy as its only part."""
    return strategy.parts if isinstance(strategy, Composition) else (strategy,)


def is_control(strategy: Strategy) -> bool:
    """Return whether any part is there to be compared with, not to be used."""
    return any(part.control for part in parts_of(strategy))


def common_space(parts: Sequence[Strategy | type[Strategy]]) -> dict[str, Space]:
    """Return one space of λ, from the lowest to the highest end of the parts', and their knobs'.

    The knobs of a composition are named ``part.knob``.
    """
    if len(parts) == 1:
        return dict(parts[0].search_space)
    weights = [part.search_space.get("weight") for part in parts]
    spaces = [space for space in weights if isinstance(space, LogUniform)]
    joint: dict[str, Space] = {}
    if spaces:
        low, high = min(space.low for space in spaces), max(space.high for space in spaces)
        joint["weight"] = LogUniform(low, high)
    for part in parts:
        own = {knob: space for knob, space in part.search_space.items() if knob != "weight"}
        joint |= {f"{part.name}.{knob}": space for knob, space in own.items()}
    return joint


_SHARED = ("pairs",)  # knobs that mean the same in every part
_BETWEEN_PARTS = re.compile(r"(?<![0-9][eE])\+")  # the plus of 1e+3 is none
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


def create(name: str, **knobs: Any) -> Strategy:
    """Return a strategy with its knobs set, e.g. ``create("projection", weight=0.1)``.

    Args:
        name: A registered name, or several joined with ``+`` such as ``cds+projection``. Parts
            may have a λ each, ``projection@0.5+pairwise@10``; ``weight`` multiplies them.
        knobs: ``weight`` (λ) and settings of the strategy; text is read as the setting's type. In
            a composition a setting is named ``part.knob``, or ``knob`` where one part only has it;
            ``pairs`` goes to every part.

    Raises:
        UserError: No strategy has this name, it has no such knob or refuses its value, or the
            parts make no sense together.
    """
    classes, factors = _read(name)
    if len(classes) == 1:
        return _one(classes[0], knobs)
    weight = knobs.pop("weight", 1.0)
    by_part = _by_part(classes, knobs)
    parts = tuple(_one(each, by_part[each.name]) for each in classes)
    return Composition(weight, parts, factors)


def search_space(name: str) -> dict[str, Space]:
    """Return the search space of a strategy or of a composition; empty when nothing is searched.

    Raises:
        UserError: No strategy has this name.
    """
    return common_space(_read(name)[0])


def parts_named(name: str) -> list[str]:
    """Return the parts of a name, as they are written."""
    return [each.strip() for each in _BETWEEN_PARTS.split(name)]


def weight_of(text: str, whole: str) -> float:
    """Return the λ after an ``@``; raise a `UserError` unless it is a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (math.isfinite(value) and value > 0):
        raise UserError(
            f"the λ of {whole!r} was {text!r}", allowed="a number above 0, as in projection@0.5"
        )
    return value


def check_weighs(strategy: type[Strategy], whole: str) -> None:
    """Raise a `UserError` for a strategy that is no penalty and has no λ to search."""
    if not issubclass(strategy, Penalty) and "weight" not in strategy.search_space:
        raise UserError(
            f"{whole!r} gives {strategy.name!r} a λ, which it does not have",
            next_step=strategy.name,
        )


def _read(name: str) -> tuple[list[type[Strategy]], tuple[float, ...]]:
    """Return the parts of a name with their factors of λ; (): no part has one of its own."""
    written = [each.partition("@") for each in parts_named(name)]
    classes = [get(part.strip()) for part, _, _ in written]
    if not any(at for _, at, _ in written):
        return classes, ()
    own = {
        each.name: weight_of(text, name)
        for each, (_, at, text) in zip(classes, written, strict=True)
        if at
    }
    for each in classes:
        if each.name in own:
            check_weighs(each, name)
    without = [c.name for c in classes if issubclass(c, Penalty) and c.name not in own]
    if without or len(classes) == 1:
        lacking = f"no λ to {', '.join(without)}" if without else "a λ to its only part"
        raise UserError(
            f"{name!r} gives {lacking}",
            allowed="a λ for each, as in projection@0.5+pairwise@10, or one for all",
            next_step=f"--strategy {SEPARATOR.join(each.name for each in classes)} --weight "
            f"{min(own.values()):g}",
        )
    return classes, tuple(own.get(each.name, 1.0) for each in classes)


def _one(strategy: type[Strategy], knobs: Mapping[str, Any]) -> Strategy:
    known = {each.name: each for each in _knobs_of(strategy)}
    values: dict[str, Any] = {}
    for knob, value in knobs.items():
        if knob == "weight":
            values[knob] = value
        elif knob not in known:
            raise _no_knob(strategy.name, knob, list(known))
        else:
            values[knob] = _typed(strategy.name, known[knob], value)
    return strategy(**values)


def _by_part(classes: list[type[Strategy]], knobs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give each knob to the part that it names, or that alone has one of this name."""
    found: dict[str, dict[str, Any]] = {each.name: {} for each in classes}
    full = [f"{each.name}.{knob.name}" for each in classes for knob in _knobs_of(each)]
    for knob, value in knobs.items():
        candidates = [name for name in full if knob in (name, name.partition(".")[2])]
        if not candidates or (len(candidates) > 1 and knob not in _SHARED):
            raise _no_knob(SEPARATOR.join(found), knob, candidates or full)
        for candidate in candidates:
            part, _, own = candidate.partition(".")
            found[part][own] = value
    return found


def _knobs_of(strategy: type[Strategy]) -> list[Field[Any]]:
    return [each for each in fields(strategy) if each.name != "weight"]


def _no_knob(name: str, knob: str, known: list[str]) -> UserError:
    return unknown(f"strategy {name!r} has no knob {knob!r}", knob, known)


def _typed(strategy: str, knob: Field[Any], value: Any) -> Any:
    """Return ``value``, read from text where the knob's default is a number or a truth value."""
    if not isinstance(value, str) or isinstance(knob.default, str):
        return value
    wanted: Any = type(knob.default)
    try:
        if wanted is bool:
            return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}[value.lower()]
        return wanted(value)
    except (ValueError, KeyError, TypeError):
        kinds = {bool: "true or false", int: "a whole number", float: "a number"}
        raise UserError(
            f"knob {knob.name!r} of {strategy!r} was {value!r}",
            allowed=kinds.get(wanted, wanted.__name__),
        ) from None
