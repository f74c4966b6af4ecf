"""Which words a strategy is given: gender words and names, and the neutral words it acts on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import require_known
from debiaslab.lexicons.lists import source
from debiaslab.settings.study import Cover as Cover
from debiaslab.vectors.words import written_pairs

PAIRS = "gender_pairs"  # the definitional and equalize pairs made of common words
Pair = tuple[str, str]  # (male, female)
PairChoice = Literal["all", "tune"]


def gender_pairs(choice: PairChoice) -> tuple[tuple[str, str], ...]:
    """Return the (male, female) pairs that define gender."""
    return lexicons.load_pairs(PAIRS).half(choice)


def check_pairs(choice: str) -> None:
    """Raise a `UserError` unless ``choice`` is one of ``PairChoice``."""
    require_known(choice, get_args(PairChoice), f"pairs was {choice!r}")


def check_cover(cover: str) -> None:
    """Raise a `UserError` unless ``cover`` is one of ``Cover``."""
    require_known(cover, get_args(Cover), f"--cover was {cover!r}")


def covered_words(vocabulary: Sequence[str], cover: Cover) -> list[str]:
    """Return the non-gender words of a vocabulary that ``cover`` names.

    Case does not count: in a corpus that is not lower-cased *She* is a gender word and *Executive*
    a report word, as the metrics read them.
    """
    neutral = [
        word
        for word in vocabulary
        if word != "<UNK>" and word.lower() not in lexicons.gender_words()
    ]
    if cover == "all":
        return neutral
    if cover == "vocabulary":
        return [word for word in neutral if word.lower() not in lexicons.report_words()]
    return [word for word in neutral if word.lower() in lexicons.tune_words()]


@dataclass(frozen=True)
class Coverage:
    """What a penalty acted on; goes into every run and table."""

    cover: Cover
    neutral: int  # non-gender words covered
    report_words_covered: bool
    pairs: tuple[str, ...]  # "he/she", … found in the vocabulary
    pairs_missing: tuple[str, ...]

    @classmethod
    def of(
        cls,
        vocabulary: Sequence[str],
        cover: Cover,
        neutral: Sequence[str],
        pairs: Sequence[tuple[str, str]],
    ) -> Coverage:
        """Return what a strategy covers of a vocabulary."""
        found, missing = written_pairs(frozenset(vocabulary), pairs)
        report = lexicons.report_words()
        return cls(
            cover=cover,
            neutral=len(neutral),
            report_words_covered=any(word.lower() in report for word in neutral),
            pairs=tuple(map("/".join, found)),
            pairs_missing=tuple(map("/".join, missing)),
        )


# Gender words and their counterparts, which pre-processing works with ---------------------------

PRONOUN_HER, PRONOUN_HIS, OTHER_GENDERED = 1, 2, 4  # a word with a counterpart is one of these
AFTER_OBJECT = 8  # follows *him* rather than *his*; so does the end of a document
BEFORE_HERS = 16  # "a friend *of* hers", "it *was* hers"
GENDERED = PRONOUN_HER | PRONOUN_HIS | OTHER_GENDERED

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


def match_names(index: Mapping[str, int], counts: NDArray[np.int64]) -> list[Pair]:
    """Return pairs of a man's and a woman's name, equally many of the most frequent of each.

    The names intervention of Hall Maudslay et al. (2019, §4) is a bipartite matching by frequency
    and by how specific of a gender a name is. The lists do not tell the latter: names listed for
    both genders stay as they are, and what is left is one number a name. Then the matching with
    the least sum of |log f(m) − log f(w)| is that by rank.

    The rarest names of the side that has more are left over. A matching that could leave out any
    would leave out *john*, *william*, *james* where men are written about most, and with them most
    of what names say about gender (biographies: 89,000 tokens of men's names, 24,000 of women's).

    Args:
        index: Id of each word.
        counts: Tokens of each, shape ``(V,)``.
    """
    men, women = (
        sorted(written(names, index), key=lambda name: (-counts[index[name]], name))
        for names in names_by_gender()
    )
    return list(zip(men, women, strict=False))


def names_in(index: Mapping[str, int]) -> list[str]:
    """Return the names of people that are in a vocabulary."""
    return written(sorted(names_of_people()), index)


def written(names: Iterable[str], index: Mapping[str, int]) -> list[str]:
    """Return names as a vocabulary writes them; those it lacks are left out.

    Where a text keeps its case only *Clara* is a name and *clara* is not.
    """
    cased = any(word != word.lower() for word in index if word != "<UNK>")
    found = (name.capitalize() if cased else name for name in names)
    return [name for name in found if name in index]
