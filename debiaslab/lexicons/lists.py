"""Word lists, pair lists, attributes and association tests, and their tune and report halves.

The split looks only at the words, never at any vector, score or result. A word's half is one bit
of a hash of its family (the words of a gender pair or of a definitional set, and the inflections of
one word, never part), so one word is in the same half in every lexicon, today and on every machine.
The salt is the first of ``debiaslab-0``, ``debiaslab-1``, … for which

- every set of WEAT 6, 6b, 7 and 8 falls into halves of 4 and 4, and the definitional pairs into
  5 and 5;
- every larger list (the extended concepts, the gender attributes, the stereotyped occupations) has
  at least 40 % of its words in each half.

Both are conditions on how many words fall where; a test recomputes that no smaller number does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple, get_args

from debiaslab.errors import UserError, nearest, normal_form
from debiaslab.lexicons.source import source

Half = Literal["all", "tune", "report"]
SplitHalf = Literal["tune", "report"]

WordSet = tuple[str, ...]

SALT = "debiaslab-3588438"


@cache
def families() -> dict[str, str]:
    """Return the key of each word that belongs to a family: its alphabetically first member."""
    return {word: min(group) for group in source("families")["families"] for word in group}


def family_key(word: str) -> str:
    """Return the string that decides the half of ``word``; case and normal form do not count."""
    word = normal_form(word.lower())
    return families().get(word, word)


@lru_cache(maxsize=1 << 14)  # the words of the lists, asked about again and again
def half_of(word: str) -> SplitHalf:
    """Return the half of ``word``, the same in every lexicon; any word has one.

    It is the parity of ``sha256("<SALT>:<family key>")``: even is tune, odd is report.
    """
    return _half_of_key(family_key(word))


def half_of_pair(word1: str, word2: str) -> SplitHalf:
    """Return the half of a pair of words, such as a similarity pair; neither order nor case counts.

    It does not follow from the halves of the two words.
    """
    return _half_of_key("\t".join(sorted((normal_form(word1.lower()), normal_form(word2.lower())))))


def in_half(words: Iterable[str], half: Half) -> tuple[str, ...]:
    """Return the words of ``half`` in their order.

    Raises:
        UserError: ``half`` is not one of all, tune, report.
    """
    check_half(half)
    return tuple(word for word in words if half in ("all", half_of(word)))


def half_of_all(words: Iterable[str]) -> SplitHalf | None:
    """Return the half that all of ``words`` are in; None when they are in different halves."""
    halves = {half_of(word) for word in words}
    return halves.pop() if len(halves) == 1 else None


def check_half(half: str) -> None:
    """Refuse anything that is not the name of a half.

    Raises:
        UserError: ``half`` is not one of all, tune, report.
    """
    allowed = get_args(Half)
    if half not in allowed:
        raise UserError(
            f"{half!r} is not a half of the lexicons",
            allowed=", ".join(allowed),
            nearest=nearest(half, allowed),
        )


def _half_of_key(key: str) -> SplitHalf:
    last_byte = hashlib.sha256(f"{SALT}:{key}".encode()).digest()[-1]
    return "report" if last_byte % 2 else "tune"


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


@dataclass(frozen=True)
class AttributeWords:
    """The words of one half of an attribute, as published (see `Lexicon.cased`)."""

    classes: Mapping[str, WordSet]
    definitional_sets: tuple[WordSet, ...]
    targets: tuple[WordSet, ...]
    stereotypes: Mapping[str, WordSet]


@dataclass(frozen=True)
class Attribute:
    """A binary or multi-class attribute (Manzini, Lim, Black & Tsvetkov 2019, NAACL).

    Attributes:
        name: Such as ``religion``.
        classes: Class → the words that mean it; two classes or more.
        definitional_sets: Sets of one word a class, in the order of ``classes``, that differ in the
            class only: what spans the subspace. May be empty.
        targets: Sets of the same shape that an evaluation asks about (their T in MAC); the
            definitional sets where a file names none.
        stereotypes: Class → words stereotyped for it (their A); may lack classes, or be empty.
        citation: Publication.
        licence: Terms of the source.
        version: Declared version and digest of the content.
    """

    name: str
    classes: Mapping[str, Lexicon]
    definitional_sets: tuple[WordSet, ...]
    targets: tuple[WordSet, ...]
    stereotypes: Mapping[str, Lexicon]
    citation: str
    licence: str
    version: str

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.classes) == 2

    @property
    def test(self) -> AssociationTest | None:
        """The stereotypes of two classes against the words of the classes; None without both."""
        if not self.binary or len(self.stereotypes) < 2:
            return None
        (first, A), (second, B) = self.classes.items()
        X, Y = self.stereotypes[first], self.stereotypes[second]
        label = f"stereotypes of {first}/{second} × {first}/{second}"
        return AssociationTest(self.name, label, X, Y, A, B, published=False)

    def half(self, half: Half) -> AttributeWords:
        """Return the words of one half (``all`` for both).

        A set whose words are in different halves is in neither.

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        check_half(half)
        return AttributeWords(
            classes=_halves(self.classes, half),
            definitional_sets=_whole(self.definitional_sets, half),
            targets=_whole(self.targets, half),
            stereotypes=_halves(self.stereotypes, half),
        )


def _halves(lists: Mapping[str, Lexicon], half: Half) -> dict[str, WordSet]:
    return {name: lexicon.half(half, cased=True) for name, lexicon in lists.items()}


def _whole(sets: tuple[WordSet, ...], half: Half) -> tuple[WordSet, ...]:
    return tuple(each for each in sets if half in ("all", half_of_all(each)))
