"""How fast training is on this machine: by batch size, as in the homework, and by threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.sgns import TrainResult, TrainSettings, train
from debiaslab.system.files import replacing, write_file
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from debiaslab.corpus import Corpus

BATCH_SIZES = tuple(2**power for power in range(1, 15))  # 2 … 16,384
REPEATS = 3
_PROBE_STEPS = 20  # of the short training that shows how much text fits the time limit
_PROBE_TOKENS = 200
_LEAST_WORDS = 2_000_000  # of one measurement of threads: a short text is passed several times
_BLUE = "#0072B2"


# Batch sizes -----------------------------------------------------------------------------------


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


# Threads ---------------------------------------------------------------------------------------


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


# Files -----------------------------------------------------------------------------------------


def write_batch_sizes(
    times: Sequence[BatchTime], title: str, folder: str | Path
) -> tuple[Path, Path]:
    """Write ``bench-batch-size.csv`` and its log–log figure ``.png``, and return their paths."""
    header = ("batch_size", "epoch_seconds", "words_per_second", "extrapolated", "measured_words")
    runs = [f"run_{i}" for i, _ in enumerate(times[0].measurements, start=1)]
    rows = [
        (
            *(t.batch_size, t.seconds, t.words_per_second, t.extrapolated, t.measured_words),
            *t.measurements,
        )
        for t in times
    ]
    stem = Path(folder) / "bench-batch-size"
    finding = f"{_batches_finding(times)}\n{title}"
    return (
        _write_csv(stem, (*header, *runs), rows),
        _write_png(stem, finding, lambda axes: _batches(axes, times)),
    )


def write_threads(
    speeds: Sequence[ThreadSpeed], title: str, folder: str | Path
) -> tuple[Path, Path]:
    """Write ``bench-threads.csv`` and its figure ``.png``, and return their paths."""
    runs = [f"run_{i}" for i, _ in enumerate(speeds[0].measurements, start=1)]
    rows = [(s.threads, s.words_per_second, *s.measurements) for s in speeds]
    stem = Path(folder) / "bench-threads"
    table = _write_csv(stem, ("threads", "words_per_second", *runs), rows)
    finding = f"{_threads_finding(speeds)}\n{title}"
    return table, _write_png(stem, finding, lambda axes: _threads(axes, speeds))


def _batches_finding(times: Sequence[BatchTime]) -> str:
    slow, fast = max(times, key=lambda t: t.seconds), min(times, key=lambda t: t.seconds)
    gain = slow.seconds / fast.seconds
    return (
        f"Batches of {fast.batch_size:,} train {gain:,.{0 if gain >= 10 else 1}f} times as fast as "
        f"batches of {slow.batch_size:,}: {slow.seconds:,.0f} s → {fast.seconds:,.0f} s"
    )


def _threads_finding(speeds: Sequence[ThreadSpeed]) -> str:
    first, last = speeds[0], speeds[-1]
    gain = last.words_per_second / first.words_per_second
    return (
        f"{last.threads} threads train {gain:.2f} times as fast as {first.threads}"
        if len(speeds) > 1
        else f"{first.words_per_second / 1e6:.2f} million words a second with one thread"
    )


def _write_csv(stem: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    path = stem.with_suffix(".csv")
    table = Table(tuple(map(Column, header)), list(rows))
    return write_file(path, table.csv())


def _write_png(stem: Path, title: str, draw: Callable[[Axes], None]) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11)
    axes.grid(True, color="#e3e3e3", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    path = stem.with_suffix(".png")
    with replacing(path) as new:
        figure.savefig(new, format="png")
    return path


def _batches(axes: Axes, times: Sequence[BatchTime]) -> None:
    size, seconds = [t.batch_size for t in times], [t.seconds for t in times]
    spread = [
        [t.seconds - min(t.measurements) for t in times],
        [max(t.measurements) - t.seconds for t in times],
    ]
    label = f"median of {len(times[0].measurements)}; bars: lowest and highest"
    axes.errorbar(size, seconds, yerr=spread, color=_BLUE, lw=1, capsize=3, label=label)
    axes.set_yscale("log")
    for extrapolated, fill, label in (
        (False, _BLUE, "whole epoch trained"),
        (True, "white", "extrapolated from the start of the text"),
    ):
        shown = [t for t in times if t.extrapolated == extrapolated]
        if shown:
            x, y = [t.batch_size for t in shown], [t.seconds for t in shown]
            axes.scatter(x, y, color=fill, edgecolors=_BLUE, zorder=3, label=label)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("batch size, positions")
    axes.set_ylabel("time of one epoch, seconds")
    axes.legend(frameon=False)


def _threads(axes: Axes, speeds: Sequence[ThreadSpeed]) -> None:
    threads = [s.threads for s in speeds]
    speed = [s.words_per_second / 1e6 for s in speeds]
    spread = [
        [s.words_per_second / 1e6 - min(s.measurements) / 1e6 for s in speeds],
        [max(s.measurements) / 1e6 - s.words_per_second / 1e6 for s in speeds],
    ]
    label = f"median of {len(speeds[0].measurements)}; bars: lowest and highest"
    axes.errorbar(threads, speed, yerr=spread, fmt="o-", color=_BLUE, capsize=3, label=label)
    ideal = [n * speed[0] for n in threads]
    axes.plot(threads, ideal, "--", color="#6b6b6b", lw=1, label="threads × one thread")
    axes.set_xticks(threads)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("threads")
    axes.set_ylabel("million words a second")
    axes.legend(frameon=False)
