"""Show the nearest words of a word by cosine similarity, in one or two sets of vectors."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import add_store, one_of

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
    parser.add_argument("-n", type=int, default=10, help="how many neighbours")
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print the neighbours."""
    from debiaslab.embeddings import Embeddings
    from debiaslab.neighbors import neighbors_table
    from debiaslab.tracking import VECTORS, Store

    one_of(args, "vectors", "run", "study")
    if args.vectors is not None:
        first = Embeddings.load(args.vectors)
    else:
        store = Store.open(args.store, create=False)
        run_id = args.run if args.run is not None else store.best(args.study).run_id
        first = Embeddings.load(store.artifact(run_id, VECTORS))
    yield neighbors_table(first, args.word, args.n, _second(args))


def _second(args: argparse.Namespace) -> Embeddings | None:
    from debiaslab.embeddings import Embeddings
    from debiaslab.tracking import VECTORS, Store

    if args.compare is None:
        return None
    if Path(args.compare).is_file():
        return Embeddings.load(args.compare)
    return Embeddings.load(Store.open(args.store, create=False).artifact(args.compare, VECTORS))
