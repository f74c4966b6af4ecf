"""One word embedding association test: four lists, and their halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from debiaslab.lexicons.lists import Lexicon
from debiaslab.lexicons.split import Half


class WordSets(NamedTuple):
    """The words of a test: targets X and Y, attributes A and B."""

    X: tuple[str, ...]
    Y: tuple[str, ...]
    A: tuple[str, ...]
    B: tuple[str, ...]


@dataclass(frozen=True)
class AssociationTest:
    """A WEAT, turned so that a positive effect is the stereotype.

    Of the tests about gender, 6 and 6b have it in the targets (X male, Y female; A career,
    B family), as published; the others have it in the attributes (A male, B female). ``published``
    tells the tests of Caliskan et al. (2017) and May et al. (2019) from those with lists of this
    project or of a user's file.
    """

    name: str
    label: str
    X: Lexicon
    Y: Lexicon
    A: Lexicon
    B: Lexicon
    published: bool

    def half(self, half: Half) -> WordSets:
        """Return the words of one half (``all`` for both) as published: names have capitals.

        In cased vectors *Bill* is then not taken for *bill*; a lower-cased vocabulary has to be
        asked for the lower-cased word, as the metrics do. A half of a short set may have fewer
        words than a test needs.

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        sets = (self.X, self.Y, self.A, self.B)
        return WordSets(*(each.half(half, cased=True) for each in sets))
