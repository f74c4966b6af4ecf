"""The headline of a comparison: what the fronts of penalties and of post-processing dominate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from debiaslab.results import Side
from debiaslab.statistics.fronts import Point, hypervolume
from debiaslab.statistics.t_interval import half_width

GROUPS = {
    "pre": "the text changed",
    "in": "in-processing",
    "post": "post-processing",
    "several": "several stages",
}
"""What acts at one stage of training, by stage, and what acts at several."""
_REFERENCE = (
    "Hypervolume of the fronts of bias and retention: the share that is dominated of the box\n"
    "from the baseline's bias at retention 0 (the reference point, of the same seed) to no bias\n"
    "at retention 1, on report words and report pairs; mean ± half of the 95 % t interval over\n"
    "seeds. A kind with more strategies has more chances; controls are left out."
)

_NO_RATIO = "post-processing's is 0, or one of the two not measured,"


@dataclass(frozen=True)
class FrontVolume:
    """The hypervolume of the strategies of one kind.

    Attributes:
        group: A key of ``GROUPS``.
        strategies: Labels of those that have a number with any seed.
        by_seed: Hypervolume with each seed, in [0, 1]; None where nothing was measured.
    """

    group: str
    strategies: tuple[str, ...]
    by_seed: tuple[float | None, ...]


@dataclass(frozen=True)
class Headline:
    """Front of in-processing over front of post-processing, as the ratio of hypervolumes.

    Attributes:
        mean: Over the seeds that have both.
        half_width: Half of the 95 % t interval of the ratios; None with one seed.
        n: Seeds.
    """

    mean: float
    half_width: float | None
    n: int


def group_of(side: Side) -> str | None:
    """Return the kind of a side; None for the baseline and for controls."""
    if side.control or side.stage == "none":
        return None
    return side.stage if side.stage in GROUPS else "several"


def point_of(side: Side, i: int) -> Point | None:
    """Return bias and retention of one seed on report words; None when one was not measured."""
    outcome = side.outcomes[i] or {}
    bias, kept = outcome.get("bias_report"), outcome.get("retention_report")
    return None if bias is None or kept is None else (bias, kept)


def front_volumes(sides: Sequence[Side]) -> tuple[FrontVolume, ...]:
    """Return the hypervolume of every kind that is there; ``sides[0]`` is the baseline."""
    baseline = sides[0]
    found = []
    for group in GROUPS:
        own = [side for side in sides if group_of(side) == group]
        volumes = []
        measured: dict[str, None] = {}
        for i in range(len(baseline.cards)):
            reference = point_of(baseline, i)
            here = {side.label: p for side in own if (p := point_of(side, i)) is not None}
            measured |= dict.fromkeys(here)
            known = reference is not None and bool(here)
            volumes.append(
                hypervolume(list(here.values()), reference[0]) if known and reference else None
            )
        if measured:
            found.append(FrontVolume(group, tuple(measured), tuple(volumes)))
    return tuple(found)


def headline(volumes: Sequence[FrontVolume]) -> Headline | None:
    """Return in-processing over post-processing; None when one of them was not compared."""
    by_group = {each.group: each.by_seed for each in volumes}
    if not {"in", "post"} <= by_group.keys():
        return None
    both = zip(by_group["in"], by_group["post"], strict=True)
    ratios = [a / b for a, b in both if a is not None and b]
    return Headline(mean(ratios), half_width(ratios), len(ratios)) if ratios else None


def front_text(sides: Sequence[Side]) -> str:
    """Return the hypervolumes, and the headline or what it lacks."""
    volumes = front_volumes(sides)
    named = [(_named(each), _number(each.by_seed)) for each in volumes]
    width = max((len(name) for name, _ in named), default=0)
    lines = [_REFERENCE, *(f"  {name:<{width}}  {number}" for name, number in named)]
    ratio = headline(volumes)
    if ratio is not None:
        spread = "" if ratio.half_width is None else f" ±{ratio.half_width:.3f}"
        seeds = len(sides[0].cards)
        of = "" if ratio.n == seeds else f" ({ratio.n} of {seeds} seeds; {_NO_RATIO} in the others)"
        lines.append(f"  in-processing over post-processing: {ratio.mean:.3f}{spread}{of}")
    else:
        there = {each.group for each in volumes}
        lacking = [GROUPS[group] for group in ("in", "post") if group not in there]
        reason = f"{' and '.join(lacking)} is not in this comparison"
        reason = reason if lacking else f"{_NO_RATIO} in every seed"
        lines.append(f"  in-processing over post-processing: not measured ({reason})")
    return "\n".join(lines)


def _named(volume: FrontVolume) -> str:
    count = len(volume.strategies)
    return f"{GROUPS[volume.group]} ({count} {'strategy' if count == 1 else 'strategies'})"


def _number(by_seed: Sequence[float | None]) -> str:
    values = [value for value in by_seed if value is not None]
    if not values:
        return "–"
    spread = half_width(values)
    return f"{mean(values):.3f}" + ("" if spread is None else f" ±{spread:.3f}")
