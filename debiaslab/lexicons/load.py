"""The lists that ship with the package, by name; each file is validated when it is first read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from debiaslab.errors import UserError, nearest
from debiaslab.lexicons.attributes import Attribute
from debiaslab.lexicons.document import LexiconFile, parse
from debiaslab.lexicons.lists import Lexicon, PairLexicon
from debiaslab.lexicons.source import SOURCES, VERSIONED_SOURCES, source, version_of
from debiaslab.lexicons.split import SALT

GENDER_PAIRS = "gender_pairs"


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
    """Return the word list called ``name`` (see `names`).

    Raises:
        UserError: There is no such word list.
    """
    try:
        return _lexicons()[name]
    except KeyError:
        raise unknown("word list", name, names()) from None


def load_pairs(name: str) -> PairLexicon:
    """Return the pair list called ``name`` (see `pair_names`), the male word first in each pair.

    Raises:
        UserError: There is no such pair list.
    """
    try:
        return _pair_lexicons()[name]
    except KeyError:
        raise unknown("pair list", name, pair_names()) from None


def attribute(name: str) -> Attribute:
    """Return the attribute called ``name``, such as ``religion`` (see `attributes`).

    Raises:
        UserError: There is no such attribute.
    """
    try:
        return _attributes()[name]
    except KeyError:
        raise unknown("attribute", name, _attributes()) from None


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


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error about a name that nothing has."""
    known = list(known)
    return UserError(
        f"there is no {kind} called {name!r}",
        allowed=", ".join(known),
        nearest=nearest(name, known),
    )
