"""SemBias (Zhao et al. 2018): 440 questions, each of a definition, a stereotype and two others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from debiaslab.lexicons.source import source, version_of
from debiaslab.lexicons.split import Half, check_half, half_of

Pair = tuple[str, str]


@dataclass(frozen=True)
class SemBiasRow:
    """One question: which of four pairs is most like *he : she*?

    Attributes:
        definition: A pair that differs by gender and nothing else, male word first.
        stereotype: A pair stereotyped as male and female, in that order.
        none: Two pairs that say nothing of gender.
        held_out: Whether the row is of the published held-out subset.
    """

    definition: Pair
    stereotype: Pair
    none: tuple[Pair, Pair]
    held_out: bool


@dataclass(frozen=True)
class SemBias:
    """All rows in the published order, with their source."""

    rows: tuple[SemBiasRow, ...]
    citation: str
    licence: str
    version: str

    def half(self, half: Half, *, held_out: bool = False) -> tuple[SemBiasRow, ...]:
        """Return the rows whose stereotype words are both in ``half`` (``all`` for every row).

        A row whose two stereotype words are in different halves is in ``all`` only: a strategy
        that acts on tune words has then touched one side of it. ``held_out`` keeps the 40 rows of
        the published held-out subset.

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        check_half(half)
        return tuple(
            row
            for row in self.rows
            if (row.held_out or not held_out)
            and (half == "all" or all(half_of(word) == half for word in row.stereotype))
        )


@cache
def load_sembias() -> SemBias:
    """Return the published 440 rows: 22 definition pairs times 20 stereotype pairs."""
    document = source("sembias")
    none = [_pair(pair) for pair in document["none"]]
    held_out = {_pair(pair) for pair in document["held_out"]}
    rows = tuple(
        SemBiasRow(definition, _pair(stereotype), (none[i], none[j]), definition in held_out)
        for definition, fillers in zip(
            map(_pair, document["definition"]), document["fillers"], strict=True
        )
        for stereotype, (i, j) in zip(document["stereotype"], fillers, strict=True)
    )
    content = [document[key] for key in ("definition", "stereotype", "none", "fillers")]
    return SemBias(
        rows=rows,
        citation=document["citation"],
        licence=document["licence"],
        version=version_of(document["version"], content),
    )


def _pair(words: list[str]) -> Pair:
    first, second = words
    return first, second
