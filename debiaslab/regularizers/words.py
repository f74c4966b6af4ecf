"""Which words a strategy is given: gender pairs, and the non-gender words it acts on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from debiaslab import lexicons
from debiaslab.errors import UserError, nearest
from debiaslab.settings.study import Cover as Cover
from debiaslab.vectors.words import written_pairs

PAIRS = "gender_pairs"  # the definitional and equalize pairs made of common words
Pair = tuple[str, str]  # (male, female)
PairChoice = Literal["all", "tune"]


def gender_pairs(choice: PairChoice) -> tuple[tuple[str, str], ...]:
    """Return the (male, female) pairs that define gender."""
    return lexicons.load_pairs(PAIRS).half(choice)


def check_pairs(choice: str) -> None:
    """Refuse a choice that is none.

    Raises:
        UserError: It is not one of all, tune.
    """
    known = get_args(PairChoice)
    if choice not in known:
        raise UserError(
            f"pairs was {choice!r}", allowed=", ".join(known), nearest=nearest(str(choice), known)
        )


def check_cover(cover: str) -> None:
    """Refuse a cover that is none.

    Raises:
        UserError: It is not one of tune, vocabulary, all.
    """
    known = get_args(Cover)
    if cover not in known:
        raise UserError(
            f"--cover was {cover!r}", allowed=", ".join(known), nearest=nearest(str(cover), known)
        )


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
