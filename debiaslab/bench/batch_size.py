"""The homework's experiment: how long one epoch takes at each batch size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.sgns import TrainResult, TrainSettings, train

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

BATCH_SIZES = tuple(2**power for power in range(1, 15))  # 2 … 16,384
REPEATS = 3
_PROBE_STEPS = 20  # of the short training that shows how much text fits the time limit
_PROBE_TOKENS = 200


@dataclass(frozen=True)
class BatchTime:
    """Time of one epoch at one batch size."""

    batch_size: int
    seconds: float  # for one epoch of the whole corpus: the median of the measurements
    measurements: tuple[float, ...]  # the same, each
    measured_words: int  # in-vocabulary words that were trained each time
    extrapolated: bool  # whether that was less than the whole corpus
    words_per_second: float  # median; in-vocabulary words before subsampling


def homework_settings(batch_size: int = 512, *, threads: int = 1, seed: int = 1) -> TrainSettings:
    """Return the homework's training: setting B, AdamW, one target a row."""
    return TrainSettings(
        dim=50,
        window=2,
        dynamic=False,
        negatives=2,
        epochs=1,
        optimizer="adamw",
        lr=1e-3,
        layout="homework",
        engine="reference",
        batch_size=batch_size,
        threads=threads,
        seed=seed,
    )


def time_batch_sizes(
    corpus: Corpus, settings: TrainSettings, seconds: float, *, progress: bool = True
) -> tuple[BatchTime, ...]:
    """Train ``REPEATS`` times with each of ``BATCH_SIZES`` and return the time of one epoch.

    A slice from the start of the corpus is trained when the whole would take longer than that part
    of ``seconds``; the vocabulary, and so the cost of a step, stays that of the whole.

    Args:
        corpus: Encoded corpus.
        settings: Everything but the batch size.
        seconds: Time limit for each batch size, all repeats together, roughly kept.
        progress: Whether to draw a progress bar.
    """
    times = []
    with tqdm(total=len(BATCH_SIZES), desc="batch sizes", leave=False, disable=not progress) as bar:
        for batch_size in BATCH_SIZES:
            bar.set_postfix_str(f"batch {batch_size:,}")
            times.append(_time(corpus, replace(settings, batch_size=batch_size), seconds))
            bar.update()
    return tuple(times)


def _time(corpus: Corpus, settings: TrainSettings, seconds: float) -> BatchTime:
    """Train a short slice, which also warms up, and then as much as the limit allows."""
    probe = max(_PROBE_STEPS * settings.batch_size, _PROBE_TOKENS)
    short = _train_slice(corpus, settings, probe)
    tokens = max(probe, int(seconds / REPEATS * short.words_per_second))
    trained = [_train_slice(corpus, settings, tokens) for _ in range(REPEATS)]
    measured = tuple(each.seconds * corpus.tokens / each.words for each in trained)
    return BatchTime(
        batch_size=settings.batch_size,
        seconds=median(measured),
        measurements=measured,
        measured_words=trained[0].words,
        extrapolated=tokens < corpus.tokens,
        words_per_second=corpus.tokens / median(measured),
    )


def _train_slice(corpus: Corpus, settings: TrainSettings, tokens: int) -> TrainResult:
    result = train(first_tokens(corpus, tokens), settings, progress=False)
    if result.words == 0:
        raise UserError(
            "subsampling left no word of the start of the corpus",
            allowed="a text with more than a few different words",
        )
    return result


def first_tokens(corpus: Corpus, tokens: int) -> Corpus:
    """Return the start of a corpus, about so many tokens, with the vocabulary of the whole."""
    if tokens >= corpus.tokens:
        return corpus
    ids = corpus.ids[: tokens + 1]
    return replace(corpus, ids=ids, tokens=int(np.count_nonzero(ids >= 0)))
