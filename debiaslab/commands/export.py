"""Write the CodaLab file (word1,word2,sim) of a run, or its vectors in another format.

Without --format, the ending of --out decides: .csv and .zip give the CodaLab file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from debiaslab.commands.arguments import add_store, best_run, one_of

EXAMPLES = """examples:
  python -m debiaslab export --study NAME --out submission.zip
  python -m debiaslab export --run RUN_ID --pairs word-pairs.csv --out submission.csv
  python -m debiaslab export --study NAME --format word2vec --out vectors.txt"""

_ENDINGS = {"word2vec": ".txt", "kv": ".kv", "npz": ".npz"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--study", metavar="NAME", help="take the best run of this study")
    parser.add_argument("--run", metavar="ID", help="take this run")
    parser.add_argument(
        "--pairs", metavar="CSV", help="pairs to score, header word1,word2; none: the 1,630 pairs"
    )
    parser.add_argument(
        "--missing", type=float, default=0.0, help="sim of a pair with a word not in the vocabulary"
    )
    parser.add_argument("--format", help="write the vectors instead: word2vec, kv or npz")
    parser.add_argument("--out", metavar="FILE", help="file to write; none: submission.csv")
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Write the file that was asked for."""
    from debiaslab.embeddings import Embeddings
    from debiaslab.export import codalab, default_pairs, export_vectors, read_pairs
    from debiaslab.tracking import VECTORS, Store

    one_of(args, "study", "run")
    pairs = default_pairs() if args.pairs is None else read_pairs(args.pairs)
    store = Store.open(args.store, create=False)
    best = best_run(store, args)
    embeddings = Embeddings.load(store.artifact(best.run_id, VECTORS))
    if args.format is not None:
        out = args.out or "vectors" + _ENDINGS.get(args.format, "")
        yield f"wrote {export_vectors(embeddings, out, args.format)} (run {best.run_id})"
        return
    result = codalab(embeddings, pairs, Path(args.out or "submission.csv"), missing=args.missing)
    if result.warning:
        yield f"warning: {result.warning}"
    yield f"wrote {result.path}: {result.rows:,} pairs of run {best.name} ({best.run_id})"
