"""The rows of the bar's table, a file for each measurement. To add one: a function, named here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from experiments.benchmarks.results import Row
from experiments.benchmarks.rows.encoded_epoch import encoded_epoch
from experiments.benchmarks.rows.growth import growth
from experiments.benchmarks.rows.homework import homework
from experiments.benchmarks.rows.metrics import metrics, million
from experiments.benchmarks.rows.metrics_programs import against_responsibly, against_wefe
from experiments.benchmarks.rows.overhead import overhead
from experiments.benchmarks.rows.penalty import penalty
from experiments.benchmarks.rows.reader import reader
from experiments.benchmarks.rows.text_to_vectors import text_to_vectors
from experiments.benchmarks.rows.words import words
from experiments.benchmarks.setup import A, B, Setup

Measurement = Callable[[Setup], list[Row]]

MEASUREMENTS: dict[str, Measurement] = {
    "words-a-1": partial(words, setting=A, threads=1, bar=10),
    "words-a-2": partial(words, setting=A, threads=2, bar=9),
    "words-b-1": partial(words, setting=B, threads=1, bar=12),
    "words-b-2": partial(words, setting=B, threads=2, bar=12),
    "reader": reader,
    "homework": homework,
    "penalty-a-1": partial(penalty, setting=A, threads=1),
    "penalty-a-2": partial(penalty, setting=A, threads=2),
    "penalty-b-1": partial(penalty, setting=B, threads=1),
    "penalty-b-2": partial(penalty, setting=B, threads=2),
    "encoded": encoded_epoch,
    "growth": growth,
    "text": text_to_vectors,
    "metrics": metrics,
    "metrics-million": million,
    "metrics-wefe": against_wefe,
    "metrics-responsibly": against_responsibly,
    "overhead": overhead,
}
