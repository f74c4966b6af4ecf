"""Which words have a gender, and their counterparts: what pre-processing works with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from debiaslab import lexicons
from debiaslab.lexicons.source import source
from debiaslab.regularizers.pair_choice import PairChoice

Pair = tuple[str, str]  # (male, female)

PRONOUNS = ("him", "his", "her", "hers")  # their counterparts depend on the words around them


@cache
def swap_pairs(choice: PairChoice = "all") -> tuple[Pair, ...]:
    """Return the gender pairs that are swapped, the male word first; no word is in two of them.

    They are the pairs of the lexicons and those of the swapping lists; a word in several pairs
    keeps the first. Left out are *john/mary* and the pronouns of ``PRONOUNS``. ``tune`` leaves out
    every pair that holds a report word.
    """
    added = [(male, female) for male, female in _lists()["pairs"]]
    listed = [
        *lexicons.load_pairs("gender_pairs").pairs,
        *added,
        *lexicons.load_pairs("equalize_pairs").pairs,
        *lexicons.load_pairs("definitional_pairs").pairs,
    ]
    taken = set(PRONOUNS)
    found = []
    for pair in listed:
        names = _first_names().issuperset(pair)
        if not names and taken.isdisjoint(pair) and (choice == "all" or _all_tune(pair)):
            found.append(pair)
            taken.update(pair)
    return tuple(found)


def pronouns_chosen(choice: PairChoice) -> bool:
    """Whether ``PRONOUNS`` are swapped: for ``tune`` only if they are no report words."""
    return choice == "all" or _all_tune(PRONOUNS)


@cache
def gender_terms() -> frozenset[str]:
    """Return every word that means a gender: those of all pairs, pronouns, and *ms, miss, mum*."""
    paired = {word for pair in swap_pairs() for word in pair}
    return frozenset(paired | {*PRONOUNS} | {*_lists()["unpaired"]})


@cache
def names_of_people() -> frozenset[str]:
    """Return the first names that are not mostly something else (*will*, *august*, *king*)."""
    others = {*_lists()["not_names"], *_lists()["places_and_surnames"]}
    return _first_names() - others - gender_terms()


def names_by_gender() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return those names of people that are listed for men only, and for women only."""
    names = lexicons.first_names()
    male, female = set(names.male) - set(names.both), set(names.female) - set(names.both)
    return tuple(sorted(male & names_of_people())), tuple(sorted(female & names_of_people()))


@cache
def after_object() -> frozenset[str]:
    """Return words before which *her* is *him* rather than *his*: told her *that*, her *in*."""
    return frozenset(_lists()["after_object"])


def spellings(*words: str) -> Iterator[tuple[str, ...]]:
    """Yield words as texts that keep their case write them: *(he, she)*, *(He, She)*, *(HE, SHE)*.

    A text in lower case has the first of them only.
    """
    yield words
    yield tuple(word.capitalize() for word in words)
    yield tuple(word.upper() for word in words)


def _lists() -> dict[str, Any]:
    return source("swapping")


@cache
def _first_names() -> frozenset[str]:
    names = lexicons.first_names()
    return frozenset({*names.male, *names.female})


def _all_tune(words: tuple[str, ...]) -> bool:
    return all(lexicons.half_of(word) == "tune" for word in words)
