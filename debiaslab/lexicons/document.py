"""From the content of a lexicon file, shipped or a user's, to lists, pairs and attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from debiaslab.errors import nearest
from debiaslab.lexicons.association_test import AssociationTest
from debiaslab.lexicons.attributes import Attribute
from debiaslab.lexicons.checks import (
    check_flag,
    check_keys,
    check_object,
    check_sets,
    check_sides,
    check_text,
    check_words,
    refusal,
)
from debiaslab.lexicons.lists import Lexicon, PairLexicon
from debiaslab.lexicons.source import version_of
from debiaslab.lexicons.split import half_of_all

Shared = Callable[[], Mapping[str, Lexicon]]  # lists that a file may name without holding them

_TEXTS = ("name", "citation", "licence", "version", "notes")
_CONTENTS = ("words", "pairs", "attributes", "tests")
_LIST_KEYS = ("where", "words", "people")
_PAIR_KEYS = ("where", "pairs")
_SIDES = ("X", "Y", "A", "B")
_TEST_KEYS = ("label", *_SIDES)
_ATTRIBUTE_KEYS = ("where", "classes", "definitional_sets", "targets", "stereotypes")


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
    """Validate the content of a lexicon file and return what it holds.

    The schema: ``citation`` (required), ``name``, ``licence``, ``version``, ``notes``, and at least
    one of ``words`` (name → ``{where, words, people}``), ``pairs`` (name → ``{where, pairs}``),
    ``attributes`` (name → ``{where, classes, definitional_sets, targets, stereotypes}``) and
    ``tests`` (name → ``{label, X, Y, A, B}``, each side the name of a list or the words: a WEAT).

    Args:
        content: What the JSON or YAML holds.
        file: What to call the file in an error.
        shared: Gives the lists an attribute may name besides those of the file.
        default_name: Name of a file that does not say it.

    Raises:
        UserError: Unknown or missing keys, a wrong type, an empty list, a word twice or on two
            sides; the sentence names the file and the entry.
    """
    document = check_keys(file, content, _TEXTS + _CONTENTS, ["citation"])
    texts = {key: check_text(f"{file}: {key}", document[key]) for key in _TEXTS if key in document}
    if not any(key in document for key in _CONTENTS):
        raise refusal(file, "it holds no list", allowed=" or ".join(_CONTENTS), try_='"words": {…}')
    return _Parser(
        file,
        texts["citation"],
        texts.get("licence", "not stated"),
        texts.get("version", "1"),
        shared,
    ).parse(document, texts.get("name", default_name), texts.get("notes", ""))


@dataclass(frozen=True)
class _Parser:
    """What the lists of one file have in common."""

    file: str
    citation: str
    licence: str
    version: str
    shared: Shared

    def parse(self, document: Mapping[str, Any], name: str, notes: str) -> LexiconFile:
        lists = {each: self._list(each, entry) for each, entry in self._entries(document, "words")}
        pairs = {each: self._pairs(each, entry) for each, entry in self._entries(document, "pairs")}
        attributes: dict[str, Attribute] = {}
        for each, entry in self._entries(document, "attributes"):
            attributes[each] = self._attribute(each, entry, lists)
        tests = {
            each: self._test(each, entry, lists) for each, entry in self._entries(document, "tests")
        }
        return LexiconFile(
            name=name,
            citation=self.citation,
            licence=self.licence,
            version=self.version,
            notes=notes,
            lexicons=lists,
            pairs=pairs,
            attributes=attributes,
            tests=tests,
            warnings=(*self._split_pairs(pairs), *self._split_sets(attributes)),
        )

    def _entries(self, document: Mapping[str, Any], kind: str) -> list[tuple[str, Any]]:
        if kind not in document:
            return []
        return list(check_object(f"{self.file}: {kind}", document[kind]).items())

    def _list(self, name: str, value: Any) -> Lexicon:
        at = f"{self.file}: words.{name}"
        entry = check_keys(at, value, _LIST_KEYS, ["words"])
        check_words(f"{at}.words", entry["words"])
        people = check_flag(f"{at}.people", entry.get("people", False))
        return self._lexicon(name, entry["words"], self._where(at, entry), people)

    def _lexicon(self, name: str, content: Any, where: str, people: bool = False) -> Lexicon:
        cased = tuple(content)
        return Lexicon(
            name=name,
            words=tuple(word.lower() for word in cased),
            cased=cased,
            citation=self.citation + where,
            licence=self.licence,
            version=version_of(self.version, content),
            people=people,
        )

    def _pairs(self, name: str, value: Any) -> PairLexicon:
        at = f"{self.file}: pairs.{name}"
        entry = check_keys(at, value, _PAIR_KEYS, ["pairs"])
        pairs = check_sets(f"{at}.pairs", entry["pairs"], 2, "pairs of two words")
        check_sides(
            at, {"first words": (p[0] for p in pairs), "second words": (p[1] for p in pairs)}
        )
        return PairLexicon(
            name=name,
            pairs=tuple((first, second) for first, second in pairs),
            citation=self.citation + self._where(at, entry),
            licence=self.licence,
            version=version_of(self.version, entry["pairs"]),
        )

    def _attribute(self, name: str, value: Any, lists: dict[str, Lexicon]) -> Attribute:
        """Return an attribute; the lists that it holds itself are added to ``lists``."""
        at = f"{self.file}: attributes.{name}"
        entry = check_keys(at, value, _ATTRIBUTE_KEYS, ["classes"])
        where = self._where(at, entry)
        named = check_object(f"{at}.classes", entry["classes"])
        if len(named) < 2:
            raise refusal(f"{at}.classes", "there is one class", allowed="two classes or more")
        classes = self._classes(f"{at}.classes", named, lists, f"{name}_{{}}", where)
        stereotypes = self._stereotypes(name, at, entry, lists, where)
        sets = self._sets(at, entry, "definitional_sets", classes)
        return Attribute(
            name=name,
            classes=classes,
            definitional_sets=sets,
            targets=self._sets(at, entry, "targets", classes) or sets,
            stereotypes=stereotypes,
            citation=self.citation + where,
            licence=self.licence,
            version=version_of(self.version, entry),
        )

    def _test(self, name: str, value: Any, lists: dict[str, Lexicon]) -> AssociationTest:
        """Return an association test; the lists that it holds itself are added to ``lists``."""
        at = f"{self.file}: tests.{name}"
        entry = check_keys(at, value, _TEST_KEYS, _SIDES)
        label = check_text(f"{at}.label", entry.get("label", name))
        sides: dict[str, Lexicon] = {}
        for pair in ("XY", "AB"):
            given = {side: entry[side] for side in pair}
            sides |= self._classes(at, given, lists, f"{name}_{{}}", "")
        X, Y, A, B = (sides[each] for each in _SIDES)
        return AssociationTest(name, label, X, Y, A, B, published=False)

    def _stereotypes(
        self, name: str, at: str, entry: dict[str, Any], lists: dict[str, Lexicon], where: str
    ) -> dict[str, Lexicon]:
        if "stereotypes" not in entry:
            return {}
        at = f"{at}.stereotypes"
        given = check_object(at, entry["stereotypes"])
        for each in given:
            if each not in entry["classes"]:
                known = list(entry["classes"])
                raise refusal(
                    at,
                    f"there is no class {each!r}",
                    allowed=", ".join(known),
                    near=nearest(each, known),
                )
        return self._classes(at, given, lists, f"{name}_{{}}_stereotypes", where)

    def _classes(
        self, at: str, given: dict[str, Any], lists: dict[str, Lexicon], naming: str, where: str
    ) -> dict[str, Lexicon]:
        """Return class → list, each named by the file or held right here."""
        found = {}
        for each, value in given.items():
            if isinstance(value, str):
                found[each] = self._known(f"{at}.{each}", value, lists)
                continue
            own = naming.format(each)
            check_words(f"{at}.{each}", value)
            if own in lists:
                raise refusal(f"{at}.{each}", f"the name {own!r} is taken by a list of this file")
            lists[own] = found[each] = self._lexicon(own, value, f"{where}: {each}")
        check_sides(at, {each: lexicon.cased for each, lexicon in found.items()})
        return found

    def _known(self, at: str, name: str, own: Mapping[str, Lexicon]) -> Lexicon:
        if name in own:
            return own[name]
        shared = self.shared()
        if name in shared:
            return shared[name]
        known = [*own, *shared]
        raise refusal(
            at,
            f"there is no word list called {name!r}",
            allowed="a list of words, or the name of a list",
            near=nearest(name, known),
        )

    def _sets(
        self, at: str, entry: dict[str, Any], key: str, classes: Mapping[str, Lexicon]
    ) -> tuple[tuple[str, ...], ...]:
        if key not in entry:
            return ()
        of = f"sets of {len(classes)} words, one a class: {', '.join(classes)}"
        sets = check_sets(f"{at}.{key}", entry[key], len(classes), of)
        columns = zip(*sets, strict=True)
        sides = {
            each: chain(lexicon.cased, column)
            for (each, lexicon), column in zip(classes.items(), columns, strict=True)
        }
        check_sides(f"{at}.{key}", sides)
        return sets

    def _where(self, at: str, entry: Mapping[str, Any]) -> str:
        return f"; {check_text(f'{at}.where', entry['where'])}" if "where" in entry else ""

    def _split_pairs(self, pairs: Mapping[str, PairLexicon]) -> list[str]:
        return [
            self._split(f"pairs.{name}", pair)
            for name, lexicon in pairs.items()
            for pair in lexicon.pairs
            if half_of_all(pair) is None
        ]

    def _split_sets(self, attributes: Mapping[str, Attribute]) -> list[str]:
        return [
            self._split(f"attributes.{name}", each)
            for name, attribute in attributes.items()
            for each in dict.fromkeys(attribute.definitional_sets + attribute.targets)
            if half_of_all(each) is None
        ]

    def _split(self, entry: str, words: tuple[str, ...]) -> str:
        return (
            f"{self.file}: {entry}: the words of {'/'.join(words)} are in different halves, so "
            "they count among all words only"
        )
