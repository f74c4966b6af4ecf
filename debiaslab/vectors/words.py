"""Words of vectors: the one rule by which one is found, and which of them are frequent.

Every part of the package that takes "the most frequent words" takes the first rows. Here rows are
put in that order where counts are known, and where they are not, an order that cannot be by
frequency is noticed.
"""

from __future__ import annotations

import csv
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from debiaslab.errors import UserError, spellings
from debiaslab.vectors.files import reading

_FREQUENT = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "it",
    "was",
    "for",
    "on",
    "with",
    "as",
    "he",
    "be",
    "by",
    "at",
    "this",
    "had",
    "not",
    "are",
    "but",
    "from",
    "or",
    "have",
    "an",
    "they",
    "which",
    "one",
    "you",
    "were",
    "all",
    "she",
    "there",
    "would",
    "their",
    "we",
    "him",
    "been",
    "has",
    "when",
    "who",
    "will",
    "more",
    "no",
    "if",
    "out",
    "so",
    "said",
    "what",
    "up",
    "its",
    "about",
    "into",
    "than",
    "them",
    "can",
    "only",
    "other",
    "new",
    "some",
    "could",
    "time",
    "these",
]
"""The most frequent words of written English (Kučera & Francis 1967), whatever the text."""

_LEAST = 1_000  # vectors; in fewer, the frequent words are not a small part of all
_KNOWN = 20  # of those words, that must be there for their ranks to say anything
_LATE = 1 / 8  # of all rows, before which their median stands in any order by frequency
_LOOKED_AT = 10_000  # first rows that are compared with an alphabetical order
_ALPHABETICAL = 0.95  # rank correlation; words of one count may stand from A to Z
_SPACES = "_\u00a0\u2009\u3000\u202f"  # that stand for a space within a word
_WORDS, _COUNTS = ("word", "token", "term"), ("count", "counts", "freq", "frequency", "n")


def written_in(vocabulary: Container[str], word: str) -> str | None:
    """Return ``word`` as a vocabulary writes it, or None when it lacks the word.

    The one rule by which this package finds a word in vectors or in a vocabulary. Tried in turn:
    *word* as given, in lower case (vectors of lower-cased text), *Word*, *WORD* (a lower-cased
    list finds its names and acronyms in cased vectors, which may have *Mary* and *NASA* only), and
    each word of it capitalised; then the same with ``_`` (*Promised_Land*) or a space of another
    kind, such as one without a break, for a space. Each is tried in both of Unicode's canonical
    forms: *ö* may be one character or o with a mark.
    """
    if word in vocabulary:  # nearly always
        return word
    return next((form for form in _forms(word) if form in vocabulary), None)


@lru_cache(maxsize=1 << 14)  # words of the lists, which every scorecard looks up again
def _forms(word: str) -> tuple[str, ...]:
    """Return what a vocabulary may write for ``word``, each once, in the order of trying."""
    spaced = (word, *(word.replace(" ", space) for space in _SPACES)) if " " in word else (word,)
    cased = ((w, w.lower(), w.capitalize(), w.upper(), w.title()) for w in spaced)
    return tuple(dict.fromkeys(form for each in cased for w in each for form in spellings(w)))


def equivalent(vocabulary: Container[str], word: str) -> str | None:
    """Return the spelling of ``word`` that a vocabulary has, in the same case, or None."""
    return next((form for form in spellings(word) if form in vocabulary), None)


