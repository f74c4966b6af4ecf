"""Measure how fast training is on this machine; a table, a CSV file and a figure.

batch-size: the time of one epoch at batch sizes 2 … 16,384, by the reference engine with AdamW and
the homework's batches (dimension 50, window 2, 2 negatives). threads: words a second with 1 … N
threads at the defaults of `train`.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import add_corpus, corpus_from, real, whole
from debiaslab.commands.files import folder_of
from debiaslab.errors import UserError, nearest
from debiaslab.tables import Column, Table, TableCell

if TYPE_CHECKING:
    from debiaslab.bench import BatchTime
    from debiaslab.corpus import Corpus

EXAMPLES = """examples:
  python -m debiaslab bench batch-size
  python -m debiaslab bench threads biographies.txt.gz"""

SUBJECTS = ("batch-size", "threads")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("subject", metavar="SUBJECT", help=" or ".join(SUBJECTS))
    add_corpus(parser)
    parser.add_argument(
        "--seconds", type=real, default=5.0, help="batch-size: time limit for each batch size"
    )
    parser.add_argument(
        "--threads",
        type=whole(1),
        help="batch-size: threads to use (none: 1); threads: the most to use (none: all cores)",
    )
    parser.add_argument(
        "--out",
        type=folder_of(
            *(f"bench-{subject}.{end}" for subject in SUBJECTS for end in ("csv", "png"))
        ),
        metavar="DIR",
        default=".",
        help="folder of the CSV and figure",
    )


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Measure, write the files and show the table."""
    if args.subject not in SUBJECTS:
        raise UserError(
            f"there is no benchmark {args.subject!r}",
            allowed=", ".join(SUBJECTS),
            nearest=nearest(args.subject, SUBJECTS),
        )
    if not (math.isfinite(args.seconds) and args.seconds > 0):
        raise UserError(f"--seconds was {args.seconds!r}", allowed="a number above 0")
    yield from _batch_sizes(args) if args.subject == "batch-size" else _threads(args)


def _batch_sizes(args: argparse.Namespace) -> Iterator[str | Table]:
    from debiaslab.bench import homework_settings, time_batch_sizes, write_batch_sizes

    settings = homework_settings(threads=1 if args.threads is None else args.threads)
    corpus = corpus_from(args)
    times = time_batch_sizes(corpus, settings, args.seconds)
    title = f"One epoch of {corpus.name} ({corpus.tokens:,} words), reference engine, AdamW"
    table, figure = write_batch_sizes(times, title, args.out)
    rows = [
        (
            each.batch_size,
            each.seconds,
            TableCell(each.words_per_second, " *" if each.extrapolated else ""),
        )
        for each in times
    ]
    columns = (
        Column("batch size", ",d"),
        Column("one epoch", lambda seconds: f"{seconds:,.1f} s"),
        Column("words/s", ",.0f"),
    )
    yield Table(columns, rows, ruled=False)
    yield _how_much(corpus, times)
    yield f"saved {table} and {figure}\nnext: python -m debiaslab bench threads"


def _how_much(corpus: Corpus, times: tuple[BatchTime, ...]) -> str:
    sizes = f"{corpus.name}: {corpus.tokens:,} words, {len(corpus):,} types"
    if any(each.extrapolated for each in times):
        return sizes + "; * extrapolated from the start of the text"
    return sizes


def _threads(args: argparse.Namespace) -> Iterator[str | Table]:
    from debiaslab.bench import thread_counts, time_threads, write_threads
    from debiaslab.sgns import TrainSettings

    threads = (os.cpu_count() or 1) if args.threads is None else args.threads
    settings = TrainSettings(threads=threads)  # refuses what the machine has not
    corpus = corpus_from(args)
    speeds = time_threads(corpus, settings, thread_counts(threads))
    title = f"Training on {corpus.name}, dimension {settings.dim}, {speeds[0].engine} engine"
    table, figure = write_threads(speeds, title, args.out)
    first = speeds[0].words_per_second
    columns = (Column("threads"), Column("words/s", ",.0f"), Column("× one thread", ".2f"))
    rows = [(s.threads, s.words_per_second, s.words_per_second / first) for s in speeds]
    yield Table(columns, rows, ruled=False)
    yield f"saved {table} and {figure}\nnext: python -m debiaslab bench batch-size"
