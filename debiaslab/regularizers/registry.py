"""The registry of debiasing strategies: one file of this folder and one decorator adds one.

Another package adds its own by an entry point of the group ``debiaslab.strategies`` that names the
module with its ``@register``.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from importlib.abc import InspectLoader
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

from debiaslab.errors import UserError, nearest

Stage = Literal["none", "pre", "in", "post"]
ENTRY_POINTS = "debiaslab.strategies"  # group under which other packages name their modules


@dataclass(frozen=True)
class LogUniform:
    """A search space on a logarithmic scale."""

    low: float
    high: float


@dataclass(frozen=True)
class Uniform:
    """A search space of numbers, both ends included."""

    low: float
    high: float


@dataclass(frozen=True)
class Int:
    """A search space of whole numbers, both ends included."""

    low: int
    high: int


@dataclass(frozen=True)
class Choice:
    """A search space of named values without an order."""

    options: tuple[str, ...]


Space: TypeAlias = "LogUniform | Uniform | Int | Choice"


@dataclass(frozen=True)
class Strategy:
    """What is done about bias; ``weight`` is λ, the weight of its penalty in the joint loss."""

    weight: float = 1.0

    name: ClassVar[str] = ""  # set by `register`
    stage: ClassVar[Stage] = "none"
    citation: ClassVar[str] = ""
    search_space: ClassVar[Mapping[str, Space]] = {}  # of λ (weight) and of other knobs
    control: ClassVar[bool] = False  # there to be compared with, not to be used

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise UserError(
                f"λ (--weight) was {self.weight!r}",
                allowed="a number that is 0 or above",
                next_step="--weight 0.1",
            )

    def check_size(self, pairs: int, dim: int) -> None:
        """Refuse knobs that ask for more than there is: asked before training.

        Args:
            pairs: Gender pairs of its choice that the vocabulary has.
            dim: Length of the vectors.

        Raises:
            UserError: A knob asks for more.
        """

    def knobs(self) -> dict[str, Any]:
        """Return the settings besides λ, by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)[1:]}


_REGISTRY: dict[str, type[Strategy]] = {}
_FORMER: set[str] = set()  # names of it that are not listed


def _load_others() -> None:
    _load_files()
    _load_entry_points()


@cache
def _load_files() -> None:
    """Import the files of this folder with a ``@register`` that nothing imports; once a process."""
    package = __name__.rpartition(".")[0]
    for found in iter_modules(sys.modules[package].__path__, f"{package}."):
        if found.name not in sys.modules and "@register(" in _source(found.name):
            import_module(found.name)


def _source(module: str) -> str:
    """Return a module's text without importing it: compiled loops would take seconds to load."""
    found = find_spec(module)
    loader = found.loader if found else None
    return (loader.get_source(module) or "") if isinstance(loader, InspectLoader) else ""


@cache
def _load_entry_points() -> None:
    """Import the modules of other packages that register strategies; once a process."""
    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as error:  # whatever another package does must not take ours down
            warnings.warn(
                f"the strategies of {point.value!r} cannot be loaded "
                f"({type(error).__name__}: {error})",
                stacklevel=3,
            )


S = TypeVar("S", bound=type[Strategy])


def register(name: str, *, former: bool = False) -> Callable[[S], S]:
    """Return a class decorator that makes a strategy known under ``name``.

    Args:
        name: Its name in studies, files and commands.
        former: Whether the name is only there for studies and files that still have it: such a
            strategy can be asked for and is not listed.

    Raises:
        ValueError: The name is taken.
    """

    def add(cls: S) -> S:
        if name in _REGISTRY:
            raise ValueError(f"a strategy named {name!r} is registered already")
        cls.name = name
        _REGISTRY[name] = cls
        if former:
            _FORMER.add(name)
        return cls

    return add


def strategy_names() -> list[str]:
    """Return the registered names in alphabetical order, without former ones."""
    _load_others()
    return sorted(_REGISTRY.keys() - _FORMER)


def get(name: str) -> type[Strategy]:
    """Return the strategy registered as ``name``; raise a `UserError` if there is none."""
    if name not in _REGISTRY:
        _load_others()
    if name in _REGISTRY:
        return _REGISTRY[name]
    bare, bracket, knobs = name.partition("[")
    if bracket:
        given = "".join(f" --knob {knob}" for knob in knobs.rstrip("]").split(";"))
        raise UserError(
            f"{name!r} has its knobs in brackets, which compare alone reads",
            next_step=f"--strategy {bare}{given}",
        )
    known = strategy_names()
    methods = [each for each in known if not _REGISTRY[each].control]
    raise UserError(
        f"there is no strategy {name!r}",
        allowed=f"{', '.join(methods)}, and {len(known) - len(methods)} controls",
        nearest=nearest(name, _REGISTRY),
        next_step="python -m debiaslab strategies",
    )
