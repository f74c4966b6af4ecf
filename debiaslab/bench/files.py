"""The measurements as CSV files and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.bench.batch_size import BatchTime
from debiaslab.bench.threads import ThreadSpeed
from debiaslab.system.files import replacing, write_file
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BLUE = "#0072B2"


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
