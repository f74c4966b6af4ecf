"""One spelling for each word: the letters of text, lists, vectors and questions meet in it."""

from __future__ import annotations

import unicodedata


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
