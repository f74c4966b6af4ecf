"""Write the CodaLab file (word1,word2,sim) of a run, or its vectors in another format.

The ending of --out decides: .csv and .zip give the CodaLab file, .txt and .bin (word2vec), .kv
(gensim) and .npz (numpy) the vectors.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    add_store,
    add_study_name,
    best_run,
    one_of,
    open_store,
    run_vectors,
    similarity,
)
from debiaslab.commands.files import Input, Output
from debiaslab.errors import UserError, nearest
from debiaslab.system.files import check_output, refuse_overwriting

if TYPE_CHECKING:
    from debiaslab.tracking import RunInfo

EXAMPLES = """examples:
  python -m debiaslab export --study NAME --out submission.zip
  python -m debiaslab export --run RUN_ID --pairs word-pairs.csv --out submission.csv
  python -m debiaslab export --study NAME --out vectors.kv"""

_CODALAB = (".csv", ".zip")
_VECTORS = {".txt": "word2vec", ".bin": "bin", ".kv": "kv", ".npz": "npz"}  # ending → format


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study_name(parser, instead="--run")
    parser.add_argument("--run", metavar="ID", help="take this run: its id, or its first letters")
    parser.add_argument(
        "--pairs",
        type=Input,
        metavar="CSV",
        help="pairs to score, header word1,word2; none: the 1,630 pairs",
    )
    parser.add_argument(
        "--missing",
        type=similarity,
        default=0.0,
        help="sim of a pair with a word not in the vocabulary",
    )
    parser.add_argument("--format", help="write the vectors, as word2vec, bin, kv or npz")
    parser.add_argument(
        "--out", type=Output, metavar="FILE", help="file to write; none: submission.csv"
    )
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Write the file that was asked for."""
    from debiaslab import vectors
    from debiaslab.leaderboard.export import codalab, default_pairs, read_pairs

    one_of(args, "study", "run")
    format = _format(args.out, args.format)
    out = args.out or (f"vectors{_ending(format)}" if format else "submission.csv")
    check_output(out)
    refuse_overwriting([("--out", Path(out))], [] if args.pairs is None else [args.pairs])
    pairs = default_pairs() if args.pairs is None else read_pairs(args.pairs)
    store = open_store(args)
    run = best_run(store, args)
    embeddings = run_vectors(store, run)
    if format is not None:
        yield f"wrote {vectors.write(embeddings, out, format)}: {embeddings!r} of {_name(run)}"
        return
    result = codalab(embeddings, pairs, out, missing=args.missing)
    if result.warning:
        warnings.warn(result.warning, stacklevel=1)
    yield f"wrote {result.path}: {result.rows:,} pairs of {_name(run)}"


def _format(out: str | None, format: str | None) -> str | None:
    """Return the vector format that is asked for; None for the CodaLab file.

    Raises:
        UserError: The format is unknown, the ending names none, or they contradict each other.
    """
    if format is not None and format not in _VECTORS.values():
        raise UserError(
            f"--format was {format!r}",
            allowed=", ".join(_VECTORS.values()),
            nearest=nearest(format, _VECTORS.values()),
        )
    if out is None:
        return format
    ending = Path(out).suffix.lower()
    if ending not in (*_CODALAB, *_VECTORS) and format is None:
        raise UserError(
            f"--out was {out}",
            allowed=f"{', '.join(_CODALAB)} (CodaLab), {', '.join(_VECTORS)} (vectors)",
            next_step=f"--out {Path(out).stem or 'submission'}.zip",
        )
    named = _VECTORS.get(ending)
    if format is not None and (ending in _CODALAB or named not in (None, format)):
        raise UserError(
            f"--format {format} and --out {out} do not go together",
            next_step=f"--out {Path(out).stem}{_ending(format)}",
        )
    return format or named


def _ending(format: str) -> str:
    return next(ending for ending, known in _VECTORS.items() if known == format)


def _name(run: RunInfo) -> str:
    return f"run {run.name} ({run.run_id})"
