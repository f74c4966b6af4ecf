"""Named word lists and pair lists, each with its citation, licence, version and halves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from debiaslab.errors import UserError, nearest
from debiaslab.lexicons.source import LIST_SOURCES, PAIR_SOURCES, source, version_of
from debiaslab.lexicons.split import SALT, Half, check_half, half_of, in_half

GENDER_PAIRS = "gender_pairs"


@dataclass(frozen=True)
class Lexicon:
    """One named list of lower-cased words; joined phrases are written with ``_``."""

    name: str
    words: tuple[str, ...]
    citation: str
    licence: str
    version: str

    def half(self, half: Half) -> tuple[str, ...]:
        """Return the words of one half (``all`` for both), in their order.

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        return in_half(self.words, half)


@dataclass(frozen=True)
class PairLexicon:
    """One named list of gender pairs, the male word always first."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    citation: str
    licence: str
    version: str

    def half(self, half: Half) -> tuple[tuple[str, str], ...]:
        """Return the pairs of one half (``all`` for both); both words of a pair share their half.

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        check_half(half)
        return tuple(pair for pair in self.pairs if half in ("all", half_of(pair[0])))


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
        raise _unknown("word list", name, names()) from None


def load_pairs(name: str) -> PairLexicon:
    """Return the pair list called ``name`` (see `pair_names`), the male word first in each pair.

    Raises:
        UserError: There is no such pair list.
    """
    try:
        return _pair_lexicons()[name]
    except KeyError:
        raise _unknown("pair list", name, pair_names()) from None


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
    """Return the version of each word list and pair list, and under ``split`` the split's salt.

    This is what a run has to record to say which words it used.
    """
    lists = {name: lexicon.version for name, lexicon in _lexicons().items()}
    pairs = {name: lexicon.version for name, lexicon in _pair_lexicons().items()}
    return lists | pairs | {"split": SALT}


@cache
def _lexicons() -> dict[str, Lexicon]:
    return {
        name: Lexicon(
            name=name,
            words=tuple(entry["words"]),
            citation=f"{document['citation']}; {entry['where']}",
            licence=document["licence"],
            version=version_of(document["version"], entry["words"]),
        )
        for document in map(source, LIST_SOURCES)
        for name, entry in document["words"].items()
    }


@cache
def _pair_lexicons() -> dict[str, PairLexicon]:
    published = {
        name: PairLexicon(
            name=name,
            pairs=tuple((male, female) for male, female in entry["pairs"]),
            citation=f"{document['citation']}; {entry['where']}",
            licence=document["licence"],
            version=version_of(document["version"], entry["pairs"]),
        )
        for document in map(source, PAIR_SOURCES)
        for name, entry in document["pairs"].items()
    }
    return {**published, GENDER_PAIRS: _gender_pairs()}


def _gender_pairs() -> PairLexicon:
    """Return the gender attributes pair by pair: the definitional pairs that a penalty uses."""
    document = source("gender_attributes")
    male, female = load("male_words"), load("female_words")
    pairs = tuple(zip(male.words, female.words, strict=True))
    return PairLexicon(
        name=GENDER_PAIRS,
        pairs=pairs,
        citation=f"{document['citation']}; {document['notes']}",
        licence=male.licence,
        version=version_of(document["version"], pairs),
    )


def _unknown(kind: str, name: str, known: list[str]) -> UserError:
    return UserError(
        f"there is no {kind} called {name!r}",
        allowed=", ".join(known),
        nearest=nearest(name, known),
    )
