"""Similarity judgements and analogy questions: those that gensim carries, and files."""

from __future__ import annotations

import csv
import importlib.util
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from debiaslab.errors import UserError, nearest, normal_form
from debiaslab.lexicons import Half, half_of_pair

_Set = TypeVar("_Set")
_SHOWN = 80  # characters of a line

# Files ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SkippedFile:
    """A file of a folder that was not read, and why."""

    name: str
    reason: str


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 text file without their ends; a byte order mark is dropped.

    Raises:
        UserError: The file is missing, cannot be read or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline=None) as file:
            yield from (line.rstrip("\n") for line in file)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text", allowed="a text file in UTF-8") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None


def _sets_in(
    folder: Path,
    known: Callable[[Path], bool],
    load: Callable[[Path], _Set],
    skipped: str,
    none: UserError,
) -> tuple[tuple[_Set, ...], tuple[SkippedFile, ...]]:
    """Read the files directly in a folder by name, without hidden ones; the others are listed.

    Raises:
        UserError: The folder cannot be read, ``none`` where it has no set, or a set is damaged.
    """
    try:
        found = (p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
        files = sorted(found)
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}") from None
    readable = {file: known(file) for file in files}
    if not any(readable.values()):
        raise none
    lost = tuple(SkippedFile(file.name, skipped) for file in files if not readable[file])
    return tuple(load(file) for file in files if readable[file]), lost


def _of_gensim(name: str) -> Path | None:
    """Return a file of gensim's tests, found without importing it; None when it is not there."""
    spec = importlib.util.find_spec("gensim")
    folders = (spec.submodule_search_locations or []) if spec else []
    paths = (Path(folder) / "test" / "test_data" / name for folder in folders)
    return next((path for path in paths if path.exists()), None)


# Similarity sets --------------------------------------------------------------------------------

ScoredPair = tuple[str, str, float]

_IN_GENSIM = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
_HEADER = "word1,word2,score"
_SIMLEX_CLASSES = {"adjective": 111, "noun": 666, "verb": 222}  # in the order of the file


@dataclass(frozen=True)
class SimilaritySet:
    """Pairs of words with a human similarity score; only the order of the scores is used."""

    name: str
    pairs: tuple[ScoredPair, ...]

    def half(self, half: Half) -> SimilaritySet:
        """Return the pairs of one half, by a stable hash of the two words; ``all`` for both."""
        return self if half == "all" else SimilaritySet(self.name, self._halves[half])

    @cached_property
    def _halves(self) -> dict[str, tuple[ScoredPair, ...]]:
        return {
            half: tuple(pair for pair in self.pairs if half_of_pair(pair[0], pair[1]) == half)
            for half in ("tune", "report")
        }


@dataclass(frozen=True)
class SimilaritySets:
    """Result of :func:`similarity_sets_in`: what was read, and what was not and why."""

    sets: tuple[SimilaritySet, ...]
    skipped: tuple[SkippedFile, ...]


@cache
def default_similarity_sets() -> tuple[SimilaritySet, ...]:
    """Return WordSim-353 and SimLex-999, which come with gensim."""
    return tuple(load_similarity(name) for name in _IN_GENSIM)


def load_similarity(source: str | Path) -> SimilaritySet:
    """Return a similarity set.

    Args:
        source: ``"WordSim-353"`` (Finkelstein et al. 2002; 353 pairs), ``"SimLex-999"`` (Hill,
            Reichart & Korhonen 2015; 999 pairs), or the path of a file with the header
            ``word1,word2,score`` or in the layout of a published set, named after the file.

    Raises:
        UserError: No such file or set, another layout, a row that is not two words and a number,
            or no rows.
    """
    if str(source) in _IN_GENSIM:
        carried = _of_gensim(_IN_GENSIM[str(source)])
        if carried is None:
            raise UserError(
                "WordSim-353 and SimLex-999 come with gensim, which is not installed",
                next_step="pip install gensim",
            )
        rows = content_rows(text_lines(carried))
        return SimilaritySet(str(source), _parse(carried, rows, Layout("\t", False, 0, 1, 2)))
    path = Path(source)
    if not path.exists():
        raise UserError(
            f"there is no similarity set or file {str(path)!r}",
            allowed=f"{', '.join(_IN_GENSIM)}, or a CSV file {_HEADER}",
            nearest=nearest(str(path), _IN_GENSIM),
        )
    rows = content_rows(text_lines(path))
    layout = layout_of(rows)
    if layout is None:
        raise UserError(
            f"{path} starts with {rows[0].line[:_SHOWN] if rows else 'an empty line'!r}",
            allowed=f"a CSV file with the header {_HEADER}, or the layout in which "
            "WordSim-353, SimLex-999, MEN, RG-65 and others are published",
        )
    return SimilaritySet(path.stem, _parse(path, rows[layout.header :], layout))


