"""Show the nearest words of a word by cosine similarity, in one or two sets of vectors."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    add_store,
    best_run,
    one_of,
    open_store,
    run_vectors,
    whole,
)

if TYPE_CHECKING:
    from debiaslab.embeddings import Embeddings

EXAMPLES = """examples:
  python -m debiaslab neighbors university --vectors vectors.kv
  python -m debiaslab neighbors nurse --study NAME
  python -m debiaslab neighbors nurse --run RUN_ID --compare OTHER_RUN_ID"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("word", metavar="WORD")
    parser.add_argument("--vectors", metavar="FILE", help="vectors from a file")
    parser.add_argument("--run", metavar="ID", help="vectors of a run")
    parser.add_argument("--study", metavar="NAME", help="vectors of the best run of a study")
    parser.add_argument("--compare", metavar="RUN2", help="a second run, or file, side by side")
    parser.add_argument("-n", type=whole(1), default=10, help="how many neighbours")
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print the neighbours."""
    from debiaslab.neighbors import neighbors_table

    one_of(args, "vectors", "run", "study")
    first, label = _first(args)
    if args.compare is None:
        yield neighbors_table(first, args.word, args.n, labels=(label, ""))
        return
    second, other = _second(args)
    yield neighbors_table(first, args.word, args.n, second, (label, other))


def _first(args: argparse.Namespace) -> tuple[Embeddings, str]:
    from debiaslab.embeddings import Embeddings

    if args.vectors is not None:
        return Embeddings.load(args.vectors), args.vectors
    store = open_store(args)
    run = best_run(store, args)
    return run_vectors(store, run), run.name


def _second(args: argparse.Namespace) -> tuple[Embeddings, str]:
    from debiaslab.embeddings import Embeddings

    if Path(args.compare).exists() or Path(args.compare).suffix:  # run ids have no dot
        return Embeddings.load(args.compare), args.compare
    store = open_store(args)
    run = store.run(args.compare)
    return run_vectors(store, run), run.name
