"""What a report holds, before it is written in any format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from debiaslab.report.figures.spots import Spot
from debiaslab.report.pages.neighbors import NeighborIndex
from debiaslab.tables import Table


@dataclass(frozen=True)
class Drawing:
    """A figure as a report holds it.

    Attributes:
        name: Short, for a file name and an anchor.
        title: What the figure states; also written in it.
        description: What is to be seen, for those who cannot see it and as its caption.
        png: The picture.
        spots: What its points are, told by the page to whoever points at one.
    """

    name: str
    title: str
    description: str
    png: bytes
    spots: tuple[Spot, ...] = ()


@dataclass(frozen=True)
class StudyReport:
    """The report of one study.

    Attributes:
        title: Name of the study.
        question: What it asks.
        headline: What it found, in one sentence, with its interval.
        warnings: What keeps the finding from being trusted.
        corpus: What the text is, by name.
        method: How it was done, by name.
        budget: What it cost, by name.
        drawings: The figures.
        tables: The tables.
        neighbors: Neighbours before and after; None when no trial has finished.
        held_out: Paragraphs: which words were tuned on, and which were not.
        formula: The objective, as text.
        commands: What to type to do it again.
        origin: Code, versions, machine, fingerprint, by name.
        diff: Changes to the source that were not committed; empty when there were none.
    """

    title: str
    question: str
    headline: str
    warnings: tuple[str, ...]
    corpus: Mapping[str, str]
    method: Mapping[str, str]
    budget: Mapping[str, str]
    drawings: Sequence[Drawing]
    tables: Sequence[Table]
    neighbors: NeighborIndex | None
    held_out: tuple[str, ...]
    formula: str
    commands: tuple[str, ...]
    origin: Mapping[str, str]
    diff: str
