"""What ``evaluate`` reads: vector files, runs of the store, similarity sets."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import open_store, run_vectors
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.embeddings import Embeddings
    from debiaslab.metrics import SimilaritySet


@dataclass(frozen=True)
class Subject:
    """One set of vectors to measure."""

    label: str  # what it is called in tables and files
    embeddings: Embeddings
    run_id: str | None = None  # None: a file
    is_baseline: bool = False

    def groups(self, asked: Sequence[str] | None) -> list[str] | None:
        """Return the groups to measure: those that need a baseline are not for the baseline."""
        from debiaslab.metrics.groups import WITH_BASELINE

        if asked is None or not self.is_baseline:
            return None if asked is None else list(asked)
        return [name for name in asked if name not in WITH_BASELINE]


@dataclass(frozen=True)
class Inputs:
    """Everything that is read before anything is measured."""

    subjects: list[Subject]  # the baseline first; taken out one by one
    baseline: Embeddings | None
    similarity: list[SimilaritySet]


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
    subjects = [Subject(file, load_file(file, args.words)) for file in args.vectors]
    subjects += _runs(args)
    if args.baseline is None:
        return Inputs(subjects, None, similarity)
    baseline = load_file(args.baseline, args.words)
    return Inputs(
        [Subject(args.baseline, baseline, is_baseline=True), *subjects], baseline, similarity
    )


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

    In a folder, a file with another header than ``word1,word2,score`` is no similarity set.

    Raises:
        UserError: A file is no similarity set, a folder has none, or two have one name.
    """
    from debiaslab.metrics import default_similarity_sets, load_similarity

    sets = {each.name: each for each in default_similarity_sets()}
    for path in [path for source in sources for path in _similarity_files(source)]:
        loaded = load_similarity(path)
        if loaded.name in sets:
            raise UserError(
                f"two similarity sets are called {loaded.name!r}, one of them {path}",
                next_step="another name for the file",
            )
        sets[loaded.name] = loaded
    return list(sets.values())


def _similarity_files(source: str) -> list[str | Path]:
    if not Path(source).is_dir():
        return [source]
    found: list[str | Path] = [p for p in sorted(Path(source).glob("*.csv")) if _has_scores(p)]
    if not found:
        raise UserError(
            f"the folder {source} holds no similarity set",
            allowed="CSV files that start with word1,word2,score",
        )
    return found


def _has_scores(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.readline(100).decode("utf-8-sig", errors="replace")
    return [name.strip().lower() for name in head.split(",")][:3] == ["word1", "word2", "score"]