def word_classes(similarity: SimilaritySet) -> dict[str, SimilaritySet]:
    """Return the pairs of SimLex-999 by part of speech: ``adjective``, ``noun``, ``verb``.

    The copy that gensim carries has no column for it, but keeps the published order: 111 pairs of
    adjectives, then 666 of nouns, then 222 of verbs (Hill et al. 2015).

    Raises:
        UserError: Another set, or part of this one: of those the classes are not known.
    """
    pairs = similarity.pairs
    if similarity.name != "SimLex-999" or len(pairs) != sum(_SIMLEX_CLASSES.values()):
        raise UserError(
            f"the parts of speech of {similarity.name!r} ({len(pairs)} pairs) are not known",
            allowed="load_similarity('SimLex-999'), whole; take a half of each class",
        )
    classes: dict[str, SimilaritySet] = {}
    for name, size in _SIMLEX_CLASSES.items():
        classes[name] = SimilaritySet(f"{similarity.name} {name}s", pairs[:size])
        pairs = pairs[size:]
    return classes


def similarity_sets_in(source: str | Path) -> SimilaritySets:
    """Return every similarity set of a folder, or the one of a file or name.

    In a folder, the files with a layout that ``load_similarity`` knows are read, by name; the
    others are skipped and listed.

    Raises:
        UserError: The folder has no such file, or one of them is damaged (see ``load_similarity``).
    """
    path = Path(source)
    if not path.is_dir():
        return SimilaritySets((load_similarity(source),), ())
    none = UserError(
        f"the folder {path} holds no similarity set", allowed=f"CSV files with the header {_HEADER}"
    )
    return SimilaritySets(
        *_sets_in(path, _has_layout, load_similarity, f"no header {_HEADER}", none)
    )


def _has_layout(path: Path) -> bool:
    try:
        return layout_of(content_rows(text_lines(path))) is not None
    except UserError:
        return False


def _parse(path: Path, rows: Sequence[Row], layout: Layout) -> tuple[ScoredPair, ...]:
    if not rows:
        raise UserError(f"{path} holds no word pairs", allowed="one pair and its score a line")
    return untagged([_pair(path, row, layout) for row in rows])


def _pair(path: Path, row: Row, layout: Layout) -> ScoredPair:
    found = [*fields(row.line, layout.delimiter), *[""] * 9]
    word1, word2, score = found[layout.first], found[layout.second], number_in(found[layout.score])
    if not (word1 and word2 and math.isfinite(score)):
        raise UserError(
            f"row {row.number} of {path} is {row.line[:_SHOWN]!r}", allowed="two words and a number"
        )
    return word1, word2, score


# Layouts of published similarity sets -----------------------------------------------------------

_DELIMITERS = ("\t", ",", ";", None)  # None: any white space
_FIRST, _SECOND = ("word1", "w1", "worda"), ("word2", "w2", "wordb")
_SCORES = (
    *("score", "simlex999", "humanmean", "human", "mean", "meanscore", "average", "averagescore"),
    *("similarity", "sim", "relatedness", "rating", "gold"),
)
_CLASSES = frozenset({"a", "n", "v", "r", "adj", "adv", "noun", "verb"})
_TAGGED = re.compile(r"(.+)-[nvjar]")
_LOOKED_AT = 5  # rows without a header that must all be pairs


class Layout(NamedTuple):
    """Where the words and the score stand."""

    delimiter: str | None
    header: bool
    first: int
    second: int
    score: int


class Row(NamedTuple):
    """A line that is not blank and no comment, and its number from 1."""

    number: int
    line: str


def content_rows(lines: Iterable[str]) -> list[Row]:
    """Return the lines that hold something; ``#`` begins a comment."""
    rows = (Row(number, line) for number, line in enumerate(lines, start=1))
    return [row for row in rows if row.line.strip(" \t,;") and not row.line.startswith("#")]


