"""Word embedding association tests (WEAT): which four lists each test compares."""

from __future__ import annotations

from functools import cache

from debiaslab.lexicons.association_test import AssociationTest, WordSets
from debiaslab.lexicons.load import load, unknown

__all__ = [
    "OBJECTIVE_TESTS",
    "AssociationTest",
    "WordSets",
    "association_test",
    "association_tests",
]

OBJECTIVE_TESTS: tuple[str, ...] = ("occupations", "career-family", "math-arts", "science-arts")


def association_tests() -> tuple[AssociationTest, ...]:
    """Return all tests: 6, 6b, 7 and 8, those of `OBJECTIVE_TESTS`, the other published ones."""
    return tuple(_tests().values())


def association_test(name: str) -> AssociationTest:
    """Return the test called ``name``.

    Raises:
        UserError: There is no such test.
    """
    try:
        return _tests()[name]
    except KeyError:
        raise unknown("association test", name, _tests()) from None


_GENDER = "male_words female_words"
_PUBLISHED_ABOUT_GENDER = (  # name, label, the lists of X, Y, A and B
    ("6", "male/female names × career/family", "male_names female_names career family"),
    ("6b", "male/female terms × career/family", "male_terms female_terms career family"),
    ("7", "math/arts × male/female terms", "math arts male_terms female_terms"),
    ("8", "science/arts × male/female terms", "science arts_2 male_terms_2 female_terms_2"),
)
_OF_THIS_PROJECT = (
    (
        "occupations",
        "occupations stereotyped male/female × male/female words",
        f"occupations_male occupations_female {_GENDER}",
    ),
    (
        "career-family",
        "career/family (extended) × male/female words",
        f"career_extended family_extended {_GENDER}",
    ),
    (
        "math-arts",
        "math/arts (extended) × male/female words",
        f"math_extended arts_extended {_GENDER}",
    ),
    (
        "science-arts",
        "science/arts (extended) × male/female words",
        f"science_extended arts_extended {_GENDER}",
    ),
)
_AMERICAN_NAMES = "European/African American names × pleasant/unpleasant"
_AMERICAN_TERMS = "European/African American terms × pleasant/unpleasant"
_OTHER_PUBLISHED = (
    ("7b", "math/arts × male/female names", "math arts male_names female_names"),
    ("8b", "science/arts × male/female names", "science arts_2 male_names female_names"),
    ("1", "flowers/insects × pleasant/unpleasant", "flowers insects pleasant_5 unpleasant_5a"),
    (
        "2",
        "instruments/weapons × pleasant/unpleasant",
        "instruments weapons pleasant_5 unpleasant_5a",
    ),
    (
        "3",
        _AMERICAN_NAMES,
        "european_american_names_5 african_american_names_5 pleasant_5 unpleasant_5b",
    ),
    (
        "3b",
        _AMERICAN_TERMS,
        "european_american_terms african_american_terms pleasant_5 unpleasant_5b",
    ),
    (
        "4",
        f"{_AMERICAN_NAMES} (other names)",
        "european_american_names_7 african_american_names_7 pleasant_5 unpleasant_5b",
    ),
    (
        "5",
        f"{_AMERICAN_NAMES} (short)",
        "european_american_names_7 african_american_names_7 pleasant_9 unpleasant_9",
    ),
    (
        "5b",
        f"{_AMERICAN_TERMS} (short)",
        "european_american_terms african_american_terms pleasant_9 unpleasant_9",
    ),
    (
        "9",
        "mental/physical disease × temporary/permanent",
        "mental_disease physical_disease temporary permanent",
    ),
    (
        "10",
        "young/old people's names × pleasant/unpleasant",
        "young_people_names old_people_names pleasant_9 unpleasant_9",
    ),
)


@cache
def _tests() -> dict[str, AssociationTest]:
    return {
        **{row[0]: _published(*row) for row in _PUBLISHED_ABOUT_GENDER},
        **{row[0]: _test(*row, published=False) for row in _OF_THIS_PROJECT},
        **{row[0]: _published(*row) for row in _OTHER_PUBLISHED},
    }


def _published(name: str, label: str, lists: str) -> AssociationTest:
    return _test(name, f"WEAT {name}: {label}", lists, published=True)


def _test(name: str, label: str, lists: str, *, published: bool) -> AssociationTest:
    X, Y, A, B = (load(each) for each in lists.split())
    return AssociationTest(name, label, X, Y, A, B, published)
