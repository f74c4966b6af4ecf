"""The one schema of lexicon files, of those that ship and of users', and its refusals.

Pydantic checks the shape; a refusal is one sentence that names the file and the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    PlainValidator,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

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
_TEXT, _WORD = "a text in quotes", "a word in quotes"


# What a file may hold -------------------------------------------------------------------------


def _wrong(given: str, allowed: str, try_: str = "") -> PydanticCustomError:
    return PydanticCustomError(
        "refused", "{given}", {"given": given, "allowed": allowed, "try": try_}
    )


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(f"this is {_kind(value)}", _TEXT)
    if not value.strip():
        raise _wrong("this is empty", _TEXT)
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(f"this is {_kind(value)}", "true or false")
    return value


def _word(word: Any) -> str:
    if not isinstance(word, str):
        hint = " (an unquoted yes, no, on or off in YAML)" if isinstance(word, bool) else ""
        raise _wrong(f"{word!r} is {_kind(word)}{hint}", _WORD)
    if not word.strip():
        raise _wrong("the word is empty", _WORD)
    if len(word.split()) > 1 or word != word.strip():
        joined = repr("_".join(word.split()))
        raise _wrong(f"{word!r} holds a space", "one token, a phrase joined by _", joined)
    return word


def _listed(value: Any) -> Any:
    if isinstance(value, dict):  # word → its scores
        value = list(value)
    if not isinstance(value, list):
        raise _wrong(f"this is {_kind(value)}", "a list of words")
    if not value:
        raise _wrong("the list is empty", "at least one word")
    return value


def _distinct(words: list[str]) -> list[str]:
    first: dict[str, str] = {}
    for word in words:
        before = first.setdefault(word.lower(), word)
        if before != word:
            raise _wrong(f"{before!r} and {word!r} differ in case only", "each word once")
    if len(first) < len(words):
        twice = next(word for word in words if words.count(word) > 1)
        raise _wrong(f"{twice!r} is there twice", "each word once")
    return words


def _list_of(what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, list):
            raise _wrong(f"this is {_kind(value)}", f"a list of {what}")
        if not value:
            raise _wrong("this is empty", f"a list of {what}")
        return value

    return check


def _entries(value: Any) -> Any:
    """Refuse what is no object with names."""
    if not isinstance(value, dict):
        raise _wrong(f"this is {_kind(value)}", "an object")
    if not value:
        raise _wrong("this is empty", "at least one entry")
    for key in value:
        if not (isinstance(key, str) and key.strip()):
            raise _wrong(f"the key {key!r} is no name", _TEXT)
    return value


Text = Annotated[str, PlainValidator(_text)]
Words = Annotated[
    list[Annotated[str, PlainValidator(_word)]], BeforeValidator(_listed), AfterValidator(_distinct)
]
Pairs = Annotated[list[Words], BeforeValidator(_list_of("pairs of two words"))]
Sets = Annotated[list[Words], BeforeValidator(_list_of("sets of words, one a class"))]
_NAMED, _HELD = "<named>", "<held>"  # parts of an error's place that are not in the file
Side = Annotated[
    Annotated[str, Tag(_NAMED)] | Annotated[Words, Tag(_HELD)],
    Discriminator(lambda value: _NAMED if isinstance(value, str) else _HELD),
]
"""The name of a list, or the words themselves."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _is_object(cls, value: Any) -> Any:
        return _entries(value)


class ListEntry(_Entry):
    """A list of words."""

    where: Text = ""
    words: Words
    people: Annotated[bool, PlainValidator(_flag)] = False


class PairsEntry(_Entry):
    """A list of pairs."""

    where: Text = ""
    pairs: Pairs


class AttributeEntry(_Entry):
    """An attribute of two classes or more."""

    where: Text = ""
    classes: Annotated[dict[str, Side], BeforeValidator(_entries)]
    definitional_sets: Sets = []
    targets: Sets = []
    stereotypes: Annotated[dict[str, Side], BeforeValidator(_entries)] = {}


class TestEntry(_Entry):
    """A word embedding association test."""

    label: Text = ""
    X: Side
    Y: Side
    A: Side
    B: Side


class Document(_Entry):
    """A lexicon file.

    ``citation`` is required, and at least one of ``words``, ``pairs``, ``attributes`` and
    ``tests``, each a mapping from names to entries.
    """

    name: Text = ""
    citation: Text
    licence: Text = "not stated"
    version: Text = "1"
    notes: Text = ""
    words: Annotated[dict[str, ListEntry], BeforeValidator(_entries)] = {}
    pairs: Annotated[dict[str, PairsEntry], BeforeValidator(_entries)] = {}
    attributes: Annotated[dict[str, AttributeEntry], BeforeValidator(_entries)] = {}
    tests: Annotated[dict[str, TestEntry], BeforeValidator(_entries)] = {}


_MODELS: dict[str, type[_Entry]] = {
    "words": ListEntry,
    "pairs": PairsEntry,
    "attributes": AttributeEntry,
    "tests": TestEntry,
}


def validated(content: Any, file: str) -> Document:
    """Return the document that a file holds.

    Raises:
        UserError: It breaks the schema; the sentence names ``file`` and the entry.
    """
    try:
        return Document.model_validate(content)
    except ValidationError as error:
        order = {"extra_forbidden": 0, "missing": 1}
        first = min(error.errors(), key=lambda each: order.get(each["type"], 2))
        raise _sentence(first, file) from None


def _sentence(error: ErrorDetails, file: str) -> UserError:
    place = [part for part in error["loc"] if part not in (_NAMED, _HELD)]
    if error["type"] in ("extra_forbidden", "missing"):
        *place, key = place
        if error["type"] == "missing":
            given, allowed, step = f"the key {key!r} is missing", None, f'"{key}": …'
            return refusal(_at(file, place), given, allowed=allowed, try_=step)
        known = list((_MODELS[str(place[0])] if place else Document).model_fields)
        given = f"there is no key {key!r}"
        close = nearest(str(key), known)
        return refusal(_at(file, place), given, allowed=", ".join(known), near=close)
    context = error.get("ctx", {})
    given = context.get("given", error["msg"])
    return refusal(_at(file, place), given, allowed=context.get("allowed"), try_=context.get("try"))


def _at(file: str, place: Sequence[int | str]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return f"{file}: {parts[1:]}" if parts else file


def refusal(
    at: str,
    given: str,
    *,
    allowed: str | None = None,
    near: str | None = None,
    try_: str | None = None,
) -> UserError:
    """Return the error about the entry ``at``, such as ``my.json: words.career``."""
    return UserError(f"{at}: {given}", allowed=allowed, nearest=near, next_step=try_ or None)
