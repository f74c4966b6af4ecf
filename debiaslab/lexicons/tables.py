"""Tables of words besides the lists, and the sets of words that all of them make.

First names (for gender-blind corpora and swapping: Hall Maudslay et al. 2019), the share of women
by occupation (labour force statistics published with three data sets), the questions of SemBias
(Zhao et al. 2018), which words count as gendered, and which neutral words are kept for reporting.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from debiaslab.lexicons.lists import (
    Half,
    Sourced,
    SplitHalf,
    check_half,
    half_of,
    in_half,
    source,
    version_of,
)
from debiaslab.lexicons.load import called, load, load_pairs, names, pair_names

Pair = tuple[str, str]

GENDER_LISTS = (
    "gender_specific",
    "male_words",
    "female_words",
    "male_terms",
    "female_terms",
    "male_terms_2",
    "female_terms_2",
    "male_names",
    "female_names",
)


# First names ----------------------------------------------------------------------------------


class FirstNames(NamedTuple):
    """Lower-cased first names, each tuple sorted and without repetition.

    ``male`` and ``female`` are as listed; ``both`` are the names that both of them hold.
    """

    male: tuple[str, ...]
    female: tuple[str, ...]
    both: tuple[str, ...]


@cache
def first_names() -> FirstNames:
    """Return the 2,943 male and 4,997 female first names of the Names Corpus (Kantrowitz 1994)."""
    document = source("first_names")
    male, female = tuple(document["male"]), tuple(document["female"])
    return FirstNames(male, female, tuple(sorted({*male} & {*female})))


# Women by occupation --------------------------------------------------------------------------


@dataclass(frozen=True)
class OccupationWomen(Sourced):
    """Percentages of women, one an occupation."""

    name: str
    # ``(occupation, percentage)``, the percentage in 0–100, by occupation
    percent: tuple[tuple[str, float], ...]
    year: str  # the year or years of the statistics

    def half(self, half: Half) -> dict[str, float]:
        """Return ``{occupation: percentage}`` of one half (``all`` for both)."""
        percent = dict(self.percent)
        return {word: percent[word] for word in in_half(percent, half)}


def occupation_women_names() -> list[str]:
    """Return the names of the sets: ``bls``, ``winobias`` and ``census``."""
    return list(_women())


def load_occupation_women(name: str) -> OccupationWomen:
    """Return a set by name (see `occupation_women_names`); raise a `UserError` if there is none."""
    return called("set of women's shares by occupation", name, _women())


@cache
def _women() -> dict[str, OccupationWomen]:
    document = source("occupation_women")
    return {
        name: OccupationWomen(
            name=name,
            percent=tuple(entry["percent"].items()),
            year=entry["year"],
            citation=entry["where"],
            licence=entry["licence"],
            version=version_of(document["version"], entry["percent"]),
        )
        for name, entry in document["sets"].items()
    }


# SemBias --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SemBiasRow:
    """One question: which of four pairs is most like *he : she*?"""

    definition: Pair  # a pair that differs by gender and nothing else, male word first
    stereotype: Pair  # a pair stereotyped as male and female, in that order
    none: tuple[Pair, Pair]  # two pairs that say nothing of gender
    held_out: bool  # whether the row is of the published held-out subset


@dataclass(frozen=True)
class SemBias(Sourced):
    """All rows in the published order, with their source."""

    rows: tuple[SemBiasRow, ...]

    def half(self, half: Half, *, held_out: bool = False) -> tuple[SemBiasRow, ...]:
        """Return the rows whose stereotype words are both in ``half`` (``all`` for every row).

        A row whose two stereotype words are in different halves is in ``all`` only: a strategy
        that acts on tune words has then touched one side of it. ``held_out`` keeps the 40 rows of
        the published held-out subset.
        """
        check_half(half)
        return tuple(
            row
            for row in self.rows
            if (row.held_out or not held_out)
            and (half == "all" or all(half_of(word) == half for word in row.stereotype))
        )


@cache
def load_sembias() -> SemBias:
    """Return the published 440 rows: 22 definition pairs times 20 stereotype pairs."""
    document = source("sembias")
    none = [_pair(pair) for pair in document["none"]]
    held_out = {_pair(pair) for pair in document["held_out"]}
    rows = tuple(
        SemBiasRow(definition, _pair(stereotype), (none[i], none[j]), definition in held_out)
        for definition, fillers in zip(
            map(_pair, document["definition"]), document["fillers"], strict=True
        )
        for stereotype, (i, j) in zip(document["stereotype"], fillers, strict=True)
    )
    content = [document[key] for key in ("definition", "stereotype", "none", "fillers")]
    return SemBias(
        rows=rows,
        citation=document["citation"],
        licence=document["licence"],
        version=version_of(document["version"], content),
    )


def _pair(words: list[str]) -> Pair:
    first, second = words
    return first, second


# Gendered and neutral words -------------------------------------------------------------------


@cache
def gender_words() -> frozenset[str]:
    """Return every word that "non-gender words" leaves out.

    These are the gender-specific words of Bolukbasi et al. (2016), both sides of every gender pair,
    and the gender terms and first names of WEAT. The published gender-specific list holds oddities
    such as *new* and *deer*, so the set is for leaving words out, not for finding gender in text.
    """
    listed = {word for name in GENDER_LISTS for word in load(name).words}
    paired = {word for name in pair_names() for pair in load_pairs(name).pairs for word in pair}
    return frozenset(listed | paired)


@cache
def tune_words() -> frozenset[str]:
    """Return every word of any list that is in the tune half, no gender word and no name.

    Names of people are no neutral words that a penalty should act on because a list holds them: a
    list of names adds none of its words, here and in `report_words`. A word that another list
    holds as well (*rose*, a flower) is that list's word.
    """
    return _half("tune")


@cache
def report_words() -> frozenset[str]:
    """Return every word of any list that is in the report half, no gender word and no name.

    No penalty with cover ``tune`` or ``vocabulary``, and no objective, may look at these words.
    """
    return _half("report")


def _half(half: SplitHalf) -> frozenset[str]:
    lists = [load(name) for name in names()]
    listed = {word for lexicon in lists if not lexicon.people for word in lexicon.words}
    # words of metrics that read no list: the scorecard says of them too what was unseen
    listed |= {
        word
        for name in occupation_women_names()
        for word in load_occupation_women(name).half("all")
    }
    listed |= {word for row in load_sembias().rows for word in row.stereotype}
    return frozenset(word for word in listed - gender_words() if half_of(word) == half)
