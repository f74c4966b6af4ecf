"""The last step of every reader of vectors: bad words refused or left out, rows put in order."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, require_known
from debiaslab.vectors.words import falling, written_in

BadWords = Literal["refuse", "skip"]
Rows = tuple[Sequence[str], NDArray[np.float32]]
"""What a reader returns: words, and their vectors, shape ``(V, d)``, frozen."""

_SHOWN = 5
_NOT_UTF8, _SPACED, _REPEATED = "not UTF-8", "with a space in it", "repeated"
_BLOCK = 1 << 14  # rows that are looked at together
_FEW = 0.5  # of the words: with fewer in a list of frequencies, the list is of something else


def first_not_finite(matrix: NDArray[np.floating]) -> int | None:
    """Return the first row of ``matrix``, shape ``(V, d)``, with NaN or infinity, or None."""
    for start in range(0, len(matrix), _BLOCK):
        finite = np.isfinite(matrix[start : start + _BLOCK])
        if not finite.all():
            return start + int(np.argmin(finite.all(axis=1)))
    return None


@dataclass(frozen=True)
class Wanted:
    """What the reader of a file is asked for besides its words and vectors.

    Attributes:
        bad_words: What is done about words that are not UTF-8, hold a space where the format ends
            a word at one, or repeat an earlier word.
        frequencies: How often words occur; None: as the file says, where it does.
    """

    bad_words: BadWords = "refuse"
    frequencies: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        require_known(self.bad_words, get_args(BadWords), f"bad_words was {self.bad_words!r}")


@dataclass(frozen=True)
class BadWord:
    """A word that was read and cannot be kept."""

    row: int  # its row, from 0
    kind: str  # what is wrong with it, after "a word"
    given: str  # the sentence about it, if it is the first
    allowed: str  # what could be there instead

    @classmethod
    def not_utf8(
        cls, row: int, word: bytes, place: str, allowed: str = "words in UTF-8"
    ) -> BadWord:
        """Return a word whose bytes are not UTF-8."""
        return cls(row, _NOT_UTF8, f"{place}: the word {word[:60]!r} is not UTF-8", allowed)

    @classmethod
    def spaced(cls, row: int, given: str, allowed: str) -> BadWord:
        """Return a word that holds what the format ends a word at."""
        return cls(row, _SPACED, given, allowed)


def word2vec_holds(word: str) -> bool:
    """Whether a word2vec file gives ``word`` back unchanged, to us, to gensim and to word2vec.

    There ASCII white space alone ends a word or a line; control characters of ASCII would make
    text look like binary, and a lone surrogate has no UTF-8. Spaces of Unicode stay in a word.
    """
    if word.isascii():
        return word.isprintable() and " " not in word and word != ""
    return not any(c <= " " or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in word)


def refuse_unholdable(words: Sequence[str], path: Path) -> None:
    """Raise a UserError that names the first words that a word2vec file cannot hold."""
    bad = [word for word in words if not word2vec_holds(word)]
    if not bad:
        return
    shown = ", ".join(repr(word) for word in bad[:_SHOWN]) + (", …" if len(bad) > _SHOWN else "")
    raise UserError(
        f"the word2vec format of {path} ends a word at a space, and cannot hold {len(bad):,} of "
        f"the words (empty, or with a space, a line end or a control character): {shown}",
        allowed=".npz and .kv, which hold any word",
        next_step=f"{path.with_suffix('.npz').name} as the name",
    )


def decoded(
    words: Sequence[bytes], first_row: int, place: Callable[[int], str], allowed: str | None = None
) -> tuple[list[str], list[BadWord]]:
    """Decode words, shape ``(n,)``, and return those that are not UTF-8 beside them.

    Args:
        words: Their bytes.
        first_row: Row of the first.
        place: What to call a row in a sentence.
        allowed: What could be there instead.
    """
    try:
        together = b"\n".join(words).decode("utf-8").split("\n") if words else []
        if len(together) == len(words):
            return together, []
    except UnicodeDecodeError:
        pass
    found, bad = [], []
    for row, word in enumerate(words, first_row):
        try:
            found.append(word.decode("utf-8"))
        except UnicodeDecodeError:
            found.append(word.decode("utf-8", "backslashreplace"))
            bad.append(BadWord.not_utf8(row, word, place(row), allowed or "words in UTF-8"))
    return found, bad


def checked(
    words: Sequence[str],
    vectors: NDArray[np.floating],
    path: Path,
    wanted: Wanted,
    *,
    place: Callable[[int], str] = lambda row: f"row {row + 1}",
    bad: Sequence[BadWord] = (),
    counts: Sequence[float] | NDArray[np.number] | None = None,
) -> Rows:
    """Return words and vectors, saying with the file's name and a row's ``place`` what is wrong.

    ``vectors`` are the reader's own: float32 ones are taken over without a copy, and frozen. Where
    counts are known the rows are put in their order.

    Args:
        vectors: Their vectors, shape ``(V, d)``.
        wanted: What is done about bad words, and frequencies that count more than ``counts``.
        place: What to call a row in a sentence.
        bad: Words that the reader could not take as they are.
        counts: How often each word occurs, where the file says so, shape ``(V,)``.

    Raises:
        UserError: No words, bad ones that are not to be skipped, shapes that disagree, or a value
            that is NaN or infinite (also as float32).
    """
    if vectors.ndim != 2 or len(words) != len(vectors) or not vectors.size:
        raise UserError(
            f"{path} holds {len(words):,} words with vectors of shape {vectors.shape}",
            allowed="one vector of length 1 or more for each of 1 or more words",
        )
    with np.errstate(over="ignore"):  # a float64 too large becomes infinity, and is refused below
        matrix = vectors.astype(np.float32, copy=False)
    wrong = {each.row for each in bad}
    repeated = _repeated(words, wrong, path, place)
    kept = _kept(len(words), [*bad, *repeated], path, wanted.bad_words)
    row = first_not_finite(matrix)
    if row is not None:
        raise UserError(
            f"{place(row)} of {path}: the vector of {words[row]!r} holds NaN, infinity or a number "
            "beyond float32",
            allowed="finite numbers",
        )
    order = _order(words, counts, path, wanted)
    if order is not None or kept is not None:
        rows = np.arange(len(words)) if order is None else order
        rows = rows if kept is None else rows[kept[rows]]
        words, matrix = [words[row] for row in rows], matrix[rows]
    matrix.flags.writeable = False
    return words, matrix


def _order(
    words: Sequence[str],
    counts: Sequence[float] | NDArray[np.number] | None,
    path: Path,
    wanted: Wanted,
) -> NDArray[np.intp] | None:
    """Return the rows by falling frequency; None when they stand so, as far as is known."""
    known = wanted.frequencies
    if known is None:
        return None if counts is None else falling(counts)
    written = [written_in(known, word) for word in words]
    found = sum(word is not None for word in written)
    if not found:
        raise UserError(
            f"none of the {len(words):,} words of {path} has a frequency, such as {words[0]!r}",
            allowed="frequencies of words of these vectors",
        )
    if found < _FEW * len(words):
        warnings.warn(
            f"{found:,} of the {len(words):,} words of {path} have a frequency; the others stand "
            "after them, in the order of the file",
            stacklevel=2,
        )
    return falling([0.0 if word is None else known[word] for word in written])


def _repeated(
    words: Sequence[str], wrong: set[int], path: Path, place: Callable[[int], str]
) -> list[BadWord]:
    first: dict[str, int] = {}
    found = []
    for row, word in enumerate(words):
        if row not in wrong and first.setdefault(word, row) != row:
            said = f"{path} holds the word {word!r} twice, in {place(first[word])} and {place(row)}"
            found.append(BadWord(row, _REPEATED, said, "distinct words"))
    return found


def _kept(
    rows: int, bad: Sequence[BadWord], path: Path, what: BadWords
) -> NDArray[np.bool_] | None:
    """Return which rows are kept, shape ``(V,)``; None: all.

    Raises:
        UserError: There are bad words and they are to be refused, or nothing else is left.
    """
    if not bad:
        return None
    counted = Counter(each.kind for each in bad)
    said = " and ".join(f"{n:,} {kind}" for kind, n in counted.items())
    if what == "refuse":
        first = min(bad, key=lambda each: each.row)
        more = f" (of its {rows:,} words, {said})" if len(bad) > 1 else ""
        raise UserError(
            first.given + more,
            allowed=first.allowed,
            next_step="--bad-words skip, in Python bad_words='skip', which leaves such words out",
        )
    kept = np.ones(rows, dtype=bool)
    kept[[each.row for each in bad]] = False
    if not kept.any():
        raise UserError(f"{path} has no other words than bad ones ({said})")
    warnings.warn(f"{path}: left out of its {rows:,} words {said}", stacklevel=2)
    return kept
