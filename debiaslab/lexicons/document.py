"""From the content of a lexicon file, shipped or a user's, to lists, pairs, attributes and tests.

The schema has checked the shape. Here the lists that attributes and tests name are found, and words
on two sides are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from debiaslab.errors import nearest
from debiaslab.lexicons.lists import (
    AssociationTest,
    Attribute,
    Lexicon,
    PairLexicon,
    WordSet,
    half_of_all,
)
from debiaslab.lexicons.schema import (
    AttributeEntry,
    Document,
    ListEntry,
    PairsEntry,
    TestEntry,
    refusal,
    validated,
)
from debiaslab.lexicons.source import version_of

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
        return PairLexicon(
            name=name,
            pairs=tuple(zip(first, second, strict=True)),
            citation=self.document.citation + _where(entry.where),
            licence=self.document.licence,
            version=self._version(self.content["pairs"][name]["pairs"]),
        )

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
            citation=self.document.citation + where,
            licence=self.document.licence,
            version=self._version(raw),
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
        self,
        at: str,
        given: Mapping[str, Any],
        lists: dict[str, Lexicon],
        naming: str,
        where: str,
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
        return Lexicon(
            name=name,
            words=tuple(word.lower() for word in cased),
            cased=cased,
            citation=self.document.citation + where,
            licence=self.document.licence,
            version=self._version(content),
            people=people,
        )

    def _version(self, content: object) -> str:
        return version_of(self.document.version, content)


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
            raise refusal(at, f"{joined} is there twice", allowed="each once")
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
