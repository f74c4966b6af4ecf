"""Fit what ``scaling`` measured, extrapolate it on paper, and draw docs/scaling.png.

``python -m experiments.benchmarks.scaling_fit`` prints the tables of docs/scaling.md.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from experiments.benchmarks.scaling import FILES, RESULTS, SIZES, WORKERS
from experiments.benchmarks.setup import REPOSITORY

FIGURE = REPOSITORY / "docs" / "scaling.png"
FAR, TRIALS, SEEDS, DIM = 10e9, 1_000, 2, 100


@dataclass(frozen=True)
class Power:
    """y = factor · x^exponent, least squares of the logarithms."""

    factor: float
    exponent: float

    @classmethod
    def fit(cls, x: Sequence[float], y: Sequence[float]) -> Power:
        """Fit the law."""
        exponent, factor = np.polyfit(*np.log(_known(x, y)), 1)
        return cls(float(np.exp(factor)), float(exponent))

    def __call__(self, x: float) -> float:
        """Return y."""
        return float(self.factor * x**self.exponent)


@dataclass(frozen=True)
class Line:
    """y = start + slope · x, least squares."""

    start: float
    slope: float

    @classmethod
    def fit(cls, x: Sequence[float], y: Sequence[float]) -> Line:
        """Fit the line."""
        slope, start = np.polyfit(*_known(x, y), 1)
        return cls(float(start), float(slope))

    def __call__(self, x: float) -> float:
        """Return y."""
        return self.start + self.slope * x


def _known(x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    pairs = np.array([x, y])
    return pairs[:, ~np.isnan(pairs).any(axis=0)]


class Measured:
    """The medians of ``scaling.json``."""

    def __init__(self, runs: dict[str, list[dict[str, Any]]]) -> None:
        self._runs = runs

    def of(self, kind: str, variant: object, figure: str) -> list[float]:
        """Return a figure of one kind of work at every size."""
        return [self.at(kind, size, variant, figure) for size in SIZES]

    def at(self, kind: str, size: str, variant: object, figure: str) -> float:
        """Return the median of a figure; NaN when it was not measured."""
        runs = self._runs.get(f"{kind}/{size}/{variant}")
        return median(float(run[figure]) for run in runs) if runs else math.nan

    def workers(self, size: str, dim: int, strategy: str) -> tuple[str, ...]:
        """Return types × dimension, MiB of two matrices, and the most that either worker took."""
        runs = self._runs.get(f"worker/{size}/{dim}/{strategy}")
        if not runs:
            return ("n/m",) * 3
        most = median(max(run["worker_mib"]) for run in runs)
        return f"{runs[0]['types']:,} × {dim}", f"{runs[0]['matrices_mib']:.0f}", f"{most:.0f}"

    def overhead(self) -> dict[str, tuple[float, float]]:
        """Return milliseconds of a trial by kind of work; the first two trials load code."""
        trials = [trial for run in self._runs["overhead"] for trial in run["trials"][2:]]

        def milliseconds(kind: str, clock: int) -> float:
            return 1000 * median(trial.get(kind, (0.0, 0.0))[clock] for trial in trials)

        kinds = sorted({kind for trial in trials for kind in trial})
        return {kind: (milliseconds(kind, 0), milliseconds(kind, 1)) for kind in kinds}


def main() -> int:
    """Print tables and draw the figure."""
    found = Measured(json.loads(RESULTS.read_text())["runs"])
    for part in (measured, fitted, workers, overhead):
        print("\n".join([*part(found), ""]))
    draw(found)
    print(FIGURE, file=sys.stderr)
    return 0


def measured(found: Measured) -> list[str]:
    """Return the table of medians."""
    rows = ["| | " + " | ".join(SIZES) + " |", "|---|" + "---:|" * len(SIZES)]

    def row(name: str, values: Sequence[float], form: str) -> None:
        shown = ("n/m" if math.isnan(value) else format(value, form) for value in values)
        rows.append(f"| {name} | " + " | ".join(shown) + " |")

    row("tokens read", found.of("encode", 0, "tokens"), ",.0f")
    row("types read", found.of("encode", 0, "raw_types"), ",.0f")
    row("types kept (min count 5)", found.of("encode", 0, "types"), ",.0f")
    for workers in (0, 1, 2):
        who = "one process" if workers == 0 else f"Dask, {workers} worker{'s' * (workers > 1)}"
        row(f"encoding, {who}: seconds", found.of("encode", workers, "seconds"), ".1f")
        row(f"encoding, {who}: CPU seconds", found.of("encode", workers, "cpu_seconds"), ".1f")
        row(f"encoding, {who}: peak memory, MiB", found.of("encode", workers, "peak_mib"), ",.0f")
    for kind, what in (("whole", "one file"), ("shards", f"{FILES} shards")):
        row(f"one epoch, {what}: seconds", found.of("train", kind, "seconds"), ".2f")
        row(f"one epoch, {what}: CPU seconds", found.of("train", kind, "cpu_seconds"), ".2f")
    row("training: peak memory, MiB", found.of("train", "whole", "peak_mib"), ",.0f")
    for workers in (1, 2):
        of = f"sweep, {workers} worker{'s' * (workers > 1)}"
        row(f"{of}: trials/hour", pace(found, workers), ",.0f")
        row(f"{of}: CPU seconds a run", cost(found, workers), ".1f")
        row(f"{of}: peak memory, MiB", found.of("sweep", workers, "peak_mib"), ",.0f")
    return rows


def pace(found: Measured, workers: int) -> list[float]:
    """Return trials an hour at every size."""
    trials, seconds = (found.of("sweep", workers, name) for name in ("trials", "seconds"))
    return [3600 * n / s for n, s in zip(trials, seconds, strict=True)]


def cost(found: Measured, workers: int) -> list[float]:
    """Return CPU seconds of a run at every size, the start of processes and all else shared out."""
    trials, seconds = (found.of("sweep", workers, name) for name in ("trials", "cpu_seconds"))
    return [s / (n + 1) for n, s in zip(trials, seconds, strict=True)]


def fitted(found: Measured) -> list[str]:
    """Return the laws, and what they give far out."""
    tokens = found.of("encode", 0, "tokens")
    types = found.of("encode", 0, "types")
    laws: dict[str, tuple[Power | Line, float, str]] = {
        "types read": (Power.fit(tokens, found.of("encode", 0, "raw_types")), FAR, ",.0f"),
        "types kept": (Power.fit(tokens, types), FAR, ",.0f"),
        "encoding, CPU s": (Line.fit(tokens, found.of("encode", 0, "cpu_seconds")), FAR, ",.0f"),
        "one epoch, CPU s": (
            Power.fit(tokens, found.of("train", "whole", "cpu_seconds")),
            FAR,
            ",.0f",
        ),
        "encoding, peak MiB, by types read": (
            Line.fit(found.of("encode", 0, "raw_types"), found.of("encode", 0, "peak_mib")),
            Power.fit(tokens, found.of("encode", 0, "raw_types"))(FAR),
            ",.0f",
        ),
    }
    kept = laws["types kept"][0](FAR)
    memory = Line.fit(types, found.of("train", "whole", "peak_mib"))
    laws["training, peak MiB, by types kept"] = (memory, kept, ",.0f")
    rows = ["| | law | at 10 billion tokens |", "|---|---|---:|"]
    for name, (law, at, form) in laws.items():
        what = "types" if "by types" in name else "tokens"
        said = (
            f"{law.factor:.3g} · tokens^{law.exponent:.3f}"
            if isinstance(law, Power)
            else f"{law.start:.3g} + {law.slope:.3g} · {what}"
        )
        rows.append(f"| {name} | {said} | {law(at):{form}} |")
    vectors = kept * DIM * 4 / 2**30
    rows.append(f"| vectors of one run, GiB | 4 · {DIM} · types kept | {vectors:.1f} |")
    runs = (TRIALS + 1) * SEEDS
    rows.append(f"| vectors of {runs:,} runs, TiB | | {runs * vectors / 1024:.1f} |")
    return rows


def workers(found: Measured) -> list[str]:
    """Return the table of docs/how-to/workers.md: memory that no other process shares."""
    strategies = sorted({strategy for _, strategy in WORKERS}, reverse=True)
    rows = ["| types × dimension | two matrices | " + " | ".join(strategies) + " |"]
    rows.append("|---|---:|" + "---:|" * len(strategies))
    for dim in sorted({dim for dim, _ in WORKERS}):
        for size in SIZES:
            each = [found.workers(size, dim, strategy) for strategy in strategies]
            rows.append("| " + " | ".join([*each[0][:2], *(most for *_, most in each)]) + " |")
    return rows


def overhead(found: Measured) -> list[str]:
    """Return where a trial's time goes."""
    rows = ["| a trial, ms | by the wall | processor |", "|---|---:|---:|"]
    for kind, (wall, busy) in found.overhead().items():
        rows.append(f"| {kind} | {wall:,.0f} | {busy:,.0f} |")
    return rows


