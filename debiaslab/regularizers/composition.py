"""Several strategies as one: ``cds+projection``, ``projection+leace``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from debiaslab.errors import UserError
from debiaslab.regularizers.penalty import Penalty, PenaltyWords
from debiaslab.regularizers.registry import LogUniform, Space, Strategy

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
