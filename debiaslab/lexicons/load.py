"""The lists and tests that ship with the package, by name, and a user's own file.

Each file is validated when it is first read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from debiaslab.errors import require_known
from debiaslab.lexicons.document import LexiconFile, parse
from debiaslab.lexicons.lists import (
    SALT,
    SOURCES,
    VERSIONED_SOURCES,
    AssociationTest,
    Attribute,
    Lexicon,
    PairLexicon,
    read_document,
    source,
    version_of,
)

T = TypeVar("T")
GENDER_PAIRS = "gender_pairs"
OBJECTIVE_TESTS: tuple[str, ...] = ("occupations", "career-family", "math-arts", "science-arts")


@dataclass(frozen=True)
class Profession:
    """One occupation with its crowd scores in -1..1, positive = male (Bolukbasi et al. 2016).

    ``definitional``: how far the word means a gender; ``stereotype``: how far the occupation is
    stereotyped beyond its meaning.
    """

    word: str
    definitional: float
    stereotype: float


def load(name: str) -> Lexicon:
    """Return the word list called ``name`` (see `names`); raise a `UserError` if there is none."""
    return called("word list", name, _lexicons())


def load_pairs(name: str) -> PairLexicon:
    """Return a pair list by name (see `pair_names`), the male word first in each pair."""
    return called("pair list", name, _pair_lexicons())


def attribute(name: str) -> Attribute:
    """Return an attribute by name, such as ``religion``; raise a `UserError` if there is none."""
    return called("attribute", name, _attributes())


def attributes() -> tuple[Attribute, ...]:
    """Return all attributes: gender, race, religion, and those with lists of other studies."""
    return tuple(_attributes().values())


def names() -> list[str]:
    """Return the names of all word lists, those of one source together."""
    return list(_lexicons())


def pair_names() -> list[str]:
    """Return the names of all pair lists."""
    return list(_pair_lexicons())


@cache
def professions() -> tuple[Profession, ...]:
    """Return the 320 professions of Bolukbasi et al. (2016) with their two crowd scores."""
    scores = source("bolukbasi_professions")["words"]["professions"]["words"]
    return tuple(Profession(word, **both) for word, both in scores.items())


def versions() -> dict[str, str]:
    """Return the version of each list, attribute and table of words.

    Keys are the names of word lists and pair lists, ``attribute_<name>``, the sources that hold no
    list of their own (first names and such), and ``split``: the salt of the split. This is what a
    run has to record to say which words it used.
    """
    lists = {name: lexicon.version for name, lexicon in _lexicons().items()}
    pairs = {name: lexicon.version for name, lexicon in _pair_lexicons().items()}
    of_attributes = {f"attribute_{each.name}": each.version for each in attributes()}
    tables = {name: version_of(source(name)["version"], source(name)) for name in VERSIONED_SOURCES}
    return lists | pairs | of_attributes | tables | {"split": SALT}


@cache
def shipped() -> tuple[LexiconFile, ...]:
    """Return the files that ship, each validated, the gender lists first."""
    files = (parse(source(name), f"{name}.json", shared=dict) for name in SOURCES)
    return tuple(_with_gender_pairs(each) for each in files)


@cache
def _lexicons() -> dict[str, Lexicon]:
    return {name: each for file in shipped() for name, each in file.lexicons.items()}


@cache
def _pair_lexicons() -> dict[str, PairLexicon]:
    return {name: each for file in shipped() for name, each in file.pairs.items()}


@cache
def _attributes() -> dict[str, Attribute]:
    return {name: each for file in shipped() for name, each in file.attributes.items()}


def _with_gender_pairs(file: LexiconFile) -> LexiconFile:
    """Add the gender attributes pair by pair: the definitional pairs that a penalty uses."""
    if file.name != "gender_attributes":
        return file
    male, female = file.lexicons["male_words"], file.lexicons["female_words"]
    pairs = tuple(zip(male.words, female.words, strict=True))
    lexicon = PairLexicon(
        name=GENDER_PAIRS,
        pairs=pairs,
        citation=f"{file.citation}; {file.notes}",
        licence=file.licence,
        version=version_of(file.version, pairs),
    )
    return replace(file, pairs={GENDER_PAIRS: lexicon})


def load_file(path: str | Path) -> LexiconFile:
    """Read and validate a lexicon file (schema: see ``schema.Document``).

    An attribute may name a list of the file or one that ships. Nothing is added to the lists that
    ship: the halves of the words are the same as everywhere, and no penalty looks at the file.

    Raises:
        UserError: The file cannot be read, is not JSON or YAML, or breaks the schema; one
            sentence that names the entry.
    """
    path = Path(path)
    return parse(
        read_document(path),
        path.name,
        shared=lambda: {name: load(name) for name in names()},
        default_name=path.stem,
    )


def called(kind: str, name: str, known: Mapping[str, T]) -> T:
    """Return what has a name; raise a `UserError` where nothing of its kind has it."""
    require_known(name, known, f"there is no {kind} called {name!r}")
    return known[name]


# Association tests ----------------------------------------------------------------------------


def association_tests() -> tuple[AssociationTest, ...]:
    """Return all tests: 6, 6b, 7 and 8, those of `OBJECTIVE_TESTS`, the other published ones."""
    return tuple(_tests().values())


def association_test(name: str) -> AssociationTest:
    """Return the test called ``name``; raise a `UserError` if there is none."""
    return called("association test", name, _tests())


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
