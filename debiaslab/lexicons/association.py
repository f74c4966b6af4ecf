"""Word embedding association tests (WEAT): which four lists each test compares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from debiaslab.errors import UserError, nearest
from debiaslab.lexicons.load import Lexicon, load
from debiaslab.lexicons.split import Half

OBJECTIVE_TESTS: tuple[str, ...] = ("occupations", "career-family", "math-arts", "science-arts")


class WordSets(NamedTuple):
    """The words of a test: targets X and Y, attributes A and B."""

    X: tuple[str, ...]
    Y: tuple[str, ...]
    A: tuple[str, ...]
    B: tuple[str, ...]


@dataclass(frozen=True)
class AssociationTest:
    """A WEAT, turned so that a positive effect is the stereotype.

    Tests 6 and 6b have gender in the targets (X male, Y female; A career, B family), as published;
    all others have it in the attributes (A male, B female). ``published`` tells the tests of
    Caliskan et al. (2017) and May et al. (2019) from those with lists of this project.
    """

    name: str
    label: str
    X: Lexicon
    Y: Lexicon
    A: Lexicon
    B: Lexicon
    published: bool

    def half(self, half: Half) -> WordSets:
        """Return the words of one half (``all`` for both).

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        return WordSets(*(each.half(half) for each in (self.X, self.Y, self.A, self.B)))


def association_tests() -> tuple[AssociationTest, ...]:
    """Return all tests: the four published ones, then those of `OBJECTIVE_TESTS`."""
    return tuple(_tests().values())


def association_test(name: str) -> AssociationTest:
    """Return the test called ``name``.

    Raises:
        UserError: There is no such test.
    """
    try:
        return _tests()[name]
    except KeyError:
        known = list(_tests())
        raise UserError(
            f"there is no association test called {name!r}",
            allowed=", ".join(known),
            nearest=nearest(name, known),
        ) from None


@cache
def _tests() -> dict[str, AssociationTest]:
    gender = "male_words female_words"
    return {
        test.name: test
        for test in (
            _test(
                "6",
                "WEAT 6: male/female names × career/family",
                "male_names female_names career family",
                published=True,
            ),
            _test(
                "6b",
                "WEAT 6b: male/female terms × career/family",
                "male_terms female_terms career family",
                published=True,
            ),
            _test(
                "7",
                "WEAT 7: math/arts × male/female terms",
                "math arts male_terms female_terms",
                published=True,
            ),
            _test(
                "8",
                "WEAT 8: science/arts × male/female terms",
                "science arts_2 male_terms_2 female_terms_2",
                published=True,
            ),
            _test(
                "occupations",
                "occupations stereotyped male/female × male/female words",
                f"occupations_male occupations_female {gender}",
            ),
            _test(
                "career-family",
                "career/family (extended) × male/female words",
                f"career_extended family_extended {gender}",
            ),
            _test(
                "math-arts",
                "math/arts (extended) × male/female words",
                f"math_extended arts_extended {gender}",
            ),
            _test(
                "science-arts",
                "science/arts (extended) × male/female words",
                f"science_extended arts_extended {gender}",
            ),
        )
    }


def _test(name: str, label: str, lists: str, *, published: bool = False) -> AssociationTest:
    X, Y, A, B = (load(each) for each in lists.split())
    return AssociationTest(name, label, X, Y, A, B, published)
