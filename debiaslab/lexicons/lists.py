"""Word lists and their halves, and the files that hold them: the package's own and a user's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import yaml

from debiaslab.errors import UserError, normal_form, require_known

LIST_SOURCES = (
    "weat",
    "concepts",
    "gender_attributes",
    "occupations",
    "bolukbasi_professions",
    "bolukbasi_gender_specific",
)
PAIR_SOURCES = ("bolukbasi_pairs",)
ATTRIBUTE_SOURCES = ("manzini_multiclass", "garg_groups")
SOURCES = LIST_SOURCES + PAIR_SOURCES + ATTRIBUTE_SOURCES
_FORMATS = ".json, .yaml or .yml"
# tables with a loader of their own
VERSIONED_SOURCES = ("first_names", "sembias", "occupation_women", "swapping")


@cache
def source(name: str) -> dict[str, Any]:
    """Return the content of ``data/<name>.json``: citation, licence, version, notes and the lists.

    The value is cached and shared: do not change it.
    """
    path = files("debiaslab.lexicons") / "data" / f"{name}.json"
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def version_of(declared: str, content: object) -> str:
    """Return the declared version with a digest of the content, such as ``1.0+3f2a9c01``.

    A list that was edited without a new version number still shows as another version in a run.
    """
    digest = hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
    return f"{declared}+{digest[:8]}"


def read_document(path: Path) -> Any:
    """Return the content of a user's file, every text in the normal form of all words.

    Raises:
        UserError: The file cannot be read, or is not JSON or YAML.
    """
    return _spelled(_content(path))


def _spelled(value: Any) -> Any:
    """Return the content with every text, keys included, in the normal form of all words."""
    if isinstance(value, dict):
        return {_spelled(key): _spelled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_spelled(each) for each in value]
    return normal_form(value) if isinstance(value, str) else value


def _content(path: Path) -> Any:
    ending = path.suffix.lower()
    if ending not in (".json", ".yaml", ".yml"):
        raise UserError(f"{path} does not have the ending of a lexicon file", allowed=_FORMATS)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(
            f"the lexicon file {path} cannot be read: {error.strerror or error}", allowed=_FORMATS
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: byte {error.start} is not UTF-8", allowed="UTF-8") from None
    return _json(path.name, text) if ending == ".json" else _yaml(path.name, text)


def _json(file: str, text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _unique(file, pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{file}: line {error.lineno} is not JSON ({error.msg})", allowed="JSON"
        ) from None
    except RecursionError:
        raise UserError(f"{file}: it is nested too deeply", allowed="the schema") from None


def _yaml(file: str, text: str) -> Any:
    class Loader(yaml.SafeLoader):
        """Refuses a key that appears twice, which YAML readers let pass."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            _unique(file, [(str(key), None) for key in keys])
            return dict(super().construct_mapping(node, deep))

    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "it" if mark is None else f"line {mark.line + 1}"
        problem = getattr(error, "problem", None) or "no reason given"
        raise UserError(f"{file}: {where} is not YAML ({problem})", allowed="YAML") from None
    except RecursionError:
        raise UserError(f"{file}: it is nested too deeply", allowed="the schema") from None


