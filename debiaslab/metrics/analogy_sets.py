"""Analogy questions: the Google set that the gensim wheel carries, and files in its formats."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from debiaslab.errors import UserError, nearest
from debiaslab.lexicons import Half, half_of_pair
from debiaslab.metrics.set_files import SkippedFile, files_of, text_lines

Question = tuple[str, str, str, str]
"""``a : b :: c : d``; ``d`` is what is asked for."""

Kind = Literal["semantic", "syntactic"]

_GOOGLE = "Google"
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
        return AnalogySet(
            self.name,
            tuple(
                AnalogySection(
                    each.name, tuple(q for q in each.questions if in_half(q, half)), each.kind
                )
                for each in self.sections
            ),
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
    return (load_analogies(_GOOGLE),) if _gensim_file() else ()


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
        path = _gensim_file()
        if path is None:
            raise UserError(
                "the Google analogies come with gensim, which is not installed",
                next_step="pip install gensim",
            )
        return AnalogySet(_GOOGLE, _sections(path, _text_questions(path, text_lines(path))))
    path = Path(source)
    if not path.exists():
        raise UserError(
            f"there is no analogy set or file {str(source)!r}",
            allowed=f"{_GOOGLE}, or a file with {_ALLOWED}",
            nearest=nearest(str(source), [_GOOGLE]),
        )
    form = _form(path)
    questions = _csv_questions(path) if form == "csv" else _text_questions(path, text_lines(path))
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
    sets: list[AnalogySet] = []
    skipped: list[SkippedFile] = []
    for file in files_of(path):
        if _form(file):
            sets.append(load_analogies(file))
        else:
            skipped.append(SkippedFile(file.name, "no ': section' line and no analogy columns"))
    if not sets:
        raise UserError(f"the folder {path} holds no analogy set", allowed=f"files with {_ALLOWED}")
    return AnalogySets(tuple(sets), tuple(skipped))


def _form(path: Path) -> Literal["text", "csv"] | None:
    """Tell by its first line what a file is; None when it is no text or not clearly analogies."""
    try:
        first = next((line for line in text_lines(path) if line.strip()), "")
    except UserError:
        return None
    if first.startswith(":"):
        return "text"
    return "csv" if set(_COLUMNS) <= set(_header(first)) else None


def _header(line: str) -> list[str]:
    return [name.strip().lower() for name in next(csv.reader([line]), [])]


def _text_questions(path: Path, lines: Iterable[str]) -> Iterator[tuple[str, Question]]:
    section = "all"
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if line.startswith(":"):
            section = line[1:].strip() or "all"
        elif words:
            yield section, _question(path, number, words)


def _csv_questions(path: Path) -> Iterator[tuple[str, Question]]:
    reader = csv.reader(text_lines(path))
    header = [name.strip().lower() for name in next(reader)]
    columns = [header.index(name) for name in _COLUMNS]
    section = header.index("type") if "type" in header else None
    for number, row in enumerate(reader, start=2):
        if any(row):
            words = [row[i].strip() for i in columns if i < len(row)]
            name = row[section].strip() if section is not None and section < len(row) else ""
            yield name or "all", _question(path, number, words)


def _question(path: Path, number: int, words: list[str]) -> Question:
    if len(words) != 4 or not all(words):
        raise UserError(
            f"line {number} of {path} is {' '.join(words)[:80]!r}", allowed="four words: a b c d"
        )
    return words[0], words[1], words[2], words[3]


def _sections(path: Path, questions: Iterable[tuple[str, Question]]) -> tuple[AnalogySection, ...]:
    by_name: dict[str, list[Question]] = {}
    for name, question in questions:
        by_name.setdefault(name, []).append(question)
    if not by_name:
        raise UserError(f"{path} holds no analogy questions", allowed=_ALLOWED)
    google = any(name.startswith("gram") for name in by_name)
    return tuple(
        AnalogySection(name, tuple(each), _kind(name) if google else None)
        for name, each in by_name.items()
    )


def _kind(section: str) -> Kind:
    return "syntactic" if section.startswith("gram") else "semantic"


def _gensim_file() -> Path | None:
    """Return the file, found without importing gensim; None when it is not there."""
    spec = importlib.util.find_spec("gensim")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "test" / "test_data" / "questions-words.txt"
        if path.exists():
            return path
    return None
