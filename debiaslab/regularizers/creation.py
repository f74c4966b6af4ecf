"""Strategies by name and knobs: one, or several joined with ``+``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from debiaslab.errors import UserError, nearest
from debiaslab.regularizers.composition import SEPARATOR, Composition, common_space
from debiaslab.regularizers.penalty import Penalty
from debiaslab.regularizers.registry import Space, Strategy, get

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
    """Return the λ that is written after an ``@``.

    Raises:
        UserError: It is not a number above 0.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (math.isfinite(value) and value > 0):
        raise UserError(
            f"the λ of {whole!r} was {text!r}",
            allowed="a number above 0, as in projection@0.5",
        )
    return value


def check_weighs(strategy: type[Strategy], whole: str) -> None:
    """Refuse a λ for a strategy that has none.

    Raises:
        UserError: It is neither a penalty, nor has it a λ to search.
    """
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
    return UserError(
        f"strategy {name!r} has no knob {knob!r}",
        allowed=", ".join(known) or "none",
        nearest=nearest(knob, known),
    )


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
