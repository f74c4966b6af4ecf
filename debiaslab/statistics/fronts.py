"""Pareto fronts of bias and retention, and the area they dominate."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]  # (bias, retention): less of the one is better, more of the other


def front_of(points: Sequence[Point]) -> list[int]:
    """Return which points no other beats in both, by rising bias; of equal points the first.

    A caller for whom retention above 1 is no gain gives 1 instead.
    """
    front: list[int] = []
    most = -math.inf
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if points[i][1] > most:
            front.append(i)
            most = points[i][1]
    return front


def hypervolume(points: Sequence[Point], bias: float) -> float:
    """Return the share of the box from (``bias``, 0) to (0, 1) that the points dominate.

    Args:
        points: Of the trials or strategies; retention above 1 counts as 1, as in the score.
        bias: Of the baseline: with retention 0 the reference point. A point with more is nothing.
    """
    inside = [(max(x, 0.0), max(0.0, min(kept, 1.0))) for x, kept in points if x < bias]
    if not inside or bias <= 0:
        return 0.0
    front = [inside[i] for i in front_of(inside)]
    ends = [x for x, _ in front[1:]] + [bias]
    return sum((end - x) * kept for (x, kept), end in zip(front, ends, strict=True)) / bias