def written_pairs(
    vocabulary: Container[str], pairs: Iterable[tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return pairs of words ``(found, missing)``: as the vocabulary writes them, and as given."""
    found: list[tuple[str, str]] = []
    missing: list[tuple[str, str]] = []
    for pair in pairs:
        first, second = (written_in(vocabulary, word) for word in pair)
        if first is None or second is None:
            missing.append(pair)
        else:
            found.append((first, second))
    return found, missing


def falling(counts: ArrayLike) -> NDArray[np.intp] | None:
    """Return the rows by falling count, equal counts as they stand; None when all stand so."""
    numbers = np.asarray(counts, dtype=np.float64)
    if not (numbers[1:] > numbers[:-1]).any():
        return None
    return np.argsort(-numbers, kind="stable")


def order_warning(words: Sequence[str], index: Mapping[str, int]) -> str | None:
    """Return why words are not in the order of frequency; None where nothing says so.

    It sees an alphabetical order of the first rows, and frequent English words that are not near
    the top. Other orders of words that are not English go unnoticed.

    Args:
        words: Words by row.
        index: Row of each.
    """
    why = _unsorted(words, index)
    if why is None:
        return None
    return (
        f"the words do not stand by falling frequency ({why}), and random words, most biased words "
        "and neighbours are taken from the first: order them with --frequencies FILE"
    )


def _unsorted(words: Sequence[str], index: Mapping[str, int]) -> str | None:
    if len(words) < _LEAST:
        return None
    if _is_alphabetical(tuple(words[:_LOOKED_AT])):
        return "they stand in alphabetical order"
    written = (written_in(index, word) for word in _FREQUENT)
    rows = [index[word] for word in written if word is not None]
    middle = float(np.median(rows)) + 1 if len(rows) >= _KNOWN else 0.0
    if middle <= _LATE * len(words):
        return None
    return (
        f"half of the most frequent English words, such as {words[min(rows)]!r}, stand after row "
        f"{middle:,.0f} of {len(words):,}"
    )


def read_frequencies(path: str | Path) -> dict[str, float]:
    """Read how often words occur: one word and its count a line.

    Taken are a space, a tab or a comma between the two, the count before the word as ``uniq -c``
    writes it, and a first line that names the columns; a file may be gzipped.

    Raises:
        UserError: The file cannot be read, is not UTF-8, or a line has no word or no count.
    """
    path = Path(path)
    with reading(path, "a file of words and counts") as stream:
        try:
            lines = stream.read().decode("utf-8-sig").split("\n")
        except UnicodeDecodeError as error:
            raise UserError(
                f"byte {error.start} of {path} is not UTF-8", allowed="words in UTF-8"
            ) from error
    rows = _split([line.strip("\r") for line in lines])
    first = next((number for number, row in enumerate(rows) if row), len(rows))
    columns = _named(rows[first]) if first < len(rows) else None
    start = first if columns is None else first + 1
    found: dict[str, float] = {}
    word, count = columns or _unnamed(rows)
    for number, row in enumerate(rows[start:], start + 1):
        if not row:
            continue
        value = _count(row[count]) if len(row) > max(word, count) else None
        if value is None or not row[word] or (columns is None and len(row) != 2):
            raise UserError(f"line {number} of {path} is {' '.join(row)[:60]!r}", allowed=_ALLOWED)
        found[row[word]] = found.get(row[word], 0.0) + value
    if not found:
        raise UserError(f"{path} holds no words", allowed=_ALLOWED)
    return found


_ALLOWED = "one word and its count on each line, such as: the 23135851162"


@lru_cache(maxsize=2)  # asked after every epoch of a training
def _is_alphabetical(words: tuple[str, ...]) -> bool:
    rows = np.arange(len(words))
    for key in (str, str.casefold):
        order = sorted(range(len(words)), key=lambda row, key=key: key(words[row]))  # type: ignore[misc]
        if np.corrcoef(rows, order)[0, 1] > _ALPHABETICAL:
            return True
    return False


def _split(lines: Sequence[str]) -> list[list[str]]:
    """Split lines where the first that is not blank has its separator."""
    first = next((line for line in lines if line.strip()), "")
    if "\t" in first:
        return [line.split("\t") if line.strip() else [] for line in lines]
    if "," in first.strip(",") and len(first.split(" ")) != 2:
        return [row if any(row) else [] for row in csv.reader(lines)]
    return [[part for part in line.split(" ") if part] for line in lines]


def _named(row: Sequence[str]) -> tuple[int, int] | None:
    """Return the columns of word and count that a first line names, or None."""
    names = [name.strip().casefold() for name in row]
    word = next((names.index(name) for name in _WORDS if name in names), None)
    count = next((names.index(name) for name in _COUNTS if name in names), None)
    return None if word is None or count is None else (word, count)


def _unnamed(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return the columns of word and count: the count is first where only first ones are counts."""
    pairs = [row for row in rows if len(row) == 2]
    all_first = all(_count(row[0]) is not None for row in pairs)
    all_second = all(_count(row[1]) is not None for row in pairs)
    return (1, 0) if all_first and not all_second else (0, 1)


def _count(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and value >= 0 else None
