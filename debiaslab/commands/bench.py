"""The command that measures how fast training is on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from debiaslab.commands.options import CACHE, Command, OutputFolder, Said, folder_of
from debiaslab.settings.options import Real, Whole, command, option, part
from debiaslab.settings.study import CorpusPart
from debiaslab.tables import Column, Table, TableCell

if TYPE_CHECKING:
    from debiaslab.bench import BatchTime
    from debiaslab.corpus import Corpus

_FOLDER = folder_of(
    *(f"bench-{of}.{end}" for of in ("batch-size", "threads") for end in ("csv", "png"))
)


@command
class BenchCommand(Command):
    """Measure how fast training is on this machine; a table, a CSV file and a figure.

    batch-size: the time of one epoch at batch sizes 2 … 16,384, by the reference engine with AdamW
    and the homework's batches (dimension 50, window 2, 2 negatives). threads: words a second with
    1 … N threads at the defaults of `train`.
    """

    examples = """examples:
  python -m debiaslab bench batch-size
  python -m debiaslab bench threads biographies.txt.gz"""
    subject: Literal["batch-size", "threads"] = option(
        "batch-size or threads", flag="subject", metavar="SUBJECT"
    )
    corpus: CorpusPart = part(CorpusPart, "corpus")
    seconds: Real = option("batch-size: time limit for each batch size", default=5.0, gt=0)
    threads: Whole | None = option(
        "batch-size: threads to use (none: 1); threads: the most to use (none: all cores)",
        default=None,
        ge=1,
    )
    out: OutputFolder = option(
        "folder of the CSV and figure", default=_FOLDER("."), metavar="DIR", parse=_FOLDER
    )

    def run(self) -> Said:
        """Measure, write the files and show the table."""
        yield from self._batch_sizes() if self.subject == "batch-size" else self._threads()

    def _batch_sizes(self) -> Said:
        from debiaslab.bench import homework_settings, time_batch_sizes, write_batch_sizes
        from debiaslab.corpus import Corpus

        settings = homework_settings(threads=1 if self.threads is None else self.threads)
        corpus = Corpus.build(self.corpus.files, self.corpus.settings(), cache=CACHE)
        times = time_batch_sizes(corpus, settings, self.seconds)
        title = f"One epoch of {corpus.name} ({corpus.tokens:,} words), reference engine, AdamW"
        table, figure = write_batch_sizes(times, title, self.out)
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

    def _threads(self) -> Said:
        from debiaslab.bench import thread_counts, time_threads, write_threads
        from debiaslab.corpus import Corpus
        from debiaslab.sgns import TrainSettings

        threads = (os.cpu_count() or 1) if self.threads is None else self.threads
        settings = TrainSettings(threads=threads)  # refuses what the machine has not
        corpus = Corpus.build(self.corpus.files, self.corpus.settings(), cache=CACHE)
        speeds = time_threads(corpus, settings, thread_counts(threads))
        title = f"Training on {corpus.name}, dimension {settings.dim}, {speeds[0].engine} engine"
        table, figure = write_threads(speeds, title, self.out)
        first = speeds[0].words_per_second
        columns = (Column("threads"), Column("words/s", ",.0f"), Column("× one thread", ".2f"))
        rows = [(s.threads, s.words_per_second, s.words_per_second / first) for s in speeds]
        yield Table(columns, rows, ruled=False)
        yield f"saved {table} and {figure}\nnext: python -m debiaslab bench batch-size"


def _how_much(corpus: Corpus, times: tuple[BatchTime, ...]) -> str:
    sizes = f"{corpus.name}: {corpus.tokens:,} words, {len(corpus):,} types"
    if any(each.extrapolated for each in times):
        return sizes + "; * extrapolated from the start of the text"
    return sizes
