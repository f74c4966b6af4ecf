"""Attributes of any kind: gender, race, religion, or what a user's file defines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from debiaslab.lexicons.association_test import AssociationTest
from debiaslab.lexicons.lists import Lexicon
from debiaslab.lexicons.split import Half, check_half, half_of_all

WordSet = tuple[str, ...]


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
