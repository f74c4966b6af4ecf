"""What ``evaluate`` reads: vector files, runs of the store, judgements, questions, lexicons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from debiaslab.commands.stores import Reader, open_store, run_vectors
from debiaslab.errors import UserError
from debiaslab.metrics import Baseline

if TYPE_CHECKING:
    from debiaslab.commands.evaluate import EvaluateCommand
    from debiaslab.lexicons import AssociationTest, Attribute
    from debiaslab.metrics import AnalogySet, SimilaritySet
    from debiaslab.tracking import RunInfo, Store
    from debiaslab.vectors.embeddings import Embeddings


AT_ONCE = 2 << 30  # bytes of files up to which all are read before anything is measured


@dataclass
class VectorSet:
    """One set of vectors to measure, read when it is needed."""

    label: str  # what it is called in tables and files
    read: Callable[[], Embeddings]
    run_id: str | None = None  # None: a file
    is_baseline: bool = False

    @cached_property
    def embeddings(self) -> Embeddings:
        """The vectors, kept until :meth:`let_go`."""
        return self.read()

    def let_go(self) -> None:
        """Forget the vectors: the next ones may need the memory."""
        self.__dict__.pop("embeddings", None)

    def groups(self, asked: Sequence[str] | None) -> list[str] | None:
        """Return the groups to measure: those that need a baseline are not for the baseline."""
        from debiaslab.metrics.evaluation import NEED_BASELINE

        if asked is None or not self.is_baseline:
            return None if asked is None else list(asked)
        return [name for name in asked if name not in NEED_BASELINE]


@dataclass(frozen=True)
class Inputs:
    """What is measured, and with what."""

    subjects: list[VectorSet]  # the baseline first; taken out one by one
    baseline: Baseline | None
    similarity: list[SimilaritySet]
    analogies: list[AnalogySet] | None
    attributes: list[Attribute]
    tests: list[AssociationTest]

    def anchored(self, embeddings: Embeddings) -> Embeddings:
        """Return vectors with the baseline's gender words, and those of the attributes.

        Raises:
            UserError: They cannot be aligned with the baseline.
        """
        from debiaslab.metrics.anchored import anchored, attribute_words

        assert self.baseline is not None, "refused before"
        return anchored(embeddings, self.baseline.embeddings, attribute_words(self.attributes))


def load_all(asked: EvaluateCommand) -> Inputs:
    """Read what the arguments name: all of it, unless the vectors are too large for that together.

    Raises:
        UserError: No vectors were named, or something cannot be read.
    """
    if not asked.vectors and not asked.run_ids:
        raise UserError(
            "the following arguments are required: FILE, or --run ID",
            next_step="python -m debiaslab evaluate --help",
        )
    similarity = load_similarity_sets(asked.similarity)
    analogies = load_analogy_sets(asked.analogies, default=_asks_google(asked))
    attributes, tests = load_lexicons(asked.lexicon)
    reader = asked.reader()
    subjects = [_file(file, reader, asked.words) for file in asked.vectors]
    subjects += _runs(asked)
    baseline = None
    if asked.baseline is not None:
        first = replace(_file(asked.baseline, reader, asked.words), is_baseline=True)
        baseline = Baseline(first.embeddings)
        again = [file for file in asked.vectors if _is_file(file, asked.baseline)]
        subjects = [first, *(each for each in subjects if each.label not in again)]
    if sum(map(_size, asked.vectors)) <= AT_ONCE:
        for subject in subjects:
            _ = subject.embeddings  # a slip in the last file is told before the first is measured
    inputs = Inputs(subjects, baseline, similarity, analogies, attributes, tests)
    if asked.anchored:
        for subject in subjects:
            inputs.anchored(subject.embeddings)  # refused here, before anything is measured
    return inputs


def _file(file: str, reader: Reader, words: str | None) -> VectorSet:
    """Return the vectors of a file; ``words`` names those of a bare ``.npy``."""
    from debiaslab.vectors.arrays import is_bare

    return VectorSet(file, lambda: reader.read(file, words if words and is_bare(file) else None))


def _is_file(file: str, other: str) -> bool:
    """Return whether two names are of one file: a baseline is measured and ranked once."""
    return Path(file).exists() and Path(file).samefile(other)


def _size(file: str) -> int:
    """Return the bytes of a file; one that is not there is refused when it is read."""
    path = Path(file)
    return path.stat().st_size if path.is_file() else 0


def _runs(asked: EvaluateCommand) -> list[VectorSet]:
    if not asked.run_ids:
        return []
    store = open_store(asked.store)
    return [_of_run(store, store.run_named(run_id)) for run_id in asked.run_ids]


def _of_run(store: Store, run: RunInfo) -> VectorSet:
    label = f"{run.name} ({run.run_id[:8]})"
    return VectorSet(label, lambda: run_vectors(store, run), run.run_id)


def load_similarity_sets(sources: Sequence[str]) -> list[SimilaritySet]:
    """Return the default sets and those of each CSV file, or of each folder of them.

    Raises:
        UserError: A file is no similarity set, a folder has none, or two have one name.
    """
    from debiaslab.metrics import default_similarity_sets
    from debiaslab.metrics.datasets import similarity_sets_in

    own = [each for source in sources for each in similarity_sets_in(source).sets]
    return _distinct("similarity sets", [*default_similarity_sets(), *own])


def _asks_google(asked: EvaluateCommand) -> bool:
    return not asked.quick if asked.groups is None else "analogies" in asked.groups


def load_analogy_sets(sources: Sequence[str], *, default: bool) -> list[AnalogySet] | None:
    """Return the sets of each file or folder, Google's before them by default; None without any.

    Raises:
        UserError: A file is no analogy set, a folder has none, or two have one name.
    """
    from debiaslab.metrics import analogy_sets_in, default_analogy_sets

    own = [each for source in sources for each in analogy_sets_in(source).sets]
    named = {each.name for each in own}
    first = [each for each in default_analogy_sets() if default and each.name not in named]
    return _distinct("analogy sets", [*first, *own]) or None


def load_lexicons(sources: Sequence[str]) -> tuple[list[Attribute], list[AssociationTest]]:
    """Return the attributes and tests of lexicon files, and attributes that ship, by name.

    Raises:
        UserError: A file cannot be read or has neither, a name is unknown, or two of a kind have
            one name.
    """
    from debiaslab.lexicons import association_tests, attribute, load_file

    attributes: list[Attribute] = []
    tests: list[AssociationTest] = []
    for file in sources:
        if not Path(file).suffix and not Path(file).exists():
            attributes.append(attribute(file))
            continue
        found = load_file(file)
        if not (found.attributes or found.tests):
            raise UserError(
                f"the lexicon file {file} defines no attribute and no test",
                allowed="attributes, each with its classes, or tests, each with X, Y, A and B",
            )
        attributes += found.attributes.values()
        tests += found.tests.values()
    derived = [each.test for each in attributes if each.test is not None]
    _distinct("association tests", [*association_tests(), *tests, *derived])
    return _distinct("attributes", attributes), tests


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
