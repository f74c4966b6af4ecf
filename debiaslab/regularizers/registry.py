"""The registry of debiasing strategies: one file and one decorator adds one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, TypeVar

from debiaslab.errors import UserError, nearest

Stage = Literal["none", "pre", "in", "post"]


@dataclass(frozen=True)
class LogUniform:
    """A search space on a logarithmic scale."""

    low: float
    high: float


@dataclass(frozen=True)
class Strategy:
    """What is done about bias; ``weight`` is λ, the weight of its penalty in the joint loss."""

    weight: float = 1.0

    name: ClassVar[str] = ""  # set by `register`
    stage: ClassVar[Stage] = "none"
    citation: ClassVar[str] = ""
    search_space: ClassVar[dict[str, LogUniform]] = {}

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise UserError(
                f"λ (--weight) was {self.weight!r}",
                allowed="a number that is 0 or above",
                next_step="--weight 0.1",
            )


_REGISTRY: dict[str, type[Strategy]] = {}
S = TypeVar("S", bound=type[Strategy])


def register(name: str) -> Callable[[S], S]:
    """Return a class decorator that makes a strategy known under ``name``.

    Raises:
        ValueError: The name is taken.
    """

    def add(cls: S) -> S:
        if name in _REGISTRY:
            raise ValueError(f"a strategy named {name!r} is registered already")
        cls.name = name
        _REGISTRY[name] = cls
        return cls

    return add


def strategy_names() -> list[str]:
    """Return the registered names in alphabetical order."""
    return sorted(_REGISTRY)


def get(name: str) -> type[Strategy]:
    """Return the strategy class registered as ``name``.

    Raises:
        UserError: No strategy has this name.
    """
    if name in _REGISTRY:
        return _REGISTRY[name]
    raise UserError(
        f"there is no strategy {name!r}",
        allowed=", ".join(strategy_names()),
        nearest=nearest(name, _REGISTRY),
        next_step="python -m debiaslab strategies",
    )


def create(name: str, **knobs: Any) -> Strategy:
    """Return the strategy registered as ``name`` with its knobs set, e.g. ``weight=0.1``.

    Raises:
        UserError: The strategy has no such knob, or refuses its value.
    """
    strategy = get(name)
    known = [field.name for field in fields(strategy) if field.name != "weight"]
    for knob in knobs:
        if knob not in (*known, "weight"):
            raise UserError(
                f"strategy {name!r} has no knob {knob!r}",
                allowed=", ".join(known) or "none",
                nearest=nearest(knob, known),
            )
    return strategy(**knobs)
