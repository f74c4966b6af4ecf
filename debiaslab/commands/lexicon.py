"""The command about word lists: list them, show one, check them against vectors."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from debiaslab.commands.options import Input, Said, VectorsInput
from debiaslab.commands.stores import Reader, ReadsVectors
from debiaslab.errors import UserError, nearest
from debiaslab.settings.options import Text, command, option
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from debiaslab.lexicons import (
        AssociationTest,
        Attribute,
        Half,
        Lexicon,
        LexiconFile,
        PairLexicon,
    )
    from debiaslab.metrics.collapse import ListCheck, ListChecker, SetsCheck

HALVES: tuple[Half, ...] = ("all", "tune", "report")
WIDTH = 96
_SHOWN = 4  # missing words named for each list, unless the list itself was named


@command
class LexiconCommand(ReadsVectors):
    """List the word lists, show one with its halves and source, or check lists against vectors."""

    examples = """examples:
  python -m debiaslab lexicon list
  python -m debiaslab lexicon show career
  python -m debiaslab lexicon show 7
  python -m debiaslab lexicon check --vectors vectors.kv
  python -m debiaslab lexicon check age --vectors vectors.kv --file my_lists.yaml"""
    action: Literal["list", "show", "check"] = option(
        "list, show or check", flag="action", metavar="ACTION"
    )
    names: tuple[Text, ...] = option(
        "word lists, pair lists, attributes or tests; check without any: all of them",
        default=(),
        flag="names",
        metavar="NAME",
    )
    vectors: VectorsInput | None = option(
        "the vectors to check lists against", default=None, metavar="FILE"
    )
    file: Input | None = option(
        "your own lists, JSON or YAML, in place of those that ship", default=None, metavar="LISTS"
    )

    def run(self) -> Said:
        """List, show or check."""
        self._check()
        from debiaslab.lexicons import association_tests, load_file, shipped

        files = shipped() if self.file is None else (load_file(self.file),)
        if self.action == "list":
            yield from _list(files, tables=self.file is None)
            if self.file is None:
                yield _tests(association_tests())
                yield ""
            return
        own = [test for file in files for test in file.tests.values()]
        known = _Known.of(files, own if self.file is not None else association_tests())
        for name in self.names:
            known.require(name)
        if self.vectors is None:
            yield "\n\n".join(known.describe(name) for name in self.names)
            return
        yield from _check(known, self.names, self.vectors, self.reader())

    def _check(self) -> None:
        if self.action == "show" and not self.names:
            raise UserError(
                "show was given no name",
                allowed="a word list, a pair list, an attribute or a test",
                next_step="python -m debiaslab lexicon list",
            )
        if self.action == "list" and self.names:
            raise UserError(
                f"list takes no name, and was given {self.names[0]!r}",
                next_step=f"python -m debiaslab lexicon show {self.names[0]}",
            )
        if (self.action == "check") != (self.vectors is not None):
            raise UserError(
                "check needs --vectors" if self.vectors is None else "--vectors is for check only",
                next_step="python -m debiaslab lexicon check --vectors FILE",
            )


# list -----------------------------------------------------------------------------------------


def _list(files: Iterable[LexiconFile], *, tables: bool) -> Iterator[str | Table]:
    columns = (Column("name", align="left"), *map(Column, ("words", "tune", "report", "version")))
    for file in files:
        yield _wrapped(f"{file.name} {file.version}: {file.citation}")
        yield Table(columns, list(_rows(file)), ruled=False)
        yield "".join(f"{_wrapped(f'note: {text}')}\n" for text in file.warnings)
    if tables:
        yield _tables()


def _rows(file: LexiconFile) -> Iterator[tuple[str, ...]]:
    for words in file.lexicons.values():
        yield words.name, *(str(len(words.half(half))) for half in HALVES), words.version
    for pairs in file.pairs.values():
        sizes = (str(len(pairs.half(half))) for half in HALVES[1:])
        yield pairs.name, f"{len(pairs.pairs)} pairs", *sizes, pairs.version
    for each in file.attributes.values():
        sizes = (str(len(each.half(half).definitional_sets)) for half in HALVES[1:])
        what = f"{len(each.classes)} classes, {len(each.definitional_sets)} sets"
        yield f"attribute {each.name}", what, *sizes, each.version
    yield from map(_test_row, file.tests.values())


def _test_row(test: AssociationTest) -> tuple[str, ...]:
    sizes = ("/".join(str(len(w)) for w in test.half(half)) for half in HALVES)
    return (f"test {test.name}", *sizes, test.X.version)


def _tests(tests: Iterable[AssociationTest]) -> Table:
    columns = (
        Column("association tests (words of X/Y/A/B)", align="left"),
        *map(Column, ("words", "tune", "report", "version")),
    )
    return Table(columns, list(map(_test_row, tests)), ruled=False)


def _tables() -> str:
    from debiaslab.lexicons.lists import VERSIONED_SOURCES, source

    documents = map(source, VERSIONED_SOURCES)
    return "\n".join(
        _wrapped(f"{each['name']} {each['version']}: {each['citation']}") for each in documents
    )


# show -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """Everything that can be named."""

    lexicons: Mapping[str, Lexicon]
    pairs: Mapping[str, PairLexicon]
    attributes: Mapping[str, Attribute]
    tests: Mapping[str, AssociationTest]

    @classmethod
    def of(cls, files: Sequence[LexiconFile], tests: Iterable[AssociationTest]) -> _Known:
        return cls(
            {name: each for file in files for name, each in file.lexicons.items()},
            {name: each for file in files for name, each in file.pairs.items()},
            {name: each for file in files for name, each in file.attributes.items()},
            {each.name: each for each in tests},
        )

    def require(self, name: str) -> None:
        known = [*self.lexicons, *self.pairs, *self.attributes, *self.tests]
        if name not in known:
            raise UserError(
                f"there is no word list, pair list, attribute or test called {name!r}",
                nearest=nearest(name, known),
                next_step="python -m debiaslab lexicon list",
            )

    def describe(self, name: str) -> str:
        """Describe everything of this name: a list and an attribute may share one."""
        kinds: tuple[tuple[Mapping[str, Any], Callable[[Any], str]], ...] = (
            (self.lexicons, _describe_list),
            (self.pairs, _describe_pairs),
            (self.attributes, _describe_attribute),
            (self.tests, _describe_test),
        )
        return "\n\n".join(show(there[name]) for there, show in kinds if name in there)


def _describe_list(lexicon: Lexicon) -> str:
    what = "names of people" if lexicon.people else "words"
    halves = {half: lexicon.half(half, cased=True) for half in HALVES[1:]}
    lines = [_field(f"{half} ({len(x)})", ", ".join(x)) for half, x in halves.items()]
    return "\n".join([f"{lexicon.name}: {len(lexicon.words)} {what}", *lines, _source(lexicon)])


def _describe_pairs(lexicon: PairLexicon) -> str:
    halves = {half: lexicon.half(half) for half in HALVES[1:]}
    lines = [_field(f"{half} ({len(x)})", _sets(x)) for half, x in halves.items()]
    return "\n".join([f"{lexicon.name}: {len(lexicon.pairs)} pairs", *lines, _source(lexicon)])


def _describe_attribute(attribute: Attribute) -> str:
    lines = [f"attribute {attribute.name}: {', '.join(attribute.classes)}"]
    for name, lexicon in attribute.classes.items():
        lines.append(_field(name, ", ".join(lexicon.cased)))
        if name in attribute.stereotypes:
            stereotypes = ", ".join(attribute.stereotypes[name].cased)
            lines.append(_field("", f"stereotyped: {stereotypes}"))
    for half in HALVES[1:]:
        sets = attribute.half(half).definitional_sets
        lines.append(_field(f"{half} sets ({len(sets)})", _sets(sets)))
    if attribute.targets != attribute.definitional_sets:
        lines.append(_field("targets", _sets(attribute.targets)))
    return "\n".join([*lines, _source(attribute)])


def _describe_test(test: AssociationTest) -> str:
    lines = [f"association test {test.name}: {test.label}"]
    for side, lexicon in zip("XYAB", (test.X, test.Y, test.A, test.B), strict=True):
        lines.append(_field(f"{side} {lexicon.name}", ", ".join(lexicon.cased)))
    halves = ("/".join(str(len(words)) for words in test.half(half)) for half in HALVES[1:])
    lines.append(_field("words of a half", "tune {}, report {} of X/Y/A/B".format(*halves)))
    return "\n".join([*lines, _source(test.X)])


def _sets(sets: Iterable[Sequence[str]]) -> str:
    return ", ".join("/".join(words) for words in sets)


def _source(each: Lexicon | PairLexicon | Attribute) -> str:
    fields = (("source", each.citation), ("licence", each.licence), ("version", each.version))
    return "\n".join(_field(name, text) for name, text in fields)


# check ----------------------------------------------------------------------------------------


def _check(
    known: _Known, names: Sequence[str], vectors: str, reader: Reader
) -> Iterator[str | Table]:
    from debiaslab.metrics.collapse import ListChecker
    from debiaslab.metrics.null import TOP

    embeddings = reader.in_order(vectors)
    checker = ListChecker(embeddings)
    lists = [checker.words(each) for each in _chosen_lists(known, names)]
    sets = list(_check_sets(checker, known, names))
    most = None if names else _SHOWN
    yield f"{vectors}: {len(embeddings):,} words; rank 1 is the first row"
    yield (
        "coherence: mean cosine within the list; random: lists as long, from the first "
        f"{min(TOP, len(embeddings)):,} rows"
    )
    if lists:
        yield _list_grid(lists, most)
    if sets:
        yield _set_grid(sets, most)
    warned = [each.warnings for each in lists] + [each.warnings for each in sets]
    yield from (_wrapped(f"warning: {text}") for warnings in warned for text in warnings)


def _chosen_lists(known: _Known, names: Sequence[str]) -> list[Lexicon]:
    if not names:
        return list(known.lexicons.values())
    chosen: dict[str, Lexicon] = {}
    for name in names:
        if name in known.lexicons:
            chosen[name] = known.lexicons[name]
        if name in known.tests:
            test = known.tests[name]
            for each in (test.X, test.Y, test.A, test.B):
                chosen[each.name] = each
        if name in known.attributes:
            attribute = known.attributes[name]
            for each in (*attribute.classes.values(), *attribute.stereotypes.values()):
                chosen[each.name] = each
    return list(chosen.values())


def _check_sets(checker: ListChecker, known: _Known, names: Sequence[str]) -> Iterator[SetsCheck]:
    from debiaslab.metrics.collapse import HALVES

    for name, pairs in known.pairs.items():
        if not names or name in names:
            yield checker.sets(name, pairs.pairs, {half: pairs.half(half) for half in HALVES})
    for name, attribute in known.attributes.items():
        if attribute.definitional_sets and (not names or name in names):
            halves = {half: attribute.half(half).definitional_sets for half in HALVES}
            yield checker.sets(f"sets of {name}", attribute.definitional_sets, halves)


_FOUND = (Column("found"), Column("tune"), Column("report"))


def _list_grid(checks: Sequence[ListCheck], most: int | None) -> Table:
    columns = (
        Column("word list", align="left"),
        *_FOUND,
        Column("rank 25/50/75 %", lambda ranks: "/".join(map(str, ranks))),
        Column("coherence", ".3f"),
        Column("random 95 %", lambda ends: "{:.3f} to {:.3f}".format(*ends)),
    )
    rows = [
        (
            check.name,
            f"{len(check.found)}/{check.words}",
            *(f"{found}/{listed}" for found, listed in check.halves.values()),
            *(check.ranks, check.coherence, check.random),
        )
        for check in checks
    ]
    lost = [_lost(check.name, check.missing, most) for check in checks if check.missing]
    return Table(columns, rows, notes=tuple(lost), ruled=False)


def _set_grid(checks: Sequence[SetsCheck], most: int | None) -> Table:
    rows = [
        (
            check.name,
            f"{check.found}/{check.sets}",
            *(f"{found}/{listed}" for found, listed in check.halves.values()),
        )
        for check in checks
    ]
    lost = [
        _lost(check.name, ["/".join(words) for words in check.missing], most)
        for check in checks
        if check.missing
    ]
    columns = (Column("pairs and sets", align="left"), *_FOUND)
    return Table(columns, rows, notes=tuple(lost), ruled=False)


def _lost(name: str, missing: Sequence[str], most: int | None) -> str:
    shown = ", ".join(missing[:most])
    more = 0 if most is None else max(0, len(missing) - most)
    return _wrapped(f"missing of {name}: {shown}" + (f" and {more} more" if more else ""))


# text -----------------------------------------------------------------------------------------


def _field(name: str, text: str) -> str:
    return textwrap.fill(
        text or "–",
        WIDTH,
        initial_indent=f"  {name:17} ",
        subsequent_indent=" " * 20,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
