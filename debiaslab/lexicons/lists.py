"""Word lists and pair lists: the words, where they come from, and their two halves."""

from __future__ import annotations

from dataclasses import dataclass

from debiaslab.lexicons.split import Half, check_half, half_of_all, in_half


@dataclass(frozen=True)
class Lexicon:
    """One named list of words; joined phrases are written with ``_``.

    Attributes:
        name: What `load` knows it by.
        words: The words, lower-cased: what a lower-cased vocabulary holds.
        cased: The same words in the same order as published, proper names with their capitals:
            what to look up where the vectors may be cased (*Bill* is not *bill* there).
        citation: Publication and place in it.
        licence: Terms of the source.
        version: Declared version and digest of the content.
        people: Whether the words are names of people, which no penalty covers for being listed.
    """

    name: str
    words: tuple[str, ...]
    cased: tuple[str, ...]
    citation: str
    licence: str
    version: str
    people: bool = False

    def half(self, half: Half, *, cased: bool = False) -> tuple[str, ...]:
        """Return the words of one half (``all`` for both), in their order.

        Args:
            half: Which half.
            cased: As published instead of lower-cased.

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        return in_half(self.cased if cased else self.words, half)


@dataclass(frozen=True)
class PairLexicon:
    """One named list of pairs; in every list that ships the male word is first."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    citation: str
    licence: str
    version: str

    def half(self, half: Half) -> tuple[tuple[str, str], ...]:
        """Return the pairs of one half (``all`` for both).

        In the lists that ship both words of a pair share their half; a pair of a user's file whose
        words do not is in neither.

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        check_half(half)
        return tuple(pair for pair in self.pairs if half in ("all", half_of_all(pair)))
