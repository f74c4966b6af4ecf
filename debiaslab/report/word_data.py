"""What the word figures draw, as plain values: words before (baseline) and after (run)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from debiaslab.lexicons import Half, SplitHalf
from debiaslab.metrics.bootstrap import Interval

Points = NDArray[np.float64]  # shape (n, 2)


@dataclass(frozen=True)
class Shift:
    """One word's lean to *he* (positive) or *she*, before and after."""

    word: str
    before: float
    after: float
    half: SplitHalf


@dataclass(frozen=True)
class MappedWords:
    """Words in the plane, before and after, each space by itself.

    Attributes:
        words: The words.
        groups: What each is: ``male``, ``female``, or the name of its list.
        before: Shape ``(n, 2)``.
        after: Shape ``(n, 2)``.
        shares: Share of the words' variance that lies along the gender direction, before and after.
    """

    words: tuple[str, ...]
    groups: tuple[str, ...]
    before: Points
    after: Points
    shares: tuple[float, float]


@dataclass(frozen=True)
class Association:
    """One association test, word by word: ``s(w, A, B)`` of each target word.

    Attributes:
        test: Name of the test.
        half: Which half of the words.
        target: ``X`` or ``Y``.
        list: Name of the target list.
        words: The target words.
        before: ``s`` of each in the baseline.
        after: ``s`` of each in the run.
        before_interval: 95 % bootstrap interval of the mean over words.
        after_interval: The same, after.
    """

    test: str
    half: Half
    target: Literal["X", "Y"]
    list: str
    words: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    before_interval: Interval
    after_interval: Interval


@dataclass(frozen=True)
class NeighborScatter:
    """Professions: how they lean in the baseline, and how their neighbours do.

    Attributes:
        words: The professions.
        bias: ``cos(w, he) − cos(w, she)`` in the baseline.
        shares: Share of male-leaning words among the neighbours.
        r: Their correlation; None when it was not measured.
        interval: 95 % bootstrap interval of ``r`` over professions.
        neighbors: How many neighbours were looked at.
    """

    words: tuple[str, ...]
    bias: tuple[float, ...]
    shares: tuple[float, ...]
    r: float | None
    interval: Interval
    neighbors: int


@dataclass(frozen=True)
class Clusters:
    """The words that lean most in the baseline, in the plane, before and after.

    Attributes:
        words: The words.
        male: Which of them lean to *he* in the baseline, shape ``(n,)``.
        before: t-SNE of the baseline's unit vectors, shape ``(n, 2)``.
        after: t-SNE of the run's.
        alignment_before: k-means alignment with the labels (0.5 is chance).
        alignment_after: The same, after; None where it was not measured.
        side: Words drawn of each label.
    """

    words: tuple[str, ...]
    male: NDArray[np.bool_]
    before: Points
    after: Points
    alignment_before: float | None
    alignment_after: float | None
    side: int
