"""What a lexicon file may hold: every refusal is one sentence that names the file and the entry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from debiaslab.errors import UserError, nearest

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


def refusal(
    at: str, given: str, *, allowed: str | None = None, near: str | None = None, try_: str = ""
) -> UserError:
    """Return the error about the entry ``at``, such as ``my.json: words.career``."""
    return UserError(f"{at}: {given}", allowed=allowed, nearest=near, next_step=try_ or None)


def check_object(at: str, value: Any) -> dict[str, Any]:
    """Return ``value``, which must be an object whose keys are texts and that is not empty."""
    if not isinstance(value, dict):
        raise refusal(at, f"this is {_kind(value)}", allowed="an object")
    if not value:
        raise refusal(at, "this is empty", allowed="at least one entry")
    for key in value:
        if not (isinstance(key, str) and key.strip()):
            raise refusal(at, f"the key {key!r} is no name", allowed="a text in quotes")
    return value


def check_keys(
    at: str, value: Any, known: Collection[str], required: Iterable[str]
) -> dict[str, Any]:
    """Return the object ``value``, which must hold the required keys and known ones only."""
    entry = check_object(at, value)
    for key in entry:
        if key not in known:
            raise refusal(
                at, f"there is no key {key!r}", allowed=", ".join(known), near=nearest(key, known)
            )
    for key in required:
        if key not in entry:
            raise refusal(at, f"the key {key!r} is missing", try_=f'"{key}": …')
    return entry


def check_text(at: str, value: Any) -> str:
    """Return ``value``, which must be a text that says something."""
    if not isinstance(value, str):
        raise refusal(at, f"this is {_kind(value)}", allowed="a text in quotes")
    if not value.strip():
        raise refusal(at, "this is empty", allowed="a text in quotes")
    return value


def check_flag(at: str, value: Any) -> bool:
    """Return ``value``, which must be true or false."""
    if not isinstance(value, bool):
        raise refusal(at, f"this is {_kind(value)}", allowed="true or false")
    return value


def check_words(at: str, value: Any) -> tuple[str, ...]:
    """Return the words of a list: texts without spaces, none of them twice, whatever their case."""
    words = _words(at, value)
    first: dict[str, str] = {}
    for word in words:
        before = first.get(word.lower())
        if before is not None:
            twice = f"{before!r} and {word!r} differ in case only"
            if before == word:
                twice = f"{word!r} is there twice"
            raise refusal(at, twice, allowed="each word once")
        first[word.lower()] = word
    return words


def check_sets(at: str, value: Any, size: int, of: str) -> tuple[tuple[str, ...], ...]:
    """Return a list of sets of ``size`` different words each; no set twice.

    Args:
        at: The entry, for the sentence.
        value: What the file holds.
        size: Words in a set.
        of: What a set is and holds, for the sentence.
    """
    if not isinstance(value, list):
        raise refusal(at, f"this is {_kind(value)}", allowed=f"a list of {of}")
    if not value:
        raise refusal(at, "this is empty", allowed=f"a list of {of}")
    sets = tuple(check_words(f"{at}[{i}]", each) for i, each in enumerate(value))
    seen: set[tuple[str, ...]] = set()
    for i, each in enumerate(sets):
        if len(each) != size:
            raise refusal(f"{at}[{i}]", f"{_joined(each)} has {len(each)} words", allowed=of)
        lower = tuple(word.lower() for word in each)
        if lower in seen:
            raise refusal(at, f"{_joined(each)} is there twice", allowed="each once")
        seen.add(lower)
    return sets


def check_sides(at: str, sides: Mapping[str, Iterable[str]]) -> None:
    """Refuse a word that is on two sides, whatever its case."""
    owner: dict[str, tuple[str, str]] = {}
    for side, words in sides.items():
        for word in words:
            other, spelled = owner.setdefault(word.lower(), (side, word))
            if other != side:
                as_ = "" if spelled == word else f" (as {spelled!r})"
                raise refusal(
                    at,
                    f"{word!r} is on both sides, in {other}{as_} and in {side}",
                    allowed="each word on one side",
                )


def _words(at: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):  # word → its scores
        value = list(value)
    if not isinstance(value, list):
        raise refusal(at, f"this is {_kind(value)}", allowed="a list of words")
    if not value:
        raise refusal(at, "the list is empty", allowed="at least one word")
    for i, word in enumerate(value):
        _check_word(f"{at}[{i}]", word)
    return tuple(value)


def _check_word(at: str, word: Any) -> None:
    if not isinstance(word, str):
        hint = " (an unquoted yes, no, on or off in YAML)" if isinstance(word, bool) else ""
        raise refusal(at, f"{word!r} is {_kind(word)}{hint}", allowed="a word in quotes")
    if not word.strip():
        raise refusal(at, "the word is empty", allowed="a word in quotes")
    if len(word.split()) > 1 or word != word.strip():
        raise refusal(
            at,
            f"{word!r} holds a space",
            allowed="one token, a phrase joined by _",
            try_=repr("_".join(word.split())),
        )


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def _joined(words: Sequence[str]) -> str:
    return "/".join(words)