def _unique(file: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {normal_form(key): value for key, value in pairs}
    if len(found) < len(pairs):
        keys = [normal_form(key) for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UserError(f"{file}: the key {twice!r} appears twice", allowed="each key once")
    return found


Half = Literal["all", "tune", "report"]
SplitHalf = Literal["tune", "report"]

WordSet = tuple[str, ...]

SALT = "debiaslab-3588438"


@cache
def families() -> dict[str, str]:
    """Return the key of each word that belongs to a family: its alphabetically first member."""
    return {word: min(group) for group in source("families")["families"] for word in group}


def family_key(word: str) -> str:
    """Return the string that decides the half of ``word``; case and normal form do not count."""
    word = normal_form(word.lower())
    return families().get(word, word)


@lru_cache(maxsize=1 << 14)  # the words of the lists, asked about again and again
def half_of(word: str) -> SplitHalf:
    """Return the half of ``word``, the same in every lexicon; any word has one.

    It is the parity of ``sha256("<SALT>:<family key>")``: even is tune, odd is report.
    """
    return _half_of_key(family_key(word))


def half_of_pair(word1: str, word2: str) -> SplitHalf:
    """Return the half of a pair of words, such as a similarity pair; neither order nor case counts.

    It does not follow from the halves of the two words.
    """
    return _half_of_key("\t".join(sorted((normal_form(word1.lower()), normal_form(word2.lower())))))


def in_half(words: Iterable[str], half: Half) -> tuple[str, ...]:
    """Return the words of ``half`` in their order."""
    check_half(half)
    return tuple(word for word in words if half in ("all", half_of(word)))


def half_of_all(words: Iterable[str]) -> SplitHalf | None:
    """Return the half that all of ``words`` are in; None when they are in different halves."""
    halves = {half_of(word) for word in words}
    return halves.pop() if len(halves) == 1 else None


def check_half(half: str) -> None:
    """Raise a `UserError` unless ``half`` is one of all, tune, report."""
    require_known(half, get_args(Half), f"{half!r} is not a half of the lexicons")


def _half_of_key(key: str) -> SplitHalf:
    last_byte = hashlib.sha256(f"{SALT}:{key}".encode()).digest()[-1]
    return "report" if last_byte % 2 else "tune"


@dataclass(frozen=True, kw_only=True)
class Sourced:
    """Where lists are from.

    The ``half`` of each raises a `UserError` unless it is asked for all, tune or report.

    Attributes:
        citation: Publication and place in it.
        licence: Terms of the source.
        version: Declared version and digest of the content.
    """

    citation: str
    licence: str
    version: str


@dataclass(frozen=True)
class Lexicon(Sourced):
    """One named list of words; joined phrases are written with ``_``.

    Attributes:
        name: What `load` knows it by.
        words: The words, lower-cased: what a lower-cased vocabulary holds.
        cased: The same words in the same order as published, proper names with their capitals:
            what to look up where the vectors may be cased (*Bill* is not *bill* there).
        people: Whether the words are names of people, which no penalty covers for being listed.
    """

    name: str
    words: tuple[str, ...]
    cased: tuple[str, ...]
    people: bool = False

    def half(self, half: Half, *, cased: bool = False) -> tuple[str, ...]:
        """Return the words of one half (or of both), in their order, as published if ``cased``."""
        return in_half(self.cased if cased else self.words, half)


@dataclass(frozen=True)
class PairLexicon(Sourced):
    """One named list of pairs; in every list that ships the male word is first."""

    name: str
    pairs: tuple[tuple[str, str], ...]

    def half(self, half: Half) -> tuple[tuple[str, str], ...]:
        """Return the pairs of one half (``all`` for both).

        In the lists that ship both words of a pair share their half; a pair of a user's file whose
        words do not is in neither.
        """
        check_half(half)
        return tuple(pair for pair in self.pairs if half in ("all", half_of_all(pair)))


class WordSets(NamedTuple):
    """The words of a test: targets X and Y, attributes A and B."""

    X: tuple[str, ...]
    Y: tuple[str, ...]
    A: tuple[str, ...]
    B: tuple[str, ...]


@dataclass(frozen=True)
class AssociationTest:
    """A WEAT, turned so that a positive effect is the stereotype.

    Of the tests about gender, 6 and 6b have it in the targets (X male, Y female; A career,
    B family), as published; the others have it in the attributes (A male, B female). ``published``
    tells the tests of Caliskan et al. (2017) and May et al. (2019) from those with lists of this
    project or of a user's file.
    """

    name: str
    label: str
    X: Lexicon
    Y: Lexicon
    A: Lexicon
    B: Lexicon
    published: bool

    def half(self, half: Half) -> WordSets:
        """Return the words of one half (``all`` for both) as published: names have capitals.

        In cased vectors *Bill* is then not taken for *bill*; a lower-cased vocabulary has to be
        asked for the lower-cased word, as the metrics do. A half of a short set may have fewer
        words than a test needs.
        """
        sets = (self.X, self.Y, self.A, self.B)
        return WordSets(*(each.half(half, cased=True) for each in sets))


@dataclass(frozen=True)
class AttributeWords:
    """The words of one half of an attribute, as published (see `Lexicon.cased`)."""

    classes: Mapping[str, WordSet]
    definitional_sets: tuple[WordSet, ...]
    targets: tuple[WordSet, ...]
    stereotypes: Mapping[str, WordSet]


@dataclass(frozen=True)
class Attribute(Sourced):
    """A binary or multi-class attribute (Manzini, Lim, Black & Tsvetkov 2019, NAACL).

    Attributes:
        name: Such as ``religion``.
        classes: Class → the words that mean it; two classes or more.
        definitional_sets: Sets of one word a class, in the order of ``classes``, that differ in the
            class only: what spans the subspace. May be empty.
        targets: Sets of the same shape that an evaluation asks about (their T in MAC); the
            definitional sets where a file names none.
        stereotypes: Class → words stereotyped for it (their A); may lack classes, or be empty.
    """

    name: str
    classes: Mapping[str, Lexicon]
    definitional_sets: tuple[WordSet, ...]
    targets: tuple[WordSet, ...]
    stereotypes: Mapping[str, Lexicon]

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.classes) == 2

    @property
    def test(self) -> AssociationTest | None:
        """The stereotypes of two classes against the words of the classes; None without both."""
        if not self.binary or len(self.stereotypes) < 2:
            return None
        (first, A), (second, B) = self.classes.items()
        X, Y = self.stereotypes[first], self.stereotypes[second]
        label = f"stereotypes of {first}/{second} × {first}/{second}"
        return AssociationTest(self.name, label, X, Y, A, B, published=False)

    def half(self, half: Half) -> AttributeWords:
        """Return the words of one half (``all`` for both).

        A set whose words are in different halves is in neither.
        """
        check_half(half)
        return AttributeWords(
            classes=_halves(self.classes, half),
            definitional_sets=_whole(self.definitional_sets, half),
            targets=_whole(self.targets, half),
            stereotypes=_halves(self.stereotypes, half),
        )


def _halves(lists: Mapping[str, Lexicon], half: Half) -> dict[str, WordSet]:
    return {name: lexicon.half(half, cased=True) for name, lexicon in lists.items()}


def _whole(sets: tuple[WordSet, ...], half: Half) -> tuple[WordSet, ...]:
    return tuple(each for each in sets if half in ("all", half_of_all(each)))
