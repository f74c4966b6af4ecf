"""What ``evaluate`` reads: vector files, runs of the store, judgements, questions, lexicons."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from debiaslab.commands.arguments import open_store, run_vectors
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.embeddings import Embeddings
    from debiaslab.lexicons import Attribute
    from debiaslab.metrics import SimilaritySet
    from debiaslab.metrics.analogy_sets import AnalogySet


@dataclass(frozen=True)
class Subject:
    """One set of vectors to measure."""

    label: str  # what it is called in tables and files
    embeddings: Embeddings
    run_id: str | None = None  # None: a file
    is_baseline: bool = False

    def groups(self, asked: Sequence[str] | None) -> list[str] | None:
        """Return the groups to measure: those that need a baseline are not for the baseline."""
        from debiaslab.metrics.groups import NEED_BASELINE

        if asked is None or not self.is_baseline:
            return None if asked is None else list(asked)
        return [name for name in asked if name not in NEED_BASELINE]


@dataclass(frozen=True)
class Inputs:
    """Everything that is read before anything is measured."""

    subjects: list[Subject]  # the baseline first; taken out one by one
    baseline: Embeddings | None
    similarity: list[SimilaritySet]
    analogies: list[AnalogySet] | None
    attributes: list[Attribute]


def load_all(args: argparse.Namespace) -> Inputs:
    """Read what the arguments name.

    Raises:
        UserError: No vectors were named, or something cannot be read.
    """
    if not args.vectors and not args.run:
        raise UserError(
            "the following arguments are required: FILE, or --run ID",
            next_step="python -m debiaslab evaluate --help",
        )
    similarity = load_similarity_sets(args.similarity)
    analogies, attributes = load_analogy_sets(args.analogies), load_attributes(args.lexicon)
    subjects = [Subject(file, load_file(file, args.words)) for file in args.vectors]
    subjects += _runs(args)
    baseline = None
    if args.baseline is not None:
        baseline = load_file(args.baseline, args.words)
        subjects.insert(0, Subject(args.baseline, baseline, is_baseline=True))
    return Inputs(subjects, baseline, similarity, analogies, attributes)


def _runs(args: argparse.Namespace) -> list[Subject]:
    if not args.run:
        return []
    store = open_store(args)
    found = [store.run(run_id) for run_id in args.run]
    return [
        Subject(f"{run.name} ({run.run_id[:8]})", run_vectors(store, run), run.run_id)
        for run in found
    ]


def load_file(file: str, words: str | None) -> Embeddings:
    """Return the vectors of a file; ``words`` names those of a bare ``.npy``."""
    from debiaslab.embeddings import Embeddings
    from debiaslab.vectors.bare_numpy import is_bare, read_bare, words_beside

    if is_bare(file):
        return read_bare(file, words_beside(file) if words is None else words)
    return Embeddings.load(file)


def load_similarity_sets(sources: Sequence[str]) -> list[SimilaritySet]:
    """Return the default sets and those of each CSV file, or of each folder of them.

    Raises:
        UserError: A file is no similarity set, a folder has none, or two have one name.
    """
    from debiaslab.metrics import default_similarity_sets
    from debiaslab.metrics.similarity_sets import similarity_sets_in

    own = [each for source in sources for each in similarity_sets_in(source).sets]
    return _distinct("similarity sets", [*default_similarity_sets(), *own])


def load_analogy_sets(sources: Sequence[str]) -> list[AnalogySet] | None:
    """Return the sets of each file or folder; None when there are no sources.

    Raises:
        UserError: A file is no analogy set, a folder has none, or two have one name.
    """
    from debiaslab.metrics.analogy_sets import analogy_sets_in

    found = [each for source in sources for each in analogy_sets_in(source).sets]
    return _distinct("analogy sets", found) if sources else None


def load_attributes(files: Sequence[str]) -> list[Attribute]:
    """Return the attributes of lexicon files.

    Raises:
        UserError: A file cannot be read or has none, or two attributes have one name.
    """
    from debiaslab.lexicons import load_file

    attributes: list[Attribute] = []
    for file in files:
        found = load_file(file).attributes
        if not found:
            raise UserError(
                f"the lexicon file {file} defines no attribute",
                allowed="attributes, each with its classes",
            )
        attributes += found.values()
    return _distinct("attributes", attributes)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


def _distinct(what: str, found: list[_T]) -> list[_T]:
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two {what} are called {name!r}", next_step="another name for one")
    return found
