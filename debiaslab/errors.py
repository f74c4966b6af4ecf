"""The one exception a user is meant to read, and when two spellings are the same or close.

Commands turn the exception into a sentence. Every room may import this file, and none else.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable


class UserError(Exception):
    """A problem the user can mend.

    The message says what was given, what is allowed, the nearest match and what to type next,
    leaving out the parts that do not apply.

    Args:
        given: What was given and why it cannot be used, without a closing full stop.
        allowed: What would have been accepted.
        nearest: The closest valid value, when there is one.
        next_step: The command or edit to try next.
    """

    def __init__(
        self,
        given: str,
        *,
        allowed: str | None = None,
        nearest: str | None = None,
        next_step: str | None = None,
    ) -> None:
        parts = [given]
        if allowed:
            parts.append(f"allowed: {allowed}")
        if nearest:
            parts.append(f"did you mean {nearest!r}?")
        if next_step:
            parts.append(f"try: {next_step}")
        super().__init__("; ".join(parts))


class NotMeasuredError(UserError):
    """A metric has no value here; the message is the reason.

    Metrics catch it and return a result with ``reason``; only ``gender_direction`` and the nulls,
    which return plain numbers, let it reach the caller.
    """


class DifferenceError(UserError):
    """A comparison that was made and found a difference: the command did its work."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the entry of ``known`` that is closest to ``word``, or None when nothing is close."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def unknown(given: str, name: object, known: Iterable[str]) -> UserError:
    """Return the error that ``given`` says, with what is known and what of it ``name`` is like."""
    known = list(known)
    allowed = ", ".join(known) or "none"
    return UserError(given, allowed=allowed, nearest=nearest(str(name), known))


def require_known(name: object, known: Collection[str], given: str) -> None:
    """Raise the error that ``given`` says unless ``name`` is one of the ``known``."""
    if name not in known:
        raise unknown(given, name, known)


def normal_form(text: str) -> str:
    """Return ``text`` in Unicode's normal form C, where *ö* is one character and not o with a mark.

    Text read for a corpus, lexicons, similarity files and words that are looked up all go through
    this function, so that canonically equivalent spellings are one word. ASCII stays what it is.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def spellings(word: str) -> tuple[str, ...]:
    """Return ``word`` and its canonically equivalent forms, composed (C) and decomposed (D)."""
    if word.isascii():
        return (word,)
    return tuple(dict.fromkeys((word, normal_form(word), unicodedata.normalize("NFD", word))))
