"""The tune half and the report half of every lexicon.

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
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Literal, get_args

from debiaslab.errors import UserError, nearest, normal_form
from debiaslab.lexicons.source import source

Half = Literal["all", "tune", "report"]
SplitHalf = Literal["tune", "report"]

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
