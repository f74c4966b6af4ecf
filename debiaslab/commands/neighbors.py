"""Show the nearest words of a word by cosine, or what it is by analogy, in one or two sets."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    Reader,
    add_reading,
    add_store,
    best_run,
    one_of,
    open_store,
    run_vectors,
    whole,
)
from debiaslab.commands.files import VectorsInput
from debiaslab.tables import Table

if TYPE_CHECKING:
    from debiaslab.vectors.embeddings import Embeddings

EXAMPLES = """examples:
  python -m debiaslab neighbors university --vectors vectors.kv
  python -m debiaslab neighbors nurse --study NAME
  python -m debiaslab neighbors nurse --run RUN_ID --compare OTHER_RUN_ID
  python -m debiaslab neighbors doctor --analogy man,woman --vectors vectors.kv"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("word", metavar="WORD")
    parser.add_argument("--vectors", type=VectorsInput, metavar="FILE", help="vectors from a file")
    parser.add_argument("--run", metavar="ID", help="vectors of a run: id, or its first letters")
    parser.add_argument("--study", metavar="NAME", help="vectors of the best run of a study")
    parser.add_argument(
        "--compare",
        type=VectorsInput,
        metavar="RUN2|FILE",
        help="a second run, or file, side by side",
    )
    parser.add_argument(
        "--analogy",
        metavar="A,B",
        type=_pair,
        help="A : WORD :: B : ? instead, such as man,woman: with the question's words and without",
    )
    add_reading(parser)
    parser.add_argument("-n", type=whole(1), default=10, help="how many words")
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Print the neighbours, or the answers to an analogy."""
    from debiaslab.report.tables import analogy_table, neighbors_table

    one_of(args, "vectors", "run", "study")
    sets = [_first(args)]
    if args.compare is not None:
        sets.append(_second(args))
    if args.analogy is None:
        second, labels = (sets[1][0] if len(sets) > 1 else None), (sets[0][1], sets[-1][1])
        yield neighbors_table(sets[0][0], args.word, args.n, second, labels)
        return
    for embeddings, label in sets:
        if len(sets) > 1:
            yield label
        yield analogy_table(embeddings, args.word, args.analogy, args.n, label)


def _pair(text: str) -> tuple[str, str]:
    """Read ``man,woman``."""
    first, _, second = (part.strip() for part in text.partition(","))
    if not first or not second or "," in second:
        raise argparse.ArgumentTypeError(f"{text!r} is not two words, such as man,woman")
    return first, second


def _first(args: argparse.Namespace) -> tuple[Embeddings, str]:
    if args.vectors is not None:
        return Reader(args).read(args.vectors), args.vectors
    store = open_store(args)
    run = best_run(store, args)
    return run_vectors(store, run), run.name


def _second(args: argparse.Namespace) -> tuple[Embeddings, str]:
    if Path(args.compare).exists() or Path(args.compare).suffix:  # run ids have no dot
        return Reader(args).read(args.compare), args.compare
    store = open_store(args)
    run = store.run_named(args.compare)
    return run_vectors(store, run), run.name