def draw(found: Measured) -> None:
    """Draw time, memory and pace against tokens."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    tokens = np.array(found.of("encode", 0, "tokens"))
    paces = {
        n: found_pace for n in (1, 2) if not all(map(math.isnan, found_pace := pace(found, n)))
    }
    panels = 3 if paces else 2
    figure, (time, memory, *last) = pyplot.subplots(
        1, panels, figsize=(4 * panels, 3.6), layout="constrained"
    )
    lines = {
        "encoding, one process": found.of("encode", 0, "cpu_seconds"),
        "encoding, Dask, 2 workers": found.of("encode", 2, "cpu_seconds"),
        "one epoch, one thread": found.of("train", "whole", "cpu_seconds"),
    }
    far = np.geomspace(tokens[0], FAR, 50)
    for i, (name, seconds) in enumerate(lines.items()):
        law = Power.fit(tokens, seconds) if name.startswith("one") else Line.fit(tokens, seconds)
        time.plot(tokens, seconds, "o", color=f"C{i}", label=name)
        time.plot(far, [law(x) for x in far], "--", lw=1, color=f"C{i}")
    time.set(title="CPU seconds", xscale="log", yscale="log", xlabel="tokens")
    sizes = {
        "encoding, one process": found.of("encode", 0, "peak_mib"),
        "encoding, Dask, 2 workers": found.of("encode", 2, "peak_mib"),
        "one epoch, one thread": found.of("train", "whole", "peak_mib"),
    }
    sizes |= {f"sweep, {n} worker{'s' * (n > 1)}": found.of("sweep", n, "peak_mib") for n in paces}
    for name, mib in sizes.items():
        memory.plot(tokens, mib, "o-", label=name)
    memory.set(title="peak memory, MiB", xscale="log", xlabel="tokens", ylim=(0, None))
    for trials in last:
        for n, each in paces.items():
            trials.plot(tokens, each, "o-", label=f"{n} worker{'s' * (n > 1)}")
        title = "trials an hour, 1 epoch each"
        trials.set(title=title, xscale="log", yscale="log", xlabel="tokens")
    for axes in (time, memory, *last):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    figure.savefig(FIGURE, dpi=150)


if __name__ == "__main__":
    sys.exit(main())