def layout_of(rows: Sequence[Row]) -> Layout | None:
    """Return the layout of a file, told by its first rows; None when it is none of these."""
    if not rows:
        return None
    delimiter = next((d for d in _DELIMITERS if len(fields(rows[0].line, d)) >= 3), ",")
    names = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in fields(rows[0].line, delimiter)]
    first, second = (_column(names, known) for known in (_FIRST, _SECOND))
    if first is not None and second is not None:
        score = _column(names, _SCORES)
        return None if score is None else Layout(delimiter, True, first, second, score)
    return _without_header([fields(row.line, delimiter) for row in rows[:_LOOKED_AT]], delimiter)


def fields(line: str, delimiter: str | None) -> list[str]:
    """Return the columns of a line without blanks around them."""
    if delimiter is None:
        return line.split()
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:  # a NUL, or a field without end
        return []


def number_in(text: str) -> float:
    """Return the number that a field holds, NaN when it holds none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def untagged(pairs: Sequence[ScoredPair]) -> tuple[ScoredPair, ...]:
    """Return pairs in normal form, and without parts of speech where every word has one."""
    tagged = [[_TAGGED.fullmatch(word) for word in pair[:2]] for pair in pairs]
    if all(match for pair in tagged for match in pair):
        pairs = [
            (first[1], second[1], pair[2])
            for (first, second), pair in zip(tagged, pairs, strict=True)
            if first and second
        ]
    return tuple((normal_form(a), normal_form(b), score) for a, b, score in pairs)


def _column(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _without_header(rows: list[list[str]], delimiter: str | None) -> Layout | None:
    """Return the layout in which every row is two words and a number, among others."""
    numeric = [[math.isfinite(number_in(field)) for field in row] for row in rows]
    for first, second, score in ((0, 1, 2), (0, 1, 3), (1, 2, 3)):
        if not all(
            len(row) > score and row[score] and not row[first] and not row[second]
            for row in numeric
        ):
            continue
        between = {row[2].lower() for row in rows} if (first, score) == (0, 3) else set()
        before = {row[0] for row in rows} if first else set()
        known = between <= _CLASSES and all(
            len(each) == 1 or math.isfinite(number_in(each)) for each in before
        )
        if known:
            return Layout(delimiter, False, first, second, score)
    return None


# Analogy sets -----------------------------------------------------------------------------------

Question = tuple[str, str, str, str]
"""``a : b :: c : d``; ``d`` is what is asked for."""

Kind = Literal["semantic", "syntactic"]

_GOOGLE, _QUESTIONS = "Google", "questions-words.txt"
_COLUMNS = ("word1", "word2", "word3", "target")
_ALLOWED = (
    "lines of four words under ': section' lines, or a CSV file with the columns "
    f"{','.join(_COLUMNS)}"
)


@dataclass(frozen=True)
class AnalogySection:
    """The questions of one relation; ``kind`` is None where the set does not say."""

    name: str
    questions: tuple[Question, ...]
    kind: Kind | None = None


@dataclass(frozen=True)
class AnalogySet:
    """Questions by section."""

    name: str
    sections: tuple[AnalogySection, ...]

    def __len__(self) -> int:
        return sum(len(section.questions) for section in self.sections)

    def half(self, half: Half) -> AnalogySet:
        """Return the questions both of whose pairs are in one half; ``all`` for every question.

        No pair is in both halves. A question with a pair of each is in neither.
        """
        kept = (
            (each, tuple(q for q in each.questions if in_half(q, half))) for each in self.sections
        )
        return AnalogySet(
            self.name, tuple(AnalogySection(each.name, asked, each.kind) for each, asked in kept)
        )


@dataclass(frozen=True)
class AnalogySets:
    """Result of :func:`analogy_sets_in`: what was read, and what was not and why."""

    sets: tuple[AnalogySet, ...]
    skipped: tuple[SkippedFile, ...]


def in_half(question: Question, half: Half) -> bool:
    """Whether both pairs of a question are in ``half``; see ``half_of_pair``."""
    return half == "all" or all(_half(*pair) == half for pair in (question[:2], question[2:]))


@cache
def _half(word1: str, word2: str) -> Half:
    return half_of_pair(word1, word2)


@cache
def default_analogy_sets() -> tuple[AnalogySet, ...]:
    """Return the Google set (Mikolov et al. 2013; 19,544 questions); nothing without gensim."""
    return (load_analogies(_GOOGLE),) if _of_gensim(_QUESTIONS) else ()


def load_analogies(source: str | Path) -> AnalogySet:
    """Return a set of analogy questions.

    Args:
        source: ``"Google"`` (Mikolov, Chen, Corrado & Dean 2013; 14 sections, of which those whose
            names begin with ``gram`` are syntactic), or the path of a file named after the set:
            lines of four words under ``: section`` lines, as word2vec and gensim read them, or CSV
            with the columns ``word1,word2,word3,target`` and perhaps ``type`` for the section (the
            MSR set of Mikolov, Yih & Zweig 2013 is found in both forms).

    Raises:
        UserError: No such set or file, a line that is not four words, or no questions.
    """
    if str(source) == _GOOGLE:
        carried = _of_gensim(_QUESTIONS)
        if carried is None:
            raise UserError(
                "the Google analogies come with gensim, which is not installed",
                next_step="pip install gensim",
            )
        return AnalogySet(_GOOGLE, _sections(carried, _text_questions(carried)))
    path = Path(source)
    if not path.exists():
        raise UserError(
            f"there is no analogy set or file {str(source)!r}",
            allowed=f"{_GOOGLE}, or a file with {_ALLOWED}",
            nearest=nearest(str(source), [_GOOGLE]),
        )
    questions = _csv_questions(path) if _form(path) == "csv" else _text_questions(path)
    return AnalogySet(path.stem, _sections(path, questions))


def analogy_sets_in(source: str | Path) -> AnalogySets:
    """Return every analogy set of a folder, or the one of a file or name.

    Files of a folder count when they begin with a ``: section`` line or have the CSV columns; the
    others are skipped and listed.

    Raises:
        UserError: The folder has no analogy set, or one of them is damaged.
    """
    path = Path(source)
    if not path.is_dir():
        return AnalogySets((load_analogies(source),), ())
    none = UserError(f"the folder {path} holds no analogy set", allowed=f"files with {_ALLOWED}")
    skipped = "no ': section' line and no analogy columns"
    return AnalogySets(
        *_sets_in(path, lambda file: _form(file) is not None, load_analogies, skipped, none)
    )


def _form(path: Path) -> Literal["text", "csv"] | None:
    """Tell by its first line what a file is; None when it is no text or not clearly analogies."""
    try:
        first = next((line for line in text_lines(path) if line.strip()), "")
    except UserError:
        return None
    if first.startswith(":"):
        return "text"
    names = [name.strip().lower() for name in next(csv.reader([first]), [])]
    return "csv" if set(_COLUMNS) <= set(names) else None


def _text_questions(path: Path) -> Iterator[tuple[str, Question]]:
    section = "all"
    for number, line in enumerate(text_lines(path), start=1):
        words = line.split()
        if line.startswith(":"):
            section = line[1:].strip() or "all"
        elif words:
            yield section, _question(path, number, words)


def _csv_questions(path: Path) -> Iterator[tuple[str, Question]]:
    reader = csv.reader(text_lines(path))
    header = [name.strip().lower() for name in next(reader)]
    for number, row in enumerate(reader, start=2):
        if any(row):
            cells = dict(zip(header, map(str.strip, row), strict=False))
            words = [cells[name] for name in _COLUMNS if name in cells]
            yield cells.get("type") or "all", _question(path, number, words)


def _question(path: Path, number: int, words: list[str]) -> Question:
    if len(words) != 4 or not all(words):
        raise UserError(
            f"line {number} of {path} is {' '.join(words)[:_SHOWN]!r}",
            allowed="four words: a b c d",
        )
    return words[0], words[1], words[2], words[3]


def _sections(path: Path, questions: Iterable[tuple[str, Question]]) -> tuple[AnalogySection, ...]:
    by_name: dict[str, list[Question]] = {}
    for name, question in questions:
        by_name.setdefault(name, []).append(question)
    if not by_name:
        raise UserError(f"{path} holds no analogy questions", allowed=_ALLOWED)
    google = any(name.startswith("gram") for name in by_name)

    def kind(name: str) -> Kind | None:
        if not google:
            return None
        return "syntactic" if name.startswith("gram") else "semantic"

    return tuple(AnalogySection(name, tuple(each), kind(name)) for name, each in by_name.items())
