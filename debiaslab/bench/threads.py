"""Words a second of the fast engine by number of threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from tqdm import tqdm

from debiaslab.sgns import TrainSettings, train

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

REPEATS = 3
_LEAST_WORDS = 2_000_000  # of one measurement: a short text is passed several times


@dataclass(frozen=True)
class ThreadSpeed:
    """Training speed with some threads."""

    threads: int
    words_per_second: float  # median; in-vocabulary words before subsampling
    measurements: tuple[float, ...]
    engine: str


def thread_counts(most: int) -> tuple[int, ...]:
    """Return 1, 2, 4, 8, … up to ``most``, and ``most``."""
    powers = [2**power for power in range(most.bit_length()) if 2**power < most]
    return (*powers, most)


def time_threads(
    corpus: Corpus, settings: TrainSettings, threads: Sequence[int], *, progress: bool = True
) -> tuple[ThreadSpeed, ...]:
    """Train ``REPEATS`` times with each number of threads, in alternation.

    Args:
        corpus: Encoded corpus.
        settings: Everything but threads and epochs.
        threads: Numbers of threads.
        progress: Whether to draw a progress bar.
    """
    epochs = max(1, -(-_LEAST_WORDS // corpus.tokens))
    chosen = [replace(settings, threads=n, epochs=epochs) for n in threads]
    engine = train(corpus, replace(chosen[0], epochs=1), progress=False).engine  # compiles
    speeds: list[list[float]] = [[] for _ in chosen]
    total = REPEATS * len(chosen)
    with tqdm(total=total, desc="threads", leave=False, disable=not progress) as bar:
        for _ in range(REPEATS):
            for each, measured in zip(chosen, speeds, strict=True):
                bar.set_postfix_str(f"{each.threads} thread{'s' * (each.threads > 1)}")
                measured.append(train(corpus, each, progress=False).words_per_second)
                bar.update()
    return tuple(
        ThreadSpeed(n, median(measured), tuple(measured), engine)
        for n, measured in zip(threads, speeds, strict=True)
    )
