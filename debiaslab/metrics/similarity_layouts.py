"""How files of word similarities are laid out, as their authors published them.

With a header that names the columns (WordSim-353, SimLex-999), or without (MEN, RG-65, MTurk, RW,
SimVerb, the agreed part of WordSim); with tabs, commas, semicolons or blanks between columns; with
other columns beside the two words and the score (parts of speech, every rater); words with their
part of speech behind a hyphen (MEN's lemmas, ``sun-n``).
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from debiaslab.errors import normal_form

_DELIMITERS = ("\t", ",", ";", None)  # None: any white space
_FIRST, _SECOND = ("word1", "w1", "worda"), ("word2", "w2", "wordb")
_SCORES = (
    *("score", "simlex999", "humanmean", "human", "mean", "meanscore", "average", "averagescore"),
    *("similarity", "sim", "relatedness", "rating", "gold"),
)
_CLASSES = frozenset({"a", "n", "v", "r", "adj", "adv", "noun", "verb"})
_TAGGED = re.compile(r"(.+)-[nvjar]")
_LOOKED_AT = 5  # rows without a header that must all be pairs


class Layout(NamedTuple):
    """Where the words and the score stand."""

    delimiter: str | None
    header: bool
    first: int
    second: int
    score: int


class Row(NamedTuple):
    """A line that is not blank and no comment, and its number from 1."""

    number: int
    line: str


def content_rows(lines: Sequence[str]) -> list[Row]:
    """Return the lines that hold something; ``#`` begins a comment."""
    rows = (Row(number, line) for number, line in enumerate(lines, start=1))
    return [row for row in rows if row.line.strip(" \t,;") and not row.line.startswith("#")]


def layout_of(rows: Sequence[Row]) -> Layout | None:
    """Return the layout of a file, told by its first rows; None when it is none of these."""
    if not rows:
        return None
    delimiter = next((d for d in _DELIMITERS if len(fields(rows[0].line, d)) >= 3), ",")
    names = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in fields(rows[0].line, delimiter)]
    first, second = (_column(names, known) for known in (_FIRST, _SECOND))
    if first is not None and second is not None:
        score = _column(names, _SCORES)
        return None if score is None else Layout(delimiter, True, first, second, score)
    return _without_header([fields(row.line, delimiter) for row in rows[:_LOOKED_AT]], delimiter)


def fields(line: str, delimiter: str | None) -> list[str]:
    """Return the columns of a line without blanks around them."""
    if delimiter is None:
        return line.split()
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:  # a NUL, or a field without end
        return []


def number_in(text: str) -> float:
    """Return the number that a field holds, NaN when it holds none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def untagged(pairs: Sequence[tuple[str, str, float]]) -> tuple[tuple[str, str, float], ...]:
    """Return pairs in normal form, and without parts of speech where every word has one."""
    tagged = [[_TAGGED.fullmatch(word) for word in pair[:2]] for pair in pairs]
    if all(match for pair in tagged for match in pair):
        pairs = [
            (first[1], second[1], pair[2])
            for (first, second), pair in zip(tagged, pairs, strict=True)
            if first and second
        ]
    return tuple((normal_form(a), normal_form(b), score) for a, b, score in pairs)


def _column(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _without_header(rows: list[list[str]], delimiter: str | None) -> Layout | None:
    """Return the layout in which every row is two words and a number, among others."""
    numeric = [[math.isfinite(number_in(field)) for field in row] for row in rows]
    for first, second, score in ((0, 1, 2), (0, 1, 3), (1, 2, 3)):
        if not all(
            len(row) > score and row[score] and not row[first] and not row[second]
            for row in numeric
        ):
            continue
        between = {row[2].lower() for row in rows} if (first, score) == (0, 3) else set()
        before = {row[0] for row in rows} if first else set()
        known = between <= _CLASSES and all(
            len(each) == 1 or math.isfinite(number_in(each)) for each in before
        )
        if known:
            return Layout(delimiter, False, first, second, score)
    return None
