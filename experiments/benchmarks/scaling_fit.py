"""Fit what ``scaling`` measured, extrapolate it on paper, and draw docs/scaling.png.

``python -m experiments.benchmarks.scaling_fit`` prints the tables of docs/scaling.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from experiments.benchmarks.scaling import RESULTS, SIZES
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
        exponent, factor = np.polyfit(np.log(x), np.log(y), 1)
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
        slope, start = np.polyfit(x, y, 1)
        return cls(float(start), float(slope))

    def __call__(self, x: float) -> float:
        """Return y."""
        return self.start + self.slope * x


class Measured:
    """The medians of ``scaling.json``."""

    def __init__(self, runs: dict[str, list[dict[str, Any]]]) -> None:
        self._runs = runs

    def of(self, kind: str, variant: object, figure: str) -> list[float]:
        """Return a figure of one kind of work at every size."""
        return [self.at(kind, size, variant, figure) for size in SIZES]

    def at(self, kind: str, size: str, variant: object, figure: str) -> float:
        """Return the median of a figure."""
        return median(float(run[figure]) for run in self._runs[f"{kind}/{size}/{variant}"])

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
    for line in (*measured(found), "", *fitted(found), "", *overhead(found)):
        print(line)
    draw(found)
    print(f"\n{FIGURE}", file=sys.stderr)
    return 0


def measured(found: Measured) -> list[str]:
    """Return the table of medians."""
    rows = ["| | " + " | ".join(SIZES) + " |", "|---|" + "---:|" * len(SIZES)]

    def row(name: str, values: Sequence[float], form: str) -> None:
        rows.append(f"| {name} | " + " | ".join(format(value, form) for value in values) + " |")

    row("tokens read", found.of("encode", 0, "tokens"), ",.0f")
    row("types read", found.of("encode", 0, "raw_types"), ",.0f")
    row("types kept (min count 5)", found.of("encode", 0, "types"), ",.0f")
    for workers in (0, 1, 2):
        who = "one process" if workers == 0 else f"Dask, {workers} worker{'s' * (workers > 1)}"
        row(f"encoding, {who}: seconds", found.of("encode", workers, "seconds"), ".2f")
        row(f"encoding, {who}: peak memory, MiB", found.of("encode", workers, "peak_mib"), ",.0f")
    row("one epoch, one file: seconds", found.of("train", "whole", "seconds"), ".2f")
    row("one epoch, 8 shards: seconds", found.of("train", "shards", "seconds"), ".2f")
    row("training: peak memory, MiB", found.of("train", "whole", "peak_mib"), ",.0f")
    for workers in (1, 2):
        of = f"sweep, {workers} worker{'s' * (workers > 1)}"
        row(f"{of}: trials/hour", pace(found, workers), ",.0f")
        row(f"{of}: peak memory, MiB", found.of("sweep", workers, "peak_mib"), ",.0f")
    return rows


def pace(found: Measured, workers: int) -> list[float]:
    """Return trials an hour at every size."""
    trials, seconds = (found.of("sweep", workers, name) for name in ("trials", "seconds"))
    return [3600 * n / s for n, s in zip(trials, seconds, strict=True)]


def fitted(found: Measured) -> list[str]:
    """Return the laws, and what they give far out."""
    tokens = found.of("encode", 0, "tokens")
    types = found.of("encode", 0, "types")
    laws: dict[str, tuple[Power | Line, float, str]] = {
        "types read": (Power.fit(tokens, found.of("encode", 0, "raw_types")), FAR, ",.0f"),
        "types kept": (Power.fit(tokens, types), FAR, ",.0f"),
        "encoding, one process, s": (
            Power.fit(tokens, found.of("encode", 0, "seconds")),
            FAR,
            ",.0f",
        ),
        "one epoch, one thread, s": (
            Power.fit(tokens, found.of("train", "whole", "seconds")),
            FAR,
            ",.0f",
        ),
    }
    kept = laws["types kept"][0](FAR)
    memory = Line.fit(types, found.of("train", "whole", "peak_mib"))
    laws["training, peak MiB, by types kept"] = (memory, kept, ",.0f")
    besides = [3600 / each for each in pace(found, 1)]
    epochs = found.of("train", "whole", "seconds")
    rest = [s - t for s, t in zip(besides, epochs, strict=True)]
    laws["a trial besides its epoch, s, by types kept"] = (Line.fit(types, rest), kept, ",.0f")
    rows = ["| | law | at 10 billion tokens |", "|---|---|---:|"]
    for name, (law, at, form) in laws.items():
        said = (
            f"{law.factor:.3g} · tokens^{law.exponent:.3f}"
            if isinstance(law, Power)
            else f"{law.start:.3g} + {law.slope:.3g} · types"
        )
        rows.append(f"| {name} | {said} | {law(at):{form}} |")
    vectors = kept * DIM * 4 / 2**30
    rows.append(f"| vectors of one run, GiB | 4 · {DIM} · types kept | {vectors:.1f} |")
    runs = (TRIALS + 1) * SEEDS
    rows.append(f"| vectors of {runs:,} runs, TiB | | {runs * vectors / 1024:.1f} |")
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
    figure, (time, memory, trials) = pyplot.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    lines = {
        "encoding, one process": found.of("encode", 0, "seconds"),
        "encoding, Dask, 2 workers": found.of("encode", 2, "seconds"),
        "one epoch, one thread": found.of("train", "whole", "seconds"),
    }
    far = np.geomspace(tokens[0], FAR, 50)
    for i, (name, seconds) in enumerate(lines.items()):
        law = Power.fit(tokens, seconds)
        time.plot(
            tokens, seconds, "o", color=f"C{i}", label=f"{name} (exponent {law.exponent:.2f})"
        )
        time.plot(far, [law(x) for x in far], "--", lw=1, color=f"C{i}")
    time.set(title="time, s", xscale="log", yscale="log", xlabel="tokens")
    sizes = {
        "encoding, one process": found.of("encode", 0, "peak_mib"),
        "training": found.of("train", "whole", "peak_mib"),
        "sweep, 1 worker": found.of("sweep", 1, "peak_mib"),
        "sweep, 2 workers": found.of("sweep", 2, "peak_mib"),
    }
    for name, mib in sizes.items():
        memory.plot(tokens, mib, "o-", label=name)
    memory.set(title="peak memory, MiB", xscale="log", xlabel="tokens", ylim=(0, None))
    for workers in (1, 2):
        trials.plot(tokens, pace(found, workers), "o-", label=f"{workers} worker(s)")
    trials.set(title="trials an hour, 1 epoch each", xscale="log", yscale="log", xlabel="tokens")
    for axes in (time, memory, trials):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    figure.savefig(FIGURE, dpi=150)


if __name__ == "__main__":
    sys.exit(main())
