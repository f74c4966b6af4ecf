"""Lexicon files, those that ship and users': one schema, and what such a file holds.

Pydantic checks the shape; then the lists that attributes and tests name are found, and words on two
sides are refused. A refusal is one sentence that names the file and the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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
from debiaslab.lexicons.lists import (
    AssociationTest,
    Attribute,
    Lexicon,
    PairLexicon,
    WordSet,
    half_of_all,
    version_of,
)

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
        raise _wrong(f"{twice!r} appears twice", "each word once")
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
            raise _wrong(f"the key {key!r} is not a name", _TEXT)
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


# What a file holds ----------------------------------------------------------------------------

Shared = Callable[[], Mapping[str, Lexicon]]  # lists that a file may name without holding them

_CONTENTS = ("words", "pairs", "attributes", "tests")
_SIDES = ("X", "Y", "A", "B")


@dataclass(frozen=True)
class LexiconFile:
    """Everything that one lexicon file holds, validated.

    Attributes:
        name: Name of the file's collection.
        citation: Publication.
        licence: Terms.
        version: Declared version.
        notes: What was changed, and why.
        lexicons: Word lists by name; those that an attribute holds are called
            ``<attribute>_<class>`` and ``<attribute>_<class>_stereotypes``, those that a test holds
            ``<test>_X`` and so on.
        pairs: Pair lists by name.
        attributes: Attributes by name.
        tests: Association tests by name.
        warnings: What is allowed but should be known, one sentence each.
    """

    name: str
    citation: str
    licence: str
    version: str
    notes: str
    lexicons: Mapping[str, Lexicon]
    pairs: Mapping[str, PairLexicon]
    attributes: Mapping[str, Attribute]
    tests: Mapping[str, AssociationTest]
    warnings: tuple[str, ...]


def parse(content: Any, file: str, *, shared: Shared, default_name: str = "") -> LexiconFile:
    """Validate the content of a lexicon file (see ``Document``) and return what it holds.

    Args:
        content: What the JSON or YAML holds.
        file: What to call the file in an error.
        shared: Gives the lists an attribute may name besides those of the file.
        default_name: Name of a file that does not say it.

    Raises:
        UserError: Unknown or missing keys, a wrong type, an empty list, a word twice or on two
            sides; the sentence names the file and the entry.
    """
    document = validated(content, file)
    if not any(getattr(document, key) for key in _CONTENTS):
        given, allowed = "it holds no list", " or ".join(_CONTENTS)
        raise refusal(file, given, allowed=allowed, try_='"words": {…}')
    parser = _Parser(file, document, content, shared)
    lists = {name: parser.list(name, entry) for name, entry in document.words.items()}
    pairs = {name: parser.pairs(name, entry) for name, entry in document.pairs.items()}
    attributes = {
        name: parser.attribute(name, entry, lists) for name, entry in document.attributes.items()
    }
    tests = {name: parser.test(name, entry, lists) for name, entry in document.tests.items()}
    return LexiconFile(
        name=document.name or default_name,
        citation=document.citation,
        licence=document.licence,
        version=document.version,
        notes=document.notes,
        lexicons=lists,
        pairs=pairs,
        attributes=attributes,
        tests=tests,
        warnings=tuple(_split_sets(file, pairs, attributes)),
    )


@dataclass(frozen=True)
class _Parser:
    """What the entries of one file have in common."""

    file: str
    document: Document
    content: Mapping[str, Any]  # as it is in the file: versions are digests of it
    shared: Shared

    def list(self, name: str, entry: ListEntry) -> Lexicon:
        raw = self.content["words"][name]["words"]
        return self._lexicon(name, raw, _where(entry.where), entry.people)

    def pairs(self, name: str, entry: PairsEntry) -> PairLexicon:
        at = f"{self.file}: pairs.{name}"
        pairs = _sized(f"{at}.pairs", entry.pairs, 2, "pairs of two words")
        first, second = zip(*pairs, strict=True)
        _refuse_on_two_sides(at, {"first words": first, "second words": second})
        source = self._source(self.content["pairs"][name]["pairs"], _where(entry.where))
        return PairLexicon(name, tuple(zip(first, second, strict=True)), **source)

    def attribute(self, name: str, entry: AttributeEntry, lists: dict[str, Lexicon]) -> Attribute:
        """Return an attribute; the lists that it holds itself are added to ``lists``."""
        at, where = f"{self.file}: attributes.{name}", _where(entry.where)
        raw = self.content["attributes"][name]
        if len(entry.classes) < 2:
            raise refusal(f"{at}.classes", "there is one class", allowed="two classes or more")
        classes = self._sides(f"{at}.classes", raw["classes"], lists, f"{name}_{{}}", where)
        for each in entry.stereotypes:
            if each not in classes:
                raise refusal(
                    f"{at}.stereotypes",
                    f"there is no class {each!r}",
                    allowed=", ".join(classes),
                    near=nearest(each, classes),
                )
        naming = f"{name}_{{}}_stereotypes"
        given = raw.get("stereotypes", {})
        stereotypes = self._sides(f"{at}.stereotypes", given, lists, naming, where)
        sets = _one_a_class(f"{at}.definitional_sets", entry.definitional_sets, classes)
        return Attribute(
            name=name,
            classes=classes,
            definitional_sets=sets,
            targets=_one_a_class(f"{at}.targets", entry.targets, classes) or sets,
            stereotypes=stereotypes,
            **self._source(raw, where),
        )

    def test(self, name: str, entry: TestEntry, lists: dict[str, Lexicon]) -> AssociationTest:
        """Return an association test; the lists that it holds itself are added to ``lists``."""
        sides: dict[str, Lexicon] = {}
        for pair in ("XY", "AB"):
            given = {side: self.content["tests"][name][side] for side in pair}
            sides |= self._sides(f"{self.file}: tests.{name}", given, lists, f"{name}_{{}}", "")
        X, Y, A, B = (sides[each] for each in _SIDES)
        return AssociationTest(name, entry.label or name, X, Y, A, B, published=False)

    def _sides(
        self, at: str, given: Mapping[str, Any], lists: dict[str, Lexicon], naming: str, where: str
    ) -> dict[str, Lexicon]:
        """Return side → list, each named by the file or held right here."""
        found = {}
        for each, value in given.items():
            if isinstance(value, str):
                found[each] = self._known(f"{at}.{each}", value, lists)
                continue
            own = naming.format(each)
            if own in lists:
                raise refusal(f"{at}.{each}", f"the name {own!r} is taken by a list of this file")
            lists[own] = found[each] = self._lexicon(own, value, f"{where}: {each}")
        _refuse_on_two_sides(at, {each: lexicon.cased for each, lexicon in found.items()})
        return found

    def _known(self, at: str, name: str, own: Mapping[str, Lexicon]) -> Lexicon:
        if name in own:
            return own[name]
        shared = self.shared()
        if name in shared:
            return shared[name]
        raise refusal(
            at,
            f"there is no word list called {name!r}",
            allowed="a list of words, or the name of a list",
            near=nearest(name, [*own, *shared]),
        )

    def _lexicon(
        self, name: str, content: Iterable[str], where: str, people: bool = False
    ) -> Lexicon:
        cased = tuple(content)
        lower = tuple(word.lower() for word in cased)
        return Lexicon(name, lower, cased, people, **self._source(content, where))

    def _source(self, content: object, where: str) -> dict[str, str]:
        """Return citation, licence and version of a part of the file."""
        document = self.document
        return {
            "citation": document.citation + where,
            "licence": document.licence,
            "version": version_of(document.version, content),
        }


def _where(place: str) -> str:
    return f"; {place}" if place else ""


def _sized(at: str, sets: Sequence[Sequence[str]], size: int, of: str) -> tuple[WordSet, ...]:
    """Return sets, which must have ``size`` words each and be there once."""
    seen: set[WordSet] = set()
    for i, each in enumerate(sets):
        joined, lower = "/".join(each), tuple(word.lower() for word in each)
        if len(each) != size:
            raise refusal(f"{at}[{i}]", f"{joined} has {len(each)} words", allowed=of)
        if lower in seen:
            raise refusal(at, f"{joined} appears twice", allowed="each once")
        seen.add(lower)
    return tuple(map(tuple, sets))


def _one_a_class(
    at: str, sets: Sequence[Sequence[str]], classes: Mapping[str, Lexicon]
) -> tuple[WordSet, ...]:
    if not sets:
        return ()
    of = f"sets of {len(classes)} words, one a class: {', '.join(classes)}"
    found = _sized(at, sets, len(classes), of)
    columns = zip(*found, strict=True)
    sides = {
        each: chain(lexicon.cased, column)
        for (each, lexicon), column in zip(classes.items(), columns, strict=True)
    }
    _refuse_on_two_sides(at, sides)
    return found


def _refuse_on_two_sides(at: str, sides: Mapping[str, Iterable[str]]) -> None:
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


def _split_sets(
    file: str, pairs: Mapping[str, PairLexicon], attributes: Mapping[str, Attribute]
) -> Iterable[str]:
    """Name the pairs and sets whose words are in different halves."""
    sets: list[tuple[str, Collection[WordSet]]] = [
        *((f"pairs.{name}", lexicon.pairs) for name, lexicon in pairs.items()),
        *(
            (f"attributes.{name}", dict.fromkeys(each.definitional_sets + each.targets))
            for name, each in attributes.items()
        ),
    ]
    for entry, found in sets:
        for words in found:
            if half_of_all(words) is None:
                yield (
                    f"{file}: {entry}: the words of {'/'.join(words)} are in different halves, so "
                    "they count among all words only"
                )
